"""How long do exact thresholds, fusion and bootstrap intervals take for a million films?

    python benchmarks/thresholds.py [--films 1000000] [--repeats 5] [--quick]

Probabilities and labels of 25 genres are drawn, Drama-like genres on half of the films and the rarest on one in 500.
Prints one JSON line:

- ``seconds``, ``sklearn_seconds``, ``spread``: median seconds of `multigenre.calibration.f1_thresholds`, and of the
  peer, a loop over genres with scikit-learn's `precision_recall_curve` and the argmax of F1, in turns; and the ranges;
- ``ratio``, ``ratio_range``: median of the paired ratios, and the smallest and largest;
- ``max_f1_diff``: largest difference of a genre's F1 between both programs' thresholds;
- ``peak_mb``, ``data_mb``: peak resident memory, in MB of a million bytes, of a fresh process that draws the data and
  then finds the thresholds, after and before it finds them (Linux only);
- ``fuse_seconds``: median seconds of `LateFusion.predict` of as many films from three members, 5 % of whose rows are
  missing;
- ``bootstrap_seconds``: median seconds of `multigenre.scores.bootstrap_scores` of 5,000 films, 1,000 resamples;
- ``films``, ``genres``, ``repeats``.

``--quick`` takes 100,000 films and three repeats, and 100 resamples.
"""

import argparse
import json
from functools import partial

import numpy as np
from fresh_process import in_fresh_process, peak_mb
from machine import machine
from paired import comparison, in_turns
from sklearn.metrics import f1_score, precision_recall_curve

from multigenre import Films, GenreProbabilities, Genres, LateFusion
from multigenre.calibration import f1_thresholds
from multigenre.data import sigmoid
from multigenre.scores import bootstrap_scores

GENRES = Genres([f"genre {number}" for number in range(25)])
MEMBERS = ("poster", "overview", "words")


def drawn(n_films, seed=0):
    """Return probabilities (n_films, 25), float32, and labels drawn by them, uint8."""
    rng = np.random.default_rng(seed)
    shape = n_films, len(GENRES)
    values = rng.standard_normal(shape, np.float32)
    values *= 1.5
    values += np.linspace(0, -7, len(GENRES), dtype=np.float32)
    values = sigmoid(values)
    return values, (rng.random(shape, np.float32) < values).astype(np.uint8)


def sklearn_thresholds(values, labels):
    """Return each genre's cut of highest F1, as a user of scikit-learn finds it."""
    cuts = []
    for value, label in zip(values.T, labels.T, strict=True):
        precision, recall, thresholds = precision_recall_curve(label, value)
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        cuts.append(thresholds[np.argmax(f1[:-1])])
    return np.array(cuts)


def f1_scores(values, labels, cuts):
    return np.array([f1_score(labels[:, k], values[:, k] >= cut) for k, cut in enumerate(cuts)])


def peak(n_films):
    """Return this process's peak memory in MB before and after it finds thresholds."""
    data = drawn(n_films)
    before = peak_mb()
    f1_thresholds(*data)
    return {"data_mb": before, "peak_mb": peak_mb()}


def members_of(values, ids, role=None):
    """Return three members that see the same probabilities, each missing for other films."""
    rng = np.random.default_rng(1)
    members = []
    for name in MEMBERS:
        seen = np.where(rng.random((len(ids), 1)) < 0.05, np.float32(np.nan), values)
        members.append(GenreProbabilities(ids, GENRES, seen, name, role))
    return members


def films_of(labels, role):
    blank = [""] * len(labels)
    return Films([f"{role} {row}" for row in range(len(labels))], blank, blank, labels, GENRES, role)


def fusion_program(values):
    """Return a function that fuses three members' probabilities of the films."""
    few, labels = drawn(2000, seed=2)
    films = films_of(labels, "calibration")
    fusion = LateFusion().fit(members_of(few, films.ids, films.role), films)
    return partial(fusion.predict, members_of(values, np.arange(len(values))))


def bootstrap_program(replicates):
    """Return a function that computes the intervals of 5,000 films' scores."""
    values, labels = drawn(5000, seed=3)
    films = films_of(labels, "test")
    fused = GenreProbabilities(films.ids, GENRES, values, "fused", films.role)
    return partial(bootstrap_scores, fused, films, replicates=replicates)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    n_films, repeats = (100_000, min(3, args.repeats)) if args.quick else (1_000_000, args.repeats)
    n_films = args.films or n_films
    memory = in_fresh_process(peak, n_films)
    values, labels = drawn(n_films)
    ours, sklearn = (find(values, labels) for find in (f1_thresholds, sklearn_thresholds))
    programs = {
        "seconds": partial(f1_thresholds, values, labels),
        "sklearn_seconds": partial(sklearn_thresholds, values, labels),
        "fuse_seconds": fusion_program(values),
        "bootstrap_seconds": bootstrap_program(100 if args.quick else 1000),
    }
    differing = np.abs(f1_scores(values, labels, ours) - f1_scores(values, labels, sklearn)).max()
    result = {
        **comparison(in_turns(programs, repeats), "sklearn_seconds", "seconds"),
        **memory,
        "max_f1_diff": float(differing),
        "films": n_films,
        "genres": len(GENRES),
    }
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
