"""Scores of films drawn again and again, all resamples at once, and their percentile intervals."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from multigenre.scores._rates import BINS, bin_cells, losses, rates, rates_of_counts

METRICS = ("bce", "map_macro", "map_micro", "f1_micro", "f1_macro", "f1_samples", "brier", "ece")
CELLS = 4_000_000  # weights held at once: films x genres x resamples, 32 MB an array


def resample(contenders, labels: np.ndarray, replicates: int, seed: int):
    """Return scores (n_contenders, 1 + replicates, n_metrics): of the films as they are, then resampled.

    A resample is how often each film was drawn, so its scores are weighted ones and films are ranked once.
    """
    n_films = len(labels)
    if not n_films:
        return np.full((len(contenders), 1 + replicates, len(METRICS)), np.nan)
    rng = np.random.default_rng(seed)
    # What does not change from draw to draw; bins stay those of the films as they are.
    fixed = [(_rankings(values, labels), _residuals(values, labels)) for values, _ in contenders]
    chunk = max(1, CELLS // labels.size)
    samples = []
    for start in range(-1, replicates, chunk):
        size = min(chunk, replicates - start)
        weights = rng.multinomial(n_films, np.full(n_films, 1 / n_films), size=size).T.astype(float)
        if start < 0:
            weights[:, 0] = 1
        pairs = zip(contenders, fixed, strict=True)
        samples.append([_weighted_scores(*one, labels, *known, weights) for one, known in pairs])
    return np.concatenate(samples, axis=1)


def _weighted_scores(values, predicted, labels, rankings, residuals, weights):
    """Return `METRICS` (n_resamples, n_metrics) of films counted ``weights`` (n_films, n_resamples) times."""
    positives, chosen = weights.T @ labels, weights.T @ predicted
    hits = weights.T @ (predicted & (labels == 1))
    live = positives > 0
    *a_genre, overall = (average_precision(ranking, weights) for ranking in rankings)
    totals = [counts.sum(axis=1) for counts in (hits, chosen, positives)]
    columns = (
        weights.T @ losses(values, labels).mean(axis=1) / len(values),
        _live_mean(np.stack(a_genre, axis=1), live),
        overall,
        np.where(live.any(axis=1), rates_of_counts(*totals)[2], np.nan),
        _live_mean(rates_of_counts(hits, chosen, positives)[2], live),
        weights.T @ rates(predicted, labels, axis=1)[2] / len(values),
        weights.T @ np.square(values - labels, dtype=float).mean(axis=1) / len(values),
        np.abs(residuals @ weights).sum(axis=0) / labels.size,
    )
    return np.stack(columns, axis=1)


def _live_mean(a_genre, live):
    """Return the mean over live genres of each resample, NaN where none is live."""
    total, count = np.where(live, a_genre, 0).sum(axis=1), live.sum(axis=1)
    return np.divide(total, count, out=np.full(len(live), np.nan), where=count > 0)


def _rankings(values, labels):
    """Return what `average_precision` needs for each genre, and last for all cells together."""
    films = np.arange(len(labels))
    columns = [ranking_of(value, label, films) for value, label in zip(values.T, labels.T, strict=True)]
    return [*columns, ranking_of(values.ravel(), labels.ravel(), np.repeat(films, labels.shape[1]))]


def ranking_of(value, label, film):
    """Return which films' cells lie between one positive's value and the next, (n_cuts, n_films) sparse.

    First the positive cells alone, then all cells, most probable first: times weights, they give what each
    cut adds to the hits and to the films it reaches.
    """
    order = np.argsort(-value, kind="stable")
    positive = order[label[order] == 1]
    reach = np.searchsorted(-value[order], -value[positive], side="right")
    ends, starts = np.unique(reach, return_index=True)
    shape = (len(ends), film[-1] + 1)
    cells, bounds = order[: reach.max(initial=0)], np.append(0, ends)
    return (
        csr_array((np.ones(len(positive)), film[positive], np.append(starts, len(positive))), shape),
        csr_array((np.ones(len(cells)), film[cells], bounds), shape),
    )


def _residuals(values, labels):
    """Return what each film adds to its bins' probability minus positives, (n_genres * bins, n_films) sparse."""
    n_films, n_genres = values.shape
    films = np.repeat(np.arange(n_films), n_genres)
    cells = (values - labels).ravel(), (bin_cells(values, BINS).ravel(), films)
    return csr_array(cells, shape=(n_genres * BINS, n_films))


def average_precision(ranking, weights):
    """Return average precision of each resample, as scikit-learn weights it; NaN without positives."""
    found, reached = (cells @ weights for cells in ranking)
    hits, reached = np.cumsum(found, axis=0), np.cumsum(reached, axis=0)
    positives = found.sum(axis=0)
    # Where nothing is reached yet nothing is found either, so any divisor will do.
    area = (found * hits / np.maximum(reached, 1)).sum(axis=0)
    return np.divide(area, positives, out=np.full(len(positives), np.nan), where=positives > 0)


def intervals(samples, level: float):
    """Return value, low and high from scores (1 + replicates, n_metrics), leaving out the undefined.

    Quantiles are shifted so that the resamples' median falls on the value. A resample repeats films, which raises
    a rare genre's average precision: unshifted, the interval may not even hold the value.
    """
    tail = (1 - level) / 2
    rows = []
    for value, *drawn in samples.T:
        drawn = np.array(drawn)[np.isfinite(drawn)]
        low, middle, high = np.quantile(drawn, (tail, 0.5, 1 - tail)) if len(drawn) else [np.nan] * 3
        rows.append((value, value + low - middle, value + high - middle))
    return pd.DataFrame(rows, pd.Index(METRICS, name="metric"), ["value", "low", "high"]).astype("Float64")
