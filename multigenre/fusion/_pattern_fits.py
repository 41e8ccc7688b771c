"""Fits of a stack to the films that have some of a pattern's members: on all of them, and without each fold."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from multigenre._checks import InputError
from multigenre.fusion._stacking import Near, Stack, others_path, stack_loss, stack_path

FEW = 20  # films below which nothing is learned for a pattern, whatever they weigh
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
OTHERS_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
LOOSE = 1e-3  # how exact weights are that only choose a strength


class Moments(NamedTuple):
    """``level`` (n_members, n_genres), mean log-odds, and ``covariance`` (n_members, n_members) around it."""

    level: np.ndarray
    covariance: np.ndarray


def moments_of(log_odds: np.ndarray, sample_weight: np.ndarray) -> Moments:
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


def slopes_of(moments: Moments, here: np.ndarray) -> np.ndarray:
    """Return how members not ``here`` (n_members,) bool follow those that are, (n_members, n_here).

    Rows of members that are here name themselves.
    """
    slopes = np.eye(len(here))[:, here]
    among = moments.covariance[np.ix_(here, here)]
    slopes[~here] = np.linalg.solve(among, moments.covariance[np.ix_(here, ~here)]).T
    return slopes


def imputed(log_odds: np.ndarray, moments: Moments) -> np.ndarray:
    """Return log-odds in which members that are not there have their conditional mean given those that are.

    Parameters
    ----------
    log_odds : ndarray of shape (n_members, n_films, n_genres), float64
        Of films with one member or more, NaN where a member is not present.
    moments : Moments
    """
    present, filled = ~np.isnan(log_odds[:, :, 0]), log_odds.copy()
    level = moments.level[:, None]
    bits = 1 << np.arange(len(present))
    codes = bits @ present
    for code in np.unique(codes):
        here = code & bits > 0
        if here.any() and not here.all():
            rows = codes == code
            centred = log_odds[np.ix_(here, rows)] - level[here]
            filled[:, rows] = level + np.tensordot(slopes_of(moments, here), centred, 1)
    return filled


def implied_map(moments: Moments, pattern: Sequence[int]) -> np.ndarray:
    """Return (n_genres, 1 + n_pattern, 1 + n_members): from weights of all members to those of some.

    With them the log-odds are what all members' weights give when the others have their conditional mean.
    """
    here = np.isin(np.arange(len(moments.level)), pattern)
    slopes = slopes_of(moments, here)
    found = np.zeros((moments.level.shape[1], 1 + here.sum(), 1 + len(here)))
    found[:, 0, 0], found[:, 1:, 1:] = 1, slopes.T
    found[:, 0, 1:] = (moments.level - slopes @ moments.level[here]).T
    return found


class Lessons(NamedTuple):
    """What stacks learn from.

    ``log_odds`` (n_members, n_films, n_genres), float64, NaN where a member is not present; ``labels`` (n_films,
    n_genres), 0 or 1; ``fold`` (n_films,), int; ``sample_weight`` (n_films,), float64 above 0.
    """

    log_odds: np.ndarray
    labels: np.ndarray
    fold: np.ndarray
    sample_weight: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Which films have which members: (n_films, n_members) bool."""
        return ~np.isnan(self.log_odds[:, :, 0]).T

    def of(self, pattern: Sequence[int] | np.ndarray) -> Self:
        """Return the lessons from the members at some positions alone."""
        return self._replace(log_odds=self.log_odds[np.array(pattern)])

    def take(self, rows: np.ndarray) -> "Lessons":
        """Return the lessons of some films, (n_films,) bool."""
        labels, fold, sample_weight = self.labels[rows], self.fold[rows], self.sample_weight[rows]
        return Lessons(self.log_odds[:, rows], labels, fold, sample_weight)

    def loss(self, log_odds: np.ndarray) -> float:
        """Return the `stack_loss` of log-odds (n_films, n_genres), infinite without films."""
        return stack_loss(log_odds, self.labels, self.sample_weight) if len(log_odds) else np.inf


class Fit(NamedTuple):
    """``stacks`` of a pattern, one without the other genres and one a strength of them, and its `Moments`."""

    stacks: list[Stack]
    moments: Moments

    def log_odds(self, log_odds: np.ndarray) -> np.ndarray:
        """Return fused log-odds (n_stacks, n_films, n_genres) of films that have some members of the pattern."""
        filled = imputed(log_odds, self.moments)
        return np.stack([stack.log_odds(filled) for stack in self.stacks])

    def stacks_for(self, pattern: Sequence[int]) -> list[Stack]:
        """Return stacks for films that have just the members at these positions among the fit's own."""
        if len(pattern) == len(self.moments.level):
            return self.stacks
        maps = implied_map(self.moments, pattern)
        return [stack.mapped(maps) for stack in self.stacks]


def strengths(given: float | Sequence[float] | str, grid: tuple[float, ...], name: str) -> tuple[float, ...]:
    """Return strengths to choose from as a tuple: ``grid`` for ``"cv"``, else the one or several given."""
    if isinstance(given, str) and given == "cv":
        return grid
    try:
        found = tuple(np.atleast_1d(np.asarray(given, float)).tolist())
    except ValueError:
        found = ()
    if not found or not all(0 < strength < np.inf for strength in found):
        raise InputError(f"LateFusion needs {name} to be 'cv' or one or more numbers above 0, got {given!r}.")
    return found


def chosen_strengths(
    lessons: Lessons,
    C: Sequence[float],
    others_C: Sequence[float],
    non_negative: bool,
    near: dict[tuple[int, ...], Near],
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the C and the others_C of lowest held-out loss for all members, or the most common pattern."""
    present = lessons.present
    kinds, counts = np.unique(present[present.any(axis=1)], axis=0, return_counts=True)
    pattern = np.ones(present.shape[1], bool)
    if present.all(axis=1).sum() < FEW:
        if counts.max(initial=0) < FEW:
            return C[:1], others_C[:1]
        pattern = kinds[counts.argmax()]
    seen = lessons.of(np.flatnonzero(pattern)).take(np.any(present[:, pattern], axis=1))
    of_pattern = near[tuple(np.flatnonzero(pattern).tolist())]
    if len(C) > 1:
        C = _best(C, seen, _held_out(seen, C, (), non_negative, of_pattern))
    if len(others_C) > 1:
        others_C = _best(others_C, seen, _held_out(seen, C, others_C, non_negative, of_pattern)[1:])
    return C, others_C


def fits(
    lessons: Lessons,
    pattern: tuple[int, ...],
    C: Sequence[float],
    others_C: Sequence[float],
    non_negative: bool,
    near: dict[tuple[int, ...], Near],
) -> tuple[Fit, dict[int, Fit]] | None:
    """Return the `Fit` of a pattern, and by fold one without it; None where too few films have its members."""
    present = lessons.present[:, pattern]
    if present.all(axis=1).sum() < FEW:
        return None
    seen = lessons.of(pattern).take(np.any(present, axis=1))
    options = (C, others_C, non_negative, near[pattern])
    apart = {one: _fit(seen.take(seen.fold != one), *options, exact=False) for one in np.unique(seen.fold)}
    return _fit(seen, *options), apart


def _best(strengths, lessons, held_out):
    """Return the strength of lowest loss, in a list."""
    return [strengths[int(np.argmin([lessons.loss(log_odds) for log_odds in held_out]))]]


def _fit(lessons, C, others_C, non_negative, near, *, exact=True):
    """Return a stack for each C, and then the last of them with the other genres at each of others_C.

    ``near`` is that of `stack_path`; what is not ``exact`` does only to choose.
    """
    moments = moments_of(lessons.log_odds, lessons.sample_weight)
    filled = imputed(lessons.log_odds, moments)
    options = {"sample_weight": lessons.sample_weight, "tolerance": 1e-8 if exact else LOOSE, "near": near}
    path = stack_path(filled, lessons.labels, C, non_negative=non_negative, errors=exact, **options)
    if others_C:
        path += others_path(path[-1], path[-1].log_odds(filled), lessons.labels, others_C, **options)
    return Fit(path, moments)


def _held_out(lessons, C, others_C, non_negative, near):
    """Return log-odds (n_stacks, n_films, n_genres) of films by the stacks of `_fit` that did not see them."""
    found = np.empty((len(C) + len(others_C), *lessons.labels.shape))
    for one in np.unique(lessons.fold):
        held = lessons.fold == one
        fit = _fit(lessons.take(~held), C, others_C, non_negative, near, exact=False)
        found[:, held] = fit.log_odds(lessons.log_odds[:, held])
    return found
