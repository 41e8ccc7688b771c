"""Named records from arrays: what scikit-learn passes about, with genres and films named."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multigenre._checks import (
    check_held_out,
    check_labels,
    check_same_films,
    check_same_genres,
    check_truth,
    check_weights,
)
from multigenre.data import Films, GenreProbabilities, Genres


def as_record(
    probabilities: GenreProbabilities | ArrayLike | pd.DataFrame, genres: Genres | None = None
) -> GenreProbabilities:
    """Return `GenreProbabilities` as they are, or of an array or DataFrame.

    Parameters
    ----------
    probabilities : GenreProbabilities, or array or DataFrame of shape (n_films, n_genres)
        A DataFrame's columns name the genres and its index the films; an array's are numbered from 0.
    genres : Genres, optional
        What an array's columns are.
    """
    if isinstance(probabilities, GenreProbabilities):
        return probabilities
    frame = pd.DataFrame(probabilities)  # pyright: ignore[reportArgumentType]  # any array-like will do
    if genres is None or isinstance(probabilities, pd.DataFrame):
        genres = Genres(frame.columns)
    return GenreProbabilities(frame.index, genres, frame.to_numpy(), "the array", "calibration")


def calibration_films(
    probabilities: GenreProbabilities | ArrayLike | pd.DataFrame,
    films: Films | ArrayLike | pd.DataFrame,
    sample_weight: ArrayLike | None,
    what: str,
) -> tuple[GenreProbabilities, np.ndarray, np.ndarray, np.ndarray | None]:
    """Return what can be learned from: the record, and positions, labels and weights of films that count.

    Parameters
    ----------
    probabilities : as for `as_record`
    films : Films, or array or DataFrame of shape (n_films, n_genres), 0 or 1
    sample_weight : array of shape (n_films,), float of 0 or more, or None
    what : str
        Who learns, for the message.

    Returns
    -------
    record : GenreProbabilities
    rows : ndarray of shape (n_counted,), int
        The films that are present and of weight above 0.
    labels : ndarray of shape (n_counted, n_genres), uint8
    weights : ndarray of shape (n_counted,), float64, or None

    Raises
    ------
    InputError
        If a member saw the films, films or genres differ, or the weights are not of that shape and range.
    """
    named = isinstance(films, pd.DataFrame)
    record = as_record(probabilities, Genres(films.columns) if named else None)
    check_held_out(record, what)
    if isinstance(films, Films):
        labels = check_truth(record, films, what)
    else:
        who = f"{what}: {record.name} and the labels"
        if named:
            check_same_genres(record.genres, Genres(films.columns), who)
        if named and not isinstance(probabilities, np.ndarray):
            check_same_films(record.ids, films.index.astype(str), who)
        labels = check_labels(films, record.values.shape)
    if sample_weight is None:
        rows = np.flatnonzero(record.present)
        return record, rows, labels[rows], None
    weights = check_weights(sample_weight, len(record), what)
    rows = np.flatnonzero(record.present & (weights > 0))
    return record, rows, labels[rows], weights[rows]
