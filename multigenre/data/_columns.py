"""Which column of a table is what: the id, title, overview, genres, poster and split of a film, by name and content."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre.data._genre_texts import COMMON, listed
from multigenre.data._notes import Notes
from multigenre.data._texts import is_placeholder, texts

# Names as people give them, without case, spaces and marks, the likeliest first.
COLUMNS = {
    "id": (
        "id", "filmid", "imdbid", "movieid", "tmdbid", "imdbtitleid", "tconst", "appid", "steamappid", "bookid",
        "gameid", "showid", "titleid", "itemid", "productid", "animeid", "wikipediaid", "wikipediamovieid", "isbn",
        "isbn13", "asin", "uid", "uuid", "filmkey", "key",
    ),
    "overview": (
        "overview", "plot", "text", "description", "synopsis", "summary", "plotsummary", "plotsynopsis", "storyline",
        "plotoutline", "filmdescription", "moviedescription", "bookdescription", "detaileddescription", "aboutthegame",
        "longdescription", "shortdescription", "blurb", "abstract", "desc", "plottext", "moviesinfo", "content",
    ),
    "title": (
        "title", "name", "originaltitle", "filmtitle", "movietitle", "seriestitle", "primarytitle", "booktitle",
        "gametitle", "moviename", "filmname", "gamename", "bookname", "film", "movie", "book", "game", "names",
    ),
    "genres": (
        "genres", "genre", "genrenames", "genrename", "genrelist", "moviegenre", "moviegenres", "filmgenres",
        "bookgenres", "listedin", "genreids", "labels", "label", "categories", "category", "tags",
    ),
    "poster": (
        "poster", "posterpath", "posterlink", "posterurl", "posterfile", "image", "img", "imagepath", "imageurl",
        "imagefile", "imagename", "imgpath", "imglink", "imgurl", "imageid", "cover", "coverurl", "coverimg",
        "coverimage", "headerimage", "filename", "file", "picture", "thumbnail", "smallimageurl",
    ),
    "split": ("split", "set", "partition", "subset", "fold"),
}  # fmt: skip
SPLITS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "dev": "validation", "development": "validation", "calibration": "calibration", "test": "test", "testing": "test",
    "eval": "test",
}  # fmt: skip
ROW_NUMBERS = (
    "",
    "unnamed0",
    "index",
    "rowid",
    "rownumber",
)  # columns that count rows, as pandas and R write them
LOOKED_AT = 1000  # rows whose cells are looked at
WORDS = 8  # a mean that texts have, and titles or names have not


class Role(NamedTuple):
    """The column of a role, or several for genres in columns of 0 and 1, and why it is that."""

    column: str | list[str]
    why: str


def plain(name: str) -> str:
    """Return a name without case, spaces and marks.

    >>> plain("Poster_Path"), plain("imdbId")
    ('posterpath', 'imdbid')
    """
    return re.sub(r"[\W_]+", "", str(name).casefold())


def is_known(name: str) -> bool:
    """Return whether a column of this name has a role."""
    return any(plain(name) in names for names in COLUMNS.values())


def is_id(name: object) -> bool:
    """Return whether a column of this name holds ids."""
    return plain(str(name)) in COLUMNS["id"]


def looked_at(column: pd.Series) -> pd.Series:
    """Return the cells that are looked at: all of a small table, or some of every part of a large one."""
    if len(column) <= LOOKED_AT:
        return column
    starts = np.linspace(0, len(column) - LOOKED_AT // 10, 10).astype(int)  # slices: they copy nothing
    return pd.concat([column.iloc[start : start + LOOKED_AT // 10] for start in starts])


def find_roles(
    table: pd.DataFrame, notes: Notes, said: Mapping[str, str | Sequence[str]] | None = None
) -> dict[str, Role]:
    """Return which column holds the id, overview, title, genres, poster and split: a dict of those that are there.

    What the caller says comes first, then names, then content. Of two names for one thing the likelier is taken,
    unless the other fills more than twice as many cells.

    Parameters
    ----------
    table : DataFrame
    notes : Notes
    said : dict of str to str, optional
        Column by role; several columns, or ``"first..last"``, for genres in columns of 0 and 1; ``""`` for none.

    Raises
    ------
    InputError
        If the table has no such column or there is no such role, or two columns may well be the overview.
    """
    roles = {}
    for role, column in (said or {}).items():
        if role not in COLUMNS:
            raise InputError(
                f"--columns says what is the {', '.join(COLUMNS)} of a film, not what is {role!r}."
            )
        if column:
            roles[role] = Role(_said_column(table, role, column), "as said")
    names = [name for name in table.columns if name not in [role.column for role in roles.values()]]
    head = {name: texts(looked_at(table[name])) for name in names}
    for role in COLUMNS:
        if role in (said or {}):
            continue
        free = [name for name in names if name not in [one.column for one in roles.values()]]
        found = _FINDERS.get(role, _by_name)(role, table, free, head, notes)
        if found is not None:
            roles[role] = found
    return {role: roles[role] for role in COLUMNS if role in roles}


def _said_column(table, role, column):
    names = list(table.columns)
    if role == "genres" and not (isinstance(column, str) and column in names):
        parts = [column] if isinstance(column, str) else list(column)
        found = [name for part in parts for name in _range(names, part)]
        if len(found) > 1:
            return list(dict.fromkeys(found))
        return found[0]
    if not isinstance(column, str):
        raise InputError(f"one column is the {role} of a film, got {some(column)}.")
    return _column(names, column)


def _range(names, part):
    if part not in names and ".." in part:
        first, last = (names.index(_column(names, end.strip())) for end in part.split("..", 1))
        return names[first : last + 1]
    return [_column(names, part)]


def _column(names, said):
    if said in names:
        return said
    alike = [name for name in names if plain(name) == plain(said) != ""]
    if len(alike) != 1:
        raise InputError(
            f"it has no column {said!r}; its columns are {some([name or '(unnamed)' for name in names], 40)}."
        )
    return alike[0]


def _filled(head, name):
    """Return the share of cells that say something."""
    cells = head[name]
    return sum(1 for cell in cells if not is_placeholder(cell)) / max(len(cells), 1)


def _by_name(role, table, free, head, notes):
    ranked = sorted(
        (name for name in free if plain(name) in COLUMNS[role]),
        key=lambda name: COLUMNS[role].index(plain(name)),
    )
    if role == "overview" and not ranked:
        pattern = re.compile("overview|plot|synop|descr|summary|story", re.IGNORECASE)
        ranked = [name for name in free if pattern.search(name) and _mean_words(head[name]) >= WORDS / 2]
    if role == "genres" and not ranked:
        ranked = [
            name for name in free if re.search("genre", name, re.IGNORECASE) and not _is_flag(head[name])
        ]
    if not ranked:
        return None
    shares = {name: _filled(head, name) for name in ranked}
    enough = [name for name in ranked if shares[name] and 2 * shares[name] >= max(shares.values())] or ranked[
        :1
    ]
    others = [name for name in ranked if name != enough[0] and shares[name] > 0]
    why = f"its name{'' if enough[0] == ranked[0] else f', and it is fuller than {ranked[0]}'}"
    if others and role in ("overview", "genres"):
        notes.warn(
            f"The column {enough[0]} is taken as the {role}, and {some(others)} left alone; --columns "
            f"{role}={others[0]} takes that."
        )
    return Role(enough[0], why)


def _is_flag(cells):
    return {cell.lower() for cell in cells} <= {"0", "1", "0.0", "1.0", "true", "false", ""}


def _mean_words(cells):
    filled = [len(cell.split()) for cell in cells if not is_placeholder(cell)]
    return float(np.mean(filled)) if filled else 0.0


def _id(role, table, free, head, notes):
    found = _by_name(role, table, free, head, notes)
    if found is not None:
        return found
    for name in free:  # movie-id, SteamID: whatever tells every row apart
        if re.search(r"(^|[\W_])id$|[a-z]I[dD]$", name, re.IGNORECASE if "_" in name or " " in name else 0):
            values = texts(table[name])
            if (values != "").all() and len(set(values.tolist())) == len(values):
                return Role(name, "its name ends in id, and no two are the same")
    for name in free:
        if plain(name) in ROW_NUMBERS or name.startswith("column "):
            values = texts(table[name])
            named = name.startswith("column ")
            if (
                (values != "").all()
                and len(set(values.tolist())) == len(values)
                and (not named or max(map(len, values[:LOOKED_AT]), default=0) <= 40)
            ):
                return Role(name, "no two are the same" if named else "it counts the rows")
    return None


def _overview(role, table, free, head, notes):
    found = _by_name(role, table, free, head, notes)
    if found is not None:
        return found
    words = {name: _mean_words(head[name]) for name in free if _is_prose(head[name])}
    words = dict(sorted(words.items(), key=lambda pair: -pair[1]))
    if not words:
        return None
    first, *others = words
    if others and words[others[0]] * 2 > words[first]:
        raise InputError(
            f"the columns {first} (on average {words[first]:.0f} words) and {others[0]} ({words[others[0]]:.0f}) may "
            f"both hold the overviews; say --columns overview={first} or --columns overview={others[0]}."
        )
    return Role(first, f"its texts, of {words[first]:.0f} words on average")


def _is_prose(cells):
    filled = [cell for cell in cells if not is_placeholder(cell)]
    if not filled or _mean_words(filled) < WORDS or len(set(filled)) < 0.5 * len(filled):
        return False
    marked = sum(cell[0] in "[{" or cell.count(",") * 3 > cell.count(" ") * 2 for cell in filled)
    return marked < 0.5 * len(filled)  # lists of names are no prose


def _genres(role, table, free, head, notes):
    found = _by_name(role, table, free, head, notes)
    if found is not None:
        return found
    for name in free:  # in tables without names of columns, say
        names = [
            piece.strip().casefold()
            for cell in head[name]
            for part in (listed(cell) or [cell] if cell[:1] in ("[", "{") else [cell])
            for piece in re.split(r"[|,;/]", part)
        ]
        names = [piece for piece in names if piece]
        if names and sum(piece in COMMON for piece in names) >= 0.5 * len(names) and not _is_flag(head[name]):
            return Role(name, "its cells name common genres")
    return None


def _poster(role, table, free, head, notes):
    ranked = [name for name in free if plain(name) in COLUMNS[role]]
    ranked += [name for name in free if name not in ranked and re.search("poster", name, re.IGNORECASE)]
    likely = [
        name for name in ranked if _names_files(table[name], head[name], sure=_sounds_like_picture(name))
    ]
    found = _by_name(role, table, [name for name in likely if plain(name) in COLUMNS[role]], head, notes)
    return found or (Role(likely[0], "its name, and it names files") if likely else None)


def _sounds_like_picture(name):
    return plain(name).startswith(("poster", "image", "img"))


def _names_files(column, cells, sure):
    """Return whether cells look like files, addresses or pictures; where a name is sure, one word is enough."""
    if column.dtype == object and column.map(lambda cell: isinstance(cell, (bytes, dict))).any():
        return True
    filled = [cell for cell in cells if not is_placeholder(cell)]
    if not filled:
        return False
    files = sum(
        bool(re.search(r"\.[A-Za-z]{3,4}$|^https?:|[/\\]", cell)) or (sure and " " not in cell)
        for cell in filled
    )
    return files >= 0.5 * len(filled)


def _split(role, table, free, head, notes):
    for name in free:
        if plain(name) in COLUMNS[role]:
            said = {cell.casefold() for cell in head[name] if cell}
            if said and said <= SPLITS.keys() and len({SPLITS[one] for one in said}) > 1:
                return Role(name, "its name, and its cells name roles")
    return None


_FINDERS = {"id": _id, "overview": _overview, "genres": _genres, "poster": _poster, "split": _split}
