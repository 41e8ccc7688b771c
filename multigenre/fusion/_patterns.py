"""Which members a film has, and the stack that serves each such pattern best on held-out films."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from multigenre._checks import InputError, some
from multigenre._threads import side_by_side
from multigenre.fusion._greedy import greedy_weights
from multigenre.fusion._pattern_fits import FEW, Lessons, chosen_strengths, fits
from multigenre.fusion._stacking import Stack, equal_stack

ALL_PATTERNS = 5  # members up to which every subset of them has a stack: 31
FOLDS = 5


class Candidate(NamedTuple):
    """What may serve a pattern: the ``members`` used and those of the fit, its stack, and held-out log-odds."""

    members: tuple[int, ...]
    fit: tuple[int, ...]
    others_C: float | None
    stack: Stack
    held_out: np.ndarray


def patterns_of(
    present: np.ndarray, wanted: Iterable[tuple[int, ...]] | None = None
) -> list[tuple[int, ...]]:
    """Return the patterns of present members to fit, as columns of ``present`` (n_films, n_members).

    They are the single members, those that films have, and those ``wanted``, by default all of a few members.
    """
    columns = range(present.shape[1])
    if wanted is None and len(columns) <= ALL_PATTERNS:
        return [part for size in columns for part in combinations(columns, size + 1)]
    seen = {tuple(np.flatnonzero(row).tolist()) for row in np.unique(present, axis=0)} - {()}
    patterns = seen | {(column,) for column in columns} | set(wanted or ())
    return sorted(patterns, key=lambda part: (len(part), part))


def columns_of(patterns: Iterable[Iterable[str]] | None, members: list[str]) -> list[tuple[int, ...]] | None:
    """Return patterns of member names as sorted tuples of their positions; None for none."""
    if patterns is None:
        return None
    if unknown := sorted({name for pattern in patterns for name in pattern} - set(members)):
        raise InputError(f"A pattern names members that are there, {some(members, 9)}, got {some(unknown)}.")
    return [tuple(sorted({members.index(name) for name in pattern})) for pattern in patterns]


def folds_of(ids: Iterable[str], seed: int) -> np.ndarray:
    """Return a fold for each film that depends on all films' ids, not on their order: (n_films,) int."""
    digests = [blake2b(f"{seed} {film}".encode(), digest_size=8).digest() for film in ids]
    fold = np.empty(len(digests), int)
    fold[sorted(range(len(digests)), key=digests.__getitem__)] = np.arange(len(digests)) % FOLDS
    return fold


def fit_patterns(
    members: list[str],
    lessons: Lessons,
    *,
    C: Sequence[float],
    others_C: Sequence[float],
    wanted: list[tuple[int, ...]] | None = None,
    non_negative: bool = False,
) -> tuple[dict[tuple[str, ...], Stack], list[dict[str, Any]], dict[tuple[str, ...], np.ndarray]]:
    """Fit a stack for every pattern of present members, and choose by cross-validation what serves it best.

    A pattern's own fit learns from all films that have one of its members or more: members beyond the pattern are
    dropped, and those of it that are missing have their conditional mean. Where all films have all
    members, each pattern thus has a fit of its own; where few have a pattern, it leans on the rest. It competes
    with what the fit for all members implies when the others have their conditional mean, with the choices for the
    pattern's parts, and, for a single member, with the member as it is; stacks with and without the other
    genres. The lowest held-out loss over the films that have the pattern's members wins.

    Parameters
    ----------
    members : list of str
    lessons : Lessons
    C, others_C : sequence of float
        Strengths to choose from, once for all patterns; others_C may be empty.
    wanted : list of tuple of int, optional
        See `patterns_of`.
    non_negative : bool
        See `stack_path`.

    Returns
    -------
    stacks : dict of tuple of str to Stack
        By names of members, smaller patterns first; those with too few films are left out.
    choices : list of dict
        A row a candidate: ``pattern``, the ``members`` that it uses and those of the ``fit`` (joined by ``+``; a
        member as it is has none), ``C`` and ``others_C`` (None where not used), ``films``, ``bce`` (held-out,
        infinite without films), ``chosen``.
    held_out : dict of tuple of str to ndarray of shape (n_films, n_genres)
        For each stack, fused log-odds of the films that have its members, from fits that did not see the film (of the
        strengths and the candidates that all films chose); NaN for other films.

    References
    ----------
    Little and Rubin (2019), "Statistical analysis with missing data", ch. 4: conditional means. van der Laan, Polley,
    Hubbard (2007), "Super learner": a choice among candidates by cross-validation.
    """
    present, whole = lessons.present, tuple(range(len(members)))
    n_genres = lessons.labels.shape[1]
    patterns = patterns_of(present, wanted)
    near = {pattern: {} for pattern in (whole, *patterns)}  # the folds of a pattern are much alike
    C, others_C = chosen_strengths(lessons, C, others_C, non_negative, near)
    sources = dict.fromkeys((whole, *(one for one in patterns if present[:, one].all(axis=1).sum() >= FEW)))
    fit = partial(fits, lessons, C=C, others_C=others_C, non_negative=non_negative, near=near)
    fitted = dict(zip(sources, side_by_side(fit, sources), strict=True))
    stacks, best, choices = {}, {}, []
    for pattern in patterns:
        rows = np.all(present[:, pattern], axis=1)
        seen, candidates = lessons.of(pattern).take(rows), []
        if len(pattern) == 1:
            candidates.append(Candidate(pattern, (), None, equal_stack(n_genres, 1), seen.log_odds[0]))
        elif rows.sum() < FEW:
            continue
        for source in dict.fromkeys((pattern, whole)) if rows.sum() >= FEW else ():
            if found := fitted[source]:
                last, apart = found
                held_out = np.empty((1 + len(others_C), *seen.labels.shape))
                for one, fit in apart.items():
                    held = seen.fold == one
                    mine = seen.log_odds[:, held]
                    held_out[:, held] = [stack.log_odds(mine) for stack in fit.stacks_for(pattern)]
                kinds = zip((None, *others_C), last.stacks_for(pattern), held_out, strict=True)
                candidates += [Candidate(pattern, source, *kind) for kind in kinds]  # pyright: ignore[reportArgumentType]  # rows are arrays
        parts = [one for part, one in best.items() if one.members == part and set(part) < set(pattern)]
        candidates += [one._replace(held_out=one.held_out[rows]) for one in parts]
        losses = [seen.loss(one.held_out) for one in candidates]
        winner = candidates[int(np.argmin(losses))]
        everywhere = np.full(lessons.labels.shape, np.nan)
        everywhere[rows] = winner.held_out
        best[pattern] = winner._replace(held_out=everywhere)
        stacks[pattern] = replace(_embedded(winner, pattern), loss=min(losses))
        choices += [
            {"pattern": pattern, "members": one.members, "fit": one.fit}
            | {"C": C[0] if one.fit else None, "others_C": one.others_C}
            | {"films": int(rows.sum()), "bce": loss, "chosen": one is winner}
            for one, loss in zip(candidates, losses, strict=True)
        ]
    for row in choices:
        row |= {key: "+".join(_names(members, row[key])) for key in ("pattern", "members", "fit")}
    held_out = {_names(members, pattern): winner.held_out for pattern, winner in best.items()}
    return {_names(members, pattern): stack for pattern, stack in stacks.items()}, choices, held_out


def _names(members, pattern):
    return tuple(members[one] for one in pattern)


def fit_greedy(
    members: list[str],
    values: np.ndarray,
    labels: np.ndarray,
    sample_weight: np.ndarray,
    *,
    wanted: list[tuple[int, ...]] | None = None,
) -> dict[tuple[str, ...], Stack]:
    """Return `greedy_weights` of probabilities (n_members, n_films, n_genres) for every pattern, as stacks."""
    present, stacks = ~np.isnan(values[:, :, 0]).T, {}
    for pattern in patterns_of(present, wanted):
        rows = np.all(present[:, pattern], axis=1)
        if rows.sum() >= FEW:
            mine, counts = values[np.array(pattern)][:, rows], sample_weight[rows]
            weights = greedy_weights(mine, labels[rows], sample_weight=counts)
            weights = np.tile(np.r_[0.0, weights], (labels.shape[1], 1))
            unknown = equal_stack(len(weights), len(pattern)).covariance
            stacks[_names(members, pattern)] = Stack(weights, unknown)
    return stacks


def _embedded(candidate, pattern):
    """Return a candidate's stack for a pattern, where members that it does not use have the weight 0."""
    columns = [0, *(1 + pattern.index(member) for member in candidate.members)]
    return candidate.stack.mapped(np.eye(1 + len(pattern))[:, columns])
