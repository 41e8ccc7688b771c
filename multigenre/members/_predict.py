"""Members' probabilities of a catalogue of any size, in one pass over its films and in memory for a part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from multigenre._signatures import Progress, no_progress
from multigenre.data import Films, GenreProbabilities
from multigenre.members._member import member_probabilities
from multigenre.networks import PosterCache, name_unreadable

if TYPE_CHECKING:
    from multigenre.members._member import Member


CHUNK = 2048  # films read at once: 25 MB of posters, and as much of the next ones


def catalogue_probabilities(
    members: dict[str, Member], films: Films, *, strict: bool = False, progress: Progress = no_progress
) -> list[GenreProbabilities]:
    """Return the probabilities of every member, for films in any number.

    Each poster is decoded once for all members, while they compute the films before it. What grows with the
    number of films is the result alone.

    Parameters
    ----------
    members : dict of str to Member
    films : Films
    strict : bool
        Refuse posters that cannot be read, instead of naming them and going on as if they were missing.
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    list of GenreProbabilities
        Of the members that did not fail; one that failed for some films is not present for those.

    Raises
    ------
    InputError
        If a poster cannot be read and ``strict``, or a member refuses the films.
    RuntimeError
        If every member fails.
    """
    look = any(member.modality == "poster" for member in members.values())

    def read(start):
        part = films if len(films) <= CHUNK else films.take(np.arange(start, min(start + CHUNK, len(films))))
        posters = PosterCache()
        lost = posters.lost(part) if look else {}
        if strict:
            name_unreadable(lost, strict=True)
        return part.without_posters(lost) if lost else part, posters, lost

    parts, unreadable, done = [], {}, 0
    for part, posters, lost in one_ahead(read, range(0, max(len(films), 1), CHUNK)):
        parts.append({found.name: found for found in member_probabilities(members, part, posters)})
        unreadable |= lost
        done += len(part)
        progress("predicting", done, len(films))
    name_unreadable(unreadable)
    names = [name for name in members if any(name in part for part in parts)]
    return [_concatenate(name, parts) for name in names]


def one_ahead(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """Yield ``function(item)`` of each item; a thread works on the next while the caller uses this one.

    Parameters
    ----------
    function : callable
    items : sequence
        One at least. The first is worked on by the caller's thread: there is nothing to do meanwhile.

    Examples
    --------
    >>> list(one_ahead(str.upper, "abc"))
    ['A', 'B', 'C']
    """
    with ThreadPoolExecutor(1) as thread:
        this = function(items[0])
        for item in items[1:]:
            coming = thread.submit(function, item)
            yield this
            this = coming.result()
        yield this


def _concatenate(name, parts):
    """Return one member's probabilities from parts by name, not present in the parts where it failed."""
    return GenreProbabilities.concatenate(
        [part[name] if name in part else next(iter(part.values())).absent(name) for part in parts]
    )
