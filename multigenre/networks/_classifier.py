"""An encoder with a sigmoid head whose columns have names."""

from typing import Any

import keras

from multigenre._seeds import child_seeds
from multigenre.data import Genres


class GenreClassifier(keras.Model):
    """An encoder and a sigmoid head; what `PosterCNN` and `OverviewLSTM` share.

    Parameters
    ----------
    encoder : keras.Model
        A functional model that gives features of shape (n_films, n_features).
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

    def __init__(
        self,
        encoder: keras.Model,
        genres: Genres | list[str],
        *,
        seed: int | None = None,
        name: str | None = None,
    ):
        genres = genres if isinstance(genres, Genres) else Genres(genres)
        # A stream of its own: the encoder's seeds start from the same number.
        [head_seed] = child_seeds(None if seed is None else [seed, 1], 1)  # pyright: ignore[reportArgumentType]
        initializer = keras.initializers.GlorotUniform(head_seed)
        head = keras.layers.Dense(len(genres), "sigmoid", kernel_initializer=initializer, name="Output")  # pyright: ignore[reportArgumentType]
        super().__init__(inputs=encoder.input, outputs=head(encoder.output), name=name)
        self.encoder, self.genres, self.seed = encoder, genres, seed

    def get_config(self):
        """Return the constructor's arguments."""
        return {"genres": list(self.genres), "seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]):
        """Build the model that `get_config` describes."""
        return cls(**config)
