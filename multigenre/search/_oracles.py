"""KerasTuner's oracles, made to start with the reference and to outlast kills, lost workers and failures."""

import logging
import warnings
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner import oracles
from keras_tuner.engine.trial import Trial
from sklearn.exceptions import ConvergenceWarning

from multigenre._checks import InputError
from multigenre._files import write_json

log = logging.getLogger("multigenre")

DONE = ("COMPLETED", "FAILED")


class Lasting(keras_tuner.Oracle):
    """What the oracles below add to KerasTuner's, which they extend too.

    - The first trial has the default of every hyperparameter.
    - Files are written beside and then renamed.
    - Whatever the moment of a kill, a finished trial is not run again and an unfinished one is.
    - A trial that is reported twice counts once.
    - After `most_failures` failures in a row no trial is started, in place of an error in the middle of a report, after
      which KerasTuner would hold its lock for ever.
    - A worker waits while others are at work, so that it can take over what they leave unfinished.
    """

    most_failures: int = 5
    ended_before: int = 0  # trials, when this process took the search up

    @property
    def failing(self) -> bool:
        """Whether so many trials as are allowed failed in a row, since this process took the search up."""
        last = self.end_order[self.ended_before :][-self.most_failures :]
        failed = [self.trials[number].status == "FAILED" for number in last]
        return len(failed) == self.most_failures and all(failed)

    def _random_values(self):
        if self.trials:
            return super()._random_values()
        defaults = keras_tuner.HyperParameters()
        for hyperparameter in self.hyperparameters.space:
            defaults.merge([hyperparameter])
        return {one.name: defaults.values[one.name] for one in defaults.space if defaults.is_active(one)}

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Return the next trial; one of status STOPPED or IDLE holds nothing to run."""
        if self.failing and tuner_id not in self.ongoing_trials:
            log.warning("The search stops, because the last %d trials failed.", self.most_failures)
            self.tuner_ids.discard(tuner_id)
            trial = Trial(hyperparameters=self.hyperparameters.copy(), status="STOPPED")
        else:
            trial = super().create_trial(tuner_id)
        # After a kill between a report of measures and that of the end, the next run would not be heard.
        trial.metrics.metrics.clear()
        if trial.status == "STOPPED" and self.ongoing_trials:
            trial.status = "IDLE"
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial: Trial) -> None:
        """Note what came of a trial, once."""
        if trial.trial_id in self.end_order:
            return
        if trial.trial_id in self._retry_queue:  # it was given up for lost
            self._retry_queue.remove(trial.trial_id)
        super().end_trial(trial)
        # KerasTuner saves before it forgets that the trial was under way, and would run it again after a kill.
        self.save()

    @keras_tuner.synchronized
    def take_back(self, tuner_id: str) -> None:
        """Let another worker run what this one, which is lost, left unfinished; do not wait for it."""
        trial = self.ongoing_trials.pop(tuner_id, None)
        if trial is not None:
            self._retry_queue.append(trial.trial_id)
        self.tuner_ids.discard(tuner_id)
        self.save()

    def _check_consecutive_failures(self):
        """Leave it to `failing`."""

    def save(self) -> None:
        """Write the state of the search."""
        write_json(self.get_state(), Path(self._get_oracle_fname()))

    def _save_trial(self, trial):
        write_json(trial.get_state(), Path(self._get_trial_dir(trial.trial_id)) / "trial.json")

    def reload(self) -> None:
        """Go on where a search ended: trials say what they are, whatever the state of the search says."""
        super().reload()
        for number, trial in sorted(self.trials.items()):
            self._record_values(trial)  # the one that was being started is not in the state
            if number not in self.start_order:
                self.start_order.append(number)
            if trial.status in DONE and number not in self.end_order:
                self.end_order.append(number)
        self.ended_before = len(self.end_order)
        # The first in the queue is the last to run.
        self._retry_queue = sorted(
            (n for n, one in self.trials.items() if one.status not in DONE), reverse=True
        )


class RandomOracle(Lasting, oracles.RandomSearchOracle):
    """Random search that lasts."""


class BayesianOracle(Lasting, oracles.BayesianOptimizationOracle):
    """Bayesian optimisation that lasts, tries nothing twice, and learns from what failed."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return what to try next: at random where the model has nothing new to say."""
        with warnings.catch_warnings():
            # How smooth the objective is cannot be told from a few trials: no news for whoever searches.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = super().populate_space(trial_id)
        if found["status"] == "RUNNING" and self._duplicate(found["values"]):
            values = self._random_values()
            found = {"status": "RUNNING" if values else "STOPPED", "values": values}
        return found

    def _vectorize_trials(self):
        # KerasTuner leaves out what failed, so its model would send the next trials to the same place.
        worst = max if self.objective.direction == "min" else min
        score = worst(trial.score for trial in self.trials.values() if trial.status == "COMPLETED")
        failed = [trial for trial in self.trials.values() if trial.status == "FAILED"]
        for trial in failed:
            trial.status, trial.score = "COMPLETED", score
        found = super()._vectorize_trials()
        for trial in failed:
            trial.status, trial.score = "FAILED", None
        return found


class HyperbandOracle(Lasting, oracles.HyperbandOracle):
    """Hyperband that lasts."""


def make_oracle(
    strategy: str,
    *,
    objective: keras_tuner.Objective,
    trials: int,
    hyperparameters: keras_tuner.HyperParameters,
    seed: int = 0,
    epochs: int | None = None,
) -> Lasting:
    """Return an oracle of KerasTuner's.

    Parameters
    ----------
    strategy : {"random", "bayesian", "hyperband"}
    objective : keras_tuner.Objective
    trials : int
        At most. Bayesian optimisation draws the first third of them at random.
    hyperparameters : keras_tuner.HyperParameters
        Those that are fixed.
    seed : int
    epochs : int, optional
        The most of a trial of Hyperband, which starts all but a few with a third or a ninth of them, and lets the best
        third go on. A sweep is 30 trials with 10 to 26 epochs, and 90 with 40.

    Raises
    ------
    InputError
        If the strategy is unknown, or Hyperband does not know how many epochs there are.

    References
    ----------
    Bergstra, Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13. Snoek, Larochelle, Adams (2012),
    "Practical Bayesian optimization of machine learning algorithms", NIPS. Li et al. (2018), "Hyperband", JMLR 18.
    """
    # KerasTuner takes the seed 0 for none.
    options = {"objective": objective, "hyperparameters": hyperparameters, "seed": seed + 1}
    if strategy == "random":
        return RandomOracle(max_trials=trials, **options)
    if strategy == "bayesian":
        return BayesianOracle(max_trials=trials, num_initial_points=max(3, trials // 3), **options)
    if strategy != "hyperband":
        raise InputError(f"A search strategy is random, bayesian or hyperband, got {strategy!r}.")
    if epochs is None:
        raise InputError("Hyperband shares out epochs; say how many a trial may have at most.")
    oracle = HyperbandOracle(max_epochs=epochs, hyperband_iterations=1000, **options)
    oracle.max_trials = trials
    brackets = range(oracle._get_num_brackets())
    sweep = sum(oracle._get_size(bracket, step) for bracket in brackets for step in range(bracket + 1))
    if trials < sweep:
        text = "A sweep of Hyperband is %d trials with at most %d epochs; with %d, few or none come so far."
        log.warning(text, sweep, epochs, trials)
    return oracle
