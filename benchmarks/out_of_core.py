"""How much memory does training from Parquet shards take as the catalogue grows, and how fast is it?

    python benchmarks/out_of_core.py [FILMS --posters DIR] [--member poster-cnn] [--copies 1 4 16] [--quick]

One epoch of a reference network, from shards and from films in memory, each in a fresh process, on catalogues of so
many copies of the films, each copy with poster files of its own (links). Films in memory have their posters decoded
once; films in shards have them decoded in every epoch. Prints one JSON line:

- ``films``, ``copies``: of one copy, and how many of them each catalogue is;
- ``shards_mb``, ``memory_mb``: peak resident memory, in MB of a million bytes, of each process, by catalogue;
- ``shards_films_per_s``, ``memory_films_per_s``: films that an epoch trains on in a second, by catalogue, from the end
  of its first batch, whose tracing takes seconds; decoding is part of it only for shards;
- ``window``: films that are shuffled together;
- ``shard_bytes_per_film``.

Without FILMS 2,000 are made. ``--quick`` takes 300 made films, one copy and 4. Memory is read from
/proc: it takes Linux.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from multigenre.members import OverviewMember, PosterMember

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from fresh_process import in_fresh_process, peak_mb
from machine import machine
from untrained import read_films

from multigenre import Films
from multigenre.networks import Recipe
from multigenre.shards import WINDOW, convert, fit_from_shards

NETWORKS = {"poster-cnn": PosterMember, "overview-lstm": OverviewMember}


def several(films, copies, *, links=None):
    """Return so many copies of films, under ids of their own and, in a folder for links, with posters of their own."""
    rows = np.tile(np.arange(len(films)), copies)
    ids = [f"{film}-{number}" for number, film in enumerate(films.ids[rows])]
    posters = films.posters[rows]
    if links is not None:
        links.mkdir()
        posters = [
            _link(poster, links / f"{film}{Path(poster).suffix}")
            for film, poster in zip(ids, posters, strict=True)
        ]
    return Films(ids, films.overviews[rows], posters, films.labels[rows], films.genres)


def _link(poster, path):
    path.symlink_to(Path(poster).resolve())
    return str(path)


def epoch(name, source):
    """Train for one epoch; return peak memory in MB and films a second."""
    member, steps = NETWORKS[name](Recipe(epochs=1)), []

    def progress(what, done, total):
        if "epoch" in what:
            steps.append((time.perf_counter(), done))

    if isinstance(source, Films):
        member.fit(source, progress=progress)
    else:
        fit_from_shards(member, source, progress=progress)
    (first, done), (last, total) = steps[0], steps[-1]
    return peak_mb(), (total - done) * member.recipe.batch_size / (last - first)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--member", default="poster-cnn")
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    copies = [1, 4] if args.quick else args.copies
    with tempfile.TemporaryDirectory() as folder:
        made = 300 if args.quick else 2000
        films = read_films(args.films, args.posters, made=made, folder=Path(folder, "posters"))
        found = {"shards": [], "memory": []}
        for number in copies:
            shards = Path(folder, f"shards-{number}")
            many = several(films, number, links=Path(folder, f"links-{number}"))
            table = convert(many, shards)
            for kind, source in (("shards", shards), ("memory", many)):
                found[kind].append(in_fresh_process(epoch, args.member, source))
    result = {
        "member": args.member,
        "films": len(films),
        "copies": copies,
        **{f"{kind}_mb": [memory for memory, _ in rows] for kind, rows in found.items()},
        **{f"{kind}_films_per_s": [round(rate) for _, rate in rows] for kind, rows in found.items()},
        "window": WINDOW,
        "shard_bytes_per_film": round(table["bytes"].sum() / table["films"].sum()),
    }
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
