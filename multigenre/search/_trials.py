"""One trial of a search: members trained as settings say, and judged on the validation films."""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import keras
import pandas as pd

from multigenre._checks import InputError
from multigenre._files import read_json, write_json
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.calibration import ThresholdCalibrator
from multigenre.data import Films, GenreProbabilities
from multigenre.fusion import LateFusion
from multigenre.members import DESIGNS, make_network
from multigenre.search._objectives import check_search_films, fused_out_of_fold, measure, validation_record
from multigenre.search._spaces import Settings

Trial: TypeAlias = Callable[..., dict[str, Any]]  # as `FilmTrial`


class FilmTrial:
    """Trains what settings name on training films, and measures it on validation films.

    What is measured is the network where the settings are of one, and the fusion of all members where they are of
    several, of ``"fusion"`` or of ``"thresholds"``.

    Parameters
    ----------
    train, validation : Films
        Of the roles train and validation; no other role is taken.
    others : sequence of GenreProbabilities
        What other members say about the validation films, which did not train them.

    Raises
    ------
    InputError
        If films have another role, or others are about other films.
    """

    def __init__(self, train: Films, validation: Films, *, others: Sequence[GenreProbabilities] = ()):
        check_search_films(train, validation)
        for other in others:
            validation_record(other, validation)
        self.train, self.validation, self.others = train, validation, tuple(others)
        self._posters = None  # decoded, of the size that the last network reads

    @property
    def facts(self) -> dict[str, str]:
        """What tells this trial from those on other films."""
        return {
            "films": f"{self.train.digest()}; {self.validation.digest()}",
            "others": ", ".join(other.name for other in self.others) or "none",
        }

    def __call__(
        self, settings: Settings, *, folder: Pathlike, seed: int, progress: Progress = no_progress
    ) -> dict[str, float]:
        """Train, measure, and return what was measured.

        Parameters
        ----------
        settings : dict
            As a space gives them, such as `multigenre.search.poster_space`.
        folder : path
            Checkpoints go there, and a trial that was killed goes on from there.
        seed : int
        progress : callable, optional
            Called with (what, steps done, steps in all).

        Returns
        -------
        dict of str to float
            As `measure`, and of a single network ``epochs-run``, how many there were.
        """
        keras.utils.clear_session()  # or the graphs of all trials stay in memory
        found, epochs = [], []
        for name in (name for name in DESIGNS if name in settings):
            member = make_network(name, settings[name], seed=seed)
            self._posters, train, validation = member.screened(self._posters, self.train, self.validation)
            options = {"posters": self._posters, "folder": Path(folder) / name, "progress": progress}
            member.fit(train, validation, **options)
            found.append(member.predict(validation, posters=self._posters))
            epochs.append(len(member.history_))
            member.history_.to_csv(Path(folder) / f"{name}.history.csv")
        fusion = LateFusion(**settings["fusion"]) if "fusion" in settings else None
        thresholds = ThresholdCalibrator(**settings["thresholds"]) if "thresholds" in settings else None
        if len(found) == 1 and fusion is None and thresholds is None:
            return {**measure(found[0], self.validation, others=self.others), "epochs-run": epochs[0]}
        members = [*found, *self.others]
        if not members:
            raise InputError("A search of fusion or thresholds needs members to fuse; pass them as others.")
        fused = fused_out_of_fold(members, self.validation, fusion)
        values = measure(fused, self.validation, thresholds=thresholds)
        return {**values, "fused-loss": values["val-loss"]}


def run_seeds(
    trial: Trial,
    settings: Settings,
    *,
    folder: Pathlike,
    seeds: Iterable[int],
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Run a trial once for each seed, and note each result in the folder at once.

    Parameters
    ----------
    trial : callable
        As `FilmTrial`.
    settings : dict
    folder : path
        Of this trial. A seed whose result is there is not run again; its checkpoints are removed.
    seeds : iterable of int
    progress : callable, optional

    Returns
    -------
    DataFrame, indexed by seed
        A column a measure, and ``seconds``: those of the last process, where one was killed.
    """
    folder, found = Path(folder), {}
    for seed in seeds:
        place = folder / f"seed-{seed}"
        note = place / "measures.json"
        if not note.is_file():
            place.mkdir(parents=True, exist_ok=True)
            started = time.monotonic()
            measures = trial(settings, folder=place, seed=seed, progress=progress)
            measures = {**measures, "seconds": time.monotonic() - started}
            write_json({name: float(value) for name, value in measures.items()}, note)
        found[seed] = read_json(note)
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("seed")


def remove_checkpoints(folder: Pathlike) -> None:
    """Remove what training left in a trial's folder to go on from: tens of megabytes a network."""
    for place in Path(folder).glob("seed-*/*"):
        if place.is_dir():
            shutil.rmtree(place)
