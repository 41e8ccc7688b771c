"""The two networks as members: one reads posters, one reads overviews, and they train alike."""

import dataclasses
import functools
import logging
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Protocol, Self

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from multigenre._checks import InputError, check_same_genres, some
from multigenre._files import reading, write_json
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.members._member import has_modality, learned_ids, named_probabilities, read_facts, screened
from multigenre.members._model_file import check_model_file
from multigenre.networks import (
    ArrayBatches,
    Batches,
    GenreClassifier,
    Inputs,
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


class TrainingSource(Batches, Protocol):
    """Films that a network learns from, wherever they are: in memory (`FilmSource`) or in shards.

    Attributes
    ----------
    genres : Genres
    ids : iterable of str
        By which the member knows later whom it has seen.
    overviews : iterable of str
        To learn the words from.
    n_films : int
        That have what the network reads; batches are of them.
    """

    genres: Genres
    ids: Iterable[str]

    @property
    def overviews(self) -> Iterable[str]: ...


class FilmSource(ArrayBatches):
    """The films of a table that have what a network reads.

    Parameters
    ----------
    films : Films
        All of them have it.
    inputs, lengths
        As `ArrayBatches` takes them.

    Raises
    ------
    InputError
        If their genres are not known.
    """

    def __init__(self, films: Films, inputs: Inputs, lengths: np.ndarray | None = None):
        if films.labels is None or films.genres is None:
            raise InputError("Training needs films whose genres are known, got films without genres.")
        super().__init__(inputs, films.labels, lengths=lengths)
        self.genres: Genres = films.genres
        self.ids: Iterable[str] = films.ids
        self.overviews: Iterable[str] = films.overviews


class _NetworkMember(ABC):
    """What `PosterMember` and `OverviewMember` share: how they train, predict and are kept."""

    folds: int = 0  # training it once takes minutes
    modality: str
    _design_type: type
    _model_type: type

    def __init__(self, recipe: Recipe, *, name: str, seed: int, design: Any, devices: Iterable[str]):
        self.recipe, self.name, self.seed, self.devices = recipe, name, seed, tuple(devices)
        self.design = self._design_type() if design is None else design
        if type(self.design) is not self._design_type:
            raise InputError(f"{name} is made by {self._design_type.__name__}, got {self.design!r}.")

    @property
    @abstractmethod
    def signature(self) -> tf.TensorSpec:
        """What the network takes: a batch of inputs."""

    @abstractmethod
    def new_model(self, genres: Genres, overviews: Iterable[str]) -> GenreClassifier:
        """Return an untrained model, compiled, that knows the genres and, if it reads any, the words."""

    @abstractmethod
    def _read(self, films: Films, posters: PosterCache | None) -> tuple[Films, Inputs, np.ndarray | None]:
        """Return the films, without what cannot be read, and inputs and lengths of those that have the modality."""

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
        folder, progress
            As in `train`.

        Raises
        ------
        InputError
            If genres are not known, no film has the modality, or a film is to train and to validate.
        """
        parts = (train,) if validation is None else (train, validation)
        sources = [self.source(films, posters=posters) for films in parts]
        return self.train(*sources, folder=folder, progress=progress)

    def screened(self, posters: PosterCache | None, *parts: Films) -> tuple[Any, ...]:
        """Return the decoded posters to use, and the films without those that cannot be read; see `Member`."""
        return posters, *parts

    def source(self, films: Films, *, posters: PosterCache | None = None) -> FilmSource:
        """Return those of the films that have the modality, to train on or to validate with."""
        films, inputs, lengths = self._read(films, posters)
        return FilmSource(films.take(has_modality(self, films)), inputs, lengths)

    def train(
        self,
        train: TrainingSource,
        validation: TrainingSource | None = None,
        *,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Train on films wherever they are.

        Parameters
        ----------
        train, validation : TrainingSource
            The weights, and which epoch; the last one is kept where there are no validation films.
        folder : path, optional
            Checkpoints go there, and a killed run goes on from there; a temporary folder otherwise.
        progress : callable
            Called with (what, steps done, steps in all).

        Raises
        ------
        InputError
            If no film has the modality, genres differ, a film is to train and to validate, or a device is not there.
        """
        if not train.n_films:
            raise InputError(
                f"{self.name} needs films with {self.modality}s, but none of the training films has one; "
                "give others or leave this member out."
            )
        if validation is not None:
            who = f"Training and validation films of {self.name}"
            check_same_genres(train.genres, validation.genres, who)
            if not validation.n_films:
                what = "%s keeps its last epoch: validation films have no %ss."
                log.warning(what, self.name, self.modality)
                validation = None
        self.genres_, self.learned_ids_ = train.genres, learned_ids(train, validation)
        with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary, self.strategy().scope():
            model = self.new_model(train.genres, train.overviews)
            trained, batches = self._to_train(model)
            self.history_ = train_model(
                trained,
                batches(self.dataset(train, trained)),
                batches(self.dataset(validation)) if validation is not None else None,
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

    def dataset(self, source: TrainingSource, model: keras.Model | None = None) -> tf.data.Dataset:
        """Return a source's batches, shuffled anew every epoch where the model that trains on them is given."""
        size = self.recipe.batch_size
        if model is None:
            return training_dataset(source, batch_size=size)
        n_batches = -(-source.n_films // size)
        return training_dataset(
            source,
            batch_size=size,
            seed=self.seed,
            epoch=lambda: int(model.optimizer.iterations.numpy()) // n_batches,
        )

    def _to_train(self, model):
        """Return the compiled model that trains in place of a model, and what makes its batches from the model's."""
        return model, lambda dataset: dataset

    def _keep(self, model):
        """Keep a model for prediction, compiled once for every batch size and length."""
        self.model_, self._predict = model, self._predictor(model)

    def _predictor(self, model) -> Callable[[np.ndarray], Any]:
        return tf.function(
            lambda inputs: model(inputs, training=False), input_signature=[self.signature], autograph=False
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
            Decoded posters to share with others; see `Member`.
        """
        films, inputs, lengths = self._read(films, posters)
        values = np.empty((0, len(self.genres_)), np.float32)
        if len(inputs):
            values = predict_batches(self._predict, inputs, lengths=lengths)
        return named_probabilities(self, films, has_modality(self, films), values)

    def save(self, folder: Pathlike) -> None:
        """Write the model (vocabulary within), its history and its settings."""
        folder = Path(folder)
        self._without_optimiser().save(folder / "model.keras")
        self.history_.to_csv(folder / "history.csv")
        write_json(self._facts(), folder / "member.json")

    def _without_optimiser(self):
        """Return a copy of the model without the optimiser's state: two thirds of the file, of no use to predict."""
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
        """Read what `save` wrote; return self.

        Raises
        ------
        InputError
            If the model is of another class or design than the member, or its weights are of another size: nothing
            is made of it then.
        """
        folder = Path(folder)
        self._take(read_facts(folder / "member.json"))
        self.history_ = pd.read_csv(folder / "history.csv", index_col="epoch")
        path = folder / "model.keras"
        check_model_file(path, self._model_type, self.design)
        with reading(path):
            model: Any = keras.models.load_model(path, compile=False)
        self.genres_ = model.genres
        self._keep(model)
        return self

    def _take(self, facts):
        self.recipe, self.seed = Recipe(**facts["recipe"]), facts["seed"]
        self.design = self._design_type(**facts["design"])
        self.learned_ids_ = facts["learned_ids"]


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

    modality: str = "poster"
    _design_type = PosterDesign
    _model_type = PosterCNN

    def __init__(
        self,
        recipe: Recipe,
        *,
        name: str = "poster-cnn",
        seed: int = 0,
        rescale: bool = True,
        design: PosterDesign | None = None,
        devices: Sequence[str] = (),
    ):
        super().__init__(recipe, name=name, seed=seed, design=design, devices=devices)
        self.rescale = rescale

    @property
    def signature(self) -> tf.TensorSpec:
        """What the network takes: posters of the design's size."""
        return tf.TensorSpec((None, self.design.size, self.design.size, 3), tf.uint8)

    def new_model(self, genres: Genres, overviews: Iterable[str] = ()) -> PosterCNN:
        """Return an untrained model, compiled, that knows the genres."""
        model = PosterCNN(genres, rescale=self.rescale, design=self.design, seed=self.seed)
        return compile_model(model, self.recipe)

    def screened(self, posters: PosterCache | None, *parts: Films) -> tuple[Any, ...]:
        """Return the decoded posters to use, and the films without those that cannot be read; see `Member`."""
        return screened(self, posters, self.design.size, *parts)

    def _read(self, films, posters):
        posters, films = self.screened(posters, films)
        return films, posters.select(films.posters[films.has_poster]), None

    def _facts(self):
        return {**super()._facts(), "rescale": self.rescale}

    def _take(self, facts):
        super()._take(facts)
        self.rescale = facts["rescale"]


class OverviewMember(_NetworkMember):
    """`OverviewLSTM` as a member: it fits on films and gives named probabilities.

    Parameters
    ----------
    recipe, seed, devices
        As of `PosterMember`.
    name : str
    design : OverviewDesign, optional
        What the network is made of; the reference's by default.

    Attributes
    ----------
    model_ : OverviewLSTM
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    """

    modality: str = "overview"
    _design_type = OverviewDesign
    _model_type = OverviewLSTM

    def __init__(
        self,
        recipe: Recipe,
        *,
        name: str = "overview-lstm",
        seed: int = 0,
        design: OverviewDesign | None = None,
        devices: Sequence[str] = (),
    ):
        super().__init__(recipe, name=name, seed=seed, design=design, devices=devices)

    @property
    def signature(self) -> tf.TensorSpec:
        """What the network takes: texts."""
        return tf.TensorSpec((None,), tf.string)

    def new_model(self, genres: Genres, overviews: Iterable[str]) -> OverviewLSTM:
        """Return an untrained model, compiled, that knows the genres and the words of the overviews."""
        model = OverviewLSTM(genres, design=self.design, seed=self.seed)
        model.adapt(overviews)
        return compile_model(model, self.recipe)

    def _read(self, films, posters):
        overviews = films.overviews[films.has_overview]
        return films, overviews, overview_lengths(overviews)

    def _to_train(self, model):
        # On several devices overviews come as token numbers: Keras 3 takes the mean of the devices' first batches to
        # see their shapes, and texts have none.
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return super()._to_train(model)
        words = model.encoder.words
        trained = compile_model(keras.Model(words.output, model.output, name=model.name), self.recipe)
        return trained, lambda dataset: dataset.map(lambda overviews, labels: (words(overviews), labels))

    def _predictor(self, model):
        return overview_predictor(model) if len(self.design.units) == 2 else super()._predictor(model)

    def _without_optimiser(self):
        model = super()._without_optimiser()
        model.encoder.words.set_vocabulary(self.model_.vocabulary)
        return model
