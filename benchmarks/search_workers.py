"""What do two workers make of a search, against one?

    python benchmarks/search_workers.py [--trials 12] [--repeats 3] [--quick]

The same random search of a small poster network on 400 made films, by a chief and one worker, and by a chief and two,
in turns, each in a new folder. Every worker has its share of the cores. Prints one JSON line:

- ``one_worker``, ``two_workers``: median trials a minute from the first trial's start to the last's end;
- ``ratio``: the second by the first, pair by pair: its median; ``spread``: ranges;
- ``start_seconds``: median of the time before the first trial, with one worker.

``--quick`` runs four trials once.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from machine import machine

from multigenre import Films, make_films
from multigenre.search import FilmTrial, SearchPlan, poster_space, run_workers, search


def space(hp):
    """Return settings of a poster network that trains in seconds."""
    design = {"size": 32, "filters": [8, 16, 32], "dense": [64]}
    settings = poster_space(hp)
    settings["poster-cnn"]["design"] = design
    return settings


def one_process(films, folder, trials):
    """Run what the chief and every worker run."""
    films = Films.read(Path(films) / "films.csv", posters=films)
    roles = films.split({"train": 0.8, "validation": 0.2})
    plan = SearchPlan(strategy="random", trials=trials, epochs=10)
    search(space, FilmTrial(roles["train"], roles["validation"]), folder, plan=plan)


def timed(films, trials, workers):
    """Return trials a minute, and the seconds before the first one starts."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--process", str(films), folder, "--trials", str(trials)]
        started = time.time()
        run_workers(command, folder, workers=workers)
        ends = [path.stat().st_mtime for path in Path(folder).rglob("result.json")]
        measures = [json.loads(path.read_text())["seconds"] for path in Path(folder).rglob("result.json")]
        begin = min(end - seconds for end, seconds in zip(ends, measures, strict=True))
    assert len(ends) == trials
    return 60 * trials / (max(ends) - begin), begin - started


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--process", nargs=2, metavar=("FILMS", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.process:
        one_process(*args.process, args.trials)
        return
    trials, repeats = (4, 1) if args.quick else (args.trials, args.repeats)
    with tempfile.TemporaryDirectory() as films:
        table = make_films(400, genres=6, folder=films).to_frame()
        table.to_csv(Path(films) / "films.csv", index=False)
        pairs = [[timed(films, trials, workers) for workers in (1, 2)] for _ in range(repeats)]
    one, two = ([pair[place][0] for pair in pairs] for place in (0, 1))
    ratios = [second / first for first, second in zip(one, two, strict=True)]
    columns = {
        "one_worker": one,
        "two_workers": two,
        "ratio": ratios,
        "start_seconds": [pair[0][1] for pair in pairs],
    }
    result = {name: round(statistics.median(values), 2) for name, values in columns.items()}
    result["spread"] = {
        name: [round(min(values), 2), round(max(values), 2)] for name, values in columns.items()
    }
    print(json.dumps({**result, "trials": trials, "repeats": repeats, **machine()}))


if __name__ == "__main__":
    main()
