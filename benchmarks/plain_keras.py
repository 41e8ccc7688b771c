"""The plain Keras programs that a good user writes from the layer tables: what the benchmarks compare with.

Both networks are the reference's, of `keras.layers` alone. Their data come through tf.data with parallel map, cache,
shuffle and prefetch; films, not batches, are shuffled; overviews are strings, padded to the longest of their batch.
TensorFlow's autotuner, which few would think of, is off in them too unless asked for: see `pipeline.untuned`.
"""

import math

import keras
import tensorflow as tf
from keras import layers

from multigenre.networks import untuned

BATCH = 64
POSTER_SIZE = 64


def poster_cnn(n_genres):
    """Return the poster network, not compiled; input: (n_films, 64, 64, 3), pixels in 0..255."""

    def block(filters):
        convolutions = [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(2)]
        return [*convolutions, layers.Dropout(0.2), layers.MaxPooling2D()]

    return keras.Sequential(
        [
            keras.Input((POSTER_SIZE, POSTER_SIZE, 3)),
            layers.Conv2D(16, 3, 2, "same", activation="relu"),
            layers.Dropout(0.2),
            *block(32),
            *block(64),
            *block(128),
            layers.Flatten(),
            layers.Dense(1024, "relu"),
            layers.Dropout(0.5),
            layers.Dense(1024, "relu"),
            layers.Dropout(0.5),
            layers.Dense(n_genres, "sigmoid"),
        ]
    )


def overview_lstm(overviews, n_genres):
    """Return the overview network, not compiled, with the vocabulary of ``overviews``; input: (n_films,), string."""
    words = layers.TextVectorization(10_000)
    words.adapt(overviews.astype(str))
    lstm = {"dropout": 0.5, "recurrent_dropout": 0.2}
    return keras.Sequential(
        [
            keras.Input((), dtype="string"),
            words,
            layers.Embedding(10_000, 256, mask_zero=True),
            layers.Bidirectional(layers.LSTM(256, return_sequences=True, **lstm)),
            layers.Bidirectional(layers.LSTM(128, **lstm)),
            layers.Dense(128, "relu"),
            layers.Dropout(0.8),
            layers.Dense(n_genres, "sigmoid"),
        ]
    )


def read_poster(path, size=POSTER_SIZE):
    """Return a decoded poster of shape (size, size, 3), float32 in 0..255."""
    poster = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(poster, (size, size))


def poster_batches(paths, labels, *, shuffle=True):
    """Return batches of decoded posters and labels; each poster is decoded in the first epoch only."""
    dataset = tf.data.Dataset.from_tensor_slices((paths.astype(str), labels))
    dataset = dataset.map(lambda path, row: (read_poster(path), row), num_parallel_calls=tf.data.AUTOTUNE)
    return _batches(dataset, len(labels) if shuffle else 0)


def overview_batches(overviews, labels, *, shuffle=True, autotuner=False):
    """Return batches of overviews and labels."""
    dataset = tf.data.Dataset.from_tensor_slices((overviews.astype(str), labels))
    return _batches(dataset, len(labels) if shuffle else 0, autotuner)


def _batches(dataset, buffer, autotuner=False):
    dataset = dataset.cache()
    if buffer:
        dataset = dataset.shuffle(buffer)
    dataset = dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return dataset if autotuner else untuned(dataset)


def compiled(model):
    """Compile a model as the reference does; return it."""
    metrics = [keras.metrics.Precision(), keras.metrics.Recall()]
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=metrics)
    # Or TensorFlow traces the training step twice: once to make the optimiser's variables, once to compute.
    model.optimizer.build(model.trainable_variables)
    return model


def callbacks(best):
    """Return the reference's callbacks: the learning rate by epoch, and the best epoch's weights in ``best``."""

    def rate(epoch, current):
        return current if epoch < 10 else current * math.exp(-0.01)

    return [
        keras.callbacks.LearningRateScheduler(rate),
        keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True),
    ]
