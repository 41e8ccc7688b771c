"""What scores and their intervals share: which films count, where genres are cut, losses and rates."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from multigenre._checks import InputError, check_labels, check_truth, some
from multigenre._threads import blocks, side_by_side, summed
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores._sorted import FILMS, cell_keys, ranked_scores

BINS = 10  # of a calibration error


def scored(probabilities: GenreProbabilities, films: Films) -> tuple[np.ndarray, np.ndarray]:
    """Return values and labels of the films that are present, or raise if they may not be reported."""
    labels = check_truth(probabilities, films, "A report")
    role = probabilities.role or films.role
    if role in ("train", "calibration"):
        raise InputError(
            "A report needs films that trained no member and fitted no fusion or threshold, "
            f"got role={role!r} from {probabilities.name}; pass the test split."
        )
    here = probabilities.present
    # Of all films no copy: of millions it would be the larger part of the memory.
    return (probabilities.values, labels) if here.all() else (probabilities.values[here], labels[here])


def cuts_of(thresholds: pd.Series | pd.DataFrame | None, genres: Genres, ids: np.ndarray) -> np.ndarray:
    """Return thresholds in the order of the genres, (n_genres,); those of a DataFrame in that of the films too."""
    if thresholds is None:
        return np.full(len(genres), 0.5)
    if isinstance(thresholds, pd.DataFrame):
        cuts = thresholds
        if not (cuts.columns.equals(pd.Index(list(genres))) and cuts.index.equals(pd.Index(ids))):
            cuts = cuts.reindex(index=ids, columns=list(genres))
        if cuts.isna().any(axis=None):
            films, columns = cuts.index[cuts.isna().any(axis=1)], cuts.columns[cuts.isna().any()]
            raise InputError(
                f"Every film and genre needs a threshold, but {some(films)} lacks that of {some(columns)}."
            )
        return cuts.to_numpy(float)
    cuts = pd.Series(thresholds, dtype=float).reindex(list(genres))
    if cuts.isna().any():
        raise InputError(f"Every genre needs a threshold, but {some(cuts.index[cuts.isna()])} has none.")
    return cuts.to_numpy()


def present_cuts(
    thresholds: pd.Series | pd.DataFrame | None, probabilities: GenreProbabilities
) -> np.ndarray:
    """Return the `cuts_of` the films that are present."""
    return cuts_of(thresholds, probabilities.genres, probabilities.ids[probabilities.present])


def losses(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return each cell's binary cross-entropy in nats, (n_films, n_genres) float64."""
    values = np.clip(values, 1e-7, 1 - 1e-7, dtype=np.float64)
    return -np.log(np.where(labels == 1, values, 1 - values))


def mean_losses(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each genre's mean binary cross-entropy in nats and mean square error: two arrays (n_genres,)."""

    def sums(films):
        value, label = values[films], labels[films]
        return np.stack(
            [losses(value, label).sum(axis=0), np.square(value - label, dtype=np.float64).sum(axis=0)]
        )

    loss, error = summed(sums, blocks(len(values), FILMS)) / len(values)
    return loss, error


def named_counts(named: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what scores of named genres are made of, counted a block of films at a time.

    Returns
    -------
    counts : ndarray of shape (3, n_genres), int
        Hits, films named, and films that carry the genre.
    totals : ndarray of shape (3,), float64
        Summed F1 of the films, films with all genres right, and cells that are wrong.
    """

    def counted(films):
        name, label = named[films], labels[films] != 0
        hits, wrong = name & label, name != label
        counts = [cells.sum(axis=0) for cells in (hits, name, label)]
        f1 = rates(name, label, axis=1)[2]
        return np.stack(counts), np.array([f1.sum(), (~wrong.any(axis=1)).sum(), wrong.sum()])

    parts = side_by_side(counted, blocks(len(named), FILMS))
    if not parts:
        return np.zeros((3, named.shape[1]), int), np.zeros(3)
    counts, totals = zip(*parts, strict=True)
    return np.sum(counts, axis=0), np.sum(totals, axis=0)


def rates(predicted: np.ndarray, labels: np.ndarray, axis: int | None) -> np.ndarray:
    """Return precision, recall and F1 along an axis, stacked; 0 / 0 is 0.

    Counted here because scikit-learn takes a single live genre's column for two classes.
    """
    return rates_of_counts(
        (predicted & (labels == 1)).sum(axis), predicted.sum(axis), labels.sum(axis, dtype=int)
    )


def rates_of_counts(hits: np.ndarray, predicted: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """Return precision, recall and F1, stacked; 0 / 0 is 0."""
    return np.stack(
        [
            np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
            for part, whole in ((hits, predicted), (hits, positives), (2 * hits, predicted + positives))
        ]
    )


def bin_cells(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each cell, numbered through all genres (n_films, n_genres).

    Each genre has ``bins`` of them with equal shares of its films, least probable first; ties share a bin.
    """
    ranks = rankdata(values, "min", axis=0).astype(int) - 1
    return ranks * bins // max(len(values), 1) + bins * np.arange(values.shape[1])


def bin_sums(values: np.ndarray, labels: np.ndarray, bins: int) -> list[np.ndarray]:
    """Return films, summed probability and positives of each bin: three arrays (n_genres, bins)."""
    cells, shape = bin_cells(values, bins).ravel(), (values.shape[1], bins)
    sums = [np.bincount(cells, of, shape[0] * bins) for of in (None, values.ravel(), labels.ravel())]
    return [total.reshape(shape) for total in sums]


def expected_calibration_error(values: ArrayLike, labels: ArrayLike, *, bins: int = BINS) -> np.ndarray:
    """Return each genre's expected calibration error: how far probabilities are from how often it comes.

    A genre's films are put in bins of equal numbers, least probable first, those of one probability in one bin.
    The error is the mean over films of |mean probability - observed share| of their bin.

    Parameters
    ----------
    values : array of shape (n_films, n_genres), float in [0, 1]
    labels : array of shape (n_films, n_genres), 0 or 1
    bins : int

    Returns
    -------
    ndarray of shape (n_genres,), float64 in [0, 1]
        Chance alone keeps it above 0: on 500 real films in 10 bins, probabilities that are true would give a
        mean over genres of about 0.02. So compare on the same films only.

    Raises
    ------
    InputError
        If shapes differ, there is no film or no bin, or a probability is negative or not finite.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning", AAAI.
    Nixon et al. (2019), "Measuring calibration in deep learning", arXiv:1904.01685: bins of equal numbers.

    Examples
    --------
    >>> expected_calibration_error([[0.1], [0.3], [0.6], [0.8]], [[0], [0], [1], [1]], bins=2)
    array([0.25])
    """
    values = np.asarray(values)
    labels = check_labels(labels, values.shape)
    if not len(values) or not ((values >= 0) & np.isfinite(values)).all() or bins < 1:
        raise InputError("A calibration error needs a bin, films, and finite probabilities of each of them.")
    return ranked_scores(cell_keys(values, labels), bins)[1]
