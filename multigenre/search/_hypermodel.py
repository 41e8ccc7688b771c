"""The two networks as KerasTuner's `HyperModel`, for tuners of your own."""

from collections.abc import Sequence
from typing import Any

import keras
import keras_tuner

from multigenre.data import Films
from multigenre.members import OverviewMember, PosterMember, make_network
from multigenre.search._objectives import check_search_films
from multigenre.search._spaces import space_of


class NetworkHyperModel(keras_tuner.HyperModel):
    """`PosterCNN` or `OverviewLSTM` with the hyperparameters of `multigenre.search.space_of`.

    `build` is a plain callable from hyperparameters to a compiled model. For searches that outlast a kill, have several
    seeds a trial or another objective than the validation loss, see `multigenre.search.search`.

    Parameters
    ----------
    name : {"poster-cnn", "overview-lstm"}
    train, validation : Films
        Of the roles train and validation; no other role is taken.
    seed : int

    Raises
    ------
    InputError
        If films have another role.

    Examples
    --------
    >>> model = NetworkHyperModel("poster-cnn", split["train"], split["validation"])  # doctest: +SKIP
    >>> tuner = keras_tuner.RandomSearch(model, objective="val_loss", max_trials=9)  # doctest: +SKIP
    >>> tuner.search()  # doctest: +SKIP
    """

    def __init__(self, name: str, train: Films, validation: Films, *, seed: int = 0):
        check_search_films(train, validation)
        super().__init__(name=name)
        self.train, self.validation, self.seed = train, validation, seed
        self.space, self._posters = space_of(name), None

    def member(self, hp: keras_tuner.HyperParameters) -> PosterMember | OverviewMember:
        """Return the unfitted member that these hyperparameters describe."""
        [(name, entry)] = self.space(hp).items()
        return make_network(name, entry, seed=self.seed)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return an untrained model, compiled."""
        return self.member(hp).new_model(self.train.genres, self.train.overviews)

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *args: Any,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train a model by its recipe; return Keras's history."""
        member = self.member(hp)
        self._posters, *parts = member.screened(self._posters, self.train, self.validation)
        train, validation = (member.source(films, posters=self._posters) for films in parts)
        rate = keras.callbacks.LearningRateScheduler(member.recipe.rate)
        options = {"shuffle": False, "verbose": 0, "epochs": member.recipe.epochs, **kwargs}
        options |= {"validation_data": member.dataset(validation), "callbacks": [*callbacks, rate]}
        return model.fit(member.dataset(train, model), *args, **options)
