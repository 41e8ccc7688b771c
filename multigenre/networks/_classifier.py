"""An encoder with a sigmoid head whose columns have names."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import keras

from multigenre._seeds import child_seeds
from multigenre.data import Genres
from multigenre.networks._pools import share_cores

share_cores()


class GenreClassifier(keras.Model):
    """An encoder and a sigmoid head; what `PosterCNN` and `OverviewLSTM` share.

    Parameters
    ----------
    encoder : keras.Model
        A functional model that gives features of shape (n_films, n_features), with a ``design``.
    genres : Genres or list of str
        Names of the output's columns, kept in ``genres`` and in the saved model.
    seed : int or None
        Of the head's initial weights (the encoder has its own); None draws one.
    name : str

    Attributes
    ----------
    encoder : keras.Model
        Shares its layers with this model: freeze it (``encoder.trainable = False``), use it alone or elsewhere.
    """

    _Design: type

    def __init__(
        self,
        encoder: Any,
        genres: Genres | Sequence[str],
        *,
        seed: int | None = None,
        name: str | None = None,
    ):
        genres = genres if isinstance(genres, Genres) else Genres(genres)
        # A stream of its own: the encoder's seeds start from the same number.
        [head_seed] = child_seeds(None if seed is None else [seed, 1], 1)
        initializer: Any = keras.initializers.GlorotUniform(head_seed)
        head = keras.layers.Dense(len(genres), "sigmoid", kernel_initializer=initializer, name="Output")
        super().__init__(inputs=encoder.input, outputs=head(encoder.output), name=name)
        self.encoder, self.genres, self.seed = encoder, genres, seed

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        design = dataclasses.asdict(self.encoder.design)
        return {"genres": list(self.genres), "design": design, "seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build the model that `get_config` describes."""
        return cls(**{**config, "design": cls._Design(**config["design"])})
