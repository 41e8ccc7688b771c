"""Scores of films drawn again and again, many resamples at once, and the intervals that they give."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_array

from multigenre._threads import in_turn
from multigenre.scores._influence import Side, genre_influence_samples, influence_samples
from multigenre.scores._rates import BINS, bin_cells, losses, rates, rates_of_counts

METRICS = ("bce", "map_macro", "map_micro", "f1_micro", "f1_macro", "f1_samples", "brier", "ece")
GENRE_METRICS = ("f1", "average_precision", "bce")
RESAMPLED = 20_000  # films: of more, intervals come from influence values
CELLS = 500_000  # weights of films held at once, 4 MB, so that they stay in the processor's cache

Score = Callable[[np.ndarray], np.ndarray]  # from how often each film comes, (n_films, n_resamples)


def resample(sides: Sequence[Side], labels: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """Return `METRICS` (n_sides, 1 + replicates, n_metrics): of the films as they are, then resampled.

    Of more films than `RESAMPLED` it returns `influence_samples`, which are like those of resamples and more.
    """
    n_films = len(labels)
    if not n_films:
        return np.full((len(sides), 1 + replicates, len(METRICS)), np.nan)
    if n_films > RESAMPLED:
        return influence_samples(sides, labels, seed)
    everyone = [_averages(*side, labels) for side in sides]

    def score(numbered):
        number, weights = numbered
        if not number:
            weights[:, 0] = 1  # the films as they are, in place of the first draw
        return np.stack([score(weights) for score in everyone])

    return np.concatenate(list(in_turn(score, enumerate(draws(n_films, 1 + replicates, seed)))), axis=1)


def resample_genres(sides: Sequence[Side], labels: np.ndarray, replicates: int, seed: int) -> np.ndarray:
    """Return `GENRE_METRICS` (n_sides, n_metrics, 1 + replicates, n_genres): of the films as they are, then resampled.

    F1 and average precision are NaN where a resample has no film of the genre. Of more films than `RESAMPLED` it
    returns `genre_influence_samples`.
    """
    n_films = len(labels)
    if not n_films:
        return np.full((len(sides), len(GENRE_METRICS), 1 + replicates, labels.shape[1]), np.nan)
    if n_films > RESAMPLED:
        return genre_influence_samples(sides, labels, seed)
    everyone = [_by_genre(*side, labels) for side in sides]
    return sampled(
        lambda weights: np.stack([score(weights) for score in everyone]), n_films, replicates, seed
    )


def sampled(score: Score, n_films: int, replicates: int, seed: int) -> np.ndarray:
    """Return what ``score`` gives (..., 1 + replicates, n): of the films as they are, then of resamples.

    A resample is how often each film was drawn, so its scores are weighted ones, and films are ranked once.
    """
    chunks = chain([np.ones((n_films, 1))], draws(n_films, replicates, seed))
    return np.concatenate(list(in_turn(score, chunks)), axis=-2)


def draws(n_films: int, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each film comes in resamples, float64 (n_films, some resamples), ``replicates`` in all."""
    rng, chunk = np.random.default_rng(seed), max(1, CELLS // max(n_films, 1))
    for start in range(0, replicates, chunk):
        size = min(chunk, replicates - start)
        yield rng.multinomial(n_films, np.full(n_films, 1 / max(n_films, 1)), size=size).T.astype(float)


def _averages(values: np.ndarray, named: np.ndarray, labels: np.ndarray) -> Score:
    """Return what scores resamples, `METRICS` (n_resamples, n_metrics)."""
    films, n_films = np.arange(len(labels)), len(labels)
    rankings, counts_in = _genre_rankings(values, labels), _counts(named, labels)
    overall = _ranking(values.ravel(), labels.ravel(), np.repeat(films, labels.shape[1]))
    means = np.stack(
        [
            losses(values, labels).mean(axis=1),
            rates(named, labels, axis=1)[2],
            np.square(values - labels, dtype=float).mean(axis=1),
        ]
    )
    residuals = _residuals(values, labels)

    def score(weights):
        weights = np.ascontiguousarray(weights)  # sparse products would copy any other order each time
        counts = counts_in(weights)
        loss, f1, error = means @ weights / n_films
        columns = (
            loss,
            live_mean(_average_precisions(rankings, weights)),
            _average_precision(overall, weights),
            f1_of(counts.sum(axis=2)),
            live_mean(f1_of(counts)),
            f1,
            error,
            np.abs(residuals @ weights).sum(axis=0) / labels.size,
        )
        return np.stack(columns, axis=1)

    return score


def _by_genre(values: np.ndarray, named: np.ndarray, labels: np.ndarray) -> Score:
    """Return what scores resamples genre by genre, `GENRE_METRICS` (n_metrics, n_resamples, n_genres)."""
    rankings, loss = _genre_rankings(values, labels), losses(values, labels)
    counts_in = _counts(named, labels)

    def score(weights):
        weights = np.ascontiguousarray(weights)
        f1 = f1_of(counts_in(weights))
        return np.stack([f1, _average_precisions(rankings, weights), weights.T @ loss / len(labels)])

    return score


def counts_of(named: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return hits, films named and films that carry the genre (3, n_resamples, n_genres)."""
    return _counts(named, labels)(weights)


def _counts(named, labels):
    """Return `counts_of` films whose weights come later."""
    # Whole numbers below 2^24 are exact in float32.
    kind = np.float32 if len(labels) < 1 << 24 else np.float64
    cells = np.concatenate([named & (labels == 1), named, labels], axis=1, dtype=kind)

    def counts(weights):
        sums = weights.T.astype(kind) @ cells
        return sums.reshape(len(sums), 3, -1).swapaxes(0, 1).astype(float)

    return counts


def f1_of(counts: np.ndarray) -> np.ndarray:
    """Return F1 from `counts_of`, NaN where no film carries the genre."""
    return np.where(counts[2] > 0, rates_of_counts(*counts)[2], np.nan)


def live_mean(scores: np.ndarray) -> np.ndarray:
    """Return the mean over genres, the last axis, leaving out NaN; NaN where all are."""
    live = np.isfinite(scores)
    total, count = np.where(live, scores, 0).sum(axis=-1), live.sum(axis=-1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _genre_rankings(values, labels):
    """Return each genre's `_ranking`."""
    films = np.arange(len(labels))
    return [_ranking(value, label, films) for value, label in zip(values.T, labels.T, strict=True)]


def _ranking(value, label, film):
    """Return which films' cells lie between one positive's value and the next, (n_cuts, n_films) sparse.

    First the positive cells alone, then all cells, most probable first: times weights, they give what each
    cut adds to the hits and to the films it reaches.
    """
    order = np.argsort(-value)
    positive = order[label[order] == 1]
    reach = np.searchsorted(-value[order], -value[positive], side="right")
    ends, starts = np.unique(reach, return_index=True)
    shape = (len(ends), film[-1] + 1)
    cells, bounds = order[: reach.max(initial=0)], np.append(0, ends)
    return (
        csr_array((np.ones(len(positive)), film[positive], np.append(starts, len(positive))), shape),
        csr_array((np.ones(len(cells)), film[cells], bounds), shape),
    )


def _average_precisions(rankings, weights):
    """Return the average precision of each resample and genre (n_resamples, n_genres)."""
    return np.stack([_average_precision(ranking, weights) for ranking in rankings], axis=1)


def _average_precision(ranking, weights):
    """Return average precision of each resample, as scikit-learn weights it; NaN without positives."""
    found, reached = (cells @ weights for cells in ranking)
    hits, reached = np.cumsum(found, axis=0), np.cumsum(reached, axis=0)
    positives = found.sum(axis=0)
    # Where nothing is reached yet nothing is found either, so any divisor will do.
    area = (found * hits / np.maximum(reached, 1)).sum(axis=0)
    return np.divide(area, positives, out=np.full(len(positives), np.nan), where=positives > 0)


def _residuals(values, labels):
    """Return what each film adds to its bins' probability minus positives, (n_genres * bins, n_films) sparse.

    Bins stay those of the films as they are.
    """
    n_films, n_genres = values.shape
    films = np.repeat(np.arange(n_films), n_genres)
    cells = (values - labels).ravel(), (bin_cells(values, BINS).ravel(), films)
    # Film by film: a film's weights are read once, and the sums of all bins stay in the processor's cache.
    return csc_array(cells, shape=(n_genres * BINS, n_films))


def intervals(samples: np.ndarray, level: float) -> pd.DataFrame:
    """Return value, low and high by metric from scores (1 + replicates, n_metrics), see `bounds`."""
    low, high = bounds(samples[0], samples[1:], level)
    columns = {"value": samples[0], "low": low, "high": high}
    return pd.DataFrame(columns, pd.Index(METRICS, name="metric")).astype("Float64")


def bounds(values: np.ndarray, drawn: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Return low and high (2, ...) from what resamples gave (n_resamples, ...), leaving out NaN.

    Quantiles are shifted so that the resamples' median falls on the value. A resample repeats films, which raises
    a rare genre's average precision: unshifted, the interval may not even hold the value.
    """
    tail, known = (1 - level) / 2, np.isfinite(drawn).any(axis=0)
    if not known.any():
        return np.full((2, *known.shape), np.nan)
    drawn = np.where(known, drawn, 0)  # what has no number at all stays NaN below, without a warning
    low, middle, high = np.nanquantile(drawn, (tail, 0.5, 1 - tail), axis=0)
    return np.where(known, np.stack([values + low - middle, values + high - middle]), np.nan)
