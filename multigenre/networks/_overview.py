"""The bidirectional LSTM that reads an overview, and its faster twin for prediction."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf
from keras import layers

from multigenre._checks import InputError
from multigenre._seeds import child_seeds
from multigenre.data import Genres
from multigenre.networks._batches import untuned
from multigenre.networks._classifier import GenreClassifier
from multigenre.networks._designs import OverviewDesign
from multigenre.networks._recurrent import BidirectionalLSTM

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
    weights pass from one to the other (`multigenre.networks.BidirectionalLSTM`).
    """

    def __init__(
        self, *, design: OverviewDesign = REFERENCE, seed: int | None = None, name: str = "overview_encoder"
    ):
        seeds = iter(child_seeds(seed, 3 + len(design.units)))
        overviews = keras.Input((), dtype="string", name="Overview")
        words = layers.TextVectorization(design.max_tokens, name="Words")
        uniform: Any = keras.initializers.RandomUniform(seed=next(seeds))
        embed = layers.Embedding(
            design.max_tokens, design.embedding, uniform, mask_zero=True, name="Embedding"
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
        glorot: Any = keras.initializers.GlorotUniform(next(seeds))
        x = layers.Dense(design.dense, "relu", kernel_initializer=glorot, name="FC")(x)
        x = layers.Dropout(design.dense_dropout, seed=next(seeds), name="Drop")(x)
        super().__init__(inputs=overviews, outputs=x, name=name)
        self.words, self.design, self.seed = words, design, seed

    def adapt(self, overviews: Iterable[str]) -> None:
        """Learn the vocabulary: the 9,998 (``max_tokens`` less two) most frequent words of the TRAINING overviews.

        Parameters
        ----------
        overviews : iterable of str
            Read once, in parts.

        Raises
        ------
        InputError
            If there is no word in them.
        """
        n_read = n_words = 0

        def parts():
            nonlocal n_read, n_words
            left = map(str, overviews)
            while part := list(itertools.islice(left, 1024)):
                n_read, n_words = n_read + len(part), n_words + sum(bool(text.strip()) for text in part)
                yield part

        texts = tf.TensorSpec((None,), tf.string)
        self.words.adapt(untuned(tf.data.Dataset.from_generator(parts, output_signature=texts)))
        if not n_words:
            raise InputError(f"The vocabulary needs overviews with words in them, got {n_read} without any.")

    @property
    def vocabulary(self) -> list[str]:
        """The learned words by token number; 0 is padding and 1 any unknown word."""
        return self.words.get_vocabulary()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"design": dataclasses.asdict(self.design), "seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build the encoder that `get_config` describes."""
        return cls(**{**config, "design": OverviewDesign(**config["design"])})


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

    _Design = OverviewDesign

    def __init__(
        self,
        genres: Genres | Sequence[str],
        *,
        design: OverviewDesign = REFERENCE,
        seed: int | None = None,
        name: str = "overview_lstm",
    ):
        super().__init__(OverviewEncoder(design=design, seed=seed), genres, seed=seed, name=name)

    def adapt(self, overviews: Iterable[str]) -> None:
        """Learn the vocabulary from TRAINING overviews; see `OverviewEncoder.adapt`."""
        self.encoder.adapt(overviews)

    @property
    def vocabulary(self) -> list[str]:
        """The learned words by token number; 0 is padding and 1 any unknown word."""
        return self.encoder.vocabulary


def overview_predictor(model: OverviewLSTM) -> Callable[[Any], tf.Tensor]:
    """Return a function from overviews to probabilities, compiled once for every number and length of films.

    It gives what ``model(overviews, training=False)`` gives, to rounding, in four fifths of the time for many films
    and in less than half for one. The overviews of a batch share most of their words, so the first layer's products
    with its inputs are made once for each distinct word.

    Parameters
    ----------
    model : OverviewLSTM
        Its weights may change afterwards.

    Returns
    -------
    callable
        From strings of shape (n_films,) to a Tensor of shape (n_films, n_genres), float32 in [0, 1].
    """
    embedding, *lstms, dense = (
        model.encoder.get_layer(name) for name in ("Embedding", "LSTM1", "LSTM2", "FC")
    )
    head = model.get_layer("Output")

    def probabilities(overviews):
        tokens = tf.transpose(model.encoder.words(overviews))
        # Where no overview has a word there is no step, and TensorFlow cannot stack the states of none.
        no_step = tf.cast(tf.shape(tokens)[0] == 0, tf.int32)
        tokens = tf.pad(tokens, tf.stack([[0, no_step], [0, 0]]))
        shape, keep = tf.shape(tokens), tf.expand_dims(tokens, -1) != 0
        words, rows = tf.unique(tf.reshape(tokens, (-1,)))
        states, _ = _both_ways(
            lstms[0], tf.gather(embedding.embeddings, words), tf.reshape(rows, shape), keep
        )
        rows = tf.reshape(tf.range(tf.size(tokens)), shape)
        _, last = _both_ways(lstms[1], tf.reshape(states, (-1, states.shape[-1])), rows, keep)
        return head(dense(last))

    signature = [tf.TensorSpec((None,), tf.string)]
    return tf.function(probabilities, input_signature=signature, autograph=False)


def _both_ways(layer, inputs, rows, keep):
    """Return all states (n_tokens, n_films, 2 units) of a `BidirectionalLSTM`, and the last (n_films, 2 units).

    ``inputs`` is (n_rows, n_inputs), ``rows`` (n_tokens, n_films) says which row each token is, and ``keep``
    (n_tokens, n_films, 1) is False where it is padding.
    """
    weights = [tf.convert_to_tensor(weight) for weight in layer.weights]
    ways = [
        _one_way(weights[:3], inputs, rows, keep),
        _one_way(weights[3:], inputs, rows, keep, backward=True),
    ]
    return tuple(tf.concat(pair, -1) for pair in zip(*ways, strict=True))


def _one_way(weights, inputs, rows, keep, *, backward=False):
    kernel, recurrent, bias = weights
    n_tokens, n_films = tf.unstack(tf.shape(rows))
    units = recurrent.shape[0]
    projected = tf.matmul(inputs, kernel) + bias
    zeros = tf.zeros((n_films, units))

    def step(done, state, cell, states):
        t = n_tokens - 1 - done if backward else done
        z = tf.matmul(state, recurrent) + tf.gather(projected, rows[t])
        let_in, forget, new, let_out = tf.split(z, 4, axis=-1)
        mixed = tf.sigmoid(forget) * cell + tf.sigmoid(let_in) * tf.tanh(new)
        state = tf.where(keep[t], tf.sigmoid(let_out) * tf.tanh(mixed), state)
        return done + 1, state, tf.where(keep[t], mixed, cell), states.write(t, state)

    start = (0, zeros, zeros, tf.TensorArray(tf.float32, n_tokens))
    _, last, _, states = tf.while_loop(lambda done, *_: done < n_tokens, step, start, parallel_iterations=1)
    return tf.reshape(states.stack(), (n_tokens, n_films, units)), last
