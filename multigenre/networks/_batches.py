"""From films to batches: group overviews by length, shuffle films every epoch, predict in the caller's order."""

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any, Protocol, TypeAlias

import numpy as np
import tensorflow as tf

from multigenre._checks import InputError
from multigenre.networks._pools import share_cores

share_cores()


class Selection:
    """Some rows of an array in an order of their own, read when they are asked for.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        May be a memory map.
    rows : ndarray of shape (n_selected,), int
    """

    def __init__(self, array: np.ndarray, rows: np.ndarray):
        self.array, self.rows = array, rows
        self.shape, self.dtype = (len(rows), *array.shape[1:]), array.dtype

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, positions: slice | np.ndarray) -> np.ndarray:
        return self.array[self.rows[positions]]


Inputs: TypeAlias = np.ndarray | Selection


class Batches(Protocol):
    """What `training_dataset` reads: films in memory (`ArrayBatches`), or anywhere else.

    Attributes
    ----------
    n_films : int
        Of an epoch.
    signature : tuple of tf.TensorSpec
        Of a batch's inputs and labels.
    """

    n_films: int
    signature: tuple[tf.TensorSpec, tf.TensorSpec]

    def batches(
        self, batch_size: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield one epoch's batches of (inputs, labels), of which one is not full; without ``rng`` not shuffled."""
        ...


class ArrayBatches:
    """Batches of films whose inputs are in memory.

    Parameters
    ----------
    inputs : ndarray or Selection of shape (n_films, ...)
        Posters as uint8, or overviews as str.
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    lengths : ndarray of shape (n_films,), int, optional
        Group films of like length, see `epoch_batches`.

    Raises
    ------
    InputError
        If inputs and labels are not about the same number of films.
    """

    def __init__(self, inputs: Inputs, labels: np.ndarray, *, lengths: np.ndarray | None = None):
        if len(inputs) != len(labels):
            raise InputError(
                f"Training needs a row of labels for each film, got {len(inputs)} films and {len(labels)} rows."
            )
        self.inputs, self.labels, self.lengths = inputs, labels, lengths
        self.n_films = len(inputs)
        dtype = tf.string if inputs.dtype.kind in "OU" else tf.as_dtype(inputs.dtype)
        self.signature = (
            tf.TensorSpec((None, *inputs.shape[1:]), dtype),
            tf.TensorSpec((None, labels.shape[1]), tf.as_dtype(labels.dtype)),
        )

    def batches(
        self, batch_size: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield one epoch's batches of (inputs, labels), see `epoch_batches`."""
        for rows in epoch_batches(self.n_films, batch_size, rng, self.lengths):
            yield self.inputs[rows], self.labels[rows]


def training_dataset(
    source: Batches, *, batch_size: int = 64, seed: int | None = None, epoch: Callable[[], int] | None = None
) -> tf.data.Dataset:
    """Return a `tf.data.Dataset` of (inputs, labels) batches that lasts one epoch each time it is read.

    Parameters
    ----------
    source : Batches
    batch_size : int
    seed : int or None
        Of the order of films, which is new every epoch; None does not shuffle.
    epoch : callable, optional
        Gives the number of the epoch that starts, so that a resumed run sees the films in the order in which
        it would have seen them; otherwise each reading of the dataset counts as the next epoch.

    Raises
    ------
    InputError
        If there is no film.
    """
    if not source.n_films:
        raise InputError("Training needs films, got none.")
    readings = itertools.count()

    def batches():
        if seed is None:
            return source.batches(batch_size)
        number = epoch() if epoch else next(readings)
        return source.batches(batch_size, np.random.default_rng([seed, number]))

    dataset = tf.data.Dataset.from_generator(batches, output_signature=source.signature)
    n_batches = -(-source.n_films // batch_size)
    return untuned(dataset.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(4))


def epoch_batches(
    n_films: int, batch_size: int, rng: np.random.Generator | None = None, lengths: np.ndarray | None = None
) -> list[np.ndarray]:
    """Return one epoch's batches: every film once, in a new order.

    Given lengths, films of like length share a batch, so that little padding is computed: films are shuffled,
    sorted by length within runs of 16 batches (fewer where there are few films), cut, and the batches are
    shuffled. Longer runs would save little more padding, and would make a film meet the same films again.

    Parameters
    ----------
    n_films, batch_size : int
    rng : numpy.random.Generator, optional
        Without it films keep their order, or are sorted by their lengths.
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
    if rng is None:
        order = np.arange(n_films) if lengths is None else np.argsort(lengths, kind="stable")
    else:
        order = rng.permutation(n_films)
        if lengths is not None:
            run = min(16, max(2, n_films // batch_size // 4)) * batch_size
            runs = [order[start : start + run] for start in range(0, n_films, run)]
            order = np.concatenate([rows[np.argsort(lengths[rows], kind="stable")] for rows in runs])
    batches = [order[start : start + batch_size] for start in range(0, n_films, batch_size)]
    if rng is not None and lengths is not None:
        rng.shuffle(batches)
    return batches


def overview_lengths(overviews: Collection[str]) -> np.ndarray:
    """Return the number of words of each overview, shape (n,), int."""
    return np.fromiter((len(overview.split()) for overview in overviews), np.int64, len(overviews))


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return a dataset that is read without TensorFlow's autotuner.

    The autotuner sleeps for twice as long each time, and an iterator that a compiled step has read is not let go
    before it wakes: TensorFlow 2.20 and 2.21 make every epoch last 10 ms, 30 ms, 70 ms... 41 s or 82 s, up to twice
    the time of its steps.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def predict_batches(
    predict: Callable[[np.ndarray], Any],
    inputs: Inputs,
    *,
    batch_size: int = 128,
    lengths: np.ndarray | None = None,
) -> np.ndarray:
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
