"""A search on a table of films: for a network, the fusion, the thresholds, or all of them."""

import logging
import time
from pathlib import Path

from multigenre import _workers
from multigenre._checks import InputError
from multigenre.presets import make_member
from multigenre.probabilities import GenreProbabilities
from multigenre.search import SearchPlan, search
from multigenre.search_spaces import space_of
from multigenre.search_trials import FilmTrial
from multigenre.workspace import fitted

log = logging.getLogger("multigenre")


def search_films(films, folder, *, member="overview-lstm", others=(), plan=None, **options):
    """Search for settings on the training and validation films of a split; return the leaderboard.

    Parameters
    ----------
    films : dict of str to Films
        By role, as `Films.split` gives them. Only ``"train"`` and ``"validation"`` are read.
    folder : path
        See `multigenre.search.search`.
    member : str
        What is searched: ``"poster-cnn"``, ``"overview-lstm"``, ``"fusion"``, ``"thresholds"`` or ``"ensemble"``.
    others : sequence of str
        Members to fuse with, by name; they are trained once, as the default preset does, on the same films.
    plan : SearchPlan, optional
    **options
        ``tensorboard`` and ``progress`` of `multigenre.search.search`.

    Returns
    -------
    DataFrame
        As `multigenre.search_results.leaderboard`.

    Raises
    ------
    InputError
        If there are no training or validation films, other members are needed but none is named, or the member
        itself is among them, thresholds are searched for what they do not change, or another search is in the folder.
    """
    plan = SearchPlan() if plan is None else plan
    missing = [role for role in ("train", "validation") if role not in films]
    if missing:
        raise InputError(
            f"A search needs train and validation films, but the split has no {missing[0]} films."
        )
    space = space_of(member)
    if member == "thresholds" and plan.objective != "macro-f1":
        raise InputError(
            f"Thresholds change no probability, so a search of them aims at macro-f1, got {plan.objective}."
        )
    if member in others:
        raise InputError(f"{member} is what is searched, so it cannot be one of the others too.")
    needed = {"fusion": 2, "thresholds": 1}.get(
        member, int(plan.objective == "fused-loss" and member != "ensemble")
    )
    if len(others) < needed:
        raise InputError(
            f"A search of {member} for {plan.objective} needs {needed} or more other members, got {len(others)}; "
            "name some as others, such as overview-tfidf."
        )
    FilmTrial(films["train"], films["validation"])  # their roles, before anything is trained
    given = [
        _other(name, films, Path(folder) / "others", seed=plan.seed, progress=options.get("progress"))
        for name in others
    ]
    trial = FilmTrial(films["train"], films["validation"], others=given)
    return search(space, trial, folder, plan=plan, **options)


def _other(name, films, folder, *, seed, progress):
    """Return what a member says about the validation films; the chief trains it, workers wait."""
    path = folder / f"{name}.npz"
    while _workers.part() == "worker" and not path.is_file():
        _workers.leave_with_parent()
        time.sleep(0.5)
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        member = fitted(make_member(name, seed=seed), films, folder, progress=progress)
        member.predict(films["validation"]).save(path)
    return GenreProbabilities.load(path)
