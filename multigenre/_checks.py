"""Checks shared by every module: what was needed, what came, and what to do about it."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from multigenre.data import Films, GenreProbabilities

ROLES = ("train", "validation", "calibration", "test", "out-of-fold")


class InputError(ValueError):
    """What the caller gave cannot be used; the message is one sentence that says why and what to do."""


def some(names: Iterable[object], most: int = 3) -> str:
    """Join the first few names, saying how many more there are.

    >>> some(["tt1", "tt2", "tt3", "tt4", "tt5"])
    'tt1, tt2, tt3 and 2 more'
    """
    names = [str(name) for name in names]
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def error_line(error: BaseException, most: int = 200) -> str:
    r"""Return what another library's error says, on one line and cut short, or its kind where it says nothing.

    >>> error_line(ValueError("no\n  zip file")), error_line(MemoryError())
    ('no zip file', 'MemoryError')
    """
    said = " ".join(str(error).split()) or type(error).__name__
    said = f"it lacks {said}" if isinstance(error, KeyError) else said
    return said if len(said) <= most else f"{said[:most]}..."


def check_ids(ids: Iterable[object]) -> np.ndarray:
    """Return film ids as a 1-d array of strings, each once."""
    ids = np.asarray([str(film) for film in ids], dtype=object)
    # Counted in Python: NumPy's own strings lose what ends in a null character.
    twice = [film for film, count in Counter(ids.tolist()).items() if count > 1]
    if twice:
        raise InputError(f"Film ids must be unique, but {some(twice)} came more than once.")
    if (ids == "").any():
        raise InputError("Every film needs an id, but an empty one came.")
    return ids


def check_role(role: str | None) -> str | None:
    """Return ``role`` if it is one of the split roles, or None."""
    if role is not None and role not in ROLES:
        raise InputError(f"A split role is one of {', '.join(ROLES)} or None, got {role!r}.")
    return role


def check_shape(values: ArrayLike, shape: Iterable[int], what: str) -> np.ndarray:
    """Return ``values`` as an array if it has ``shape``."""
    values = np.asarray(values)
    if values.shape != tuple(shape):
        raise InputError(f"{what} must have shape {tuple(shape)}, got {values.shape}.")
    return values


def check_labels(labels: ArrayLike, shape: Iterable[int], what: str = "Labels") -> np.ndarray:
    """Return labels as a uint8 array of 0 and 1."""
    labels = check_shape(labels, shape, what)
    if not np.isin(labels, (0, 1)).all():
        wrong = np.unique(labels[~np.isin(labels, (0, 1))])
        raise InputError(f"{what} must be 0 or 1, got {some(wrong)}.")
    return labels.astype(np.uint8)


def check_weights(weights: ArrayLike | None, n_films: int, what: str) -> np.ndarray:
    """Return how much each film counts, (n_films,) float64: 1 where ``weights`` is None."""
    if weights is None:
        return np.ones(n_films)
    weights = check_shape(weights, (n_films,), "sample_weight").astype(float)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise InputError(f"{what} needs finite weights of 0 or more, got {some(np.unique(weights))}.")
    if not weights.any():
        raise InputError(f"{what} needs a film whose weight is above 0, got none among {n_films}.")
    return weights


def check_same_films(expected: ArrayLike, got: ArrayLike, what: str) -> None:
    """Raise unless two arrays of film ids are the same, in the same order."""
    expected, got = np.asarray(expected, dtype=object), np.asarray(got, dtype=object)
    if expected.shape == got.shape and (expected == got).all():
        return
    missing = sorted(set(expected.tolist()) ^ set(got.tolist()))
    if missing:
        raise InputError(f"{what} must be about the same films, but one of them lacks {some(missing)}.")
    raise InputError(f"{what} must hold the same {len(expected)} films in the same order, got another order.")


def check_same_genres(expected: Collection[str], got: Collection[str], what: str) -> None:
    """Raise unless two ``Genres`` are the same names in the same order."""
    if expected == got:
        return
    differing = sorted(set(expected) ^ set(got))
    reason = f"{some(differing)} is in only one" if differing else "their order differs"
    raise InputError(f"{what} must name the same genres in the same order, but {reason}.")


def check_unseen(ids: Iterable[str], seen: Iterable[str], what: str) -> None:
    """Raise if any film of ``ids`` is among ``seen``, the films that ``what`` learned from."""
    both = sorted(set(ids) & set(seen))
    if both:
        raise InputError(
            f"{what} learned from {len(both)} of these films ({some(both)}); "
            "use films that it never saw, such as another split role."
        )


def check_truth(probabilities: "GenreProbabilities", films: "Films", what: str) -> np.ndarray:
    """Return the labels of ``films``, or raise if ``probabilities`` are about other films or genres."""
    who = f"{what}: {probabilities.name} and the films"
    if films.labels is None or films.genres is None:
        raise InputError(f"{what} needs films whose genres are known, got a table without genre columns.")
    check_same_films(films.ids, probabilities.ids, who)
    check_same_genres(films.genres, probabilities.genres, who)
    roles = {probabilities.role, films.role} - {None}
    if len(roles) > 1 and probabilities.role != "out-of-fold":
        raise InputError(
            f"{who} must come from one split role, got role={probabilities.role!r} and role={films.role!r}."
        )
    return films.labels


def check_held_out(probabilities: "GenreProbabilities", what: str) -> None:
    """Raise unless no member trained on these films and no report will use them."""
    if probabilities.role not in ("calibration", "out-of-fold"):
        raise InputError(
            f"{what} needs films no member trained on, kept for fitting, got role={probabilities.role!r} "
            f"from {probabilities.name}; pass the calibration split or out-of-fold probabilities."
        )
