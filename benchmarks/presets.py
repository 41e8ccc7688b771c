"""How good are the ensemble, its members and the prevalence baseline on films that none of them saw?

    python benchmarks/presets.py FILMS --posters DIR [--preset reference] [--seeds 0 1 2] [--out FILE]

Trains once a seed, which also draws the split, and prints one JSON line: every contender's scores by role and seed,
and their mean and standard deviation over seeds. With ``--work DIR`` trained members are kept, and a second run only
fuses and scores them again. ``--quick`` trains on 400 films that the library makes, for under a minute.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from machine import machine
from over_seeds import mean_and_sd

from multigenre import Films, GenreEnsemble, make_films
from multigenre.cli import parse_split

METRICS = ("bce", "map_macro", "map_micro", "f1_micro", "f1_macro")


def run(films, args, seed):
    """Train one ensemble; return its scores by role and contender."""
    start = time.perf_counter()
    ensemble = GenreEnsemble(args.members, preset=args.preset, seed=seed)
    folder = Path(args.work) / f"{args.preset}-seed{seed}" if args.work else None
    ensemble.fit(films, split=parse_split(args.split), folder=folder)
    return {"seed": seed, "seconds": round(time.perf_counter() - start, 1), "scores": ensemble.metrics_}


def summary(runs):
    """Return mean and standard deviation over seeds, by role, contender and metric."""
    found = {}
    for role, contenders in runs[0]["scores"].items():
        for name in contenders:
            for metric in METRICS:
                values = [one["scores"][role][name][metric] for one in runs]
                found.setdefault(role, {}).setdefault(name, {})[metric] = mean_and_sd(values)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--preset", default="reference")
    parser.add_argument("--members", type=lambda text: text.split(","))
    parser.add_argument("--split", default="train=0.7,validation=0.1,calibration=0.1,test=0.1")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--work", help="keep trained members in this folder, and do not train again those there"
    )
    parser.add_argument("--out", help="write the JSON line to this file as well, after every seed")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.quick or not args.films:
            films, args.preset, args.seeds = make_films(400, folder=folder, seed=0), "quick", args.seeds[:1]
        else:
            films = Films.read(args.films, posters=args.posters)
        runs = []
        for seed in args.seeds:
            runs.append(run(films, args, seed))
            line = json.dumps(
                {
                    "benchmark": "presets",
                    "preset": args.preset,
                    "split": args.split,
                    "n_films": len(films),
                    "mean_and_sd": summary(runs),
                    "runs": runs,
                    **machine(),
                }
            )
            if args.out:
                Path(args.out).write_text(line + "\n", encoding="utf-8")
        print(line)


if __name__ == "__main__":
    main()
