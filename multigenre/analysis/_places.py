"""Which patches of a poster moved each genre, for any member: each patch covered in turn."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multigenre._checks import InputError, check_ids, check_shape
from multigenre.analysis._occlusion import moved_log_odds
from multigenre.analysis._poster_changes import changed_posters, cover
from multigenre.data import Films, Genres, read_poster

if TYPE_CHECKING:
    from multigenre.fusion import LateFusion
    from multigenre.members import Member


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

    def of(self, genre: str) -> np.ndarray:
        """Return the maps of one genre by its name, (n_films, size, size)."""
        return self.values[:, self.genres.column(genre)]

    def coarse(self, cells: int) -> PosterMaps:
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


def patch_influence(
    members: dict[str, Member],
    films: Films,
    *,
    cells: int = 8,
    fusion: LateFusion | None = None,
    prevalence: pd.Series | None = None,
) -> dict[str, PosterMaps]:
    """Return how far each patch of the posters moved each genre, found by covering it with the poster's mean colour.

    Parameters
    ----------
    members : dict of str to Member
        Fitted, as `GenreEnsemble.members_`; all that read posters see the covered one at once.
    films : Films
        A few: each poster is read once more for each patch.
    cells : int
        Patches a side.
    fusion : LateFusion, optional
        Fitted on these members; adds ``"fused"``.
    prevalence : Series by genre name, optional
        Of the training films; as for `multigenre.analysis.word_influence`.

    Returns
    -------
    dict of str to PosterMaps
        By member and, with a fusion, ``"fused"``: log-odds of the poster less log-odds with the patch covered,
        ``cells`` places a side.

    Raises
    ------
    InputError
        If no member reads posters, or members and fusion do not fit together.

    References
    ----------
    Zeiler, Fergus (2014), "Visualizing and understanding convolutional networks", ECCV.
    """
    if cells < 1:
        raise InputError(f"Patches need at least one cell a side, got cells={cells}.")
    with tempfile.TemporaryDirectory(prefix="multigenre-") as folder:
        # Copies of the whole posters too, so that both went through the same hands.
        whole = changed_posters(films, folder, lambda film, image: image)
        variants = [
            (row, path)
            for row, poster in enumerate(whole.posters)
            if (image := read_poster(poster))
            for path in _covered(image, cells, Path(folder) / f"covered-{row}")
        ]
        options = {"modality": "poster", "fusion": fusion, "prevalence": prevalence}
        genres, moved = moved_log_odds(members, whole, variants, **options)
    owner = np.array([row for row, _ in variants[:: cells**2]], np.intp)
    maps = {}
    for name, changes in moved.items():
        values = np.full((len(films), len(genres), cells, cells), np.nan)
        values[owner] = np.moveaxis(changes.reshape(len(owner), cells, cells, len(genres)), 3, 1)
        maps[name] = PosterMaps(films.ids, genres, values, name)
    return maps


def _covered(image, cells, stem):
    """Write the poster with each patch covered, from the top left, line by line; yield the files."""
    across, down = (np.linspace(0, side, cells + 1).round().astype(int).tolist() for side in image.size)
    for line in range(cells):
        for column in range(cells):
            path = f"{stem}-{line}-{column}.png"
            box = (across[column], down[line], across[column + 1], down[line + 1])
            cover(image, box).save(path, compress_level=1)
            yield path
