"""Posters that are damaged or covered in part, written as files that any member reads."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from multigenre._signatures import Pathlike
from multigenre.data import Films, read_poster


def changed_posters(films: Films, folder: Pathlike, change: Callable[..., Any]) -> Films:
    """Return the films with changed copies of their posters.

    Files, not pixels in a cache: members read posters in sizes of their own. The copies are PNG, which loses nothing.

    Parameters
    ----------
    films : Films
    folder : path
        For the copies.
    change : callable
        From a film's id and its poster, a ``PIL.Image`` in RGB, to another one.

    Returns
    -------
    Films
        A poster that is missing, or cannot be read, is left as it is.
    """
    posters = []
    for row, (film, path) in enumerate(zip(films.ids, films.posters, strict=True)):
        image = read_poster(path)
        if image is not None:
            path = Path(folder) / f"{row}.png"
            change(film, image).save(path, compress_level=1)
        posters.append(str(path))
    return replace(films, posters=posters)


def noise(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Add normal noise to each channel of each pixel; its standard deviation is ``level`` of the full range."""
    noisy = np.asarray(image, float) + rng.normal(0, 255 * level, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def blur(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Blur with a Gaussian whose standard deviation is ``level`` of the poster's width."""
    return image.filter(ImageFilter.GaussianBlur(level * image.width))


def darken(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Move every pixel by ``level`` of its way to black."""

    def darker(value: int) -> int:
        return round(value * (1 - level))

    return image.point(darker)


def brighten(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Move every pixel by ``level`` of its way to white."""

    def brighter(value: int) -> int:
        return round(value + (255 - value) * level)

    return image.point(brighter)


def compress(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Save as JPEG with quality 100 less ``level`` of it, and at least 1, and read that."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=max(1, round(100 * (1 - level))))
    return Image.open(file).convert("RGB")


def crop(image: Image.Image, level: float, rng: np.random.Generator) -> Image.Image:
    """Cut ``level`` of the width and of the height off at each side; below 0.5."""
    across, down = round(level * image.width), round(level * image.height)
    box = (across, down, max(image.width - across, across + 1), max(image.height - down, down + 1))
    return image.crop(box)


# What can happen to a poster on its way: from (image, level, rng) to an image, worse for greater levels. Kinds after
# Hendrycks, Dietterich (2019), "Benchmarking neural network robustness to common corruptions", ICLR.
POSTER_DAMAGES = {
    "noise": noise,
    "blur": blur,
    "dark": darken,
    "bright": brighten,
    "jpeg": compress,
    "crop": crop,
}


def cover(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Return the poster with a box (left, top, right, bottom), in pixels, of its own mean colour.

    The mean keeps the poster about as light as it was, so that what is measured is what stood there.
    """
    covered = image.copy()
    covered.paste(tuple(np.asarray(image).reshape(-1, 3).mean(axis=0).round().astype(int).tolist()), box)
    return covered
