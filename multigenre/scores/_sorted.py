"""Scores that rank films, exact, from each genre's cells sorted once.

A probability in [0, 1] has bits that, as a whole number, are in the order of the probabilities. With the label put
after the last of them, one sort of whole numbers in place ranks the cells and keeps what each is, without an index.
"""

import numpy as np

from multigenre.scores._threads import blocks, side_by_side

FILMS = 1 << 14  # of a block: its cells stay in the processor's cache
CELLS = 1 << 20  # of all genres that are sorted together at once, or about as many


def cell_keys(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return each genre's cells as whole numbers (n_genres, n_films), in the order of the films.

    Parameters
    ----------
    values : ndarray of shape (n_films, n_genres), float in [0, 1]
    labels : ndarray of shape (n_films, n_genres), 0 or 1

    Returns
    -------
    ndarray of shape (n_genres, n_films)
        uint32 of float32, and uint64 of anything else: as large as the probabilities.
    """
    kind, whole = (np.float32, np.uint32) if values.dtype == np.float32 else (np.float64, np.uint64)
    keys = np.empty(values.shape[::-1], whole)

    def fill(films):
        # -0.0 + 0 is 0.0: its sign would rank it first.
        bits = (np.ascontiguousarray(values[films], kind) + kind(0)).view(whole)
        keys[:, films] = ((bits << whole(1)) | (labels[films] != 0)).T

    side_by_side(fill, blocks(len(values), FILMS))
    return keys


def ranked_scores(keys: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort `cell_keys` in place, each genre's apart, and return average precision and calibration error by genre.

    Parameters
    ----------
    keys : ndarray of shape (n_genres, n_films)
        Sorted afterwards, least probable first; of equals those that carry the genre last.
    bins : int
        Of the calibration error, see `multigenre.scores.expected_calibration_error`.

    Returns
    -------
    average_precision, ece : ndarray of shape (n_genres,), float64
        Average precision as scikit-learn defines it, NaN where no film carries the genre.
    """

    def score(cells):
        cells.sort()
        positives = np.count_nonzero(cells & 1)
        area = _area(cells, positives, len(cells))
        return area / positives if positives else np.nan, _calibration_error(cells, bins)

    average_precision, ece = np.array(side_by_side(score, keys), float).reshape(-1, 2).T
    return average_precision, ece


def micro_average_precision(keys: np.ndarray) -> float:
    """Return the average precision of all pairs of film and genre together; NaN without positives.

    Parameters
    ----------
    keys : ndarray of shape (n_genres, n_films)
        As `ranked_scores` left them. Parts of all genres that lie between the same two probabilities are sorted
        together, so no copy of the whole is made.
    """
    sample = np.sort(keys[:, :: max(1, CELLS >> 7)], axis=None)
    cuts = np.unique(sample[:: max(1, len(sample) * CELLS // max(keys.size, 1))][1:] & ~keys.dtype.type(1))
    bounds = np.array(side_by_side(lambda cells: [0, *np.searchsorted(cells, cuts), len(cells)], keys))

    def counted(number):
        ends = bounds[:, number : number + 2]
        return sum(np.count_nonzero(cells[slice(*end)] & 1) for cells, end in zip(keys, ends, strict=True))

    parts = range(bounds.shape[1] - 1)
    positives = np.array(side_by_side(counted, parts))
    # Of each part and of all that is more probable.
    hits, reached = positives[::-1].cumsum()[::-1], keys.size - bounds.sum(axis=0)

    def area(number):
        ends = bounds[:, number : number + 2]
        cells = np.concatenate([cells[slice(*end)] for cells, end in zip(keys, ends, strict=True)])
        cells.sort()
        return _area(cells, hits[number], reached[number])

    return sum(side_by_side(area, parts)) / hits[0] if hits[0] else np.nan


def _area(cells, hits, reached):
    """Return the sum over positives of the precision at each one's probability.

    Cells are sorted and hold all of each probability; ``hits`` and ``reached`` are the positives and the cells from
    the first of them on, whatever follows the last included.
    """
    carriers = np.flatnonzero(cells & 1)
    if not len(carriers):
        return 0.0
    value = cells[carriers]
    fresh = np.flatnonzero(np.append(True, value[1:] != value[:-1]))  # the first positive of each probability
    start, value = carriers[fresh], value[fresh]
    tied = np.flatnonzero((start > 0) & (cells[start - 1] == value - 1))  # with negatives, which come before
    start[tied] = np.searchsorted(cells, value[tied] - 1)
    return float((np.diff(fresh, append=len(carriers)) * ((hits - fresh) / (reached - start))).sum())


def _calibration_error(cells, bins):
    """Return the calibration error of one genre's sorted cells."""
    n_films = len(cells)
    # A bin starts where the first of its ranks does, or after those that are tied with the film before.
    ranks = -(-n_films * np.arange(1, bins) // bins)
    inner = [int(np.searchsorted(cells, cells[rank - 1] | 1, "right")) if rank else 0 for rank in ranks]
    kind = np.float32 if cells.dtype == np.uint32 else np.float64
    gaps = 0.0
    for start, stop in zip([0, *inner], [*inner, n_films], strict=True):
        here = cells[start:stop]
        gaps += abs((here >> 1).view(kind).sum(dtype=np.float64) - np.count_nonzero(here & 1))
    return float(gaps / n_films) if n_films else np.nan
