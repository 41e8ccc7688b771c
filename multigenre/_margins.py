"""How far probabilities lie above their cuts in log-odds, and moving all cuts together."""

import numpy as np

from multigenre.probabilities import logits, sigmoid

LIMIT = 1e-12  # far below any cut that matters


def margins(values, cuts):
    """Return log-odds above those of the cut, like ``values``; -inf where a cut above 1 names no film."""
    above = logits(values.astype(float), LIMIT) - logits(cuts, LIMIT)
    return np.where(cuts > 1, -np.inf, above)


def shifted(cuts, shift):
    """Return the cuts with ``shift`` added to their log-odds; those above 1 stay."""
    if shift == 0:
        return cuts
    return np.where(cuts > 1, cuts, sigmoid(logits(cuts, LIMIT) + shift))


def cardinality_shift(values, labels, cuts, weights=None):
    """Return what to add to the log-odds of all cuts to name as many genres as these films carry, or nearly.

    Parameters
    ----------
    values : ndarray of shape (n_films, n_genres), float in [0, 1]
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    cuts : ndarray of shape (n_genres,), float
    weights : ndarray of shape (n_films,), optional

    Returns
    -------
    float
        Between the last pair of film and genre that is named and the first that is not.
    """
    weights = np.ones(len(values)) if weights is None else weights
    above = margins(values, cuts).ravel()
    order = np.argsort(-above, kind="stable")
    above, named = above[order], np.cumsum(np.repeat(weights, values.shape[1])[order])
    ends = np.flatnonzero((above > np.append(above[1:], -np.inf)) & np.isfinite(above))
    if not len(ends):
        return 0.0
    last = ends[np.argmin(np.abs(named[ends] - weights @ labels.sum(axis=1)))]
    below = above[last + 1] if last + 1 < len(above) else -np.inf
    return float(above[last] - min(above[last] - below, 1.0) / 2)
