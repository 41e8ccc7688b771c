"""What members say about films that did not teach them: what fusion, thresholds and reports are made of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multigenre._checks import InputError, check_same_genres, check_unseen, some
from multigenre._files import replacing_folder
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, folds_of_films
from multigenre.members import has_modality, member_probabilities, to_train_again

if TYPE_CHECKING:
    from multigenre.members import Member
    from multigenre.networks import PosterCache


log = logging.getLogger("multigenre")


def fit_members(
    members: list[Member],
    films: Films,
    roles: dict[str, Films],
    folder: Pathlike,
    *,
    seed: int = 0,
    posters: PosterCache | None = None,
    progress: Progress = no_progress,
) -> tuple[dict[str, Member], dict[str, GenreProbabilities]]:
    """Train members, each on as many films as its speed allows.

    A member that trains in seconds (its ``folds`` are not 0) trains on all films but the test films. What it says about
    the others comes from copies that did not see them (`out_of_fold_member`). A slower one trains on the training films
    and chooses its epoch on the validation films, so it has held-out probabilities of the others only.

    Parameters
    ----------
    members : list of Member
        Unfitted.
    films : Films
        All of them.
    roles : dict of str to Films
        What `Films.split` made of them.
    folder : path
        Claimed before.
    seed : int
        Of the folds.
    posters : PosterCache, optional
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    fitted : dict of str to Member
        Those that found something to read.
    apart : dict of str to GenreProbabilities
        Out-of-fold probabilities of all films but the test films, of the members that have them.

    Raises
    ------
    InputError
        If no member finds anything to read.
    """
    learned, apart = {}, {}
    whole = _all_but_test(films, roles)
    folds = {}
    for member in members:
        name = member.name
        if not has_modality(member, roles["train"]).any():
            log.warning("%s is left out: training films come without %ss.", name, member.modality)
            continue
        teachers = {"train": whole} if member.folds else roles
        learned[name] = fitted(member, teachers, folder, posters=posters, progress=progress)
        if member.folds:
            if member.folds not in folds:
                folds[member.folds] = folds_of_films(whole, member.folds, seed=seed)
            options = {"folds": folds[member.folds], "posters": posters, "progress": progress}
            apart[name] = kept(folder, name, partial(out_of_fold_member, learned[name], whole, **options))
    if not learned:
        names = some([member.name for member in members])
        raise InputError(f"No film has what {names} read; give posters, overviews or other members.")
    return learned, apart


def fitted(
    member: Member,
    roles: dict[str, Films],
    folder: Pathlike,
    *,
    posters: PosterCache | None = None,
    progress: Progress = no_progress,
) -> Member:
    """Return the member trained, or as read from the folder if an earlier run finished it.

    Parameters
    ----------
    member : Member
        Not fitted yet.
    roles : dict of str to Films
        Of which ``train`` and, where there is one, ``validation`` are used.
    folder : path
        Claimed before.
    posters : PosterCache, optional
    progress : callable, optional
        As `Member.fit` takes them.
    """
    done = Path(folder) / f"{member.name}.done"
    if done.is_dir():
        return member.load(done)
    training = Path(folder) / f"{member.name}.training"
    member.fit(roles["train"], roles.get("validation"), posters=posters, folder=training, progress=progress)
    with replacing_folder(done) as partial:
        member.save(partial)
    return member


def kept(folder: Pathlike, name: str, compute: Callable[[], GenreProbabilities]) -> GenreProbabilities:
    """Return probabilities of a member from the folder, or compute them and keep them there.

    Parameters
    ----------
    folder : path
        Claimed before.
    name : str
        Of the member.
    compute : callable
        Without arguments; returns `GenreProbabilities`.
    """
    path = Path(folder) / f"{name}.out-of-fold.npz"
    if path.is_file():
        return GenreProbabilities.load(path)
    found = compute()
    found.save(path)
    return found


def out_of_fold_member(
    member: Member,
    films: Films,
    *,
    folds: int | np.ndarray = 5,
    seed: int = 0,
    posters: PosterCache | None = None,
    progress: Progress = no_progress,
) -> GenreProbabilities:
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
    fold = folds if isinstance(folds, np.ndarray) else folds_of_films(films, folds, seed=seed)
    values, numbers = np.full((len(films), len(films.genres)), np.nan), np.unique(fold)
    for done, number in enumerate(numbers, start=1):
        held, one = films.take(fold == number).with_role("out-of-fold"), to_train_again(member)
        one.fit(films.take(fold != number).with_role("train"), posters=posters)
        for ids in one.learned_ids_.values():
            check_unseen(held.ids, ids, f"{member.name}, trained without a fold,")
        found = one.predict(held, posters=posters)
        check_same_genres(films.genres, found.genres, f"The films and {member.name}")
        values[fold == number] = found.values
        progress(f"{member.name}, out of fold", done, len(numbers))
    return GenreProbabilities(films.ids, films.genres, values, member.name, "out-of-fold")


def refit_members(
    members: dict[str, Member],
    films: Films,
    roles: dict[str, Films],
    folder: Pathlike,
    *,
    posters: PosterCache | None = None,
    progress: Progress = no_progress,
) -> dict[str, Member]:
    """Return the members with the slow ones trained again on all films but the test films.

    Each trains for as many epochs as its validation films found best. What fusion and thresholds were fitted on came
    from the members before, which had fewer films: the new ones are a little better than those were.

    Parameters
    ----------
    members : dict of str to Member
        Fitted.
    films, roles, folder, posters, progress
        As for `fit_members`.

    Returns
    -------
    dict of str to Member
    """
    whole, folder = _all_but_test(films, roles), Path(folder) / "refit"
    folder.mkdir(exist_ok=True)
    return {
        name: member
        if member.folds
        else fitted(to_train_again(member), {"train": whole}, folder, posters=posters, progress=progress)
        for name, member in members.items()
    }


def held_out_probabilities(
    members: dict[str, Member],
    apart: dict[str, GenreProbabilities],
    films: Films,
    posters: PosterCache | None = None,
) -> list[GenreProbabilities]:
    """Return every member's probabilities of films of one role, none from a member that they taught.

    Parameters
    ----------
    members : dict of str to Member
    apart : dict of str to GenreProbabilities
        As `fit_members` gives them.
    films : Films
        With a role other than ``"train"``.
    posters : PosterCache, optional

    Returns
    -------
    list of GenreProbabilities
        In the order of the members; one that fails is left out, and named in the log.
    """
    ask = {name: member for name, member in members.items() if films.role == "test" or name not in apart}
    found = {one.name: one for one in member_probabilities(ask, films, posters)} if ask else {}
    for name in members.keys() - ask.keys():
        found[name] = replace(_rows(apart[name], films.ids), role=films.role)
    return [found[name] for name in members if name in found]


def fusion_films(
    apart: dict[str, GenreProbabilities], roles: dict[str, Films], calibration: list[GenreProbabilities]
) -> tuple[Films, list[GenreProbabilities]]:
    """Return the films that a fusion may learn from, and every member's probabilities of them.

    They are the calibration films and, for members that have out-of-fold probabilities, the training films; the other
    members are not present there. Validation films are spared, because they are reported while training.

    Parameters
    ----------
    apart : dict of str to GenreProbabilities
        As `fit_members` gives them.
    roles : dict of str to Films
    calibration : list of GenreProbabilities
        Of the calibration films; empty where there are none, and then all members are in ``apart``.

    Returns
    -------
    films : Films
        Of role ``"calibration"``.
    members : list of GenreProbabilities
    """
    if not apart:
        return roles["calibration"], calibration
    train = {name: _rows(one, roles["train"].ids) for name, one in apart.items()}
    some_member = next(iter(train.values()))
    if not calibration:
        return roles["train"].with_role("calibration"), list(train.values())
    members = [
        GenreProbabilities.concatenate([train.get(one.name, some_member.absent(one.name)), one])
        for one in calibration
    ]
    return Films.concatenate([roles["train"], roles["calibration"]]).with_role("calibration"), members


def _all_but_test(films, roles):
    """Return the films but the test films, to train on."""
    tested = roles["test"].ids.tolist() if "test" in roles else []
    return films.take(~np.isin(films.ids.astype(str), tested)).with_role("train")


def _rows(probabilities, ids):
    """Return the probabilities of some of their films."""
    return probabilities.take(pd.Index(probabilities.ids).get_indexer(ids))
