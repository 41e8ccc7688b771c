"""How long does one film take, once everything is loaded, in plain Keras and here?

    python benchmarks/single_film.py [FILMS --posters DIR] [--calls 300] [--quick]

Both programs have the same two networks with the same weights, read and decode the film's poster file, and answer one
film at a time, in turns, each time another film. Prints one JSON line:

- ``p50_ms``, ``p99_ms``: milliseconds of `GenreEnsemble.predict` of one film: both members, fusion and thresholds;
- ``plain_p50_ms``, ``plain_p99_ms``: of the two models of `plain_keras` and the mean of their probabilities;
- ``plain_call``: how the plain models were asked, whichever of ``model(x)``, ``model.predict`` and
  ``model.predict_on_batch`` took the least here;
- ``ratio``: plain_p50_ms over p50_ms;
- ``first_ms``: the first call after loading, which also builds TensorFlow's graphs;
- ``calls``: timed calls of each program; ``films``: different films among them.

Without FILMS 300 are made. ``--quick`` makes 60 calls of each.
"""

import argparse
import itertools
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import tensorflow as tf
from machine import machine
from paired import seconds
from plain_keras import read_poster
from untrained import plain_models, read_films, untrained_ensemble

PLAIN_CALLS = {
    "model(x)": lambda model, inputs: model(inputs, training=False),
    "model.predict": lambda model, inputs: model.predict(inputs, verbose=0),
    "model.predict_on_batch": lambda model, inputs: model.predict_on_batch(inputs),
}


def plain_answer(models, call, film):
    """Return the mean of both plain models' probabilities of one film."""
    inputs = read_poster(film.posters[0])[None], tf.constant([film.overviews[0]])
    return sum(np.asarray(call(model, one)) for model, one in zip(models, inputs, strict=True)) / 2


def fastest_call(models, films):
    """Return the name of the way to ask the plain models that takes the least, after three calls each."""
    times = {
        name: [seconds(plain_answer, models, call, film) for film in films[:13]][3:]
        for name, call in PLAIN_CALLS.items()
    }
    return min(times, key=lambda name: np.median(times[name]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    calls = 60 if args.quick else args.calls
    with tempfile.TemporaryDirectory() as folder:
        films = read_films(args.films, args.posters, made=300, folder=folder)
        ensemble = untrained_ensemble(films.take(np.arange(200)), Path(folder, "bundle"))
        models = plain_models(ensemble)
        films = [films.take([row]) for row in range(len(films))]
        first = seconds(ensemble.predict, films[-1])
        for film in films[:20]:
            ensemble.predict(film)
        call = fastest_call(models, films)
        times = pd.DataFrame(
            {
                "ours": seconds(ensemble.predict, film),
                "plain": seconds(plain_answer, models, PLAIN_CALLS[call], film),
            }
            for film in itertools.islice(itertools.cycle(films), calls)
        )
    (p50, plain_p50), (p99, plain_p99) = (1000 * times.quantile([0.5, 0.99])).to_numpy()
    result = {
        "p50_ms": round(p50, 1),
        "p99_ms": round(p99, 1),
        "plain_p50_ms": round(plain_p50, 1),
        "plain_p99_ms": round(plain_p99, 1),
        "plain_call": call,
        "ratio": round(plain_p50 / p50, 2),
        "first_ms": round(1000 * first),
        "calls": calls,
        "films": min(calls, len(films)),
    }
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
