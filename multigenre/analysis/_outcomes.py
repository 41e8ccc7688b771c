"""Which members were right, film by film and genre by genre, and what fusing them rescued and broke."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from multigenre.analysis._intervals import wilson
from multigenre.scores import Contenders

RESCUED, BROKEN, MISSING = "rescued by fusion", "broken by fusion", "a member missing"


def outcome_names(members: Sequence[str]) -> list[str]:
    """Return what outcomes are called, in the order of the number whose bits say which members were right.

    Parameters
    ----------
    members : sequence of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> outcome_names(["poster", "overview"])
    ['both wrong', 'poster only', 'overview only', 'both right']
    >>> outcome_names(["poster", "overview", "tfidf"])[:4]
    ['all wrong', 'poster only', 'overview only', 'poster + overview']
    """
    names, every = list(members), {1: "", 2: "both "}.get(len(members), "all ")
    found = [""] * 2 ** len(names)
    for size in range(1, len(names)):
        for part in combinations(range(len(names)), size):
            right = " + ".join(names[one] for one in part)
            found[sum(1 << one for one in part)] = f"{right} only" if size == 1 else right
    found[0], found[-1] = f"{every}wrong", f"{every}right"
    return found


def genre_outcomes(contenders: Contenders, *, level: float = 0.95) -> pd.DataFrame:
    """Return how often each set of members was right, genre by genre, and what fusing made of it.

    Parameters
    ----------
    contenders : Contenders
    level : float in (0, 1)

    Returns
    -------
    DataFrame, one row a set of films, genre and outcome
        ``of``: ``"positives"``, the films that carry the genre; ``"predictions"``, those that anyone names it for;
        or ``"false alarms"``, those of the predictions that do not carry it, where right is who did not name it.
        ``genre``, ``outcome``; ``films`` that had it, ``of_films``, ``share`` with ``low`` and ``high`` (Wilson's;
        <NA> without films), ``fused_right`` (of ``films``). The outcomes of `outcome_names` and ``"a member
        missing"`` add up to all films of the set. ``"rescued by fusion"`` (no member was right, the fused is) and
        ``"broken by fusion"`` (a member was right, the fused is not) count films again. Shares are of the films
        that nobody is missing for; of all films of the set for ``"a member missing"``.

    Examples
    --------
    >>> from multigenre import Films, GenreProbabilities, Genres, contenders
    >>> ids, genres = ["tt1", "tt2"], Genres(["Comedy", "War"])
    >>> films = Films(ids, ["", ""], ["", ""], [[1, 0], [1, 0]], genres, "test")
    >>> poster = GenreProbabilities(ids, genres, [[0.9, 0.1], [0.2, 0.1]], "poster", "test")
    >>> overview = GenreProbabilities(ids, genres, [[0.9, 0.1], [0.7, 0.1]], "overview", "test")
    >>> fused = GenreProbabilities(ids, genres, [[0.9, 0.1], [0.4, 0.1]], "fused", "test")
    >>> table = genre_outcomes(contenders([poster, overview], fused, films))
    >>> table.query("of == 'positives' and films > 0")[["genre", "outcome", "films", "of_films", "fused_right"]]
        genre           outcome  films  of_films  fused_right
    2  Comedy     overview only      1         2            0
    3  Comedy        both right      1         2            1
    6  Comedy  broken by fusion      1         2            0
    """
    code, fused_right, names = _codes(contenders)
    order = [*names, MISSING, RESCUED, BROKEN]
    tables = []
    predictions = contenders.named.any(axis=0)
    sets = {
        "positives": contenders.labels,
        "predictions": predictions,
        "false alarms": predictions & ~contenders.labels,
    }
    for of, cells in sets.items():
        # Films (n_outcomes, n_genres), and those of them that the fused prediction is right about.
        films_of = np.stack([(cells & (code == one)).sum(axis=0) for one in range(len(names) + 1)])
        right = np.stack([(cells & (code == one) & fused_right).sum(axis=0) for one in range(len(names) + 1)])
        rescued, broken = right[0], (films_of - right)[1 : len(names)].sum(axis=0)
        films_of = np.vstack([films_of, rescued, broken])
        right = np.vstack([right, rescued, 0 * broken])
        total = np.tile(films_of[: len(names)].sum(axis=0), (len(order), 1))
        total[len(names)] = cells.sum(axis=0)
        tables.append(_table(of, contenders.genres, order, films_of, total, right, level))
    return pd.concat(tables, ignore_index=True)


def film_outcomes(contenders: Contenders) -> pd.DataFrame:
    """Return what everyone said of each film's genres, for a gallery of films worth looking at.

    Parameters
    ----------
    contenders : Contenders

    Returns
    -------
    DataFrame, one row a film and genre that the film carries or that anyone names
        In the films' order: ``film`` (id), ``genre`` (both categorical), ``truth`` (bool), ``outcome``
        (categorical, of `outcome_names` or ``"a member missing"``), ``fusion`` (categorical: ``"rescued by
        fusion"``, ``"broken by fusion"`` or ``""``); then for each contender ``NAME:probability`` (float) and
        ``NAME:named`` (boolean), <NA> where it is missing.
    """
    code, fused_right, names = _codes(contenders)
    film, genre = np.nonzero(contenders.labels | contenders.named.any(axis=0))
    cell_code, right = code[film, genre], fused_right[film, genre]
    lost = (cell_code > 0) & (cell_code < len(names)) & ~right
    fusion = np.where((cell_code == 0) & right, 1, 2 * lost)
    columns = {
        "film": pd.Categorical.from_codes(film, pd.Index(contenders.ids)),
        "genre": pd.Categorical.from_codes(genre, pd.Index(list(contenders.genres))),
        "truth": contenders.labels[film, genre],
        "outcome": pd.Categorical.from_codes(cell_code, pd.Index([*names, MISSING])),
        "fusion": pd.Categorical.from_codes(fusion, pd.Index(["", RESCUED, BROKEN])),
    }
    for name, values, named, present in zip(
        contenders.names, contenders.values, contenders.named, contenders.present, strict=True
    ):
        missing = ~present[film]
        columns[f"{name}:probability"] = pd.array(values[film, genre], "Float64")
        columns[f"{name}:named"] = pd.arrays.BooleanArray(named[film, genre], missing)
    return pd.DataFrame(columns)


def _codes(contenders):
    """Return which members are right as the number of an outcome (n_films, n_genres), the fused's, and names."""
    right = contenders.named == contenders.labels
    names = outcome_names(contenders.names[:-1])
    code = np.tensordot(1 << np.arange(len(right) - 1), right[:-1], axes=1)
    return np.where(contenders.complete[:, None], code, len(names)), right[-1], names


def _table(of, genres, order, films, total, right, level):
    """Return the rows of one set of films from counts (n_outcomes, n_genres)."""
    names = list(genres)
    films, total, right = (counts.T.ravel() for counts in (films, total, right))
    low, high = wilson(films, total, level)
    share = np.divide(films, total, out=np.full(len(films), np.nan), where=total > 0)
    rates = {"share": share, "low": low, "high": high}
    return pd.DataFrame(
        {
            "of": of,
            "genre": np.repeat(np.array(names, object), len(order)),
            "outcome": np.tile(np.array(order, object), len(names)),
            "films": films,
            "of_films": total,
            **{name: pd.array(values, "Float64") for name, values in rates.items()},
            "fused_right": right,
        }
    )
