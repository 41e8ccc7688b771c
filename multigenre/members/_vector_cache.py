"""Vectors of texts or posters, each computed once: in memory, and on disk where that is asked for."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from multigenre._checks import InputError, some
from multigenre._files import replacing
from multigenre._signatures import Pathlike, Progress, no_progress

CHUNK = 512  # items embedded at once, and written to one file


class VectorCache:
    """Vectors that an embedder gives, each computed once for the same text or poster.

    Parameters
    ----------
    embed : callable
        From a list of n str, or from posters, uint8 (n, size, size, 3), to n vectors, float (n, d). Its attribute
        ``name``, else the name it was defined by, says what it is.
    folder : path, optional
        Vectors are kept there as well, under the embedder's name, and found by what the text or poster holds: what
        changed is computed anew, and a run that was killed goes on where it was. Embedders may share a folder.
    memory_limit : int
        Bytes of vectors kept in memory; what goes beyond is computed each time.

    Raises
    ------
    InputError
        If a folder is given and the embedder's name could be another's.
    """

    def __init__(
        self, embed: Callable[..., Any], *, folder: Pathlike | None = None, memory_limit: int = 2**28
    ):
        self.embed, self.name = embed, embedder_name(embed)
        self.folder = None if folder is None else Path(folder)
        self.memory_limit = memory_limit
        self._vectors, self._bytes, self._read = {}, 0, False
        named = hasattr(embed, "name") or ("<" not in self.name and hasattr(embed, "__qualname__"))
        if folder is not None and not named:
            raise InputError(
                f"Vectors are kept under their embedder's name, and {self.name} may be another's too; "
                "give the embedder an attribute `name`."
            )

    def vectors(
        self,
        items: Sequence[Any],
        *,
        ids: Sequence[str],
        what: str = "vectors",
        progress: Progress = no_progress,
    ) -> np.ndarray:
        """Return the vectors of some texts or posters, computing those that are not here.

        Parameters
        ----------
        items : sequence of str, or uint8 array or `Selection` of shape (n, size, size, 3)
        ids : sequence of str, length n
            The films, for messages.
        what : str
            Is encoded, for the progress.
        progress : callable, optional
            Called with (what, items done, items in all) while there are some to compute.

        Returns
        -------
        ndarray of shape (n, d), float32

        Raises
        ------
        InputError
            If the embedder gives anything but a vector of finite numbers for each item, all of one length, or a
            file of the folder cannot be read.
        """
        if self.folder is not None and not self._read:
            self._read_folder(self.folder)
        found = []
        for start in range(0, len(items), CHUNK):
            part: Any = items[start : start + CHUNK]  # texts, or posters that an array of positions indexes
            keys = [_digest(item) for item in part]
            rows, new = {}, {}
            for row, key in enumerate(keys):
                if key not in self._vectors:
                    rows.setdefault(key, row)
            if rows:
                order = np.fromiter(rows.values(), np.intp)
                batch = [part[row] for row in order] if isinstance(part[0], str) else part[order]
                computed = self._computed(batch, [ids[start + row] for row in order])
                new = dict(zip(rows, computed, strict=True))
                self._keep(new)
                progress(what, start + len(part), len(items))
            found += [new[key] if key in new else self._vectors[key] for key in keys]
        lengths = {len(vector) for vector in found}
        if len(lengths) > 1:
            raise InputError(
                f"The vectors of {self.name} must be of one length, got {some(sorted(lengths))} numbers; "
                "give an embedder that changed another name."
            )
        return np.stack(found) if found else np.empty((0, 0), np.float32)

    def _computed(self, batch, ids):
        """Return the embedder's vectors as float32, or raise."""
        wanted = f"The embedder {self.name} must give {len(batch)} vectors of numbers for {len(batch)} films"
        try:
            vectors = np.asarray(self.embed(batch))
            with np.errstate(over="ignore"):  # what is too large for float32 is named below
                kind, vectors = vectors.dtype.kind, vectors.astype(np.float32)
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise InputError(f"{wanted}, but failed: {error}.") from error
        if vectors.ndim != 2 or len(vectors) != len(batch) or not vectors.shape[1] or kind not in "fiub":
            raise InputError(f"{wanted}, (n_films, length), got {vectors.shape}.")
        wrong = ~np.isfinite(vectors).all(axis=1)
        if wrong.any():
            films = some(np.asarray(ids, object)[wrong])
            raise InputError(f"{wanted}, all finite, but gave NaN or infinity for {films}.")
        return vectors

    def _keep(self, new):
        """Write vectors to the folder, beside and then renamed, and keep in memory what fits."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{self._prefix()}{_digest(b''.join(new)).hex()}.npz"
            with replacing(path) as partial, partial.open("wb") as file:
                keys = np.frombuffer(b"".join(new), np.uint8).reshape(len(new), -1)
                np.savez(file, keys=keys, vectors=np.stack(list(new.values())))
        self._remember(new)

    def _remember(self, new):
        size = sum(vector.nbytes for vector in new.values())
        if self._bytes + size <= self.memory_limit:
            self._vectors |= new
            self._bytes += size

    def _read_folder(self, folder):
        self._read = True
        for path in sorted(folder.glob(f"{self._prefix()}*.npz")):
            try:
                with np.load(path, allow_pickle=False) as file:
                    keys, vectors = file["keys"], file["vectors"]
            except (OSError, EOFError, BadZipFile, KeyError, ValueError) as error:
                raise InputError(f"{path} holds no saved vectors ({error}); remove it.") from error
            self._remember({bytes(key): vector for key, vector in zip(keys, vectors, strict=True)})

    def _prefix(self):
        return f"{_digest(self.name).hex()[:16]}-"


def embedder_name(embed: Callable[..., Any]) -> str:
    """Return what an embedder calls itself.

    >>> embedder_name(str.upper)
    'str.upper'
    """
    return str(getattr(embed, "name", None) or getattr(embed, "__qualname__", type(embed).__qualname__))


def _digest(item):
    """Return 16 bytes that stand for a text or the pixels of a poster."""
    if isinstance(item, str):
        item = item.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(item, digest_size=16).digest()
