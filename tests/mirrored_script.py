"""Train a small member on one device and on two, made of one processor; print both histories and how far they differ.

A process of its own, since TensorFlow takes logical devices only before it starts.
"""

import json
import sys
import tempfile

import numpy as np
import tensorflow as tf

from multigenre import make_films
from multigenre.designs import OverviewDesign, PosterDesign
from multigenre.training import KerasMember, Recipe

# Without dropout, whose masks are drawn on each device apart.
DESIGNS = {
    "poster-cnn": PosterDesign(size=16, filters=(4, 4), dense=(8,), dropout=0.0, dense_dropout=0.0),
    "overview-lstm": OverviewDesign(300, 8, (8,), 8, dropout=0.0, recurrent_dropout=0.0, dense_dropout=0.0),
}


def main(name):
    [processor] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    with tempfile.TemporaryDirectory() as folder:
        films = make_films(110, genres=6, folder=folder)
        train, validation = films.take(range(80)), films.take(range(80, 110))
        found = {}
        for devices in ((), ("CPU:0", "CPU:1")):
            recipe = Recipe(2, batch_size=16, learning_rate=1e-2)
            member = KerasMember(name, recipe, design=DESIGNS[name], devices=devices).fit(train, validation)
            found[len(devices)] = member
        with tempfile.TemporaryDirectory() as bundle:
            member.save(bundle)
            loaded = KerasMember(name, recipe).load(bundle)
        values = [one.predict(validation).values for one in (*found.values(), loaded)]
    result = {
        "one": found[0].history_.to_dict("list"),
        "two": found[2].history_.to_dict("list"),
        "replicas": found[2].model_.distribute_strategy.num_replicas_in_sync,
        "max_abs_diff": float(np.abs(values[0] - values[1]).max()),
        "saved_diff": float(np.abs(values[1] - values[2]).max()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
