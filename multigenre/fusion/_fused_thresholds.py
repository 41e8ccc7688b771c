"""Thresholds of a fused prediction, shared by all films or drawn apart for those that lack a modality."""

from copy import copy
from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import InputError
from multigenre.calibration import LIMIT, ThresholdCalibrator
from multigenre.data import logits, sigmoid
from multigenre.fusion._cross_fitting import out_of_fold

FEW = 20  # films with a set of modalities below which it has no thresholds of its own


class FusedThresholds(BaseEstimator):
    """Choose thresholds of a fused prediction on what cross-fitted fusions say.

    Films that lack a modality are fused in a way of their own, but cut as all films are unless another shrinkage is
    asked for: where probabilities mean what they say, the cut of the highest F1 over all films is the same for all of
    them, whatever a film lacks. Thresholds chosen for the films of each set of modalities serve these where they are
    looked at by themselves, and lower the F1 of all films together (measured in ``benchmarks/README.md``).

    Parameters
    ----------
    calibrator : ThresholdCalibrator, optional
        It is cloned. Default: one with its own defaults.
    modalities : dict of str to str, optional
        What each member reads, by the member's name; `GenreEnsemble` says it. Only where shrinkage is below 1.
    shrinkage : float in [0, 1]
        How far the log-odds of the thresholds of a set of modalities are drawn to those of all films. 0: each set has
        its own, chosen on what the fusion says without the other modalities, of all films that have the set. 1: all
        share those of the films as they are.
    seed : int
        Of the folds.

    Attributes
    ----------
    shared_ : ThresholdCalibrator
        Chosen on all films as they are. It serves films without any modality too, and sets that fewer than 20 films
        have.
    calibrators_ : dict of str to ThresholdCalibrator
        By set, its modalities joined by ``+``; empty where the shrinkage is 1.
    thresholds_, sources_, fallback_genres_, film_ids_
        Those of `shared_`.

    References
    ----------
    Lipton, Elkan, Naryanaswamy (2014), arXiv:1402.1892: of calibrated probabilities the best cut is half of the best
    F1, of all films that are counted together.

    Examples
    --------
    >>> ensemble = GenreEnsemble(thresholds=FusedThresholds(shrinkage=0.5))  # doctest: +SKIP
    """

    def __init__(self, calibrator=None, *, modalities=None, shrinkage=1.0, seed=0):
        self.calibrator, self.modalities, self.shrinkage, self.seed = calibrator, modalities, shrinkage, seed

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
            If the shrinkage is not from 0 to 1, or a member's modality is not known; and as
            `multigenre.fusion.out_of_fold` and `ThresholdCalibrator.fit`.
        """
        if not 0 <= self.shrinkage <= 1:
            raise InputError(f"FusedThresholds needs a shrinkage from 0 to 1, got {self.shrinkage!r}.")
        calibrator = ThresholdCalibrator() if self.calibrator is None else self.calibrator
        every, has = self._has(members)
        sets = [part for size in range(1, len(every) + 1) for part in combinations(range(len(every)), size)]
        reading = [[one.name for one in members if every.index(self._modality(one)) in part] for part in sets]
        # The last set is of all modalities: every member is asked, and films are as they are.
        fused = out_of_fold(fusion, members, films, seed=self.seed, parts=reading)
        self.shared_ = clone(calibrator).fit(fused[-1], films)
        self.calibrators_ = {}
        for part, probabilities in zip(sets, fused, strict=True):
            rows = has[:, part].all(axis=1)
            if rows.sum() >= FEW and self.shrinkage < 1:
                own = clone(calibrator).fit(probabilities.take(rows), films.take(rows))
                self.calibrators_["+".join(every[one] for one in part)] = self._drawn(own)
        return self

    def _drawn(self, own):
        """Return a calibrator whose cuts lie between its own and those that all share."""
        cuts, shared = own.thresholds_.to_numpy(), self.shared_.thresholds_.to_numpy()
        between = sigmoid((1 - self.shrinkage) * logits(cuts, LIMIT) + self.shrinkage * logits(shared, LIMIT))
        nearer = cuts if self.shrinkage < 0.5 else shared
        drawn, names = copy(own), own.thresholds_.index
        # Above 1 a genre is named for no film: there is nothing between that and a cut.
        found = np.where(np.maximum(cuts, shared) > 1, nearer, between)
        drawn.thresholds_ = pd.Series(found if self.shrinkage else cuts, names, name="threshold")
        return drawn

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
        check_is_fitted(self, "shared_")
        if not self.calibrators_ or not len(fused):
            return answer(self.shared_, fused)
        every, has = self._has(members)
        codes, parts = has @ (1 << np.arange(len(every))), []
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            name = "+".join(np.array(every)[has[rows[0]]])
            parts.append(answer(self.calibrators_.get(name, self.shared_), fused.take(rows)))
        return pd.concat(parts).loc[fused.ids]

    @property
    def thresholds_(self):
        """Thresholds that all films share."""
        return self.shared_.thresholds_

    @property
    def sources_(self):
        """Where these come from."""
        return self.shared_.sources_

    @property
    def fallback_genres_(self):
        """Genres that share one of these for want of positive films."""
        return self.shared_.fallback_genres_

    @property
    def film_ids_(self):
        """The films that they were chosen on."""
        return self.shared_.film_ids_

    def _modality(self, member):
        if self.shrinkage == 1:
            return ""
        if member.name not in (self.modalities or {}):
            raise InputError(f"FusedThresholds knows no modality of {member.name}; name it in modalities.")
        return self.modalities[member.name]

    def _has(self, members):
        """Return the modalities in alphabetical order, and which of them films have, (n_films, n_modalities) bool."""
        every = sorted({self._modality(member) for member in members})
        present = [
            np.any([one.present for one in members if self._modality(one) == modality], axis=0)
            for modality in every
        ]
        return every, np.stack(present, axis=1)

    def to_dict(self):
        """Return settings and learned attributes as plain values that JSON can hold."""
        check_is_fitted(self, "shared_")
        return {
            "modalities": self.modalities,
            "shrinkage": self.shrinkage,
            "seed": self.seed,
            "shared": self.shared_.to_dict(),
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
            found = cls(**{name: facts[name] for name in ("modalities", "shrinkage", "seed")})
            found.shared_ = ThresholdCalibrator.from_dict(facts["shared"])
            found.calibrators_ = {
                name: ThresholdCalibrator.from_dict(one) for name, one in facts["calibrators"].items()
            }
        except KeyError as error:
            raise InputError(f"Saved FusedThresholds need {error}, which is not there.") from error
        return found.set_params(calibrator=ThresholdCalibrator(**found.shared_.get_params()))
