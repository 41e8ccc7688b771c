"""Time one epoch of the OverviewLSTM, in plain Keras and here.

    python benchmarks/lstm_epoch.py [FILMS] [--repeats 5] [--quick] [--plot FILE.png]

Trains both models on the same films in turns, on batches of 64, and prints one JSON line:

- ``plain_s``, ``ours_s``: median seconds that `fit` takes for an epoch; ``spread``: the shortest and the longest;
- ``ratio``, ``ratio_range``: median of the paired ratios, the smallest and the largest;
- ``steps``: the same of the epoch's steps alone. Plain `fit` takes longer, because it waits after every epoch until
  TensorFlow's autotuner wakes, up to as long again; see `multigenre.networks.untuned`;
- ``max_rel_grad_diff``: largest difference of any weight's gradient between the two, with equal weights and without
  dropout, relative to the gradient's largest entry;
- ``step_s``, with ``--plot``: median seconds of a training step by the number of words in every overview.

The plain one is `plain_keras.overview_lstm`. FILMS is a table of films; without it, words are drawn, with lengths like
those of real overviews. ``--quick`` trains on the first 30 words of 128 films, too few to batch them by length well.
``--plot`` draws ``step_s``, with the range of the repeats.
"""

import argparse
import json
import os
import time
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from machine import machine
from matplotlib.figure import Figure
from overviews import made_overviews, our_batches, our_model, read_overviews
from paired import comparison, in_turns
from plain_keras import BATCH, compiled, overview_batches, overview_lstm

from multigenre.networks import overview_lengths

LENGTHS = (5, 10, 20, 40, 80, 160)  # words, of the plot
STEPS = 4  # that the plot times in a row


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


class _StepTimer(keras.callbacks.Callback):
    """Takes the seconds from the beginning of each epoch to the end of its last step."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def train_in_turns(models, datasets, repeats):
    """Train each model for an epoch, in turns; return seconds of the steps and of `fit`, one row a repeat."""
    timers = {name: _StepTimer() for name in models}
    programs = {
        name: partial(model.fit, datasets[name], epochs=1, verbose=0, shuffle=False, callbacks=[timers[name]])
        for name, model in models.items()
    }
    in_turns(programs, 1)  # traces, fills caches, and meets the lengths for the first time
    fit = in_turns(programs, repeats)
    return pd.DataFrame({name: timer.seconds[1:] for name, timer in timers.items()}), fit


def step_seconds(models, repeats):
    """Return seconds a training step by words in an overview: one DataFrame of repeats a model."""
    found = {}
    for length in LENGTHS:
        overviews, labels = made_overviews(np.full(STEPS * BATCH, length))
        batches = tf.data.Dataset.from_tensor_slices((overviews.astype(str), labels)).batch(BATCH).cache()
        found[length], _ = train_in_turns(models, dict.fromkeys(models, batches), repeats)
    return {name: pd.DataFrame({n: table[name] for n, table in found.items()}) / STEPS for name in models}


def step_figure(tables):
    """Draw what `step_seconds` found: medians, and the range of the repeats."""
    figure = Figure((5, 3.4), layout="constrained")
    axes = figure.subplots()
    looks = {"plain_s": ("plain Keras", "#D55E00", "s--"), "ours_s": ("multigenre", "#0072B2", "o-")}
    for name, table in tables.items():
        label, colour, style = looks[name]
        axes.plot(table.columns, table.median(), style, color=colour, label=label)
        axes.fill_between(table.columns, table.min(), table.max(), color=colour, alpha=0.2, linewidth=0)
    axes.set(xscale="log", yscale="log", xlabel="Words in every overview", ylabel="Seconds a training step")
    axes.set_xticks(LENGTHS, LENGTHS)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--plot")
    args = parser.parse_args()
    overviews, labels = read_overviews(args.films)
    if args.quick:
        overviews = np.array([" ".join(overview.split()[:30]) for overview in overviews[:128]], object)
        labels, args.repeats = labels[:128], 3
    n_genres = labels.shape[1]
    plain, ours = compiled(overview_lstm(overviews, n_genres)), our_model(overviews, n_genres)
    models = {"plain_s": plain, "ours_s": ours}
    datasets = {
        "plain_s": overview_batches(overviews, labels, autotuner=True),
        "ours_s": our_batches(overviews, labels),
    }
    steps, fit = train_in_turns(models, datasets, args.repeats)
    result = {**comparison(fit, "plain_s"), "steps": comparison(steps, "plain_s")}
    if args.plot:
        tables = step_seconds(models, args.repeats)
        step_figure(tables).savefig(args.plot, dpi=200)
        result["step_s"] = {name: table.median().round(4).to_dict() for name, table in tables.items()}
    result["max_rel_grad_diff"] = largest_difference(ours, plain, overviews, labels)
    print(json.dumps({**result, "films": len(labels), **machine()}))


if __name__ == "__main__":
    main()
