"""`FusionLayer`: a fitted late fusion as a Keras layer, so that members and fusion are one model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import keras
import numpy as np
from keras import ops

from multigenre._checks import InputError, some

if TYPE_CHECKING:
    from multigenre.fusion import LateFusion

MOST_MEMBERS = 8  # a table has a row for each subset of them
LIMIT = 1e-6  # as `logits` clips


@keras.saving.register_keras_serializable(package="multigenre")
class FusionLayer(keras.layers.Layer):
    """What `LateFusion.predict` does, for tensors; `from_fusion` makes it of a fitted one.

    Inputs are a list of each member's probabilities, (n_films, n_genres) in the order of ``members``, with NaN in
    the rows of films for which the member is not present. The output is the fused probabilities, NaN where
    no member is present. Nothing here trains: weights come from the fusion, and are saved with the model.

    Parameters
    ----------
    members : list of str
        Names, in the order of the inputs.
    genres : list of str
        Names of the columns.
    on_probabilities : bool
        Whether weights are of probabilities, not of log-odds.
    see_others : bool
        Whether genres see the evidence for each other.
    **kwargs
        Of `keras.layers.Layer`; the dtype is float32 unless given, whatever the global policy.

    Examples
    --------
    >>> layer = FusionLayer.from_fusion(fusion)  # doctest: +SKIP
    >>> fused = layer([overview_lstm.output, poster_cnn.output])  # doctest: +SKIP
    """

    def __init__(
        self,
        members: Sequence[str],
        genres: Sequence[str],
        *,
        on_probabilities: bool = False,
        see_others: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**{"dtype": "float32", "trainable": False, **kwargs})
        if not 0 < len(members) <= MOST_MEMBERS:
            raise InputError(
                f"A FusionLayer takes 1 to {MOST_MEMBERS} members, got {len(members)}; use LateFusion for more."
            )
        self.members, self.genres = list(members), list(genres)
        self.on_probabilities, self.see_others = on_probabilities, see_others
        n_patterns, n_genres = 2 ** len(self.members), len(self.genres)
        self.stack_weights = self.add_weight(
            shape=(n_patterns, n_genres, 1 + len(self.members)), name="stack_weights", trainable=False
        )
        if see_others:
            self.other_weights = self.add_weight(
                shape=(n_patterns, n_genres, 2 + n_genres), name="other_weights", trainable=False
            )
            self.usual = self.add_weight(shape=(n_patterns, n_genres), name="usual", trainable=False)

    @classmethod
    def from_fusion(cls, fusion: "LateFusion", **kwargs: Any) -> Self:
        """Return the layer that does what a fitted `LateFusion` does.

        Parameters
        ----------
        fusion : LateFusion
        **kwargs
            Of `keras.layers.Layer`, such as ``name``.

        Raises
        ------
        InputError
            If it has more than 8 members.
        """
        members, n_genres = fusion.members_, len(fusion.genres_)
        layer = cls(
            members,
            list(fusion.genres_),
            on_probabilities=fusion.on_probabilities,
            see_others=len(fusion.other_weights()) > 0,
            **kwargs,
        )
        weights = np.full((2 ** len(members), n_genres, 1 + len(members)), np.nan)
        others, usual = np.zeros((*weights.shape[:2], 2 + n_genres)), np.zeros(weights.shape[:2])
        others[:, :, 1] = 1  # the log-odds as they are
        for code in range(1, len(weights)):
            names, stack = fusion.stack_for([name for bit, name in enumerate(members) if code >> bit & 1])
            weights[code] = 0
            weights[code][:, [0, *(1 + members.index(name) for name in names)]] = stack.weights
            if stack.others is not None:
                others[code], usual[code] = stack.others, stack.usual
        layer.set_weights([weights, others, usual] if layer.see_others else [weights])
        return layer

    def call(self, inputs: Sequence[Any]) -> Any:
        """Return fused probabilities (n_films, n_genres)."""
        if len(inputs) != len(self.members):
            raise InputError(
                f"This FusionLayer fuses {some(self.members, MOST_MEMBERS)}, got {len(inputs)} inputs."
            )
        code: Any = 0
        missing: list[Any] = [ops.isnan(member[:, :1]) for member in inputs]
        for bit, gone in enumerate(missing):
            code = code + ops.where(gone[:, 0], 0, 1 << bit)
        weights: Any = ops.take(self.stack_weights, code, axis=0)
        total = weights[:, :, 0]
        for column, (given, gone) in enumerate(zip(inputs, missing, strict=True), start=1):
            # Any number will do where there is none: its weight is 0.
            member: Any = ops.where(gone, ops.cast(0.5, given.dtype), given)
            if not self.on_probabilities:
                member = ops.clip(member, LIMIT, 1 - LIMIT)
                member = ops.log(member) - ops.log1p(-member)  # pyright: ignore[reportOptionalOperand]  # Keras' ops may read as None
            total = total + weights[:, :, column] * member
        if self.on_probabilities:
            return ops.clip(total, 0, 1)
        if self.see_others:
            others: Any = ops.take(self.other_weights, code, axis=0)
            seen = ops.softplus(total - ops.take(self.usual, code, axis=0))
            total = (
                others[:, :, 0] + others[:, :, 1] * total + ops.einsum("bgh,bh->bg", others[:, :, 2:], seen)
            )
        return ops.sigmoid(total)

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        """Return the shape of one input."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again; its weights are saved beside."""
        return {
            **super().get_config(),
            "members": self.members,
            "genres": self.genres,
            "on_probabilities": self.on_probabilities,
            "see_others": self.see_others,
        }
