"""The two networks as members: they train by the reference's recipe, on films in memory or from another source."""

import dataclasses
import functools
import json
import logging
import tempfile
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any, Protocol, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from multigenre._checks import InputError, check_same_genres, some
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.members._member import (
    has_modality,
    learned_ids,
    named_probabilities,
    readable_films,
    screened,
)
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


class TrainingSource(Protocol):
    """Where a network's batches come from: `FilmSource`, or shards.

    ``genres``: names of the label columns. ``ids``: of the films, which the member then knows. ``overviews``: what a
    vocabulary is learned from.
    """

    genres: Genres
    ids: Any
    overviews: Any

    def dataset(self, model: keras.Model | None = None) -> tf.data.Dataset:
        """Return batches of (inputs, labels), shuffled anew every epoch for the model that trains on them."""
        ...


class _NetworkMember:
    """What the two networks' members have in common."""

    folds = 0  # training it once takes minutes
    modality: str
    _Design: type[PosterDesign] | type[OverviewDesign]

    def __init__(self, recipe: Recipe, *, name: str, seed: int, design: Any, devices: Iterable[str]):
        self.name, self.recipe, self.seed, self.devices = name, recipe, seed, tuple(devices)
        self.design: Any = self._Design() if design is None else design
        if type(self.design) is not self._Design:
            raise InputError(f"{name} is made by {self._Design.__name__}, got {self.design!r}.")

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Train on the films of ``train`` that have the modality.

        Parameters
        ----------
        train, validation : Films
            The weights, and which epoch; validation may be None.
        posters : PosterCache, optional
            Decoded posters to share with others; see `Member`.
        folder : path, optional
            Checkpoints go there, and a killed run goes on from there; a temporary folder otherwise.
        progress : callable, optional
            Called with (what, steps done, steps in all).
        """
        posters, train, *rest = self.screened(posters, train, *([] if validation is None else [validation]))
        train = readable_films(self, train)
        for films in rest:
            check_same_genres(train.genres, films.genres, f"Training and validation films of {self.name}")
            if not has_modality(self, films).any():
                log.warning(
                    "%s keeps its last epoch: validation films have no %ss.", self.name, self.modality
                )
                rest = []
        sources = [FilmSource(self, readable_films(self, films), posters) for films in (train, *rest)]
        return self.train(*sources, folder=folder, progress=progress)

    def train(
        self,
        train: TrainingSource,
        validation: TrainingSource | None = None,
        *,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Train on batches from anywhere; parameters as for `fit`."""
        self.genres_, self.learned_ids_ = train.genres, learned_ids(train, validation)
        with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary, self.strategy().scope():
            model = self.new_model(train)
            trained, batches = self._to_train(model)
            self.history_ = train_model(
                trained,
                batches(train.dataset(trained)),
                batches(validation.dataset()) if validation is not None else None,
                recipe=self.recipe,
                folder=folder or temporary,
                progress=progress,
            )
        self._keep(model)
        return self

    def strategy(self) -> tf.distribute.Strategy:
        """Return the strategy of the devices; without any, the one that the caller is in."""
        if not self.devices:
            return tf.distribute.get_strategy()
        there = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices()]
        if lost := [name for name in self.devices if name not in there]:
            raise InputError(f"{self.name} cannot train on {some(lost)}: TensorFlow sees {', '.join(there)}.")
        return _mirrored(self.devices)

    def new_model(self, films: Films | TrainingSource) -> Any:
        """Return an untrained model, compiled, that knows the genres and the words of these films."""
        raise NotImplementedError

    def screened(self, posters: PosterCache | None, *parts: Films) -> tuple[Any, ...]:
        """Return decoded posters to use, and films with unreadable ones missing; see `Member`."""
        return posters, *parts

    def inputs(self, films: Films, posters: PosterCache | None) -> tuple[Any, np.ndarray | None]:
        """Return what the network reads of films that have the modality, and the lengths by which to batch them."""
        raise NotImplementedError

    def _to_train(self, model):
        """Return the compiled model that trains in place of a model, and what makes its batches from the model's."""
        return model, lambda dataset: dataset

    def _keep(self, model):
        """Keep a model for prediction, compiled once for every batch size and length."""
        signature = tf.TensorSpec(model.input.shape, tf.uint8 if self.modality == "poster" else tf.string)
        self.model_ = model
        self._predict = tf.function(
            lambda inputs: model(inputs, training=False), input_signature=[signature], autograph=False
        )

    def settled(self) -> Self:
        """Return a copy to train without validation films: for as many epochs as they found best."""
        again = copy(self)
        if "val_loss" in self.history_:
            epochs = int(np.argmin(self.history_["val_loss"])) + 1
            again.recipe = dataclasses.replace(self.recipe, epochs=epochs, patience=None)
        return again

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality.

        Parameters
        ----------
        films : Films
        posters : PosterCache, optional
            Decoded posters to share with others.
        """
        posters, films = self.screened(posters, films)
        present = has_modality(self, films)
        values = np.empty((0, len(self.genres_)), np.float32)
        if present.any():
            inputs, lengths = self.inputs(films.take(present), posters)
            values = predict_batches(self._predict, inputs, lengths=lengths)
        return named_probabilities(self, films, present, values)

    def save(self, folder: Pathlike) -> None:
        """Write the model (vocabulary within), its history and its settings."""
        folder = Path(folder)
        self._bare_model().save(folder / "model.keras")
        self.history_.to_csv(folder / "history.csv")
        (folder / "member.json").write_text(json.dumps(self._facts()), encoding="utf-8")

    def _bare_model(self):
        """Return a copy without the optimiser, whose state is two thirds of the file and of no use to predict."""
        model = type(self.model_).from_config(self.model_.get_config())
        model.set_weights(self.model_.get_weights())
        return model

    def _facts(self):
        return {
            "recipe": dataclasses.asdict(self.recipe),
            "seed": self.seed,
            "design": dataclasses.asdict(self.design),
            "learned_ids": self.learned_ids_,
        }

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote; return self."""
        folder = Path(folder)
        facts = json.loads((folder / "member.json").read_text(encoding="utf-8"))
        self._restore(facts)
        self.history_ = pd.read_csv(folder / "history.csv", index_col="epoch")
        model = keras.models.load_model(folder / "model.keras", compile=False)
        self.genres_ = model.genres
        self._keep(model)
        return self

    def _restore(self, facts):
        self.recipe, self.seed = Recipe(**facts["recipe"]), facts["seed"]
        self.design = self._Design(**facts["design"])
        self.learned_ids_ = {role: tuple(ids) for role, ids in facts["learned_ids"].items()}


class PosterMember(_NetworkMember):
    """`PosterCNN` as a member: it fits on films and gives named probabilities.

    Parameters
    ----------
    recipe : Recipe
    name : str
    seed : int
        Of initial weights, dropout and the order of films: the same seed, the same numbers, on one machine.
    rescale : bool
        Of `PosterCNN`; False is the reference.
    design : PosterDesign, optional
        What the network is made of; the reference's by default.
    devices : sequence of str
        Such as ``("GPU:0", "GPU:1")``, which then share each batch (`tf.distribute.MirroredStrategy`): the loss curve
        is that of one device, but for rounding and for dropout, whose masks each draws apart. By default TensorFlow
        chooses one.

    Attributes
    ----------
    model_ : PosterCNN
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    """

    modality = "poster"
    _Design = PosterDesign

    def __init__(
        self,
        recipe: Recipe,
        *,
        name: str = "poster-cnn",
        seed: int = 0,
        rescale: bool = True,
        design: PosterDesign | None = None,
        devices: Iterable[str] = (),
    ):
        super().__init__(recipe, name=name, seed=seed, design=design, devices=devices)
        self.rescale = rescale

    def new_model(self, films: Films | TrainingSource) -> PosterCNN:
        """Return an untrained model, compiled, that knows the genres of these films."""
        model = PosterCNN(films.genres, rescale=self.rescale, design=self.design, seed=self.seed)
        return compile_model(model, self.recipe)

    def screened(self, posters: PosterCache | None, *parts: Films) -> tuple[Any, ...]:
        """Return decoded posters to use, and films with unreadable ones missing; see `Member`."""
        return screened(posters, self.design.size, *parts)

    def inputs(self, films: Films, posters: PosterCache | None) -> tuple[Any, None]:
        """Return the decoded posters of films that have them, in any order."""
        return posters.select(films.posters), None

    def _facts(self):
        return super()._facts() | {"rescale": self.rescale}

    def _restore(self, facts):
        super()._restore(facts)
        self.rescale = facts["rescale"]


class OverviewMember(_NetworkMember):
    """`OverviewLSTM` as a member: it fits on films and gives named probabilities.

    Parameters
    ----------
    recipe : Recipe
    name : str
    seed : int
        Of initial weights, dropout and the order of films: the same seed, the same numbers, on one machine.
    design : OverviewDesign, optional
        What the network is made of; the reference's by default.
    devices : sequence of str
        As for `PosterMember`.

    Attributes
    ----------
    model_ : OverviewLSTM
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    """

    modality = "overview"
    _Design = OverviewDesign

    def __init__(
        self,
        recipe: Recipe,
        *,
        name: str = "overview-lstm",
        seed: int = 0,
        design: OverviewDesign | None = None,
        devices: Iterable[str] = (),
    ):
        super().__init__(recipe, name=name, seed=seed, design=design, devices=devices)

    def new_model(self, films: Films | TrainingSource) -> OverviewLSTM:
        """Return an untrained model, compiled, that knows the genres and the words of these films."""
        model = OverviewLSTM(films.genres, design=self.design, seed=self.seed)
        model.adapt(films.overviews)
        return compile_model(model, self.recipe)

    def inputs(self, films: Films, posters: PosterCache | None) -> tuple[Any, np.ndarray]:
        """Return the overviews of films that have them, and their lengths."""
        return films.overviews, overview_lengths(films.overviews)

    def _to_train(self, model):
        """Return what trains in place of a model, and what makes its batches from the model's.

        On several devices overviews come as token numbers: Keras 3 takes the mean of the devices' first batches to
        see their shapes, and texts have none.
        """
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return super()._to_train(model)
        words = model.encoder.words
        trained = compile_model(keras.Model(words.output, model.output, name=model.name), self.recipe)
        return trained, lambda dataset: dataset.map(lambda overviews, labels: (words(overviews), labels))

    def _keep(self, model):
        super()._keep(model)
        if len(self.design.units) == 2:
            self._predict = overview_predictor(model)

    def _bare_model(self):
        model = super()._bare_model()
        model.encoder.words.set_vocabulary(self.model_.vocabulary)
        return model


class FilmSource:
    """Films in memory as batches for a network.

    Parameters
    ----------
    member : PosterMember or OverviewMember
    films : Films
        Which all have the modality.
    posters : PosterCache or None
        Their decoded posters, for a member that reads these.
    """

    def __init__(self, member: _NetworkMember, films: Films, posters: PosterCache | None):
        self.member, self.films, self.posters = member, films, posters
        self.genres, self.ids, self.overviews = films.genres, films.ids, films.overviews

    def dataset(self, model: keras.Model | None = None) -> tf.data.Dataset:
        """Return batches; see `TrainingSource`."""
        inputs, lengths = self.member.inputs(self.films, self.posters)
        size = self.member.recipe.batch_size
        options = {"batch_size": size, "lengths": lengths}
        if model is not None:
            n_batches = -(-len(self.films) // size)
            options |= {
                "seed": self.member.seed,
                "epoch": lambda: int(model.optimizer.iterations.numpy()) // n_batches,
            }
        return training_dataset(inputs, self.films.labels, **options)
