"""Greedy ensemble selection: how often each member is picked when one by one is added where it helps most."""

import numpy as np
from numpy.typing import ArrayLike

from multigenre._checks import InputError, check_labels, check_weights
from multigenre.scores import losses


def greedy_weights(
    values: ArrayLike, labels: ArrayLike, *, rounds: int = 50, sample_weight: ArrayLike | None = None
) -> np.ndarray:
    """Return a weight a member, the same for all genres, by forward selection with replacement.

    Start from the best member; in each round add the member, one already there or not, with which the mean of the
    probabilities picked so far has the lowest binary cross-entropy. The best round counts.

    Parameters
    ----------
    values : array of shape (n_members, n_films, n_genres), float in [0, 1]
        Probabilities of films that no member trained on.
    labels : array of shape (n_films, n_genres), 0 or 1
    rounds : int
        Picks at most, so weights are whole multiples of one over a number up to this.
    sample_weight : array of shape (n_films,), float of 0 or more, optional
        How much each film counts; default: 1.

    Returns
    -------
    ndarray of shape (n_members,), float64
        They sum to 1.

    Raises
    ------
    InputError
        If shapes differ, there is no member or film, labels are not 0 and 1, or no film has a weight above 0.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes (2004), "Ensemble selection from libraries of models", ICML, section 2:
    with replacement, from a sorted start, here without bagging.

    Examples
    --------
    Members that err the opposite way are picked in turn.

    >>> greedy_weights([[[0.9], [0.4]], [[0.6], [0.1]]], [[1], [0]])
    array([0.5, 0.5])
    """
    values = np.asarray(values, float)
    if values.ndim != 3 or not values.size:
        raise InputError(
            f"Ensemble selection needs probabilities of members, films and genres, got shape {values.shape}."
        )
    labels = check_labels(labels, values.shape[1:])
    counts = check_weights(sample_weight, values.shape[1], "Ensemble selection")
    total, picks, best = np.zeros(values.shape[1:]), np.zeros(len(values)), (np.inf, None)
    for size in range(1, rounds + 1):
        mixed = [losses((total + value) / size, labels) for value in values]
        found = [np.average(one, axis=0, weights=counts).mean() for one in mixed]
        pick = int(np.argmin(found))
        total, picks[pick] = total + values[pick], picks[pick] + 1
        # A gain within rounding is none.
        if found[pick] < best[0] - 1e-12:
            best = found[pick], picks / size
    return best[1]  # pyright: ignore[reportReturnType]  # whatever comes first is a gain
