"""Train both networks small, on one device and on two, made of one processor; print how far they differ.

A process of its own, since TensorFlow takes logical devices only before it starts.
"""

import json
import tempfile

import numpy as np
import tensorflow as tf

from multigenre import make_films
from multigenre.members import OverviewMember, PosterMember
from multigenre.networks import OverviewDesign, PosterDesign, Recipe
from multigenre.shards import convert, fit_from_shards

# Without dropout, whose masks are drawn on each device apart.
NETWORKS = {"poster-cnn": PosterMember, "overview-lstm": OverviewMember}
DESIGNS = {
    "poster-cnn": PosterDesign(size=16, filters=(4, 4), dense=(8,), dropout=0.0, dense_dropout=0.0),
    "overview-lstm": OverviewDesign(300, 8, (8,), 8, dropout=0.0, recurrent_dropout=0.0, dense_dropout=0.0),
}


def measured(name):
    """Return both histories, and differences between what the members say."""
    with tempfile.TemporaryDirectory() as folder:
        films = make_films(110, genres=6, folder=folder)
        train, validation = films.take(range(80)), films.take(range(80, 110))
        found, from_shards = {}, []
        convert(train, f"{folder}/shards")
        for devices in ((), ("CPU:0", "CPU:1")):
            recipe = Recipe(2, batch_size=16, learning_rate=1e-2)
            options = {"design": DESIGNS[name], "devices": devices}
            found[len(devices)] = NETWORKS[name](recipe, **options).fit(train, validation)
            sharded = fit_from_shards(NETWORKS[name](recipe, **options), f"{folder}/shards")
            from_shards.append(sharded.history_["loss"].tolist())
        with found[2].strategy().scope():
            inside = NETWORKS[name](recipe, design=DESIGNS[name]).fit(train, validation)
        with tempfile.TemporaryDirectory() as bundle:
            found[2].save(bundle)
            loaded = NETWORKS[name](recipe).load(bundle)
        values = [one.predict(validation).values for one in (*found.values(), loaded)]
    return {
        "one": found[0].history_.to_dict("list"),
        "two": found[2].history_.to_dict("list"),
        "callers": inside.history_["loss"].tolist(),
        "from_shards": from_shards,
        "replicas": found[2].model_.distribute_strategy.num_replicas_in_sync,
        "max_abs_diff": float(np.abs(values[0] - values[1]).max()),
        "saved_diff": float(np.abs(values[1] - values[2]).max()),
    }


def main():
    [processor] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    print(json.dumps({name: measured(name) for name in DESIGNS}))


if __name__ == "__main__":
    main()
