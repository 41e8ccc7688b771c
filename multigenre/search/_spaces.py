"""What a search may change, and between which values: functions of KerasTuner's hyperparameters.

Each takes a `keras_tuner.HyperParameters` and returns settings, a dict that JSON can hold: by member name what
`multigenre.members.make_network` takes, ``"fusion"`` what `LateFusion` takes, and ``"thresholds"`` what
`ThresholdCalibrator` takes. The default of every hyperparameter is the reference's value; of fusion and thresholds,
that of `GenreEnsemble`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from multigenre._checks import InputError

if TYPE_CHECKING:
    from keras_tuner import HyperParameters

Settings: TypeAlias = dict[str, dict[str, Any]]
Space: TypeAlias = "Callable[[HyperParameters], Settings]"


def poster_space(hp: "HyperParameters") -> Settings:
    """Return settings of the poster network.

    >>> import keras_tuner
    >>> poster_space(keras_tuner.HyperParameters())["poster-cnn"]["design"]["filters"]
    [16, 32, 64, 128]
    """
    # KerasTuner's hints have None too, which only what hangs on a condition gives.
    first, blocks = hp.Choice("filters", [8, 16, 32], default=16), hp.Int("blocks", 2, 4, default=3)
    filters = [first * 2**block for block in range(blocks + 1)]  # pyright: ignore[reportOptionalOperand]
    dense, layers = (
        hp.Choice("dense", [256, 512, 1024], default=1024),
        hp.Int("dense_layers", 1, 2, default=2),
    )
    design = {
        "size": hp.Choice("size", [48, 64, 96], default=64),
        "filters": filters,
        "dense": [dense] * layers,  # pyright: ignore[reportOperatorIssue]
        "dropout": _rate(hp, "dropout", 0.2),
        "dense_dropout": _rate(hp, "dense_dropout", 0.5),
        "augment": hp.Boolean("augment", default=False),
    }
    rescale = hp.Boolean("rescale", default=False)
    return {"poster-cnn": {"rescale": rescale, "design": design, "recipe": _recipe(hp, epochs=40)}}


def overview_space(hp: "HyperParameters") -> Settings:
    """Return settings of the overview network.

    >>> import keras_tuner
    >>> overview_space(keras_tuner.HyperParameters())["overview-lstm"]["design"]["units"]
    [256, 128]
    """
    units, layers = hp.Choice("units", [64, 128, 256], default=256), hp.Int("layers", 1, 3, default=2)
    design = {
        "max_tokens": hp.Choice("max_tokens", [3000, 5000, 10_000, 20_000], default=10_000),
        "embedding": hp.Choice("embedding", [64, 128, 256], default=256),
        "units": [units // 2**layer for layer in range(layers)],  # pyright: ignore[reportArgumentType]
        "dense": hp.Choice("dense", [64, 128, 256], default=128),
        "dropout": _rate(hp, "dropout", 0.5),
        "recurrent_dropout": _rate(hp, "recurrent_dropout", 0.2),
        "dense_dropout": _rate(hp, "dense_dropout", 0.8),
    }
    return {"overview-lstm": {"design": design, "recipe": _recipe(hp, epochs=20)}}


def fusion_space(hp: "HyperParameters") -> Settings:
    """Return settings of the late fusion.

    >>> import keras_tuner
    >>> fusion_space(keras_tuner.HyperParameters())
    {'fusion': {'method': 'joint-stack', 'C': 'cv', 'non_negative': False, 'others_C': 'cv'}}
    """
    strengths = ["cv", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3"]
    method = hp.Choice("method", ["joint-stack", "stack", "greedy", "logit-mean", "mean"])
    found = {"method": method}
    with hp.conditional_scope("method", ["joint-stack", "stack"]):
        found["C"] = _strength(hp.Choice("C", strengths))
        found["non_negative"] = hp.Boolean("non_negative", default=False)
    with hp.conditional_scope("method", ["joint-stack"]):
        found["others_C"] = _strength(hp.Choice("others_C", strengths))
    return {"fusion": _active(found)}


def thresholds_space(hp: "HyperParameters") -> Settings:
    """Return settings of the thresholds.

    >>> import keras_tuner
    >>> thresholds_space(keras_tuner.HyperParameters())["thresholds"]["strategy"]
    'micro-macro'
    """
    strategies = ["micro-macro", "f1", "smoothed-f1", "joint-micro", "scut-fbr", "shared", "half"]
    found = {"strategy": hp.Choice("strategy", strategies)}
    with hp.conditional_scope("strategy", ["micro-macro"]):
        mixture = hp.Float("macro_share", 0.1, 1.0, step=0.1, default=0.7)
    with hp.conditional_scope("strategy", ["smoothed-f1"]):
        smoothing = hp.Choice("smoothing", [3, 10, 30], default=10)
    found["level"] = smoothing if mixture is None else mixture
    with hp.conditional_scope("strategy", strategies[:-2]):
        found["min_positives"] = hp.Choice("min_positives", [1, 5, 10, 20], default=10)
    with hp.conditional_scope("strategy", [one for one in strategies[:-2] if one != "scut-fbr"]):
        found["counts"] = hp.Choice("counts", ["expected", "observed"])  # SCutFBR asks for observed ones
    found["at_least_one"] = hp.Boolean("at_least_one", default=False)
    found["match_cardinality"] = hp.Boolean("match_cardinality", default=False)
    return {"thresholds": _active(found)}


def ensemble_space(hp: "HyperParameters") -> Settings:
    """Return settings of both networks, the fusion and the thresholds; names carry their part, as ``fusion/method``."""
    found = {}
    for name, space in SPACES.items():
        if space is not ensemble_space:
            with hp.name_scope(name):
                found |= space(hp)
    return found


SPACES: dict[str, Space] = {
    "poster-cnn": poster_space,
    "overview-lstm": overview_space,
    "fusion": fusion_space,
    "thresholds": thresholds_space,
    "ensemble": ensemble_space,
}


def space_of(name: str) -> Space:
    """Return a space by what is searched.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in SPACES:
        raise InputError(f"What is searched is one of {', '.join(SPACES)}, got {name!r}.")
    return SPACES[name]


def _recipe(hp, *, epochs):
    """Return how a network trains; ``epochs`` are the reference's, and the most."""
    found = {
        "epochs": hp.Int("epochs", epochs // 4, epochs, step=epochs // 4, default=epochs),
        "batch_size": hp.Choice("batch_size", [32, 64, 128], default=64),
        "learning_rate": hp.Float("learning_rate", 3e-5, 3e-3, sampling="log", default=1e-4),
        "loss": hp.Choice("loss", ["binary-crossentropy", "focal", "asymmetric"]),
        "label_smoothing": round(hp.Float("label_smoothing", 0.0, 0.1, step=0.02, default=0.0), 6),
        "patience": hp.Choice("patience", [0, 3, 6], default=0) or None,
    }
    hp.Choice("rate_rule", ["exponential", "constant"])
    with hp.conditional_scope("rate_rule", ["exponential"]):
        constant = hp.Int("constant_epochs", 0, 10, step=5, default=10)
        decay = hp.Float("decay", 0.003, 0.3, sampling="log", default=0.01)
    if decay is None:
        constant, decay = epochs, 0.0
    return {**found, "constant_epochs": constant, "decay": decay}


def _rate(hp, name, default):
    """Return a share that is dropped out."""
    return round(hp.Float(name, 0.0, 0.8, step=0.1, default=default), 6)  # 0.3, not 0.30000000000000004


def _strength(value):
    return value if value in (None, "cv") else float(value)


def _active(settings):
    """Return the settings without those whose condition does not hold: None, in KerasTuner."""
    return {name: value for name, value in settings.items() if value is not None}
