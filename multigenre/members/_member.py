"""What a member is, and what members have in common."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Protocol, Self

import numpy as np

from multigenre._checks import ROLES, InputError, check_shape, check_unseen, some
from multigenre._files import read_document, reading
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.networks import PosterCache

log = logging.getLogger("multigenre")


class Member(Protocol):
    """A classifier of one modality: it fits on films and gives named probabilities of other films.

    Any object with these attributes and methods is one; it inherits from nothing. `GenreEnsemble` trains copies
    (`copy.copy`) of what it is given: a constructor only stores, and `fit` sets all that was learned, so that a copy
    of a fitted member can be fitted on other films.

    Two methods more are optional:

    - ``settled()``, of a member whose training chooses settings: after `fit`, returns a copy to train on other films
      with those that it chose. Without it, copies choose again.
    - ``knows(films)``, of a member whose modality is ``"given"``: returns of which films it has something to say,
      bool of shape (n_films,), before `fit` and after.

    Attributes
    ----------
    name : str
        As in tables, for example ``"poster-cnn"``, and of its folder in a bundle; not ``"fused"`` or ``"prevalence"``.
    modality : str
        ``"poster"`` or ``"overview"``: what it reads of a film. ``"given"`` for one that looks films up by their ids.
    folds : int
        In how many parts the training films are dealt for out-of-fold probabilities, which the fusion then learns
        from: each part is predicted by a copy that the others trained. 0 where training so often takes too long: the
        member then chooses its epoch on validation films, and the fusion has the calibration films alone.
    genres_ : Genres
    learned_ids_ : dict of str to tuple of str
        The films that trained it (``"train"``) and those that chose its epoch (``"validation"``); all others
        count as unseen.
    history_ : pandas.DataFrame or None
        Loss, precision and recall by epoch, for members that train by epochs.

    Examples
    --------
    A whole member: the share of the films with a word, and of those without it, that carry each genre.

    >>> import json
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from multigenre import Films, GenreEnsemble, GenreProbabilities, Genres
    >>> class OneWord:
    ...     modality, folds, history_ = "overview", 5, None
    ...
    ...     def __init__(self, name, word):
    ...         self.name, self.word = name, word
    ...
    ...     def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
    ...         films = train.take(train.has_overview)
    ...         self.genres_, self.learned_ids_ = films.genres, {"train": tuple(films.ids), "validation": ()}
    ...         sides = [films.labels[self._says(films) == side] for side in (False, True)]
    ...         self.shares_ = np.array([(side.sum(axis=0) + 0.5) / (len(side) + 1) for side in sides])
    ...         return self
    ...
    ...     def predict(self, films, *, posters=None):
    ...         values = self.shares_[self._says(films).astype(int)]
    ...         values[~films.has_overview] = np.nan
    ...         return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)
    ...
    ...     def save(self, folder):
    ...         facts = [list(self.genres_), self.learned_ids_, self.shares_.tolist()]
    ...         (Path(folder) / "one-word.json").write_text(json.dumps(facts), encoding="utf-8")
    ...
    ...     def load(self, folder):
    ...         facts = json.loads((Path(folder) / "one-word.json").read_text(encoding="utf-8"))
    ...         self.genres_, self.learned_ids_, self.shares_ = Genres(facts[0]), facts[1], np.array(facts[2])
    ...         return self
    ...
    ...     def _says(self, films):
    ...         return np.array([self.word in overview.lower() for overview in films.overviews], bool)

    >>> plots = ["A funny cat.", "A sad dog.", "Funny dogs.", "A war."]
    >>> films = Films("abcd", plots, [""] * 4, [[1, 0], [0, 1]] * 2, ["Comedy", "Drama"])
    >>> OneWord("funny", "funny").fit(films).predict(Films(["new"], ["So funny!"], [""])).values.round(2)
    array([[0.83, 0.17]])
    >>> ensemble = GenreEnsemble([OneWord("funny", "funny"), "overview-tfidf"])
    >>> ensemble.fit(films).save("bundle")  # doctest: +SKIP
    >>> GenreEnsemble.load("bundle", members=[OneWord("funny", "funny")])  # doctest: +SKIP
    """

    name: str
    modality: str
    folds: int
    genres_: Genres

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Learn from films; return self.

        Parameters
        ----------
        train : Films
            With their genres. Some may lack the modality: they teach nothing.
        validation : Films, optional
            Of which a member whose ``folds`` are 0 may choose its epoch; the others get none.
        posters : PosterCache, optional
            Decoded posters that members share: ``posters.pixels(films.posters)`` of films that have one. Films that
            come with it were screened: posters that cannot be read are missing. Without it a member of posters makes
            a `PosterCache` of its own and goes on with ``posters.screen(films)``, as it does for another size.
        folder : path, optional
            Where unfinished training may be kept, to go on from when `fit` is called again.
        progress : callable, optional
            To be called with (what, number done, number in all).

        Raises
        ------
        InputError
            If the films cannot be used; the message says why.
        """
        ...

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return probabilities of all films, in their order and of their role.

        Parameters
        ----------
        films : Films
            Any number; genres need not be known.
        posters : PosterCache, optional
            As for `fit`.

        Returns
        -------
        GenreProbabilities
            Named as the member, in the columns of ``genres_``; rows of NaN for films that lack the modality.

        Raises
        ------
        InputError
            If the films are refused: so is the prediction then. With any other error the member alone is left out.
        """
        ...

    def save(self, folder: Pathlike) -> None:
        """Write what was learned into an empty folder that is there, without pickle."""
        ...

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote into an unfitted member, made as the one that was saved; return self."""
        ...


def to_train_again(member: Any) -> Any:
    """Return a copy of a member to train on other films, with the settings that its training chose."""
    return member.settled() if hasattr(member, "settled") else copy(member)


def has_modality(member: Any, films: Films) -> np.ndarray:
    """Return which films have what the member reads: shape (n_films,), bool."""
    match member.modality:
        case "poster":
            return films.has_poster
        case "overview":
            return films.has_overview
        case _:
            return member.knows(films)


def readable_films(member: Any, films: Films) -> Films:
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


def screened(member: Any, posters: PosterCache | None, size: int, *parts: Films) -> tuple[Any, ...]:
    """Return decoded posters of a size, the caller's if they are, and films whose unreadable posters are missing.

    A member that reads no posters gets back what it gave.
    """
    if member.modality != "poster":
        return posters, *parts
    if posters is None or posters.size != size:
        posters = PosterCache(size)
    return posters, *map(posters.screen, parts)


def learned_ids(train: Any, validation: Any = None) -> dict[str, tuple[str, ...]]:
    """Return the ids that `Member.learned_ids_` holds, or raise if a film is to train and to validate."""
    if validation is not None:
        check_unseen(validation.ids, train.ids, "Training")
    return {
        "train": tuple(train.ids),
        "validation": tuple(validation.ids) if validation is not None else (),
    }


def read_facts(path: Pathlike) -> dict[str, Any]:
    """Return what a member wrote of itself as JSON, its ``learned_ids`` as `Member.learned_ids_` holds them."""
    facts = read_document(path)
    return facts | {"learned_ids": {role: tuple(ids) for role, ids in facts["learned_ids"].items()}}


def read_arrays(path: Pathlike, shapes: Mapping[str, Sequence[int | None]]) -> dict[str, np.ndarray]:
    """Return the numbers that a member wrote as ``.npz``.

    Parameters
    ----------
    path : path
    shapes : dict of str to sequence of int or None
        What to read, and its shape; None where it says itself how many there are.

    Raises
    ------
    InputError
        If an array is missing, of another shape, or holds what is no finite number.
    """
    with reading(path), np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in shapes}
        for name, array in arrays.items():
            expected = tuple(
                there if one is None else one for one, there in zip(shapes[name], array.shape, strict=False)
            )
            if len(expected) < len(shapes[name]) or array.dtype.kind != "f":
                raise InputError(
                    f"{name} must be numbers in {len(shapes[name])} directions, got {array.shape}."
                )
            if not np.isfinite(check_shape(array, expected, name)).all():
                raise InputError(f"{name} must hold finite numbers only.")
    return arrays


def role_of(films: Films, learned: Mapping[str, Iterable[str]], who: str) -> str | None:
    """Return the role that these films have for whoever learned from some, whatever they are called.

    Parameters
    ----------
    films : Films
    learned : dict of str to iterable of str
        Films by role, as `Member.learned_ids_`.
    who : str
        Learned from them, for the message.

    Returns
    -------
    str or None
        Where the films come without a role, that of those among them that taught most; None if none is known.

    Raises
    ------
    InputError
        If films come under a role that teaches less than theirs.
    """
    ids = set(films.ids)
    for role in sorted(learned, key=ROLES.index):
        both = sorted(ids.intersection(learned[role]))
        if films.role == role or (both and films.role is None):
            return role
        if both:
            raise InputError(
                f"{len(both)} of the {films.role} films ({some(both)}) were {role} films of {who}; "
                "use films that it never saw."
            )
    return films.role


def named_probabilities(
    member: Any, films: Films, present: np.ndarray, values: np.ndarray
) -> GenreProbabilities:
    """Return `GenreProbabilities` from the values of the films that are present."""
    everywhere = np.full((len(films), len(member.genres_)), np.nan, np.float32)
    everywhere[present] = values
    role = role_of(films, member.learned_ids_, member.name)
    return GenreProbabilities(films.ids, member.genres_, everywhere, member.name, role, present)


def member_probabilities(
    members: dict[str, Member], films: Films, posters: PosterCache | None = None
) -> list[GenreProbabilities]:
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
