"""MM-IMDb, the public films of this task, in its two layouts: a folder of JSON and JPEG, and one HDF5 file."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from multigenre._checks import InputError
from multigenre.data._posters import inline_poster

# The 23 genres of the published task; films also name four rarer ones, which it leaves out.
GENRES = (
    "Drama", "Comedy", "Romance", "Thriller", "Crime", "Action", "Adventure", "Horror", "Documentary", "Mystery",
    "Sci-Fi", "Music", "Fantasy", "Family", "Biography", "War", "History", "Animation", "Musical", "Western", "Sport",
    "Short", "Film-Noir",
)  # fmt: skip
TRAIN, DEV = 15552, 18160  # rows of the HDF5 file at which the training and the development films end


def read_mm_imdb(folder: Path) -> pd.DataFrame:
    """Return the films of ``split.json`` and ``dataset/ID.json``, with ``dataset/ID.jpeg`` as posters.

    The columns are ``id``, ``title``, ``plot`` (a list of texts), ``plot outline``, ``genres``, ``poster`` and
    ``split``; films that no split names come last, without one.

    Raises
    ------
    InputError
        If a file is no JSON of this layout.

    References
    ----------
    Arevalo, Solorio, Montes-y-Gómez, González (2017), "Gated Multimodal Units for Information Fusion", section 4.
    """
    splits = _json(folder / "split.json")
    if not isinstance(splits, dict) or not all(isinstance(films, list) for films in splits.values()):
        raise InputError("split.json must hold lists of ids by split: train, dev and test.")
    split = {str(film): name for name, films in splits.items() for film in films}
    there = {path.stem: path for path in sorted((folder / "dataset").glob("*.json"))}
    absent = [film for film in split if film not in there]
    if absent:
        raise InputError(
            f"split.json names {len(absent)} films without a file, the first is dataset/{absent[0]}.json."
        )
    rows = []
    for film in dict.fromkeys([*split, *there]):
        facts = _json(there[film])
        if not isinstance(facts, dict):
            raise InputError(f"dataset/{film}.json must hold one JSON object, the facts of a film.")
        picture = there[film].with_suffix(".jpeg")
        plots = facts.get("plot") or facts.get("plot outline")
        rows.append(
            {
                "id": film,
                "title": facts.get("title"),
                "plot": [plots] if isinstance(plots, str) else plots,
                "plot outline": facts.get("plot outline"),
                "genres": facts.get("genres") or [],
                "poster": picture.relative_to(folder).as_posix() if picture.is_file() else None,
                "split": split.get(film, ""),
            }
        )
    return pd.DataFrame(rows, dtype=object)


def _json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path.name} cannot be read as JSON ({error}).") from error


def read_mm_imdb_hdf5(path: Path) -> pd.DataFrame:
    """Return the films of MM-IMDb's HDF5 file: ids, posters, genres and splits; it holds no texts.

    Posters, ``images`` of shape (n_films, 3, 256, 160), become PNG in data URIs.

    Raises
    ------
    InputError
        If h5py is not installed, or the file has another layout.
    """
    try:
        import h5py  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise InputError(
            "Reading HDF5 needs h5py, which is not installed: pip install 'multigenre[hdf5]'."
        ) from None
    try:
        file = h5py.File(path)
    except OSError as error:
        raise InputError(f"it cannot be read as HDF5 ({error}).") from error
    with file:
        absent = [name for name in ("images", "genres", "imdb_ids") if name not in file]
        if absent or "target_names" not in file["genres"].attrs:
            what = ", ".join(absent) or "the names of its genres (attribute target_names)"
            raise InputError(f"MM-IMDb's HDF5 file holds images, genres and imdb_ids, but this lacks {what}.")
        names = [_text(name) for name in np.asarray(file["genres"].attrs["target_names"])]
        labels = np.asarray(file["genres"])
        ids = [_text(film) for film in np.asarray(file["imdb_ids"]).ravel()]
        images: Any = file["images"]
        if labels.shape != (len(ids), len(names)) or images.shape[:2] != (len(ids), 3):
            raise InputError(
                f"{len(ids)} films need genres of shape ({len(ids)}, {len(names)}) and images of shape ({len(ids)}, 3, "
                f"height, width), got {labels.shape} and {images.shape}."
            )
        posters = []
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(ids), 256):
                posters += pool.map(_png, images[start : start + 256])
    ends = np.searchsorted([TRAIN, DEV], np.arange(len(ids)), side="right")
    chosen = [[names[place] for place in np.flatnonzero(row)] for row in labels]
    split = np.array(["train", "dev", "test"])[ends]
    return pd.DataFrame({"id": ids, "genres": chosen, "poster": posters, "split": split}, dtype=object)


def _text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _png(image):
    file = io.BytesIO()
    pixels = np.clip(np.moveaxis(image, 0, 2), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return inline_poster(file.getvalue())
