"""What lets a training run that was killed go on as if it had not been."""

import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from multigenre._checks import InputError
from multigenre._files import replacing
from multigenre._signatures import Pathlike


class Checkpoint(keras.callbacks.Callback):
    """Keeps, after every epoch, the best weights and all that the next epoch starts from.

    That is the weights, the optimiser's variables, the history, and the states of dropout's random generators,
    which Keras's own checkpoints leave out: a run resumed from those is another run.

    Parameters
    ----------
    model : keras.Model
        Compiled and built.
    folder : path
        Made if needed; holds ``state.npz`` and ``best.npz``.
    patience : int or None
        Stop after so many epochs without a lower validation loss.

    Attributes
    ----------
    history : list of dict of str to float
        What was measured in each epoch that is done.
    """

    def __init__(self, model: keras.Model, folder: Pathlike, patience: int | None = None):
        super().__init__()
        model.optimizer.build(model.trainable_variables)
        self.network = model
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.state, self.best = folder / "state.npz", folder / "best.npz"
        self.patience = patience
        self.history: list[dict[str, float]] = []

    def restore(self) -> int:
        """Go back to the end of the last whole epoch; return how many are done.

        Raises
        ------
        InputError
            If the folder holds the training of another model.
        """
        if self.state.is_file():
            values, history = _read(self.state)
            variables = self._variables()
            if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
                where = self.state.parent
                raise InputError(f"{where} holds the training of another model; choose another folder.")
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            self.history = history
        return len(self.history)

    def restore_best(self) -> None:
        """Give the model the weights of the epoch with the lowest validation loss."""
        self.network.set_weights(_read(self.best)[0])

    def best_epoch(self) -> int:
        """Return the first epoch with the lowest validation loss; one that is NaN is the highest."""
        return int(np.argmin(np.nan_to_num([row["val_loss"] for row in self.history], nan=np.inf)))

    def out_of_patience(self) -> bool:
        """Return whether so many epochs as the patience went by since the best."""
        if self.patience is None or not self.history:
            return False
        return len(self.history) - 1 - self.best_epoch() >= self.patience

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write what the epoch left."""
        logs = logs or {}
        self.history.append({name: float(value) for name, value in logs.items()})
        # The best first: after a kill between the two files the epoch is run, and written, once more.
        if "val_loss" in logs and self.best_epoch() == epoch:
            _write(self.best, self.network.get_weights(), self.history)
        _write(self.state, [variable.numpy() for variable in self._variables()], self.history)
        self.network.stop_training = self.out_of_patience()

    def _variables(self):
        # Unlike a model's weights, its variables include the random generators' states.
        return [*self.network.variables, *self.network.optimizer.variables]


def _write(path, arrays, history):
    """Write arrays and history to one file, beside and then renamed."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, *arrays, history=json.dumps(history))


def _read(path):
    """Return the arrays and the history that `_write` wrote."""
    with np.load(path, allow_pickle=False) as saved:
        return [saved[f"arr_{i}"] for i in range(len(saved.files) - 1)], json.loads(str(saved["history"]))
