"""A fitted ensemble as documents of a bundle, and back."""

import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from sklearn.base import BaseEstimator

from multigenre._checks import InputError, check_same_genres
from multigenre._files import replacing_folder, write_json
from multigenre.calibration import ThresholdCalibrator
from multigenre.data import Genres
from multigenre.fusion import LateFusion
from multigenre.members import restored

FORMAT = 4
LIBRARIES = ("multigenre", "tensorflow", "keras", "scikit-learn", "numpy", "pandas")
DOCUMENTS = ("bundle", "metrics", "fusion", "thresholds", "films")


def check_free(folder):
    """Raise unless a bundle can be written at ``folder``: nothing is there, or an empty folder."""
    folder = Path(folder)
    files = [place for place in (folder, *folder.parents) if place.is_file()]
    if files or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"{(files or [folder])[0]} already exists; choose another place or remove it first.")


def write_bundle(folder, documents, members):
    """Write documents and members into one folder, beside and then renamed: it is there whole or not at all.

    Parameters
    ----------
    folder : path
    documents : dict of str to JSON-able
        Those of `DOCUMENTS`; ``bundle`` is given the format and the versions of the libraries.
    members : dict of str to Member

    Raises
    ------
    InputError
        If the folder is there and not empty.
    """
    check_free(folder)
    folder = Path(folder).resolve()
    about = {"format": FORMAT, "versions": {name: version(name) for name in LIBRARIES}}
    with replacing_folder(folder) as partial:
        for name in DOCUMENTS:
            facts = documents[name] | about if name == "bundle" else documents[name]
            write_json(facts, partial / f"{name}.json", indent=1, allow_nan=False)
        for name, member in members.items():
            (partial / name).mkdir()
            member.save(partial / name)


def read_documents(folder):
    """Return the documents of a bundle by name.

    Raises
    ------
    InputError
        If the folder is no bundle, or one that another release wrote in its own way.
    """
    try:
        about = _read(folder, "bundle")
        age = FORMAT - about["format"]
        documents = {} if age else {name: _read(folder, name) for name in DOCUMENTS}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} is not a bundle that multigenre wrote ({error}).") from error
    if age:
        written_by = about.get("versions", {}).get("multigenre", "a release")
        which = "newer; please upgrade" if age < 0 else "older; please train again"
        raise InputError(f"{folder} was written by multigenre {written_by}, which is {which}.")
    return documents


def _read(folder, name):
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))


SETTINGS = ("preset", "seed", "fusion", "thresholds", "refit", "settings")
KINDS = {kind.__name__: kind for kind in (LateFusion, ThresholdCalibrator)}


def documents_of(ensemble):
    """Return what an ensemble learned beside its members, as `write_bundle` takes it."""
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
        name: ThresholdCalibrator.from_dict(saved) for name, saved in documents["thresholds"].items()
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
