"""Read a film's genres from its poster and its overview, and be honest about it."""

from importlib import import_module
from importlib.metadata import version as _version

# Imported when first used: `import multigenre` loads neither TensorFlow nor scikit-learn.
_HOME = {
    "Films": "films",
    "GenreEnsemble": "ensemble",
    "GenreProbabilities": "probabilities",
    "Genres": "genres",
    "LateFusion": "fusion",
    "OverviewEncoder": "overview",
    "OverviewLSTM": "overview",
    "PosterCNN": "poster",
    "PosterEncoder": "poster",
    "ThresholdCalibrator": "thresholds",
    "make_films": "made_films",
}
_MODULES = ("bundle", "evaluation", "figures", "metrics")

__all__ = [*_HOME, *_MODULES]
__version__ = _version("multigenre")


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"multigenre.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'multigenre' has no attribute {name!r}")
    value = getattr(import_module(f"multigenre.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
