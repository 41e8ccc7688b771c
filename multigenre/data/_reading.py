"""What a table of films says: columns by role, repaired, and a record of what was understood."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike
from multigenre.data._columns import SPLITS, find_roles, is_id
from multigenre.data._genre_texts import python_value
from multigenre.data._labels import read_labels
from multigenre.data._notes import Notes
from multigenre.data._poster_index import find_posters
from multigenre.data._posters import inline_poster
from multigenre.data._rules import ReadingRules
from multigenre.data._sources import open_source
from multigenre.data._texts import cells, texts, without_placeholders


@dataclass(frozen=True)
class Reading:
    """What was understood of a table of films.

    Parameters
    ----------
    facts : dict of str to str
        Of the source: its format, ``"encoding"``, ``"separator"``, and what else was found.
    columns : dict of str to str or list of str
        Column by role; a list for genres in columns of 0 and 1.
    why : dict of str to str
        Why each column has its role.
    left_alone : tuple of str
        The other columns.
    repaired : dict of str to int
        What was repaired to how often.
    placeholders : dict of str to int
        Texts that were taken to say that there is none.
    warnings : tuple of str
        Sentences that whoever uses the films should know.
    splits : Series of str by film id, or None
        The role of each film that the source fixes: ``"train"``, ``"validation"``, ``"calibration"``, ``"test"``, or
        ``""`` where it says none. `Films.split` keeps it.
    """

    facts: dict[str, str]
    columns: dict[str, str | list[str]]
    why: dict[str, str]
    left_alone: tuple[str, ...]
    repaired: dict[str, int]
    placeholders: dict[str, int]
    warnings: tuple[str, ...]
    splits: pd.Series | None = None


def understand(
    source: Any,
    *,
    posters: Pathlike | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    genres: Collection[str] | None = None,
    labelled: bool = True,
    rules: ReadingRules | None = None,
) -> tuple[dict[str, Any], Reading]:
    """Return what a table says of films, as the arguments of `Films` by name, and the record of it.

    Parameters
    ----------
    source : path, DataFrame or dataset
    posters, columns, genres, labelled, rules
        As `Films.read` takes them.

    Raises
    ------
    InputError
        If it cannot be read as films.
    """
    notes, rules, said = Notes(), rules or ReadingRules(), columns or {}
    table, beside, known, folder, standard = open_source(source, notes, rules)
    said = {**known, **said}
    posters = posters or folder
    roles = find_roles(table, notes, said)
    table, ids, groups = _rows(table, roles, notes, rules)
    table = table.copy(deep=False)
    found: dict[str, Any] = {"ids": ids}
    column = {role: one.column for role, one in roles.items() if isinstance(one.column, str)}
    overviews = _overviews(table, column.get("overview"), notes, rules)
    titles = cells(table, column.get("title"))
    names_of_columns = list(table.columns)
    if "overview" in column and column["overview"] not in (
        column.get("genres"),
        column.get("poster"),
        column.get("split"),
    ):
        table[column["overview"]] = ""  # the texts are the most of a table, and are kept once
    splits = _splits(table, column.get("split"), ids, notes)
    named = _poster_names(table, column.get("poster"))
    names, labels = None, None
    if labelled:
        none = "genres" in said and not said["genres"]
        names, labels = read_labels(table, roles, ids, notes, rules, expected=genres or (), none=none)
        if standard and names and rules.genre_map is None:
            names, labels = _standard(names, labels, standard, notes)
    if groups is not None:
        ids, overviews, titles, named, splits, labels = _merged(
            groups, ids, overviews, titles, named, splits, labels, notes
        )
    found |= {"ids": ids, "overviews": overviews, "titles": titles}
    other_ids = _other_ids(table, roles) if groups is None and posters is not None else {}
    options = {"folder": posters, "beside": beside, "other_ids": other_ids, "by_id": "id" in roles}
    found["posters"] = find_posters(ids, named, notes, **options)
    if labels is not None:
        found |= {"labels": labels, "genres": names}
    if notes.placeholders:
        said_nothing = some([f"{text!r} ({count})" for text, count in notes.placeholders.most_common()], 6)
        notes.warn(
            f"{notes.placeholders.total()} cells say that there is nothing and are taken so: {said_nothing}; "
            "--keep-placeholders takes them as they are."
        )
    used = {
        name
        for one in roles.values()
        for name in ([one.column] if isinstance(one.column, str) else one.column)
    }
    reading = Reading(
        facts=notes.facts,
        columns={role: one.column for role, one in roles.items()},
        why={role: one.why for role, one in roles.items()},
        left_alone=tuple(name for name in names_of_columns if name not in used),
        repaired=dict(notes.repaired),
        placeholders=dict(notes.placeholders),
        warnings=tuple(notes.warnings),
        splits=None if splits is None else pd.Series(splits, ids, name="split"),
    )
    return found, reading


def film_table(
    source: Any,
    *,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    rules: ReadingRules | None = None,
) -> pd.DataFrame:
    """Return a table with all its columns, indexed by film id as `Films.read` gives it, each film once.

    Raises
    ------
    InputError
        If it cannot be read as films.
    """
    notes, rules = Notes(), rules or ReadingRules()
    table, _, known, _, _ = open_source(source, notes, rules)
    table, ids, groups = _rows(table, find_roles(table, notes, {**known, **(columns or {})}), notes, rules)
    table = table.set_axis(ids)
    return table if groups is None else table[~table.index.duplicated()]


def id_column(table: pd.DataFrame) -> str:
    """Return the name of the column that names films.

    Raises
    ------
    InputError
        If no column does.
    """
    role = find_roles(table[[name for name in table.columns if is_id(name)]], Notes()).get("id")
    if role is None:
        raise InputError(f"it needs a column Id that names each film, but has {some(table.columns, 5)}.")
    return str(role.column)


def _rows(table, roles, notes, rules):
    """Return the rows that are films, their ids, and the group of each row where rows of one id are to be merged."""
    if "id" not in roles:
        notes.warn(f"No column names the films: they are called by their row, 1 to {len(table)}.")
        return table, np.array([str(number + 1) for number in range(len(table))], dtype=object), None
    ids = texts(table[roles["id"].column])
    if all(film.endswith(".0") and film[:-2].isdecimal() for film in ids):
        ids = np.array([film[:-2] for film in ids], dtype=object)
        notes.repair("ids whose .0 is left out", len(ids))
    empty = ids == ""
    if empty.any():
        if rules.bad_rows == "error":
            raise InputError(
                f"every film needs an id, but {empty.sum()} rows have none in the column {roles['id'].column}, the "
                f"first is row {int(empty.argmax()) + 1}; add it, or say --bad-rows skip to leave them out."
            )
        notes.repair("rows without an id left out", empty.sum())
        table, ids = table[~empty], ids[~empty]
    codes, distinct = pd.factorize(ids)
    if len(distinct) == len(ids):
        return table, ids, None
    counts = np.bincount(codes)
    twice = [film for film, count in zip(distinct, counts, strict=True) if count > 1]
    if rules.duplicates == "error":
        raise InputError(
            f"film ids must be unique, but {some(twice)} came more than once; say --duplicates first to take the first "
            "row of each, or --duplicates merge to join their genres."
        )
    again = len(ids) - len(distinct)
    if rules.duplicates == "first":
        first = ~pd.Series(ids).duplicated().to_numpy()
        notes.repair("rows of an id that came before left out", again)
        return table[first], ids[first], None
    notes.repair("rows merged into an earlier one of the same id", again)
    return table, ids, codes


def _standard(names, labels, standard, notes):
    """Return the genres that a layout fixes, of those that are there."""
    kept = [place for place, name in enumerate(names) if name in standard]
    others = [
        f"{name} ({labels[:, place].sum()} films)" for place, name in enumerate(names) if name not in standard
    ]
    if not kept or not others:
        return names, labels
    notes.warn(
        f"{some(others, 6)} are none of the {len(standard)} genres of this public task and left out; --map FILE "
        "decides otherwise."
    )
    return [names[place] for place in kept], labels[:, kept]


def _merged(groups, ids, overviews, titles, named, splits, labels, notes):
    """Join the rows of each group: all their genres, and the first text that is there."""
    n_films = int(groups.max()) + 1
    for what, column in (("overview", overviews), ("title", titles)):
        pairs = pd.DataFrame({"group": groups, "text": column})
        pairs = pairs[pairs["text"] != ""].drop_duplicates()
        if more := int((pairs.groupby("group").size() > 1).sum()):
            notes.warn(f"{more} films have more than one {what} in their rows; the first is taken.")

    def first(column):
        kept = np.full(n_films, "", object)
        rows = np.flatnonzero(column != "")[::-1]
        kept[groups[rows]] = column[rows]
        return kept

    if labels is not None:
        together = np.zeros((n_films, labels.shape[1]), np.uint8)
        np.maximum.at(together, groups, labels)
        labels = together
    splits = None if splits is None else first(splits)
    return first(ids), first(overviews), first(titles), first(named), splits, labels


def _overviews(table, column, notes, rules):
    if column is None:
        return np.full(len(table), "", object)
    found = _one_text(table[column], notes, rules.plots)
    return without_placeholders(found, notes.placeholders) if rules.placeholders else found


def _one_text(column, notes, plots):
    """Return one text for each cell, also where cells hold several."""
    several = None
    if column.dtype == object:
        kinds = (list, tuple, np.ndarray)
        if any(isinstance(cell, kinds) for cell in column):
            several = [
                [str(one) for one in cell]
                if isinstance(cell, kinds)
                else []
                if cell is None or cell != cell
                else [cell]
                for cell in column
            ]
    if several is None:
        found = texts(column)
        filled = [text for text in found if text]
        if not filled or not all(
            text.startswith(("['", '["', "[]")) and text.endswith("]") for text in filled
        ):
            return found
        try:
            several = [python_value(text) if text else [] for text in found]
        except (ValueError, SyntaxError):
            return found
    choose = {"first": lambda many: many[0], "longest": lambda many: max(many, key=len), "all": " ".join}[
        plots
    ]
    several = [[text for text in map(str, many) if text.strip()] for many in several]
    more = sum(len(many) > 1 for many in several)
    if more and plots != "all":
        notes.warn(
            f"{more} films have several overviews; the {plots} is taken, --plots takes another or all."
        )
    return texts(choose(many) if many else "" for many in several)


def _splits(table, column, ids, notes):
    if column is None:
        return None
    said = [text.casefold() for text in texts(table[column])]
    unknown = [text for text in said if text and text not in SPLITS]
    if unknown:
        film = ids[said.index(unknown[0])]
        raise InputError(
            f"the column {column} must name a split, such as train, dev or test, but holds {unknown[0]!r} for film "
            f"{film}."
        )
    return np.array([SPLITS.get(text, "") for text in said], dtype=object)


def _poster_names(table, column):
    """Return what names each film's poster: a path, an address, or the picture itself as a data URI."""
    if column is None:
        return np.full(len(table), "", object)
    values = table[column]
    if values.dtype != object:
        return texts(values)
    found = [_poster_name(cell) for cell in values]
    return texts(pd.Series(found, dtype=object))


def _poster_name(cell):
    if isinstance(cell, dict):  # as Hugging Face's datasets keep pictures in Parquet
        cell = cell.get("bytes") or cell.get("path")
    return inline_poster(cell) if isinstance(cell, bytes) else cell


def _other_ids(table, roles):
    """Return more columns of ids, which posters may be named after."""
    used = {one.column for one in roles.values() if isinstance(one.column, str)}
    return {name: texts(table[name]) for name in table.columns if name not in used and is_id(name)}
