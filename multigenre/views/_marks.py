"""What in each film of a gallery moved its most probable genre: words of the overview, places of the poster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from multigenre._signatures import Progress, no_progress
from multigenre.analysis import patch_influence, word_influence
from multigenre.data import Films

if TYPE_CHECKING:
    from multigenre.ensemble import GenreEnsemble


MOST_WORDS, CELLS, AT_ONCE = 5, 5, 20
LEAST = 0.05  # log-odds: what moved a genre less is not worth a mark
WEAK = 0.25  # of the strongest place of the poster; weaker ones are not drawn


def marked_words(
    ensemble: GenreEnsemble, films: Films, genres: Sequence[str], *, progress: Progress = no_progress
) -> list[list[dict[str, Any]]]:
    """Return the words that moved one genre of each film most, by `multigenre.analysis.word_influence`.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded. The fused prediction is asked.
    films : Films
        A few: each is predicted once more for each of its words.
    genres : sequence of str, length n_films
        Which genre of each.
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    list of list of dict
        By film: ``position`` among what stands between spaces, ``word``, ``change`` (log-odds; positive speaks for
        the genre), at most 5 of at least 0.05, the strongest first. Empty without overview, or without a member
        that reads it.
    """
    genre_of = dict(zip(films.ids, genres, strict=True))
    found = {film: [] for film in films.ids}
    for part in _parts(ensemble, films, "overview", films.has_overview, progress, "words"):
        options = {"fusion": ensemble.fusion_, "prevalence": ensemble.prevalence_}
        table = word_influence(ensemble.members_, part, **options)
        table = table[table["contender"] == "fused"]
        table = table[table["genre"] == table["film"].map(genre_of)].dropna(subset="change")
        table = table.assign(strength=table["change"].abs()).query("strength >= @LEAST")
        for row in table.sort_values("strength", ascending=False, kind="stable").to_dict("records"):
            if len(found[row["film"]]) < MOST_WORDS:
                position, change = int(row["position"]), float(row["change"])
                word = {"position": position, "word": row["word"], "change": change}
                found[row["film"]].append(word)
    return list(found.values())


def marked_places(
    ensemble: GenreEnsemble,
    films: Films,
    genres: Sequence[str] | np.ndarray,
    *,
    progress: Progress = no_progress,
) -> list[dict[str, Any] | None]:
    """Return the places of the posters that moved one genre of each film, by `patch_influence`.

    Parameters
    ----------
    ensemble, films, genres, progress
        As for `marked_words`; each film is predicted once more for each of 25 places.

    Returns
    -------
    list of dict or None
        By film: ``cells`` a side, ``strongest`` (log-odds), and ``places``: dicts of ``row`` and ``column`` from the
        top left, and ``strength``, from -1 to 1 relative to the strongest. None without a poster that can be read,
        without a member that reads it, or where no place moved the genre by 0.05.
    """
    genre_of = dict(zip(films.ids, genres, strict=True))
    found = dict.fromkeys(films.ids)
    for part in _parts(ensemble, films, "poster", films.has_poster, progress, "places"):
        options = {"fusion": ensemble.fusion_, "prevalence": ensemble.prevalence_}
        maps = patch_influence(ensemble.members_, part, cells=CELLS, **options)["fused"]
        for row, film in enumerate(part.ids):
            values = np.nan_to_num(maps.of(genre_of[film])[row])
            strongest = values.flat[np.abs(values).argmax()]
            if abs(strongest) >= LEAST:
                strength = values / abs(strongest)
                places = [
                    {"row": int(line), "column": int(column), "strength": float(strength[line, column])}
                    for line, column in np.argwhere(np.abs(strength) >= WEAK)
                ]
                found[film] = {"cells": CELLS, "strongest": float(strongest), "places": places}
    return list(found.values())


def pieces(text: str, words: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a text cut at its marked words, a list of dicts: ``text`` and ``change``, None between them.

    Examples
    --------
    >>> pieces("A dark night", [{"position": 1, "word": "dark", "change": 0.4}])
    [{'text': 'A ', 'change': None}, {'text': 'dark', 'change': 0.4}, {'text': ' night', 'change': None}]
    """
    changes = {word["position"]: word["change"] for word in words}
    found, start, end = [], 0, 0
    for position, word in enumerate(text.split()):
        start = text.index(word, end)
        if position in changes:
            found.append({"text": text[_end(found) : start], "change": None})
            found.append({"text": word, "change": changes[position]})
        end = start + len(word)
    found.append({"text": text[_end(found) :], "change": None})
    return [piece for piece in found if piece["text"]]


def _end(found):
    return sum(len(piece["text"]) for piece in found)


def _parts(ensemble, films, modality, has, progress, what):
    """Yield the films that have the modality, a few at a time; none if no member reads it."""
    if not any(member.modality == modality for member in ensemble.members_.values()):
        return
    rows = np.flatnonzero(has)
    for start in range(0, len(rows), AT_ONCE):
        yield films.take(rows[start : start + AT_ONCE])
        progress(what, min(start + AT_ONCE, len(rows)), len(rows))
