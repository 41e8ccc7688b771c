"""The genres of a table and each film's labels: from cells that name them, or from columns of 0 and 1."""

import csv
import json
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre.data._columns import Role
from multigenre.data._genre_columns import bare, column_labels, flag_columns, genre_columns
from multigenre.data._genre_texts import folded, genre_names
from multigenre.data._notes import Notes
from multigenre.data._rules import ReadingRules


def read_labels(
    table: pd.DataFrame,
    roles: dict[str, Role],
    ids: np.ndarray,
    notes: Notes,
    rules: ReadingRules,
    *,
    expected: Collection[str] = (),
    none: bool = False,
) -> tuple[list[str], np.ndarray] | tuple[None, None]:
    """Return genre names and multi-hot labels, or None twice where the table has no genres.

    Where columns of 0 and 1 are genres (see `genre_columns`) they are taken, in the table's order; else the genres that
    cells name, sorted. Spellings of one genre that differ in case, white space or the form of accents are one genre, by
    the commonest spelling.

    Parameters
    ----------
    table : DataFrame
    roles : dict of str to Role
        From `find_roles`; the genres are set to the columns that are taken.
    ids : ndarray of shape (n_films,)
    notes : Notes
    rules : ReadingRules
    expected : collection of str
        Genre names whose columns, where they exist, must hold 0 and 1.
    none : bool
        Whether the caller says that there are no genres.

    Returns
    -------
    list of str, ndarray of shape (n_films, n_genres) of 0 and 1

    Raises
    ------
    InputError
        If a genre's column holds other values than 0 and 1, or a cell cannot be read as genre names.
    """
    role = roles.get("genres")
    if none:
        return None, None
    if role is not None and not isinstance(role.column, str):
        return _of_columns(table, role.column, {}, ids, notes, rules)
    cells, codes = [()], np.zeros(len(ids), int)
    if role is not None:
        options = {"apart": rules.genres_apart, "placeholders": rules.placeholders}
        cells, codes = genre_names(table[role.column], ids, notes, **options)
    if role is None or role.why != "as said":
        taken = {one.column for one in roles.values() if isinstance(one.column, str)}
        flags = flag_columns(table, [name for name in table.columns if name not in taken])
        _check_expected(table, flags, expected, taken, ids)
        named = {folded(name) for names in cells for name in names}
        order = list(table.columns)
        kept, why = genre_columns(flags, order, named, notes, expected=expected)
        if left := [name for name in flags if name not in kept and name]:
            notes.warn(f"Columns of 0 and 1 that are not taken as genres are left alone: {some(left, 6)}.")
        if kept:
            roles["genres"] = Role(kept, why)
            names, labels = _of_columns(table, kept, flags, ids, notes, rules)
            if named:
                _compare(role, names, labels, cells, codes, ids, notes, rules)
            return names, labels
    names, labels = _of_cells(cells, codes, notes, rules)
    if names and all(name.isdecimal() for name in names):
        notes.warn(f"Genres are numbers ({some(names)}): --map FILE gives them names.")
    return (names, labels) if names else (None, None)


def _check_expected(table, flags, expected, taken, ids):
    for name in expected:
        if name in table.columns and name not in taken and name not in flags:
            row = next(
                (row for row, cell in enumerate(table[name]) if str(cell).strip() not in ("", "0", "1")), 0
            )
            raise InputError(
                f"the column {name} looks like a genre, 0 or 1, but holds {str(table[name].iloc[row])!r} "
                f"for film {ids[row]}; correct it or remove the column."
            )


def _of_columns(table, columns, flags, ids, notes, rules):
    labels = column_labels(flags, columns, table, ids, notes, rules.blank)
    none = ("(no genres listed)", r"\n") if rules.placeholders else ()
    own = [[] if name.casefold() in none else [bare(name)] for name in columns]
    names, becomes = _renamed(own, labels.sum(axis=0), notes, rules, ordered=False)
    return names, (labels.astype(np.int64) @ becomes > 0).astype(np.uint8)


def _of_cells(cells, codes, notes, rules):
    names, becomes = _renamed(cells, np.bincount(codes, minlength=len(cells)), notes, rules, ordered=True)
    return names, becomes[codes]


def _renamed(groups, counts, notes, rules, *, ordered):
    """Return the genres behind groups of names, and which of them each group names: (n_groups, n_genres) of uint8.

    Parameters
    ----------
    groups : list of list of str
    counts : sequence of int
        Films of each group.
    ordered : bool
        Sorted, or in the order of the groups.
    """
    spellings: dict[str, Counter] = {}
    for group, count in zip(groups, counts, strict=True):
        for name in group:
            spellings.setdefault(folded(name), Counter())[name] += int(count)
    # The commonest spelling; of equally common ones that which is neither all small nor all capital.
    chosen = {
        key: max(found, key=lambda name: (found[name], not (name.islower() or name.isupper()), name))
        for key, found in spellings.items()
    }
    notes.repair(
        "spellings of genres folded into another", sum(len(found) - 1 for found in spellings.values())
    )
    given = _genre_map(rules.genre_map)
    targets = {key: given.get(key, [name]) for key, name in chosen.items()}
    if given:
        unmapped = [name for key, name in chosen.items() if key not in given]
        unused = [key for key in given if key not in chosen]
        if unmapped:
            notes.warn(f"The map of genres leaves {len(unmapped)} as they are: {some(sorted(unmapped), 20)}.")
        if unused:
            notes.warn(f"The map of genres names {some(unused, 10)}, which no film has.")
    names = list(dict.fromkeys(name for found in targets.values() for name in found))
    names = sorted(names) if ordered else names
    column = {name: place for place, name in enumerate(names)}
    becomes = np.zeros((len(groups), len(names)), np.uint8)
    for place, group in enumerate(groups):
        becomes[place, [column[name] for key in map(folded, group) for name in targets[key]]] = 1
    return names, becomes


def _genre_map(given):
    """Return names by folded name, from a dictionary, a JSON file or a CSV of two columns."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        path = Path(given)
        try:
            text = path.read_text(encoding="utf-8-sig")
            if path.suffix.lower() == ".json":
                given = json.loads(text)
            else:
                rows = [row for row in csv.reader(text.splitlines()) if row]
                given = {row[0]: row[1] for row in rows if len(row) == 2}
                if len(given) < len(rows):
                    raise ValueError("a row has other than two cells, or a name comes twice")
            if not isinstance(given, dict) or not all(
                isinstance(name, (str, type(None))) for name in given.values()
            ):
                raise ValueError("it is no object of texts")
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} is no map of genres ({error}); it needs a row FROM,TO for each, as CSV or a JSON object."
            ) from error
    return {
        folded(name): [one.strip() for one in (to or "").split("|") if one.strip()]
        for name, to in given.items()
    }


def _compare(role, names, labels, cells, codes, ids, notes, rules):
    """Warn where columns of 0 and 1 say other genres than the cells that name them."""
    said, becomes = _renamed(cells, np.bincount(codes, minlength=len(cells)), Notes(), rules, ordered=True)
    if not set(said) <= set(names):  # a map took some of them away
        return
    columns = [names.index(name) for name in said]
    expected = np.zeros((len(cells), len(names)), np.uint8)
    expected[:, columns] = becomes
    other = (expected[codes] != labels).any(axis=1)
    if other.any():
        notes.warn(
            f"{other.sum()} films, the first {ids[int(other.argmax())]}, have other genres in the column {role.column} "
            f"than in the columns of 0 and 1, which are taken; --columns genres={role.column} takes the column."
        )
