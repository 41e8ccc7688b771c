"""Many ridge logistic regressions at once: damped Newton steps, bounds, parameters that problems share."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from multigenre._checks import InputError
from multigenre.data import sigmoid

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # from parameters to losses and gradients
Curvature = Callable[[np.ndarray], np.ndarray]  # from parameters to Hessians


class Minimum(NamedTuple):
    """``parameters`` (n_problems, n_parameters), and the ``hessian`` that led there, None where no step was needed."""

    parameters: np.ndarray
    hessian: np.ndarray | None


def minimise(
    slopes: Slopes,
    curvature: Curvature,
    start: np.ndarray,
    *,
    free: bool | np.ndarray = True,
    lower: float | np.ndarray = -np.inf,
    tolerance: float = 1e-8,
    near: Minimum | None = None,
) -> Minimum:
    """Minimise convex losses of several problems by projected Newton steps, each halved until its loss falls.

    A Hessian costs many gradients, so one serves as long as its steps shrink fourfold.

    Parameters
    ----------
    slopes : callable
        From parameters (n_problems, n_parameters) to losses (n_problems,) and gradients.
    curvature : callable
        From parameters to Hessians (n_problems, n_parameters, n_parameters).
    start : ndarray of shape (n_problems, n_parameters), float64
    free : bool, or ndarray of such a shape
        Parameters that are not free stay at their start.
    lower : float, or ndarray of shape (n_parameters,)
        Bounds.
    tolerance : float
        The largest change of any parameter in the last step.
    near : Minimum, optional
        Of a problem like this one, such as that of other films: the search then starts there, with its Hessian. What
        is found does not depend on it, up to the tolerance.

    Returns
    -------
    Minimum

    Raises
    ------
    InputError
        If 200 steps are not enough.

    References
    ----------
    Bertsekas (1982), "Projected Newton methods for optimization problems with simple constraints", SIAM J. Control
    and Optimization 20(2): which bounds a step may not leave. Shamanskii (1967): a Hessian for several steps.
    """
    start, hessian = (start, None) if near is None else near
    here, eye = np.maximum(start, lower), np.eye(start.shape[1])
    if not here.size:
        return Minimum(here, None)
    loss, gradient = slopes(here)
    moved = np.inf
    for _ in range(200):
        before, moves = moved, free & ((here > lower) | (gradient < 0))
        if hessian is None:
            hessian = curvature(here)
        both = moves[:, :, None] & moves[:, None, :]
        step = np.linalg.solve(np.where(both, hessian, eye), np.where(moves, gradient, 0.0)[..., None])[
            ..., 0
        ]
        size = np.ones((len(here), 1))
        while True:
            there = np.maximum(here - size * step, lower)
            found = slopes(there)
            # A rise within rounding is none.
            worse = found[0] > loss + 1e-12 * np.abs(loss)
            if not worse.any() or np.abs(size * step).max() < tolerance:
                break
            size[worse] /= 2
        moved = np.abs(there - here).max()
        here, (loss, gradient) = there, found
        if moved < tolerance:
            return Minimum(here, hessian)
        if moved > before / 4 or size.min() < 1:
            hessian = None
    raise InputError("A stack did not converge in 200 Newton steps; pass a smaller C.")


def logistic(
    own: np.ndarray,
    others: np.ndarray,
    targets: np.ndarray,
    centre: np.ndarray,
    ridge: np.ndarray,
    sample_weight: np.ndarray | None = None,
) -> tuple[Slopes, Curvature]:
    """Return `minimise`'s ``slopes`` and ``curvature`` of a ridge logistic regression a genre.

    Parameters
    ----------
    own : ndarray of shape (n_genres, n_films, n_own), float64
        Features that each genre has to itself.
    others : ndarray of shape (n_films, n_others), float64
        Features that all genres see.
    targets : ndarray of shape (n_genres, n_films), float64 in [0, 1]
    centre : ndarray of shape (n_genres, n_own + n_others)
        Where the ridge pulls.
    ridge : ndarray of shape (n_own + n_others,)
        The penalty is half of ridge times squared distance.
    sample_weight : ndarray of shape (n_films,), float64, optional
        How much each film counts; default: 1.
    """
    counts = np.ones(targets.shape[1]) if sample_weight is None else sample_weight
    n_own = own.shape[2]
    # Films last in memory: a product with a few features then runs along them.
    own, others = np.ascontiguousarray(own.mT), np.ascontiguousarray(others.T)

    def fitted(parameters):
        own_part = (parameters[:, None, :n_own] @ own)[:, 0]
        return own_part + parameters[:, n_own:] @ others if len(others) else own_part

    def slopes(parameters):
        log_odds, pull = fitted(parameters), parameters - centre
        small = np.exp(-np.abs(log_odds))
        whole = 1 + small
        # The log of 1 + exp(log-odds), less the targets' part; its slope is the probability.
        cost = np.maximum(log_odds, 0)
        cost += np.log(whole)
        cost -= targets * log_odds
        excess = np.where(log_odds < 0, small, 1)
        excess /= whole
        excess -= targets
        excess *= counts
        gradient = np.hstack([(own @ excess[..., None])[..., 0], excess @ others.T])
        return cost @ counts + 0.5 * pull**2 @ ridge, gradient + ridge * pull

    def curvature(parameters):
        share = sigmoid(fitted(parameters))
        curved = share * (1 - share)
        curved *= counts
        hessians = np.empty((len(own), len(ridge), len(ridge)))
        features = np.vstack([np.empty_like(own[0]), others]) if len(own) else others
        for hessian, mine, weight in zip(hessians, own, curved, strict=True):
            features[:n_own] = mine  # of one genre: what fits in the processor's cache
            hessian[:] = (features * weight) @ features.T + np.diag(ridge)
        return hessians

    return slopes, curvature


def tied(slopes: Slopes, curvature: Curvature, slots: np.ndarray) -> tuple[Slopes, Curvature]:
    """Return ``slopes`` and ``curvature`` of one problem, the sum of several that share parameters.

    Parameters
    ----------
    slopes, curvature : callable
        Of the several.
    slots : ndarray of shape (n_problems, n_parameters), int
        Which of the shared parameters each of theirs is.
    """
    size = slots.max() + 1

    def shared_slopes(parameters):
        losses, gradients = slopes(parameters[0, slots])
        return losses.sum(keepdims=True), np.bincount(slots.ravel(), gradients.ravel(), size)[None]

    def shared_curvature(parameters):
        hessian = np.zeros((1, size, size))
        np.add.at(hessian[0], (slots[:, :, None], slots[:, None, :]), curvature(parameters[0, slots]))
        return hessian

    return shared_slopes, shared_curvature
