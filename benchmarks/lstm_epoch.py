"""Time one epoch of the OverviewLSTM, in plain Keras and here.

    python benchmarks/lstm_epoch.py [FILMS] [--repeats 5] [--quick]

Trains both models on the same films in turns, on batches of 64, and prints one JSON line: the median seconds
of an epoch of each (``plain_s``, ``ours_s``), the median of the paired ratios and their range, and the
largest relative difference between gradients with equal weights and dropout off. The plain one
is what a good user writes from the layer table: tf.data with cache, shuffle and prefetch, padded to the
batch's longest overview, and `keras.layers.Bidirectional`. FILMS is a CSV with a column Overview and one 0/1
column a genre; without it, words are drawn with lengths like those of real overviews. ``--quick`` trains on
384 films, which batches by length less tightly.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from machine import machine

from multigenre import OverviewLSTM
from multigenre.pipeline import overview_lengths, training_dataset

BATCH = 64


def made_films(n_films=2000, n_genres=25):
    """Return overviews of drawn words, median 25 and at most 68 of them, and drawn labels."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(25), 0.4, n_films).astype(int), 1, 68)
    overviews = [" ".join(f"word{rank}" for rank in rng.zipf(1.3, length)) for length in lengths]
    return np.array(overviews, object), (rng.random((n_films, n_genres)) < 0.1).astype("uint8")


def read_films(path):
    """Return the overviews and the labels of a CSV file."""
    table = pd.read_csv(path, keep_default_na=False)
    genres = [c for c in table if table[c].isin([0, 1]).all()]
    return table["Overview"].to_numpy(object), table[genres].to_numpy("uint8")


def compiled(model):
    metrics = [keras.metrics.Precision(), keras.metrics.Recall()]
    model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=metrics)
    return model


def plain(overviews, labels):
    """Return the model and the dataset of the plain Keras program."""
    words = layers.TextVectorization(10_000)
    words.adapt(overviews)
    lstm = {"dropout": 0.5, "recurrent_dropout": 0.2}
    model = keras.Sequential(
        [
            keras.Input((), dtype="string"),
            words,
            layers.Embedding(10_000, 256, mask_zero=True),
            layers.Bidirectional(layers.LSTM(256, return_sequences=True, **lstm)),
            layers.Bidirectional(layers.LSTM(128, **lstm)),
            layers.Dense(128, "relu"),
            layers.Dropout(0.8),
            layers.Dense(labels.shape[1], "sigmoid"),
        ]
    )
    dataset = tf.data.Dataset.from_tensor_slices((overviews.astype(str), labels))
    return compiled(model), dataset.cache().shuffle(len(labels)).batch(BATCH).prefetch(tf.data.AUTOTUNE)


def ours(overviews, labels):
    """Return the model and the dataset of the library."""
    model = OverviewLSTM([f"genre {column}" for column in range(labels.shape[1])], seed=0)
    model.adapt(overviews)
    lengths = overview_lengths(overviews)
    return compiled(model), training_dataset(overviews, labels, batch_size=BATCH, seed=0, lengths=lengths)


def gradients(model, overviews, labels):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(labels, model(overviews, training=False)))
    return [np.asarray(tf.convert_to_tensor(g)) for g in tape.gradient(loss, model.trainable_weights)]


def largest_difference(model, other, overviews, labels):
    """Return the largest difference of any weight's gradients, relative to the largest of its entries."""
    # Words of equal frequency may be numbered in another order.
    other.layers[0].set_vocabulary(model.encoder.vocabulary)
    for one, two in zip(model.trainable_weights, other.trainable_weights, strict=True):
        one.assign(two)
    # An empty overview and the longest one are among them.
    order = np.argsort(overview_lengths(overviews))
    rows = np.r_[order[:8], order[len(order) // 2 :][:16], order[-8:]]
    texts = tf.constant(["", *overviews[rows]])
    labels = labels[[rows[0], *rows]].astype("float32")
    pairs = zip(gradients(model, texts, labels), gradients(other, texts, labels), strict=True)
    return max(float(np.abs(one - two).max() / np.abs(two).max()) for one, two in pairs)


def seconds(model, dataset):
    """Return the seconds that one epoch of training takes."""
    start = time.perf_counter()
    model.fit(dataset, epochs=1, verbose=0, shuffle=False)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    overviews, labels = read_films(args.films) if args.films else made_films()
    repeats = 3 if args.quick else args.repeats
    if args.quick:
        overviews, labels = overviews[:384], labels[:384]
    programs = {"plain_s": plain(overviews, labels), "ours_s": ours(overviews, labels)}
    for program in programs.values():
        seconds(*program)  # traces and warms up
    times = [{name: seconds(*program) for name, program in programs.items()} for _ in range(repeats)]
    table = pd.DataFrame(times)
    ratios = table["plain_s"] / table["ours_s"]
    result = {
        **table.median().round(2).to_dict(),
        "ratio": round(ratios.median(), 2),
        "ratio_range": [round(ratios.min(), 2), round(ratios.max(), 2)],
        "spread": {name: [round(table[name].min(), 2), round(table[name].max(), 2)] for name in table},
        "max_rel_grad_diff": largest_difference(
            programs["ours_s"][0], programs["plain_s"][0], overviews, labels
        ),
        "films": len(labels),
        "repeats": repeats,
        **machine(),
        "device": (tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices())[
            0
        ].device_type,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
