"""What lies in a bundle, by name, size and checksum: looked at before anything is opened."""

import hashlib
from pathlib import Path
from typing import Any

from multigenre._checks import InputError, some
from multigenre._files import read_document, write_json
from multigenre._signatures import Pathlike
from multigenre.ensemble._archives import check_archive

MANIFEST = "manifest.json"
PICTURES = "figures"  # below it anything may lie: nothing there is ever read
MOST_BYTES = 16 * 2**30  # of all files together


def write_manifest(folder: Pathlike) -> None:
    """Write the names, sizes and SHA-256 of all files of a bundle into its ``manifest.json``.

    Raises
    ------
    InputError
        If they are beyond what `check_manifest` lets through.
    """
    paths = _paths(folder)
    sizes = _sizes(paths, folder)
    for path in paths.values():
        check_archive(path)
    files = {name: {"size": sizes[name], "sha256": _checksum(path)} for name, path in paths.items()}
    write_json({"files": files}, Path(folder) / MANIFEST, indent=1)


def check_manifest(folder: Pathlike) -> None:
    """Raise unless the files of a bundle are those that its ``manifest.json`` names, and none unpacks to too much.

    It tells damage and changes by accident from what was saved; it is no signature. Whoever changes a bundle on
    purpose can write its manifest again, so it says nothing of who made it.

    Parameters
    ----------
    folder : path
        All but ``manifest.json`` itself and what lies below ``figures`` is looked at.

    Raises
    ------
    InputError
        If a file is missing, changed or one too many, all of them have more than 16 GiB, or an archive is refused by
        `check_archive`; the message names the file.
    """
    folder = Path(folder)
    known = _known(folder / MANIFEST)
    paths = _paths(folder)
    if missing := sorted(known.keys() - paths.keys()):
        raise InputError(
            f"{folder} lacks {some(missing)}, which was saved with it; copy the whole bundle again."
        )
    if extra := sorted(paths.keys() - known.keys()):
        raise InputError(f"{folder} holds {some(extra)}, which was not saved with it; remove what you added.")
    sizes = _sizes(paths, folder)
    for name, path in paths.items():  # sizes first: what has another size is not read to its end
        if known[name] != {"size": sizes[name], "sha256": _checksum(path, known[name].get("size"))}:
            raise InputError(f"{path} is not as it was saved; copy the whole bundle again, or train again.")
    for path in paths.values():
        check_archive(path)


def _known(path):
    """Return what a manifest says of each file."""
    files: Any = read_document(path).get("files")
    if not isinstance(files, dict) or not all(isinstance(one, dict) for one in files.values()):
        raise InputError(f"{path} is no manifest: it must say the size and checksum of every file.")
    return files


def _paths(folder):
    """Return the files of a bundle by name."""
    folder = Path(folder)
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if not path.is_dir()}
    return {
        name.as_posix(): path
        for name, path in found.items()
        if name.parts[0] != PICTURES and name.as_posix() != MANIFEST
    }


def _sizes(paths, folder):
    if odd := [name for name, path in paths.items() if not path.is_file()]:
        raise InputError(f"{folder} holds {some(odd)}, which is no file; remove what you added.")
    sizes = {name: path.stat().st_size for name, path in paths.items()}
    if sum(sizes.values()) > MOST_BYTES:
        raise InputError(
            f"{folder} has {sum(sizes.values()):,} bytes, more than the {MOST_BYTES:,} that a bundle may have."
        )
    return sizes


def _checksum(path, size=None):
    """Return the SHA-256 of a file, None if it has another size than was said."""
    if size is not None and path.stat().st_size != size:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
