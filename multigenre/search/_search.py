"""A search from its plan to its leaderboard: of anything, and of what an ensemble is made of on a table of films."""

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras_tuner
import pandas as pd

from multigenre._checks import InputError
from multigenre._files import claim
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities
from multigenre.ensemble import fitted
from multigenre.members import make_member
from multigenre.search._objectives import OBJECTIVES
from multigenre.search._oracles import make_oracle
from multigenre.search._results import best_settings, leaderboard, write_results
from multigenre.search._spaces import Space, space_of
from multigenre.search._trials import FilmTrial, Trial, remove_checkpoints
from multigenre.search._tuner import SearchTuner
from multigenre.search._workers import BEAT, Watch, beat, every, leave_with_parent, part

log = logging.getLogger("multigenre")


@dataclass(frozen=True)
class SearchPlan:
    """How to search.

    Parameters
    ----------
    objective : {"val-loss", "macro-map", "macro-f1", "fused-loss"}
        See `measure`.
    strategy : {"random", "bayesian", "hyperband"}
    trials : int
        At most, in all: a search that has ended goes on if it is given more.
    seeds_per_trial : int
        Each trial is run so many times, and judged by the mean.
    seed : int
        Of the strategy and of the first run of each trial.
    epochs : int, optional
        The most that a network trains for; epochs are then no hyperparameter. Without it Hyperband takes the
        reference's.
    tensorboard : bool
        Write curves and hyperparameters of each trial to ``tensorboard`` in the folder, when it ends.

    Raises
    ------
    InputError
        If the objective is unknown or a number is below 1.
    """

    objective: str = "val-loss"
    strategy: str = "bayesian"
    trials: int = 30
    seeds_per_trial: int = 1
    seed: int = 0
    epochs: int | None = None
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise InputError(f"A search aims at one of {', '.join(OBJECTIVES)}, got {self.objective!r}.")
        for name in ("trials", "seeds_per_trial"):
            if getattr(self, name) < 1:
                raise InputError(f"A search needs {name} of at least 1, got {getattr(self, name)}.")

    @property
    def seeds(self) -> range:
        """The seeds of each trial."""
        return range(self.seed, self.seed + self.seeds_per_trial)


def search_films(
    films: Mapping[str, Films],
    folder: Pathlike,
    *,
    member: str = "overview-lstm",
    others: Sequence[str] = (),
    plan: SearchPlan = SearchPlan(),
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Search for settings on the training and validation films of a split; return the leaderboard.

    Parameters
    ----------
    films : mapping of str to Films
        By role, as `Films.split` gives them. Only ``"train"`` and ``"validation"`` are read.
    folder : path
        See `multigenre.search.search`.
    member : str
        What is searched: ``"poster-cnn"``, ``"overview-lstm"``, ``"fusion"``, ``"thresholds"`` or ``"ensemble"``.
    others : sequence of str
        Members to fuse with, by name; they are trained once, as the default preset does, on the same films.
    plan : SearchPlan
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    DataFrame
        As `multigenre.search.leaderboard`.

    Raises
    ------
    InputError
        If there are no training or validation films, other members are needed but none is named, or the member
        itself is among them, thresholds are searched for what they do not change, or another search is in the folder.
    """
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
        _other(name, films, Path(folder) / "others", seed=plan.seed, progress=progress) for name in others
    ]
    trial = FilmTrial(films["train"], films["validation"], others=given)
    return search(space, trial, folder, plan=plan, progress=progress)


def _other(name, films, folder, *, seed, progress):
    """Return what a member says about the validation films; the chief trains it, workers wait."""
    path = folder / f"{name}.npz"
    if part() == "worker":
        _wait_for(path)
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        member = fitted(make_member(name, seed=seed), films, folder, progress=progress)
        member.predict(films["validation"]).save(path)
    return GenreProbabilities.load(path)


def search(
    space: Space,
    trial: Trial,
    folder: Pathlike,
    *,
    plan: SearchPlan = SearchPlan(),
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Search for the best settings; return the leaderboard.

    In a process with KerasTuner's environment variables (``KERASTUNER_TUNER_ID``, ``KERASTUNER_ORACLE_IP``,
    ``KERASTUNER_ORACLE_PORT``) this is the chief, which gives out trials, or a worker, which runs them; see
    `multigenre.search.run_workers`.

    Parameters
    ----------
    space : callable
        From `keras_tuner.HyperParameters` to settings; see `multigenre.search.poster_space`.
    trial : callable
        Called as ``trial(settings, folder=..., seed=..., progress=...)``; returns measures by name, of which one is the
        objective. See `multigenre.search.FilmTrial`. Its ``facts``, a dict, if it has any, tell it from others.
    folder : path
        A search that was killed goes on from there: finished trials are kept, the one that was under way goes on from
        its last epoch. Ends with ``leaderboard.csv``, ``leaderboard.png`` and ``best.json``.
    plan : SearchPlan
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    DataFrame
        As `multigenre.search.leaderboard`.

    Raises
    ------
    InputError
        If another search is in the folder.
    RuntimeError
        If every trial failed; the message has the reason of the last.
    """
    folder = Path(folder)
    fixed, kind = _fixed(space, plan), part()
    facts = {"search": _digest(space, fixed), **_lasting_facts(plan), **getattr(trial, "facts", {})}
    if kind == "worker":
        _wait_for(folder / "run.json")
    claim(folder, facts)
    epochs = [fixed.get(name) for name in fixed.values]
    oracle = make_oracle(
        plan.strategy,
        objective=keras_tuner.Objective(plan.objective, OBJECTIVES[plan.objective]),
        trials=plan.trials,
        hyperparameters=fixed,
        seed=plan.seed,
        epochs=max(epochs, default=plan.epochs),
    )
    told = progress if kind == "alone" else no_progress
    tuner = SearchTuner(oracle, space, trial, folder, plan=plan, progress=told)
    actions = {
        "alone": (),
        "chief": (leave_with_parent, Watch(oracle, folder / "workers")),
        "worker": (leave_with_parent, lambda: beat(folder / "workers")),
    }
    with every(BEAT, *actions[kind]):
        tuner.search()
    return leaderboard(folder) if kind == "worker" else finish(folder)


def finish(folder: Pathlike) -> pd.DataFrame:
    """Write leaderboard, picture and best settings of a search that has ended; return the leaderboard.

    Raises
    ------
    RuntimeError
        If every trial failed.
    """
    table = leaderboard(folder)
    reasons = table["reason"][table["status"] == "failed"].tolist()
    if reasons:
        log.warning("%d of %d trials failed, the last because: %s", len(reasons), len(table), reasons[-1])
    if len(reasons) == len(table):
        raise RuntimeError(f"All {len(table)} trials failed, the last because: {reasons[-1]}")
    write_results(folder, table, best_settings(folder))
    for place in (Path(folder) / "trials").glob("trial_*"):
        remove_checkpoints(place)
    return table


def _fixed(space, plan):
    """Return hyperparameters that are not searched: the epochs, where the plan or Hyperband shares them out."""
    found = keras_tuner.HyperParameters()
    if plan.epochs is None and plan.strategy != "hyperband":
        return found
    defaults = keras_tuner.HyperParameters()
    space(defaults)
    for name, value in defaults.values.items():
        if name.split("/")[-1] == "epochs":
            found.Fixed(name, value if plan.epochs is None else plan.epochs)
    return found


def _digest(space, fixed):
    """Return a text that tells this space from others."""
    whole = fixed.copy()
    space(whole)
    text = json.dumps(whole.get_config()["space"], sort_keys=True)
    name = getattr(space, "__name__", type(space).__name__)
    return f"{name}, {len(whole.space)} hyperparameters, {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _lasting_facts(plan):
    """Return what of a plan cannot change in the middle of a search."""
    return {name: value for name, value in asdict(plan).items() if name not in ("trials", "tensorboard")}


def _wait_for(path):
    """Wait, in a worker, for what the chief writes."""
    while not path.is_file():
        leave_with_parent()
        time.sleep(0.2)
