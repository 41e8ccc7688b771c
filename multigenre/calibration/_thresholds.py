"""Thresholds: from probabilities to genres, one exactly chosen cut for all genres or one a genre."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import InputError, check_same_genres
from multigenre.calibration._records import as_record, calibration_films
from multigenre.calibration._rule import Rule, cardinality_shift, margins, shifted
from multigenre.data import Films, GenreProbabilities, Genres


class ThresholdCalibrator(BaseEstimator):
    """Choose the cut above which a genre is named. It changes no probability.

    Every possible cut is tried, so each strategy finds its best cuts exactly (``"micro-macro"``: cuts that no
    single genre can better); the highest win ties.

    Parameters
    ----------
    strategy : str, default "f1"
        One cut a genre, where nothing else is said:

        - ``"f1"``: the highest F1 of that genre. ``"f-beta"``: of F-beta, where recall counts `level` times
          as much as precision.
        - ``"precision"``: the highest recall with a precision of `level` or more; where no cut has it, the
          highest precision there is, and `sources_` says ``"unreached"``. ``"recall"``: the highest precision
          with a recall of `level` or more.
        - ``"cost"``: the lowest cost, where a missed film costs `level` times as much as a false alarm.
        - ``"joint-micro"``: the cuts that together have the highest micro-F1.
        - ``"micro-macro"``: ``level * macro-F1 + (1 - level) * micro-F1``, default 0.7.
        - ``"smoothed-f1"``: the highest ``(2 hits + level * m) / (named + positives + level)``, where m is the
          best joint micro-F1: F1 for a genre of many films, joint micro-F1 for one of few. Default 10 films.
        - ``"scut-fbr"``: as ``"f1"``, but a genre whose F1 on films left out (five folds) is below `level`
          (default 0.1) is named only above the highest probability seen.
        - ``"shared"``: one cut for all genres, of the highest micro-F1. ``"half"``: 0.5; nothing is learned.
    level : float, optional
        The number that the strategy needs.
    min_positives : int, default 1
        Genres that fewer films carry get one cut that they share: the best for all pairs of film and genre,
        by the same measure (F1 for the strategies from ``"joint-micro"`` on).
    counts : {"observed", "expected"}, default "observed"
        How films are counted: by their genres, or by how probable these are once calibrated (see
        `expected_labels`). Expected counts over-fit less: a cut no longer hangs on single films.
    at_least_one : bool, default False
        Name a genre for every film: above no cut, the one whose log-odds are least below those of its cut.
    match_cardinality : bool, default False
        Move the log-odds of all cuts by one number, so that these films are named as many genres as they carry.

    Attributes
    ----------
    thresholds_ : Series of float, indexed by genre name
        A genre is named where ``probability >= threshold``; above 1 it never is.
    sources_ : Series of str, indexed by genre name
        Where each comes from: ``"own"``, ``"shared"``, ``"unreached"``, ``"withheld"`` (above every film: naming
        the genre did not pay) or ``"fixed"``.
    fallback_genres_ : list of str
        Genres that got the shared cut for want of positive films.
    shift_ : float
        What was added to the log-odds of all cuts; 0 without `match_cardinality`.
    genres_ : Genres
    film_ids_ : ndarray of str
        The films it learned from, so that a report on them can be refused.
    n_films_ : int
        How many of them were present; the others were ignored.

    References
    ----------
    F1: Lipton, Elkan, Naryanaswamy (2014), arXiv:1402.1892. F-beta: van Rijsbergen (1979). Cost: Elkan (2001),
    "The foundations of cost-sensitive learning". Joint micro-F1: Pillai, Fumera, Roli (2013), Pattern
    Recognition 46(7). SCutFBR: Yang (2001), "A study of thresholding strategies for text categorization"; Fan
    and Lin (2007), "A study on threshold selection for multi-label classification". Smoothing, and micro- plus
    macro-F1: Lin and Lin (2023), "On the thresholding strategy for infrequent labels in multi-label
    classification", CIKM; with the joint micro-F1 as what F1 is smoothed towards, which is ours. Expected
    counts: Lewis (1995), "Evaluating and optimizing autonomous text classification systems", SIGIR. Cardinality:
    Read et al. (2011), "Classifier chains for multi-label classification", Machine Learning 85(3).

    Examples
    --------
    >>> from multigenre import Films, GenreProbabilities
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

    def __init__(
        self,
        *,
        strategy: str = "f1",
        level: float | None = None,
        min_positives: int = 1,
        counts: str = "observed",
        at_least_one: bool = False,
        match_cardinality: bool = False,
    ):
        self.strategy = strategy
        self.level = level
        self.min_positives = min_positives
        self.counts = counts
        self.at_least_one = at_least_one
        self.match_cardinality = match_cardinality

    def fit(
        self,
        probabilities: GenreProbabilities | ArrayLike | pd.DataFrame,
        films: Films | ArrayLike | pd.DataFrame,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Choose the cuts on films that no member trained on.

        Parameters
        ----------
        probabilities : GenreProbabilities, or array or DataFrame of shape (n_films, n_genres)
            Of role ``"calibration"`` or ``"out-of-fold"``; an array has no role, and you vouch for it. Films
            that are not present (all NaN) are ignored.
        films : Films, or array or DataFrame of shape (n_films, n_genres), 0 or 1
            The same films, with their genres.
        sample_weight : array of shape (n_films,), float of 0 or more, optional
            How much each film counts. A film of weight 0 is ignored.

        Returns
        -------
        ThresholdCalibrator
            This one.

        Raises
        ------
        InputError
            If a setting is unknown, members saw the films, films or genres differ, or no film present carries
            any genre.
        """
        rule = Rule(self.strategy, self.level, self.min_positives, self.counts)
        record, rows, labels, weights = calibration_films(
            probabilities, films, sample_weight, "ThresholdCalibrator.fit"
        )
        values = record.values[rows]
        if self.strategy != "half" and not labels.any():
            raise InputError(
                f"ThresholdCalibrator.fit found no genre on the {len(labels)} films that "
                f"{record.name} covers; pass more films, or use strategy='half'."
            )
        self.genres_, self.film_ids_, self.n_films_ = record.genres, record.ids[rows], len(labels)
        gains = rule.gains(values, labels)
        cuts = rule.cuts(values, labels, gains, weights=weights)[:, 0]
        sources = rule.sources(values, labels, gains, cuts, weights)
        names = list(self.genres_)
        self.sources_ = pd.Series(sources, index=names, name="source", dtype=object)
        self.fallback_genres_ = (
            [] if self.strategy == "shared" else self.sources_[sources == "shared"].index.tolist()
        )
        self.shift_ = cardinality_shift(values, labels, cuts, weights) if self.match_cardinality else 0.0
        self.thresholds_ = pd.Series(shifted(cuts, self.shift_), index=names, name="threshold")
        return self

    def predict(self, probabilities: GenreProbabilities | ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Name the genres of any films.

        Parameters
        ----------
        probabilities : GenreProbabilities, or array or DataFrame of shape (n_films, n_genres)
            Of the genres it was fitted on.

        Returns
        -------
        DataFrame of uint8, indexed by film id, one column a genre
            1 where the genre is named. All 0 for films that are not present: nothing is known of them.
        """
        check_is_fitted(self)
        record = as_record(probabilities, self.genres_)
        # A film that is not present is NaN, and NaN is at or above no cut.
        return _table((record.values >= self._film_cuts(record)).view(np.uint8), record)

    def cuts(self, probabilities: GenreProbabilities | ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Return the thresholds of any films: `thresholds_` for each, but for those that `at_least_one` lowers.

        Parameters
        ----------
        probabilities : GenreProbabilities, or array or DataFrame of shape (n_films, n_genres)
            Of the genres it was fitted on.

        Returns
        -------
        DataFrame of float, indexed by film id, one column a genre
            What the scores and tables of this library take as thresholds.
        """
        check_is_fitted(self)
        record = as_record(probabilities, self.genres_)
        return _table(np.broadcast_to(self._film_cuts(record), record.values.shape).copy(), record)

    def _film_cuts(self, record):
        """Return the cuts of films, (n_genres,) where all have the same and else (n_films, n_genres)."""
        check_same_genres(self.genres_, record.genres, f"ThresholdCalibrator and {record.name}")
        cuts = self.thresholds_.to_numpy()
        if not self.at_least_one:
            return cuts
        found = np.tile(cuts, (len(record), 1))
        without = np.flatnonzero(record.present & ~(record.values >= cuts).any(axis=1))
        above = margins(record.values[without], cuts)
        best, some_cut = above.argmax(axis=1), above.max(axis=1) > -np.inf
        without, best = without[some_cut], best[some_cut]
        found[without, best] = record.values[without, best]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return settings and learned attributes as plain values that JSON can hold."""
        check_is_fitted(self)
        return {
            **self.get_params(),
            "thresholds": self.thresholds_.to_dict(),
            "fallback_genres": self.fallback_genres_,
            "sources": self.sources_.to_dict(),
            "shift": self.shift_,
            "film_ids": self.film_ids_.tolist(),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """Return what `to_dict` described.

        Raises
        ------
        InputError
            If a needed entry is missing.
        """
        try:
            calibrator = cls(**{name: facts[name] for name in cls().get_params()})
            calibrator.thresholds_ = pd.Series(facts["thresholds"], name="threshold", dtype=float)
            calibrator.fallback_genres_ = list(facts["fallback_genres"])
            calibrator.film_ids_ = np.array(facts["film_ids"], dtype=object)
            calibrator.sources_ = pd.Series(facts["sources"], name="source", dtype=object)
            calibrator.shift_ = facts["shift"]
        except KeyError as error:
            raise InputError(f"A saved ThresholdCalibrator needs {error}, which is not there.") from error
        calibrator.genres_ = Genres(calibrator.thresholds_.index)
        calibrator.n_films_ = len(calibrator.film_ids_)
        return calibrator


def _table(values, record):
    """Return values (n_films, n_genres) by film id and genre name."""
    return pd.DataFrame(values, pd.Index(record.ids, name="Id"), list(record.genres))
