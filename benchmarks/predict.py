"""How many films a second do the two reference members answer, in plain Keras and here, and in how much memory?

    python benchmarks/predict.py [FILMS --posters DIR] [--repeats 5] [--quick] [--plot FILE.png]

Both programs have the same two networks with the same weights (untrained, which costs as much as trained), read every
poster's file and answer every film. They take turns on the same films in one process. Prints one JSON line:

- ``plain_s``, ``ours_s``, ``spread``: median seconds for all films, and the range of each;
- ``plain_films_per_s``, ``ours_films_per_s``: films over those seconds;
- ``ratio``, ``ratio_range``: median of the paired ratios of seconds, and the smallest and largest;
- ``autotuned_s``, ``autotuned_ratio``: the same of the plain program with TensorFlow's autotuner, which is on unless
  one switches it off, and sleeps (see `multigenre.networks.untuned`); it is off in the one above;
- ``plain_batch``: the batch size of 64 and 256 at which plain Keras was faster here, and which it was given;
- ``max_abs_diff``: largest difference of any probability; ours rounds posters to whole pixel values, plain does not;
- ``rss_mb_5k``, ``rss_mb_100k``: peak resident memory, in MB of a million bytes, of a fresh process that loads the
  bundle and predicts a catalogue of 5,000 and of 100,000 films; those beyond FILMS repeat their overviews and posters
  under ids of their own, and every poster is decoded again;
- ``catalogue``: films, seconds of the prediction alone and peak memory of each such process;
- ``films``, ``repeats``.

The plain program is two models of `plain_keras`, each fed by tf.data (parallel map, batch, prefetch) and asked by
`model.predict`, and the mean of the two. Ours is `GenreEnsemble.predict`, fusion and thresholds included. Without FILMS
5,000 are made. ``--quick`` takes 400 films, three repeats and catalogues of 250 and 2,500 films, whose memory is
``rss_mb_250`` and ``rss_mb_2500`` instead. ``--plot`` measures catalogues between these too, and draws
``catalogue``. Memory is read from /proc, so it takes Linux.
"""

import argparse
import json
import os
import tempfile
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from fresh_process import in_fresh_process, peak_mb
from machine import machine
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from paired import comparison, in_turns, seconds
from plain_keras import read_poster
from untrained import plain_models, read_films, untrained_ensemble

from multigenre import Films, GenreEnsemble
from multigenre.networks import untuned


def plain_predict(models, films, batch, *, autotuner=False):
    """Return the mean of both plain models' probabilities."""
    posters = tf.data.Dataset.from_tensor_slices(films.posters.astype(str))
    posters = posters.map(read_poster, num_parallel_calls=tf.data.AUTOTUNE)
    overviews = tf.data.Dataset.from_tensor_slices(films.overviews.astype(str))
    inputs = [one.batch(batch).prefetch(tf.data.AUTOTUNE) for one in (posters, overviews)]
    inputs = inputs if autotuner else map(untuned, inputs)
    return sum(model.predict(one, verbose=0) for model, one in zip(models, inputs, strict=True)) / 2


def compare(ensemble, films, repeats):
    """Return seconds, rates and ratio of both programs, in turns, and how far their probabilities differ."""
    models = plain_models(ensemble)
    trial = films.take(np.arange(min(len(films), 512)))
    for batch in (64, 256):
        plain_predict(models, trial, batch)  # traces
    times = {batch: seconds(plain_predict, models, trial, batch) for batch in (64, 256)}
    batch = min(times, key=times.get)
    programs = {
        "plain_s": partial(plain_predict, models, films, batch),
        "ours_s": partial(ensemble.predict, films),
        "autotuned_s": partial(plain_predict, models, films, batch, autotuner=True),
    }
    plain, ours = programs["plain_s"](), programs["ours_s"]()  # warms up
    mean = sum(member.values for member in ours.members) / 2
    table = in_turns(programs, repeats)
    found = comparison(table, "plain_s")
    return {
        "plain_films_per_s": round(len(films) / found["plain_s"]),
        "ours_films_per_s": round(len(films) / found["ours_s"]),
        **found,
        "autotuned_ratio": round((table["autotuned_s"] / table["ours_s"]).median(), 2),
        "plain_batch": batch,
        "max_abs_diff": float(np.abs(mean - plain).max()),
        "films": len(films),
    }


def catalogue(n_films, films, bundle):
    """Predict so many films; return how many, the seconds and this process's peak memory."""
    rows = np.arange(n_films) % len(films)
    ids = [f"{film}-{number}" for number, film in enumerate(films.ids[rows])]
    many, ensemble = Films(ids, films.overviews[rows], films.posters[rows]), GenreEnsemble.load(bundle)
    start = time.perf_counter()
    prediction = ensemble.predict(many)
    taken = time.perf_counter() - start
    assert len(prediction.genre_names()) == n_films
    return {"films": n_films, "seconds": round(taken, 2), "rss_mb": peak_mb()}


def draw(rows):
    """Return a figure of prediction time and memory against catalogue size."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    sizes = [row["films"] for row in rows]
    for axes, key, label in zip(
        figure.subplots(1, 2), ("seconds", "rss_mb"), ("prediction, seconds", "peak memory, MB"), strict=True
    ):
        values = [row[key] for row in rows]
        axes.plot(sizes, values, "o-", color="black")
        axes.set(xlabel="films in the catalogue", ylabel=label)
        axes.set(xlim=(0, 1.08 * max(sizes)), ylim=(0, 1.15 * max(values)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, integer=True))
            axis.set_major_formatter("{x:,.0f}")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot")
    args = parser.parse_args()
    sizes = {"250": 250, "2500": 2500} if args.quick else {"5k": 5000, "100k": 100_000}
    between = () if not args.plot else (1000,) if args.quick else (1000, 20_000, 50_000)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle")
        films = read_films(args.films, args.posters, made=2500 if args.quick else 5000, folder=folder)
        ensemble = untrained_ensemble(films.take(np.arange(200)), bundle)
        timed = films.take(np.arange(400)) if args.quick else films
        result = compare(ensemble, timed, 3 if args.quick else args.repeats)
        rows = [
            in_fresh_process(catalogue, size, films, bundle) for size in sorted((*sizes.values(), *between))
        ]
    memory = {row["films"]: row["rss_mb"] for row in rows}
    result |= {f"rss_mb_{name}": memory[size] for name, size in sizes.items()} | {"catalogue": rows}
    print(json.dumps(result | machine()))
    if args.plot:
        draw(rows).savefig(args.plot, dpi=200)


if __name__ == "__main__":
    main()
