"""Losses by name, for genres of which most films are not."""

import keras

from multigenre._checks import InputError

LOSSES = ("binary-crossentropy", "focal", "asymmetric")


def make_loss(name, *, label_smoothing=0.0):
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
        self, *, gamma_present=1.0, gamma_absent=4.0, margin=0.05, label_smoothing=0.0, name="asymmetric"
    ):
        super().__init__(name=name)
        self.gamma_present, self.gamma_absent = gamma_present, gamma_absent
        self.margin, self.label_smoothing = margin, label_smoothing

    def call(self, labels, values):
        """Return a loss a film."""
        ops, tiny = keras.ops, keras.config.epsilon()
        values = ops.convert_to_tensor(values)
        labels = ops.cast(labels, values.dtype) * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        values = ops.clip(values, tiny, 1 - tiny)
        lowered = ops.maximum(values - self.margin, 0)
        present = labels * ops.power(1 - values, self.gamma_present) * ops.log(values)
        absent = (1 - labels) * ops.power(lowered, self.gamma_absent) * ops.log(1 - lowered)
        return -ops.mean(present + absent, axis=-1)

    def get_config(self):
        """Return the constructor's arguments."""
        names = ("gamma_present", "gamma_absent", "margin", "label_smoothing", "name")
        return {name: getattr(self, name) for name in names}
