"""Copies of estimators that have learned nothing yet."""

from typing import TypeVar

from sklearn.base import BaseEstimator, clone

Estimator = TypeVar("Estimator", bound=BaseEstimator)


def unfitted(estimator: Estimator) -> Estimator:
    """Return scikit-learn's ``clone`` of an estimator: one of its kind and settings, without what it learned."""
    return clone(estimator)  # pyright: ignore[reportReturnType]  # clones of containers are read into it
