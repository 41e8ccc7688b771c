"""Posters from their files: each decoded once, kept in memory or on disk; those that cannot be read are named."""

import contextlib
import logging
import math
import os
import re
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre._threads import cores
from multigenre.data import Films, inline_content, open_poster
from multigenre.networks._batches import Selection, untuned

log = logging.getLogger("multigenre")

# What may say that a picture is to be turned: XMP, or EXIF data, as JPEG, PNG and WebP hold them or as ImageMagick
# writes them in hexadecimal, whose tag 0x0112, one short integer, big- or little-endian, is not 1. Pillow then decides.
TURNED = (
    r"\C*((?i:exif)\C*(\x01\x12\x00\x03\x00\x00\x00\x01\x00|\x12\x01\x03\x00\x01\x00\x00\x00)[\x02-\x08]"
    r"|Raw profile type exif|tiff:Orientation(=\"|>)[2-8])\C*"
)
FEW = 32  # posters up to which decoding one after another takes less time than tf.data takes to start


class PosterCache:
    """Decoded posters, each decoded once: in memory while they fit, on disk when they do not.

    Parameters
    ----------
    size : int
        Pixels a side; resizing is bilinear, without antialiasing, as in the reference.
    memory_limit : int
        Bytes; a set of posters larger than this goes to a temporary file (12,288 bytes a poster).

    Attributes
    ----------
    unreadable : dict of str to str
        Poster files that could not be decoded so far, with the reason.
    """

    def __init__(self, size: int = 64, *, memory_limit: int = 2**30):
        self.size, self.memory_limit = size, memory_limit
        self.unreadable: dict[str, str] = {}
        self._named: set[str] = set()  # films
        self._row: dict[str, int] = {}
        self._pixels = np.empty((0, size, size, 3), np.uint8)
        self._file = None

    def load(self, paths: Iterable[Pathlike], *, progress: Progress = no_progress) -> set[str]:
        """Decode the posters that are not here yet.

        Parameters
        ----------
        paths : iterable of str
            Files, or data URIs that hold a file's bytes; empty ones (no poster) are passed over.
        progress : callable, optional
            Called with (what, number done, number in all).

        Returns
        -------
        set of str
            Those of ``paths`` that cannot be read.
        """
        wanted = dict.fromkeys(str(path) for path in paths if path)
        new = [path for path in wanted if path not in self._row and path not in self.unreadable]
        if new:
            self._decode(new, progress)
        return wanted.keys() & self.unreadable.keys()

    def lost(self, films: Films, *, progress: Progress = no_progress) -> dict[str, str]:
        """Decode the films' posters; return why some cannot be read, by film id."""
        broken = self.load(films.posters, progress=progress)
        paths = zip(films.ids, map(str, films.posters), strict=True)
        return {film: self.unreadable[path] for film, path in paths if path in broken} if broken else {}

    def screen(self, films: Films, *, strict: bool = False, progress: Progress = no_progress) -> Films:
        """Decode the films' posters; return the films with unreadable ones missing, which are named in the log.

        A cache names a poster once: whoever made it screens the films, and members that share it find them screened.

        Parameters
        ----------
        films : Films
        strict : bool
            Refuse posters that cannot be read, instead of naming them and going on as if they were missing.
        progress : callable, optional
            Called with (what, number done, number in all).

        Raises
        ------
        InputError
            If a poster cannot be read and ``strict``.
        """
        lost = self.lost(films, progress=progress)
        new = {film: reason for film, reason in lost.items() if strict or film not in self._named}
        name_unreadable(new, strict=strict)
        self._named |= new.keys()
        return films.without_posters(lost) if lost else films

    def pixels(self, paths: Iterable[Pathlike]) -> np.ndarray:
        """Return posters as uint8 in 0..255, shape (n, size, size, 3), in the order of ``paths``."""
        return self.select(paths)[:]

    def select(self, paths: Iterable[Pathlike]) -> Selection:
        """Return what `pixels` does as a `Selection`, which reads no more posters than it is asked for.

        Raises
        ------
        InputError
            If one cannot be read: films were not screened.
        """
        paths = [str(path) for path in paths]
        if broken := self.load(paths):
            raise InputError(
                f"{len(broken)} posters cannot be read ({some(broken)}); screen the films first."
            )
        return Selection(self._pixels, np.array([self._row[path] for path in paths], np.intp))

    def _decode(self, paths, progress):
        """Decode posters that are not here: with TensorFlow, and what it cannot read with Pillow."""
        start, done = len(self._pixels), 0
        self._grow(len(paths))
        left = np.ones(len(paths), bool)
        for positions, pixels in _decoded(paths, self.size):
            self._pixels[start + positions] = pixels
            left[positions] = False
            done += len(positions)
            progress("decoding posters", done, len(paths))
        left = np.flatnonzero(left)
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(self._decode_with_pillow, [paths[i] for i in left], start + left):
                done += 1
                progress("decoding posters", done, len(paths))
        self._row |= {path: start + i for i, path in enumerate(paths) if path not in self.unreadable}

    def _grow(self, n_new):
        """Make room for ``n_new`` posters after those that are here."""
        here, shape = self._pixels, (len(self._pixels) + n_new, *self._pixels.shape[1:])
        if math.prod(shape) <= self.memory_limit:
            self._pixels = np.empty(shape, np.uint8)
        elif self._file:
            self._pixels = np.memmap(self._file, np.uint8, "r+", shape=shape)
            return
        else:
            # A file without a name: it is gone with this object, or with a process that was killed.
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
            weakref.finalize(self, self._file.close)
            self._pixels = np.memmap(self._file, np.uint8, "r+", shape=shape)
        self._pixels[: len(here)] = here

    def _decode_with_pillow(self, path, row):
        """Try once more what TensorFlow cannot read (WebP, CMYK, turned), or note why it is unreadable."""
        try:
            pixels = np.asarray(open_poster(path))
            self._pixels[row] = _to_uint8(tf.image.resize(pixels, (self.size, self.size)))
        except Exception as error:  # a damaged file can raise nearly anything in a decoder
            said = re.sub(r"<_io\.BytesIO object at \w+>", "", str(error).replace(path, ""))
            self.unreadable[path] = said.strip(" :'\"") or type(error).__name__


def _to_uint8(pixels):
    """Round float pixels to uint8: the cache costs a quarter, and an error of at most 0.5 in 255."""
    return tf.cast(tf.round(pixels), tf.uint8)


def _decoded(paths, size):
    """Yield (positions, pixels) of the posters that TensorFlow can read; many are decoded in parallel."""

    def decode(position, path, content):
        content = tf.cond(tf.equal(path, ""), lambda: content, lambda: tf.io.read_file(path))
        # TensorFlow would leave a picture lying that its metadata turn upright.
        content = tf.where(tf.strings.regex_full_match(content, TURNED), b"", content)
        image = tf.io.decode_image(content, channels=3, expand_animations=False)
        return position, _to_uint8(tf.image.resize(image, (size, size)))

    contents = [inline_content(path) for path in paths]
    # File names need not be UTF-8.
    names = [os.fsencode(path) if here is None else b"" for path, here in zip(paths, contents, strict=True)]
    contents = [here or b"" for here in contents]
    if len(names) <= FEW:
        for position, (name, content) in enumerate(zip(names, contents, strict=True)):
            with contextlib.suppress(tf.errors.OpError):
                yield np.array([position]), decode(position, name, content)[1][None]
        return
    posters = tf.data.Dataset.from_tensor_slices((np.arange(len(paths)), names, contents))
    posters = posters.map(decode, num_parallel_calls=cores(), deterministic=False)
    yield from untuned(posters.ignore_errors().batch(128).prefetch(4)).as_numpy_iterator()


def name_unreadable(lost: Mapping[str, str], *, strict: bool = False) -> None:
    """Name and count in the log what `PosterCache.lost` found, or raise `InputError` if ``strict``."""
    if lost:
        film, reason = next(iter(lost.items()))
        what, why = f"{len(lost)} posters cannot be read", f"{film}: {reason}"
        if strict:
            raise InputError(f"{what} ({some(lost)}; {why}); mend or remove them.")
        log.warning("%s and count as missing: %s (%s).", what, some(lost), why)
