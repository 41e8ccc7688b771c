"""The bidirectional LSTM of the overview encoder: Keras's mathematics, in fewer and larger steps."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from multigenre._checks import InputError
from multigenre._seeds import child_seeds

# Inside, arrays are (gate, ...) with the gates in the order input, forget, output, candidate, so that one
# sigmoid covers the first three. Keras's weights hold them as input, forget, candidate, output.
_GATES = (0, 1, 3, 2)


def draw_dropout(shape: Any, rate: float, seed: Any) -> Any:
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


def bidirectional_lstm(
    inputs: tf.Tensor,
    weights: Sequence[tf.Tensor],
    keep: tf.Tensor,
    input_mask: tf.Tensor | None = None,
    state_mask: tf.Tensor | None = None,
    *,
    compiled: bool = False,
) -> tuple[tf.Tensor, ...]:
    """Run an LSTM over sequences in both directions.

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
    compiled : bool
        Let XLA join what is not a matrix product of a step. It pays where many batches have one number of
        films, because each number is compiled for some tenths of a second.

    Returns
    -------
    forward, backward : Tensor of shape (n_tokens, n_films, units)
        The state after each step; the backward direction's first step is the last token.

    References
    ----------
    Hochreiter, Schmidhuber (1997), Long Short-Term Memory. Gal, Ghahramani (2016), arXiv:1512.05287, for
    masks that stay the same over a sequence.
    """
    steps = tf.transpose(inputs, (1, 0, 2))
    # As numbers, because oneDNN logs an error where it has no transpose of booleans; and not by a cast, which
    # TensorFlow's optimiser would move behind the transpose.
    keep = tf.expand_dims(tf.transpose(tf.where(keep, 1.0, 0.0)), -1) > 0
    ways = []
    # Two loops that know nothing of each other: each product is too small for two cores, the two loops are not.
    for way, read in enumerate((tf.identity, lambda values: tf.reverse(values, (0,)))):
        masks = [None if mask is None else mask[:, way] for mask in (input_mask, state_mask)]
        kernel, recurrent, bias = (_by_gate(weight) for weight in weights[3 * way : 3 * way + 3])
        projected = _project(read(steps), kernel, masks[0])
        ways.append(_scan(projected, recurrent, bias, read(keep), masks[1], compiled=compiled))
    return tuple(ways)


def _by_gate(weight):
    """Return a weight as (4, ..., units)."""
    gates = tf.split(weight, 4, axis=-1)
    return tf.stack([gates[gate] for gate in _GATES])


def _project(steps, kernel, mask):
    """Return the products of all inputs, (4, n_tokens, n_films, units): masks do not change over a sequence."""
    steps = steps[None] if mask is None else steps * mask[:, None]
    n_masks, n_tokens, n_films, n_inputs = tf.unstack(tf.shape(steps))
    projected = tf.reshape(steps, (n_masks, n_tokens * n_films, n_inputs)) @ kernel
    return tf.reshape(projected, (4, n_tokens, n_films, kernel.shape[-1]))


def _advance(product, projected, bias, mask, state, cell, keep):
    """Return what a step makes of its products: the state, dropped out too, the cell, and gates for later."""
    z = product + projected + bias
    gates, new = tf.sigmoid(z[:3]), tf.tanh(z[3])
    mixed = gates[1] * cell + gates[0] * new
    squashed = tf.tanh(mixed)
    state = tf.where(keep, gates[2] * squashed, state)
    return state, _masked(state[None], mask), tf.where(keep, mixed, cell), gates, new, squashed


def _retreat(d_state, d_product, mask, d_rest, d_cell, saved, keep):
    """Return the gradients of a step's gates, and those of the state and the cell before it.

    ``d_state`` comes from the step's output, ``d_product`` and ``d_rest`` from the step after it.
    """
    cell, gates, new, squashed = saved
    d_state = d_state + tf.reduce_sum(_masked(d_product, mask), 0) + d_rest
    # A masked token takes no part: its share goes straight to the step before.
    zeros = tf.zeros_like(d_state)
    live, live_cell = tf.where(keep, d_state, zeros), tf.where(keep, d_cell, zeros)
    d_mixed = live_cell + live * gates[2] * (1 - squashed * squashed)
    d_sigmoids = tf.stack([d_mixed * new, d_mixed * cell, live * squashed]) * gates * (1 - gates)
    d_new = d_mixed * gates[0] * (1 - new * new)
    d = tf.concat([d_sigmoids, d_new[None]], 0)
    return d, d_state - live, d_mixed * gates[1] + (d_cell - live_cell)


_compiled_advance, _compiled_retreat = (
    tf.function(step, jit_compile=True, autograph=False) for step in (_advance, _retreat)
)


def _masked(values, mask):
    return values if mask is None else values * mask


def _scan(projected, recurrent, bias, keep, mask, *, compiled):
    """Return the state after each step, (n_tokens, n_films, units), with a backward pass written by hand.

    Automatic differentiation would multiply for the recurrent weights' gradient once a step; here it is one
    product. ``projected`` is (4, n_tokens, n_films, units) and ``keep`` (n_tokens, n_films, 1).
    """
    _, n_tokens, n_films, units = tf.unstack(tf.shape(projected))
    advance = _compiled_advance if compiled else _advance
    retreat = _compiled_retreat if compiled else _retreat
    zeros = tf.zeros((n_films, units), projected.dtype)
    # Spelt out, because TensorFlow broadcasts several times slower than it selects or adds.
    keep = tf.broadcast_to(keep, (n_tokens, n_films, units))
    n_masks = 1 if mask is None else tf.shape(mask)[0]

    def array():
        return tf.TensorArray(projected.dtype, n_tokens)

    def stacked(array, *shape):
        # Without tokens nothing was written, and the stack of nothing forgets its shape.
        return tf.reshape(array.stack(), (n_tokens, *shape, n_films, units))

    def over(n_tokens, step, start, n_arrays):
        """Run a step for every token; return the arrays that it fills."""
        start = (*start, *(array() for _ in range(n_arrays)))
        return tf.while_loop(lambda t, *_: (t >= 0) & (t < n_tokens), step, start, parallel_iterations=1)

    @tf.custom_gradient
    def scan(projected, recurrent, bias):
        offset = tf.broadcast_to(bias[:, None], (4, n_films, units))

        def step(t, state, dropped, cell, *saved):
            product = tf.matmul(dropped, recurrent)
            before = cell
            state, dropped, cell, *gates = advance(
                product, projected[:, t], offset, mask, state, cell, keep[t]
            )
            values = (state, before, *gates)
            saved = [to.write(t, value) for to, value in zip(saved, values, strict=True)]
            return t + 1, state, dropped, cell, *saved

        dropped = tf.zeros((n_masks, n_films, units), projected.dtype)
        *_, states, cells, gates, news, squasheds = over(n_tokens, step, (0, zeros, dropped, zeros), 5)
        states = stacked(states)

        def gradient(d_states):
            def step(t, d_product, d_rest, d_cell, d_gates):
                saved = tuple(array.read(t) for array in (cells, gates, news, squasheds))
                d, d_rest, d_cell = retreat(d_states[t], d_product, mask, d_rest, d_cell, saved, keep[t])
                return t - 1, tf.matmul(d, recurrent, transpose_b=True), d_rest, d_cell, d_gates.write(t, d)

            d_product = tf.zeros((4, n_films, units), projected.dtype)
            *_, d_gates = over(n_tokens, step, (n_tokens - 1, d_product, zeros, zeros), 1)
            d_projected = tf.transpose(stacked(d_gates, 4), (1, 0, 2, 3))
            before = tf.concat([zeros[None], states], 0)[:n_tokens][None]
            before = _masked(before, None if mask is None else mask[:, None])
            before, d = (
                tf.reshape(each, (tf.shape(each)[0], n_tokens * n_films, units))
                for each in (before, d_projected)
            )
            return d_projected, tf.matmul(before, d, transpose_a=True), tf.reduce_sum(d, 1)

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
        self,
        units: int,
        *,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        seed: int | None = None,
        **kwargs: Any,
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

    def build(self, input_shape: Sequence[int]) -> None:
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

    def call(self, inputs: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """Return the states, (n_films, 2 units) or, returning sequences, (n_films, n_tokens, 2 units)."""
        n_films, n_tokens = tf.unstack(tf.shape(inputs)[:2])
        keep = tf.ones((n_films, n_tokens), tf.bool) if mask is None else tf.cast(mask, tf.bool)
        weights = [tf.convert_to_tensor(weight) for weight in self._directions]
        masks = self.draw_masks(n_films, inputs.shape[-1]) if training else (None, None)
        # A step that is not traced is not a step that runs many times.
        compiled = training and not tf.executing_eagerly()
        forward, backward = bidirectional_lstm(inputs, weights, keep, *masks, compiled=compiled)
        if not self.return_sequences:
            # A sum over the last step, where there is one: sequences without tokens give zeros.
            return tf.reduce_sum(tf.concat([forward, backward], -1)[-1:], 0)
        states = tf.transpose(tf.concat([forward, tf.reverse(backward, (0,))], -1), (1, 0, 2))
        return tf.where(tf.expand_dims(keep, -1), states, tf.zeros((), states.dtype))

    def draw_masks(self, n_films: Any, n_inputs: int | None) -> tuple[Any, ...]:
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

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask where there is still a token axis, else None."""
        return mask if self.return_sequences else None

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the output's shape for an input's."""
        kept = 2 if self.return_sequences else 1
        return (*input_shape[:kept], 2 * self.units)

    def get_config(self) -> dict[str, Any]:
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
