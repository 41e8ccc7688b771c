"""A fitted ensemble as documents of a bundle, and back."""

from pathlib import Path

import pandas as pd
from sklearn.base import BaseEstimator

from multigenre._checks import check_same_genres
from multigenre.bundle import read_documents
from multigenre.fused_thresholds import FusedThresholds
from multigenre.fusion import LateFusion
from multigenre.genres import Genres
from multigenre.presets import restored
from multigenre.thresholds import ThresholdCalibrator

SETTINGS = ("preset", "seed", "fusion", "thresholds", "refit", "settings")
KINDS = {kind.__name__: kind for kind in (LateFusion, ThresholdCalibrator, FusedThresholds)}


def documents_of(ensemble):
    """Return what an ensemble learned beside its members, as `multigenre.bundle.write_bundle` takes it."""
    settings = {name: getattr(ensemble, name) for name in SETTINGS}
    return {
        "bundle": {
            "members": {name: ensemble.descriptions_.get(name) for name in ensemble.members_},
            "settings": {
                name: _described(one) if isinstance(one, BaseEstimator) else one
                for name, one in settings.items()
            },
            "genres": list(ensemble.genres_),
            "prevalence": ensemble.prevalence_.to_dict(),
            "counts": ensemble.counts_,
        },
        "metrics": ensemble.metrics_,
        "fusion": ensemble.fusion_.to_dict(),
        "thresholds": {name: calibrator.to_dict() for name, calibrator in ensemble.thresholds_.items()},
        "films": ensemble.roles_.to_dict(),
    }


def restore(ensemble, folder, members=()):
    """Give an ensemble what a bundle holds, and return it.

    Parameters
    ----------
    ensemble : GenreEnsemble
        A new one.
    folder : path
    members : sequence of Member
        Unfitted ones in place of members that the bundle cannot make.

    Raises
    ------
    InputError
        As `GenreEnsemble.load`.
    """
    documents = read_documents(folder)
    facts = documents["bundle"]
    for name, setting in facts["settings"].items():
        made = isinstance(setting, dict) and "kind" in setting
        setattr(ensemble, name, _estimator(setting) if made else setting)
    ensemble.members, ensemble.descriptions_ = tuple(facts["members"]), facts["members"]
    ensemble.genres_, ensemble.counts_ = Genres(facts["genres"]), facts["counts"]
    ensemble.prevalence_ = pd.Series(facts["prevalence"], name="prevalence")
    ensemble.metrics_ = documents["metrics"]
    ensemble.roles_ = pd.Series(documents["films"], name="role", dtype=object)
    ensemble.fusion_ = LateFusion.from_dict(documents["fusion"])
    ensemble.thresholds_ = {
        name: (FusedThresholds if name == "fused" else ThresholdCalibrator).from_dict(saved)
        for name, saved in documents["thresholds"].items()
    }
    ensemble.members_ = {}
    for name, description in facts["members"].items():
        member = restored(name, description, members, preset=ensemble.preset, seed=ensemble.seed)
        ensemble.members_[name] = member.load(Path(folder) / name)
        check_same_genres(ensemble.genres_, member.genres_, f"The bundle and its {name}")
    return ensemble


def _described(estimator):
    """Return an estimator's kind and settings as plain values."""
    settings = {
        name: _described(one) if isinstance(one, BaseEstimator) else one
        for name, one in estimator.get_params(deep=False).items()
    }
    return {"kind": type(estimator).__name__, "settings": settings}


def _estimator(described):
    """Return the unfitted estimator that `_described` told of."""
    settings = {
        name: _estimator(one) if isinstance(one, dict) and "kind" in one else one
        for name, one in described["settings"].items()
    }
    return KINDS[described["kind"]](**settings)
