"""How long does fusing take, quiet and busy, and beside the way of an earlier commit?

    python benchmarks/fusion_fit.py [--films 5000] [--genres 25] [--repeats 5] [--busy] [--growth] [--quick]

Three members say how probable 25 genres are of films that are drawn, one in ten films missing for each. What is timed
is what `GenreEnsemble.fit` does once its members have trained: `LateFusion.fit`, and the fused probabilities that
thresholds are chosen on. Each time in a fresh process, as threads are set when a library loads. Prints one JSON line:

- ``seconds``, ``baseline_seconds``, ``spread``: medians, and ranges, in turns with the same work by the code of commit
  8112010, which Git has kept (without Git: null): five more fusions are fitted for the thresholds there;
- ``fit_seconds``, ``baseline_fit_seconds``: of these the part of `LateFusion.fit`;
- ``speedup``, ``speedup_range``, ``fit_speedup``: of the paired ratios baseline over ours;
- with ``--busy``: the same under ``busy_``, while as many other processes spin as there are processors less one, and
  ``ratio_busy``: seconds busy over quiet;
- with ``--growth``: ``grown``, seconds by films and genres: ten times the films, four times the genres;
- ``films``, ``genres``, ``repeats``.

``--quick`` takes 1,265 films at the most, one repeat, and ``--busy``.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from statistics import median

from machine import machine
from paired import spinning

ROOT = Path(__file__).parents[1]
BASELINE = "8112010"
# One program for both: the earlier commit has no probabilities held out, and its function lies elsewhere.
PROGRAM = """
import sys, time
import numpy as np
from multigenre import Films, GenreProbabilities, Genres, LateFusion
try:
    from multigenre.fusion import out_of_fold
except ImportError:
    from multigenre.cross_fitting import out_of_fold

def drawn(n_films, n_genres, seed=0):
    rng = np.random.default_rng(seed)
    evidence = rng.normal(size=(n_films, n_genres)) + np.linspace(0, -4, n_genres)
    evidence += rng.normal(size=(n_films, 1)) * rng.normal(size=n_genres)  # genres that come together
    labels = (rng.random(evidence.shape) < 1 / (1 + np.exp(-1.5 * evidence))).astype(np.uint8)
    genres, ids = Genres([f"genre {k}" for k in range(n_genres)]), [f"film {k}" for k in range(n_films)]
    blank, members = [""] * n_films, []
    for name, noise in (("bag", 1.0), ("poster", 2.0), ("words", 1.2)):
        said = 1 / (1 + np.exp(-evidence - noise * rng.normal(size=evidence.shape)))
        said[rng.random(n_films) < 0.1] = np.nan
        members.append(GenreProbabilities(ids, genres, said, name, "calibration"))
    return members, Films(ids, blank, blank, labels, genres, "calibration")

members, films = drawn(int(sys.argv[1]), int(sys.argv[2]))
LateFusion(method="mean").fit(members, films)  # what is loaded once is not timed
start = time.perf_counter()
fusion = LateFusion().fit(members, films)
fitted = time.perf_counter()
held_out = getattr(fusion, "held_out_", None)
if held_out is None:
    held_out = out_of_fold(fusion, members, films)
print(fitted - start, time.perf_counter() - start)
"""


def baseline_code(folder):
    """Return the folder with the package as it was at the earlier commit, None if Git does not have it."""
    done = subprocess.run(["git", "archive", BASELINE, "multigenre"], cwd=ROOT, capture_output=True)
    if done.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def seconds(code, n_films, n_genres):
    """Return the seconds of `LateFusion.fit` and of all by the package in a folder."""
    command = [sys.executable, "-c", PROGRAM, str(n_films), str(n_genres)]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    done = subprocess.run(
        command, env=environment, cwd=code, capture_output=True, text=True, check=True
    ).stdout
    fit, whole = map(float, done.split())
    return fit, whole


def measured(codes, n_films, n_genres, repeats):
    """Return what the JSON line says of films and genres, with the baseline where it is there."""
    runs = {name: [] for name in codes}
    for _ in range(repeats):
        for name, code in codes.items():
            runs[name].append(seconds(code, n_films, n_genres))
    found = {"spread": {}}
    for name, each in runs.items():
        prefix = "" if name == "ours" else "baseline_"
        for kind, times in zip(("fit_seconds", "seconds"), zip(*each, strict=True), strict=True):
            found[prefix + kind] = round(median(times), 3)
            found["spread"][prefix + kind] = [round(min(times), 3), round(max(times), 3)]
    if "baseline" in runs:
        for place, kind in enumerate(("fit_speedup", "speedup")):
            pairs = zip(runs["baseline"], runs["ours"], strict=True)
            ratios = [theirs[place] / ours[place] for theirs, ours in pairs]
            found |= {
                kind: round(median(ratios), 2),
                f"{kind}_range": [round(f(ratios), 2) for f in (min, max)],
            }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--films", type=int, default=5000)
    parser.add_argument("--genres", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.films, given.repeats, given.busy = min(given.films, 1265), 1, True
    with tempfile.TemporaryDirectory() as folder:
        codes = {"ours": ROOT}
        if baseline_code(folder):
            codes["baseline"] = Path(folder)
        size = given.films, given.genres
        found = measured(codes, *size, given.repeats)
        if given.busy:
            with spinning(max(1, len(os.sched_getaffinity(0)) - 1)):
                busy = measured(codes, *size, given.repeats)
            found |= {f"busy_{name}": value for name, value in busy.items()}
            found["ratio_busy"] = round(busy["seconds"] / found["seconds"], 2)
        if given.growth:
            sizes = [size, (10 * size[0], size[1]), (size[0], 4 * size[1])]
            found["grown"] = [
                {"films": films, "genres": genres, "seconds": round(seconds(ROOT, films, genres)[1], 2)}
                for films, genres in sizes
            ]
    of = {"films": given.films, "genres": given.genres, "repeats": given.repeats}
    print(json.dumps({**found, **of, **machine()}))


if __name__ == "__main__":
    main()
