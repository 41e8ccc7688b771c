"""Read a film's genres from its poster and its overview, and be honest about it."""

from importlib import import_module

# Imported when first used: `import multigenre` loads neither TensorFlow nor scikit-learn.
_HOME = {
    "EmbeddingMember": "embedding_member",
    "Films": "films",
    "FusedThresholds": "fused_thresholds",
    "FusionLayer": "fusion_layer",
    "GenreEnsemble": "ensemble",
    "GenreProbabilities": "probabilities",
    "Genres": "genres",
    "GivenMember": "given_member",
    "LateFusion": "fusion",
    "OverviewBag": "overview_bag",
    "OverviewEncoder": "overview",
    "OverviewLSTM": "overview",
    "OverviewTfidf": "overview_tfidf",
    "PosterCNN": "poster",
    "PosterEncoder": "poster",
    "ProbabilityCalibrator": "calibration",
    "SklearnMember": "sklearn_member",
    "ThresholdCalibrator": "thresholds",
    "make_films": "made_films",
}
_MODULES = (
    "app", "bundle", "conversion", "evaluation", "figures", "film_attributes", "film_search", "findings", "metrics",
    "reliability", "report", "search", "search_results", "search_spaces", "settings", "shard_evaluation",
    "shard_prediction", "threshold_reports",
)  # fmt: skip

__all__ = [*_HOME, *_MODULES]


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"multigenre.{name}")
    if name == "__version__":
        value = import_module("importlib.metadata").version("multigenre")
    elif name in _HOME:
        value = getattr(import_module(f"multigenre.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'multigenre' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, "__version__"})
