"""The bidirectional LSTM that reads an overview."""

import dataclasses

import keras
import tensorflow as tf
from keras import layers

from multigenre._checks import InputError
from multigenre._seeds import child_seeds
from multigenre.designs import OverviewDesign
from multigenre.heads import GenreClassifier
from multigenre.pipeline import untuned
from multigenre.recurrent import BidirectionalLSTM

REFERENCE = OverviewDesign()


@keras.saving.register_keras_serializable(package="multigenre")
class OverviewEncoder(keras.Model):
    """Features of an overview: words, embedding, two bidirectional LSTMs and a dense layer, 4,299,904 parameters.

    Input: overviews of shape (n_films,), string. Padding goes to the longest of the batch and is masked.
    Output: features of shape (n_films, 128), float32, not negative.

    `adapt` learns the vocabulary and must come first; a saved model carries its vocabulary with it.

    Parameters
    ----------
    design : OverviewDesign
        Vocabulary, sizes, depth and dropout; the default is the reference's.
    seed : int or None
        Of the initial weights and of dropout; None draws one.
    name : str

    Notes
    -----
    The recurrent layers do the mathematics of ``keras.layers.Bidirectional(keras.layers.LSTM(...))``, faster;
    weights pass from one to the other (`multigenre.recurrent.BidirectionalLSTM`).
    """

    def __init__(self, *, design=REFERENCE, seed=None, name="overview_encoder"):
        seeds = iter(child_seeds(seed, 3 + len(design.units)))
        overviews = keras.Input((), dtype="string", name="Overview")
        words = layers.TextVectorization(design.max_tokens, name="Words")
        embed = layers.Embedding(
            design.max_tokens,
            design.embedding,
            keras.initializers.RandomUniform(seed=next(seeds)),
            mask_zero=True,
            name="Embedding",
        )
        x = embed(words(overviews))
        for number, units in enumerate(design.units, start=1):
            x = BidirectionalLSTM(
                units,
                dropout=design.dropout,
                recurrent_dropout=design.recurrent_dropout,
                return_sequences=number < len(design.units),
                seed=next(seeds),
                name=f"LSTM{number}",
            )(x)
        glorot = keras.initializers.GlorotUniform(next(seeds))
        x = layers.Dense(design.dense, "relu", kernel_initializer=glorot, name="FC")(x)
        x = layers.Dropout(design.dense_dropout, seed=next(seeds), name="Drop")(x)
        super().__init__(inputs=overviews, outputs=x, name=name)
        self.words, self.design, self.seed = words, design, seed

    def adapt(self, overviews):
        """Learn the vocabulary: the 9,998 (``max_tokens`` less two) most frequent words of the TRAINING overviews.

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
        return {"design": dataclasses.asdict(self.design), "seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config):
        """Build the encoder that `get_config` describes."""
        return cls(**{**config, "design": OverviewDesign(**config.get("design", {}))})


@keras.saving.register_keras_serializable(package="multigenre")
class OverviewLSTM(GenreClassifier):
    """The reference classifier of overviews: `OverviewEncoder`, a sigmoid head; 4,303,129 parameters at 25 genres.

    Input: overviews of shape (n_films,), string.
    Output: probabilities of shape (n_films, n_genres), float32 in [0, 1].

    Parameters
    ----------
    genres : Genres or list of str
        Names of the output's columns, kept in ``genres`` and in the saved model.
    design, seed, name
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

    def __init__(self, genres, *, design=REFERENCE, seed=None, name="overview_lstm"):
        super().__init__(OverviewEncoder(design=design, seed=seed), genres, seed=seed, name=name)

    def adapt(self, overviews):
        """Learn the vocabulary from TRAINING overviews; see `OverviewEncoder.adapt`."""
        self.encoder.adapt(overviews)

    @property
    def vocabulary(self):
        """The learned words by token number; 0 is padding and 1 any unknown word."""
        return self.encoder.vocabulary

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "design": dataclasses.asdict(self.encoder.design)}

    @classmethod
    def from_config(cls, config):
        """Build the model that `get_config` describes."""
        return cls(**{**config, "design": OverviewDesign(**config.get("design", {}))})
