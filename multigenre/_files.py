"""Files that are there whole or not at all."""

from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path):
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
