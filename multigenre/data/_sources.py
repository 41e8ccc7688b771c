"""Where films lie: a table, JSON, a folder in a public layout, pictures with texts, or a dataset, as one table."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike
from multigenre.data._columns import SPLITS
from multigenre.data._encodings import find_encoding
from multigenre.data._mm_imdb import GENRES, read_mm_imdb, read_mm_imdb_hdf5
from multigenre.data._notes import Notes
from multigenre.data._poster_index import SUFFIXES
from multigenre.data._rules import ReadingRules
from multigenre.data._tables import PARQUET, TEXT, checked_table, read_table

JSON = (".json", ".jsonl", ".ndjson")
HDF5 = (".h5", ".hdf5")
ROW_LISTS = (
    "data",
    "films",
    "movies",
    "items",
    "results",
    "records",
    "rows",
)  # keys under which JSON keeps its films


class Source(NamedTuple):
    """A table, the folder that its paths are relative to, and what its layout fixes.

    ``columns`` are columns by role, ``posters`` the folder of posters, ``genres`` the only ones that count.
    """

    table: pd.DataFrame
    beside: Path = Path()
    columns: dict[str, str] = {}  # noqa: RUF012
    posters: Path | None = None
    genres: tuple[str, ...] | None = None


def open_source(source: Any, notes: Notes, rules: ReadingRules) -> Source:
    """Return what a path or an object holds, as one table.

    Parameters
    ----------
    source : path, DataFrame, or a dataset of Hugging Face's ``datasets``, or a dictionary of such by split
    notes : Notes
    rules : ReadingRules

    Raises
    ------
    InputError
        If it is nothing of these, or cannot be read.
    """
    if isinstance(source, pd.DataFrame):
        index = source.index
        counts = isinstance(index, pd.RangeIndex) and index.name is None
        frame = (
            source.copy(deep=False)
            if counts
            else source.rename_axis(str(index.name or "index")).reset_index()
        )
        return Source(checked_table(frame))
    if not isinstance(source, (str, Path)) and not hasattr(source, "__fspath__"):
        return Source(checked_table(_dataset(source, notes)))
    path = Path(source)
    if path.is_dir():
        return _folder(path, notes, rules)
    suffix = path.suffix.lower()
    if suffix in JSON and path.is_file():
        notes.facts["format"] = "JSON"
        return Source(checked_table(_json_table(path, rules)), path.parent)
    if suffix in HDF5 and path.is_file():
        notes.facts["format"] = "MM-IMDb, HDF5"
        return Source(checked_table(read_mm_imdb_hdf5(path)), path.parent)
    return Source(read_table(path, notes, rules), path.parent)


def is_source(folder: Pathlike) -> bool:
    """Return whether a folder holds films in a layout that `open_source` knows, rather than Parquet shards."""
    folder = Path(folder)
    return folder.is_dir() and not any(folder.glob("*.parquet")) and bool(_layout(folder))


def _layout(folder):
    if (folder / "split.json").is_file() and (folder / "dataset").is_dir():
        return "MM-IMDb"
    if _years(folder):
        return "Chu and Guo"
    if _split_files(folder):
        return "files by split"
    if _tables(folder):
        return "a table beside its pictures"
    return "pictures with texts" if any(True for _ in _pictures(folder)) else ""


def _folder(folder, notes, rules):
    layout = _layout(folder)
    if not layout:
        raise InputError(
            "this is a folder without films: it needs a table of films, split.json and dataset/, groundtruth/YEAR.txt, "
            "train.jsonl and test.jsonl, or pictures with texts beside them; give the path of a CSV or Parquet table."
        )
    notes.facts["format"] = layout
    if layout == "MM-IMDb":
        columns = {"id": "id", "overview": "plot", "genres": "genres", "poster": "poster", "split": "split"}
        return Source(checked_table(read_mm_imdb(folder)), folder, columns, None, GENRES)
    if layout == "Chu and Guo":
        return _chu_and_guo(folder, rules)
    if layout == "files by split":
        parts = []
        for name, path in _split_files(folder).items():
            part = open_source(path, notes, rules).table
            parts.append(part.assign(split=name) if "split" not in part else part)
        return Source(checked_table(pd.concat(parts, ignore_index=True)), folder)
    if layout == "a table beside its pictures":
        tables = _tables(folder)
        if len(tables) > 1:
            raise InputError(
                f"this folder holds {some([table.name for table in tables], 5)}; give the path of one."
            )
        return open_source(tables[0], notes, rules)
    return Source(checked_table(_texts_beside(folder, rules)), folder)


def _tables(folder):
    kinds = (*TEXT, *PARQUET, *JSON)
    found = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in kinds and path.is_file()]
    # A text beside a picture of its name is that picture's.
    return [path for path in found if not any(path.with_suffix(suffix).is_file() for suffix in SUFFIXES[:7])]


def _split_files(folder):
    """Return files such as train.jsonl, dev.jsonl and test.jsonl by the split that they name."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (*JSON, *TEXT) and path.stem.casefold() in SPLITS and path.is_file():
            found[path.stem.casefold()] = path
    return found if len({SPLITS[name] for name in found}) == len(found) > 1 else {}


def _json_table(path, rules):
    values = list(_json_values(path, rules))
    if len(values) == 1 and isinstance(values[0], dict):
        [whole] = values
        rows = next((whole[key] for key in ROW_LISTS if isinstance(whole.get(key), list)), None)
        if rows is not None:
            values = rows
        elif whole and all(isinstance(one, dict) for one in whole.values()):  # films by id
            values = [{"id": key, **one} for key, one in whole.items()]
        elif whole and all(isinstance(one, list) for one in whole.values()):  # columns
            return pd.DataFrame(whole)
    elif len(values) == 1 and isinstance(values[0], list):
        [values] = values
    wrong = next((place for place, one in enumerate(values) if not isinstance(one, dict)), None)
    if wrong is not None or not values:
        raise InputError(
            f'JSON of films holds an object for each film, such as {{"id": ..., "text": ...}}, but '
            f"{f'its value {wrong + 1} is none' if wrong is not None else 'this holds none'}."
        )
    return _objects(values)


def _objects(rows):
    """Return a table of dictionaries, its columns in the order in which they first come."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: [row.get(name) for row in rows] for name in names}, dtype=object)


def _json_values(path, rules) -> Iterator[Any]:
    """Yield the JSON values of a file, one after another, in any encoding; MongoDB's ``ObjectId(...)`` is its text."""
    try:
        encoding = find_encoding(partial(path.open, "rb"), rules.encoding)
        text = path.read_bytes().decode(encoding.name, encoding.errors)
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not in one encoding ({error}).") from error
    text = re.sub(r"\b(?:ObjectId|ISODate|NumberLong|NumberInt)\(\s*(\"[^\"]*\"|-?\d+)\s*\)", r"\1", text)
    decoder, place, gap = json.JSONDecoder(strict=False), 0, re.compile(r"[\s,\ufeff\x1e]*")
    while (gapless := gap.match(text, place)) and (place := gapless.end()) < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError as error:
            line = text.count("\n", 0, place) + 1
            raise InputError(
                f"{path.name} cannot be read as JSON from its line {line} on ({error})."
            ) from error
        yield value


def _years(folder):
    """Return the files of Chu and Guo's layout: groundtruth/1980.txt and so on."""
    here = folder if folder.name == "groundtruth" else folder / "groundtruth"
    return sorted(path for path in here.glob("*.txt") if re.fullmatch(r"(18|19|20)\d\d", path.stem))


def _chu_and_guo(folder, rules):
    files = _years(folder)
    films = [one for path in files for one in _json_values(path, rules) if isinstance(one, dict)]
    if any(
        "imdbID" in one for one in films
    ):  # which posters are named after, and not after the database's own _id
        films = [{name: value for name, value in one.items() if name != "_id"} for one in films]
    table = _objects(films)
    root = folder if folder.name != "groundtruth" else folder.parent
    return Source(checked_table(table), root, {}, root if any(True for _ in _pictures(root)) else None)


def _pictures(folder) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield path


def _texts_beside(folder, rules):
    """Return a row for each picture: its text from NAME.txt, other facts from NAME.json, and the folder it lies in."""
    rows = []
    for path in sorted(_pictures(folder)):
        row: dict[str, Any] = {"id": path.stem, "poster": path.relative_to(folder).as_posix()}
        if path.parent != folder:
            row["folder"] = path.parent.relative_to(folder).as_posix()
        text, facts = path.with_suffix(".txt"), path.with_suffix(".json")
        if text.is_file():
            encoding = find_encoding(partial(text.open, "rb"), rules.encoding)
            row["overview"] = text.read_bytes().decode(encoding.name, encoding.errors)
        if facts.is_file():
            found = next(_json_values(facts, rules), None)
            if not isinstance(found, dict):
                raise InputError(f"{facts.name} must hold one JSON object, the facts of its picture.")
            row = {
                **found,
                **{key: value for key, value in row.items() if key not in found or key == "poster"},
            }
        rows.append(row)
    return _objects(rows)


def _dataset(source: Any, notes):
    """Return a dataset of Hugging Face's, or several by split, as a table; what is numbered by class is named."""
    splits: Any = source if isinstance(source, Mapping) else {}
    if splits and all(hasattr(part, "to_pandas") for part in splits.values()):
        parts = [_dataset(part, notes) for part in splits.values()]
        for name, part in zip(splits, parts, strict=True):
            part["split"] = name
        return pd.concat(parts, ignore_index=True)
    if not hasattr(source, "to_pandas"):
        raise InputError(f"films come from a path, a DataFrame or a dataset, got {type(source).__name__}.")
    notes.facts["format"] = "dataset"
    table = source.to_pandas()  # pyright: ignore[reportAttributeAccessIssue]  # a dataset
    for name, feature in (getattr(source, "features", None) or {}).items():
        names = getattr(getattr(feature, "feature", feature), "names", None)
        if names is not None and name in table:
            table[name] = [_named(cell, names) for cell in table[name]]
    return table


def _named(cell, names):
    if isinstance(cell, (list, tuple, np.ndarray)):
        return [names[int(one)] for one in cell]
    return None if cell is None or cell != cell or cell < 0 else names[int(cell)]
