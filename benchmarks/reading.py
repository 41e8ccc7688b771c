"""How fast is a large table read, in how much memory, and how does that compare with pandas?

    python benchmarks/reading.py [--films 1000000] [--repeats 3] [--quick]

Makes a CSV of films (id, title, year, genres joined by |, an overview of about 55 words) and reads it in turns, each
time in a fresh interpreter, with `Films.read` and with `pandas.read_csv(dtype=str)`, which finds no films in it. Prints
one JSON line:

- ``seconds``, ``pandas_seconds``: median wall time of reading, without imports; ``ratio``: of the two, pair by pair;
- ``peak_mb``, ``pandas_peak_mb``: peak memory of the process, less what it had before it read;
- ``file_mb``; ``peak_ratio``: our peak in sizes of the file;
- ``spread``: range of each; ``films``; ``repeats``.

``--quick`` reads 20,000 films once.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from machine import machine

READ = """
import json, resource, sys, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
films = {read}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({{"seconds": seconds, "peak_mb": (peak - before) / 1024, "films": len(films)}}))
"""
PROGRAMS = {
    "ours": READ.format(
        imports="from multigenre.data import Films, read_films\nimport pandas, pyarrow.compute",
        read="Films.read(sys.argv[1])",
    ),
    "pandas": READ.format(
        imports="import pandas",
        read="pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False)",
    ),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    films, repeats = (20_000, 1) if args.quick else (args.films, args.repeats)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "films.csv", films)
        size = path.stat().st_size / 2**20
        runs = [{name: run(program, path) for name, program in PROGRAMS.items()} for _ in range(repeats)]
    print(json.dumps(summary(runs, size) | {"films": films, "repeats": repeats, **machine()}))


def write(path, films, seed=0):
    """Write made films as a table: words that repeat as words do, some texts in quotes for their commas."""
    rng = np.random.default_rng(seed)
    words = np.array(["w" + "aeiou"[k % 5] * (k % 4) + str(k) for k in range(5000)])
    texts = [
        " ".join(words[rng.zipf(1.4, 55) % 5000]) + (", he said." if k % 3 else ".") for k in range(50_000)
    ]
    genres = [
        "|".join(rng.choice(["Action", "Comedy", "Drama", "War"], k % 3 + 1, replace=False))
        for k in range(200)
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "year", "genres", "overview"])
        for film in range(films):
            overview = f"{film} {texts[film % 50_000]}"
            row = [f"tt{film:08}", f"Title {film}", 1920 + film % 100, genres[film % 200], overview]
            writer.writerow(row)
    return path


def run(program, path):
    """Read the table in a fresh interpreter and return what it says."""
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def summary(runs, size):
    """Return the medians, the ratio pair by pair, and the range of each."""
    ours, pandas = ([one[name] for one in runs] for name in ("ours", "pandas"))
    values = {
        "seconds": [one["seconds"] for one in ours],
        "pandas_seconds": [one["seconds"] for one in pandas],
        "peak_mb": [one["peak_mb"] for one in ours],
        "pandas_peak_mb": [one["peak_mb"] for one in pandas],
    }
    values["ratio"] = [a / b for a, b in zip(values["seconds"], values["pandas_seconds"], strict=True)]
    values["peak_ratio"] = [peak / size for peak in values["peak_mb"]]
    medians = {name: round(float(np.median(found)), 3) for name, found in values.items()}
    spread = {name: [round(min(found), 3), round(max(found), 3)] for name, found in values.items()}
    return medians | {"file_mb": round(size, 1), "spread": spread}


if __name__ == "__main__":
    main()
