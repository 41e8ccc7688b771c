"""`LateFusion`: one prediction from several members' genre probabilities, whatever a film lacks."""

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import (
    InputError,
    check_held_out,
    check_same_films,
    check_same_genres,
    check_truth,
    some,
)
from multigenre._stacking import fit_stack
from multigenre.genres import Genres
from multigenre.probabilities import GenreProbabilities, logits, sigmoid

ALL_PATTERNS = 5  # members up to which a stack is fitted for every subset of them: 31
CHUNK = 20_000  # films fused at once, so that they stay in the processor's cache


class LateFusion(BaseEstimator):
    """Combine members' genre probabilities, by rule or by what held-out films teach.

    A film is fused from the members that are present for it. Each pattern of present members has weights of
    its own, so a missing poster is never a zero that the weights then read as evidence.

    Parameters
    ----------
    method : {"stack", "logit-mean", "mean"}, default "stack"
        ``"stack"``: for each genre a logistic regression on the members' logits. ``"logit-mean"``: the mean
        of the logits, where one confident member can win. ``"mean"``: the mean of the probabilities.
    C : float, default 0.1
        Inverse strength of the ridge penalty, as in scikit-learn's ``LogisticRegression``. It pulls a genre's
        weights towards the weights that all genres share; intercepts are free. The default was best on
        500 real calibration films, and made no difference on 4,000.
    min_positives : int, default 5
        Genres that fewer films carry (or lack) keep the shared weights, and an intercept that gives them
        their smoothed prevalence, (positives + 1/2) / (films + 1), on average.

    Attributes
    ----------
    members_ : list of str
        In alphabetical order.
    genres_ : Genres
    weights_ : DataFrame
        Columns ``pattern`` (names of the present members joined by ``+``), ``genre``, ``member`` (or
        ``"(intercept)"``), ``weight``.
    shared_genres_ : list of str
        Genres with the shared weights in some pattern, for want of positives.
    film_ids_ : ndarray of str
        The films it was fitted on; what it predicts for them has the role calibration and cannot be reported.

    References
    ----------
    Wolpert (1992), "Stacked generalization", Neural Networks 5(2): learn the combination on predictions for
    films that no member trained on. Platt (1999), "Probabilistic outputs for support vector machines": with
    one member present, the stack is Platt's scaling.

    Examples
    --------
    >>> from multigenre.films import Films
    >>> genres, ids, blank = Genres(["Comedy", "Drama"]), ["tt1", "tt2"], ["", ""]
    >>> films = Films(ids, blank, blank, [[1, 0], [0, 1]], genres, "calibration")
    >>> poster = GenreProbabilities(ids, genres, [[0.6, 0.4], [0.2, 0.8]], "poster", "calibration")
    >>> overview = GenreProbabilities(ids, genres, [[0.8, 0.2], [0.4, 0.6]], "overview", "calibration")
    >>> fusion = LateFusion(method="mean").fit([poster, overview], films)
    >>> fusion.predict([poster, overview]).values.round(2)
    array([[0.7, 0.3],
           [0.3, 0.7]])
    """

    def __init__(self, *, method="stack", C=0.1, min_positives=5):
        self.method = method
        self.C = C
        self.min_positives = min_positives

    def fit(self, members, films):
        """Learn how to combine members, on films that none of them trained on.

        Parameters
        ----------
        members : list of GenreProbabilities
            Of role ``"calibration"`` or ``"out-of-fold"``, all of these films and genres, in any order.
        films : Films
            With their genres. Films for which no member is present are ignored.

        Returns
        -------
        LateFusion
            This one.

        Raises
        ------
        InputError
            If a setting is unknown, a member saw the films, films or genres differ, or two members share a
            name.
        """
        if self.method not in ("stack", "logit-mean", "mean"):
            raise InputError(f"A fusion method is stack, logit-mean or mean, got {self.method!r}.")
        if self.C <= 0 or self.min_positives < 1:
            raise InputError(
                f"LateFusion needs C above 0 and min_positives of 1 or more, got C={self.C}, "
                f"min_positives={self.min_positives}."
            )
        by_name = _by_name(members)
        for member in by_name.values():
            check_held_out(member, "LateFusion.fit")
            labels = check_truth(member, films, "LateFusion.fit")
        present = np.stack([member.present for member in by_name.values()], axis=1)
        self.fit_names(by_name, films.genres)
        self.film_ids_ = films.ids[present.any(axis=1)]
        shared = np.zeros(len(self.genres_), bool)
        for pattern in _patterns(present) if self.method == "stack" else ():
            rows = present[:, pattern].all(axis=1)
            if rows.any():
                features = [logits(by_name[self.members_[m]].values[rows].astype(float)) for m in pattern]
                names = tuple(self.members_[m] for m in pattern)
                self._stacks[names], scarce = fit_stack(
                    np.stack(features, axis=2), labels[rows], C=self.C, min_positives=self.min_positives
                )
                shared |= scarce
        self.shared_genres_ = [name for name, few in zip(self.genres_, shared, strict=True) if few]
        return self

    def fit_names(self, names, genres):
        """Learn only who the members are: all that a mean needs, where no film can be spared.

        Parameters
        ----------
        names : iterable of str
        genres : Genres

        Returns
        -------
        LateFusion
            This one. A stack falls back to the mean of logits.
        """
        self.members_, self.genres_ = sorted(names), genres
        self.film_ids_, self.shared_genres_, self._stacks = np.array([], dtype=object), [], {}
        return self

    def predict(self, members):
        """Fuse members' probabilities of any films.

        Parameters
        ----------
        members : list of GenreProbabilities
            Some or all of the fitted ones, by name, in any order; one that is left out counts as not present.

        Returns
        -------
        GenreProbabilities
            Named ``"fused"``; float32 if every member is. Films for which no member is present are NaN and
            not present. The role is the members', or ``"calibration"`` if this fusion was fitted on any of
            the films. A film whose pattern of members was not fitted uses the largest fitted part of it, or
            the mean of logits if there is none.

        Raises
        ------
        InputError
            If a member is unknown, or members differ in films, genres or role.
        """
        check_is_fitted(self, "members_")
        by_name = _by_name(members)
        if unknown := sorted(set(by_name) - set(self.members_)):
            raise InputError(
                f"LateFusion was fitted on {some(self.members_, 9)}, got {some(unknown)} as well."
            )
        members = list(by_name.values())
        first = members[0]
        for member in members:
            who = f"LateFusion.predict: {first.name} and {member.name}"
            check_same_genres(self.genres_, member.genres, f"LateFusion and {member.name}")
            check_same_films(first.ids, member.ids, who)
            if member.role != first.role:
                raise InputError(f"{who} must have one role, got {first.role!r} and {member.role!r}.")
        present = np.stack([member.present for member in members], axis=1)
        values = np.full(first.values.shape, np.nan, np.result_type(*(member.values for member in members)))
        codes = present @ (1 << np.arange(len(members)))
        for code in np.unique(codes[codes > 0]):
            here = [member for bit, member in enumerate(members) if code >> bit & 1]
            rows = np.flatnonzero(codes == code)
            for start in range(0, len(rows), CHUNK):
                some_rows = rows[start : start + CHUNK]
                values[some_rows] = self._fuse({one.name: one.values[some_rows] for one in here})
        seen = not set(self.film_ids_).isdisjoint(first.ids)
        return GenreProbabilities(
            first.ids,
            self.genres_,
            values,
            "fused",
            "calibration" if seen else first.role,
            present.any(axis=1),
        )

    def _fuse(self, values):
        """Return probabilities of films with the same members, from values (n_films, n_genres) by name."""
        if self.method == "mean":
            return np.clip(sum(values.values()) / len(values), 0, 1)
        names, coefficients = self._coefficients(values)
        coefficients = coefficients.astype(np.result_type(*values.values()))
        total = coefficients[:, 0]
        for name, weight in zip(names, coefficients[:, 1:].T, strict=True):
            total = total + weight * logits(values[name])
        return sigmoid(total)

    def _coefficients(self, names):
        """Return the members used where ``names`` are present, and (n_genres, 1 + n) coefficients."""
        names = tuple(sorted(names))
        fitted = [part for part in self._stacks if set(part) <= set(names)]
        if fitted:
            names = max(fitted, key=len)
            return names, self._stacks[names]
        equal = np.full((len(self.genres_), len(names)), 1 / len(names))
        return names, np.insert(equal, 0, 0.0, axis=1)

    @property
    def weights_(self):
        """Weights as a tidy table: ``pattern``, ``genre``, ``member``, ``weight``."""
        tables = []
        for pattern in self._stacks or [tuple(self.members_)]:
            names, coefficients = self._coefficients(pattern)
            wide = pd.DataFrame(coefficients, list(self.genres_), ["(intercept)", *names])
            tables.append(
                wide.rename_axis("genre").reset_index().melt("genre", var_name="member", value_name="weight")
            )
            tables[-1].insert(0, "pattern", "+".join(names))
        return pd.concat(tables, ignore_index=True)

    def to_dict(self):
        """Return settings and learned attributes as plain values that JSON can hold."""
        check_is_fitted(self, "members_")
        return {
            **self.get_params(),
            "members": self.members_,
            "genres": list(self.genres_),
            "shared_genres": self.shared_genres_,
            "film_ids": self.film_ids_.tolist(),
            "stacks": [
                {"members": list(names), "coefficients": values.tolist()}
                for names, values in self._stacks.items()
            ],
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
            fusion = cls(method=facts["method"], C=facts["C"], min_positives=facts["min_positives"])
            fusion.members_, fusion.genres_ = list(facts["members"]), Genres(facts["genres"])
            fusion.shared_genres_ = list(facts["shared_genres"])
            fusion.film_ids_ = np.array(facts["film_ids"], dtype=object)
            fusion._stacks = {
                tuple(stack["members"]): np.array(stack["coefficients"]) for stack in facts["stacks"]
            }
        except KeyError as error:
            raise InputError(f"A saved LateFusion needs {error}, which is not there.") from error
        return fusion


def _by_name(members):
    """Return members by name, in alphabetical order, so that the order they came in is of no consequence."""
    if isinstance(members, GenreProbabilities) or not members:
        raise InputError("LateFusion needs a list of one or more GenreProbabilities.")
    names = sorted(member.name for member in members)
    if len(set(names)) < len(names):
        raise InputError(f"Members need distinct names, got {some(names, most=9)}.")
    return {member.name: member for member in sorted(members, key=lambda member: member.name)}


def _patterns(present):
    """Return the patterns of present members to fit, as columns of ``present`` (n_films, n_members)."""
    columns = range(present.shape[1])
    if len(columns) <= ALL_PATTERNS:
        return [part for size in columns for part in combinations(columns, size + 1)]
    seen = {tuple(np.flatnonzero(row).tolist()) for row in np.unique(present, axis=0)} - {()}
    return sorted(seen | {(column,) for column in columns}, key=lambda part: (len(part), part))
