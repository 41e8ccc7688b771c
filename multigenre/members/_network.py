"""The two members that train by the reference's recipe."""

import dataclasses
import functools
import json
import logging
import tempfile
from copy import copy
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from multigenre._checks import InputError, check_same_genres, some
from multigenre._signatures import no_progress
from multigenre.members._member import has_modality, learned_ids, named_probabilities, readable_films
from multigenre.networks import (
    OverviewDesign,
    OverviewLSTM,
    PosterCache,
    PosterCNN,
    PosterDesign,
    Recipe,
    compile_model,
    overview_lengths,
    overview_predictor,
    predict_batches,
    train_model,
    training_dataset,
)

log = logging.getLogger("multigenre")
# One a process for the same devices: of two, each numbers its sums across devices from the same start, and they clash.
_mirrored = functools.cache(tf.distribute.MirroredStrategy)


class KerasMember:
    """`PosterCNN` or `OverviewLSTM` as a member: it fits on films and gives named probabilities.

    Parameters
    ----------
    name : str
        ``"poster-cnn"`` or ``"overview-lstm"``.
    recipe : Recipe
    seed : int
        Of initial weights, dropout and the order of films: the same seed, the same numbers, on one machine.
    rescale : bool
        Of `PosterCNN`; False is the reference.
    design : PosterDesign or OverviewDesign, optional
        What the network is made of; the reference's by default.
    devices : sequence of str
        Such as ``("GPU:0", "GPU:1")``, which then share each batch (`tf.distribute.MirroredStrategy`): the loss curve
        is that of one device, but for rounding and for dropout, whose masks each draws apart. By default TensorFlow
        chooses one.

    Attributes
    ----------
    model_ : PosterCNN or OverviewLSTM
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    """

    folds = 0  # training it once takes minutes

    def __init__(self, name, recipe, *, seed=0, rescale=True, design=None, devices=()):
        if name not in ("poster-cnn", "overview-lstm"):
            raise InputError(f"A Keras member is poster-cnn or overview-lstm, got {name!r}.")
        self.name, self.recipe, self.seed, self.rescale = name, recipe, seed, rescale
        self.modality, self.devices = name.split("-")[0], tuple(devices)
        self.design = self._design() if design is None else design
        if type(self.design) is not self._design:
            raise InputError(f"{name} is made by {self._design.__name__}, got {self.design!r}.")

    @property
    def _design(self):
        return PosterDesign if self.modality == "poster" else OverviewDesign

    def _cache(self, posters):
        """Return the decoded posters to share with others, or new ones where there are none of the network's size."""
        if self.modality == "overview" or (posters is not None and posters.size == self.design.size):
            return posters
        return PosterCache(self.design.size)

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=no_progress):
        """Train on the films of ``train`` that have the modality.

        Parameters
        ----------
        train, validation : Films
            The weights, and which epoch; validation may be None.
        posters : PosterCache, optional
            Decoded posters to share with others.
        folder : path, optional
            Checkpoints go there, and a killed run goes on from there; a temporary folder otherwise.
        progress : callable, optional
            Called with (what, steps done, steps in all).
        """
        posters = self._cache(posters)
        train = readable_films(self, self._decoded(train, posters))
        if validation is not None:
            who = f"Training and validation films of {self.name}"
            check_same_genres(train.genres, validation.genres, who)
            validation = self._decoded(validation, posters)
            if has_modality(self, validation).any():
                validation = readable_films(self, validation)
            else:
                log.warning(
                    "%s keeps its last epoch: validation films have no %ss.", self.name, self.modality
                )
                validation = None
        self.genres_, self.learned_ids_ = train.genres, learned_ids(train, validation)
        with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary, self.strategy().scope():
            model = self.new_model(train)
            trained, batches = self.to_train(model)
            self.history_ = train_model(
                trained,
                batches(self._dataset(train, posters, trained)),
                batches(self._dataset(validation, posters)) if validation is not None else None,
                recipe=self.recipe,
                folder=folder or temporary,
                progress=progress,
            )
        self.keep(model)
        return self

    def strategy(self):
        """Return the strategy of the devices; without any, the one that the caller is in."""
        if not self.devices:
            return tf.distribute.get_strategy()
        there = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
        if lost := [name for name in self.devices if name not in there]:
            raise InputError(f"{self.name} cannot train on {some(lost)}: TensorFlow sees {', '.join(there)}.")
        return _mirrored(self.devices)

    def new_model(self, films):
        """Return an untrained model, compiled, that knows the genres and the words of these films."""
        if self.modality == "poster":
            model = PosterCNN(films.genres, rescale=self.rescale, design=self.design, seed=self.seed)
        else:
            model = OverviewLSTM(films.genres, design=self.design, seed=self.seed)
            model.adapt(films.overviews)
        return compile_model(model, self.recipe)

    def to_train(self, model):
        """Return the compiled model that trains in place of a model, and what makes its batches from the model's.

        On several devices overviews come as token numbers: Keras 3 takes the mean of the devices' first batches to
        see their shapes, and texts have none.
        """
        if self.modality == "poster" or tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return model, lambda dataset: dataset
        words = model.encoder.words
        trained = compile_model(keras.Model(words.output, model.output, name=model.name), self.recipe)
        return trained, lambda dataset: dataset.map(lambda overviews, labels: (words(overviews), labels))

    def dataset(self, films, *, posters=None, model=None):
        """Return batches of the films that have the modality, shuffled anew every epoch for a model that trains."""
        posters = self._cache(posters)
        return self._dataset(readable_films(self, self._decoded(films, posters)), posters, model)

    def _decoded(self, films, posters):
        """Return the films with unreadable posters missing, which are named in the log."""
        return posters.screen(films) if self.modality == "poster" else films

    def _inputs(self, films, posters, rows=slice(None)):
        """Return (inputs, lengths) of films that have the modality."""
        if self.modality == "poster":
            return posters.select(films.posters[rows]), None
        return films.overviews[rows], overview_lengths(films.overviews[rows])

    def _dataset(self, films, posters, model=None):
        """Return batches, shuffled anew every epoch where the model that trains on them is given."""
        inputs, lengths = self._inputs(films, posters)
        options = {"batch_size": self.recipe.batch_size, "lengths": lengths}
        if model is not None:
            n_batches = -(-len(films) // self.recipe.batch_size)
            options |= {
                "seed": self.seed,
                "epoch": lambda: int(model.optimizer.iterations.numpy()) // n_batches,
            }
        return training_dataset(inputs, films.labels, **options)

    def keep(self, model):
        """Keep a model for prediction, compiled once for every batch size and length."""
        self.model_ = model
        if self.modality == "overview" and len(self.design.units) == 2:
            self._predict = overview_predictor(model)
        else:
            signature = tf.TensorSpec(model.input.shape, tf.uint8 if self.modality == "poster" else tf.string)
            self._predict = tf.function(
                lambda inputs: model(inputs, training=False), input_signature=[signature], autograph=False
            )

    def settled(self):
        """Return a copy to train without validation films: for as many epochs as they found best."""
        again = copy(self)
        if "val_loss" in self.history_:
            epochs = int(np.argmin(self.history_["val_loss"])) + 1
            again.recipe = dataclasses.replace(self.recipe, epochs=epochs, patience=None)
        return again

    def predict(self, films, *, posters=None):
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality.

        Parameters
        ----------
        films : Films
        posters : PosterCache, optional
            Decoded posters to share with others.
        """
        posters = self._cache(posters)
        films = self._decoded(films, posters)
        present = has_modality(self, films)
        values = np.empty((0, len(self.genres_)), np.float32)
        if present.any():
            inputs, lengths = self._inputs(films, posters, present)
            values = predict_batches(self._predict, inputs, lengths=lengths)
        return named_probabilities(self, films, present, values)

    def save(self, folder):
        """Write the model (vocabulary within), its history and its settings."""
        folder = Path(folder)
        # A copy without the optimiser, whose state is two thirds of the file and of no use to predict.
        model = type(self.model_).from_config(self.model_.get_config())
        if self.modality == "overview":
            model.encoder.words.set_vocabulary(self.model_.vocabulary)
        model.set_weights(self.model_.get_weights())
        model.save(folder / "model.keras")
        self.history_.to_csv(folder / "history.csv")
        facts = {
            "recipe": dataclasses.asdict(self.recipe),
            "seed": self.seed,
            "rescale": self.rescale,
            "design": dataclasses.asdict(self.design),
            "learned_ids": self.learned_ids_,
        }
        (folder / "member.json").write_text(json.dumps(facts), encoding="utf-8")

    def load(self, folder):
        """Read what `save` wrote; return self."""
        folder = Path(folder)
        facts = json.loads((folder / "member.json").read_text(encoding="utf-8"))
        self.recipe, self.seed, self.rescale = Recipe(**facts["recipe"]), facts["seed"], facts["rescale"]
        self.design = self._design(**facts.get("design", {}))
        self.learned_ids_ = {role: tuple(ids) for role, ids in facts["learned_ids"].items()}
        self.history_ = pd.read_csv(folder / "history.csv", index_col="epoch")
        model = keras.models.load_model(folder / "model.keras", compile=False)
        self.genres_ = model.genres
        self.keep(model)
        return self
