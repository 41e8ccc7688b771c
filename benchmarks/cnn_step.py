"""How long does a training step of the PosterCNN take beside PyTorch, quiet and busy, and what are its parts?

    python benchmarks/cnn_step.py [--repeats 10] [--steps 5] [--busy] [--quick]

The reference's network and recipe at its batch of 64: forward, backward and Adam. The posters are noise: what they show
changes nothing. PyTorch trains the same network with its fused Adam, on as many threads, in four processes: channels
first and channels last, with threads that spin while they wait for each other, its default, and with threads that sleep
(OMP_WAIT_POLICY=PASSIVE). All take turns, a few steps each. Prints one JSON line:

- ``ours_s``: median seconds of a step (`train_on_batch`); ``torch_s``: of each of the four;
- ``ratio``, ``ratio_range``: the fastest of the four over ours, median of the pairs, smallest and largest;
- ``ratios``: the medians of all four; what is PyTorch's is null without PyTorch;
- ``spread``: ranges of the seconds;
- ``parts``: for each part of the step the ``share`` of its seconds that goes when the part does, pair by pair, with
  ``range``, and ``cpu_share``, the same of the processors' time, which other programs disturb less;
- with ``--busy``: the seconds and ratios under ``busy``, while as many other processes spin as there are processors
  less one, and there ``over_quiet``: ours busy over quiet;
- ``threads``, ``batch``, ``steps``, ``repeats``.

The parts, each by a network that differs in it alone:

- ``dropout_numbers``: masks are drawn once and kept;
- ``dropout``: there is none;
- ``pool_gradient``: spread over all four pixels, as that of average pooling, in place of the largest one's;
- ``adam``: gradients are computed and added up, and no weight changes.

Ours does a little more than PyTorch: it measures precision and recall. ``--quick`` takes turns of two steps three
times, and ``--busy``.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from machine import machine
from paired import spinning

from multigenre import PosterCNN
from multigenre._threads import cores
from multigenre.networks import PosterDesign, Recipe, compile_model

N_GENRES = 25
RECIPE = Recipe(epochs=40)
REFERENCE = PosterDesign()
PEERS = {  # memory format and environment
    "first": ("contiguous_format", {}),
    "last": ("channels_last", {}),
    "first, asleep": ("contiguous_format", {"OMP_WAIT_POLICY": "PASSIVE"}),
    "last, asleep": ("channels_last", {"OMP_WAIT_POLICY": "PASSIVE"}),
}


def keras_program(posters, labels, *, design=REFERENCE, change=None, optimizer=None):
    """Return a function that times so many steps, see `timed`, and the network's number of weights."""
    model = PosterCNN([f"genre {k}" for k in range(N_GENRES)], rescale=False, design=design, seed=0)
    for layer in model.encoder.layers:
        if change:
            change(layer)
    compile_model(model, RECIPE)
    if optimizer:
        model.optimizer = optimizer
    model.optimizer.build(model.trainable_variables)
    step = partial(model.train_on_batch, posters, labels)
    return partial(timed, step), model.count_params()


def keep_mask(layer):
    """Have a dropout layer use one mask again and again."""
    if not isinstance(layer, keras.layers.Dropout):
        return
    kept = np.random.default_rng(0).random((RECIPE.batch_size, *layer.output.shape[1:])) >= layer.rate
    mask = tf.constant(kept / (1 - layer.rate), tf.float32)
    layer.call = lambda inputs, training=False: inputs * mask if training else inputs


def spread_gradient(layer):
    """Have a max-pooling layer send its gradient to all pixels alike."""
    if isinstance(layer, keras.layers.MaxPooling2D):
        layer.call = pool_and_spread


@tf.custom_gradient
def pool_and_spread(images):
    """Return the largest of each four pixels, with the gradient of their mean."""
    window = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}

    def gradient(upstream):
        return tf.raw_ops.AvgPoolGrad(orig_input_shape=tf.shape(images), grad=upstream, **window)

    return tf.nn.max_pool2d(images, 2, 2, "VALID"), gradient


class NoStep(keras.optimizers.SGD):
    """Reads each gradient, or TensorFlow would not compute it, and leaves the weights as they are."""

    def update_step(self, gradient, variable, learning_rate):
        """Count one step more if the gradient's sum is beyond what it can be: no optimiser of graphs foresees that."""
        beyond = keras.ops.sum(gradient) > 1e38
        self.assign_add(self.iterations, keras.ops.cast(beyond, self.iterations.dtype))


def timed(step, steps):
    """Return seconds, and seconds of this process's threads, that one of so many steps takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    return (time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps


@contextlib.contextmanager
def torch_program(layout, environment):
    """Yield a function that times so many steps in PyTorch, as `timed`, and the network's number of weights."""
    script = Path(__file__).with_name("cnn_torch.py")
    command = [sys.executable, script, layout, RECIPE.batch_size, N_GENRES, RECIPE.learning_rate]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(list(map(str, command)), env={**os.environ, **environment}, **pipes) as process:

        def answered(steps):
            print(steps, file=process.stdin, flush=True)
            return float(process.stdout.readline()), float("nan")

        yield answered, int(process.stdout.readline())
        process.stdin.close()  # which ends it


def in_turns(programs, steps, repeats):
    """Return two DataFrames, seconds and processors' seconds of a step: a column a program, a row a repeat."""
    rows = [{name: program(steps) for name, program in programs.items()} for _ in range(repeats)]
    return tuple(pd.DataFrame([{name: row[name][k] for name in row} for row in rows]) for k in (0, 1))


def spread_of(values, digits):
    """Return the smallest and the largest."""
    return [round(float(values.min()), digits), round(float(values.max()), digits)]


def beside_torch(seconds):
    """Return medians and ranges of ours and PyTorch's, and the ratios."""
    peers = [name for name in PEERS if name in seconds]
    median = seconds.median().round(4)
    found = {"ours_s": median["ours"], "torch_s": None, "ratio": None, "ratio_range": None, "ratios": None}
    if peers:
        ratios = seconds[peers].div(seconds["ours"], axis=0)
        fastest = ratios[seconds[peers].median().idxmin()]
        found["torch_s"] = median[peers].to_dict()
        found |= {"ratio": round(fastest.median(), 2), "ratio_range": spread_of(fastest, 2)}
        found["ratios"] = ratios.median().round(2).to_dict()
    return {**found, "spread": {name: spread_of(seconds[name], 4) for name in ("ours", *peers)}}


def share_of(part, seconds, cpu):
    """Return which share of a step goes with a part of it."""
    share, cpu_share = (1 - table[part] / table["ours"] for table in (seconds, cpu))
    return {
        "share": round(share.median(), 3),
        "range": spread_of(share, 3),
        "cpu_share": round(cpu_share.median(), 3),
        "cpu_range": spread_of(cpu_share, 3),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.repeats, args.steps, args.busy = 3, 2, True
    tf.get_logger().setLevel("ERROR")  # every network is traced once, which TensorFlow finds worth a warning
    tf.config.threading.set_intra_op_parallelism_threads(cores())
    rng = np.random.default_rng(0)
    posters = rng.integers(0, 256, (RECIPE.batch_size, REFERENCE.size, REFERENCE.size, 3), np.uint8)
    labels = (rng.random((RECIPE.batch_size, N_GENRES)) < 0.1).astype(np.float32)

    ours = partial(keras_program, tf.constant(posters), labels)
    parts = {
        "dropout_numbers": ours(change=keep_mask),
        "dropout": ours(design=PosterDesign(dropout=0, dense_dropout=0)),
        "pool_gradient": ours(change=spread_gradient),
        "adam": ours(optimizer=NoStep(RECIPE.learning_rate)),
    }
    with contextlib.ExitStack() as stack:
        built = {"ours": ours(), **parts}
        if find_spec("torch"):
            built |= {name: stack.enter_context(torch_program(*peer)) for name, peer in PEERS.items()}
        assert len({n_weights for _, n_weights in built.values()}) == 1  # the same network
        programs = {name: program for name, (program, _) in built.items()}
        in_turns(programs, 2, 1)  # traces and warms up
        seconds, cpu = in_turns(programs, args.steps, args.repeats)
        found = beside_torch(seconds) | {"parts": {part: share_of(part, seconds, cpu) for part in parts}}
        if args.busy:
            compared = {name: program for name, program in programs.items() if name not in parts}
            with spinning(max(1, cores() - 1)):
                busy, _ = in_turns(compared, args.steps, args.repeats)
            over_quiet = round(busy["ours"].median() / seconds["ours"].median(), 2)
            found["busy"] = beside_torch(busy) | {"over_quiet": over_quiet}
    of = {"threads": cores(), "batch": RECIPE.batch_size, "steps": args.steps, "repeats": args.repeats}
    result = {**found, **of, **machine()}
    if find_spec("torch"):
        result["versions"]["torch"] = version("torch")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
