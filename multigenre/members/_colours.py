"""What a poster's colours and edges say without a neural network: histograms by place, in milliseconds."""

import numpy as np

from multigenre._checks import InputError

GRID = 4  # cells a side, of mean colours and of edges
BANDS = 3  # from top to bottom, of colour histograms
HUES, SATURATIONS, VALUES, GREYS = 12, 3, 2, 8
ORIENTATIONS = 8  # of edges, over half a turn
LEVELS = 4  # of red, green and blue
BATCH = 256  # posters at once: memory does not grow with their number


def poster_features(posters: np.ndarray) -> np.ndarray:
    """Return colour histograms, mean colours and edge histograms of posters.

    Four blocks, 496 numbers at any size of the posters: histograms of 80 colours (hue, saturation and value; greys
    apart) in three bands; a histogram of 64 colours (red, green and blue); red, green, blue and chroma averaged in
    4 x 4 cells; and the strength of edges in 8 directions in these cells. Histograms are shares of the pixels;
    their square roots are given, so that distances between them are Hellinger's.

    Parameters
    ----------
    posters : array of shape (n_posters, size, size, 3), uint8
        The size is 4 or more.

    Returns
    -------
    ndarray of shape (n_posters, 496), float32
        From 0 to 1.

    Raises
    ------
    InputError
        If the posters are of another shape or type.

    References
    ----------
    Swain, Ballard (1991), "Color indexing", Int. J. Computer Vision 7(1): colour histograms. Dalal, Triggs (2005),
    "Histograms of oriented gradients for human detection", CVPR. Arandjelovic, Zisserman (2012), "Three things
    everyone should know to improve object retrieval", CVPR: the square root.

    Examples
    --------
    >>> red = np.zeros((1, 64, 64, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    >>> features = poster_features(red)
    >>> features.shape, np.flatnonzero(features[0, :240])  # one colour in each of three bands
    ((1, 496), array([  5,  85, 165]))
    """
    shape = np.shape(posters)
    if (
        len(shape) != 4
        or shape[1] != shape[2]
        or shape[3] != 3
        or shape[1] < GRID
        or posters.dtype != np.uint8
    ):
        raise InputError(
            "Posters must be uint8 in 0..255 of shape (n_posters, size, size, 3), the size 4 or more, "
            f"got {getattr(posters, 'dtype', type(posters).__name__)} of shape {shape}."
        )
    # At least one batch, so that no posters have features of the same length.
    starts = range(0, max(len(posters), 1), BATCH)
    return np.concatenate([_features(posters[start : start + BATCH]) for start in starts])


def _features(posters):
    size = posters.shape[1]
    row = np.arange(size)[:, None]
    bands = np.broadcast_to(row * BANDS // size, (size, size))
    cells = row * GRID // size * GRID + row.T * GRID // size
    # Channels first: what is taken over them then runs along the pixels.
    channels = np.ascontiguousarray(np.moveaxis(posters, 3, 0)).astype(np.float32) / 255
    value = channels.max(axis=0)
    chroma = value - channels.min(axis=0)
    sides = np.concatenate([channels, chroma[None]]).reshape(4, len(posters), size**2)
    shares = cells.ravel() == np.arange(GRID**2)[:, None]
    means = sides @ (shares / shares.sum(axis=1, keepdims=True)).T.astype(np.float32)
    red, green, blue = np.minimum(channels * LEVELS, LEVELS - 1).astype(np.intp)
    down, across = np.gradient(channels.mean(axis=0), axis=(1, 2))
    direction = np.floor(np.arctan2(down, across) * (ORIENTATIONS / np.pi)).astype(np.intp) % ORIENTATIONS
    return np.hstack(
        [
            _histograms(_hue_codes(channels, value, chroma), HUES * SATURATIONS * VALUES + GREYS, bands),
            _histograms((red * LEVELS + green) * LEVELS + blue, LEVELS**3, np.zeros_like(bands)),
            np.moveaxis(means, 0, 2).reshape(len(posters), 4 * GRID**2),
            _histograms(direction, ORIENTATIONS, cells, np.hypot(down, across)),
        ]
    )


def _hue_codes(channels, value, chroma):
    """Return the number of each pixel's colour: hue, saturation and value, or a level of grey."""
    red, green, blue = channels
    safe = np.maximum(chroma, 1e-6)
    sixths = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = np.floor(sixths * (HUES / 6)).astype(np.intp) % HUES
    saturation = np.minimum(chroma / np.maximum(value, 1e-6) * SATURATIONS, SATURATIONS - 1).astype(np.intp)
    bright = np.minimum(value * VALUES, VALUES - 1).astype(np.intp)
    grey = np.minimum(value * GREYS, GREYS - 1).astype(np.intp)
    coloured = (hue * SATURATIONS + saturation) * VALUES + bright
    return np.where(chroma < 0.1, HUES * SATURATIONS * VALUES + grey, coloured)


def _histograms(codes, n_codes, places, weights=None):
    """Return the root of each code's share (or mean weight) in each place: (n_posters, n_places * n_codes)."""
    n_posters, sizes = len(codes), np.bincount(places.ravel())
    slots = codes + n_codes * (places + len(sizes) * np.arange(n_posters)[:, None, None])
    weights = None if weights is None else weights.ravel()
    sums = np.bincount(slots.ravel(), weights, n_posters * len(sizes) * n_codes)
    shares = sums.reshape(n_posters, len(sizes), n_codes) / sizes[:, None]
    return np.sqrt(shares).reshape(n_posters, len(sizes) * n_codes).astype(np.float32)
