"""Which patches of a poster moved each genre, for any member: each patch covered in turn."""

import tempfile
from pathlib import Path

import numpy as np

from multigenre._checks import InputError
from multigenre._occlusion import moved_log_odds
from multigenre.poster_changes import changed_posters, cover, read_poster
from multigenre.poster_maps import PosterMaps


def patch_influence(members, films, *, cells=8, fusion=None, prevalence=None):
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
        Of the training films; as for `multigenre.word_influence.word_influence`.

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
            if poster and (image := read_poster(poster))
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
