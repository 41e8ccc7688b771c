"""Intervals of rates, and p-values that allow for their number."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import binom, false_discovery_control

FEW = 10  # positives below which films drawn again and again say nothing of other films


def wilson(hits: ArrayLike, n: ArrayLike, level: float = 0.95) -> np.ndarray:
    """Return low and high of Wilson's interval of hits / n; NaN where n is 0.

    Parameters
    ----------
    hits, n : array of numbers, shapes that broadcast
    level : float in (0, 1)

    Returns
    -------
    ndarray of shape (2, ...), float64 in [0, 1]

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    """
    hits, n = np.broadcast_arrays(np.asarray(hits, float), np.where(np.asarray(n) > 0, n, np.nan))
    squared = ndtri((1 + level) / 2) ** 2
    middle = (hits + squared / 2) / (n + squared)
    half = np.sqrt(squared * (hits * (1 - hits / n) + squared / 4)) / (n + squared)
    # Exact at the ends, where rounding would leave the rate itself outside.
    return np.stack(
        [np.where(hits == 0, 0 * n, middle - half), np.where(hits == n, 1 + 0 * n, middle + half)]
    )


def f1_interval(hits: ArrayLike, union: ArrayLike, level: float = 0.95) -> np.ndarray:
    """Return low and high of an F1: `wilson` of hits / union, carried over; NaN where the union is empty.

    The union is of the films that carry the genre and those that are named for it. Of these, hits are a simple rate
    J, and F1 is 2 J / (1 + J), which rises with J.
    """
    share = wilson(hits, union, level)
    return 2 * share / (1 + share)


def sign_test(wins: ArrayLike, losses: ArrayLike) -> np.ndarray:
    """Return the two-sided exact p-value that wins and losses are equally likely; 1 where there is neither."""
    wins, losses = np.asarray(wins), np.asarray(losses)
    return np.minimum(1, 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5))


def holm(p: ArrayLike) -> np.ndarray:
    """Return p-values adjusted by Holm's method; NaN is not a test.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
    """
    p = np.asarray(p, float)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> np.ndarray:
    """Return p-values adjusted by Benjamini and Hochberg's method; NaN is not a test.

    References
    ----------
    Benjamini and Hochberg (1995), "Controlling the false discovery rate", JRSS B 57.
    """
    p = np.asarray(p, float)
    tested, adjusted = np.isfinite(p), np.full(p.shape, np.nan)
    if tested.any():
        adjusted[tested] = false_discovery_control(p[tested])
    return adjusted
