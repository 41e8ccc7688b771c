"""How a network trains: the reference's recipe, training by it, and the losses to choose from."""

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import pandas as pd
import tensorflow as tf

from multigenre._checks import InputError
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.networks._checkpoint import Checkpoint

Model = TypeVar("Model", bound=keras.Model)
LOSSES = ("binary-crossentropy", "focal", "asymmetric")


@dataclass(frozen=True)
class Recipe:
    """How a member trains; the defaults are the reference's.

    Adam, and binary cross-entropy unless another loss is asked for; micro-averaged precision and recall at 0.5 are
    measured. The weights of the epoch with the lowest validation loss are kept (the last epoch's where there are no
    validation films).

    Parameters
    ----------
    epochs : int
        The reference trains the poster network for 40 and the overview network for 20.
    batch_size : int
    learning_rate : float
        Of the first ``constant_epochs`` epochs; after them multiplied by ``exp(-decay)`` each epoch.
    constant_epochs : int
    decay : float
    patience : int or None
        Stop after so many epochs without a lower validation loss; None never stops early.
    loss : str
        Of `make_loss`; the validation loss is of the same kind.
    label_smoothing : float in [0, 1)

    Examples
    --------
    >>> recipe = Recipe(epochs=20)
    >>> recipe.rate(9), round(recipe.rate(10) / recipe.rate(9), 6)
    (0.0001, 0.99005)
    """

    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-4
    constant_epochs: int = 10
    decay: float = 0.01
    patience: int | None = None
    loss: str = "binary-crossentropy"
    label_smoothing: float = 0.0

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.learning_rate * math.exp(-self.decay * max(0, epoch + 1 - self.constant_epochs))


def compile_model(model: Model, recipe: Recipe) -> Model:
    """Compile a Keras model as the reference does; return it."""
    model.compile(
        optimizer=keras.optimizers.Adam(recipe.learning_rate),
        loss=make_loss(recipe.loss, label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")],
    )
    return model


def train_model(
    model: keras.Model,
    train: tf.data.Dataset,
    validation: tf.data.Dataset | None = None,
    *,
    recipe: Recipe,
    folder: Pathlike,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Train a compiled model by a recipe and leave it with its best epoch's weights.

    A run that was killed goes on from its last whole epoch when it is called again with the same folder.

    Parameters
    ----------
    model : keras.Model
    train, validation : tf.data.Dataset
        Batches of (inputs, labels); see `multigenre.networks.training_dataset`.
    recipe : Recipe
    folder : path
        For the checkpoint.
    progress : callable, optional
        Called with (what, steps done, steps in all).

    Returns
    -------
    DataFrame
        One row an epoch (index ``epoch``, from 0): ``loss``, ``precision``, ``recall``, ``learning_rate``
        and, with validation films, ``val_loss``, ``val_precision``, ``val_recall``.

    Raises
    ------
    InputError
        If the folder holds the training of another model.
    """
    checkpoint = Checkpoint(model, folder, None if validation is None else recipe.patience)
    rate = keras.callbacks.LearningRateScheduler(recipe.rate)
    callbacks = [rate, checkpoint, _Progress(progress, model.name, recipe.epochs)]
    done = checkpoint.restore()
    if not checkpoint.out_of_patience():
        options = {"epochs": recipe.epochs, "initial_epoch": done, "callbacks": callbacks, "verbose": 0}
        model.fit(train, validation_data=validation, shuffle=False, **options)
    if validation is not None:
        checkpoint.restore_best()
    return pd.DataFrame(checkpoint.history).rename_axis("epoch")


class _Progress(keras.callbacks.Callback):
    """Tells a callable how many of all steps are done."""

    def __init__(self, progress, name, epochs):
        super().__init__()
        self.report, self.name, self.epochs = progress, name.replace("_", "-"), epochs
        self.epoch, self.text = 0, ""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        params: Any = self.params
        steps = params["steps"]
        what = f"{self.name}, epoch {self.epoch + 1} of {self.epochs}{self.text}"
        self.report(what, self.epoch * steps + batch + 1, self.epochs * steps)

    def on_epoch_end(self, epoch, logs=None):
        if logs and "val_loss" in logs:
            self.text = f", validation loss {logs['val_loss']:.4f}"


def make_loss(name: str, *, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """Return a Keras loss of labels and probabilities, the mean over films and genres.

    All but the first distort the probabilities, which then need calibration before their cross-entropy says much.

    Parameters
    ----------
    name : {"binary-crossentropy", "focal", "asymmetric"}
        Cross-entropy; with gamma 2, so that what is easy counts less; or with gamma 1 for the genres that a film
        has and 4 for those that it has not, of which probabilities below 0.05 count nothing.
    label_smoothing : float in [0, 1)
        Labels are drawn towards 0.5 by as much.

    Raises
    ------
    InputError
        If the loss is unknown or the smoothing out of range.

    References
    ----------
    Lin et al. (2017), "Focal loss for dense object detection", ICCV. Ridnik et al. (2021), "Asymmetric loss for
    multi-label classification", ICCV, section 3.
    """
    if name not in LOSSES:
        raise InputError(f"A loss is one of {', '.join(LOSSES)}, got {name!r}.")
    if not 0 <= label_smoothing < 1:
        raise InputError(f"label_smoothing must be at least 0 and below 1, got {label_smoothing}.")
    if name == "focal":
        return keras.losses.BinaryFocalCrossentropy(gamma=2.0, label_smoothing=label_smoothing)
    if name == "asymmetric":
        return AsymmetricLoss(label_smoothing=label_smoothing)
    return keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing)


@keras.saving.register_keras_serializable(package="multigenre")
class AsymmetricLoss(keras.losses.Loss):
    """The asymmetric loss of Ridnik et al. (2021), see `make_loss`.

    Parameters
    ----------
    gamma_present, gamma_absent : float
        How much less what is easy counts, for genres that a film has and for those that it has not.
    margin : float
        Absent genres' probabilities are lowered by so much first, to 0 at least.
    label_smoothing : float
    name : str

    Examples
    --------
    >>> float(AsymmetricLoss()([[1.0, 0.0]], [[1.0, 0.04]])) < 1e-6
    True
    """

    def __init__(
        self,
        *,
        gamma_present: float = 1.0,
        gamma_absent: float = 4.0,
        margin: float = 0.05,
        label_smoothing: float = 0.0,
        name: str = "asymmetric",
    ):
        super().__init__(name=name)
        self.gamma_present, self.gamma_absent = gamma_present, gamma_absent
        self.margin, self.label_smoothing = margin, label_smoothing

    def call(self, labels: Any, values: Any) -> Any:
        """Return a loss a film."""
        ops, tiny = keras.ops, keras.config.epsilon()
        values = ops.convert_to_tensor(values)
        labels = ops.cast(labels, values.dtype) * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        values = ops.clip(values, tiny, 1 - tiny)
        lowered = ops.maximum(values - self.margin, 0)
        present = labels * ops.power(1 - values, self.gamma_present) * ops.log(values)
        absent = (1 - labels) * ops.power(lowered, self.gamma_absent) * ops.log(1 - lowered)
        return -ops.mean(present + absent, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("gamma_present", "gamma_absent", "margin", "label_smoothing", "name")
        return {name: getattr(self, name) for name in names}
