"""From films to batches: decode posters once, group overviews by length, shuffle films every epoch."""

import itertools
import logging
import math
import os
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from PIL import Image

from multigenre._checks import InputError, some

log = logging.getLogger("multigenre")


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

    def __init__(self, size=64, *, memory_limit=2**30):
        self.size, self.memory_limit = size, memory_limit
        self.unreadable = {}
        self._row = {}
        self._pixels = np.empty((0, size, size, 3), np.uint8)
        self._file = None

    def load(self, paths, *, progress=None):
        """Decode the posters that are not here yet.

        Parameters
        ----------
        paths : iterable of str
            Files; empty ones (no poster) are passed over.
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
            self._decode(new, progress or (lambda what, done, total: None))
        return wanted.keys() & self.unreadable.keys()

    def pixels(self, paths):
        """Return loaded posters as uint8 in 0..255, shape (n, size, size, 3), in the order of ``paths``."""
        return self.select(paths)[:]

    def select(self, paths):
        """Return what `pixels` does as a `Selection`, which reads no more posters than it is asked for."""
        return Selection(self._pixels, np.array([self._row[str(path)] for path in paths], np.intp))

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
        """Try once more what TensorFlow cannot read (WebP, CMYK), or note why it is unreadable."""
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB"))
            self._pixels[row] = _to_uint8(tf.image.resize(pixels, (self.size, self.size)))
        except Exception as error:  # a damaged file can raise nearly anything in a decoder
            self.unreadable[path] = str(error).replace(path, "").strip(" :'\"") or type(error).__name__


class Selection:
    """Some rows of an array in an order of their own, read when they are asked for.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        May be a memory map.
    rows : ndarray of shape (n_selected,), int
    """

    def __init__(self, array, rows):
        self.array, self.rows = array, rows
        self.shape, self.dtype = (len(rows), *array.shape[1:]), array.dtype

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, positions):
        return self.array[self.rows[positions]]


def _to_uint8(pixels):
    """Round float pixels to uint8: the cache costs a quarter, and an error of at most 0.5 in 255."""
    return tf.cast(tf.round(pixels), tf.uint8)


def _decoded(paths, size):
    """Yield (positions, pixels) of the posters that TensorFlow can read, decoded in parallel."""

    def decode(position, path):
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return position, _to_uint8(tf.image.resize(image, (size, size)))

    names = [os.fsencode(path) for path in paths]  # file names need not be UTF-8
    posters = tf.data.Dataset.from_tensor_slices((np.arange(len(paths)), names))
    posters = posters.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    return posters.ignore_errors().batch(128).prefetch(4).as_numpy_iterator()


def readable_posters(films, posters, *, strict=False, progress=None):
    """Decode the films' posters; return the films with unreadable ones missing, named and counted.

    Raises
    ------
    InputError
        If one is unreadable and ``strict``.
    """
    broken = posters.load(films.posters, progress=progress)
    if not broken:
        return films
    lost = films.ids[np.isin(films.posters.astype(str), list(broken))]
    reason = f"{lost[0]}: {posters.unreadable[films.posters[films.ids == lost[0]][0]]}"
    if strict:
        raise InputError(f"{len(lost)} posters cannot be read ({some(lost)}; {reason}); mend or remove them.")
    log.warning("%d posters cannot be read and count as missing: %s (%s).", len(lost), some(lost), reason)
    return films.without_posters(lost)


def overview_lengths(overviews):
    """Return the number of words of each overview, shape (n,), int."""
    return np.fromiter((len(overview.split()) for overview in overviews), np.int64, len(overviews))


def epoch_batches(n_films, batch_size, rng, lengths=None):
    """Return one epoch's batches: every film once, in a new order.

    Given lengths, films of like length share a batch, so that little padding is computed: films are shuffled,
    sorted by length within runs of 16 batches (fewer where there are few films), cut, and the batches are
    shuffled. Longer runs would save little more padding, and would make a film meet the same films again.

    Parameters
    ----------
    n_films, batch_size : int
    rng : numpy.random.Generator
    lengths : ndarray of shape (n_films,), int, optional

    Returns
    -------
    list of ndarray of int
        Positions of the films of each batch; only one batch is not full.

    Examples
    --------
    >>> [len(batch) for batch in epoch_batches(5, 2, np.random.default_rng(0))]
    [2, 2, 1]
    """
    order = rng.permutation(n_films)
    if lengths is not None:
        run = min(16, max(2, n_films // batch_size // 4)) * batch_size
        starts = range(0, n_films, run)
        order = np.concatenate(
            [order[i : i + run][np.argsort(lengths[order[i : i + run]], kind="stable")] for i in starts]
        )
    batches = [order[i : i + batch_size] for i in range(0, n_films, batch_size)]
    if lengths is not None:
        rng.shuffle(batches)
    return batches


def training_dataset(inputs, labels, *, batch_size=64, seed=None, lengths=None, epoch=None):
    """Return a `tf.data.Dataset` of (inputs, labels) batches that lasts one epoch each time it is read.

    Parameters
    ----------
    inputs : ndarray or Selection of shape (n_films, ...)
        Posters as uint8, or overviews as str.
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    batch_size : int
    seed : int or None
        Of the order of films, which is new every epoch; None keeps the given order.
    lengths : ndarray of shape (n_films,), int, optional
        Group films of like length, see `epoch_batches`.
    epoch : callable, optional
        Gives the number of the epoch that starts, so that a resumed run sees the films in the order in which
        it would have seen them; otherwise each reading of the dataset counts as the next epoch.

    Raises
    ------
    InputError
        If inputs and labels are not about the same number of films, or there is none.
    """
    n_films = len(inputs)
    if n_films != len(labels) or not n_films:
        raise InputError(
            f"Training needs films and a row of labels for each, got {n_films} films and {len(labels)} rows."
        )
    readings = itertools.count()

    def batches():
        if seed is None:
            order = np.argsort(lengths, kind="stable") if lengths is not None else np.arange(n_films)
            parts = [order[i : i + batch_size] for i in range(0, n_films, batch_size)]
        else:
            rng = np.random.default_rng([seed, epoch() if epoch else next(readings)])
            parts = epoch_batches(n_films, batch_size, rng, lengths)
        for rows in parts:
            yield inputs[rows], labels[rows]

    dtype = tf.string if inputs.dtype.kind in "OU" else tf.as_dtype(inputs.dtype)
    signature = (
        tf.TensorSpec((None, *inputs.shape[1:]), dtype),
        tf.TensorSpec((None, labels.shape[1]), tf.as_dtype(labels.dtype)),
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    n_batches = -(-n_films // batch_size)
    return dataset.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(4)


def predict_batches(predict, inputs, *, batch_size=256, lengths=None):
    """Return ``predict`` of every input, computed in batches, in the order given.

    Parameters
    ----------
    predict : callable
        From a batch of inputs to an array of shape (n_batch, n_genres).
    inputs : ndarray or Selection of shape (n_films, ...)
        Of one film at least.
    batch_size : int
    lengths : ndarray of shape (n_films,), int, optional
        Films of like length are computed together.

    Returns
    -------
    ndarray of shape (n_films, n_genres), float32
    """
    order = np.arange(len(inputs)) if lengths is None else np.argsort(lengths, kind="stable")
    parts = [np.asarray(predict(inputs[order[i : i + batch_size]])) for i in range(0, len(order), batch_size)]
    values = np.concatenate(parts)
    result = np.empty_like(values)
    result[order] = values
    return result
