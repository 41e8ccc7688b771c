"""Files of films as one table: text in any encoding and with any separator, Parquet, compressed or not."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike
from multigenre.data._delimited import read_delimited
from multigenre.data._encodings import find_encoding
from multigenre.data._notes import Notes
from multigenre.data._rules import ReadingRules

TEXT = (".csv", ".tsv", ".txt", ".tab", ".dat", ".psv")
PARQUET = (".parquet", ".pq")
COMPRESSED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read_table(path: Pathlike, notes: Notes | None = None, rules: ReadingRules | None = None) -> pd.DataFrame:
    """Return the table at ``path``, text or Parquet, as a DataFrame with at least one row.

    Cells of a text stay text, so that the id 0012 and the genre N/A survive; an empty cell is ``""``. Texts are named
    ``.csv``, ``.tsv``, ``.txt``, ``.tab``, ``.dat`` or ``.psv``, and may be compressed: ``.csv.gz``, ``.bz2``, ``.xz``,
    or the one file of a ``.zip``.

    Parameters
    ----------
    path : str or Path
    notes : Notes, optional
        Told what was understood and repaired.
    rules : ReadingRules, optional

    Raises
    ------
    InputError
        If there is no such file, it cannot be read, a column's name comes twice, or it has no row.
    """
    path, notes, rules = Path(path), notes or Notes(), rules or ReadingRules()
    if path.is_dir():
        raise InputError(
            "this is a folder; give the path of a table of films, such as a CSV or Parquet file."
        )
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes and suffixes[-1] in (*COMPRESSED, ".zip")
    kind = suffixes[-2] if packed and len(suffixes) > 1 else ".csv" if packed else path.suffix.lower()
    if kind not in (*TEXT, *PARQUET):
        raise InputError(
            f"a table of films ends in .csv or .parquet, got {path.suffix or 'no suffix'}; save it as CSV."
        )
    if not path.is_file():
        raise InputError("there is no such file; give the path of a CSV or Parquet table of films.")
    try:
        table = _parquet(path, notes) if kind in PARQUET else _text(path, suffixes[-1], notes, rules)
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise InputError(f"it cannot be read ({_reason(error)}).") from error
    return checked_table(table)


def checked_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns can be told apart and that has a row; columns without a name are numbered."""
    names = [str(name).strip() for name in table.columns]
    unnamed = [place for place, name in enumerate(names) if not name]
    for place in unnamed[1:]:
        names[place] = f"unnamed {place + 1}"
    table.columns = names
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise InputError(f"the column {some(twice.unique())} comes twice; rename or remove one.")
    if not len(table):
        raise InputError("the table has no films, only the names of columns.")
    return table


def _text(path, suffix, notes, rules):
    def opened() -> Any:
        if suffix in COMPRESSED:
            return COMPRESSED[suffix](path, "rb")
        if suffix == ".zip":
            archive = zipfile.ZipFile(path)
            names = [
                one for one in archive.namelist() if not one.endswith("/") and not one.startswith("__MACOSX")
            ]
            if len(names) != 1:
                raise InputError(f"the archive holds {some(names, 5)}, not one table; unpack it.")
            return archive.open(names[0])
        return path.open("rb")

    encoding = find_encoding(opened, rules.encoding)
    notes.facts |= {"encoding": encoding.name.removesuffix("-sig"), "encoding_why": encoding.why}
    notes.repair(f"bytes that are not {encoding.name}, read as \ufffd", encoding.replaced)
    return read_delimited(opened, encoding, notes, separator=rules.separator, bad_rows=rules.bad_rows)


def _parquet(path, notes):
    notes.facts["format"] = "Parquet"
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"it cannot be read as Parquet ({_reason(error)}).") from error
    return table.reset_index() if table.index.name is not None else table


def _reason(error):
    return " ".join(str(error).split()).rstrip(".")
