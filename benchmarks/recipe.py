"""Time the reference recipe whole, both members, in plain Keras and here.

    python benchmarks/recipe.py [FILMS --posters DIR] [--repeats 5] [--epochs-share 0.1] [--full] [--quick]

Prints one JSON line:

- ``plain_s``, ``ours_s``: median seconds of the recipe: 20 epochs of the OverviewLSTM and 40 of the PosterCNN, with
  everything before and after them;
- ``ratio``, ``ratio_range``: median of the paired ratios, the smallest and the largest;
- ``lstm``, ``cnn``: the same of each member alone, with the median seconds of its set-up and of one of its epochs.

Set-up is the vocabulary, building and tracing the model, decoding the posters, and loading the best weights at the end.
An epoch includes validation, learning rate and checkpoint. Ours is what ``multigenre train --preset reference`` runs
(`PosterMember` and `OverviewMember`, with one `PosterCache`), and keeps after each epoch what a killed run needs to go
on; plain keeps the best weights. Each repeat trains both ways from the start on the same 80 % of the films and
validates on the others. A repeat runs ``--epochs-share`` of the epochs, two at least: an epoch counts as the median of
those after the first, and set-up is what so many epochs do not explain, with the first one's tracing. A recipe is its
set-up and all of its epochs. ``--full`` runs every epoch, so that the sum is what was measured. FILMS is a table of
films; without it, 2,000 films are made. ``--quick`` makes 160 and runs one pair, because each pair traces four models
anew.
"""

import argparse
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pandas as pd
from machine import machine
from paired import comparison
from plain_keras import (
    callbacks,
    compiled,
    overview_batches,
    overview_lstm,
    poster_batches,
    poster_cnn,
)

from multigenre import Films, make_films
from multigenre.members import PRESETS, make_member
from multigenre.networks import PosterCache, Recipe

MEMBERS = {"lstm": "overview-lstm", "cnn": "poster-cnn"}
EPOCHS = {key: PRESETS["reference"][name]["recipe"]["epochs"] for key, name in MEMBERS.items()}


@dataclasses.dataclass(frozen=True)
class TimedRecipe(Recipe):
    """A recipe that calls ``begin`` when an epoch begins."""

    begin: Callable = None

    def rate(self, epoch):
        """Return the learning rate of an epoch."""
        self.begin()
        return super().rate(epoch)


def ours(posters, key, train, validation, epochs, begin):
    """Train a member of the library; ``begin`` is called when an epoch begins."""
    member = make_member(MEMBERS[key], preset="reference")
    recipe = dataclasses.asdict(member.recipe) | {"epochs": epochs}
    member.recipe = TimedRecipe(**recipe, begin=begin)
    member.fit(train, validation, posters=posters)


def plain(key, train, validation, epochs, begin):
    """Train a member in plain Keras; ``begin`` is called when an epoch begins."""
    n_genres = train.labels.shape[1]
    if key == "lstm":
        model, batches = overview_lstm(train.overviews, n_genres), overview_batches
        inputs = [train.overviews, validation.overviews]
    else:
        model, batches, inputs = poster_cnn(n_genres), poster_batches, [train.posters, validation.posters]
    with tempfile.TemporaryDirectory() as folder:
        best = f"{folder}/best.weights.h5"
        timer = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begin())
        compiled(model).fit(
            batches(inputs[0], train.labels),
            validation_data=batches(inputs[1], validation.labels, shuffle=False),
            epochs=epochs,
            callbacks=[timer, *callbacks(best)],
            verbose=0,
        )
        model.load_weights(best)


def set_up_and_epoch(train, epochs):
    """Return the seconds of a training run's set-up and of one of its epochs; ``train`` takes ``begin``."""
    keras.utils.clear_session()
    times = [time.perf_counter()]
    train(begin=lambda: times.append(time.perf_counter()))
    times.append(time.perf_counter())
    epoch = np.median(np.diff(times[2:]))
    return times[-1] - times[0] - epochs * epoch, epoch


def repeat(roles, share):
    """Train both ways in turns; return the seconds of set-up and of an epoch by member and way."""
    posters, found = PosterCache(), {}
    for key in MEMBERS:
        epochs = max(2, round(share * EPOCHS[key]))
        films = {"train": roles["train"], "validation": roles["validation"], "epochs": epochs}
        for way, program in {"plain_s": plain, "ours_s": partial(ours, posters)}.items():
            found[key, way] = set_up_and_epoch(partial(program, key, **films), epochs)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs-share", type=float, default=0.1)
    parser.add_argument("--full", dest="epochs_share", action="store_const", const=1.0)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.quick:
            films, args.epochs_share, args.repeats = make_films(160, folder=folder), 0, 1
        elif args.films:
            films = Films.read(args.films, posters=args.posters)
        else:
            films = make_films(2000, folder=folder)
        films = films.take(films.has_overview & films.has_poster)
        roles = films.split({"train": 0.8, "validation": 0.2})
        repeats = [repeat(roles, args.epochs_share) for _ in range(args.repeats)]
    result, whole = {}, 0
    for key, epochs in EPOCHS.items():
        parts = {way: np.array([found[key, way] for found in repeats]) for way in ("plain_s", "ours_s")}
        table = pd.DataFrame({way: part @ [1, epochs] for way, part in parts.items()})
        result[key] = comparison(table, "plain_s")
        for way, part in parts.items():
            names = (way.replace("_", f"_{what}_") for what in ("setup", "epoch"))
            result[key] |= dict(zip(names, np.median(part, axis=0).round(3), strict=True))
        whole += table
    result |= {**comparison(whole, "plain_s"), "films": len(films), "epochs_share": args.epochs_share}
    print(json.dumps({**result, **machine()}))


if __name__ == "__main__":
    main()
