"""Posters: opened from their file, or from a data URI that travels with the film and stands where a path stands."""

import base64
import binascii
import contextlib
import io
import warnings

import numpy as np
from PIL import Image, ImageOps

from multigenre._signatures import Pathlike

PREFIX = "data:application/octet-stream;base64,"


def inline_poster(content: bytes) -> str:
    """Return the bytes of a poster's file as a data URI, which `Films` take in place of its path.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    str

    References
    ----------
    Masinter (1998), RFC 2397, "The data URL scheme".

    Examples
    --------
    >>> inline_content(inline_poster(b"GIF89a"))
    b'GIF89a'
    """
    return PREFIX + base64.b64encode(content).decode("ascii")


def inline_content(path: str) -> bytes | None:
    """Return the bytes that a data URI in base64 holds, or None if ``path`` is no data URI but a path.

    What is not base64 gives no bytes, so that it is no readable poster.

    Parameters
    ----------
    path : str

    Returns
    -------
    bytes or None
    """
    if not path.startswith("data:"):
        return None
    try:
        return base64.b64decode(path.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return b""


def open_poster(path: Pathlike, *, size: tuple[int, int] | None = None) -> Image.Image:
    """Return a poster as an RGB image, upright as its metadata say.

    Parameters
    ----------
    path : path
        A file, or a data URI.
    size : (int, int), optional
        Width and height that the image is shrunk to fit; a JPEG is then decoded no larger than needed.

    Raises
    ------
    Exception
        Nearly any, of the decoder, if it cannot be decoded.
    """
    content = inline_content(str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of great sizes
        with Image.open(path if content is None else io.BytesIO(content)) as image:
            if size is not None:
                image.draft("RGB", size)
            image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # Pillow would make white of nearly all that 16 bits say
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGB")
    if size is not None:
        image.thumbnail(size)
    return image


def read_poster(path: Pathlike, *, size: tuple[int, int] | None = None) -> Image.Image | None:
    """Return what `open_poster` does, or None if there is no poster or it cannot be decoded."""
    if not path:
        return None
    with contextlib.suppress(Exception):  # a damaged file can raise nearly anything in a decoder
        return open_poster(path, size=size)
    return None
