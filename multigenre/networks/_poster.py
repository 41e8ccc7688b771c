"""The convolutional network that reads a poster."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import layers

from multigenre._seeds import child_seeds
from multigenre.data import Genres
from multigenre.networks._classifier import GenreClassifier
from multigenre.networks._designs import PosterDesign

REFERENCE = PosterDesign()


@keras.saving.register_keras_serializable(package="multigenre")
class PosterEncoder(keras.Model):
    """Features of a poster: seven convolutions and two dense layers, 3,438,976 parameters.

    Input: posters of shape (n_films, 64, 64, 3), or of the design's size, pixels in 0..255, any real dtype.
    Output: features of shape (n_films, 1024), float32, not negative.

    Parameters
    ----------
    rescale : bool
        Divide the pixels by 255 first. False is the reference ("inputs 0..255"); True is the default
        because it is better (a validation loss of 0.231 in place of 0.255 on the reference's films).
    design : PosterDesign
        Sizes, depth, dropout and augmentation; the default is the reference's.
    seed : int or None
        Of the initial weights and of dropout; None draws one.
    name : str

    Notes
    -----
    Dropout comes before each max-pool, as in the reference. A maximum over inflated survivors in training is
    not the maximum at inference, so the network's raw probabilities are too high: calibrate them.
    """

    def __init__(
        self,
        *,
        rescale: bool = True,
        design: PosterDesign = REFERENCE,
        seed: int | None = None,
        name: str = "poster_encoder",
    ):
        n_seeds = 3 * len(design.filters) - 1 + 2 * len(design.dense)
        # Those of augmentation are the last, so that all others are the same with and without it.
        *seeds, flip_seed, shift_seed = child_seeds(seed, n_seeds + 2)
        seeds = iter(seeds)

        def conv(x, filters, number, strides=1):
            initializer: Any = keras.initializers.GlorotUniform(next(seeds))
            return layers.Conv2D(
                filters,
                3,
                strides,
                "same",
                activation="relu",
                kernel_initializer=initializer,
                name=f"Conv{number}",
            )(x)

        first, *blocks = design.filters
        x = posters = keras.Input((design.size, design.size, 3), name="Poster")
        if design.augment:
            x = layers.RandomFlip("horizontal", seed=flip_seed, name="Mirror")(x)
            x = layers.RandomTranslation(0.1, 0.1, "nearest", seed=shift_seed, name="Shift")(x)
        if rescale:
            x = layers.Rescaling(1 / 255, name="Rescale")(x)
        x = conv(x, first, 0, strides=2)
        x = layers.Dropout(design.dropout, seed=next(seeds), name="Drop1")(x)
        for block, filters in enumerate(blocks, start=1):
            x = conv(x, filters, 2 * block - 1)
            x = conv(x, filters, 2 * block)
            x = layers.Dropout(design.dropout, seed=next(seeds), name=f"Drop{block + 1}")(x)
            x = layers.MaxPooling2D(2, name=f"Pool{block}")(x)
        x = layers.Flatten(name="Flat")(x)
        for number, units in enumerate(design.dense, start=1):
            initializer: Any = keras.initializers.GlorotUniform(next(seeds))
            x = layers.Dense(units, "relu", kernel_initializer=initializer, name=f"FC{number}")(x)
            name_of_dropout = f"Drop{number + len(design.filters)}"
            x = layers.Dropout(design.dense_dropout, seed=next(seeds), name=name_of_dropout)(x)
        super().__init__(inputs=posters, outputs=x, name=name)
        self.rescale, self.design, self.seed = rescale, design, seed

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        design = dataclasses.asdict(self.design)
        return {"rescale": self.rescale, "design": design, "seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build the encoder that `get_config` describes."""
        return cls(**{**config, "design": PosterDesign(**config["design"])})


@keras.saving.register_keras_serializable(package="multigenre")
class PosterCNN(GenreClassifier):
    """The reference classifier of posters: `PosterEncoder` and a sigmoid head; 3,464,601 parameters at 25 genres.

    Input: posters of shape (n_films, 64, 64, 3), or of the design's size, pixels in 0..255, any real dtype.
    Output: probabilities of shape (n_films, n_genres), float32 in [0, 1].

    Parameters
    ----------
    genres : Genres or list of str
        Names of the output's columns, kept in ``genres`` and in the saved model.
    rescale, design, seed, name
        As in `PosterEncoder`.

    Attributes
    ----------
    encoder : PosterEncoder
        Shares its layers with this model: freeze it (``encoder.trainable = False``), use it alone or elsewhere.

    Examples
    --------
    >>> model = PosterCNN([f"genre {number}" for number in range(25)], rescale=False)
    >>> model.count_params(), model.encoder.count_params()
    (3464601, 3438976)
    """

    _Design = PosterDesign

    def __init__(
        self,
        genres: Genres | Sequence[str],
        *,
        rescale: bool = True,
        design: PosterDesign = REFERENCE,
        seed: int | None = None,
        name: str = "poster_cnn",
    ):
        encoder = PosterEncoder(rescale=rescale, design=design, seed=seed)
        super().__init__(encoder, genres, seed=seed, name=name)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rescale": self.encoder.rescale}
