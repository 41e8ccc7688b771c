"""Predictions for the films that something is fitted on, each from a copy that did not see the film."""

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold

from multigenre._checks import InputError, check_same_genres, check_unseen
from multigenre.members import to_train_again
from multigenre.probabilities import GenreProbabilities
from multigenre.splits import folds_of_films


def out_of_fold(fusion, members, films, *, folds=5, seed=0, parts=None):
    """Return fused probabilities that thresholds can be chosen on.

    Chosen on the fusion's own predictions for the films that fitted it, they would take its over-fitting for skill.

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
    parts : list of list of str, optional
        Names of members that alone are asked, each list in its turn, by fusions that learned from all of them.

    Returns
    -------
    GenreProbabilities, or list of them, one of each of the parts
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
    asked = [[member.name for member in members]] if parts is None else parts
    values = np.full((len(asked), len(films), len(films.genres)), np.nan)
    for rest, held in KFold(min(folds, len(films)), shuffle=True, random_state=seed).split(films.ids):
        fitted = clone(fusion).fit([member.take(rest) for member in members], films.take(rest))
        for found, names in zip(values, asked, strict=True):
            found[held] = fitted.predict([one.take(held) for one in members if one.name in names]).values
    fused = [GenreProbabilities(films.ids, films.genres, one, "fused", "out-of-fold") for one in values]
    return fused[0] if parts is None else fused


def out_of_fold_member(member, films, *, folds=5, seed=0, posters=None, progress=None):
    """Return a member's probabilities of its own training films, each from a copy trained without the film.

    A fusion can learn from them as from calibration films, and there are many more. The member that then serves
    trains on all the films, so it is a little better than what the fusion saw. For members that train in seconds.

    Parameters
    ----------
    member : Member
        Copies of it are trained; of a fitted one, with the settings that it chose (`to_train_again`).
    films : Films
        With their genres. Near-duplicates go to one fold, and every genre keeps its share in each.
    folds : int, or ndarray of shape (n_films,), int
        As many copies are trained; or the fold of each film, see `folds_of_films`.
    seed : int
        Of the folds.
    posters : PosterCache, optional
    progress : callable, optional
        Called with (what, folds done, folds in all).

    Returns
    -------
    GenreProbabilities
        Of role ``"out-of-fold"``, in the order of the films; NaN for films without what the member reads.

    Raises
    ------
    InputError
        If there are fewer than two folds or than that many films, or a copy has seen the films of its fold.

    References
    ----------
    Wolpert (1992), "Stacked generalization", Neural Networks 5(2). van der Laan, Polley, Hubbard (2007), "Super
    learner", Statistical Applications in Genetics and Molecular Biology 6(1).
    """
    if films.labels is None:
        raise InputError(
            "Cross-fitting needs films whose genres are known, got a table without genre columns."
        )
    fold = folds_of_films(films, folds, seed=seed) if np.isscalar(folds) else folds
    values, numbers = np.full((len(films), len(films.genres)), np.nan), np.unique(fold)
    for done, number in enumerate(numbers, start=1):
        held, one = films.take(fold == number).with_role("out-of-fold"), to_train_again(member)
        one.fit(films.take(fold != number).with_role("train"), posters=posters)
        for ids in one.learned_ids_.values():
            check_unseen(held.ids, ids, f"{member.name}, trained without a fold,")
        found = one.predict(held, posters=posters)
        check_same_genres(films.genres, found.genres, f"The films and {member.name}")
        values[fold == number] = found.values
        if progress:
            progress(f"{member.name}, out of fold", done, len(numbers))
    return GenreProbabilities(films.ids, films.genres, values, member.name, "out-of-fold")
