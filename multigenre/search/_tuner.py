"""KerasTuner's loop over trials, with every result and every failure in the trial's folder."""

import contextlib
import io
import logging
import shutil
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import tensorflow as tf
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial as KerasTrial
from keras_tuner.errors import FailedTrialError
from tensorboard.plugins.hparams import api as hparams

from multigenre._files import read_json, replacing_folder, write_json
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.search._oracles import Lasting
from multigenre.search._spaces import Space
from multigenre.search._trials import Trial, remove_checkpoints, run_seeds

if TYPE_CHECKING:
    from multigenre.search._search import SearchPlan

log = logging.getLogger("multigenre")

MOST_DEATHS = 4  # of the processes that run one trial


class SearchTuner(BaseTuner):
    """Runs the trials that the oracle gives out; what is to last is in their folders and in the oracle's file."""

    def __init__(
        self,
        oracle: Lasting,
        space: Space,
        trial: Trial,
        folder: Pathlike,
        *,
        plan: "SearchPlan",
        progress: Progress = no_progress,
    ):
        self.space, self.trial, self.plan, self.progress = space, trial, plan, progress
        self.logs = Path(folder) / "tensorboard" if plan.tensorboard else None
        self._asked = False
        oracle.verbose = 0
        with contextlib.redirect_stdout(io.StringIO()):  # it says that it reloads
            super().__init__(oracle, hypermodel=space, directory=str(folder), project_name="trials")

    def pre_create_trial(self) -> None:
        """Wait a little before asking again for what there was none of."""
        if self._asked:
            time.sleep(0.5)
        self._asked = True
        if not self._is_worker():
            scores = [one.score for one in self.oracle.get_best_trials() if one.score is not None]
            best = f", best {self.plan.objective} {scores[0]:.4f}" if scores else ""
            self.progress(f"trials{best}", len(self.oracle.end_order), self.plan.trials)

    def on_trial_begin(self, trial: KerasTrial) -> None:
        """Note that there was a trial."""
        self._asked = False

    def run_trial(self, trial: KerasTrial) -> dict[str, float]:
        """Run a trial once for each seed; return the mean of the objective."""
        values, place = trial.hyperparameters.values, Path(self.get_trial_dir(trial.trial_id))
        try:
            settings = _shortened(self.space(trial.hyperparameters), values.get("tuner/epochs"))
            with _counted(place / "deaths.json"):
                if "tuner/trial_id" in values:
                    _carry_on(place.with_name(f"trial_{values['tuner/trial_id']}"), place)
                options = {"folder": place, "seeds": self.plan.seeds, "progress": self.progress}
                table = run_seeds(self.trial, settings, **options)
            if table[self.plan.objective].isna().to_numpy().any():
                raise FailedTrialError(f"{self.plan.objective} is not a number")
        except Exception as error:
            kind = "" if isinstance(error, FailedTrialError) else f"{type(error).__name__}: "
            reason = " ".join(f"{kind}{error}".split())
            write_json({"reason": reason, "traceback": traceback.format_exc()}, place / "failure.json")
            log.warning("Trial %s failed: %s", trial.trial_id, reason)
            raise
        seconds = table.pop("seconds").sum()
        result = {
            "settings": settings,
            "mean": table.mean().to_dict(),
            "spread": table.std(ddof=1).to_dict() if len(table) > 1 else dict.fromkeys(table),
            "seconds": seconds,
        }
        write_json(result, place / "result.json")
        if self.logs:
            _write_tensorboard(place, self.logs / place.name, values, result["mean"])
        if self.plan.strategy != "hyperband":  # which may go on with it
            remove_checkpoints(place)
        return {self.plan.objective: result["mean"][self.plan.objective]}

    def save(self) -> None:
        """Save the oracle's state, where it is here."""
        if not self._is_worker():
            self.oracle.save()

    def reload(self) -> None:
        """Read the oracle's state."""
        self.oracle.reload()

    def _get_tuner_fname(self):
        # This class has no state: what there is to reload is the oracle's. A worker has none.
        return f"{self.project_dir}/none" if self._is_worker() else self.oracle._get_oracle_fname()


@contextlib.contextmanager
def _counted(note: Path) -> Iterator[None]:
    """Count the processes that died in the block, which the next one learns of; the fifth gives up."""
    deaths = read_json(note) if note.is_file() else 0
    if deaths >= MOST_DEATHS:
        raise FailedTrialError(f"{deaths} processes died of it")
    write_json(deaths + 1, note)
    try:
        yield
    finally:
        note.unlink()


def _shortened(settings, epochs):
    """Return settings whose networks train for so many epochs, or as they are if it is None."""
    if epochs is None:
        return settings
    found = {}
    for name, entry in settings.items():
        recipe = {"recipe": {**entry["recipe"], "epochs": epochs}} if "recipe" in entry else {}
        found[name] = {**entry, **recipe}
    return found


def _carry_on(past, place):
    """Copy what a trial's training left into the folder of the one that goes on with it, unless that has begun."""
    for old in past.glob("seed-*"):
        new = place / old.name
        if not new.is_dir():
            with replacing_folder(new) as partial:
                ignored = shutil.ignore_patterns("measures.json")
                shutil.copytree(old, partial, ignore=ignored, dirs_exist_ok=True)


def _write_tensorboard(place, logs, values, measures):
    """Write a trial's curves, hyperparameters and measures as TensorBoard reads them.

    Parameters
    ----------
    place : path
        Of the trial; its ``seed-*/*.history.csv`` are curves.
    logs : path
        A folder a run goes there.
    values : dict of str to str, bool or number
        Hyperparameters.
    measures : dict of str to float
    """
    with tf.summary.create_file_writer(str(logs)).as_default():
        hparams.hparams(dict(values), trial_id=place.name)
        for name, value in measures.items():
            tf.summary.scalar(name, value, step=0)
    for path in sorted(place.glob("seed-*/*.history.csv")):
        run = f"{path.parent.name}-{path.name.removesuffix('.history.csv')}"
        with tf.summary.create_file_writer(str(logs / run)).as_default():
            for row in pd.read_csv(path).to_dict("records"):
                epoch = int(row.pop("epoch"))
                for name, value in row.items():
                    tf.summary.scalar(name, value, step=epoch)
