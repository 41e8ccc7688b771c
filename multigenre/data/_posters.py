"""Posters that travel with their film: a file's bytes as a data URI, which stands where a path stands."""

import base64
import binascii
import io
import warnings

from PIL import Image, ImageOps

PREFIX = "data:application/octet-stream;base64,"


def inline_poster(content):
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


def inline_content(path):
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


def read_poster(path):
    """Return the poster at ``path``, a file or a data URI, as an RGB image, or None if it cannot be decoded."""
    content = inline_content(str(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of great sizes
            with Image.open(path if content is None else io.BytesIO(content)) as image:
                return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def small_poster(path):
    """Return the poster at ``path`` as a small RGB image, or None if it cannot be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of great sizes
            with Image.open(path) as image:
                image.draft("RGB", (300, 450))
                image = ImageOps.exif_transpose(image).convert("RGB")
            image.thumbnail((300, 450))
            return image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
