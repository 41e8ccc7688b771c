"""What is left of each score when posters are damaged, overviews end early, or one of them is not there."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.analysis._poster_changes import POSTER_DAMAGES, changed_posters
from multigenre.data import Films
from multigenre.members import catalogue_probabilities
from multigenre.scores import bootstrap_scores, paired_interval, prevalence_baseline, with_prevalence

if TYPE_CHECKING:
    from multigenre.ensemble import GenreEnsemble


# What is damaged and how far, mildly first; the levels of poster damages are explained in `poster_changes`, those of
# overviews are how many words are kept, and "missing" is the share of films.
DAMAGES = {
    "poster noise": (0.05, 0.1, 0.2),
    "poster blur": (0.01, 0.03, 0.1),
    "poster dark": (0.25, 0.5, 0.75),
    "poster bright": (0.25, 0.5, 0.75),
    "poster jpeg": (0.7, 0.9, 0.97),
    "poster crop": (0.05, 0.1, 0.2),
    "poster missing": (0.25, 0.5, 1.0),
    "overview words": (40, 20, 10, 5),
    "overview missing": (0.25, 0.5, 1.0),
}


def damaged(films: Films, damage: str, setting: float, *, folder: Pathlike, seed: int = 0) -> Films:
    """Return the films with posters or overviews damaged.

    Parameters
    ----------
    films : Films
    damage : str
        One of `DAMAGES`. ``"overview words"`` keeps the first words alone. A film that is chosen to miss its poster is
        so at greater shares too.
    setting : float
        How far.
    folder : path
        For damaged posters, which must stay there while they are read.
    seed : int
        Of noise, and of which films miss something: the same for a film whatever others go with it.

    Raises
    ------
    InputError
        If the damage is unknown.
    """
    modality, _, kind = damage.partition(" ")
    if damage not in DAMAGES:
        raise InputError(f"A damage is one of {', '.join(DAMAGES)}, got {damage!r}.")
    column = f"{modality}s"
    if kind == "missing":
        lost = np.array([_generator(film, seed).random() < setting for film in films.ids], bool)
        return replace(films, **{column: np.where(lost, "", getattr(films, column))})
    if kind == "words":
        return replace(films, overviews=[" ".join(text.split()[: int(setting)]) for text in films.overviews])
    change = POSTER_DAMAGES[kind]
    return changed_posters(films, folder, lambda film, image: change(image, setting, _generator(film, seed)))


def robustness_table(
    ensemble: GenreEnsemble,
    films: Films,
    *,
    damages: dict[str, Sequence[float]] | None = None,
    replicates: int = 200,
    seed: int = 0,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Return the scores of members and their fusion as what they read gets worse.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted.
    films : Films
        With genres; those that taught the ensemble something are left out. Each is predicted about 30 times.
    damages : dict of str to sequence of float, optional
        Which of `DAMAGES`, and how far, mildly first. Default: all of them that some member reads.
    replicates : int
        Of the bootstrap.
    seed : int
        Of the damage and of the bootstrap.
    progress : callable, optional
        Called with (what, settings done, settings in all).

    Returns
    -------
    DataFrame, one row a damage, level, contender (the prevalence first, then members, the fused last) and metric
        ``damage``; ``level``, 0 for the films as they are, then 1, 2...; ``setting``, <NA> at level 0;
        ``contender``; ``metric`` as in `multigenre.scores.bootstrap_scores`; ``films`` that the contender is
        present for, and ``missing``; ``value``, ``low``, ``high``, over those films; ``change``, ``change_low``,
        ``change_high``: from level 0, over films that it is present for at both. 95 %, over films; <NA> where
        nothing can be scored.

    Raises
    ------
    InputError
        If a damage is unknown, is of something that no member reads, or no film is left.
    """
    members = ensemble.members_
    read = {member.modality for member in members.values()}
    if damages is None:
        damages = {damage: settings for damage, settings in DAMAGES.items() if damage.split(" ")[0] in read}
    if wrong := [damage for damage in damages if damage not in DAMAGES or damage.split(" ")[0] not in read]:
        raise InputError(f"Damages are those of DAMAGES that some member reads, got {some(wrong)}.")
    films = ensemble.unseen(films.align(ensemble.genres_))
    plain, cuts = _contenders(ensemble, films, catalogue_probabilities(members, films))
    score = partial(_scores, films, plain=plain, plain_cuts=cuts, replicates=replicates, seed=seed)
    at_first = {name: score(one, cuts) for name, one in plain.items()}
    tables, done, total = [], 0, sum(map(len, damages.values()))
    for damage, settings in damages.items():
        touched = {name: one for name, one in members.items() if one.modality == damage.split(" ")[0]}
        tables += [_labelled(damage, 0, pd.NA, name, scores) for name, scores in at_first.items()]
        for level, setting in enumerate(settings, start=1):
            with tempfile.TemporaryDirectory(prefix="multigenre-") as folder:
                worse = damaged(films, damage, setting, folder=folder, seed=seed)
                found = {one.name: one for one in catalogue_probabilities(touched, worse)}
            # A member that failed on these films, as the log then says, is absent.
            said = [
                found.get(name, plain[name].absent(name)) if name in touched else plain[name]
                for name in members
                if name in plain
            ]
            contenders, cuts = _contenders(ensemble, films, said)
            for name, one in contenders.items():
                scores = score(one, cuts) if name in touched or name == "fused" else at_first[name]
                tables.append(_labelled(damage, level, setting, name, scores))
            done += 1
            progress("damaging films", done, total)
    return pd.concat(tables, ignore_index=True).astype({"setting": "Float64"})


def _contenders(ensemble, films, members):
    """Return by name the prevalence, the members and the fusion, which says the prevalence where nobody can read.

    And their thresholds.
    """
    fused = with_prevalence(ensemble.fusion_.predict(members), ensemble.prevalence_)
    baseline = prevalence_baseline(ensemble.prevalence_, films)
    everyone = (baseline, *members, fused)
    return {one.name: one for one in everyone}, ensemble.cuts(*everyone)


def _scores(films, one, cuts, *, plain, plain_cuts, replicates, seed):
    """Return a DataFrame by metric of the scores of ``one``, and of their paired differences to those at first."""
    options = {"replicates": replicates, "seed": seed}
    found = bootstrap_scores(one, films, cuts[one.name], **options)
    before = replace(plain[one.name], name="before")
    both = {one.name: cuts[one.name], "before": plain_cuts[one.name]}
    change = paired_interval(one, before, films, both, **options)
    found[["change", "change_low", "change_high"]] = change[["value", "low", "high"]]
    counts = {"films": int(one.present.sum()), "missing": int((~one.present).sum())}
    return pd.DataFrame(counts, found.index).join(found)


def _labelled(damage, level, setting, name, scores):
    facts = {"damage": damage, "level": level, "setting": setting, "contender": name}
    return pd.DataFrame(facts, scores.index).join(scores).reset_index()


def _generator(film, seed):
    """Return a film's own generator: which films go with it does not matter."""
    return np.random.default_rng(list(blake2b(f"{seed} {film}".encode(), digest_size=16).digest()))
