"""`PosterMaps`: how far each place of each poster moved each genre."""

from dataclasses import dataclass

import numpy as np

from multigenre._checks import InputError, check_ids, check_shape
from multigenre.genres import Genres


@dataclass(frozen=True, eq=False)
class PosterMaps:
    """Heat maps of posters: how far each place of each poster moved each genre.

    Parameters
    ----------
    ids : sequence of str, length n_films
    genres : Genres
    values : array of shape (n_films, n_genres, size, size), float
        Log-odds; positive: what is there speaks for the genre. NaN for films without a poster. Rows go from top to
        bottom, over the whole poster, whatever its shape.
    name : str
        Which member, or ``"fused"``.

    Raises
    ------
    InputError
        If there is not a map for each film and genre.

    Examples
    --------
    >>> maps = PosterMaps(["tt1"], ["Horror"], [[[[0.2, 0.1], [-0.5, 0.0]]]], "poster-cnn")
    >>> maps.of("Horror")[0]
    array([[ 0.2,  0.1],
           [-0.5,  0. ]])
    """

    ids: np.ndarray
    genres: Genres
    values: np.ndarray
    name: str

    def __post_init__(self):
        genres = self.genres if isinstance(self.genres, Genres) else Genres(self.genres)
        object.__setattr__(self, "ids", check_ids(self.ids))
        object.__setattr__(self, "genres", genres)
        values = np.asarray(self.values, float)
        shape = (len(self.ids), len(genres), *values.shape[2:])
        object.__setattr__(self, "values", check_shape(values, shape, f"Heat maps of {self.name}"))

    def of(self, genre):
        """Return the maps of one genre by its name, (n_films, size, size)."""
        return self.values[:, self.genres.column(genre)]

    def coarse(self, cells):
        """Return the same maps with ``cells`` a side, each the sum of what it holds, so that totals stay.

        Raises
        ------
        InputError
            If the size is no multiple of the cells.
        """
        films, genres, size, _ = self.values.shape
        if cells < 1 or size % cells:
            raise InputError(
                f"Maps of {size} places a side have no {cells} equal cells; give a divisor of {size}."
            )
        blocks = self.values.reshape(films, genres, cells, size // cells, cells, size // cells)
        return PosterMaps(self.ids, self.genres, blocks.sum(axis=(3, 5)), self.name)
