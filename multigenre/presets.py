"""The members by name, and how each preset trains them."""

from multigenre._checks import InputError
from multigenre.members import OverviewTfidf
from multigenre.training import KerasMember, Recipe

DEFAULT_SPLIT = {"train": 0.7, "validation": 0.1, "calibration": 0.1, "test": 0.1}
MEMBERS = ("poster-cnn", "overview-lstm", "overview-tfidf")

# reference: the published report to the letter. default: the best for a first user in about 15 minutes on two cores.
# quick: proves the path. The members named are those that train unless others are asked for.
PRESETS = {
    "reference": {
        "members": ("poster-cnn", "overview-lstm"),
        "rescale": False,
        "poster-cnn": Recipe(epochs=40),
        "overview-lstm": Recipe(epochs=20),
    },
    "default": {
        "members": MEMBERS,
        "rescale": True,
        "poster-cnn": Recipe(epochs=30, learning_rate=3e-4, patience=6),
        "overview-lstm": Recipe(epochs=12, learning_rate=1e-3, patience=3),
    },
    "quick": {
        "members": MEMBERS,
        "rescale": True,
        "poster-cnn": Recipe(epochs=12, learning_rate=1e-3),
        "overview-lstm": Recipe(epochs=8, learning_rate=3e-3),
    },
}


def member_names(preset, members=None):
    """Return the names of the members to train: those asked for, or the preset's.

    Raises
    ------
    InputError
        If the preset or a member is unknown, or a member comes twice.
    """
    if preset not in PRESETS:
        raise InputError(f"A preset is one of {', '.join(PRESETS)}, got {preset!r}.")
    names = tuple(members or PRESETS[preset]["members"])
    if not set(names) <= set(MEMBERS) or len(set(names)) < len(names):
        raise InputError(f"Members are some of {', '.join(MEMBERS)}, each once, got {', '.join(names)}.")
    return names


def make_member(name, *, preset="default", seed=0):
    """Return an unfitted member by its name and preset; raise as `member_names` does."""
    member_names(preset, [name])
    if name == "overview-tfidf":
        return OverviewTfidf(name)
    return KerasMember(name, PRESETS[preset][name], seed=seed, rescale=PRESETS[preset]["rescale"])
