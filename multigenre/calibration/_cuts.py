"""Exact searches over every cut of every genre, for films as they are or for many resamples of them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from multigenre._checks import InputError

# What a strategy's level may be at most (it is above 0), and what it is unless another is asked for.
LEVELS = {
    "f-beta": (inf, None),
    "precision": (1, None),
    "recall": (1, None),
    "cost": (inf, None),
    "smoothed-f1": (inf, 10.0),
    "scut-fbr": (1, 0.1),
    "micro-macro": (1, 0.7),
}
STRATEGIES = ("f1", *LEVELS, "joint-micro", "shared", "half")
FOLDS = 5
TINY = np.finfo(float).tiny  # a divisor where nothing is named and nothing is to be found


def check_strategy(strategy: str, level: float | None) -> float | None:
    """Return the level of a strategy, its default where None is given; None for a strategy without one."""
    if strategy not in STRATEGIES:
        known = f"{', '.join(STRATEGIES[:-1])} or {STRATEGIES[-1]}"
        raise InputError(f"A threshold strategy is one of {known}, got {strategy!r}.")
    if strategy not in LEVELS:
        if level is not None:
            raise InputError(f"Strategy {strategy!r} takes no level, got {level!r}; leave it out.")
        return None
    highest, default = LEVELS[strategy]
    found = default if level is None else level
    if found is None or not 0 < found <= highest or found == inf:
        limit = "" if highest == inf else f" and at most {highest}"
        raise InputError(f"Strategy {strategy!r} needs a level above 0{limit}, got {level!r}.")
    return float(found)


@dataclass(frozen=True)
class Reach:
    """What the cuts of one genre reach, the highest first; the first lies above every film and names none.

    Parameters
    ----------
    cuts : ndarray of shape (n_cuts,), float64
    hits, named : ndarray of shape (n_cuts, n_resamples)
        How many films that carry the genre, and how many in all, are at or above the cut (or their weight).
    """

    cuts: np.ndarray
    hits: np.ndarray
    named: np.ndarray

    @property
    def positives(self) -> np.ndarray:
        """How many films carry the genre, (n_resamples,): the lowest cut finds them all."""
        return self.hits[-1]

    @cached_property
    def f1(self) -> np.ndarray:
        """F1 of each cut, (n_cuts, n_resamples)."""
        return f_scores(self.hits, self.named, self.positives)

    def at(self, positions: np.ndarray) -> np.ndarray:
        """Return hits and named, stacked, at one position a resample: shape (2, n_resamples)."""
        columns = np.arange(len(positions))
        return np.stack([self.hits[positions, columns], self.named[positions, columns]])


@dataclass(frozen=True)
class Ranking:
    """One genre's cells, most probable first: what resamples of the films share.

    Parameters
    ----------
    cuts : ndarray of shape (n_cuts,), float
        The distinct probabilities of cells that may carry the genre, the highest first.
    cells : ndarray of int
        The cells at or above the lowest cut.
    ends : ndarray of shape (n_cuts,), int
        The place among the cells of the last that each cut reaches.
    """

    cuts: np.ndarray
    cells: np.ndarray
    ends: np.ndarray


def ranking(probability: np.ndarray, gain: np.ndarray) -> Ranking:
    """Return the `Ranking` of one genre's cells; parameters and what is raised as for `reach`."""
    cuts = _cuts(probability, gain)[::-1]
    order = np.argsort(-probability, kind="stable")
    ends = np.searchsorted(-probability[order], -cuts, side="right") - 1
    return Ranking(cuts, order[: ends[-1] + 1], ends)


def _cuts(probability, gain):
    """Return the distinct probabilities of cells that may carry the genre, ascending; parameters as for `reach`."""
    if not np.isfinite(probability).all():
        raise InputError("A threshold needs finite probabilities; leave out the films that are not present.")
    positive = probability[gain > 0 if gain.ndim == 1 else gain.any(axis=1)]
    if not len(positive):
        raise InputError("No film carries the genre, so F1 is undefined at every cut; pass films that do.")
    return np.unique(positive)


def reach(
    probability: np.ndarray,
    gain: np.ndarray,
    weights: np.ndarray | None = None,
    film: np.ndarray | None = None,
    ranked: Ranking | None = None,
) -> Reach:
    """Return the `Reach` of one genre.

    Between two films that may carry the genre a cut finds none more and can only name wrong ones, so the cuts
    to try are the distinct probabilities of films that may carry it.

    Parameters
    ----------
    probability : ndarray of shape (n_cells,), float
    gain : ndarray of shape (n_cells,) or (n_films, n_resamples), in [0, 1]
        How far each film carries the genre: its label, an integer, or how probable that is.
    weights : ndarray of shape (n_films, n_resamples), float, optional
        How much each film counts; default: once.
    film : ndarray of shape (n_cells,), int, optional
        Whose cell it is; default: one cell a film.
    ranked : Ranking, optional
        Of the same cells, where it is there already.

    Raises
    ------
    InputError
        If no film carries the genre, or a probability is not finite.
    """
    if weights is None and gain.dtype.kind != "f":
        cuts = _cuts(probability, gain)
        hits, named = (_at_least(part, cuts)[::-1, None] for part in (probability[gain > 0], probability))
        cuts = cuts[::-1]
    else:
        ranked = ranked or ranking(probability, gain)
        cuts, cells = ranked.cuts, ranked.cells
        films = cells if film is None else film[cells]
        drawn = np.ones((len(films), 1)) if weights is None else weights[films]
        gained = drawn * (gain[cells, None] if gain.ndim == 1 else gain[films])
        hits, named = (np.cumsum(part, axis=0)[ranked.ends] for part in (gained, drawn))
    above = np.nextafter(np.float64(probability.max()), inf)
    hits, named = (np.concatenate([np.zeros_like(part[:1]), part]) for part in (hits, named))
    return Reach(np.append(above, cuts), hits, named)


def _at_least(values, cuts):
    """Count the values at or above each of the ascending cuts."""
    return len(values) - np.searchsorted(np.sort(values), cuts, side="left")


def f_scores(hits: np.ndarray, named: np.ndarray, positives: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """Return F-beta of counts that broadcast; 0 / 0 is 0."""
    return (1 + beta**2) * hits / np.maximum(named + beta**2 * positives, TINY)


def _precision_scores(one, least):
    """Rank cuts of enough precision by what they find, and the others below them by their precision."""
    precision = np.where(one.named > 0, one.hits / np.maximum(one.named, TINY), -1)
    return np.where(precision >= least, one.hits, precision - 1)


def _recall_scores(one, least):
    """Rank cuts of enough recall by their precision, and the others below them all."""
    enough = one.hits / np.maximum(one.positives, TINY) >= least
    return np.where(enough, one.hits / np.maximum(one.named, TINY), -1)


# What is best for one genre, whatever the others do.
SCORES = {
    "f1": lambda one, level: one.f1,
    "f-beta": lambda one, level: f_scores(one.hits, one.named, one.positives, level),
    "precision": _precision_scores,
    "recall": _recall_scores,
    "cost": lambda one, level: (1 + level) * one.hits - one.named,
}


def joint_micro(reaches: Sequence[Reach]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return positions of the cuts that together maximise micro-F1, and the F1 that each resample reaches.

    For a value f of micro-F1, the cuts that maximise ``2 hits - f (named + positives)`` can be sought one genre
    at a time. Their micro-F1 is above f until f is the maximum, so each step is exact and few are needed.

    References
    ----------
    Dinkelbach (1967), "On nonlinear fractional programming", Management Science 13(7). Pillai, Fumera and Roli
    (2013), "Threshold optimisation for multi-label classifiers", Pattern Recognition 46(7): the maximum can be
    found. Fan and Lin (2007) climbed towards it one label at a time.
    """
    positives = np.sum([one.positives for one in reaches], axis=0)
    best = np.zeros(len(positives))
    while True:
        positions = [np.argmax(2 * one.hits - best * one.named, axis=0) for one in reaches]
        found = f_scores(*sum(map(Reach.at, reaches, positions)), positives)
        if not (found > best).any():
            return positions, best
        best = np.maximum(found, best)


def _smoothed(reaches, level):
    """Return positions of the best F1 were there ``level`` more films, named or to find, at the joint micro-F1."""
    prior = joint_micro(reaches)[1]
    return [
        np.argmax((2 * one.hits + level * prior) / (one.named + one.positives + level), axis=0)
        for one in reaches
    ]


def _micro_macro(reaches, level):
    """Return positions that no genre alone can change to raise ``level`` macro-F1 + ``1 - level`` micro-F1.

    The first pass takes the most frequent genre first and counts only the genres so far, as Lin and Lin do;
    further passes count them all, until nothing moves.
    """
    positions = {}
    positives, others = 0, np.zeros((2, len(reaches[0].positives)))
    for count, genre in enumerate(sorted(range(len(reaches)), key=lambda g: -reaches[g].positives.mean()), 1):
        positives = positives + reaches[genre].positives
        positions[genre] = _balance(reaches[genre], others, positives, level, count)
        others = others + reaches[genre].at(positions[genre])
    moved = True
    while moved:
        moved = False
        for genre, one in enumerate(reaches):
            others = others - one.at(positions[genre])
            found = _balance(one, others, positives, level, len(reaches), keep=positions[genre])
            moved |= (found != positions[genre]).any()
            positions[genre] = found
            others = others + one.at(found)
    return [positions[genre] for genre in range(len(reaches))]


def _balance(one, others, positives, level, count, keep=None):
    """Return the best positions of one genre among ``count``, beside the hits and named of the others."""
    together = f_scores(one.hits + others[0], one.named + others[1], positives)
    scores = level / count * one.f1 + (1 - level) * together
    best = np.argmax(scores, axis=0)
    if keep is None:
        return best
    columns = np.arange(len(best))
    # A gain within rounding is none: without this two genres could trade places for ever.
    return np.where(scores[best, columns] > scores[keep, columns] + 1e-12, best, keep)


def _scut_fbr(probability, gain, one, level, weights):
    """Return positions of the best F1, or of the first cut where F1 on films left out is below the level."""
    weights = np.ones((len(probability), 1)) if weights is None else weights
    fold = np.random.default_rng(0).permutation(len(probability)) % FOLDS
    everything, held = reach(probability, gain, weights), np.zeros((2, weights.shape[1]))
    for part in range(FOLDS):
        # The same cuts as for all films, so what a cut reaches in the fold is what the rest lacks.
        rest = reach(probability, gain, weights * (fold != part)[:, None])
        chosen = np.argmax(rest.f1, axis=0)
        held = held + everything.at(chosen) - rest.at(chosen)
    hits, named = held
    poor = f_scores(hits, named, everything.positives) < level
    return np.where(poor, 0, np.argmax(one.f1, axis=0))


def search(
    columns: Iterable[tuple[np.ndarray, np.ndarray, Ranking | None]],
    strategy: str,
    level: float | None,
    *,
    weights: np.ndarray | None = None,
    film: np.ndarray | None = None,
) -> np.ndarray:
    """Return the best cut of each genre in each resample, the highest where several are.

    Parameters
    ----------
    columns : iterable of (probability, gain, ranked)
        As for `reach`.
    strategy : str
        Of `STRATEGIES`, but ``"shared"`` and ``"half"``.
    level : float or None
    weights, film
        As for `reach`.

    Returns
    -------
    ndarray of shape (n_genres, n_resamples), float64
    """
    if strategy in SCORES or strategy == "scut-fbr":
        cuts = []
        for probability, gain, ranked in columns:  # One at a time: a million films need one genre's memory.
            one = reach(probability, gain, weights, film, ranked)
            if strategy == "scut-fbr":
                chosen = _scut_fbr(probability, gain, one, level, weights)
            else:
                chosen = np.argmax(SCORES[strategy](one, level), axis=0)
            cuts.append(one.cuts[chosen])
        return np.stack(cuts)
    reaches = [reach(probability, gain, weights, film, ranked) for probability, gain, ranked in columns]
    if strategy == "joint-micro":
        positions = joint_micro(reaches)[0]
    else:
        positions = (_micro_macro if strategy == "micro-macro" else _smoothed)(reaches, level)
    return np.stack([one.cuts[chosen] for one, chosen in zip(reaches, positions, strict=True)])
