"""Isotonic regression with smoothed steps: the rising map with no other form, for genres of many films."""

import numpy as np
from sklearn.isotonic import IsotonicRegression


def isotonic_map(value, label):
    """Return the knots of one genre's rising step map, to be joined by lines.

    Parameters
    ----------
    value : array of shape (n_films,), float in [0, 1]
    label : array of shape (n_films,), 0 or 1

    Returns
    -------
    value, calibrated : ndarray of shape (n_knots,), float64
        Each step is a smoothed share, (positives + 1/2) / (films + 1), so that no probability is 0 or 1;
        steps that this puts out of order are joined.

    References
    ----------
    Zadrozny and Elkan (2002), "Transforming classifier scores into accurate multiclass probability estimates".

    Examples
    --------
    >>> isotonic_map([0.1, 0.2, 0.7, 0.9], [0, 0, 1, 1])[1].round(3)
    array([0.167, 0.167, 0.833, 0.833])
    """
    steps = IsotonicRegression().fit_transform(value, label)
    shares, step, films = np.unique(steps, return_inverse=True, return_counts=True)
    smoothed = (shares * films + 0.5) / (films + 1)
    model = IsotonicRegression().fit(value, smoothed[step])
    return model.X_thresholds_.astype(float), model.y_thresholds_.astype(float)
