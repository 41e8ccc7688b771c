"""A logistic regression a genre on features of any kind, and the strength of its penalty by cross-validation."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import issparse, sparray, spmatrix
from sklearn.linear_model import LogisticRegression

from multigenre._checks import InputError, check_labels, check_shape, some
from multigenre._signatures import Progress, no_progress
from multigenre._threads import in_turn
from multigenre.data import Films, folds_of_films, logits

Features = np.ndarray | sparray | spmatrix
FOLDS = 5  # that choose C


def fit_head(
    features: Features,
    labels: ArrayLike,
    *,
    C: float,
    what: str = "a head",
    progress: Progress = no_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit an L2-penalised logistic regression for each genre.

    A genre that no or every film carries gets no weights, and the log-odds of its smoothed prevalence,
    (support + 0.5) / (films + 1).

    Parameters
    ----------
    features : ndarray or SciPy sparse array of shape (n_films, n_features), float
    labels : array of shape (n_films, n_genres), 0 or 1
    C : float
        Inverse strength of the penalty, as of scikit-learn's `LogisticRegression`.
    what : str
        Is fitted, for the progress.
    progress : callable, optional
        Called with (what, genres done, genres in all).

    Returns
    -------
    coefficients : ndarray of shape (n_genres, n_features), float64
    intercept : ndarray of shape (n_genres,), float64
        The log-odds of new films are ``features @ coefficients.T + intercept``.

    Raises
    ------
    InputError
        If there is no film, ``C`` is not above 0, or features and labels are not about as many films.

    Examples
    --------
    >>> coefficients, intercept = fit_head(np.array([[-1.0], [0], [2]]), [[0, 0], [0, 0], [1, 0]], C=1.0)
    >>> coefficients.round(2), intercept.round(2)
    (array([[0.85],
           [0.  ]]), array([-1.14, -1.95]))
    """
    features, labels = _checked(features, labels, [C])
    n_genres = labels.shape[1]
    coefficients, intercept = np.zeros((n_genres, features.shape[1])), np.zeros(n_genres)
    fits = _each_genre(features, lambda known: next(_path(features, known, [C])), labels.T)
    for genre, fit in enumerate(fits):
        coefficients[genre], intercept[genre] = fit
        progress(what, genre + 1, n_genres)
    return coefficients, intercept


def fit_films_head(
    features: Features,
    films: Films,
    strengths: float | Sequence[float],
    *,
    what: str = "a head",
    progress: Progress = no_progress,
) -> tuple[np.ndarray, np.ndarray, float, pd.DataFrame | None]:
    """Fit a head to films' features, under the C given or the best of several.

    Parameters
    ----------
    features : as for `fit_head`
    films : Films
        With their genres. Five folds of them choose; near-duplicates share one. Fewer than five take the first C.
    strengths : float or sequence of float
    what : str
        Is fitted, for the progress.
    progress : callable, optional
        As for `choose_C` and then `fit_head`.

    Returns
    -------
    coefficients, intercept
        As `fit_head` gives them.
    C : float
    table : pandas.DataFrame or None
        What `choose_C` gave; None where nothing was chosen.
    """
    several = np.atleast_1d(strengths).tolist()
    C, table = several[0], None
    if np.ndim(strengths) and len(films) >= FOLDS:
        fold = folds_of_films(films, FOLDS)
        C, table = choose_C(features, films.labels, several, fold=fold, what=what, progress=progress)
    return *fit_head(features, films.labels, C=C, what=what, progress=progress), C, table


def choose_C(
    features: Features,
    labels: ArrayLike,
    strengths: Sequence[float],
    *,
    fold: ArrayLike,
    what: str = "a head",
    progress: Progress = no_progress,
) -> tuple[float, pd.DataFrame]:
    """Choose the penalty under which films that a head did not see get the lowest binary cross-entropy.

    One for all genres: rare genres have too few films to choose by.

    Parameters
    ----------
    features, labels
        As for `fit_head`.
    strengths : sequence of float
        Values of C to try.
    fold : array of shape (n_films,), int
        Each film's fold. Keep near-duplicates in one, see `multigenre.splits`.
    what : str
        Is fitted, for the progress.
    progress : callable, optional
        Called with (what, fits done, fits in all), each of a genre and a fold.

    Returns
    -------
    C : float
        Of equally good ones the smallest.
    table : pandas.DataFrame
        Columns ``C``, rising, and ``bce``: the mean over held-out films and genres, in nats.

    Raises
    ------
    InputError
        As `fit_head`, or if there are fewer than two folds or no strength to try.

    References
    ----------
    Stone (1974), "Cross-validatory choice and assessment of statistical predictions", J. Royal Statistical
    Society B 36(2).
    """
    strengths = sorted(strengths)
    features, labels = _checked(features, labels, strengths)
    if not issparse(features):
        features = features.astype(np.float32)  # which tells strengths apart as well, in half the time
    fold = check_shape(fold, labels.shape[:1], "Folds")
    folds = np.unique(fold)
    if len(folds) < 2:
        raise InputError(f"Choosing C needs films in 2 folds or more, got {len(folds)}.")
    log_odds = np.empty((len(strengths), *labels.shape))
    fits = 0
    for held in (fold == one for one in folds):
        seen, new = features[~held], features[held]
        of_genre = partial(_held_out, seen, strengths=strengths, new=new)
        for genre, found in enumerate(_each_genre(features, of_genre, labels[~held].T)):
            log_odds[:, held, genre] = found
            fits += 1
            progress(what, fits, len(folds) * labels.shape[1])
    bce = (np.logaddexp(0, log_odds) - labels * log_odds).mean(axis=(1, 2))
    return strengths[bce.argmin()], pd.DataFrame({"C": strengths, "bce": bce})


def _each_genre(features, fit, labels):
    """Yield what a fit gives for each genre."""
    # All fits of liblinear, the solver of sparse features, draw from one random state: side by side they would mix.
    return map(fit, labels) if issparse(features) else in_turn(fit, labels)


def _held_out(seen, known, *, strengths, new):
    """Return log-odds (n_strengths, n_new) of a genre by fits to the films whose labels are known."""
    return [new @ coefficients + intercept for coefficients, intercept in _path(seen, known, strengths)]


def _checked(features, labels, strengths):
    """Return features that can be indexed and labels of 0 and 1, or raise."""
    features = features.tocsr() if issparse(features) else np.asarray(features, np.float64)
    labels = np.asarray(labels)
    if not len(strengths) or not all(0 < strength < np.inf for strength in strengths):
        raise InputError(f"C must be a finite number above 0, got {some(strengths) or 'none'}.")
    if features.ndim != 2 or labels.ndim != 2 or not features.shape[0] == len(labels) > 0:
        raise InputError(
            "A head needs features (n_films, n_features) and labels (n_films, n_genres) of the same films, "
            f"got {features.shape} and {labels.shape}."
        )
    return features, check_labels(labels, labels.shape)


def _path(features, labels, strengths):
    """Yield the coefficients and the intercept of one genre under each strength, from the weakest C up."""
    support = labels.sum(dtype=float)
    if not 0 < support < len(labels):
        for _ in strengths:
            yield np.zeros(features.shape[1]), logits((support + 0.5) / (len(labels) + 1))
        return
    if issparse(features):
        # liblinear's dual solver: several times faster than the default on few films and many words.
        model = LogisticRegression(solver="liblinear", dual=True, random_state=0, max_iter=1000)
    else:
        # Of scikit-learn's solvers the fastest on some hundred dense columns; each C starts where the last ended.
        model = LogisticRegression(tol=1e-5, max_iter=2000, warm_start=True)
    for strength in strengths:
        model.set_params(C=strength).fit(features, labels)
        yield model.coef_[0].copy(), model.intercept_[0]  # pyright: ignore[reportIndexIssue]  # an array once fitted
