"""The cut of the highest F1, of one genre or of each of several."""

import numpy as np
from numpy.typing import ArrayLike

from multigenre._checks import check_labels, check_shape
from multigenre.calibration._cuts import reach


def f1_threshold(probability: ArrayLike, label: ArrayLike) -> float:
    """Return the cut that maximises F1 for one genre.

    Every distinct probability of a film that carries the genre is tried. A cut between two of them finds no
    film more and can only add wrong ones, so the answer is exact, not a grid's.

    Parameters
    ----------
    probability : array of shape (n_films,), float in [0, 1]
    label : array of shape (n_films,), 0 or 1

    Returns
    -------
    float
        One of the probabilities. Predict the genre when ``probability >= threshold``. The highest cut wins
        ties.

    Raises
    ------
    InputError
        If no film carries the genre: F1 is then undefined at every cut.

    References
    ----------
    Lipton, Elkan, Naryanaswamy (2014), "Thresholding classifiers to maximize F1 score", arXiv:1402.1892:
    the best cut is half the F1 it reaches where probabilities are calibrated; here it is searched instead.

    Examples
    --------
    >>> f1_threshold([0.1, 0.4, 0.6, 0.9], [0, 1, 0, 1])
    0.4
    """
    return _best_f1(probability, label)[0]


def _best_f1(probability, label):
    """Return the highest cut of the highest F1 of one genre, and that F1."""
    probability = np.asarray(probability)
    one = reach(probability, check_labels(label, probability.shape))
    return float(one.cuts[one.f1.argmax()]), float(one.f1.max())


def f1_thresholds(values: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Return `f1_threshold` of each column.

    Parameters
    ----------
    values : array of shape (n_films, n_genres), float in [0, 1]
    labels : array of shape (n_films, n_genres), 0 or 1

    Returns
    -------
    ndarray of shape (n_genres,), float64

    Raises
    ------
    InputError
        If a column has no positive film.
    """
    return _columns(values, labels)[:, 0]


def f_star_half(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return half of the highest F1 of each column: where its best cut would be, were it calibrated.

    A check, not a choice: a column whose `f1_thresholds` lies far from it is not calibrated, or has too few
    positive films to tell.

    Parameters
    ----------
    values : array of shape (n_films, n_genres), float in [0, 1]
    labels : array of shape (n_films, n_genres), 0 or 1

    Returns
    -------
    ndarray of shape (n_genres,), float64

    Raises
    ------
    InputError
        If a column has no positive film.

    References
    ----------
    Lipton, Elkan, Naryanaswamy (2014), arXiv:1402.1892, theorem 1.
    """
    return _columns(values, labels)[:, 1] / 2


def _columns(values, labels):
    """Return `_best_f1` of each column, (n_genres, 2)."""
    values = np.asarray(values)
    labels = check_shape(labels, values.shape, "Labels")
    return np.array([_best_f1(*column) for column in zip(values.T, labels.T, strict=True)])
