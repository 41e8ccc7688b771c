"""How near are the training steps of both members to what this machine's matrix product reaches?

    python benchmarks/gemm_share.py [FILMS] [--repeats 5] [--quick]

Prints one JSON line with these keys for ``lstm`` and for ``cnn``, batch 64:

- ``step_s``: median seconds of a training step (`train_on_batch`);
- ``flops``: floating-point operations of the matrix products and convolutions that a step needs, forward and backward;
- ``achieved_gflops``: flops over step_s;
- ``gemm_gflops``: what TensorFlow's product of two square float32 matrices of 2,048 rows reaches;
- ``share``: achieved_gflops over gemm_gflops;
- ``own_shapes_s``, ``own_shapes_gflops``: seconds and rate of the same products and convolutions alone, each at its own
  shape, one after the other;
- ``share_of_own_shapes``: own_shapes_s over step_s; the rest of the step is everything that is not a product;
- ``parts_ms``: each product by itself, for the middle batch; calling TensorFlow, half a millisecond, is in each.

They take turns, and every ratio is the median of its pairs, so that a change of the machine's speed cancels.

A multiply and an add count as two operations. A layer that maps ``k`` columns of ``m`` rows to ``n`` needs 2mkn
forward, as many for the weights' gradient and as many for the inputs'; rows are films, or films by padded tokens. The
posters' gradient is not needed, nor are products with the state before the first token, which is zero. The LSTM's
products come four at a time, because each gate has a dropout mask of its own, and those of one direction beside those
of the other. A convolution counts as a product over 9 pixels, those beyond the border included.

The LSTM trains on five batches of an epoch: those at 10, 30, 50, 70 and 90 % by length; ``--quick`` on the middle one.
FILMS is a table of films; without it, words are drawn. The posters are noise: what they show changes nothing.
"""

import argparse
import json
import math
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import tensorflow as tf
from machine import machine
from overviews import our_batches, our_model, read_overviews
from paired import seconds
from plain_keras import BATCH, compiled

from multigenre import PosterCNN

GATES = 4
LSTMS = ((256, 256), (512, 128))  # inputs and units of each bidirectional layer
CONVOLUTIONS = ((64, 3, 16, 2), (32, 16, 32, 1), (32, 32, 32, 1), (16, 32, 64, 1), (16, 64, 64, 1))
CONVOLUTIONS += ((8, 64, 128, 1), (8, 128, 128, 1))  # pixels a side, channels in and out, stride


@tf.function(reduce_retracing=True)
def products(pairs, transpose_a=False, transpose_b=False):
    """Multiply each pair of matrices; those of a layer's two directions may run beside each other."""
    return [tf.matmul(a, b, transpose_a, transpose_b) for a, b in pairs]


@tf.function(reduce_retracing=True)
def products_in_turn(turns, pairs, transpose_b=False):
    """Multiply so many times, each time the product of the time before."""

    def last(a, b):
        for _ in tf.range(turns):
            a = tf.matmul(a, b, transpose_b=transpose_b)
        return a

    return [last(a, b) for a, b in pairs]


def pairs(n, a, b):
    """Return ``n`` pairs of random matrices of two shapes."""
    return [(normal(*a), normal(*b)) for _ in range(n)]


def dense_parts(name, rows, width, columns, *, batch=(), directions=1):
    """Return the three products of a dense layer, each as (name, flops, function without arguments)."""
    inputs, weights, outputs = (*batch, rows, width), (*batch, width, columns), (*batch, rows, columns)
    flops = 2 * math.prod(outputs) * width * directions
    forward, to_inputs, to_weights = (
        partial(products, pairs(directions, *shapes))
        for shapes in ((inputs, weights), (outputs, weights), (inputs, outputs))
    )
    return [
        (f"{name} forward", flops, forward),
        (f"{name} inputs' gradient", flops, partial(to_inputs, transpose_b=True)),
        (f"{name} weights' gradient", flops, partial(to_weights, transpose_a=True)),
    ]


def lstm_parts(n_tokens, n_genres):
    """Return the products of a training step of the OverviewLSTM, as `dense_parts` does a layer's."""
    parts = dense_parts("FC", BATCH, 256, 128) + dense_parts("Output", BATCH, 128, n_genres)
    turns = n_tokens - 1
    for number, (width, units) in enumerate(LSTMS, start=1):
        name, rows = f"LSTM{number}", n_tokens * BATCH
        parts += dense_parts(f"{name} inputs", rows, width, units, batch=(GATES,), directions=2)
        state, states = (GATES, BATCH, units), (GATES, turns * BATCH, units)
        in_turn = partial(products_in_turn, tf.constant(turns), pairs(2, state, (GATES, units, units)))
        to_weights = partial(products, pairs(2, states, states), transpose_a=True)
        flops = 2 * 2 * math.prod(states) * units
        parts += [
            (f"{name} states forward", flops, in_turn),
            (f"{name} states' gradient", flops, partial(in_turn, transpose_b=True)),
            (f"{name} states weights' gradient", flops, to_weights),
        ]
    return parts


def convolution_parts(name, side, channels, filters, stride):
    """Return a convolution and its two gradients, as `dense_parts` does a layer's products."""
    images, weights = normal(BATCH, side, side, channels), normal(3, 3, channels, filters)
    gradient = normal(BATCH, side // stride, side // stride, filters)
    flops = 2 * math.prod((*gradient.shape, 3, 3, channels))
    options = {"strides": [1, stride, stride, 1], "padding": "SAME"}
    forward = tf.function(partial(tf.nn.conv2d, **options))
    to_images = tf.function(partial(tf.nn.conv2d_transpose, output_shape=images.shape, **options))
    to_weights = tf.function(
        lambda images, gradient: tf.raw_ops.Conv2DBackpropFilter(
            input=images, filter_sizes=weights.shape, out_backprop=gradient, **options
        )
    )
    return [
        (f"{name} forward", flops, partial(forward, images, weights)),
        (f"{name} inputs' gradient", flops, partial(to_images, gradient, weights)),
        (f"{name} weights' gradient", flops, partial(to_weights, images, gradient)),
    ]


def cnn_parts(n_genres):
    """Return the products and convolutions of a training step of the PosterCNN."""
    parts = convolution_parts("Conv0", *CONVOLUTIONS[0])
    del parts[1]  # nobody asks how the loss depends on a poster's pixels
    for number, convolution in enumerate(CONVOLUTIONS[1:], start=1):
        parts += convolution_parts(f"Conv{number}", *convolution)
    for name, width, columns in (("FC1", 2048, 1024), ("FC2", 1024, 1024), ("Output", 1024, n_genres)):
        parts += dense_parts(name, BATCH, width, columns)
    return parts


def normal(*shape):
    """Return normal numbers small enough that a product of many such matrices stays finite."""
    return tf.random.normal(shape, stddev=shape[-1] ** -0.5)


def alone(parts):
    """Return a function that computes all parts, one after the other, and gives a number of each."""

    @tf.function
    def compute():
        numbers = []
        for _, _, function in parts:
            with tf.control_dependencies(numbers[-2:]):
                numbers += [value[(0,) * len(value.shape)] for value in tf.nest.flatten(function())]
        return numbers

    return compute


def compare(step, batches, parts, repeats):
    """Return the measurements of one member; ``parts`` has one list a batch."""
    square, everything = [(normal(2048, 2048), normal(2048, 2048))], [alone(some) for some in parts]
    middle = parts[len(parts) // 2]
    flops = np.mean([sum(flops for _, flops, _ in some) for some in parts])
    rows = []
    for _ in range(repeats + 1):
        row = {"step": np.mean([seconds(step, *batch) for batch in batches])}
        row["gemm"] = np.median([seconds(products, square) for _ in range(3)])
        row["own"] = np.mean([seconds(function) for function in everything])
        rows.append(row | {name: seconds(function) for name, _, function in middle})
    table = pd.DataFrame(rows[1:])  # the first one traces and warms up
    share, own_share = flops / table["step"] / (2 * 2048**3 / table["gemm"]), table["own"] / table["step"]
    return {
        "step_s": round(table["step"].median(), 4),
        "flops": int(flops),
        "achieved_gflops": round((flops / table["step"]).median() / 1e9, 1),
        "gemm_gflops": round((2 * 2048**3 / table["gemm"]).median() / 1e9, 1),
        "share": round(share.median(), 3),
        "share_range": [round(share.min(), 3), round(share.max(), 3)],
        "own_shapes_s": round(table["own"].median(), 4),
        "own_shapes_gflops": round((flops / table["own"]).median() / 1e9, 1),
        "share_of_own_shapes": round(own_share.median(), 3),
        "share_of_own_shapes_range": [round(own_share.min(), 3), round(own_share.max(), 3)],
        "parts_ms": {name: round(table[name].median() * 1e3, 2) for name, *_ in middle},
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    tf.get_logger().setLevel("ERROR")  # every shape is traced once, which TensorFlow finds worth a warning
    overviews, labels = read_overviews(args.films)
    repeats = 3 if args.quick else args.repeats

    lstm = our_model(overviews, labels.shape[1])
    batches = [batch for batch in our_batches(overviews, labels) if len(batch[0]) == BATCH]
    lengths = np.array([lstm.encoder.words(texts).shape[1] for texts, _ in batches])
    places = np.array([0.5] if args.quick else [0.1, 0.3, 0.5, 0.7, 0.9])
    chosen = np.argsort(lengths, kind="stable")[(len(lengths) * places).astype(int)]
    parts = [lstm_parts(n_tokens, labels.shape[1]) for n_tokens in lengths[chosen].tolist()]
    result = {"lstm": compare(lstm.train_on_batch, [batches[i] for i in chosen], parts, repeats)}
    result["lstm"]["tokens"] = lengths[chosen].tolist()

    cnn = compiled(PosterCNN(lstm.genres, rescale=False, seed=0))
    posters = tf.cast(tf.random.uniform((BATCH, 64, 64, 3), 0, 256, tf.int32), tf.uint8)
    result["cnn"] = compare(
        cnn.train_on_batch, [(posters, labels[:BATCH])], [cnn_parts(labels.shape[1])], repeats
    )
    print(json.dumps({**result, "batch": BATCH, "repeats": repeats, **machine()}))


if __name__ == "__main__":
    main()
