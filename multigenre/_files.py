"""Files that are there whole or not at all."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from multigenre._checks import InputError
from multigenre._signatures import Pathlike

log = logging.getLogger("multigenre")


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
