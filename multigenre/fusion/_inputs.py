"""What a `LateFusion` is given: members' records by name, of the same films, and none that saw them to learn from."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multigenre._checks import (
    ROLES,
    InputError,
    check_held_out,
    check_labels,
    check_same_films,
    check_same_genres,
    check_truth,
    check_weights,
    some,
)
from multigenre.calibration import as_record
from multigenre.data import Films, GenreProbabilities, Genres


class ToLearn(NamedTuple):
    """Members' probabilities of the films that a fusion learns from.

    ``names``: of the members, in alphabetical order. ``genres``: Genres. ``ids`` (n_films,), str. ``values``
    (n_members, n_films, n_genres), float64, NaN where a member is not present. ``labels`` (n_films, n_genres),
    uint8. ``sample_weight`` (n_films,), float64 above 0.
    """

    names: list[str]
    genres: Genres
    ids: np.ndarray
    values: np.ndarray
    labels: np.ndarray
    sample_weight: np.ndarray


def by_name(
    members: list[GenreProbabilities] | dict[str, Any], genres: Genres | None = None
) -> dict[str, GenreProbabilities]:
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


def films_to_learn(
    members: list[GenreProbabilities] | dict[str, Any],
    films: Films | ArrayLike | pd.DataFrame,
    sample_weight: ArrayLike | None,
    what: str,
) -> ToLearn:
    """Return what `LateFusion.fit` learns from: films that have a member and a weight above 0.

    Parameters
    ----------
    members, films, sample_weight
        As for `LateFusion.fit`.
    what : str
        Who learns, for the message.

    Returns
    -------
    ToLearn

    Raises
    ------
    InputError
        If a member saw the films, films or genres differ, or the weights are not of that shape and range.
    """
    named = by_name(members, Genres(films.columns) if isinstance(films, pd.DataFrame) else None)
    first = next(iter(named.values()))
    if not isinstance(films, Films):
        blank, labels = [""] * len(first), check_labels(films, first.values.shape)
        films = Films(first.ids, blank, blank, labels, first.genres)
    for member in named.values():
        check_held_out(member, what)
        labels = check_truth(member, films, what)
    weights = check_weights(sample_weight, len(films), what)
    present = [member.present for member in named.values()]
    rows = np.any(present, axis=0) & (weights > 0)
    values = np.stack([member.values[rows] for member in named.values()]).astype(float)
    return ToLearn(list(named), films.genres, films.ids[rows], values, labels[rows], weights[rows])


def fused_role(members: list[GenreProbabilities], genres: Genres, learned: np.ndarray) -> str | None:
    """Return the role of what a fusion says: the members', or ``"calibration"`` if only it learned from the films.

    Parameters
    ----------
    members : list of GenreProbabilities
    genres : Genres
        Of the fusion.
    learned : ndarray of str
        Ids of the films that it was fitted on.

    Returns
    -------
    str or None

    Raises
    ------
    InputError
        If members differ from the fusion in genres, or from each other in films or role.
    """
    first = members[0]
    for member in members:
        who = f"LateFusion.predict: {first.name} and {member.name}"
        check_same_genres(genres, member.genres, f"LateFusion and {member.name}")
        check_same_films(first.ids, member.ids, who)
        if member.role != first.role and not {member.role, first.role} <= {"calibration", "out-of-fold"}:
            raise InputError(f"{who} must have one role, got {first.role!r} and {member.role!r}.")
    roles = {member.role for member in members}
    if not set(learned).isdisjoint(first.ids):
        roles.add("calibration")
    return min(roles, key=(*ROLES, None).index)  # of those who learned most
