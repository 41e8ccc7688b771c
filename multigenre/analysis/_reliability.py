"""Reliability: how often genres come among films that are given about the same probability."""

import numpy as np
import pandas as pd

from multigenre._checks import InputError
from multigenre.analysis._intervals import wilson
from multigenre.data import Films, GenreProbabilities
from multigenre.scores import BINS, bin_sums, scored


def reliability_table(
    probabilities: GenreProbabilities, films: Films, *, bins: int = BINS, level: float = 0.95
) -> pd.DataFrame:
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
        As for `multigenre.scores.scores`, and if there is no bin.
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
