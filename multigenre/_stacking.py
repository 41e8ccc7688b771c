"""Ridge logistic regressions for all genres at once, whose weights lean on those that the genres share."""

import numpy as np

from multigenre._checks import InputError
from multigenre.probabilities import logits, sigmoid


def fit_stack(features, labels, *, C, min_positives):
    """Fit each genre's logistic regression on its own features, shrunk towards weights shared by all genres.

    First one weight a feature for all genres, with an intercept a genre, shrunk towards the plain mean; then
    each genre's deviations from them, at a penalty of ``deviation ** 2 / (2 C)``, as in scikit-learn: the
    maximum a posteriori fit with Gaussian priors around a common mean that is estimated first.

    Parameters
    ----------
    features : ndarray of shape (n_films, n_genres, n_features), float64
        Such as the members' logits.
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    C : float
    min_positives : int
        Genres with fewer positives, or fewer negatives, keep the shared weights and smoothed prevalence.

    Returns
    -------
    coefficients : ndarray of shape (n_genres, 1 + n_features), float64
        Intercept, then weights.
    scarce : ndarray of shape (n_genres,), bool
        Genres with the shared weights.

    References
    ----------
    Gelman and Hill (2006), "Data analysis using regression and multilevel models", ch. 12: partial pooling.
    Jeffreys's prior for a share gives the smoothed prevalence, (positives + 1/2) / (films + 1).
    """
    n_films, n_genres, n_features = features.shape
    features = np.insert(features.transpose(1, 0, 2), 0, 1.0, axis=2)
    labels = labels.T.astype(float)
    support = labels.sum(axis=1)
    scarce = np.minimum(support, n_films - support) < min_positives
    able, weights = ~scarce, np.full(n_features, 1 / n_features)

    intercepts = np.arange(n_genres)[:, None]
    shared = np.hstack([intercepts, n_genres + np.tile(np.arange(n_features), (n_genres, 1))])
    if able.any():
        weights += _newton(features[able], labels[able], weights, shared[able], C)[0, 1:]

    coefficients = np.tile(np.r_[0.0, weights], (n_genres, 1))
    own = np.arange(n_genres * (1 + n_features)).reshape(n_genres, -1)
    coefficients[able] += _newton(features[able], labels[able], weights, own[able], C)
    smoothed = np.repeat((support[:, None] + 0.5) / (n_films + 1), n_films, axis=1)
    coefficients[scarce, :1] = _newton(features[scarce], smoothed[scarce], weights, intercepts[scarce], C)
    return coefficients, scarce


def _newton(features, targets, centre, slots, C):
    """Return coefficients minus ``(0, *centre)`` that minimise log loss + ridge, by damped Newton steps.

    Parameters
    ----------
    features : ndarray of shape (n_genres, n_films, 1 + n_features), float64
        The first is 1, for the intercept.
    targets : ndarray of shape (n_genres, n_films), float64 in [0, 1]
    centre : ndarray of shape (n_features,)
        Weights to start from, and to shrink towards.
    slots : ndarray of shape (n_genres, n_free), int
        Which free parameter each of the first ``n_free`` coefficients is: genres with the same slot share it.
        The first is the intercept, which has no penalty.
    C : float
    """
    if not slots.size:
        return np.zeros(slots.shape)
    slots = np.unique(slots, return_inverse=True)[1].reshape(slots.shape)
    offset, features = features[..., 1:] @ centre, features[..., : slots.shape[1]]
    ridge = np.full(slots.max() + 1, 1 / C)
    ridge[slots[:, 0]] = 0

    def scores(parameters):
        return offset + (features @ parameters[slots][..., None])[..., 0]

    def loss(parameters):
        log_odds = scores(parameters)
        cost = np.logaddexp(0, log_odds) - targets * log_odds
        return cost.sum() + 0.5 * (ridge * parameters**2).sum()

    parameters = np.zeros(len(ridge))
    parameters[slots[:, 0]] = logits(targets.mean(axis=1)) - offset.mean(axis=1)
    for _ in range(100):
        fitted = sigmoid(scores(parameters))
        slope = (features.mT @ (fitted - targets)[..., None])[..., 0]
        gradient = ridge * parameters + np.bincount(slots.ravel(), slope.ravel())
        hessian = np.diag(ridge)
        curvature = (features * (fitted * (1 - fitted))[..., None]).mT @ features
        np.add.at(hessian, (slots[:, :, None], slots[:, None, :]), curvature)
        step = np.linalg.solve(hessian, gradient)
        if np.abs(step).max() < 1e-8:
            return (parameters - step)[slots]
        # Far from the optimum a full step can overshoot; a rise within rounding is none.
        before = loss(parameters) * (1 + 1e-12)
        while loss(parameters - step) > before and np.abs(step).max() > 1e-8:
            step /= 2
        parameters -= step
    raise InputError(f"A stack with C={C} did not converge in 100 Newton steps; pass a smaller C.")
