"""Which members a film has, and the stack that serves each such pattern best on held-out films."""

from dataclasses import replace
from hashlib import blake2b
from itertools import combinations
from typing import NamedTuple

import numpy as np

from multigenre._checks import InputError, some
from multigenre._imputation import Moments, implied_map, imputed, moments_of
from multigenre._records import as_record
from multigenre._stacking import Stack, equal_stack, others_path, stack_loss, stack_path
from multigenre.ensemble_selection import greedy_weights
from multigenre.probabilities import GenreProbabilities

ALL_PATTERNS = 5  # members up to which every subset of them has a stack: 31
FOLDS = 5
FEW = 20  # films below which nothing is learned for a pattern
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
OTHERS_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
LOOSE = 1e-3  # how exact weights are that only choose a strength


class Fit(NamedTuple):
    """``stacks`` of a pattern, one without the other genres and one a strength of them, and its `Moments`."""

    stacks: list
    moments: Moments

    def log_odds(self, log_odds):
        """Return fused log-odds (n_stacks, n_films, n_genres) of films that have some members of the pattern."""
        filled = imputed(log_odds, self.moments)
        return np.stack([stack.log_odds(filled) for stack in self.stacks])

    def stacks_for(self, pattern):
        """Return stacks for films that have just the members at these positions among the fit's own."""
        if len(pattern) == len(self.moments.level):
            return self.stacks
        maps = implied_map(self.moments, pattern)
        return [stack.mapped(maps) for stack in self.stacks]


class Candidate(NamedTuple):
    """What may serve a pattern: the ``members`` used and those of the fit, its stack, and held-out log-odds."""

    members: tuple
    fit: tuple
    others_C: float | None
    stack: Stack
    held_out: np.ndarray


def by_name(members, genres=None):
    """Return members by name, in alphabetical order, so that the order they came in is of no consequence.

    A dict holds arrays or DataFrames by name, as `as_record` takes them; ``genres`` are what an array's columns are.
    """
    if isinstance(members, dict):
        members = [replace(as_record(values, genres), name=name) for name, values in members.items()]
    if isinstance(members, GenreProbabilities) or not members:
        raise InputError("LateFusion needs a list of one or more GenreProbabilities, or a dict of arrays.")
    names = sorted(member.name for member in members)
    if len(set(names)) < len(names):
        raise InputError(f"Members need distinct names, got {some(names, most=9)}.")
    return {member.name: member for member in sorted(members, key=lambda member: member.name)}


def patterns_of(present, wanted=None):
    """Return the patterns of present members to fit, as columns of ``present`` (n_films, n_members).

    They are the single members, those that films have, and those ``wanted``, by default all of a few members.
    """
    columns = range(present.shape[1])
    if wanted is None and len(columns) <= ALL_PATTERNS:
        return [part for size in columns for part in combinations(columns, size + 1)]
    seen = {tuple(np.flatnonzero(row).tolist()) for row in np.unique(present, axis=0)} - {()}
    patterns = seen | {(column,) for column in columns} | set(wanted or ())
    return sorted(patterns, key=lambda part: (len(part), part))


def columns_of(patterns, members):
    """Return patterns of member names as sorted tuples of their positions; None for none."""
    if patterns is None:
        return None
    if unknown := sorted({name for pattern in patterns for name in pattern} - set(members)):
        raise InputError(f"A pattern names members that are there, {some(members, 9)}, got {some(unknown)}.")
    return [tuple(sorted({members.index(name) for name in pattern})) for pattern in patterns]


def strengths(given, grid, name):
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


def folds_of(ids, seed):
    """Return a fold for each film that depends on all films' ids, not on their order: (n_films,) int."""
    digests = [blake2b(f"{seed} {film}".encode(), digest_size=8).digest() for film in ids]
    fold = np.empty(len(digests), int)
    fold[sorted(range(len(digests)), key=digests.__getitem__)] = np.arange(len(digests)) % FOLDS
    return fold


def fit_patterns(members, log_odds, labels, fold, *, C, others_C, wanted=None, **settings):
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
    log_odds : ndarray of shape (n_members, n_films, n_genres), float64
        NaN where a member is not present.
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    fold : ndarray of shape (n_films,), int
    C, others_C : sequence of float
        Strengths to choose from, once for all patterns; others_C may be empty.
    wanted : list of tuple of int, optional
        See `patterns_of`.
    **settings
        Of `stack_path`.

    Returns
    -------
    stacks : dict of tuple of str to Stack
        By names of members, smaller patterns first; those with too few films are left out.
    choices : list of dict
        A row a candidate: ``pattern``, the ``members`` that it uses and those of the ``fit`` (joined by ``+``; a
        member as it is has none), ``C`` and ``others_C`` (None where not used), ``films``, ``bce`` (held-out,
        infinite without films), ``chosen``.

    References
    ----------
    Little and Rubin (2019), "Statistical analysis with missing data", ch. 4: conditional means. van der Laan, Polley,
    Hubbard (2007), "Super learner": a choice among candidates by cross-validation.
    """
    present, whole = ~np.isnan(log_odds[:, :, 0]).T, tuple(range(len(members)))
    given = log_odds, labels, fold, present
    C, others_C = _chosen_strengths(*given, C, others_C, settings)
    fits = {whole: _fits(*given, whole, C, others_C, settings)}
    stacks, best, choices = {}, {}, []
    for pattern in patterns_of(present, wanted):
        rows = present[:, pattern].all(axis=1)
        mine, seen, candidates = log_odds[np.array(pattern)][:, rows], labels[rows], []
        if len(pattern) == 1:
            candidates.append(Candidate(pattern, (), None, equal_stack(labels.shape[1], 1), mine[0]))
        elif rows.sum() < FEW:
            continue
        for source in dict.fromkeys((pattern, whole)) if rows.sum() >= FEW else ():
            if source not in fits:
                fits[source] = _fits(*given, source, C, others_C, settings)
            if fits[source]:
                last, apart = fits[source]
                held_out = np.empty((1 + len(others_C), *seen.shape))
                for one, fit in apart.items():
                    held = fold[rows] == one
                    held_out[:, held] = [stack.log_odds(mine[:, held]) for stack in fit.stacks_for(pattern)]
                kinds = zip((None, *others_C), last.stacks_for(pattern), held_out, strict=True)
                candidates += [Candidate(pattern, source, *kind) for kind in kinds]
        parts = [one for part, one in best.items() if one.members == part and set(part) < set(pattern)]
        candidates += [one._replace(held_out=one.held_out[rows]) for one in parts]
        losses = [stack_loss(one.held_out, seen) if len(seen) else np.inf for one in candidates]
        winner = candidates[int(np.argmin(losses))]
        everywhere = np.full(labels.shape, np.nan)
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
    return {_names(members, pattern): stack for pattern, stack in stacks.items()}, choices


def _names(members, pattern):
    return tuple(members[one] for one in pattern)


def fit_greedy(members, values, labels, wanted=None):
    """Return `greedy_weights` of probabilities (n_members, n_films, n_genres) for every pattern, as stacks."""
    present, stacks = ~np.isnan(values[:, :, 0]).T, {}
    for pattern in patterns_of(present, wanted):
        rows = present[:, pattern].all(axis=1)
        if rows.sum() >= FEW:
            weights = greedy_weights(values[np.array(pattern)][:, rows], labels[rows])
            weights = np.tile(np.r_[0.0, weights], (labels.shape[1], 1))
            unknown = equal_stack(len(weights), len(pattern)).covariance
            stacks[_names(members, pattern)] = Stack(weights, unknown)
    return stacks


def _chosen_strengths(log_odds, labels, fold, present, C, others_C, settings):
    """Return the C and the others_C of lowest held-out loss for all members, or the most common pattern."""
    kinds, counts = np.unique(present[present.any(axis=1)], axis=0, return_counts=True)
    pattern = np.ones(present.shape[1], bool)
    if present.all(axis=1).sum() < FEW:
        if counts.max(initial=0) < FEW:
            return C[:1], others_C[:1]
        pattern = kinds[counts.argmax()]
    rows = present[:, pattern].any(axis=1)
    films = log_odds[pattern][:, rows], labels[rows], fold[rows]
    if len(C) > 1:
        C = _best(C, _held_out(*films, C, (), settings), labels[rows])
    if len(others_C) > 1:
        others_C = _best(others_C, _held_out(*films, C, others_C, settings)[1:], labels[rows])
    return C, others_C


def _best(strengths, held_out, labels):
    """Return the strength of lowest loss, in a list."""
    return [strengths[int(np.argmin([stack_loss(log_odds, labels) for log_odds in held_out]))]]


def _fit(log_odds, labels, C, others_C, settings, tolerance=1e-8):
    """Return a stack for each C, and then the last of them with the other genres at each of others_C."""
    moments = moments_of(log_odds)
    filled = imputed(log_odds, moments)
    path = stack_path(filled, labels, C, tolerance=tolerance, **settings)
    if others_C:
        path += others_path(path[-1], path[-1].log_odds(filled), labels, others_C, tolerance=tolerance)
    return Fit(path, moments)


def _fits(log_odds, labels, fold, present, pattern, C, others_C, settings):
    """Return the fit of a pattern, and one without each fold; None where too few films have its members."""
    if present[:, pattern].all(axis=1).sum() < FEW:
        return None
    rows = present[:, pattern].any(axis=1)
    mine, apart = log_odds[np.array(pattern)], {}
    for one in np.unique(fold[rows]):
        rest = rows & (fold != one)
        apart[one] = _fit(mine[:, rest], labels[rest], C, others_C, settings, LOOSE)
    return _fit(mine[:, rows], labels[rows], C, others_C, settings), apart


def _held_out(log_odds, labels, fold, C, others_C, settings):
    """Return log-odds (n_stacks, n_films, n_genres) of films by the stacks of `_fit` that did not see them."""
    found = np.empty((len(C) + len(others_C), *labels.shape))
    for one in np.unique(fold):
        rest, held = fold != one, fold == one
        fit = _fit(log_odds[:, rest], labels[rest], C, others_C, settings, LOOSE)
        found[:, held] = fit.log_odds(log_odds[:, held])
    return found


def _embedded(candidate, pattern):
    """Return a candidate's stack for a pattern, where members that it does not use have the weight 0."""
    columns = [0, *(1 + pattern.index(member) for member in candidate.members)]
    return candidate.stack.mapped(np.eye(1 + len(pattern))[:, columns])
