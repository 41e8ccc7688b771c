"""Posters found: the files of a folder by path, name and number, listed once and asked for each film."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import numpy as np

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike
from multigenre.data._notes import Notes
from multigenre.data._texts import is_placeholder

# What Pillow reads and posters come in; of two files with one name the first here is taken.
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".tga",
)  # fmt: skip
NUMBERED = re.compile(r"(?:tt)?0*([0-9]+)", re.IGNORECASE)  # one film: tt0086425, 0086425 and 86425


class _File(NamedTuple):
    path: str
    folder: str
    depth: int


class PosterIndex:
    """The pictures in a folder, from one pass over it.

    Parameters
    ----------
    folder : path
    nested : bool
        Whether folders in it are looked into too.
    """

    def __init__(self, folder: Pathlike, *, nested: bool = True):
        self.folder = Path(folder)
        found = sorted(_pictures(self.folder, nested), key=lambda pair: pair[0])
        self._paths: dict[str, list[_File]] = defaultdict(list)  # within the folder, with and without suffix
        self._names: dict[str, list[_File]] = defaultdict(list)
        for _, relative, stem, file in found:
            within = relative[: len(relative) - len(relative.rpartition("/")[2])]
            for key in dict.fromkeys((relative, within + stem)):
                self._paths[key].append(file)
                self._paths[f"\0{key.casefold()}"].append(file)
            name = relative.rpartition("/")[2]
            for key in dict.fromkeys((name, stem)):
                self._names[key].append(file)
                self._names[f"\0{key.casefold()}"].append(file)
        self._numbers: dict[str, list[_File]] | None = None

    def __len__(self) -> int:
        return len({file.path for files in self._names.values() for file in files})

    def by_path(self, parts: list[str]) -> tuple[str, bool]:
        """Return the file of a path, and whether it is there as it is written.

        Folders that the path names and that are not here are left out from its start; a suffix may be missing or
        another, and letters may be small or capital.
        """
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            if files := self._paths.get(tail):
                return self._one(files), start == 0
            if files := self._paths.get(f"\0{tail.casefold()}"):
                return self._one(files), False
        name = parts[-1]
        stem = _stem(name)
        for key in (name, f"\0{name.casefold()}", stem, f"\0{stem.casefold()}"):
            if files := self._names.get(key):
                return self._one(files), False
        return "", False

    def by_id(self, film: str) -> str:
        """Return the file that is named after a film, but for its suffix."""
        for key in (film, f"\0{film.casefold()}"):
            if files := self._names.get(key):
                return self._one(files)
        return ""

    def by_number(self, film: str) -> str:
        """Return the file that is named after a film with or without ``tt`` and zeros in front, if there is one."""
        if self._numbers is None:
            self._numbers = defaultdict(list)
            for key, files in self._names.items():
                if match := NUMBERED.fullmatch(key):
                    self._numbers[match.group(1)].extend(files)
        match = NUMBERED.fullmatch(film)
        files = self._numbers.get(match.group(1), []) if match else []
        names = {_stem(file.path.rpartition(os.sep)[2]) for file in files}
        return self._one(files) if len(names) == 1 else ""

    def _one(self, files):
        """Return the first of files with one name, unless other folders hold other pictures of that name."""
        first = files[0]
        rivals = [file for file in files if file.depth == first.depth and file.folder != first.folder]
        if rivals and _size(rivals[0]) != _size(first):
            raise InputError(
                f"the poster {Path(first.path).name} is both in {first.folder} and in {rivals[0].folder}, and they are "
                "two pictures; give the one folder with --posters."
            )
        return first.path


def _pictures(folder, nested) -> Iterator[tuple[tuple, str, str, _File]]:
    """Yield order, path within the folder, name without suffix, and the file, of each picture."""
    seen = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        if not nested or os.path.realpath(here) in seen:
            folders.clear()
        if os.path.realpath(here) in seen:
            continue
        seen.add(os.path.realpath(here))
        folders.sort()
        within = os.path.relpath(here, folder).replace(os.sep, "/")
        within, depth = ("", 0) if within == "." else (within + "/", within.count("/") + 1)
        for name in names:
            stem = _stem(name)
            suffix = name[len(stem) :].lower()
            if (not suffix and re.search(r"\.[A-Za-z][A-Za-z0-9]{1,5}$", name)) or name.startswith("."):
                continue  # a file of another kind; what follows the point in 3.5 is no suffix
            rank = SUFFIXES.index(suffix) if suffix else len(SUFFIXES)
            file = _File(f"{here}{os.sep}{name}", here, depth)
            yield (depth, within, rank, name), within + name, stem, file


def _stem(name):
    stem, _, suffix = name.rpartition(".")
    return stem if stem and f".{suffix.lower()}" in SUFFIXES else name


def _size(file):
    return Path(file.path).stat().st_size


def path_parts(named: str) -> list[str]:
    r"""Return the folders and the name in a path or an address, whose slashes may be any.

    >>> path_parts("https://example.org/w500/a%20b.jpg?x=1"), path_parts(r"sub\\a.jpg")
    (['w500', 'a b.jpg'], ['sub', 'a.jpg'])
    """
    if re.match(r"(https?:)?//", named):
        named = unquote(urlsplit(named).path)
    return [part for part in named.replace("\\", "/").split("/") if part not in ("", ".")]


def find_posters(
    ids: np.ndarray,
    named: np.ndarray,
    notes: Notes,
    *,
    folder: Pathlike | None = None,
    beside: Path,
    other_ids: dict[str, np.ndarray] | None = None,
    by_id: bool = True,
) -> np.ndarray:
    """Return the path of each film's poster file as text, ``""`` where there is none.

    Parameters
    ----------
    ids : ndarray of shape (n_films,), object of str
    named : ndarray of shape (n_films,), object of str
        File names or addresses from the table; ``""`` where none is given.
    notes : Notes
        Told how many are not found, or found under another name than the table has.
    folder : str or Path, optional
        Where the files lie, in folders of their own too, by the name that the table gives or else by the film's id.
    beside : Path
        What ``named`` is relative to without ``folder``.
    other_ids : dict of str to ndarray, optional
        More columns of ids by name: the one that most files are named after is taken.
    by_id : bool
        Whether ids may name files.

    Returns
    -------
    ndarray of shape (n_films,), object of str

    Raises
    ------
    InputError
        If the folder does not exist or holds none of these posters, files with one name are two pictures, or a table
        names files beside itself of which none is there.
    """
    named = np.array(["" if name and is_placeholder(name) else name for name in named], dtype=object)
    if folder is None:
        return _beside(named, Path(beside), notes)
    if not Path(folder).is_dir():
        raise InputError(
            f"the posters folder {folder} does not exist; give the folder that holds ID.jpg files."
        )
    index = PosterIndex(folder)
    found, another = np.full(len(ids), "", object), 0
    cells = {}
    for name in dict.fromkeys(named.tolist()):
        if name:
            cells[name] = (name, True) if name.startswith("data:") else _within(index, name)
    # poster.jpg may end the addresses of all films and be no film's.
    used = Counter(path for path, exact in cells.values() if path and not exact)
    for row, name in enumerate(named):
        path, exact = cells.get(name, ("", True))
        if path and (exact or used[path] == 1):
            found[row] = path
            another += not exact
    if dropped := sum(count for count in used.values() if count > 1):
        notes.warn(
            f"{dropped} names of posters end in a name that others end in too, so they are not taken from {folder}."
        )
    if by_id:
        chosen, which = _best_ids(index, ids, other_ids or {}, found)
        if which:
            notes.warn(f"Posters are named after the column {which}.")
        numbers = Counter(match.group(1) for film in chosen if (match := NUMBERED.fullmatch(film)))
        for row in np.flatnonzero(found == ""):
            film = chosen[row]
            found[row] = film and index.by_id(film)
            if not found[row] and (match := NUMBERED.fullmatch(film)) and numbers[match.group(1)] == 1:
                found[row] = index.by_number(film)
                another += found[row] != ""
    if not any(found):
        example = next((path_parts(name)[-1] for name in named if path_parts(name)), f"{ids[0]}.jpg")
        raise InputError(
            f"no film has a poster in {folder}, where a file such as {example} was expected; it holds {len(index)} "
            "pictures."
        )
    notes.repair("posters found under another name than the table has", another)
    if missing := int((found == "").sum()):
        first = ids[int((found == "").argmax())]
        notes.warn(f"{missing} of {len(ids)} films have no poster in {folder}, the first is {first}.")
    return found


def _within(index, name):
    if Path(name).is_absolute() or ".." in name:
        path = index.folder / name
        if _is_file(path):
            return str(path), True
    parts = path_parts(name)
    return index.by_path(parts) if parts else ("", False)


def _best_ids(index, ids, other_ids, found):
    """Return the ids that most files are named after, and the name of their column if it is another."""
    rows = np.flatnonzero(found == "")[:1000]
    if not len(rows) or not other_ids:
        return ids, ""
    hits = {name: sum(bool(index.by_id(film)) for film in column[rows]) for name, column in other_ids.items()}
    best = max(hits, key=hits.__getitem__)
    if hits[best] > sum(bool(index.by_id(film)) for film in ids[rows]):
        return other_ids[best], best
    return ids, ""


def _beside(named, beside, notes):
    """Return the files that a table names relative to its own folder."""
    found, another, indices = np.full(len(named), "", object), 0, {}
    example = ""
    for row, name in enumerate(named):
        if not name:
            continue
        if name.startswith("data:"):
            found[row] = name
            continue
        parts = path_parts(name)
        if re.match(r"(https?:)?//", name) or not parts:
            continue
        path = beside / name
        if not _is_file(path):
            parent = beside.joinpath(*parts[:-1])
            if parent not in indices:
                indices[parent] = PosterIndex(parent, nested=False) if _is_folder(parent) else None
            path = indices[parent].by_path(parts[-1:])[0] if indices[parent] is not None else ""
            another += path != ""
            if not path and not name.startswith(("/", "\\")) and _stem(parts[-1]) != parts[-1]:
                example = example or name
        found[row] = str(path)
    if not any(found):
        if example:
            raise InputError(
                f"no film has a poster in {beside}, where a file such as {example} was expected; give the folder with "
                "--posters, or say --columns poster= to read no posters."
            )
        if any(named):
            example = next(name for name in named if name)
            notes.warn(
                f"No poster is read: the table names {sum(map(bool, named))}, such as {example[:60]}, and --posters "
                "says in which folder they lie."
            )
    elif missing := [name for name, path in zip(named, found, strict=True) if name and not path]:
        notes.warn(f"{len(missing)} posters that the table names are not there: {some(missing)}.")
    notes.repair("posters found under another name than the table has", another)
    return found


def _is_file(path):
    try:
        return path.is_file()
    except (OSError, ValueError):  # an address, say, that is too long for a file's name
        return False


def _is_folder(path):
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
