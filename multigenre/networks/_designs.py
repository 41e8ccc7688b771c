"""What the two networks are made of; every default is the reference's."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from multigenre._checks import InputError


@dataclass(frozen=True)
class PosterDesign:
    """What `PosterEncoder` is made of.

    Parameters
    ----------
    size : int
        Pixels a side of the posters that it reads.
    filters : sequence of int
        Of the first convolution, which halves the poster, and of each block of two convolutions and a max-pool.
    dense : sequence of int
        Units of the dense layers.
    dropout, dense_dropout : float in [0, 1)
        After each block, and after each dense layer.
    augment : bool
        While training, mirror posters at random and shift them by up to a tenth of their size.

    Raises
    ------
    InputError
        If a number is out of range, or the posters are too small for so many blocks.

    Examples
    --------
    >>> PosterDesign(filters=[16, 32]).filters
    (16, 32)
    """

    size: int = 64
    filters: Sequence[int] = (16, 32, 64, 128)
    dense: Sequence[int] = (1024, 1024)
    dropout: float = 0.2
    dense_dropout: float = 0.5
    augment: bool = False

    def __post_init__(self):
        _check(self, ("size", "filters", "dense"), ("dropout", "dense_dropout"))
        if self.size < 2 ** len(self.filters):
            raise InputError(
                f"{len(self.filters)} numbers of filters need posters of {2 ** len(self.filters)} pixels a side "
                f"or more, got size={self.size}."
            )

    def n_weights(self, n_genres: int) -> int:
        """Return how many numbers `PosterCNN` of this design learns, without making it.

        >>> PosterDesign().n_weights(25)
        3464601
        """
        first, *blocks = self.filters
        total, channels, side = _dense(9 * 3, first), first, -(-self.size // 2)
        for filters in blocks:
            total += _dense(9 * channels, filters) + _dense(9 * filters, filters)
            channels, side = filters, side // 2
        widths = [side * side * channels, *self.dense, n_genres]
        return total + sum(_dense(*pair) for pair in pairwise(widths))


@dataclass(frozen=True)
class OverviewDesign:
    """What `OverviewEncoder` is made of.

    Parameters
    ----------
    max_tokens : int
        Size of the vocabulary, with padding and the unknown word.
    embedding : int
        Dimensions of a word.
    units : sequence of int
        Of each bidirectional LSTM, each way.
    dense : int
        Units of the dense layer, the features.
    dropout, recurrent_dropout, dense_dropout : float in [0, 1)
        Of an LSTM's inputs, of its states, and after the dense layer.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    max_tokens: int = 10_000
    embedding: int = 256
    units: Sequence[int] = (256, 128)
    dense: int = 128
    dropout: float = 0.5
    recurrent_dropout: float = 0.2
    dense_dropout: float = 0.8

    def __post_init__(self):
        _check(
            self,
            ("max_tokens", "embedding", "units", "dense"),
            ("dropout", "recurrent_dropout", "dense_dropout"),
        )
        if self.max_tokens < 3:
            raise InputError(
                "A vocabulary needs max_tokens of 3 or more (padding, the unknown word, a word), "
                f"got {self.max_tokens}."
            )

    def n_weights(self, n_genres: int) -> int:
        """Return how many numbers `OverviewLSTM` of this design learns, without making it.

        >>> OverviewDesign().n_weights(25)
        4303129
        """
        total, width = self.max_tokens * self.embedding, self.embedding
        for units in self.units:
            total += 2 * (width + units + 1) * 4 * units
            width = 2 * units
        return total + _dense(width, self.dense) + _dense(self.dense, n_genres)


def _dense(n_inputs, n_outputs):
    return (n_inputs + 1) * n_outputs


def _check(design, sizes, rates):
    """Raise unless sizes are whole and positive and rates in [0, 1); lists, as JSON has them, become tuples."""
    for name in sizes:
        value = getattr(design, name)
        many = isinstance(value, list | tuple)
        if many:
            object.__setattr__(design, name, tuple(value))
        numbers = value if many else [value]
        if not numbers or not all(isinstance(number, int) and number > 0 for number in numbers):
            raise InputError(f"{type(design).__name__} needs a positive whole {name}, got {value!r}.")
    for name in rates:
        if not 0 <= getattr(design, name) < 1:
            value = getattr(design, name)
            raise InputError(f"{type(design).__name__} needs {name} at least 0 and below 1, got {value!r}.")
