"""Files that are there whole or not at all."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from multigenre._checks import InputError
from multigenre._signatures import Pathlike

log = logging.getLogger("multigenre")


@contextmanager
def replacing(path: Pathlike) -> Iterator[Path]:
    """Give a path to write to in place of ``path``, and rename it to that once it is written.

    A kill leaves the old file or the new one, and what could not be written whole under another name.

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
    partial = path.with_name(path.name + ".partial")
    yield partial
    partial.replace(path)


def claim(folder: Pathlike, facts: dict[str, object]) -> None:
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
        found = json.loads(note.read_text(encoding="utf-8"))
        for key, value in facts.items():
            if found.get(key) != value:
                raise InputError(
                    f"{folder} holds an unfinished run with {key}={found.get(key)}, not {value}: "
                    "finish that one, or delete the folder."
                )
        log.info("Going on with the unfinished run in %s.", folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(note) as partial:
        partial.write_text(json.dumps(facts), encoding="utf-8")
