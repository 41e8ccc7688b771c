"""Posters made small: to look at in a page, and to say how bright and colourful they are."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from multigenre.film_attributes import poster_look
from multigenre.film_cards import small_poster

SHOWN, LOOKED_AT, QUALITY = (132, 198), (48, 72), 68  # pixels; of JPEG, 1 to 95


def thumbnail(path):
    """Return a poster as the ``data:`` address of a JPEG of at most 132 x 198 pixels; None if it cannot be read."""
    image = small_poster(path) if path else None
    if image is None:
        return None
    image.thumbnail(SHOWN)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def poster_looks(films, *, progress=None):
    """Return how bright and how colourful the posters of films are, looked at in 48 x 72 pixels.

    Parameters
    ----------
    films : Films
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    DataFrame of float, indexed by film id
        ``poster brightness`` and ``poster colourfulness``, see `multigenre.film_attributes.poster_look`; NaN
        without a poster that can be read.
    """
    looks, pixels, kept = np.full((len(films), 2), np.nan), [], []
    with ThreadPoolExecutor() as pool:
        for row, image in enumerate(pool.map(_small, films.posters)):
            if image is not None:
                pixels.append(image)
                kept.append(row)
            if progress and (row + 1) % 100 in (0, len(films) % 100):
                progress("posters", row + 1, len(films))
    if kept:
        looks[kept] = poster_look(np.stack(pixels), films.ids[kept]).to_numpy()
    return pd.DataFrame(looks, films.ids, ["poster brightness", "poster colourfulness"])


def _small(path):
    image = small_poster(path) if path else None
    return None if image is None else np.asarray(image.resize(LOOKED_AT))
