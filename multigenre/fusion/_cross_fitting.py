"""Predictions for the films that something is fitted on, each from a copy that did not see the film."""

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from multigenre._checks import InputError
from multigenre._clones import unfitted
from multigenre.data import Films, GenreProbabilities
from multigenre.fusion._late_fusion import LateFusion


def held_out(
    fusion: LateFusion, members: list[GenreProbabilities], films: Films, *, seed: int = 0
) -> GenreProbabilities:
    """Return what a fitted fusion would say of its own films without having seen them.

    Thresholds are chosen on it: on the fusion's own predictions for these films, they would take its over-fitting for
    skill.

    Parameters
    ----------
    fusion : LateFusion
        Fitted on these members and films.
    members : list of GenreProbabilities
    films : Films
        The same films, with their genres.
    seed : int
        Of the folds of `out_of_fold`, which is asked where the fusion holds nothing out itself.

    Returns
    -------
    GenreProbabilities
        ``fusion.held_out_``, NaN for films that it did not learn from, or as `out_of_fold`.
    """
    found = fusion.held_out_
    if found is None:
        return out_of_fold(fusion, members, films, seed=seed)
    values = np.full((len(films), len(films.genres)), np.nan)
    values[pd.Index(films.ids).get_indexer(pd.Index(found.ids))] = found.values
    return GenreProbabilities(films.ids, films.genres, values, found.name, found.role)


def out_of_fold(
    fusion: LateFusion, members: list[GenreProbabilities], films: Films, *, folds: int = 5, seed: int = 0
) -> GenreProbabilities:
    """Return fused probabilities of films, each by a copy of a fusion that was fitted on the others.

    Parameters
    ----------
    fusion : LateFusion
        Its settings are used; it is not changed.
    members : list of GenreProbabilities
        Of role ``"calibration"`` or ``"out-of-fold"``.
    films : Films
        The same films, with their genres.
    folds : int
        As many fusions are fitted, each on all films but a fold; fewer where there are fewer films.
    seed : int
        Of the folds.

    Returns
    -------
    GenreProbabilities
        Named ``"fused"``, of role ``"out-of-fold"``, in the order of the films.

    Raises
    ------
    InputError
        If there are fewer than two films, or as `LateFusion.fit`.

    References
    ----------
    Wolpert (1992), "Stacked generalization", Neural Networks 5(2).
    """
    if len(films) < 2:
        raise InputError(
            f"Cross-fitting needs at least 2 calibration films, got {len(films)}; give them a larger share."
        )
    values = np.full((len(films), len(films.genres)), np.nan)
    for rest, held in KFold(min(folds, len(films)), shuffle=True, random_state=seed).split(films.ids):
        fitted = unfitted(fusion).fit([member.take(rest) for member in members], films.take(rest))
        values[held] = fitted.predict([member.take(held) for member in members]).values
    return GenreProbabilities(films.ids, films.genres, values, "fused", "out-of-fold")
