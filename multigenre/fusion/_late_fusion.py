"""`LateFusion`: one prediction from several members' genre probabilities, whatever a film lacks."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import InputError, some
from multigenre._threads import one_thread
from multigenre.data import Films, GenreProbabilities, Genres, logits, sigmoid
from multigenre.fusion._inputs import by_name, films_to_learn, fused_role
from multigenre.fusion._pattern_fits import OTHERS_STRENGTHS, STRENGTHS, Lessons, strengths
from multigenre.fusion._patterns import columns_of, fit_greedy, fit_patterns, folds_of
from multigenre.fusion._stacking import Stack, equal_stack

CHOICES = ["pattern", "members", "fit", "C", "others_C", "films", "bce", "chosen"]
WEIGHTS = ["pattern", "genre", "member", "weight", "low", "high"]
OTHERS = ["pattern", "genre", "other", "weight"]

METHODS = ("joint-stack", "stack", "greedy", "logit-mean", "mean")
CHUNK = 20_000  # films fused at once, so that they stay in the processor's cache


def choice_table(choices: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return what was tried for each pattern of members, from the rows of `fit_patterns`."""
    return pd.DataFrame(choices, columns=CHOICES).astype({"C": float, "others_C": float})


def weight_table(stacks: dict[tuple[str, ...], Stack], genres: Genres, level: float) -> pd.DataFrame:
    """Return the weights of stacks, a dict by names of members, with intervals at a level in (0, 1)."""
    reach, tables = ndtri(0.5 + level / 2), []
    for names, stack in stacks.items():
        rows = pd.MultiIndex.from_product([["(intercept)", *names], list(genres)], names=["member", "genre"])
        table = pd.DataFrame({"weight": stack.weights.T.ravel()}, rows).reset_index()
        error = reach * stack.errors.T.ravel()
        low, high = table["weight"] - error, table["weight"] + error
        tables.append(table.assign(pattern="+".join(names), low=low, high=high)[WEIGHTS])
    return pd.concat(tables, ignore_index=True)


def other_table(stacks: dict[tuple[str, ...], Stack], genres: Genres) -> pd.DataFrame:
    """Return how each genre's log-odds follow the evidence for each other one, for stacks that see others."""
    tables = []
    for names, stack in stacks.items():
        if stack.others is not None:
            rows = pd.MultiIndex.from_product([list(genres)] * 2, names=OTHERS[1:3])
            table = pd.DataFrame({"weight": stack.others[:, 2:].ravel()}, rows).reset_index()
            tables.append(table.assign(pattern="+".join(names))[OTHERS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=OTHERS)


def patterns_in(names: Sequence[str], present: np.ndarray) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the names of the members that some films have, and which films these are.

    Parameters
    ----------
    names : sequence of str
    present : ndarray of shape (n_members, n_films), bool
    """
    codes = (1 << np.arange(len(names))) @ present
    for code in np.unique(codes[codes > 0]):
        yield [name for bit, name in enumerate(names) if code >> bit & 1], np.flatnonzero(codes == code)


class LateFusion(BaseEstimator):
    """Combine members' genre probabilities, by rule or by what held-out films teach.

    A film is fused from the members that are present for it. Each pattern of present members has weights of
    its own, so a missing poster is never a zero that the weights then read as evidence; see `fit_patterns`. Of a
    pattern's own weights, those that the fit for all members implies, those of its parts, and a single member as it
    is, the ones with the lowest cross-validated loss serve it.

    Parameters
    ----------
    method : {"joint-stack", "stack", "greedy", "logit-mean", "mean"}, default "joint-stack"
        ``"stack"``: for each genre a logistic regression on the members' log-odds, shrunk towards one that all
        genres share. ``"joint-stack"``: the same, and then a regression that sees the evidence for all genres,
        shrunk towards the stack. ``"greedy"``: a weighted mean of probabilities, by greedy ensemble selection.
        ``"logit-mean"``: the mean of the log-odds, where one can win. ``"mean"``: that of the probabilities.
    C : "cv", float or sequence of float, default "cv"
        Variance of a genre's departure from what genres share, the inverse strength of a ridge penalty as in
        scikit-learn. Of several the one with the lowest cross-validated loss is taken; ``"cv"``: of 0.003 to 3.
    others_C : "cv", float or sequence of float, default "cv"
        The same for the weights of other genres in a joint stack; ``"cv"``: of 0.003 to 0.3.
    non_negative : bool
        No member's weight in a stack is below 0.
    patterns : sequence of sequences of str, optional
        Sets of members that get weights of their own even if no film here has just these, such as all that read
        posters. Single members, and sets that films have, always do. Default: every set, of up to five members.
    seed : int
        Of the five folds; a film's fold does not depend on the order of films.

    Attributes
    ----------
    members_ : list of str
        In alphabetical order.
    genres_ : Genres
    weights_ : DataFrame
        Columns ``pattern`` (names of the present members joined by ``+``), ``genre``, ``member`` (or
        ``"(intercept)"``), ``weight``; see `weight_table`.
    choices_ : DataFrame
        What was tried for each pattern: columns ``pattern``, ``members`` (those used), ``fit`` (the pattern
        whose fit it is; a member as it is has none), ``C`` and ``others_C`` (NaN where not used), ``films``, ``bce``
        (cross-validated), ``chosen``. Empty but for stacks.
    film_ids_ : ndarray of str
        The films it was fitted on; what it predicts for them has the role calibration and cannot be reported.
    held_out_ : GenreProbabilities or None
        What a stack says of these films when it is fitted without a fifth of them, the film's: of role
        ``"out-of-fold"``, to calibrate or to choose thresholds on. Strengths and candidates are those that all films
        chose. None for other methods, without films, and once loaded; see `held_out`.

    References
    ----------
    Wolpert (1992), "Stacked generalization", Neural Networks 5(2). Platt (1999), "Probabilistic outputs for
    support vector machines": a stack of one member. Breiman (1996), "Stacked regressions", Machine Learning 24:
    weights that are not negative. See also `stack_path`, `others_path`, `greedy_weights`.

    Examples
    --------
    >>> from multigenre import Films
    >>> genres, ids, blank = Genres(["Comedy", "Drama"]), ["tt1", "tt2"], ["", ""]
    >>> films = Films(ids, blank, blank, [[1, 0], [0, 1]], genres, "calibration")
    >>> poster = GenreProbabilities(ids, genres, [[0.6, 0.4], [0.2, 0.8]], "poster", "calibration")
    >>> overview = GenreProbabilities(ids, genres, [[0.8, 0.2], [0.4, 0.6]], "overview", "calibration")
    >>> fusion = LateFusion(method="mean").fit([poster, overview], films)
    >>> fusion.predict([poster, overview]).values.round(2)
    array([[0.7, 0.3],
           [0.3, 0.7]])
    """

    def __init__(
        self,
        *,
        method: str = "joint-stack",
        C: float | Sequence[float] | str = "cv",
        others_C: float | Sequence[float] | str = "cv",
        non_negative: bool = False,
        patterns: Sequence[Any] | None = None,
        seed: int = 0,
    ):
        self.method = method
        self.C = C
        self.others_C = others_C
        self.non_negative = non_negative
        self.patterns = patterns
        self.seed = seed

    def fit(
        self,
        members: list[GenreProbabilities] | dict[str, Any],
        films: Films | ArrayLike | pd.DataFrame,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn how to combine members, on films that none of them trained on.

        Parameters
        ----------
        members : list of GenreProbabilities, or dict of str to array or DataFrame (n_films, n_genres)
            Of role ``"calibration"`` or ``"out-of-fold"``, all of these films and genres, in any order.
        films : Films, or array or DataFrame of shape (n_films, n_genres), 0 or 1
            With their genres. Films for which no member is present are ignored.
        sample_weight : array of shape (n_films,), float of 0 or more, optional
            How much each film counts: 2 is as two such films. A film of weight 0 is ignored.

        Returns
        -------
        LateFusion
            This one.

        Raises
        ------
        InputError
            If a setting is unknown, a member saw the films, films or genres differ, two members share a name, or
            weights are not of that shape and range.
        """
        if self.method not in METHODS:
            raise InputError(f"A fusion method is one of {', '.join(METHODS)}, got {self.method!r}.")
        C = strengths(self.C, STRENGTHS, "C")
        others_C = strengths(self.others_C, OTHERS_STRENGTHS, "others_C")
        given = films_to_learn(members, films, sample_weight, "LateFusion.fit")
        self.fit_names(given.names, given.genres)
        self.film_ids_ = given.ids
        stacks, choices, held_out = {}, (), None
        wanted = columns_of(self.patterns, self.members_)
        if self.method == "greedy":
            stacks = fit_greedy(self.members_, given.values, given.labels, given.sample_weight, wanted=wanted)
        elif self.method in ("stack", "joint-stack"):
            fold = folds_of(given.ids, self.seed)
            with one_thread():
                stacks, choices, held_out = fit_patterns(
                    self.members_,
                    Lessons(logits(given.values), given.labels, fold, given.sample_weight),
                    C=C,
                    others_C=others_C if self.method == "joint-stack" else (),
                    wanted=wanted,
                    non_negative=self.non_negative,
                )
        self._stacks, self.choices_ = stacks, choice_table(choices)
        if held_out is not None and len(given.ids):
            self.held_out_ = self._held_out(given, held_out)
        return self

    def _held_out(self, given, held_out):
        """Return the probabilities of the films learned from, of log-odds by pattern, as `predict` chooses those."""
        values = np.empty(given.labels.shape)
        for names, rows in patterns_in(given.names, ~np.isnan(given.values[:, :, 0])):
            part, stack = self.stack_for(names)
            if part in held_out:
                values[rows] = held_out[part][rows]
            else:  # too few films for a stack: the plain mean, which learns nothing
                members = given.values[np.isin(given.names, part)][:, rows]
                values[rows] = stack.log_odds(logits(members))
        return GenreProbabilities(given.ids, self.genres_, sigmoid(values), "fused", "out-of-fold")

    def fit_names(self, names: Iterable[str], genres: Genres) -> Self:
        """Learn only who the members are: all that a mean needs, where no film can be spared.

        Parameters
        ----------
        names : iterable of str
        genres : Genres

        Returns
        -------
        LateFusion
            This one. A stack falls back to the mean of log-odds, greedy selection to that of probabilities.
        """
        self.members_, self.genres_ = sorted(names), genres
        self.film_ids_, self._stacks, self.choices_ = np.array([], dtype=object), {}, choice_table(())
        self.held_out_ = None
        return self

    def predict(self, members: list[GenreProbabilities] | dict[str, Any]) -> GenreProbabilities:
        """Fuse members' probabilities of any films.

        Parameters
        ----------
        members : list of GenreProbabilities, or dict of str to array or DataFrame (n_films, n_genres)
            Some or all of the fitted ones, by name, in any order; one that is left out counts as not present.

        Returns
        -------
        GenreProbabilities
            Named ``"fused"``; float32 if every member is. Films for which no member is present are NaN and
            not present. The role is the members', or ``"calibration"`` if this fusion, but no member, was fitted on
            any of the films. A film whose pattern of members was not fitted uses the largest fitted part of it (of
            equals the one with the lowest loss), or the plain mean if there is none.

        Raises
        ------
        InputError
            If a member is unknown, or members differ in films, genres or role.
        """
        check_is_fitted(self, "members_")
        named = by_name(members, self.genres_)
        if unknown := sorted(set(named) - set(self.members_)):
            known = some(self.members_, 9)
            raise InputError(f"LateFusion was fitted on {known}, got {some(unknown)} as well.")
        members, first = list(named.values()), next(iter(named.values()))
        role = fused_role(members, self.genres_, self.film_ids_)
        present = np.stack([member.present for member in members])
        values = np.full(first.values.shape, np.nan, np.result_type(*(member.values for member in members)))
        for names, rows in patterns_in(list(named), present):
            for start in range(0, len(rows), CHUNK):
                some_rows = rows[start : start + CHUNK]
                values[some_rows] = self._fuse({name: named[name].values[some_rows] for name in names})
        return GenreProbabilities(first.ids, self.genres_, values, "fused", role, present.any(axis=0))

    def _fuse(self, values):
        """Return probabilities of films with the same members, from values (n_films, n_genres) by name."""
        names, stack = self.stack_for(values)
        if self.on_probabilities:
            return np.clip(stack.log_odds([values[name] for name in names]), 0, 1)
        return sigmoid(stack.log_odds([logits(values[name]) for name in names]))

    def stack_for(self, names: Iterable[str]) -> tuple[tuple[str, ...], Stack]:
        """Return the names of the members used where ``names`` are present, and their `Stack`."""
        names = tuple(sorted(names))
        fitted = [part for part in self._stacks if {*part} <= {*names}]
        if not fitted:
            return names, equal_stack(len(self.genres_), len(names))
        part = min(fitted, key=lambda part: (-len(part), self._stacks[part].loss, part))
        return part, self._stacks[part]

    def uses_all(self, names: Collection[str]) -> bool:
        """Return whether all of these members are fused where just they are present, and not only a part of them."""
        return set(self.stack_for(names)[0]) == set(names)

    @property
    def on_probabilities(self) -> bool:
        """Whether weights are of probabilities, not of log-odds."""
        return self.method in ("mean", "greedy")

    @property
    def weights_(self) -> pd.DataFrame:
        """Weights as a tidy table: ``pattern``, ``genre``, ``member``, ``weight``."""
        return self.weight_table()[["pattern", "genre", "member", "weight"]]

    def weight_table(self, *, level: float = 0.95) -> pd.DataFrame:
        """Return weights with intervals, a row each.

        Parameters
        ----------
        level : float in (0, 1)

        Returns
        -------
        DataFrame
            Columns ``pattern``, ``genre``, ``member`` (or ``"(intercept)"``), ``weight``, ``low``, ``high``. Intervals
            are Laplace's, with the error of what genres share; NaN for means, greedy selection and a member that is
            taken as it is, 0 to 0 for a member that does not serve the pattern.
        """
        check_is_fitted(self, "members_")
        names = tuple(self.members_)
        return weight_table(self._stacks or {names: self.stack_for(names)[1]}, self.genres_, level)

    def other_weights(self) -> pd.DataFrame:
        """Return how a joint stack lets genres see each other, a row for each pattern and pair of genres.

        Returns
        -------
        DataFrame
            Columns ``pattern``, ``genre``, ``other``, ``weight``: what the log-odds of ``genre`` gain for each unit
            of log(1 + odds / usual odds) of ``other``, which may be the genre itself. Empty without such weights.
        """
        check_is_fitted(self, "members_")
        return other_table(self._stacks, self.genres_)

    def to_dict(self) -> dict[str, Any]:
        """Return settings and learned attributes as plain values that JSON can hold."""
        check_is_fitted(self, "members_")
        return {
            **self.get_params(),
            "members": self.members_,
            "genres": list(self.genres_),
            "film_ids": self.film_ids_.tolist(),
            "choices": json.loads(self.choices_.to_json(orient="records", double_precision=15)),
            "stacks": [{"members": list(names), **stack.to_dict()} for names, stack in self._stacks.items()],
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """Return what `to_dict` described.

        Raises
        ------
        InputError
            If a needed entry is missing, or weights are not of the members and genres.
        """
        try:
            fusion = cls(**{name: facts[name] for name in cls._get_param_names()})
            fusion.fit_names(facts["members"], Genres(facts["genres"]))
            fusion.film_ids_ = np.array(facts["film_ids"], dtype=object)
            fusion._stacks = {tuple(one["members"]): Stack.from_dict(one) for one in facts["stacks"]}
            fusion.choices_ = choice_table(facts["choices"])
            for names, stack in fusion._stacks.items():
                stack.check_sizes(len(names), len(fusion.genres_))
        except KeyError as error:
            raise InputError(f"A saved LateFusion needs {error}, which is not there.") from error
        return fusion
