"""Tables of films: CSV and Parquet, genres as columns of 0 and 1 or as lists, posters by name."""

import ast
import os
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike

COLUMNS = {
    "id": ("id", "film_id", "imdb_id"),
    "overview": ("overview", "plot", "text"),
    "title": ("title", "name", "original_title"),
    "genres": ("genres", "genre"),
    "poster": ("poster", "poster_path"),
}
POSTER_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


def texts(values: Iterable[object]) -> np.ndarray:
    """Return values as an object array of str without surrounding white space, ``""`` where missing."""
    values = pd.Series(values, dtype=object)  # pyright: ignore[reportArgumentType, reportCallIssue]  # any iterable
    values = values.where(values.notna(), "")
    return np.array([str(value).strip() for value in values], dtype=object)


def cells(table: pd.DataFrame, column: str | None) -> np.ndarray:
    """Return the texts of a column, all ``""`` where ``column`` is None."""
    return np.full(len(table), "", object) if column is None else texts(table[column])


def read_table(path: Pathlike) -> pd.DataFrame:
    """Return the CSV or Parquet table at ``path`` as a DataFrame with at least one row.

    Cells of a CSV stay text, so that the id 0012 and the genre N/A survive; an empty cell is ``""``.

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, a column's name comes twice, or it has no row.
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.is_dir():
        raise InputError("this is a folder; give the path of a CSV or Parquet table of films.")
    if path.suffix.lower() not in readers:
        raise InputError(f"a table of films ends in .csv or .parquet, got {path.suffix or 'no suffix'}.")
    if not path.is_file():
        raise InputError("there is no such file; give the path of a CSV or Parquet table of films.")
    table = readers[path.suffix.lower()](path)
    twice = table.columns[table.columns.duplicated() & (table.columns != "")]
    if len(twice):
        raise InputError(f"the column {some(twice.unique())} comes twice; rename or remove one.")
    if not len(table):
        raise InputError("the table has no films, only the names of columns.")
    return table


def _read_csv(path):
    # UTF-8 with or without the byte-order mark that spreadsheets write.
    options = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "skipinitialspace": True}
    try:
        # Read apart, because pandas renames a column that comes twice.
        header = pd.read_csv(path, header=None, nrows=1, **options).iloc[0]
        if re.search("[;\t]", header[0]):
            raise InputError("its columns are separated by semicolons or tabs; save the table with commas.")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, index_col=False, **options)
    except pd.errors.EmptyDataError as error:
        raise InputError("the file is empty.") from error
    except UnicodeDecodeError as error:
        raise InputError("the text is not UTF-8; save the table as CSV UTF-8.") from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, OSError) as error:
        raise InputError(
            f"it cannot be read as CSV ({_reason(error)}); texts with commas need double quotes around them."
        ) from error
    table.columns = [str(name).strip() for name in header]
    return table


def _read_parquet(path):
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"it cannot be read as Parquet ({_reason(error)}).") from error
    if table.index.name is not None:
        table = table.reset_index()
    table.columns = [str(name).strip() for name in table.columns]
    return table


def _reason(error):
    return " ".join(str(error).split()).rstrip(".")


def film_columns(table: pd.DataFrame) -> dict[str, str]:
    """Return which column holds the id, overview, title, genres and poster: a dict of those that are there.

    Raises
    ------
    InputError
        If no column holds the ids.
    """
    spelled = {name.casefold(): name for name in reversed(table.columns)}
    found = {
        what: next(spelled[name] for name in names if name in spelled)
        for what, names in COLUMNS.items()
        if any(name in spelled for name in names)
    }
    if "id" not in found:
        raise InputError(f"it needs a column Id that names each film, but has {some(table.columns, 5)}.")
    return found


def read_labels(
    table: pd.DataFrame, columns: Mapping[str, str], *, expected: Iterable[str] | None = None
) -> tuple[list[str], np.ndarray] | tuple[None, None]:
    """Return genre names and multi-hot labels, or None twice where the table has no genres.

    Genres are the columns of 0 and 1, in the table's order. Where there is none, or the cells of the genre
    column name none of them (``is_colour``, say, is no genre), genres are those that the cells name.

    Parameters
    ----------
    table : DataFrame
    columns : dict
        From `film_columns`.
    expected : iterable of str, optional
        Genre names whose columns, where they exist, must hold 0 and 1.

    Returns
    -------
    list of str, ndarray of shape (n_films, n_genres) of 0 and 1

    Raises
    ------
    InputError
        If a genre's column holds other values than 0 and 1, or a cell cannot be read as genre names.
    """
    ids = texts(table[columns["id"]])
    # An index that pandas wrote has no name, or this one.
    known = {alias for aliases in COLUMNS.values() for alias in aliases} | {"", "unnamed: 0"}
    others = [name for name in table.columns if name.casefold() not in known]
    flags = {name: table[name].astype(str).str.lower().map(FLAGS).to_numpy(float) for name in others}
    hot = [name for name, values in flags.items() if not np.isnan(values).any()]
    listed = table[columns["genres"]].tolist() if "genres" in columns else []
    said = "".join(cells(table, columns.get("genres")))
    if said and not any(name in said for name in hot):
        hot, labels = _encode([_genre_names(cell, film) for cell, film in zip(listed, ids, strict=True)])
        return (hot, labels) if hot else (None, None)
    expected = set(expected or ())
    for name, values in flags.items():
        wrong = np.isnan(values)
        # One bad cell must not turn a genre into a column that is left alone.
        if wrong.any() and (name in expected or (hot and wrong.mean() <= 0.1)):
            row = wrong.argmax()
            raise InputError(
                f"the column {name} looks like a genre, 0 or 1, but holds {str(table[name].iloc[row])!r} "
                f"for film {ids[row]}; correct it or remove the column."
            )
    if not hot:
        return None, None
    return hot, np.column_stack([flags[name] for name in hot])


def _encode(films):
    names = sorted({name for genres in films for name in genres})
    column = {name: k for k, name in enumerate(names)}
    labels = np.zeros((len(films), len(names)), np.uint8)
    for row, genres in enumerate(films):
        labels[row, [column[name] for name in genres]] = 1
    return names, labels


def _genre_names(cell, film):
    """Return the genre names in one cell: a list, a list written as text, or names joined by ``|``."""
    if isinstance(cell, str) and not cell.lstrip().startswith("["):
        names = [name.strip() for name in cell.split("|") if name.strip()]
        if any(mark in name for name in names for mark in ",;"):
            raise InputError(
                f"the genres of film {film} must be joined by |, as in Comedy|Drama, got {cell!r}."
            )
        return names
    if isinstance(cell, str):
        # Python would join 'A' 'B', as NumPy prints arrays, to the one name AB.
        try:
            names = None if re.search(r"""['"]\s+['"]""", cell) else ast.literal_eval(cell.strip())
        except (ValueError, SyntaxError):
            names = None
    elif isinstance(cell, (list, tuple, np.ndarray)):
        names = list(cell)
    else:
        names = [] if pd.isna(cell) else None
    if names is None or not all(isinstance(name, str) and name.strip() for name in names):
        raise InputError(
            f"the genres of film {film} must be a list such as ['Comedy', 'Drama'], got {cell!r}."
        )
    return [name.strip() for name in names]


def find_posters(
    ids: np.ndarray, named: np.ndarray, *, folder: Pathlike | None = None, beside: Path
) -> np.ndarray:
    """Return the path of each film's poster file as text, ``""`` where there is none.

    Parameters
    ----------
    ids : ndarray of shape (n_films,), object of str
    named : ndarray of shape (n_films,), object of str
        File names from the table, relative to ``folder`` or ``beside``; ``""`` where none is given.
    folder : str or Path, optional
        Where films whose named file is not there may have an ``ID.jpg``, ``.jpeg``, ``.png`` or ``.webp``.
    beside : Path
        What ``named`` is relative to without ``folder``.

    Raises
    ------
    InputError
        If the folder does not exist, or posters were named or a folder given but no film has a file.
    """
    if folder is not None and not Path(folder).is_dir():
        raise InputError(
            f"the posters folder {folder} does not exist; give the folder that holds ID.jpg files."
        )
    base = Path(beside if folder is None else folder)
    files = {} if folder is None else _poster_files(folder)
    paths = [base / name if name else None for name in named]
    found = [
        str(path) if path and _is_file(path) else files.get(film, "")
        for film, path in zip(ids, paths, strict=True)
    ]
    if not any(found) and (folder is not None or any(paths)):
        example = next((path for path in paths if path), base / f"{ids[0]}.jpg")
        raise InputError(f"no film has a poster in {base}, where a file such as {example.name} was expected.")
    return np.array(found, dtype=object)


def _is_file(path):
    try:
        return path.is_file()
    except OSError:  # a web address, say, that is too long for a file's name
        return False


def _poster_files(folder):
    """Return the poster file of each id, from one listing of the folder; JPEG comes before PNG and WebP."""
    with os.scandir(folder) as entries:
        files = [Path(entry.path) for entry in entries if entry.is_file()]
    files = [file for file in files if file.suffix.lower() in POSTER_SUFFIXES]
    files.sort(key=lambda file: (-POSTER_SUFFIXES.index(file.suffix.lower()), file.name))
    return {file.stem: str(file) for file in files}
