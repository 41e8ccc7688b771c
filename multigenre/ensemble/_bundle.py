"""A bundle: documents and members in one folder, there whole or not at all."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

from multigenre._checks import InputError, error_line
from multigenre._files import read_document, replacing_folder, write_json
from multigenre._signatures import Pathlike
from multigenre.calibration import ThresholdCalibrator
from multigenre.ensemble._manifest import MANIFEST, check_manifest, write_manifest
from multigenre.fusion import LateFusion
from multigenre.members import Member

FORMAT = 5
LIBRARIES = ("multigenre", "tensorflow", "keras", "scikit-learn", "numpy", "pandas")
KINDS = {kind.__name__: kind for kind in (LateFusion, ThresholdCalibrator)}
DOCUMENTS = ("bundle", "metrics", "fusion", "thresholds", "films")


def check_free(folder: Pathlike) -> None:
    """Raise unless a bundle can be written at ``folder``: nothing is there, or an empty folder."""
    folder = Path(folder)
    files = [place for place in (folder, *folder.parents) if place.is_file()]
    if files or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"{(files or [folder])[0]} already exists; choose another place or remove it first.")


def write_bundle(folder: Pathlike, documents: dict[str, dict], members: dict[str, Member]) -> None:
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
        If the folder is there and not empty, or a file is beyond what `read_documents` lets through.
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
        write_manifest(partial)


def read_documents(folder: Pathlike) -> dict[str, dict]:
    """Return the documents of a bundle by name, once all its files are found to be as they were saved.

    Of them all, only the format number of ``bundle.json`` is read before `check_manifest` has passed.

    Raises
    ------
    InputError
        If the folder is no bundle, one that another release wrote in its own way, or a file is missing, changed, one
        too many or too large.
    """
    folder = Path(folder)
    try:
        about = read_document(folder / "bundle.json")
        age = FORMAT - about["format"]
        lacks_manifest = not age and not (folder / MANIFEST).is_file()
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} is not a bundle that multigenre wrote ({error_line(error)}).") from error
    if age:
        versions = about.get("versions")
        written_by = versions.get("multigenre", "a release") if isinstance(versions, dict) else "a release"
        which = "newer; please upgrade" if age < 0 else "older; please train again"
        raise InputError(f"{folder} was written by multigenre {written_by}, which is {which}.")
    if lacks_manifest:
        raise InputError(f"{folder} is not a bundle that multigenre wrote (it lacks {MANIFEST}).")
    check_manifest(folder)
    return {name: read_document(folder / f"{name}.json") for name in DOCUMENTS}


def described(estimator: BaseEstimator) -> dict:
    """Return an estimator's kind and settings as plain values."""
    settings = {
        name: described(one) if isinstance(one, BaseEstimator) else one
        for name, one in estimator.get_params(deep=False).items()
    }
    return {"kind": type(estimator).__name__, "settings": settings}


def estimator_of(facts: dict) -> BaseEstimator:
    """Return the unfitted estimator that `described` told of."""
    settings: dict[str, Any] = {
        name: estimator_of(one) if isinstance(one, dict) and "kind" in one else one
        for name, one in facts["settings"].items()
    }
    return KINDS[facts["kind"]](**settings)
