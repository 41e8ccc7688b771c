"""One folder for everything an ensemble learned; plain JSON, `.keras` and `.npz`, no pickle."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

from multigenre._checks import InputError

FORMAT = 3
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
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        libraries = ("multigenre", "tensorflow", "keras", "scikit-learn", "numpy", "pandas")
        about = {"format": FORMAT, "versions": {name: version(name) for name in libraries}}
        for name in DOCUMENTS:
            facts = documents[name] | about if name == "bundle" else documents[name]
            text = json.dumps(facts, indent=1, allow_nan=False)
            (partial / f"{name}.json").write_text(text, encoding="utf-8")
        for name, member in members.items():
            (partial / name).mkdir()
            member.save(partial / name)
        if folder.is_dir():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


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
