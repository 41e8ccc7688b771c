"""How many films a second does a Ray cluster of this machine predict, beside this process, and what do shards take?

    python benchmarks/ray_throughput.py [FILMS --posters DIR] [--bundle BUNDLE] [--copies 4] [--repeats 3]
        [--processors N] [--quick]

Both engines predict the same catalogue in Parquet shards with the two reference networks (untrained, which costs as
much as trained) or the members of a bundle that ``multigenre train`` made, fusion and thresholds included, and take
turns. The cluster is started before. Prints one JSON line:

- ``local_s``, ``ray_s``, ``spread``, ``ratio``, ``ratio_range``: seconds for all films, bundle loaded and, with Ray,
  actors started each time; the ratio is local over ray, so above 1 where Ray is faster;
- ``local_start_s``, ``ray_start_s``: the same for 16 films;
- ``local_films_per_s``, ``ray_films_per_s``: the other films over what they take beyond that start, medians;
- ``max_abs_diff``: largest difference of any probability between the two;
- ``actors``, ``processors``: of the cluster;
- ``convert_films_per_s``: films that are written to shards in a second, each poster decoded once to see that it can be;
- ``shard_bytes_per_film``, ``predicted_bytes_per_film``: of the shards, and of the predictions in Parquet;
- ``members``, ``films``, ``repeats``.

FILMS, of which 3,000 are made if none are given, are repeated under ids of their own. ``--quick`` takes 400 made films,
two copies and one repeat.
"""

import argparse
import json
import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import ray
from machine import machine
from out_of_core import several
from paired import comparison, in_turns, seconds
from untrained import read_films, untrained_ensemble

from multigenre.ensemble import read_documents
from multigenre.shards import convert, predict_shards

FEW = 16  # films of the catalogue that shows what a start takes


class Job:
    """Predicts shards with an engine, into a new folder each time."""

    def __init__(self, bundle, shards, folder, engine):
        self.bundle, self.shards, self.folder, self.engine = bundle, shards, folder, engine

    def __call__(self):
        """Predict all films once."""
        self.out = Path(tempfile.mkdtemp(prefix=self.engine, dir=self.folder))
        predict_shards(self.bundle, self.shards, self.out, engine=self.engine)

    def values(self):
        """Return the last predictions' probabilities."""
        return pd.read_parquet(self.out).select_dtypes("number").to_numpy()


def bytes_of(folder):
    """Return the size of the Parquet files of a folder."""
    return sum(path.stat().st_size for path in folder.glob("*.parquet"))


def untrained_bundle(films, folder):
    """Write the bundle of the two untrained networks, and return its path."""
    ensemble = untrained_ensemble(films, Path(folder, "untrained"))
    ensemble.preset = "reference"  # actors do not know the one that trains nothing
    ensemble.save(Path(folder, "bundle"))
    return Path(folder, "bundle")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument(
        "--bundle", help="predict with this bundle's members, not with the untrained networks"
    )
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processors", type=int, default=max(2, os.cpu_count()))
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    logging.getLogger("ray").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        made = 400 if args.quick else 3000
        films = read_films(args.films, args.posters, made=made, folder=Path(folder, "posters"))
        bundle = args.bundle or untrained_bundle(films.take(np.arange(200)), folder)
        shards, few = Path(folder, "shards"), Path(folder, "few")
        many = several(films, 2 if args.quick else args.copies)
        convert_s = seconds(convert, many, shards)
        convert(films.take(np.arange(FEW)), few)
        ray.init(num_cpus=args.processors, include_dashboard=False, log_to_driver=False)
        jobs = {
            f"{engine}{part}_s": Job(bundle, source, folder, engine)
            for part, source in (("", shards), ("_start", few))
            for engine in ("local", "ray")
        }
        table = in_turns(jobs, 1 if args.quick else args.repeats)
        ray.shutdown()
        rates = {
            f"{engine}_films_per_s": round(
                ((len(many) - FEW) / (table[f"{engine}_s"] - table[f"{engine}_start_s"])).median()
            )
            for engine in ("local", "ray")
        }
        result = {
            **comparison(table, "local_s", "ray_s"),
            **rates,
            "max_abs_diff": float(np.abs(jobs["local_s"].values() - jobs["ray_s"].values()).max()),
            "actors": args.processors - 1,
            "processors": args.processors,
            "convert_films_per_s": round(len(many) / convert_s),
            "shard_bytes_per_film": round(bytes_of(shards) / len(many)),
            "predicted_bytes_per_film": round(bytes_of(jobs["ray_s"].out) / len(many)),
            "members": list(read_documents(bundle)["bundle"]["members"]),
            "films": len(many),
        }
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
