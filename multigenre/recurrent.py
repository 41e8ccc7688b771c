"""The bidirectional LSTM of the overview encoder: Keras's mathematics, one loop for both directions."""

import keras
import tensorflow as tf

from multigenre._checks import InputError
from multigenre._seeds import child_seeds

# Inside, arrays are (gate, direction, ...) with the gates in the order input, forget, output, candidate, so
# that one sigmoid covers the first three. Keras's weights hold them as input, forget, candidate, output.
_GATES = (0, 1, 3, 2)


def draw_dropout(shape, rate, seed):
    """Return a dropout mask: 0 with probability ``rate``, else ``1 / (1 - rate)``.

    Parameters
    ----------
    shape : tuple of int or Tensor
    rate : float in [0, 1)
    seed : keras.random.SeedGenerator or int

    Returns
    -------
    Tensor of ``shape``, float32
    """
    return keras.random.dropout(tf.ones(shape), rate, seed=seed)


def bidirectional_lstm(inputs, weights, keep, input_mask=None, state_mask=None):
    """Run an LSTM over sequences in both directions at once.

    Parameters
    ----------
    inputs : Tensor of shape (n_films, n_tokens, n_inputs), float
    weights : list of six Tensors
        As ``Bidirectional(LSTM(units)).weights`` of Keras: kernel (n_inputs, 4 units), recurrent kernel
        (units, 4 units) and bias (4 units,) of the forward direction, then of the backward one.
    keep : Tensor of shape (n_films, n_tokens), bool
        False where a token is padding: the state passes it unchanged.
    input_mask, state_mask : Tensor of shape (1 or 4, 2, n_films, n_inputs or units), optional
        Dropout masks: one a gate (input, forget, output, candidate) or one for all, one a direction.

    Returns
    -------
    Tensor of shape (n_tokens, 2, n_films, units)
        The state after each step; the backward direction's first step is the last token.

    References
    ----------
    Hochreiter, Schmidhuber (1997), Long Short-Term Memory. Gal, Ghahramani (2016), arXiv:1512.05287, for
    masks that stay the same over a sequence.
    """
    kernel, recurrent, bias = (_by_gate(pair) for pair in zip(weights[:3], weights[3:], strict=True))
    # Masks do not change over a sequence, so one product projects all of its tokens.
    inputs = _both_directions(inputs)[None]
    inputs = inputs if input_mask is None else inputs * input_mask[:, :, None]
    n_masks, _, n_tokens, n_films, n_inputs = tf.unstack(tf.shape(inputs))
    projected = tf.reshape(inputs, (n_masks, 2, n_tokens * n_films, n_inputs)) @ kernel
    projected = tf.reshape(projected, (4, 2, n_tokens, n_films, bias.shape[-1]))
    # As numbers, because oneDNN logs an error where it has no transpose of booleans.
    keep = _both_directions(tf.cast(keep, inputs.dtype)[..., None])
    keep = tf.transpose(keep, (1, 0, 2, 3)) > 0
    return _scan(projected, recurrent, bias, keep, state_mask)


def _by_gate(pair):
    """Return one kind of weight of both directions as (4, 2, ..., units)."""
    gates = tf.split(tf.stack(pair), 4, axis=-1)
    return tf.stack([gates[gate] for gate in _GATES])


def _both_directions(values):
    """Return (2, n_tokens, n_films, ...): the tokens, and the tokens from the last to the first."""
    steps = tf.transpose(values, (1, 0, 2))
    return tf.stack([steps, tf.reverse(steps, (0,))])


def _scan(projected, recurrent, bias, keep, state_mask):
    """Return the state after each step, (n_tokens, 2, n_films, units), with a backward pass written by hand.

    Automatic differentiation would multiply for the recurrent weights' gradient once a step; here it is one
    product. ``projected`` is (4, 2, n_tokens, n_films, units) and ``keep`` (n_tokens, 2, n_films, 1).
    """
    _, _, n_tokens, n_films, units = tf.unstack(tf.shape(projected))
    zeros = tf.zeros((2, n_films, units), projected.dtype)
    # Spelt out, because TensorFlow broadcasts several times slower than it selects.
    keep = tf.broadcast_to(keep, (n_tokens, 2, n_films, units))

    def array():
        return tf.TensorArray(projected.dtype, n_tokens)

    def stacked(array, *shape):
        # Without tokens nothing was written, and the stack of nothing forgets its shape.
        return tf.reshape(array.stack(), (n_tokens, *shape, n_films, units))

    def masked(values, mask=state_mask):
        return values if mask is None else values * mask

    @tf.custom_gradient
    def scan(projected, recurrent, bias):
        offset = tf.broadcast_to(bias[:, :, None], (4, 2, n_films, units))

        def step(t, state, cell, *saved):
            z = tf.add_n([tf.matmul(masked(state[None]), recurrent), projected[:, :, t], offset])
            gates, new = tf.sigmoid(z[:3]), tf.tanh(z[3])
            mixed = gates[1] * cell + gates[0] * new
            squashed = tf.tanh(mixed)
            state = tf.where(keep[t], gates[2] * squashed, state)
            values = (state, cell, gates, new, squashed)
            saved = [to.write(t, value) for to, value in zip(saved, values, strict=True)]
            return t + 1, state, tf.where(keep[t], mixed, cell), *saved

        *_, states, cells, gates, news, squasheds = tf.while_loop(
            lambda t, *_: t < n_tokens,
            step,
            (0, zeros, zeros, *(array() for _ in range(5))),
            parallel_iterations=1,
        )
        states = stacked(states, 2)

        def gradient(d_states):
            def step(t, d_state, d_cell, d_gates):
                d_state += d_states[t]
                cell, gate, new, squashed = (saved.read(t) for saved in (cells, gates, news, squasheds))
                # A masked token takes no part: its share goes straight to the step before.
                live, live_cell = (tf.where(keep[t], each, zeros) for each in (d_state, d_cell))
                d_mixed = live_cell + tf.raw_ops.TanhGrad(y=squashed, dy=live * gate[2])
                d_sigmoids = tf.stack([d_mixed * new, d_mixed * cell, live * squashed])
                d_sigmoids = tf.raw_ops.SigmoidGrad(y=gate, dy=d_sigmoids)
                d_new = tf.raw_ops.TanhGrad(y=new, dy=d_mixed * gate[0])
                d = tf.concat([d_sigmoids, d_new[None]], 0)
                d_before = tf.unstack(masked(tf.matmul(d, recurrent, transpose_b=True)), 4)
                d_state = tf.add_n([*d_before, d_state - live])
                return t - 1, d_state, d_mixed * gate[1] + (d_cell - live_cell), d_gates.write(t, d)

            *_, d_gates = tf.while_loop(
                lambda t, *_: t >= 0, step, (n_tokens - 1, zeros, zeros, array()), parallel_iterations=1
            )
            d_projected = tf.transpose(stacked(d_gates, 4, 2), (1, 2, 0, 3, 4))
            before = tf.transpose(tf.concat([zeros[None], states], 0)[:n_tokens], (1, 0, 2, 3))[None]
            before = masked(before, None if state_mask is None else state_mask[:, :, None])
            before, d = (
                tf.reshape(each, (tf.shape(each)[0], 2, n_tokens * n_films, units))
                for each in (before, d_projected)
            )
            return d_projected, tf.matmul(before, d, transpose_a=True), tf.reduce_sum(d, 2)

        return states, gradient

    return scan(projected, recurrent, bias)


@keras.saving.register_keras_serializable(package="multigenre")
class BidirectionalLSTM(keras.layers.Layer):
    """The layer ``Bidirectional(LSTM(units))`` of Keras, several times faster on a CPU.

    The mathematics, the dropout and the order of the weights are Keras's, so weights go from one to the other
    with ``get_weights`` and ``set_weights``.

    Parameters
    ----------
    units : int
        States each way; the output is twice as wide, forward then backward.
    dropout, recurrent_dropout : float in [0, 1)
        Share of inputs, and of states, that a sequence never sees in training. With recurrent dropout every
        gate has a mask of its own; without it one mask of the inputs serves all gates.
    return_sequences : bool
        Give the states after every token (zero where masked) rather than the last.
    seed : int, optional
        Makes initial weights and dropout repeatable.

    Raises
    ------
    InputError
        If ``units`` is not positive or a rate is outside [0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> layer = BidirectionalLSTM(3, return_sequences=True, seed=0)
    >>> layer(np.ones((2, 5, 4), "float32"), mask=np.ones((2, 5), bool)).shape
    TensorShape([2, 5, 6])
    """

    def __init__(
        self, units, *, dropout=0.0, recurrent_dropout=0.0, return_sequences=False, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        if units < 1:
            raise InputError(f"BidirectionalLSTM needs at least one unit, got units={units}.")
        for name, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not 0 <= rate < 1:
                raise InputError(f"BidirectionalLSTM needs {name} at least 0 and below 1, got {rate}.")
        self.units = units
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.return_sequences = return_sequences
        self.seed = seed
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)
        *self._weight_seeds, dropout_seed = child_seeds(seed, 5)
        self.seed_generator = keras.random.SeedGenerator(dropout_seed)

    def build(self, input_shape):
        """Make the weights of both directions, in Keras's order."""
        n_inputs, units, seeds = input_shape[-1], self.units, iter(self._weight_seeds)
        self._directions = []
        for name in ("forward", "backward"):
            for kind, shape, initializer in (
                ("kernel", (n_inputs, 4 * units), keras.initializers.GlorotUniform(next(seeds))),
                ("recurrent_kernel", (units, 4 * units), keras.initializers.Orthogonal(seed=next(seeds))),
                ("bias", (4 * units,), _forget_bias),
            ):
                self._directions.append(
                    self.add_weight(shape=shape, initializer=initializer, name=f"{name}_{kind}")
                )

    def call(self, inputs, mask=None, training=False):
        """Return the states, (n_films, 2 units) or, returning sequences, (n_films, n_tokens, 2 units)."""
        n_films, n_tokens = tf.unstack(tf.shape(inputs)[:2])
        keep = tf.ones((n_films, n_tokens), bool) if mask is None else tf.cast(mask, bool)
        weights = [tf.convert_to_tensor(weight) for weight in self._directions]
        masks = self.draw_masks(n_films, inputs.shape[-1]) if training else (None, None)
        states = bidirectional_lstm(inputs, weights, keep, *masks)
        if not self.return_sequences:
            # A sum over the last step, where there is one: sequences without tokens give zeros.
            return tf.concat(tf.unstack(tf.reduce_sum(states[-1:], 0)), -1)
        forward, backward = tf.unstack(states, axis=1)
        states = tf.transpose(tf.concat([forward, tf.reverse(backward, (0,))], -1), (1, 0, 2))
        return tf.where(keep[..., None], states, tf.zeros((), states.dtype))

    def draw_masks(self, n_films, n_inputs):
        """Return one batch's dropout masks of the inputs and of the states, None where nothing is dropped.

        Returns
        -------
        tuple of Tensor of shape (n_masks, 2, n_films, n_inputs or units), or None
            One mask a gate with recurrent dropout, else one for all gates; one a direction.
        """
        n_masks = 4 if self.recurrent_dropout else 1
        return tuple(
            tf.cast(draw_dropout((n_masks, 2, n_films, width), rate, self.seed_generator), self.compute_dtype)
            if rate
            else None
            for rate, width in ((self.dropout, n_inputs), (self.recurrent_dropout, self.units))
        )

    def compute_mask(self, inputs, mask=None):
        """Return the mask where there is still a token axis, else None."""
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape):
        """Return the output's shape for an input's."""
        kept = 2 if self.return_sequences else 1
        return (*input_shape[:kept], 2 * self.units)

    def get_config(self):
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "units": self.units,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "return_sequences": self.return_sequences,
            "seed": self.seed,
        }


def _forget_bias(shape, dtype=None):
    """Return zeros, and ones for the forget gate."""
    return tf.cast(tf.range(shape[0]) // (shape[0] // 4) == 1, dtype or "float32")
