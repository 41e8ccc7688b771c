"""Thresholds of a fused prediction: a film that lacks a modality is cut elsewhere than one that has them all."""

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import InputError
from multigenre.cross_fitting import out_of_fold
from multigenre.thresholds import ThresholdCalibrator

FEW = 20  # films with a set of modalities below which it has no thresholds of its own


class FusedThresholds(BaseEstimator):
    """Choose thresholds for each set of modalities that a film may have.

    A fusion that has the poster alone is seldom as sure of a genre as one that has the overview as well, so thresholds
    for complete films would name it too few. They are chosen here on what the fusion says without the other
    modalities, of all films that have the set.

    Parameters
    ----------
    modalities : dict of str to str
        What each member reads, by the member's name.
    calibrator : ThresholdCalibrator, optional
        It is cloned for each set. Default: one with its own defaults.
    seed : int
        Of the folds.

    Attributes
    ----------
    calibrators_ : dict of str to ThresholdCalibrator
        By set, its modalities joined by ``+``. The first was chosen on films that have them all, or on all films if
        fewer than 20 do, and serves every set that fewer than 20 films have.
    thresholds_, sources_, fallback_genres_
        Those of the first of them.
    film_ids_ : ndarray of str
        The films that they were chosen on.

    Examples
    --------
    >>> thresholds = FusedThresholds({"poster-cnn": "poster", "overview-lstm": "overview"})
    >>> thresholds.fit(fusion, members, films).cuts(fused, members)  # doctest: +SKIP
    """

    def __init__(self, modalities, calibrator=None, *, seed=0):
        self.modalities, self.calibrator, self.seed = modalities, calibrator, seed

    def fit(self, fusion, members, films):
        """Choose the cuts on cross-fitted fused probabilities.

        Parameters
        ----------
        fusion : LateFusion
            Its settings are used; it is not changed.
        members : list of GenreProbabilities
            Of role ``"calibration"`` or ``"out-of-fold"``.
        films : Films
            The same films, with their genres.

        Returns
        -------
        FusedThresholds
            This one.

        Raises
        ------
        InputError
            As `multigenre.cross_fitting.out_of_fold` and `ThresholdCalibrator.fit`.
        """
        calibrator = ThresholdCalibrator() if self.calibrator is None else self.calibrator
        every, has = self._has(members)
        sets = [part for size in range(len(every), 0, -1) for part in combinations(range(len(every)), size)]
        reading = [[one.name for one in members if every.index(self._modality(one)) in part] for part in sets]
        fused = out_of_fold(fusion, members, films, seed=self.seed, parts=reading)
        self.calibrators_ = {}
        for part, probabilities in zip(sets, fused, strict=True):
            rows = has[:, part].all(axis=1)
            if rows.sum() < FEW:
                if self.calibrators_:
                    continue
                rows = probabilities.present
            name = "+".join(every[one] for one in part)
            self.calibrators_[name] = clone(calibrator).fit(probabilities.take(rows), films.take(rows))
        return self

    def cuts(self, fused, members):
        """Return the thresholds of films.

        Parameters
        ----------
        fused : GenreProbabilities
        members : list of GenreProbabilities
            What it was fused from, of the same films.

        Returns
        -------
        DataFrame of float, indexed by film id, one column a genre
            As `ThresholdCalibrator.cuts`.
        """
        return self._by_set(fused, members, ThresholdCalibrator.cuts)

    def predict(self, fused, members):
        """Name the genres of films.

        Parameters
        ----------
        fused, members
            As for `cuts`.

        Returns
        -------
        DataFrame of uint8, indexed by film id, one column a genre
            As `ThresholdCalibrator.predict`.
        """
        return self._by_set(fused, members, ThresholdCalibrator.predict)

    def _by_set(self, fused, members, answer):
        """Return one table of what each set's calibrator answers for the films that have just this set."""
        check_is_fitted(self, "calibrators_")
        every, has = self._has(members)
        codes, parts = has @ (1 << np.arange(len(every))), []
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            calibrator = self._calibrator("+".join(np.array(every)[has[rows[0]]]))
            parts.append(answer(calibrator, fused.take(rows)))
        if len(parts) == 1:
            return parts[0]
        return pd.concat(parts or [answer(self._calibrator(), fused)]).loc[fused.ids]

    @property
    def thresholds_(self):
        """Thresholds of films that have all modalities."""
        return self._calibrator().thresholds_

    @property
    def sources_(self):
        """Where these come from."""
        return self._calibrator().sources_

    @property
    def fallback_genres_(self):
        """Genres that share one of these for want of positive films."""
        return self._calibrator().fallback_genres_

    @property
    def film_ids_(self):
        """All films that any of them was chosen on."""
        check_is_fitted(self, "calibrators_")
        return np.unique(np.concatenate([one.film_ids_ for one in self.calibrators_.values()]))

    def _calibrator(self, name=None):
        check_is_fitted(self, "calibrators_")
        return self.calibrators_.get(name, next(iter(self.calibrators_.values())))

    def _modality(self, member):
        if member.name not in self.modalities:
            raise InputError(f"FusedThresholds knows no modality of {member.name}; name it in modalities.")
        return self.modalities[member.name]

    def _has(self, members):
        """Return all modalities in alphabetical order, and which of them films have, (n_films, n_modalities) bool."""
        every = sorted({*self.modalities.values()})
        readers = {one: [member for member in members if self._modality(member) == one] for one in every}
        present = [
            np.any([member.present for member in here] or [False], axis=0) for here in readers.values()
        ]
        return every, np.stack(np.broadcast_arrays(*present, members[0].present)[:-1], axis=1)

    def to_dict(self):
        """Return settings and learned attributes as plain values that JSON can hold."""
        check_is_fitted(self, "calibrators_")
        return {
            "modalities": self.modalities,
            "seed": self.seed,
            "calibrators": {name: one.to_dict() for name, one in self.calibrators_.items()},
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
            found = cls(facts["modalities"], seed=facts["seed"])
            found.calibrators_ = {
                name: ThresholdCalibrator.from_dict(one) for name, one in facts["calibrators"].items()
            }
        except KeyError as error:
            raise InputError(f"Saved FusedThresholds need {error}, which is not there.") from error
        settings = next(iter(found.calibrators_.values())).get_params()
        return found.set_params(calibrator=ThresholdCalibrator(**settings))
