"""Two predictions of the same films compared genre by genre, with intervals over the films drawn in pairs."""

from itertools import chain

import numpy as np
import pandas as pd
from scipy.special import ndtr

from multigenre._intervals import FEW, benjamini_hochberg, bounds, draws, holm
from multigenre._resampling import average_precision, ranking_of
from multigenre._scoring import losses, rates_of_counts

METRICS = ("f1", "average_precision", "bce")


def paired_samples(sides, labels, replicates, seed):
    """Return the scores of predictions (n_sides, n_metrics, 1 + replicates, n_genres), first of the films as they are.

    F1 and average precision are NaN where a resample has no film of the genre.

    Parameters
    ----------
    sides : list of (values, named)
        Each (n_films, n_genres), of the same films; drawn together.
    labels : ndarray of shape (n_films, n_genres), bool
    replicates, seed : int
    """
    films = np.arange(len(labels))
    if not len(films):
        return np.full((len(sides), len(METRICS), 1 + replicates, labels.shape[1]), np.nan)
    fixed = []  # what does not change from draw to draw: films are ranked once
    for values, named in sides:
        columns = zip(values.T, labels.T, strict=True)
        fixed.append((named, [ranking_of(*column, films) for column in columns], losses(values, labels)))
    chunks = chain([np.ones((len(films), 1))], draws(len(films), replicates, seed))
    samples = [np.stack([_weighted_scores(*side, labels, weights) for side in fixed]) for weights in chunks]
    return np.concatenate(samples, axis=2)


def _weighted_scores(named, rankings, loss, labels, weights):
    """Return `METRICS` (n_metrics, n_resamples, n_genres) of films counted ``weights`` (n_films, n_resamples) times."""
    positives, hits = weights.T @ labels, weights.T @ (named & labels)
    f1 = np.where(positives > 0, rates_of_counts(hits, weights.T @ named, positives)[2], np.nan)
    area = [average_precision(ranking, weights) for ranking in rankings]
    return np.stack([f1, np.stack(area, axis=1), weights.T @ loss / len(labels)])


def differences(a, b, support, level=0.95):
    """Return how far a is better than b, from two sides of `paired_samples`.

    Parameters
    ----------
    a, b : ndarray of shape (n_metrics, 1 + replicates, n_genres)
    support : Series of int by genre name
        Films that carry the genre.
    level : float in (0, 1)

    Returns
    -------
    DataFrame, one row a metric and genre
        ``genre``, ``metric``, ``value`` (of a), ``other`` (of b), ``gain`` (above 0 where a is better, so the other
        way round for a loss), <NA> where no film carries the genre; ``low``, ``high``, ``p`` (of the gain over its
        bootstrap standard error, as normal), ``p_holm`` and ``p_bh`` (over the genres of the metric), <NA> where
        fewer than `FEW` films carry it: the same few films in each draw would make any difference look sure.
    """
    better = np.array([-1.0 if metric == "bce" else 1.0 for metric in METRICS])[:, None, None]
    gains, films = better * (a - b), support.to_numpy()
    gain, drawn = gains[:, 0], gains[:, 1:]
    low, high = bounds(gain, drawn.swapaxes(0, 1), level)
    deviation = np.nanstd(np.where(np.isfinite(drawn).any(axis=1, keepdims=True), drawn, 0), axis=1)
    # What never differs has no deviation, and a gain of 0.
    p = np.where(films >= FEW, 2 * ndtr(-np.abs(gain) / np.maximum(deviation, 1e-12)), np.nan)
    live, tested = np.where(films > 0, 0, np.nan), np.where(films >= FEW, 0, np.nan)
    columns = {"value": a[:, 0] + live, "other": b[:, 0] + live, "gain": gain + live}
    columns |= {"low": low + tested, "high": high + tested, "p": p}
    columns |= {"p_holm": [holm(row) for row in p], "p_bh": [benjamini_hochberg(row) for row in p]}
    return pd.DataFrame(
        {
            "genre": np.tile(support.index.to_numpy(object), len(METRICS)),
            "metric": np.repeat(np.array(METRICS, object), len(support)),
            **{name: pd.array(np.ravel(values), "Float64") for name, values in columns.items()},
        }
    )
