"""The two networks as KerasTuner's `HyperModel`, for tuners of your own."""

import keras
import keras_tuner

from multigenre.data import Films
from multigenre.members import make_network
from multigenre.networks import PosterCache
from multigenre.search._objectives import check_search_films
from multigenre.search._spaces import space_of


class NetworkHyperModel(keras_tuner.HyperModel):
    """`PosterCNN` or `OverviewLSTM` with the hyperparameters of `multigenre.search_spaces`.

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
        self.space = space_of(name)
        self._posters = None

    def member(self, hp):
        """Return the unfitted member that these hyperparameters describe."""
        return make_network(self.name, self.space(hp)[self.name], seed=self.seed)  # pyright: ignore[reportArgumentType]

    def build(self, hp):
        """Return an untrained model, compiled."""
        return self.member(hp).new_model(self.train.genres, self.train.overviews)

    def fit(self, hp, model, *args, callbacks=(), **kwargs) -> keras.callbacks.History:
        """Train a model by its recipe; return Keras's history."""
        member = self.member(hp)
        if member.modality == "poster" and getattr(self._posters, "size", None) != member.design.size:
            self._posters = PosterCache(member.design.size)
        train = member.dataset(member.source(self.train, posters=self._posters), model)
        validation = member.dataset(member.source(self.validation, posters=self._posters))
        rate = keras.callbacks.LearningRateScheduler(member.recipe.rate)
        options = {"shuffle": False, "verbose": 0, "epochs": member.recipe.epochs, **kwargs}
        options |= {"validation_data": validation, "callbacks": [*callbacks, rate]}
        return model.fit(train, *args, **options)
