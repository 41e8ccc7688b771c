"""How long does `multigenre evaluate` take for a million films in shards, once they are predicted, and how much memory?

    python benchmarks/evaluate.py [--films 1000000] [--quick]

A bundle of three members is fitted on made films; then labels and probabilities of 25 genres are drawn for the films of
a catalogue and written as `multigenre convert` and `predict --with-members` write them, without posters and overviews.
A fresh process evaluates that. Prints one JSON line:

- ``seconds``: of `multigenre.shards.evaluate_shards`, which finds all predictions there: scores and intervals of three
  members, their fusion and the prevalence baseline, and the paired difference to the best member;
- ``cpu_seconds``: of all threads of that process, which say more where other work is beside;
- ``peak_mb``: peak resident memory of that process, TensorFlow included, in MB of a million bytes (Linux only);
- ``films``, ``genres``, ``contenders``.

``--quick`` takes 30,000 films.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from fresh_process import in_fresh_process, peak_mb
from machine import machine

from multigenre import Films, GenreEnsemble, GenreProbabilities, make_films
from multigenre.data import sigmoid
from multigenre.ensemble import Prediction
from multigenre.shards import _predict as prediction
from multigenre.shards import convert, evaluate_shards, predict_shards

MEMBERS = ("poster-colours", "overview-tfidf", "overview-bag")
GENRES = 25
SHARD = 4096


def drawn(part, n_films):
    """Return the log-odds of some films (n_films, 25), float32, labels drawn by them, and what draws the rest."""
    rng = np.random.default_rng(part)
    truth = rng.standard_normal((n_films, GENRES), np.float32) * 1.5 + np.linspace(
        0, -7, GENRES, dtype=np.float32
    )
    return truth, (rng.random(truth.shape, np.float32) < sigmoid(truth)).astype(np.uint8), rng


def drawn_predictions(ensemble):
    """Return an engine of `predict_shards` that draws probabilities in place of predicting them."""

    def engine(_, parts, *, with_members):
        for number, (name, path) in enumerate(parts.items()):
            ids = prediction._ids(path)
            truth, _, rng = drawn(number, len(ids))
            said = [
                GenreProbabilities(
                    ids,
                    ensemble.genres_,
                    sigmoid(truth + np.float32(noise) * rng.standard_normal(truth.shape, np.float32)),
                    name,
                )
                for noise, name in ((1.5, MEMBERS[0]), (1.0, MEMBERS[1]), (0.8, MEMBERS[2]), (0.5, "fused"))
            ]
            *members, fused = said
            labels = pd.DataFrame((fused.values >= 0.5).astype(np.uint8), ids, list(ensemble.genres_))
            table = Prediction(fused, tuple(members), labels).to_frame(with_members=with_members)
            yield name, pa.Table.from_pandas(table, preserve_index=False)

    return engine


def prepare(folder, n_films):
    """Write a bundle, the shards of a catalogue and the predictions of its films."""
    made = make_films(300, genres=16, folder=Path(folder, "posters"))
    others = drawn(0, len(made))[1][:, : GENRES - len(made.genres)]
    names = [*made.genres, *(f"genre {number}" for number in range(others.shape[1]))]
    films = Films(made.ids, made.overviews, made.posters, np.hstack([made.labels, others]), names)
    ensemble = GenreEnsemble(MEMBERS).fit(films)
    ensemble.save(Path(folder, "bundle"))
    sizes = [min(SHARD, n_films - start) for start in range(0, n_films, SHARD)]
    labels = np.concatenate([drawn(number, size)[1] for number, size in enumerate(sizes)])
    blank = [""] * n_films
    ids = [f"film {number}" for number in range(n_films)]
    convert(Films(ids, blank, blank, labels, ensemble.genres_), Path(folder, "shards"), shard_films=SHARD)
    prediction.ENGINES["drawn"] = drawn_predictions(ensemble)
    paths = Path(folder, "bundle"), Path(folder, "shards"), Path(folder, "out")
    predict_shards(*paths, engine="drawn", with_members=True)


def evaluate(folder):
    """Return seconds and this process's peak memory in MB of evaluating what `prepare` wrote."""
    start, busy = time.perf_counter(), time.process_time()
    scores, _ = evaluate_shards(Path(folder, "bundle"), Path(folder, "shards"), Path(folder, "out"))
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(time.process_time() - busy, 1),
        "peak_mb": peak_mb(),
        "contenders": len(scores),
        "films": scores["fused"]["n_films"],
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        in_fresh_process(prepare, folder, args.films or (30_000 if args.quick else 1_000_000))
        result = in_fresh_process(evaluate, folder)
    print(json.dumps({**result, "genres": GENRES} | machine()))


if __name__ == "__main__":
    main()
