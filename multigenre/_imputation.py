"""What members that are not there would say, as far as those that are there tell."""

from typing import NamedTuple

import numpy as np


class Moments(NamedTuple):
    """``level`` (n_members, n_genres), mean log-odds, and ``covariance`` (n_members, n_members) around it."""

    level: np.ndarray
    covariance: np.ndarray


def moments_of(log_odds, sample_weight):
    """Return the `Moments` of log-odds with NaN; all genres share the covariance.

    Covariances are over the films that have every member, and slightly shrunk towards independence.

    Parameters
    ----------
    log_odds : ndarray of shape (n_members, n_films, n_genres), float64
        Each member has films.
    sample_weight : ndarray of shape (n_films,), float64 above 0
    """
    missing = np.isnan(log_odds)
    present = ~missing[:, :, 0]
    total = (np.where(missing, 0, log_odds) * sample_weight[:, None]).sum(axis=1)
    level = total / (present @ sample_weight)[:, None]
    whole = present.all(axis=0)
    centred = (log_odds[:, whole] - level[:, None]) * np.sqrt(sample_weight[whole, None])
    centred, cells = centred.reshape(len(level), -1), sample_weight[whole].sum() * log_odds.shape[2]
    return Moments(level, centred @ centred.T / (cells or 1) + 1e-3 * np.eye(len(level)))


def slopes_of(moments, here):
    """Return how members not ``here`` (n_members,) bool follow those that are, (n_members, n_here).

    Rows of members that are here name themselves.
    """
    slopes = np.eye(len(here))[:, here]
    among = moments.covariance[np.ix_(here, here)]
    slopes[~here] = np.linalg.solve(among, moments.covariance[np.ix_(here, ~here)]).T
    return slopes


def imputed(log_odds, moments):
    """Return log-odds in which members that are not there have their conditional mean given those that are.

    Parameters
    ----------
    log_odds : ndarray of shape (n_members, n_films, n_genres), float64
        Of films with one member or more, NaN where a member is not present.
    moments : Moments
    """
    present, filled = ~np.isnan(log_odds[:, :, 0]), log_odds.copy()
    level = moments.level[:, None]
    for here in np.unique(present, axis=1).T:
        if here.any() and not here.all():
            rows = (present == here[:, None]).all(axis=0)
            centred = log_odds[np.ix_(here, rows)] - level[here]
            filled[:, rows] = level + np.tensordot(slopes_of(moments, here), centred, 1)
    return filled


def implied_map(moments, pattern):
    """Return (n_genres, 1 + n_pattern, 1 + n_members): from weights of all members to those of some.

    With them the log-odds are what all members' weights give when the others have their conditional mean.
    """
    here = np.isin(np.arange(len(moments.level)), pattern)
    slopes = slopes_of(moments, here)
    found = np.zeros((moments.level.shape[1], 1 + here.sum(), 1 + len(here)))
    found[:, 0, 0], found[:, 1:, 1:] = 1, slopes.T
    found[:, 0, 1:] = (moments.level - slopes @ moments.level[here]).T
    return found
