"""The reference's training recipe, and the two members that train by it."""

import dataclasses
import json
import logging
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from multigenre._checkpoint import Checkpoint
from multigenre._checks import InputError, check_same_genres
from multigenre.members import has_modality, learned_ids, named_probabilities, readable_films
from multigenre.overview import OverviewLSTM
from multigenre.overview_prediction import overview_predictor
from multigenre.pipeline import overview_lengths, predict_batches, training_dataset
from multigenre.poster import PosterCNN
from multigenre.poster_cache import PosterCache, readable_posters

log = logging.getLogger("multigenre")


@dataclass(frozen=True)
class Recipe:
    """How a member trains; the defaults are the reference's.

    Adam and binary cross-entropy; micro-averaged precision and recall at 0.5 are measured. The weights of the
    epoch with the lowest validation loss are kept (the last epoch's where there are no validation films).

    Parameters
    ----------
    epochs : int
        The reference trains the poster network for 40 and the overview network for 20.
    batch_size : int
    learning_rate : float
        Of the first ``constant_epochs`` epochs; after them multiplied by ``exp(-decay)`` each epoch.
    constant_epochs : int
    decay : float
    patience : int or None
        Stop after so many epochs without a lower validation loss; None never stops early.

    Examples
    --------
    >>> recipe = Recipe(epochs=20)
    >>> recipe.rate(9), round(recipe.rate(10) / recipe.rate(9), 6)
    (0.0001, 0.99005)
    """

    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-4
    constant_epochs: int = 10
    decay: float = 0.01
    patience: int | None = None

    def rate(self, epoch):
        """Return the learning rate of an epoch, counted from 0."""
        return self.learning_rate * math.exp(-self.decay * max(0, epoch + 1 - self.constant_epochs))


def compile_model(model, recipe):
    """Compile a Keras model as the reference does; return it."""
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")],
    )
    return model


def train_model(model, train, validation=None, *, recipe, folder, progress=None):
    """Train a compiled model by a recipe and leave it with its best epoch's weights.

    A run that was killed goes on from its last whole epoch when it is called again with the same folder.

    Parameters
    ----------
    model : keras.Model
    train, validation : tf.data.Dataset
        Batches of (inputs, labels); see `multigenre.pipeline.training_dataset`.
    recipe : Recipe
    folder : path
        For the checkpoint.
    progress : callable, optional
        Called with (what, steps done, steps in all).

    Returns
    -------
    DataFrame
        One row an epoch (index ``epoch``, from 0): ``loss``, ``precision``, ``recall``, ``learning_rate``
        and, with validation films, ``val_loss``, ``val_precision``, ``val_recall``.

    Raises
    ------
    InputError
        If the folder holds the training of another model.
    """
    checkpoint = Checkpoint(model, folder, None if validation is None else recipe.patience)
    callbacks = [keras.callbacks.LearningRateScheduler(recipe.rate), checkpoint]
    if progress:
        callbacks.append(_Progress(progress, recipe.epochs))
    done = checkpoint.restore()
    if not checkpoint.out_of_patience():
        options = {"epochs": recipe.epochs, "initial_epoch": done, "callbacks": callbacks, "verbose": 0}
        model.fit(train, validation_data=validation, shuffle=False, **options)
    if validation is not None:
        checkpoint.restore_best()
    return pd.DataFrame(checkpoint.history).rename_axis("epoch")


class _Progress(keras.callbacks.Callback):
    """Tells a callable how many of all steps are done."""

    def __init__(self, progress, epochs):
        super().__init__()
        self.report, self.epochs, self.epoch, self.text = progress, epochs, 0, ""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        steps = self.params["steps"]
        what = f"{self.model.name.replace('_', '-')}, epoch {self.epoch + 1} of {self.epochs}{self.text}"
        self.report(what, self.epoch * steps + batch + 1, self.epochs * steps)

    def on_epoch_end(self, epoch, logs=None):
        if "val_loss" in (logs or {}):
            self.text = f", validation loss {logs['val_loss']:.4f}"


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

    Attributes
    ----------
    model_ : PosterCNN or OverviewLSTM
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    """

    folds = 0  # training it once takes minutes

    def __init__(self, name, recipe, *, seed=0, rescale=True):
        if name not in ("poster-cnn", "overview-lstm"):
            raise InputError(f"A Keras member is poster-cnn or overview-lstm, got {name!r}.")
        self.name, self.recipe, self.seed, self.rescale = name, recipe, seed, rescale
        self.modality = name.split("-")[0]

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
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
        posters = PosterCache() if posters is None else posters
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
        if self.modality == "poster":
            model = PosterCNN(train.genres, rescale=self.rescale, seed=self.seed)
        else:
            model = OverviewLSTM(train.genres, seed=self.seed)
            model.adapt(train.overviews)
        compile_model(model, self.recipe)
        with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary:
            self.history_ = train_model(
                model,
                self._dataset(train, posters, model),
                self._dataset(validation, posters) if validation is not None else None,
                recipe=self.recipe,
                folder=folder or temporary,
                progress=progress,
            )
        self._keep(model)
        return self

    def _decoded(self, films, posters):
        """Return the films with unreadable posters missing, which are named in the log."""
        return readable_posters(films, posters) if self.modality == "poster" else films

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
            options |= {"seed": self.seed, "epoch": lambda: int(model.optimizer.iterations) // n_batches}
        return training_dataset(inputs, films.labels, **options)

    def _keep(self, model):
        """Keep a model for prediction, compiled once for every batch size and length."""
        self.model_ = model
        if self.modality == "overview":
            self._predict = overview_predictor(model)
        else:
            signature = tf.TensorSpec(model.input.shape, tf.uint8)
            self._predict = tf.function(
                lambda posters: model(posters, training=False), input_signature=[signature], autograph=False
            )

    def predict(self, films, *, posters=None):
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality.

        Parameters
        ----------
        films : Films
        posters : PosterCache, optional
            Decoded posters to share with others.
        """
        posters = PosterCache() if posters is None else posters
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
            "learned_ids": self.learned_ids_,
        }
        (folder / "member.json").write_text(json.dumps(facts), encoding="utf-8")

    def load(self, folder):
        """Read what `save` wrote; return self."""
        folder = Path(folder)
        facts = json.loads((folder / "member.json").read_text(encoding="utf-8"))
        self.recipe, self.seed, self.rescale = Recipe(**facts["recipe"]), facts["seed"], facts["rescale"]
        self.learned_ids_ = {role: tuple(ids) for role, ids in facts["learned_ids"].items()}
        self.history_ = pd.read_csv(folder / "history.csv", index_col="epoch")
        model = keras.models.load_model(folder / "model.keras", compile=False)
        self.genres_ = model.genres
        self._keep(model)
        return self
