"""A small network over bags of words: one hidden layer, trained on the few features that a batch holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy import sparse
from scipy.special import expit

SMALLEST_BATCH, LARGEST_BATCH = 32, 128
LEARNING_RATE = 4e-3
FEATURE_DROPOUT = 0.88
UNIT_DROPOUT = 0.5


class BagNetwork(NamedTuple):
    """Sums of embeddings, rectified, and a sigmoid a genre; also the shape of its gradients.

    Attributes
    ----------
    embeddings : ndarray of shape (n_features, n_units), float32
    offsets : ndarray of shape (n_units,), float32
    weights : ndarray of shape (n_units, n_genres), float32
    intercepts : ndarray of shape (n_genres,), float32

    References
    ----------
    Joulin, Grave, Bojanowski, Mikolov (2017), Bag of Tricks for Efficient Text Classification, arXiv:1607.01759.
    Iyyer, Manjunatha, Boyd-Graber, Daumé (2015), Deep Unordered Composition Rivals Syntactic Methods for Text
    Classification, ACL: a network over averaged embeddings, and dropout of whole words.
    """

    embeddings: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    @classmethod
    def start(cls, n_features: int, n_units: int, intercepts: np.ndarray, rng: np.random.Generator) -> Self:
        """Return an untrained network whose log-odds are close to ``intercepts`` for every film."""
        return cls(
            rng.normal(0, 0.1, (n_features, n_units)).astype(np.float32),
            np.zeros(n_units, np.float32),
            rng.normal(0, 0.1 * n_units**-0.5, (n_units, len(intercepts))).astype(np.float32),
            np.array(intercepts, np.float32),
        )

    @classmethod
    def side_by_side(cls, networks: Sequence[Self]) -> Self:
        """Return one wider network whose log-odds are the mean of those of all."""
        embeddings, offsets, weights, intercepts = zip(*networks, strict=True)
        return cls(
            np.concatenate(embeddings, axis=1),
            np.concatenate(offsets),
            np.concatenate(weights) / len(networks),
            np.mean(intercepts, axis=0),
        )

    def widen(self, known: np.ndarray, intercepts: np.ndarray) -> Self:
        """Return the network with all genres: its own where ``known``, else the same ``intercepts`` for any film."""
        weights = np.zeros((len(self.weights), len(known)), np.float32)
        weights[:, known] = self.weights
        intercepts = np.array(intercepts, np.float32)
        intercepts[known] = self.intercepts
        return self._replace(weights=weights, intercepts=intercepts)

    def log_odds(self, features: sparse.csr_matrix) -> np.ndarray:
        """Return log-odds of shape (n_films, n_genres) for sparse features of shape (n_films, n_features)."""
        units = np.maximum(features @ self.embeddings + self.offsets, 0)
        return units @ self.weights + self.intercepts

    def gradients(self, features: sparse.csr_matrix, labels: np.ndarray, mask: np.ndarray) -> BagNetwork:
        """Return the gradients of the mean loss of a film, as another `BagNetwork`.

        The loss of a film is the sum of its genres' binary cross-entropies; ``mask`` is the dropout of the units,
        of shape (n_films, n_units), 0 or ``1 / (1 - rate)``.
        """
        sums = features @ self.embeddings + self.offsets
        units = np.maximum(sums, 0) * mask
        errors = (expit(units @ self.weights + self.intercepts) - labels) / np.float32(len(labels))
        back = errors @ self.weights.T * mask * (sums > 0)
        return BagNetwork(features.T @ back, back.sum(axis=0), units.T @ errors, errors.sum(axis=0))


class Adam:
    """Adam for one array, of which a step may change some rows only ("lazy" Adam).

    Rows without a gradient keep their value and their moments, which in Adam proper would decay. A batch holds
    a tenth of all features, so a step costs a tenth, and a rare word learns as fast as a frequent one.

    Parameters
    ----------
    values : ndarray, float
        Changed in place.
    learning_rate : float

    References
    ----------
    Kingma, Ba (2015), Adam: A Method for Stochastic Optimization, arXiv:1412.6980. The constants and the place of
    epsilon are those of ``keras.optimizers.Adam``.
    """

    def __init__(self, values: np.ndarray, learning_rate: float = LEARNING_RATE):
        self.values, self.learning_rate = values, learning_rate
        self._means, self._squares = np.zeros_like(values), np.zeros_like(values)

    def step(self, number: int, gradient: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Take step ``number``, counted from 1, along the gradient of ``rows``; None for all."""
        rows = np.arange(len(self.values)) if rows is None else rows
        length = self.learning_rate * (1 - 0.999**number) ** 0.5 / (1 - 0.9**number)
        # Some rows at a time stay in the processor's cache: twice as fast as all of them at once.
        for first in range(0, len(rows), 256):
            part = slice(first, first + 256)
            self._change(rows[part], gradient[part], length)

    def _change(self, rows, gradient, length):
        means = 0.9 * self._means[rows] + 0.1 * gradient
        squares = 0.999 * self._squares[rows] + 0.001 * gradient**2
        self._means[rows], self._squares[rows] = means, squares
        self.values[rows] -= length * means / (np.sqrt(squares) + 1e-7)


def drop_features(
    features: sparse.csr_matrix, rate: float, rng: np.random.Generator
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return the features that dropout leaves to these films, and which columns they are.

    Each film loses each of its features with probability ``rate``; the others grow by ``1 / (1 - rate)``. Columns
    that no film has left are taken out.

    Returns
    -------
    features : sparse matrix of shape (n_films, n_left), float32
    left : ndarray of shape (n_left,), int
    """
    keep = rng.random(features.nnz, dtype=np.float32) >= rate
    left, columns = np.unique(features.indices[keep], return_inverse=True)
    values = features.data[keep] / np.float32(1 - rate)
    ends = np.concatenate([[0], np.cumsum(keep)])[features.indptr]
    return sparse.csr_matrix((values, columns, ends), shape=(len(ends) - 1, len(left))), left


def batch_size(n_films: int) -> int:
    """Return how many films a step sees: 128, fewer of a small catalogue so that 32 steps or so make an epoch.

    What a network has learned depends on how often it saw each film; with few films in large batches that would be
    too few steps.

    >>> [batch_size(n_films) for n_films in (100, 2000, 5000, 100_000)]
    [32, 62, 128, 128]
    """
    return min(max(n_films // 32, SMALLEST_BATCH), LARGEST_BATCH)


def train_network(
    network: BagNetwork,
    features: sparse.csr_matrix,
    labels: np.ndarray,
    *,
    epochs: int,
    rng: np.random.Generator,
    after_epoch: Callable[[], object] | None = None,
) -> None:
    """Train a network in place.

    Parameters
    ----------
    network : BagNetwork
    features : sparse matrix of shape (n_films, n_features), float32, CSR
    labels : array of shape (n_films, n_genres), 0 or 1
    epochs : int
    rng : numpy.random.Generator
        Of the order of films and of dropout.
    after_epoch : callable, optional
        Called without arguments.
    """
    labels = np.asarray(labels, np.float32)
    embeddings, *others = (Adam(values) for values in network)
    number, size = 0, batch_size(len(labels))
    for _ in range(epochs):
        order = rng.permutation(len(labels))
        for first in range(0, len(order), size):
            films, number = order[first : first + size], number + 1
            batch, left = drop_features(features[films], FEATURE_DROPOUT, rng)
            mask = rng.random((len(films), len(network.offsets)), dtype=np.float32) >= UNIT_DROPOUT
            held = network._replace(embeddings=network.embeddings[left])
            found, *rest = held.gradients(batch, labels[films], mask / np.float32(1 - UNIT_DROPOUT))
            embeddings.step(number, found, left)
            for adam, gradient in zip(others, rest, strict=True):
                adam.step(number, gradient)
        if after_epoch:
            after_epoch()
