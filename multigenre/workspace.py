"""Where unfinished training is kept, so that a run that was killed goes on where it was."""

import json
import logging
import shutil
from importlib.metadata import version
from pathlib import Path

from multigenre._checks import InputError
from multigenre._files import replacing
from multigenre.probabilities import GenreProbabilities

log = logging.getLogger("multigenre")


def claim(folder, facts):
    """Note in a folder what is run in it.

    Parameters
    ----------
    folder : path
        Made if needed.
    facts : dict of str to JSON-able
        What tells this run from others.

    Raises
    ------
    InputError
        If another run is unfinished there.
    """
    folder, facts = Path(folder), {"multigenre": version("multigenre"), **facts}
    note = folder / "run.json"
    if note.is_file():
        found = json.loads(note.read_text(encoding="utf-8"))
        for key, value in facts.items():
            if found.get(key) != value:
                raise InputError(
                    f"{folder} holds an unfinished run with {key}={found.get(key)}, not {value}: "
                    "finish that one, or delete the folder."
                )
        log.info("Going on with the unfinished run in %s.", folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(note) as partial:
        partial.write_text(json.dumps(facts), encoding="utf-8")


def kept(folder, name, compute):
    """Return probabilities of a member from the folder, or compute them and keep them there.

    Parameters
    ----------
    folder : path
        Claimed before.
    name : str
        Of the member.
    compute : callable
        Without arguments; returns `GenreProbabilities`.
    """
    path = Path(folder) / f"{name}.out-of-fold.npz"
    if path.is_file():
        return GenreProbabilities.load(path)
    found = compute()
    found.save(path)
    return found


def fitted(member, roles, folder, *, posters=None, progress=None):
    """Return the member trained, or as read from the folder if an earlier run finished it.

    Parameters
    ----------
    member : Member
        Not fitted yet.
    roles : dict of str to Films
        Of which ``train`` and, where there is one, ``validation`` are used.
    folder : path
        Claimed before.
    posters : PosterCache, optional
    progress : callable, optional
        As `Member.fit` takes them.
    """
    done, partial = folder / f"{member.name}.done", folder / f"{member.name}.partial"
    if done.is_dir():
        return member.load(done)
    training = folder / f"{member.name}.training"
    member.fit(roles["train"], roles.get("validation"), posters=posters, folder=training, progress=progress)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    member.save(partial)
    partial.rename(done)
    return member
