"""What a member is, and what members have in common."""

import logging
from copy import copy
from typing import Protocol

import numpy as np

from multigenre._checks import InputError, check_unseen, some
from multigenre._signatures import no_progress
from multigenre.data import GenreProbabilities
from multigenre.networks import PosterCache

log = logging.getLogger("multigenre")


class Member(Protocol):
    """A classifier of one modality: it fits on films and gives named probabilities of other films.

    Attributes
    ----------
    name : str
        As in tables, for example ``"poster-cnn"``.
    modality : str
        ``"poster"`` or ``"overview"``: what it reads of a film. ``"given"`` for one that looks films up by their
        ids, which then says in a method ``knows(films)`` of which it has something to say.
    folds : int
        In how many parts the training films are dealt for out-of-fold probabilities, which the fusion then learns
        from. 0 where training so often takes too long: the fusion then has the calibration films alone. Each
        part is predicted by a copy (`copy.copy`) of the unfitted member, so a constructor only stores.
    genres_ : Genres
    learned_ids_ : dict of str to tuple of str
        The films that trained it (``"train"``) and those that chose its epoch (``"validation"``).
    history_ : pandas.DataFrame or None
        Loss, precision and recall by epoch, for members that train by epochs.
    """

    name: str
    modality: str
    folds: int

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=no_progress):
        """Learn from the films of ``train`` that have the modality; return self."""

    def predict(self, films, *, posters=None):
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality."""

    def save(self, folder):
        """Write what was learned into an empty folder, without pickle."""

    def load(self, folder):
        """Read what `save` wrote; return self."""


def to_train_again(member):
    """Return a copy of a member to train on other films, with the settings that its training chose.

    A member that chooses settings says them in a method ``settled()``, which returns that copy.
    """
    return member.settled() if hasattr(member, "settled") else copy(member)


def has_modality(member, films):
    """Return which films have what the member reads: shape (n_films,), bool."""
    match member.modality:
        case "poster":
            return films.has_poster
        case "overview":
            return films.has_overview
        case _:
            return member.knows(films)


def readable_films(member, films):
    """Return the films that a member can learn from.

    Raises
    ------
    InputError
        If there is none.
    """
    if films.labels is None:
        raise InputError(f"{member.name} learns from films whose genres are known, got films without genres.")
    readable = films.take(has_modality(member, films))
    if not len(readable):
        raise InputError(
            f"{member.name} needs films with {member.modality}s, but none of {len(films)} has one; "
            "give others or leave this member out."
        )
    return readable


def screened(posters, size, *parts):
    """Return decoded posters of a size, the caller's if they are, and films whose unreadable posters are missing."""
    if posters is None or posters.size != size:
        posters = PosterCache(size)
    return posters, *map(posters.screen, parts)


def learned_ids(train, validation):
    """Return the ids that `Member.learned_ids_` holds, or raise if a film is to train and to validate."""
    if validation is not None:
        check_unseen(validation.ids, train.ids, "Training")
    return {
        "train": tuple(train.ids),
        "validation": tuple(validation.ids) if validation is not None else (),
    }


def role_of(films, member):
    """Return the role that these films have for a member, whatever they are called.

    Raises
    ------
    InputError
        If films that trained the member, or chose its epoch, come under another role.
    """
    for role in ("train", "validation"):
        both = sorted(set(films.ids) & set(member.learned_ids_[role]))
        if films.role == role or (both and films.role is None):
            return role
        if both:
            raise InputError(
                f"{len(both)} of the {films.role} films ({some(both)}) were {role} films of {member.name}; "
                "use films that it never saw."
            )
    return films.role


def named_probabilities(member, films, present, values):
    """Return `GenreProbabilities` from the values of the films that are present."""
    everywhere = np.full((len(films), len(member.genres_)), np.nan, np.float32)
    everywhere[present] = values
    role = role_of(films, member)
    return GenreProbabilities(films.ids, member.genres_, everywhere, member.name, role, present)


def member_probabilities(members, films, posters=None):
    """Return the probabilities of every member; one that fails is left out, and named in the log.

    Parameters
    ----------
    members : dict of str to Member
    films : Films
    posters : PosterCache, optional

    Returns
    -------
    list of GenreProbabilities

    Raises
    ------
    InputError
        If a member refuses the films.
    RuntimeError
        If every member fails.
    """
    found, error = [], None
    for name, member in members.items():
        try:
            found.append(member.predict(films, posters=posters))
        except InputError:
            raise
        except Exception as failure:  # one member's failure is no reason to say nothing
            log.exception("%s failed and is left out of this prediction.", name)
            error = failure
    if not found:
        raise RuntimeError(f"Every member failed: {some(members, most=9)}.") from error
    return found
