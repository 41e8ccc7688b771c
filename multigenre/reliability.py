"""Reliability: how often genres come among films that are given about the same probability."""

import numpy as np
import pandas as pd

from multigenre._checks import InputError, check_labels
from multigenre._intervals import wilson
from multigenre._scoring import BINS, bin_sums, scored


def expected_calibration_error(values, labels, *, bins=BINS):
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
        If shapes differ, there is no film or no bin, or a probability is not finite.

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
    if not len(values) or not np.isfinite(values).all() or bins < 1:
        raise InputError("A calibration error needs a bin, films, and finite probabilities of each of them.")
    _, probability, positives = bin_sums(values, labels, bins)
    return np.abs(probability - positives).sum(axis=1) / len(values)


def reliability_table(probabilities, films, *, bins=BINS, level=0.95):
    """Return what a reliability diagram shows: probability and observed share, bin by bin, genre by genre.

    Parameters
    ----------
    probabilities : GenreProbabilities
        Of films that neither trained the members nor fitted calibration, fusion or thresholds.
    films : Films
        The same films, with their genres. Those that are not present are left out.
    bins : int
        As for `expected_calibration_error`.
    level : float in (0, 1)

    Returns
    -------
    DataFrame, one row a genre and bin
        ``genre``, ``bin`` (from 0), ``films``, ``probability`` (mean), ``share`` (observed), ``low`` and ``high``
        (Wilson's interval of the share). Bins that ties leave empty have no row.

    Raises
    ------
    InputError
        As for `multigenre.metrics.scores`, and if there is no bin.
    """
    values, labels = scored(probabilities, films)
    if bins < 1:
        raise InputError(f"A reliability table needs at least one bin, got {bins}.")
    counts, probability, positives = bin_sums(values, labels, bins)
    genre, place = np.nonzero(counts)
    n, hits = counts[genre, place], positives[genre, place]
    low, high = wilson(hits, n, level)
    return pd.DataFrame(
        {
            "genre": np.array(list(probabilities.genres), object)[genre],
            "bin": place,
            "films": n,
            "probability": probability[genre, place] / n,
            "share": hits / n,
            "low": low,
            "high": high,
        }
    )
