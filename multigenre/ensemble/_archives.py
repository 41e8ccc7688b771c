"""Archives that do not unpack to more than they may: read from their headers alone."""

import io
import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from multigenre._checks import InputError
from multigenre._files import reading
from multigenre._signatures import Pathlike

ARCHIVES = (".keras", ".npz", ".skops")
MOST_UNPACKED = 16 * 2**30  # bytes of one archive
MOST_RATIO = 100  # times its own size; weights and vocabularies take 1 to 10
ALWAYS = 64 * 2**20  # bytes to which any archive may unpack: a small one of equal numbers shrinks by more
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def check_archive(path: Pathlike) -> None:
    """Raise unless a file that Keras, NumPy or skops would unpack is safe to unpack; say nothing of other files.

    Parameters
    ----------
    path : path
        It is looked at if its name ends in ``.keras``, ``.npz`` or ``.skops``.

    Raises
    ------
    InputError
        If it is no archive, would unpack to more than 16 GiB, or to more than 64 MiB and 100 times its size, archives
        within it included, or if an array in it is of Python objects or of another size than its header says.
    """
    path = Path(path)
    if path.suffix not in ARCHIVES:
        return
    size = path.stat().st_size
    with reading(path), path.open("rb") as file:
        _unpacked(file, max(ALWAYS, min(MOST_UNPACKED, MOST_RATIO * size)), path)


def _unpacked(file: IO[bytes], most: int, path: Path) -> int:
    """Return to how many bytes an archive unpacks, with those inside it, or raise."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if total > most:
            raise InputError(
                f"{path} would unpack to {total:,} bytes, and may to {most:,}; the library saves none such."
            )
        for member in members:
            with archive.open(member) as opened:
                if member.filename.endswith(".npy"):
                    _check_array(opened, member, path)
                elif member.filename.endswith(".npz"):
                    total += _unpacked(io.BytesIO(opened.read()), most - total, path)
    return total


def _check_array(opened, member, path):
    shape, _, dtype = HEADERS[np.lib.format.read_magic(opened)](opened)
    if dtype.hasobject:
        raise InputError(f"{path} holds Python objects in {member.filename}, where only numbers may be.")
    said, there = math.prod(shape) * dtype.itemsize, member.file_size - opened.tell()
    if said != there:
        raise InputError(
            f"{path} holds {member.filename}, whose header speaks of {said:,} bytes where {there:,} are."
        )
