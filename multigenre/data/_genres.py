"""Genre names in a fixed order, and the multi-hot labels whose columns they name."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from multigenre._checks import InputError, check_labels, check_shape, some


class Genres:
    """Ordered, distinct genre names: the only way from a column of numbers to a genre and back.

    Parameters
    ----------
    names : iterable of str
        In the order of the columns of every array they describe.

    Raises
    ------
    InputError
        If there is no name, an empty one, or one that comes twice.

    Examples
    --------
    >>> genres = Genres(["Action", "Comedy", "Drama"])
    >>> genres.encode([["Drama", "Comedy"], []])
    array([[0, 1, 1],
           [0, 0, 0]], dtype=uint8)
    >>> genres.decode([[0, 1, 1], [1, 0, 0]])
    [('Comedy', 'Drama'), ('Action',)]
    """

    def __init__(self, names: Iterable[str]):
        if isinstance(names, str):
            raise InputError(f"Genres needs a list of names, got the single text {names!r}.")
        self.names = tuple(str(name).strip() for name in names)
        if not self.names:
            raise InputError("Genres needs at least one name, got none.")
        if "" in self.names:
            raise InputError("A genre's name must not be empty.")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise InputError(f"Each genre must be named once, but {some(twice)} came twice.")
        self._column = {name: column for column, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name):
        return name in self._column

    def __eq__(self, other):
        return isinstance(other, Genres) and self.names == other.names

    def __hash__(self):
        return hash(self.names)

    def __repr__(self):
        return f"Genres({list(self.names)!r})"

    def column(self, name: str) -> int:
        """Return the column that holds the genre ``name``.

        Raises
        ------
        InputError
            If no genre has this name.
        """
        if name not in self._column:
            raise InputError(f"{name!r} is not one of the {len(self)} genres: {some(self.names, most=30)}.")
        return self._column[name]

    def encode(self, films: Iterable[Iterable[str]]) -> np.ndarray:
        """Return multi-hot labels for a list of genre names a film.

        Parameters
        ----------
        films : iterable of iterables of str

        Returns
        -------
        ndarray of shape (n_films, n_genres), uint8
        """
        films = list(films)
        labels = np.zeros((len(films), len(self)), np.uint8)
        for row, names in enumerate(films):
            labels[row, [self.column(name) for name in names]] = 1
        return labels

    def decode(self, labels: np.ndarray | pd.DataFrame) -> list[tuple[str, ...]]:
        """Return the names of the positive columns of each row.

        Parameters
        ----------
        labels : array of shape (n_films, n_genres), 0 or 1

        Returns
        -------
        list of tuple of str
        """
        labels = check_labels(labels, (len(labels), len(self)))
        return [tuple(self.names[column] for column in np.flatnonzero(row)) for row in labels]

    def top(self, values: np.ndarray, k: int = 3) -> list[list[tuple[str, float]]]:
        """Return the ``k`` most probable genres of each film, most probable first.

        Parameters
        ----------
        values : array of shape (n_films, n_genres), float
        k : int

        Returns
        -------
        list of list of (str, float)
        """
        values = check_shape(values, (len(values), len(self)), "Values to rank").astype(float)
        order = np.argsort(-values, axis=1, kind="stable")[:, :k]
        return [
            [(self.names[column], float(row[column])) for column in columns]
            for row, columns in zip(values, order, strict=True)
        ]

    def support(self, labels: np.ndarray) -> pd.Series:
        """Return how many films carry each genre, as a Series indexed by name."""
        labels = check_labels(labels, (len(labels), len(self)))
        return pd.Series(labels.sum(axis=0, dtype=np.int64), index=list(self.names), name="support")

    def prevalence(self, labels: np.ndarray) -> pd.Series:
        """Return the share of films that carry each genre, as a Series indexed by name."""
        return (self.support(labels) / max(len(labels), 1)).rename("prevalence")

    def cardinality(self, labels: np.ndarray) -> float:
        """Return the mean number of genres a film."""
        return float(self.support(labels).sum() / max(len(labels), 1))
