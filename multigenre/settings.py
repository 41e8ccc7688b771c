"""Settings of members in a file: what a search finds, and what training takes."""

import json
from pathlib import Path

from multigenre._checks import InputError, some
from multigenre._files import replacing
from multigenre.designs import OverviewDesign, PosterDesign
from multigenre.training import KerasMember, Recipe

DESIGNS = {"poster-cnn": PosterDesign, "overview-lstm": OverviewDesign}
OTHERS = ("fusion", "thresholds")


def make_network(name, entry, *, seed=0, devices=()):
    """Return an unfitted `KerasMember` as settings describe it.

    Parameters
    ----------
    name : str
    entry : dict
        ``recipe`` (of `Recipe`, with ``epochs``), and optionally ``design`` (of `PosterDesign` or `OverviewDesign`)
        and ``rescale``. What is left out is the reference's.
    seed : int
    devices : sequence of str
        That share its training, see `KerasMember`.

    Raises
    ------
    InputError
        If the network or a setting is unknown, or a value is out of range.

    Examples
    --------
    >>> make_network("poster-cnn", {"recipe": {"epochs": 3}, "design": {"size": 32}}).design.size
    32
    """
    if name not in DESIGNS:
        raise InputError(f"Settings are of {', '.join(DESIGNS)}, {' and '.join(OTHERS)}, got {name!r}.")
    try:
        if unknown := sorted(set(entry) - {"recipe", "design", "rescale"}):
            raise TypeError(f"there is no {some(unknown)}")
        recipe, design = Recipe(**entry["recipe"]), DESIGNS[name](**entry.get("design", {}))
    except KeyError:
        raise InputError(f"Settings of {name} need a recipe with a number of epochs.") from None
    except TypeError as error:
        raise InputError(f"Settings of {name} cannot be used ({error}).") from None
    options = {"seed": seed, "rescale": entry.get("rescale", False), "design": design, "devices": devices}
    return KerasMember(name, recipe, **options)


def write_settings(settings, path):
    """Write settings as JSON, beside and then renamed.

    Parameters
    ----------
    settings : dict
        By member name what `make_network` takes; ``"fusion"``: of `LateFusion`; ``"thresholds"``: of
        `ThresholdCalibrator`.
    path : path
    """
    with replacing(path) as partial:
        partial.write_text(json.dumps(settings, indent=1), encoding="utf-8")


def read_settings(path):
    """Return the settings that `write_settings` wrote, after a look at every member's.

    Raises
    ------
    InputError
        If the file holds no settings, or some that cannot be used.
    """
    try:
        settings = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no settings ({error}).") from None
    if not isinstance(settings, dict) or not all(isinstance(entry, dict) for entry in settings.values()):
        raise InputError(f"{path} holds no settings: it must map members to their settings.")
    for name, entry in settings.items():
        if name not in OTHERS:
            make_network(name, entry)
    return settings
