"""For each film and genre, how far each member moved the fused log-odds: parts that add up to the whole."""

import numpy as np
import pandas as pd
from scipy.special import expit

from multigenre._checks import InputError, some
from multigenre.data import GenreProbabilities, logits
from multigenre.fusion._late_fusion import LateFusion
from multigenre.fusion._stacking import evidence

BASE = "(base)"


def film_contributions(
    fusion: LateFusion, members: list[GenreProbabilities], prevalence: pd.Series
) -> pd.DataFrame:
    """Return which part of each film's fused log-odds each member argued for.

    The base is what the fusion says where every present member gives each genre its prevalence. From there to what the
    members say, all go at the same pace, and each gets what its own movement adds on the way: integrated
    gradients, here in closed form because what a film's members add up to moves along a line. For a stack this is
    ``weight * (log-odds - log-odds of the prevalence)``. In a joint stack the evidence for other genres is
    shared out in the same way, among the members that moved those genres. For means of probabilities the line is in
    probabilities. A member that is present but has no weight for a film's pattern argues for 0.

    Parameters
    ----------
    fusion : LateFusion
        Fitted.
    members : list of GenreProbabilities
        As for `LateFusion.predict`; of a few films, since each gives a row a genre and member (`take` chooses them).
    prevalence : Series by genre name
        Of the films that trained the members, in (0, 1); clipped as probabilities are.

    Returns
    -------
    DataFrame, one row a film, genre and member, first the member ``"(base)"``
        ``film`` (id), ``genre``, ``member``; ``own``, what the member argued for through the genre itself; ``others``,
        through other genres; ``contribution``, their sum, in log-odds; <NA> where the member is missing. Over
        the members and the base, contributions sum to the log-odds of the fused probability. ``share``: of the
        sum of the members' absolute contributions, in [0, 1]; <NA> for the base and where nothing moved.

    Raises
    ------
    InputError
        As for `LateFusion.predict`, and if a genre has no prevalence.

    References
    ----------
    Sundararajan, Taly, Yan (2017), "Axiomatic attribution for deep networks", ICML.
    """
    fused, genres = fusion.predict(members), list(fusion.genres_)
    given = pd.Series(prevalence, dtype=float).reindex(genres)
    if given.isna().any():
        raise InputError(f"Every genre needs a prevalence, but {some(given.index[given.isna()])} has none.")
    members = sorted(members, key=lambda member: member.name)
    start, point = given.to_numpy(), np.asarray if fusion.on_probabilities else logits
    present = np.stack([member.present for member in members], axis=1)
    # Films, then the base and the members, then genres; own and others apart.
    parts = np.full((2, len(fused), 1 + len(members), len(genres)), np.nan)
    for pattern in np.unique(present[present.any(axis=1)], axis=0):
        rows, here = np.flatnonzero((present == pattern).all(axis=1)), np.flatnonzero(pattern)
        used, stack = fusion.stack_for([members[one].name for one in here])
        moves = np.zeros((len(rows), len(here), len(genres)))
        total = stack.weights[:, 0].copy()
        for weight, name in zip(stack.weights[:, 1:].T, used, strict=True):
            column = [members[one].name for one in here].index(name)
            values = members[here[column]].values[rows].astype(float)
            moves[:, column] = weight * (point(values) - point(start))
            total += weight * point(start)
        base, own, others = _shared_out(stack, total, moves, fusion.on_probabilities)
        parts[0][rows, 0], parts[1][rows, 0] = base, 0
        parts[0][np.ix_(rows, 1 + here)], parts[1][np.ix_(rows, 1 + here)] = own, others
    return _table(fused.ids, genres, [member.name for member in members], *parts)


def _shared_out(stack, start, moves, on_probabilities):
    """Return the base (n_genres,), and what each member argued for, own and others (n_films, n_members, n_genres).

    ``start`` (n_genres,) is the members' weighted sum at the base, ``moves`` what each member adds to it.
    """
    end = start + moves.sum(axis=1)
    if on_probabilities:
        start, end = np.clip(start, 0, 1), np.clip(end, 0, 1)
        slope = _slope(logits, start, end, lambda p: 1 / np.clip(p * (1 - p), 1e-6, None))
        return logits(start), slope[:, None] * moves, np.zeros_like(moves)
    if stack.others is None:
        return start, moves, np.zeros_like(moves)
    intercept, gain, weights = stack.others[:, 0], stack.others[:, 1], stack.others[:, 2:]
    base = intercept + gain * start + weights @ evidence(start, stack.usual)
    slope = _slope(lambda z: evidence(z, stack.usual), start, end, lambda z: expit(z - stack.usual))
    seen = slope[:, None] * moves  # what each member adds to the evidence for each genre
    diagonal = np.diagonal(weights)
    return base, gain * moves + diagonal * seen, seen @ weights.T - diagonal * seen


def _slope(function, start, end, derivative):
    """Return the mean slope of a function from start to end, its derivative where they are too close to tell."""
    run = end - start
    close = np.abs(run) < 1e-7
    return np.where(close, derivative(start), (function(end) - function(start)) / np.where(close, 1, run))


def _table(ids, genres, names, own, others):
    """Return the tidy table of parts (n_films, 1 + n_members, n_genres)."""
    total = own + others
    moved = np.abs(total[:, 1:])
    whole = np.nansum(moved, axis=1, keepdims=True)
    share = np.full(total.shape, np.nan)
    share[:, 1:] = np.divide(moved, whole, out=np.full(moved.shape, np.nan), where=whole > 0)
    rows = pd.MultiIndex.from_product([list(ids), genres, [BASE, *names]], names=["film", "genre", "member"])
    columns = {"own": own, "others": others, "contribution": total, "share": share}
    table = {name: pd.array(values.transpose(0, 2, 1).ravel(), "Float64") for name, values in columns.items()}
    return pd.DataFrame(table, rows).reset_index()
