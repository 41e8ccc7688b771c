"""The members by name, and how each trains.

A recipe is how a network trains (epochs, batches, learning rate, loss); a design is what it is made of (layers and
their sizes). Settings are both of each network, by its name, with those of the fusion and of the thresholds: what a
search finds and a file keeps. A preset is some members under one name, with the settings of the networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from multigenre._checks import InputError, some
from multigenre._files import read_json, write_json
from multigenre._signatures import Pathlike
from multigenre.members._bag import OverviewBag
from multigenre.members._colours import poster_features
from multigenre.members._embedding import EmbeddingMember
from multigenre.members._given import GivenMember
from multigenre.members._network import OverviewMember, PosterMember
from multigenre.members._pretrained import image_embedder, text_embedder
from multigenre.members._sklearn import SklearnMember
from multigenre.members._tfidf import OverviewTfidf
from multigenre.networks import OverviewDesign, PosterDesign, Recipe

if TYPE_CHECKING:
    from multigenre.members._member import Member


DESIGNS = {"poster-cnn": PosterDesign, "overview-lstm": OverviewDesign}
NETWORKS = {"poster-cnn": PosterMember, "overview-lstm": OverviewMember}
Network: TypeAlias = PosterMember | OverviewMember
OTHERS = ("fusion", "thresholds")
DEFAULT_SPLIT = {"train": 0.7, "validation": 0.1, "calibration": 0.1, "test": 0.1}
MEMBERS = ("poster-cnn", "poster-colours", "overview-lstm", "overview-bag", "overview-tfidf")
# With what they are made of: a folder or a preset of KerasHub, a table of probabilities.
MADE_OF = {"poster-embedding": "PRESET", "overview-embedding": "PRESET", "given": "FILE"}
# Members given as objects whose bundle says all that they are.
SELF_DESCRIBED = {kind.__name__: kind for kind in (GivenMember, OverviewBag, OverviewTfidf, SklearnMember)}

# reference: the published report to the letter. default: the best that needs nothing pretrained; with the two networks
# added it is no better (benchmarks/README.md). tuned: the two networks as searches found them (benchmarks/searches).
# quick: proves the path of the networks. The members named are those that train unless others are asked for; networks
# have settings as `make_network` takes them.
PRESETS = {
    "reference": {
        "members": ("poster-cnn", "overview-lstm"),
        "poster-cnn": {"recipe": {"epochs": 40}},
        "overview-lstm": {"recipe": {"epochs": 20}},
    },
    "default": {
        "members": ("poster-colours", "overview-bag", "overview-tfidf"),
        "poster-cnn": {"rescale": True, "recipe": {"epochs": 30, "learning_rate": 3e-4, "patience": 6}},
        "overview-lstm": {"recipe": {"epochs": 12, "learning_rate": 1e-3, "patience": 3}},
    },
    "tuned": {
        "members": ("poster-cnn", "overview-lstm"),
        "poster-cnn": {
            "rescale": True,
            "design": {
                "filters": [32, 64, 128],
                "dense": [1024],
                "dropout": 0.2,
                "dense_dropout": 0.2,
            },
            "recipe": {
                "epochs": 10,
                "batch_size": 64,
                "learning_rate": 2.68805e-4,
                "loss": "focal",
            },
        },
        "overview-lstm": {
            "design": {
                "max_tokens": 5000,
                "embedding": 64,
                "units": [128],
                "dense": 128,
                "dropout": 0.0,
                "recurrent_dropout": 0.1,
                "dense_dropout": 0.3,
            },
            "recipe": {
                "epochs": 7,
                "batch_size": 32,
                "learning_rate": 9.1486e-4,
                "loss": "focal",
                "label_smoothing": 0.08,
                "patience": 6,
                "constant_epochs": 10,
                "decay": 0.0036048,
            },
        },
    },
    "quick": {
        "members": ("poster-cnn", "overview-lstm", "overview-tfidf"),
        "poster-cnn": {"rescale": True, "recipe": {"epochs": 12, "learning_rate": 1e-3}},
        "overview-lstm": {"recipe": {"epochs": 8, "learning_rate": 3e-3}},
    },
}


def make_members(
    members: Sequence[str | Member] | None = None,
    *,
    preset: str = "default",
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    devices: Sequence[str] = (),
) -> list[Member]:
    """Return unfitted members: the preset's, or those asked for.

    Parameters
    ----------
    members : sequence of str or Member, optional
        Names as `make_member` takes them, or members, which are copied.
    preset, seed, settings, devices
        As for `make_member`.

    Raises
    ------
    InputError
        As `make_member`, or if two share a name, one is fitted already, or devices are given and no network.
    """
    members = members or member_names(preset)
    options = {"preset": preset, "seed": seed, "settings": settings, "devices": devices}
    made = [make_member(one, **options) if isinstance(one, str) else copy(one) for one in members]
    names = [member.name for member in made]
    if len(set(names)) < len(names):
        raise InputError(f"Members need distinct names, got {', '.join(names)}.")
    if fitted := [member.name for member in made if hasattr(member, "learned_ids_")]:
        raise InputError(f"{some(fitted)} is fitted already; give an unfitted member.")
    if devices and not any(isinstance(member, (PosterMember, OverviewMember)) for member in made):
        raise InputError(f"Devices share the training of networks, but {some(names)} is none.")
    return made


def make_member(
    name: str,
    *,
    preset: str = "default",
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    devices: Sequence[str] = (),
) -> Member:
    """Return an unfitted member by its name and preset.

    Parameters
    ----------
    name : str
        Of `MEMBERS`; or ``"overview-embedding=PRESET"`` or ``"poster-embedding=PRESET"``, with a preset of KerasHub
        or a local folder; or ``"given=FILE"``, a table of probabilities made elsewhere, named as the file.
    preset : str
        How networks train.
    seed : int
    settings : dict, optional
        Of networks by name, in place of the preset's; see `read_settings`.
    devices : sequence of str
        That share the training of each network, see `PosterMember`.

    Raises
    ------
    InputError
        As `member_names`, or if a member needs what is not installed.
    """
    member_names(preset, [name])
    kind, made_of, name = _parsed(name)
    match kind:
        case "overview-tfidf":
            return OverviewTfidf(name)
        case "overview-bag":
            return OverviewBag(name, seed=seed)
        case "poster-colours":
            return EmbeddingMember(name, poster_features, modality="poster", C=(0.2, 0.6, 2.0))
        case "overview-embedding":
            return EmbeddingMember(name, text_embedder(made_of), modality="overview")
        case "poster-embedding":
            return EmbeddingMember(name, image_embedder(made_of), modality="poster")
        case "given":
            return GivenMember(name, made_of)
        case _:
            entry = (settings or {}).get(name, PRESETS[preset][name])
            return make_network(name, entry, seed=seed, devices=devices)


def member_names(preset: str, members: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the names of the members to train: those asked for, or the preset's.

    Raises
    ------
    InputError
        If the preset or a member is unknown, or a member comes twice.
    """
    if preset not in PRESETS:
        raise InputError(f"A preset is one of {', '.join(PRESETS)}, got {preset!r}.")
    names = tuple(members or PRESETS[preset]["members"])
    known = all(name in MEMBERS or ("=" in name and _parsed(name)[0] in MADE_OF) for name in names)
    if not known or len(set(names)) < len(names):
        forms = [*MEMBERS, *(f"{kind}={what}" for kind, what in MADE_OF.items())]
        raise InputError(f"Members are some of {', '.join(forms)}, each once, got {', '.join(names)}.")
    return names


def _parsed(asked: str) -> tuple[str, str, str]:
    """Return the kind of member that ``KIND`` or ``KIND=WHAT`` asks for, what it is made of, and its own name.

    >>> _parsed("poster-cnn"), _parsed("given=tables/critics.csv")
    (('poster-cnn', '', 'poster-cnn'), ('given', 'tables/critics.csv', 'critics'))
    """
    kind, _, made_of = asked.partition("=")
    return kind, made_of, Path(made_of).stem if kind == "given" else kind


def make_network(name: str, entry: dict[str, Any], *, seed: int = 0, devices: Sequence[str] = ()) -> Network:
    """Return an unfitted `PosterMember` or `OverviewMember` as settings describe it.

    Parameters
    ----------
    name : str
    entry : dict
        ``recipe`` (of `Recipe`, with ``epochs``), and optionally ``design`` (of `PosterDesign` or `OverviewDesign`)
        and, of posters, ``rescale``. What is left out is the reference's.
    seed : int
    devices : sequence of str
        That share its training, see `PosterMember`.

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
        own = {"rescale": False} if name == "poster-cnn" else {}
        if unknown := sorted(set(entry) - {"recipe", "design", *own}):
            raise TypeError(f"there is no {some(unknown)}")
        recipe, design = Recipe(**entry["recipe"]), DESIGNS[name](**entry.get("design", {}))
    except KeyError:
        raise InputError(f"Settings of {name} need a recipe with a number of epochs.") from None
    except TypeError as error:
        raise InputError(f"Settings of {name} cannot be used ({error}).") from None
    own = {setting: entry.get(setting, usual) for setting, usual in own.items()}
    return NETWORKS[name](recipe, seed=seed, design=design, devices=devices, **own)


def write_settings(settings: dict[str, Any], path: Pathlike) -> None:
    """Write settings as JSON, beside and then renamed.

    Parameters
    ----------
    settings : dict
        By member name what `make_network` takes; ``"fusion"``: of `LateFusion`; ``"thresholds"``: of
        `ThresholdCalibrator`.
    path : path
    """
    write_json(settings, path, indent=1)


def read_settings(path: Pathlike) -> dict[str, Any]:
    """Return the settings that `write_settings` wrote, after a look at every member's.

    Raises
    ------
    InputError
        If the file holds no settings, or some that cannot be used.
    """
    try:
        settings = read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no settings ({error}).") from None
    if not isinstance(settings, dict) or not all(isinstance(entry, dict) for entry in settings.values()):
        raise InputError(f"{path} holds no settings: it must map members to their settings.")
    for name, entry in settings.items():
        if name not in OTHERS:
            make_network(name, entry)
    return settings


def descriptions(members: Sequence[str | Member] | None, preset: str) -> dict[str, str | None]:
    """Return by member name what `restored` needs to make an unfitted one again; None where it cannot."""
    found = {}
    for one in members or member_names(preset):
        if isinstance(one, str):
            *_, name = _parsed(one)
            found[name] = one
        else:
            kind = type(one).__name__
            found[one.name] = kind if SELF_DESCRIBED.get(kind) is type(one) else None
    return found


def restored(
    name: str, description: str | None, given: Sequence[Member], *, preset: str, seed: int
) -> Member:
    """Return an unfitted member that can load what one of its kind saved.

    Parameters
    ----------
    name : str
    description : str or None
        What `descriptions` said.
    given : sequence of Member
        Unfitted members that the caller brought.
    preset, seed
        As for `make_member`.

    Raises
    ------
    InputError
        If there is no description and none was brought.
    """
    for member in given:
        if member.name == name:
            return copy(member)
    if description is None:
        raise InputError(f"{name} is a member of your own; pass it, unfitted, as one of members.")
    if description in SELF_DESCRIBED:
        return SELF_DESCRIBED[description](name)
    return make_member(description, preset=preset, seed=seed)
