"""From films to batches: group overviews by length, shuffle films every epoch, predict in the caller's order."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from multigenre._checks import InputError


def overview_lengths(overviews):
    """Return the number of words of each overview, shape (n,), int."""
    return np.fromiter((len(overview.split()) for overview in overviews), np.int64, len(overviews))


def epoch_batches(
    n_films: int, batch_size: int, rng: np.random.Generator, lengths: np.ndarray | None = None
) -> list[np.ndarray]:
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


def training_dataset(
    inputs: np.ndarray,
    labels: np.ndarray,
    *,
    batch_size: int = 64,
    seed: int | None = None,
    lengths: np.ndarray | None = None,
    epoch: Callable[..., Any] | None = None,
):
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
    return untuned(dataset.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(4))


def untuned(dataset):
    """Return a dataset that is read without TensorFlow's autotuner.

    The autotuner sleeps for twice as long each time, and an iterator that a compiled step has read is not let go
    before it wakes: TensorFlow 2.20 and 2.21 make every epoch last 10 ms, 30 ms, 70 ms... 41 s or 82 s, up to twice
    the time of its steps.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def predict_batches(
    predict: Callable[..., Any],
    inputs: np.ndarray,
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
