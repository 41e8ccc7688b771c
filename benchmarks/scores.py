"""How long do exact scores and their intervals take for a million films?

    python benchmarks/scores.py [--films 1000000] [--repeats 3] [--quick]

Probabilities and labels of 25 genres are drawn, Drama-like genres on half of the films and the rarest on one in 500.
Prints one JSON line:

- ``seconds``, ``sklearn_seconds``, ``spread``: median seconds of `multigenre.scores.scores`, and of the peer, average
  precision, Brier score and log loss of scikit-learn in a loop over genres, its average precision of all pairs, and its
  F1, micro, macro and of films; in turns; and the ranges. The peer has no calibration error, precision, recall, subset
  accuracy or Hamming loss;
- ``ratio``, ``ratio_range``: median of the paired ratios, and the smallest and largest;
- ``max_diff``: largest difference of a score between the two;
- ``torchmetrics_seconds``: of torchmetrics' functions of the same names, on the same arrays, if it is installed;
- ``interval_seconds``: of `multigenre.scores.bootstrap_scores` of the same films;
- ``resample_seconds``: of the same of 20,000 films at most, the most that are drawn again, 1,000 resamples;
- ``input_mb``, ``data_mb``, ``peak_mb``: size of probabilities and labels, in MB of a million bytes, and peak resident
  memory of a fresh process that draws them, before and after it scores them (Linux only);
- ``films_x10``, ``genres_x4``: how many times as long scores of ten times the films take (all of them, over a tenth),
  and of four times the genres (a tenth of the films); medians;
- ``films``, ``genres``, ``repeats``.

``--quick`` takes 100,000 films, one repeat and 100 resamples.
"""

import argparse
import json
from functools import partial
from importlib.util import find_spec

import numpy as np
from fresh_process import in_fresh_process, peak_mb
from machine import machine
from paired import comparison, in_turns
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss

from multigenre import Films, GenreProbabilities
from multigenre.data import sigmoid
from multigenre.scores import bootstrap_scores, scores

GENRES = 25
BLOCK = 10_000  # films drawn at once, so that drawing needs little memory beside what it gives
RESAMPLED = 20_000


def drawn(n_films, n_genres=GENRES):
    """Return probabilities (n_films, n_genres), float32, and labels drawn by them, uint8."""
    rng = np.random.default_rng(0)
    values, labels = np.empty((n_films, n_genres), np.float32), np.empty((n_films, n_genres), np.uint8)
    shift = np.linspace(0, -7, n_genres, dtype=np.float32)
    for start in range(0, n_films, BLOCK):
        part = slice(start, start + BLOCK)
        shape = values[part].shape
        values[part] = sigmoid(rng.standard_normal(shape, np.float32) * np.float32(1.5) + shift)
        labels[part] = rng.random(shape, np.float32) < values[part]
    return values, labels


def records(values, labels):
    """Return the arrays as probabilities and films."""
    n_films, n_genres = values.shape
    blank = [""] * n_films
    ids, names = np.arange(n_films), [f"genre {number}" for number in range(n_genres)]
    films = Films(ids, blank, blank, labels, names, "test")
    return GenreProbabilities(films.ids, films.genres, values, "fused", "test"), films


def sklearn_scores(values, labels):
    """Return the scores as a user of scikit-learn finds them."""
    columns = list(zip(labels.T, values.T, strict=True))
    clipped = np.clip(values, 1e-7, 1 - 1e-7, dtype=np.float64)
    named = values >= 0.5
    f1 = {
        name: f1_score(labels, named, average=name, zero_division=0) for name in ("micro", "macro", "samples")
    }
    return {
        "map_macro": np.mean([average_precision_score(*column) for column in columns]),
        "map_micro": average_precision_score(labels.ravel(), values.ravel()),
        "brier": np.mean([brier_score_loss(*column) for column in columns]),
        "bce": np.mean([log_loss(label, value) for label, value in zip(labels.T, clipped.T, strict=True)]),
        **{f"f1_{name}": value for name, value in f1.items()},
    }


def torchmetrics_scores(values, labels):
    """Compute the scores as a user of torchmetrics does."""
    import torch
    from torchmetrics.functional.classification import multilabel_average_precision, multilabel_f1_score

    values, labels = torch.from_numpy(values), torch.from_numpy(labels).long()
    for average in ("macro", "micro"):
        multilabel_average_precision(values, labels, labels.shape[1], average=average)
        multilabel_f1_score(values, labels, labels.shape[1], average=average)
    multilabel_f1_score(values, labels, labels.shape[1], multidim_average="samplewise").mean()
    torch.nn.functional.binary_cross_entropy(values, labels.float())
    torch.nn.functional.mse_loss(values, labels.float())


def peak(n_films):
    """Return this process's peak memory in MB before and after it scores films, and the size of the arrays."""
    values, labels = drawn(n_films)
    size = round((values.nbytes + labels.nbytes) / 1e6)
    data = records(values, labels)
    del values, labels
    before = peak_mb()
    scores(*data)
    return {"input_mb": size, "data_mb": before, "peak_mb": peak_mb()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    n_films, repeats = (100_000, 1) if args.quick else (1_000_000, args.repeats)
    n_films = args.films or n_films
    memory = in_fresh_process(peak, n_films)
    values, labels = drawn(n_films)
    data, tenth = records(values, labels), records(*drawn(n_films // 10))
    few, wide = records(*drawn(min(n_films, RESAMPLED))), records(*drawn(n_films // 10, 4 * GENRES))
    programs = {
        "seconds": partial(scores, *data),
        "sklearn_seconds": partial(sklearn_scores, values, labels),
        "interval_seconds": partial(bootstrap_scores, *data),
        "resample_seconds": partial(bootstrap_scores, *few, replicates=100 if args.quick else 1000),
        "tenth": partial(scores, *tenth),
        "wide": partial(scores, *wide),
    }
    if find_spec("torchmetrics"):
        programs["torchmetrics_seconds"] = partial(torchmetrics_scores, values, labels)
    ours, theirs = scores(*data), sklearn_scores(values, labels)
    table = in_turns(programs, repeats)
    growth = {"films_x10": table["seconds"] / table["tenth"], "genres_x4": table["wide"] / table["tenth"]}
    result = {
        **comparison(table.drop(columns=["tenth", "wide"]), "sklearn_seconds", "seconds"),
        **{name: round(ratios.median(), 2) for name, ratios in growth.items()},
        **memory,
        "max_diff": float(max(abs(ours[name] - value) for name, value in theirs.items())),
        "films": n_films,
        "genres": GENRES,
    }
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
