"""Files that are there whole or not at all."""

import json
import logging
import math
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import Any

from multigenre._checks import InputError, error_line
from multigenre._signatures import Pathlike

log = logging.getLogger("multigenre")

MOST_JSON = 512 * 2**20  # bytes of a document; the ids of 10 million films with their roles take 300 million
MOST_DEPTH = 32  # of lists and objects; those of a bundle take 8 or so


@contextmanager
def replacing(path: Pathlike) -> Iterator[Path]:
    """Give a path to write to in place of ``path``, and rename it to that once it is written.

    A kill leaves the old file or the new one; what could not be written whole goes.

    Parameters
    ----------
    path : path

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "note.txt") as partial:
    ...     _ = partial.write_text("whole", encoding="utf-8")
    >>> [file.name for file in folder.iterdir()]
    ['note.txt']
    """
    path = Path(path)
    partial = path.with_name(f"_{path.name}.partial")  # readers of folders of Parquet pass over an underscore
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Pathlike) -> Iterator[Path]:
    """Give a folder to fill in place of ``path``, and rename it to that once it is full.

    Parameters
    ----------
    path : path
        Not there yet, or an empty folder. What a kill left beside it is removed.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if path.is_dir():
            path.rmdir()
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_text(text: str, path: Pathlike) -> None:
    """Write a text as it is, in UTF-8."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(facts: object, path: Pathlike, **options: Any) -> None:
    """Write plain values as JSON, with the options of `json.dumps`."""
    write_text(json.dumps(facts, **options), path)


def read_json(path: Pathlike) -> Any:
    """Return the plain values that a file of JSON holds."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


@contextmanager
def reading(path: Pathlike) -> Iterator[None]:
    """Turn whatever a broken file makes of its readers into an `InputError` that names it.

    >>> with reading("weights.npz"):
    ...     {}["idf"]
    Traceback (most recent call last):
        ...
    multigenre._checks.InputError: weights.npz cannot be read (it lacks 'idf').
    """
    try:
        yield
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # libraries raise all kinds, down to their own slips
        raise InputError(f"{path} cannot be read ({error_line(error)}).") from error


def read_document(path: Pathlike) -> dict[str, Any]:
    """Return what a JSON file of a bundle holds, whoever wrote it.

    Parameters
    ----------
    path : path
        Of a file of at most 512 MiB, in which lists and objects are nested 32 deep at most.

    Raises
    ------
    InputError
        If it is not there, larger, deeper, no JSON object, or holds a number that is not finite.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "note.json")
    >>> write_json({"films": [1, 2]}, path)
    >>> read_document(path)
    {'films': [1, 2]}
    """
    path = Path(path)
    with reading(path):
        if (size := path.stat().st_size) > MOST_JSON:
            raise InputError(f"a document may have {MOST_JSON:,} bytes, got {size:,}.")
        text = path.read_text(encoding="utf-8")
        if _depth(text) > MOST_DEPTH:
            raise InputError(f"lists and objects may be nested {MOST_DEPTH} deep, got {_depth(text)}.")
        facts = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if not isinstance(facts, dict):
            raise InputError(f"a document is an object with names, got {type(facts).__name__}.")
    return facts


def _depth(text):
    r"""Return how deep the lists and objects of a JSON text are nested.

    >>> _depth('{"a": [[1], "[[[ \\"[["]}')
    3
    """
    brackets = re.sub(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^][{}"]+', "", text)
    return max(accumulate(1 if one in "[{" else -1 for one in brackets), default=0)


def _finite(number):
    value = float(number)
    if not math.isfinite(value):
        raise InputError(f"numbers must be finite, got {number}.")
    return value


def claim(folder: Pathlike, facts: Mapping[str, object]) -> None:
    """Note in a folder what is run in it.

    Parameters
    ----------
    folder : path
        Made if needed.
    facts : dict of str to JSON-able
        What tells this run from others.

    Raises
    ------
    InputError
        If another run is unfinished there.
    """
    folder, facts = Path(folder), {"multigenre": version("multigenre"), **facts}
    note = folder / "run.json"
    if note.is_file():
        found = read_json(note)
        for key, value in facts.items():
            if found.get(key) != value:
                raise InputError(
                    f"{folder} holds an unfinished run with {key}={found.get(key)}, not {value}: "
                    "finish that one, or delete the folder."
                )
        log.info("Going on with the unfinished run in %s.", folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_json(facts, note)
