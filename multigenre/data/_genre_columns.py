"""Columns of 0 and 1: which of them are genres, decided by rule and said."""

import re
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre.data._columns import is_known, looked_at
from multigenre.data._genre_texts import COMMON, folded
from multigenre.data._notes import Notes

# How tables write 0 and 1: a column keeps to one way.
WAYS = (
    {"0": 0, "1": 1, "0.0": 0, "1.0": 1},
    {"false": 0, "true": 1},
    {"no": 0, "yes": 1},
    {"n": 0, "y": 1},
    {"f": 0, "t": 1},
    {"x": 1},
    {"✓": 1},
)
BLANK = ("", "nan", "none", "<na>", "n/a", "na", "null")
# Facts that tables keep as 0 and 1 and that are no genre.
FACTS = re.compile(
    r"(is|has|was|had|in|on|can|may)([ _-].*|(?-i:[A-Z]).*)|adult|video|colou?r|(black.?and.?white|bw)|english|"
    r"(windows|mac|linux|win|osx)|free|released?|available|active|deleted|watched|seen|liked|favou?rite|owned|"
    r"train|test|valid(ation)?|dev|train.?set|test.?set|oscars?|award|winner|original|sequel|remake|nsfw|duplicate|"
    r"missing|target|series|tv|movie|film|[a-z]{2}",
    re.IGNORECASE,
)
FEW = 0.1  # of a column's cells: with no more that are not 0 and 1, they are mistakes
MANY = 0.4  # the same for a column that has a common genre's name


def bare(name: str) -> str:
    """Return the name of the genre that a column of 0 and 1 is about.

    >>> bare("genre_Action"), bare("Genres: Sci-Fi"), bare("War")
    ('Action', 'Sci-Fi', 'War')
    """
    return re.sub(r"^genres?[\s_.:-]+(?=\S)", "", name, flags=re.IGNORECASE)


def flag_columns(table: pd.DataFrame, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the columns that hold little else than 0 and 1: as float, NaN where blank, -1 where it is something else.

    Yes and no, true and false and a lone x are taken too.

    Parameters
    ----------
    table : DataFrame
    names : sequence of str
        Columns to look at.

    Returns
    -------
    dict of str to ndarray of shape (n_films,), float
    """
    found = {}
    for name in names:
        few = MANY if folded(bare(name)) in COMMON else FEW
        if (_flags(looked_at(table[name])) == -1).mean() > 2 * few:
            continue
        flags = _flags(table[name])
        if (flags == -1).mean() <= few and (flags >= 0).any():
            found[name] = flags
    return found


def _flags(column):
    if pd.api.types.is_bool_dtype(column.dtype) and not column.hasnans:
        return column.to_numpy(float)
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(float, na_value=np.nan)
        return np.where(np.isnan(numbers) | np.isin(numbers, (0, 1)), numbers, -1)
    if column.dtype == object and column.map(lambda cell: isinstance(cell, (list, dict, np.ndarray))).any():
        return np.full(len(column), -1.0)
    codes, distinct = pd.factorize(column.astype(object).where(column.notna(), ""))
    said = [str(cell).strip().lower() for cell in distinct]
    way = max(WAYS, key=lambda way: sum(cell in way for cell in said))
    values = [np.nan if cell in BLANK else way.get(cell, -1) for cell in said]
    return np.array(values or [np.nan], float)[codes]


def genre_columns(
    flags: dict[str, np.ndarray],
    order: Sequence[str],
    named: Collection[str],
    notes: Notes,
    *,
    expected: Collection[str] = (),
) -> tuple[list[str], str]:
    """Return which columns of 0 and 1 are genres, in the table's order, and why.

    Where a column of texts names genres, the columns are genres only if each of those has one; with them go the columns
    between them that no film carries. Where there is none, the columns are genres that have a common genre's name, with
    those beside them; or, with no such name, all that stand side by side and say no common fact of films.

    Parameters
    ----------
    flags : dict
        From `flag_columns`.
    order : sequence of str
        All names of the table's columns.
    named : collection of str
        Folded names of the genres that a column of texts names; empty where there is none.
    notes : Notes
    expected : collection of str
        Names of genres that are sure to be.
    """
    names = [name for name in order if name in flags]
    place = {name: order.index(name) for name in names}
    keys = {name: folded(bare(name)) for name in names}
    wanted = {folded(name) for name in expected}
    if named:
        matched = [name for name in names if keys[name] in named]
        if not set(named) <= {keys[name] for name in matched}:
            return [], ""
        first, last = place[matched[0]], place[matched[-1]]
        kept = [
            name
            for name in names
            if name in matched or (first < place[name] < last and not (flags[name] == 1).any())
        ]
        return kept, "columns of 0 and 1 that the column of genres names"
    may_be = [
        name
        for name in names
        if keys[name] in wanted | COMMON or not (is_known(name) or FACTS.fullmatch(name))
    ]
    sure = [name for name in may_be if keys[name] in wanted | COMMON]
    runs = _side_by_side(may_be, order)
    if sure:
        # A table's own genres (Biopic, Yakuza) stand among common ones.
        kept = [name for run in runs if any(name in sure for name in run) for name in run]
        return kept, "columns of 0 and 1 with names of genres, and those among them"
    longest = max(runs, key=len, default=[])
    if len(longest) < 2 or any(len(run) == len(longest) for run in runs if run is not longest):
        return [], ""
    notes.warn(
        f"{some(longest, 6)} are taken as genres, for they are columns of 0 and 1 side by side; if they are none, say "
        "--columns genres=NAME, or --columns genres= where there are no genres."
    )
    return longest, "columns of 0 and 1 side by side"


def _side_by_side(names, order):
    runs, before = [], None
    for name in names:
        place = order.index(name)
        if before is not None and place == before + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
        before = place
    return runs


def column_labels(
    flags: dict[str, np.ndarray],
    names: Sequence[str],
    table: pd.DataFrame,
    ids: np.ndarray,
    notes: Notes,
    blank: str,
) -> np.ndarray:
    """Return the labels in columns of 0 and 1, ndarray of shape (n_films, n_columns) of uint8; a blank is 0.

    Raises
    ------
    InputError
        If a cell is neither 0, 1 nor blank, or one is blank and ``blank`` is ``"unknown"``.
    """
    labels = np.zeros((len(ids), len(names)), np.uint8)
    for place, name in enumerate(names):
        values = flags[name] if name in flags else _flags(table[name])
        if (values == -1).any():
            row = int((values == -1).argmax())
            raise InputError(
                f"the column {name} looks like a genre, 0 or 1, but holds {str(table[name].iloc[row])!r} "
                f"for film {ids[row]}; correct it or remove the column."
            )
        empty = np.isnan(values)
        if empty.any() and blank == "unknown":
            raise InputError(
                f"the column {name} is blank for {empty.sum()} films, the first {ids[int(empty.argmax())]}, and "
                "genres that are unknown cannot be learned from yet; say --blank 0, which takes a blank as 0."
            )
        notes.repair("blank cells of genre columns taken as 0", empty.sum())
        labels[:, place] = np.where(empty, 0, values)
    return labels
