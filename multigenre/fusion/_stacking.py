"""Stacks: each genre's log-odds from the members' log-odds for it, and then from all genres' log-odds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self, TypeAlias

import numpy as np

from multigenre._checks import InputError, check_shape
from multigenre.calibration import Minimum, logistic, minimise, tied
from multigenre.data import logits, sigmoid

WEIGHT_RIDGE = (
    1.0  # of the weights and shift that all genres share; with a hundred films it no longer matters
)
LEVEL_RIDGE = 10.0  # of the weights of the members' mean log-odds: genres are fewer than films
NEAR_RIDGE = 30.0  # keeps a genre's own part as the stack has it, when other genres come in

Near: TypeAlias = dict[tuple[str, float], Minimum]  # by what is fitted and its strength


@dataclass(frozen=True, eq=False)
class Stack:
    """How log-odds of films with the same members are fused.

    Parameters
    ----------
    weights : ndarray of shape (n_genres, 1 + n_members), float64
        Intercept, then a weight a member.
    covariance : ndarray of shape (n_genres, 1 + n_members, 1 + n_members), float64
        Of the weights' errors; NaN where it is not known.
    others : ndarray of shape (n_genres, 2 + n_genres), float64, optional
        Intercept, slope of the genre's own log-odds, then the weight of each genre's `evidence`.
    usual : ndarray of shape (n_genres,), float64, optional
        Log-odds of each genre's mean probability, where there are others.
    loss : float, optional
        Cross-validated.
    """

    weights: np.ndarray
    covariance: np.ndarray
    others: np.ndarray | None = None
    usual: np.ndarray | None = None
    loss: float = np.inf

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the weights, in their shape."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    def check_sizes(self, n_members: int, n_genres: int) -> None:
        """Raise unless the weights are finite numbers of so many members and genres."""
        if not np.isfinite(check_shape(self.weights, (n_genres, 1 + n_members), "Weights of a stack")).all():
            raise InputError("Weights of a stack must be finite numbers.")
        if self.others is not None:
            check_shape(self.others, (n_genres, 2 + n_genres), "Weights of other genres")
        if self.usual is not None:
            check_shape(self.usual, (n_genres,), "Usual log-odds")

    def mapped(self, maps: np.ndarray) -> Self:
        """Return the stack with the weights that ``maps``, a matrix a genre, makes of these."""
        weights = (maps @ self.weights[..., None])[..., 0]
        return replace(self, weights=weights, covariance=maps @ self.covariance @ maps.mT)

    def log_odds(self, members: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Return fused log-odds (n_films, n_genres) from the members' log-odds, a sequence of such arrays."""
        kind = members[0].dtype
        total = self.weights[:, 0].astype(kind)
        for weight, member in zip(self.weights[:, 1:].T.astype(kind), members, strict=True):
            total = total + weight * member
        if self.others is None or self.usual is None:
            return total
        intercept, slope, *weights = self.others.T.astype(kind)
        return intercept + slope * total + evidence(total, self.usual.astype(kind)) @ np.array(weights)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        others = None
        if self.others is not None and self.usual is not None:
            others = {"coefficients": self.others.tolist(), "usual": self.usual.tolist()}
        return {
            "coefficients": self.weights.tolist(),
            "errors": None if np.isnan(self.errors).all() else self.errors.tolist(),
            "others": others,
            "loss": self.loss if np.isfinite(self.loss) else None,
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """Return what `to_dict` described, of errors the variances."""
        weights, others = np.array(facts["coefficients"], float), facts["others"] or {}
        errors = np.full_like(weights, np.nan) if facts["errors"] is None else np.array(facts["errors"])
        return cls(
            weights,
            errors[:, :, None] * errors[:, None, :] * np.eye(weights.shape[1]),
            np.array(others["coefficients"], float) if others else None,
            np.array(others["usual"], float) if others else None,
            np.inf if facts["loss"] is None else facts["loss"],
        )


def equal_stack(n_genres: int, n_members: int) -> Stack:
    """Return the stack that takes the mean of the members' log-odds: a single member as it is."""
    weights = np.full((n_genres, 1 + n_members), 1 / n_members)
    weights[:, 0] = 0
    return Stack(weights, np.full((*weights.shape, 1 + n_members), np.nan))


def evidence(log_odds: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return log(1 + odds / usual odds): near 0 for a genre less likely than usual, as log-odds where more.

    Most genres are absent from most films, so how absent one is says little about another.
    """
    # As NumPy's logaddexp, in several times less time.
    log_odds = log_odds - usual
    return np.maximum(log_odds, 0) + np.log1p(np.exp(-np.abs(log_odds)))


def stack_path(
    log_odds: np.ndarray,
    labels: np.ndarray,
    strengths: Sequence[float],
    *,
    sample_weight: np.ndarray | None = None,
    non_negative: bool = False,
    tolerance: float = 1e-8,
    errors: bool = True,
    near: Near | None = None,
) -> list[Stack]:
    """Fit each genre's logistic regression on its members' log-odds, shrunk towards one that all genres share.

    The shared one has a weight for each member's distance from its mean log-odds for the genre, and places a
    genre's own mean by a line through those of the members. A genre departs from it in its intercept and
    weights, with a Gaussian prior of variance C on each departure: a genre with few positives, or none, stays
    close, and so do all genres where films are few.

    Parameters
    ----------
    log_odds : ndarray of shape (n_members, n_films, n_genres), float64
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    strengths : sequence of float
        C of each stack; the penalty is ``departure ** 2 / (2 C)``, as in scikit-learn.
    sample_weight : ndarray of shape (n_films,), float64 above 0, optional
        How much each film counts; default: 1.
    non_negative : bool
        No member's weight below 0.
    tolerance : float
        See `minimise`.
    errors : bool
        Whether the weights' errors are wanted; NaN otherwise, which saves a third of the time.
    near : dict, optional
        What `minimise` found for the same strengths on much the same films, from which the search starts; what is
        found here takes its place.

    Returns
    -------
    list of Stack
        Standard errors are Laplace's: of the posterior's curvature, with what the shared weights' errors add.

    References
    ----------
    Gelman and Hill (2006), "Data analysis using regression and multilevel models", ch. 13: intercepts and slopes
    that vary by group around a line through a predictor of the group. Kass and Steffey (1989), "Approximate
    Bayesian inference in conditionally independent hierarchical models", JASA 84: the errors.
    """
    n_members, n_films, n_genres = log_odds.shape
    values, targets = log_odds.transpose(2, 1, 0), labels.T.astype(float)
    level = np.average(values, axis=1, weights=sample_weight)
    own = np.insert(values - level[:, None], 0, 1.0, axis=2)
    # What genres share: weights, and the line (intercept, slopes) through the members' levels.
    line = np.insert(level, 0, 1.0, axis=1)
    together = np.concatenate([own, np.broadcast_to(line[:, None], own.shape)], axis=2)
    genre, column = np.arange(n_genres)[:, None], np.arange(2 * n_members + 1)
    slots = np.hstack([genre, n_genres + np.tile(column, (n_genres, 1))])
    mean = np.full(n_members, 1 / n_members)
    first = np.r_[0.0, mean, 0.0, mean]
    shared_ridge = np.r_[np.full(n_members + 1, WEIGHT_RIDGE), np.full(n_members, LEVEL_RIDGE)] / n_genres
    lower = np.r_[-np.inf, np.full(n_members, 0.0 if non_negative else -np.inf)]
    shared_lower = np.r_[np.full(n_genres, -np.inf), lower[1:], np.full(n_members + 1, -np.inf)]
    # From a shared centre to a genre's: its place on the line, then the weights.
    place = np.zeros((n_genres, n_members + 1, column.size))
    place[:, 0, n_members:], place[:, 1:, :n_members] = line, np.eye(n_members)
    at_zero = np.tile(np.eye(n_members + 1), (n_genres, 1, 1))  # from the intercept at the level to that at 0
    at_zero[:, 0, 1:] = -level

    nothing, stacks = np.zeros((n_films, 0)), []
    shared, found, near = np.r_[np.zeros(n_genres), first[1:]][None], None, {} if near is None else near
    for C in strengths:
        start, ridge = np.tile(first, (n_genres, 1)), np.r_[1 / C, shared_ridge]
        each = logistic(together, nothing, targets, start, ridge, sample_weight)
        slopes, curvature = tied(*each, slots)
        key, options = ("shared", C), {"lower": shared_lower, "tolerance": tolerance}
        near[key] = minimise(slopes, curvature, shared, near=near.get(key), **options)
        shared, of_shared = near[key].parameters, curvature
        centre = place @ shared[0, n_genres:]
        ridge, start = np.full(n_members + 1, 1 / C), centre if found is None else found
        slopes, curvature = logistic(own, nothing, targets, centre, ridge, sample_weight)
        key, options = ("own", C), {"lower": lower, "tolerance": tolerance}
        near[key] = minimise(slopes, curvature, start, near=near.get(key), **options)
        found = near[key].parameters
        covariance = np.full((*found.shape, found.shape[1]), np.nan)
        if errors:
            inverse = np.linalg.inv(curvature(found))
            follows = inverse @ place / C  # how far the fit goes along with the shared centre
            of_centre = np.linalg.inv(of_shared(shared)[0])[n_genres:, n_genres:]
            covariance = inverse + follows @ of_centre @ follows.mT
        stacks.append(Stack(found, covariance).mapped(at_zero))
    return stacks


def others_path(
    stack: Stack,
    log_odds: np.ndarray,
    labels: np.ndarray,
    strengths: Sequence[float],
    *,
    sample_weight: np.ndarray | None = None,
    tolerance: float = 1e-8,
    near: Near | None = None,
) -> list[Stack]:
    """Let each genre of a stack see the evidence for all genres, shrunk towards what the stack says without it.

    Parameters
    ----------
    stack : Stack
    log_odds : ndarray of shape (n_films, n_genres), float64
        What the stack says about the films.
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    strengths : sequence of float
        C of each: the penalty of a genre's weight is ``weight ** 2 / (2 C)``.
    sample_weight, tolerance, near
        As for `stack_path`.

    Returns
    -------
    list of Stack

    References
    ----------
    Godbole and Sarawagi (2004), "Discriminative methods for multi-labeled classification", PAKDD: a second level
    that sees the first level's scores of all labels.
    """
    n_genres, targets = labels.shape[1], labels.T.astype(float)
    mean = partial(np.average, axis=0, weights=sample_weight)
    usual = logits(mean(sigmoid(log_odds)))
    seen, level = evidence(log_odds, usual), mean(log_odds)
    average = mean(seen)
    own = np.stack([np.ones_like(log_odds), log_odds - level], axis=2).transpose(1, 0, 2)
    # The intercept is that of a film whose log-odds and evidence are the mean.
    centre = np.column_stack([level, np.ones(n_genres), np.zeros((n_genres, n_genres))])
    found, stacks, near = centre, [], {} if near is None else near
    for C in strengths:
        ridge = np.r_[NEAR_RIDGE, NEAR_RIDGE, np.full(n_genres, 1 / C)]
        problem = logistic(own, seen - average, targets, centre, ridge, sample_weight)
        key = ("others", C)
        near[key] = minimise(*problem, found, tolerance=tolerance, near=near.get(key))
        found = near[key].parameters
        others = found.copy()
        others[:, 0] -= found[:, 1] * level + found[:, 2:] @ average
        stacks.append(replace(stack, others=others, usual=usual))
    return stacks


def stack_loss(log_odds: np.ndarray, labels: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    """Return binary cross-entropy of log-odds, the mean over films (weighted) and genres in nats."""
    losses = np.logaddexp(0, log_odds) - labels * log_odds
    return float(np.average(losses, axis=0, weights=sample_weight).mean())
