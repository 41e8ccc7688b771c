"""Splits by film: near-duplicates stay together, and every genre keeps its share in every part."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from multigenre._checks import InputError, some
from multigenre.data._texts import is_placeholder

if TYPE_CHECKING:
    from multigenre.data._films import Films

SPLIT_ROLES = ("train", "validation", "calibration", "test")
SHARED = 10  # films at most that one overview or poster makes near-duplicates


def check_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of a split that are above 0: a dict of str to float, in the order given.

    Raises
    ------
    InputError
        If a name is not a role that films are split into, a share is negative, or they do not sum to 1.

    Examples
    --------
    >>> check_shares({"train": 0.8, "validation": 0.2, "test": 0})
    {'train': 0.8, 'validation': 0.2}
    """
    unknown = [role for role in shares if role not in SPLIT_ROLES]
    if unknown:
        raise InputError(f"Films are split into {', '.join(SPLIT_ROLES)}, got a share for {some(unknown)}.")
    shares = {role: float(share) for role, share in shares.items()}
    if not all(share >= 0 for share in shares.values()) or not abs(sum(shares.values()) - 1) <= 1e-6:
        given = ", ".join(f"{role}={share:g}" for role, share in shares.items())
        raise InputError(f"The shares of a split must be 0 or more and sum to 1, got {given or 'none'}.")
    return {role: share for role, share in shares.items() if share > 0}


def near_duplicate_groups(
    overviews: Sequence[str] | np.ndarray, posters: Sequence[str] | np.ndarray
) -> np.ndarray:
    """Return the group of each film, so that near-duplicates share one.

    Two films are near-duplicates when their overviews are the same but for case, punctuation and white
    space, or when their poster files are byte-identical; groups join films linked through others.
    Missing overviews and posters, empty files and files that cannot be read link no films, and neither does an overview
    that only says that there is none, or what more than `SHARED` films have: then it is a stand-in, and linking by it
    would put films that have nothing else in common into one role.

    Parameters
    ----------
    overviews : sequence of str, length n_films
        ``""`` where missing.
    posters : sequence of str, length n_films
        Paths of files, ``""`` where missing.

    Returns
    -------
    ndarray of shape (n_films,), int
        Group numbers from 0, in the order of each group's first film.

    Examples
    --------
    >>> near_duplicate_groups(["A plot.", "", "a  PLOT", ""], ["", "", "", ""])
    array([0, 1, 0, 2])
    """
    n_films = len(overviews)
    words = ["" if is_placeholder(text) else _words(text) for text in overviews]
    films, keys = [], []
    for values in (words, _poster_digests(posters)):
        values = np.array(values, dtype=object)
        rows = np.flatnonzero(values != "")
        key, _ = pd.factorize(values[rows])
        links = np.bincount(key)[key] <= SHARED if len(key) else slice(None)
        rows, key = rows[links], pd.factorize(key[links])[0]
        films.append(rows)
        keys.append(key + n_films + sum(map(len, keys)))
    films, keys = np.concatenate(films), np.concatenate(keys)
    # Films and what they show are the nodes of one graph, so that transitive links cost nothing extra.
    size = n_films + len(keys)
    links = coo_array((np.ones(len(films), bool), (films, keys)), shape=(size, size))
    component = connected_components(links, directed=False)[1][:n_films]
    _, first, group = np.unique(component, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[group]


def _words(text):
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def shared_overviews(overviews: Sequence[str] | np.ndarray) -> dict[str, int]:
    """Return the overviews that more films have than near-duplicates can be, and how many have each."""
    counts = Counter(_words(text) for text in overviews)
    said = {_words(text): text for text in overviews}
    return {said[words]: count for words, count in counts.most_common() if words and count > SHARED}


def _poster_digests(posters):
    """Return a digest of each poster that may be another's copy, else ``""``."""
    found = [_size_and_time(path) for path in posters]
    times = Counter(size for size, _ in found)
    # Files of different sizes differ, so most files are never read.
    return [
        _digest(path, size, time) if size and times[size] > 1 else ""
        for path, (size, time) in zip(posters, found, strict=True)
    ]


@lru_cache(maxsize=2**17)
def _digest(path, size, time):
    """Return the digest of a file, read again only when it changes: one training asks for its films' several times."""
    try:
        return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    except OSError:  # decoding will name it; here it only shows no copy
        return ""


def _size_and_time(path):
    """Return a file's size in bytes and when it last changed, in nanoseconds."""
    try:
        facts = Path(path).stat() if path else None
    except OSError:
        facts = None
    return (facts.st_size, facts.st_mtime_ns) if facts else (0, 0)


def stratified_split(
    labels: ArrayLike, groups: ArrayLike, shares: Sequence[float] | np.ndarray, *, seed: int = 0
) -> np.ndarray:
    """Split films into parts that hold close to their share of all films and of each genre's films.

    Groups are dealt one by one, those with the rarest genre first, each to the part that is owed most:
    its share of what has been dealt so far, less what it holds, summed over the group's genres and films.
    What a part is owed thus stays near nothing for every genre at once, to the last film. A part
    takes no group that it has no room for while another part has, so sizes are exact where groups allow it.

    Parameters
    ----------
    labels : array of shape (n_films, n_genres), 0 or 1, or None
        None splits at random.
    groups : array of shape (n_films,), int
        Films with the same number stay together.
    shares : sequence of float
        Positive, summing to 1.
    seed : int

    Returns
    -------
    ndarray of shape (n_films,), int
        Position in ``shares`` of each film's part.

    References
    ----------
    Sechidis, Tsoumakas, Vlahavas (2011), "On the Stratification of Multi-Label Data", section 3.2, deals the
    rarest genre first too, but chooses by that genre alone; sizes or the common genres then come out uneven.

    Examples
    --------
    >>> labels = np.repeat([[1, 0], [0, 1]], [6, 3], axis=0)
    >>> part = stratified_split(labels, np.arange(9), [2 / 3, 1 / 3])
    >>> [labels[part == k].sum(axis=0).tolist() for k in (0, 1)]
    [[4, 2], [2, 1]]
    """
    rng = np.random.default_rng(seed)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    n_films, n_groups, n_parts = len(group), len(sizes), len(shares)
    labels = np.zeros((n_films, 0)) if labels is None else labels
    # The last column counts films, so that a part is owed its size as it is owed its genres.
    counts = np.zeros((n_groups, np.shape(labels)[1] + 1))
    np.add.at(counts, group, np.column_stack([labels, np.ones(n_films)]))
    support = counts.sum(axis=0)
    rarest = np.where(counts > 0, support, np.inf).min(axis=1)
    order = rng.permutation(n_groups)
    order = order[np.argsort(rarest[order], kind="stable")]
    weighted = counts / np.sqrt(np.maximum(support, 1))  # chance alone strays by the root of the support
    shares = np.asarray(shares, float)[:, None]
    room = _whole_films(shares[:, 0] * n_films)
    ties = rng.permuted(np.tile(np.arange(n_parts), (n_groups, 1)), axis=1) * 1e-9

    owed = np.zeros((n_parts, counts.shape[1]))
    part = np.zeros(n_groups, int)
    for one in order:
        owed += shares * counts[one]
        fits = room >= sizes[one] if room.max() >= sizes[one] else room == room.max()
        part[one] = chosen = np.where(fits, owed @ weighted[one] + ties[one], -np.inf).argmax()
        owed[chosen] -= counts[one]
        room[chosen] -= sizes[one]
    return part[group]


def _whole_films(wanted):
    """Round sizes to integers with the same sum, largest remainders up."""
    whole = np.floor(wanted + 1e-9).astype(int)
    short = round(wanted.sum()) - whole.sum()
    whole[np.argsort(whole - wanted, kind="stable")[:short]] += 1
    return whole


def folds_of_films(films: Films, folds: int, *, seed: int = 0) -> np.ndarray:
    """Return a fold for each film: near-duplicates share one, and every genre has its share in each.

    Parameters
    ----------
    films : Films
        With their genres.
    folds : int
    seed : int

    Returns
    -------
    ndarray of shape (n_films,), int
        From 0.

    Raises
    ------
    InputError
        If there are fewer than two folds or than that many films.
    """
    if not 2 <= folds <= len(films):
        raise InputError(
            f"Cross-fitting needs 2 folds or more and as many films, got {folds} of {len(films)}."
        )
    groups = near_duplicate_groups(films.overviews, films.posters)
    return stratified_split(films.labels, groups, np.full(folds, 1 / folds), seed=seed)
