"""Thresholds: from probabilities to genres, one exactly chosen cut for all genres or one a genre."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import (
    InputError,
    check_held_out,
    check_labels,
    check_same_genres,
    check_shape,
    check_truth,
)
from multigenre.genres import Genres


def f1_threshold(probability, label):
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
    probability = np.asarray(probability)
    label = check_labels(label, probability.shape)
    if not np.isfinite(probability).all():
        raise InputError("A threshold needs finite probabilities; leave out the films that are not present.")
    positive = probability[label == 1]
    if not len(positive):
        raise InputError("No film carries the genre, so F1 is undefined at every cut; pass films that do.")
    cuts = np.unique(positive)
    hits, predicted = _at_least(positive, cuts), _at_least(probability, cuts)
    f1 = 2 * hits / (predicted + len(positive))
    return float(cuts[np.flatnonzero(f1 == f1.max())[-1]])


def _at_least(values, cuts):
    """Count the values at or above each of the ascending cuts."""
    return len(values) - np.searchsorted(np.sort(values), cuts, side="left")


def f1_thresholds(values, labels):
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
    values = np.asarray(values)
    labels = check_shape(labels, values.shape, "Labels")
    return np.array([f1_threshold(*column) for column in zip(values.T, labels.T, strict=True)])


def shared_f1_threshold(values, labels):
    """Return the one cut for all columns that maximises micro-F1, exactly; the highest wins ties.

    Micro-F1 counts every pair of film and genre alike, so it is the F1 of the flattened arrays.

    Parameters
    ----------
    values : array of shape (n_films, n_genres), float in [0, 1]
    labels : array of shape (n_films, n_genres), 0 or 1

    Returns
    -------
    float

    Raises
    ------
    InputError
        If there is no positive film.
    """
    values = np.asarray(values)
    return f1_threshold(values.ravel(), check_shape(labels, values.shape, "Labels").ravel())


class ThresholdCalibrator(BaseEstimator):
    """Choose the cut above which a genre is named. It changes no probability.

    Parameters
    ----------
    strategy : {"f1", "shared", "half"}, default "f1"
        ``"f1"``: one cut a genre, which maximises that genre's F1. ``"shared"``: one cut for all genres,
        which maximises micro-F1. ``"half"``: 0.5 for every genre; nothing is learned.
    min_positives : int, default 1
        Genres carried by fewer films get the shared cut under ``"f1"``: an optimum over a handful of
        positives does not last.

    Attributes
    ----------
    thresholds_ : Series of float, indexed by genre name
        Attained probabilities (or 0.5); a genre is named where ``probability >= threshold``.
    fallback_genres_ : list of str
        Genres that got the shared cut for want of positive films.
    genres_ : Genres
    film_ids_ : ndarray of str
        The films it learned from, so that a report on them can be refused.
    n_films_ : int
        How many of them were present; the others were ignored.

    References
    ----------
    Lipton, Elkan, Naryanaswamy (2014), arXiv:1402.1892. Fan and Lin (2007), "A study on threshold selection
    for multi-label classification": one cut a label, chosen on held-out data.

    Examples
    --------
    >>> from multigenre.films import Films
    >>> from multigenre.probabilities import GenreProbabilities
    >>> genres = Genres(["Comedy", "Drama"])
    >>> blank = ["", "", ""]
    >>> films = Films(["tt1", "tt2", "tt3"], blank, blank, [[1, 0], [1, 1], [0, 1]], genres, "calibration")
    >>> values = [[0.3, 0.5], [0.4, 0.9], [0.2, 0.6]]
    >>> fused = GenreProbabilities(films.ids, genres, values, "fused", "calibration")
    >>> calibrator = ThresholdCalibrator().fit(fused, films)
    >>> calibrator.thresholds_.to_dict()
    {'Comedy': 0.3, 'Drama': 0.6}
    >>> genres.decode(calibrator.predict(fused))
    [('Comedy',), ('Comedy', 'Drama'), ('Drama',)]
    """

    def __init__(self, *, strategy="f1", min_positives=1):
        self.strategy = strategy
        self.min_positives = min_positives

    def fit(self, probabilities, films):
        """Choose the cuts on films that no member trained on.

        Parameters
        ----------
        probabilities : GenreProbabilities
            Of role ``"calibration"`` or ``"out-of-fold"``. Films that are not present are ignored.
        films : Films
            The same films, with their genres.

        Returns
        -------
        ThresholdCalibrator
            This one.

        Raises
        ------
        InputError
            If the strategy is unknown, members saw the films, films or genres differ, or no film present
            carries any genre.
        """
        if self.strategy not in ("f1", "shared", "half"):
            raise InputError(f"A threshold strategy is f1, shared or half, got {self.strategy!r}.")
        check_held_out(probabilities, "ThresholdCalibrator.fit")
        labels = check_truth(probabilities, films, "ThresholdCalibrator.fit")
        here = probabilities.present
        values, labels = probabilities.values[here], labels[here]
        if self.strategy != "half" and not labels.any():
            raise InputError(
                f"ThresholdCalibrator.fit found no genre on the {len(labels)} films that "
                f"{probabilities.name} covers; pass more films, or use strategy='half'."
            )
        self.genres_ = probabilities.genres
        self.film_ids_ = probabilities.ids[here]
        self.n_films_ = len(labels)
        enough = labels.sum(axis=0, dtype=int) >= max(self.min_positives, 1)
        own = enough & (self.strategy == "f1")
        cuts = np.full(len(self.genres_), 0.5)
        if self.strategy != "half" and not own.all():
            cuts[:] = shared_f1_threshold(values, labels)
        for column in np.flatnonzero(own):
            cuts[column] = f1_threshold(values[:, column], labels[:, column])
        self.thresholds_ = pd.Series(cuts, index=list(self.genres_), name="threshold")
        scarce = ~enough & (self.strategy == "f1")
        self.fallback_genres_ = [name for name, few in zip(self.genres_, scarce, strict=True) if few]
        return self

    def predict(self, probabilities):
        """Name the genres of any films.

        Parameters
        ----------
        probabilities : GenreProbabilities
            Of the genres it was fitted on.

        Returns
        -------
        DataFrame of uint8, indexed by film id, one column a genre
            1 where the genre is named. All 0 for films that are not present: nothing is known of them.
        """
        check_is_fitted(self)
        check_same_genres(self.genres_, probabilities.genres, f"ThresholdCalibrator and {probabilities.name}")
        # A film that is not present is NaN, and NaN is at or above no cut.
        named = (probabilities.values >= self.thresholds_.to_numpy()).view(np.uint8)
        return pd.DataFrame(named, index=pd.Index(probabilities.ids, name="Id"), columns=list(self.genres_))

    def to_dict(self):
        """Return settings and learned attributes as plain values that JSON can hold."""
        check_is_fitted(self)
        return {
            **self.get_params(),
            "thresholds": self.thresholds_.to_dict(),
            "fallback_genres": self.fallback_genres_,
            "film_ids": self.film_ids_.tolist(),
        }

    @classmethod
    def from_dict(cls, facts):
        """Return what `to_dict` described.

        Raises
        ------
        InputError
            If a needed entry is missing.
        """
        try:
            calibrator = cls(strategy=facts["strategy"], min_positives=facts["min_positives"])
            calibrator.thresholds_ = pd.Series(facts["thresholds"], name="threshold", dtype=float)
            calibrator.fallback_genres_ = list(facts["fallback_genres"])
            calibrator.film_ids_ = np.array(facts["film_ids"], dtype=object)
        except KeyError as error:
            raise InputError(f"A saved ThresholdCalibrator needs {error}, which is not there.") from error
        calibrator.genres_ = Genres(calibrator.thresholds_.index)
        calibrator.n_films_ = len(calibrator.film_ids_)
        return calibrator
