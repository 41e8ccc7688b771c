"""Scores that rank films, exact, from each genre's cells sorted once.

A probability in [0, 1] has bits that, as a whole number, are in the order of the probabilities. With the label put
after the last of them, one sort of whole numbers in place ranks the cells and keeps what each is, without an index.
"""

from typing import NamedTuple

import numpy as np

from multigenre._threads import blocks, side_by_side

FILMS = 1 << 14  # of a block: its cells stay in the processor's cache
CELLS = 1 << 20  # of all genres that are sorted together at once, or about as many


class Cuts(NamedTuple):
    """What average precision is made of: a cut at each probability of a positive cell, the least probable first.

    ``value`` (n_cuts,) is the `cell_keys` of that probability without the genre; ``found`` are the positives of this
    probability, ``hits`` and ``reached`` the positives and all cells of this one and of more.
    """

    value: np.ndarray
    found: np.ndarray
    hits: np.ndarray
    reached: np.ndarray

    def area(self) -> float:
        """Return the sum over positives of the precision at each one's probability."""
        return float((self.found * (self.hits / self.reached)).sum())

    def average_precision(self) -> float:
        """Return the average precision of these cuts, NaN where there is none."""
        return self.area() / self.hits[0] if len(self.hits) else np.nan


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
        return genre_cuts(cells).average_precision(), np.abs(bin_gaps(cells, bins)).sum()

    average_precision, gaps = np.array(side_by_side(score, keys), float).reshape(-1, 2).T
    return average_precision, gaps / keys.shape[1] if keys.size else gaps * np.nan


def genre_cuts(cells: np.ndarray) -> Cuts:
    """Return the cuts of one genre's sorted cells."""
    return _cuts(cells, np.count_nonzero(cells & 1), len(cells))


def micro_average_precision(keys: np.ndarray) -> float:
    """Return the average precision of all pairs of film and genre together; NaN without positives.

    Parameters
    ----------
    keys : ndarray of shape (n_genres, n_films)
        As `ranked_scores` left them.
    """
    areas, positives = np.array(_parts(keys, lambda cuts: (cuts.area(), cuts.found.sum()))).sum(axis=0)
    return areas / positives if positives else np.nan


def micro_cuts(keys: np.ndarray) -> Cuts:
    """Return the cuts of all pairs of film and genre together, from what `ranked_scores` left."""
    return Cuts(*(np.concatenate(one) for one in zip(*_parts(keys, tuple), strict=True)))


def _parts(keys, function):
    """Return what a function gives for each part of the cuts of all pairs, the least probable first.

    A part is what lies between two probabilities, of all genres, so no copy of the whole is made to sort them together.
    """
    sample = np.sort(keys[:, :: max(1, CELLS >> 7)], axis=None)
    cuts = np.unique(sample[:: max(1, len(sample) * CELLS // max(keys.size, 1))][1:] & ~keys.dtype.type(1))
    bounds = np.array(side_by_side(lambda cells: [0, *np.searchsorted(cells, cuts), len(cells)], keys))
    parts = range(bounds.shape[1] - 1)

    def here(number):
        ends = bounds[:, number : number + 2]
        return [cells[slice(*end)] for cells, end in zip(keys, ends, strict=True)]

    positives = side_by_side(
        lambda number: sum(int(np.count_nonzero(cells & 1)) for cells in here(number)), parts
    )
    # Of each part and of all that is more probable.
    hits, reached = np.cumsum(positives[::-1])[::-1], keys.size - bounds.sum(axis=0)

    def apply(number):
        cells = np.concatenate(here(number))
        cells.sort()
        return function(_cuts(cells, hits[number], reached[number]))

    return side_by_side(apply, parts)


def _cuts(cells, hits, reached):
    """Return the cuts of sorted cells that hold all of each probability.

    ``hits`` and ``reached`` are the positives and the cells from the first of them on, with whatever follows the last.
    """
    carriers = np.flatnonzero(cells & 1)
    value = cells[carriers] - 1
    fresh = np.flatnonzero(
        np.append(True, value[1:] != value[:-1])[: len(value)]
    )  # the first of each probability
    start, value = carriers[fresh], value[fresh]
    tied = np.flatnonzero((start > 0) & (cells[start - 1] == value))  # with negatives, which come before
    start[tied] = np.searchsorted(cells, value[tied])
    return Cuts(value, np.diff(fresh, append=len(carriers)), hits - fresh, reached - start)


def bin_starts(cells: np.ndarray, bins: int) -> list[int]:
    """Return where each bin but the first starts among one genre's sorted cells, see `expected_calibration_error`."""
    # Where the first of its ranks does, or after those that are tied with the film before.
    ranks = -(-len(cells) * np.arange(1, bins) // bins)
    return [int(np.searchsorted(cells, cells[rank - 1] | 1, "right")) if rank else 0 for rank in ranks]


def bin_gaps(cells: np.ndarray, bins: int) -> np.ndarray:
    """Return the summed probability minus the positives of each bin of one genre's sorted cells, (bins,)."""
    inner = bin_starts(cells, bins)
    kind = np.float32 if cells.dtype == np.uint32 else np.float64
    parts = [cells[start:stop] for start, stop in zip([0, *inner], [*inner, len(cells)], strict=True)]
    return np.array([(one >> 1).view(kind).sum(dtype=float) - np.count_nonzero(one & 1) for one in parts])
