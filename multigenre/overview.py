"""The bidirectional LSTM that reads an overview."""

import keras
import tensorflow as tf
from keras import layers

from multigenre._checks import InputError
from multigenre._seeds import child_seeds
from multigenre.heads import GenreClassifier
from multigenre.pipeline import untuned
from multigenre.recurrent import BidirectionalLSTM

MAX_TOKENS = 10_000


@keras.saving.register_keras_serializable(package="multigenre")
class OverviewEncoder(keras.Model):
    """Features of an overview: words, embedding, two bidirectional LSTMs and a dense layer, 4,299,904 parameters.

    Input: overviews of shape (n_films,), string. Padding goes to the longest of the batch and is masked.
    Output: features of shape (n_films, 128), float32, not negative.

    `adapt` learns the vocabulary and must come first; a saved model carries its vocabulary with it.

    Parameters
    ----------
    seed : int or None
        Of the initial weights and of dropout; None draws one.
    name : str

    Notes
    -----
    The recurrent layers do the mathematics of ``keras.layers.Bidirectional(keras.layers.LSTM(...))``, faster;
    weights pass from one to the other (`multigenre.recurrent.BidirectionalLSTM`).
    """

    def __init__(self, *, seed=None, name="overview_encoder"):
        seeds = iter(child_seeds(seed, 5))
        overviews = keras.Input((), dtype="string", name="Overview")
        words = layers.TextVectorization(MAX_TOKENS, name="Words")
        uniform = keras.initializers.RandomUniform(seed=next(seeds))
        x = layers.Embedding(MAX_TOKENS, 256, uniform, mask_zero=True, name="Embedding")(words(overviews))
        x = BidirectionalLSTM(
            256,
            dropout=0.5,
            recurrent_dropout=0.2,
            return_sequences=True,
            seed=next(seeds),
            name="LSTM1",
        )(x)
        x = BidirectionalLSTM(128, dropout=0.5, recurrent_dropout=0.2, seed=next(seeds), name="LSTM2")(x)
        glorot = keras.initializers.GlorotUniform(next(seeds))
        x = layers.Dense(128, "relu", kernel_initializer=glorot, name="FC")(x)
        x = layers.Dropout(0.8, seed=next(seeds), name="Drop")(x)
        super().__init__(inputs=overviews, outputs=x, name=name)
        self.words, self.seed = words, seed

    def adapt(self, overviews):
        """Learn the vocabulary: the 9,998 most frequent words of the TRAINING overviews.

        Parameters
        ----------
        overviews : sequence of str

        Raises
        ------
        InputError
            If there is no word in them.
        """
        overviews = [str(overview) for overview in overviews]
        if not any(overview.strip() for overview in overviews):
            raise InputError(
                f"The vocabulary needs overviews with words in them, got {len(overviews)} without any."
            )
        self.words.adapt(untuned(tf.data.Dataset.from_tensor_slices(overviews).batch(1024)))

    @property
    def vocabulary(self):
        """The learned words by token number; 0 is padding and 1 any unknown word."""
        return self.words.get_vocabulary()

    def get_config(self):
        """Return the constructor's arguments."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Build the encoder that `get_config` describes."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="multigenre")
class OverviewLSTM(GenreClassifier):
    """The reference classifier of overviews: `OverviewEncoder`, a sigmoid head; 4,303,129 parameters at 25 genres.

    Input: overviews of shape (n_films,), string.
    Output: probabilities of shape (n_films, n_genres), float32 in [0, 1].

    Parameters
    ----------
    genres : Genres or list of str
        Names of the output's columns, kept in ``genres`` and in the saved model.
    seed, name
        As in `OverviewEncoder`.

    Attributes
    ----------
    encoder : OverviewEncoder
        Shares its layers with this model: freeze it (``encoder.trainable = False``), use it alone or elsewhere.

    Examples
    --------
    >>> model = OverviewLSTM([f"genre {number}" for number in range(25)])
    >>> model.count_params(), model.encoder.count_params()
    (4303129, 4299904)
    """

    def __init__(self, genres, *, seed=None, name="overview_lstm"):
        super().__init__(OverviewEncoder(seed=seed), genres, seed=seed, name=name)

    def adapt(self, overviews):
        """Learn the vocabulary from TRAINING overviews; see `OverviewEncoder.adapt`."""
        self.encoder.adapt(overviews)

    @property
    def vocabulary(self):
        """The learned words by token number; 0 is padding and 1 any unknown word."""
        return self.encoder.vocabulary
