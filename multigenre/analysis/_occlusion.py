"""How far something that is left out of a film moved what members, and their fusion, say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre.data import Films, GenreProbabilities, Genres, logits
from multigenre.members import catalogue_probabilities

if TYPE_CHECKING:
    from multigenre.fusion import LateFusion
    from multigenre.members import Member


def moved_log_odds(
    members: dict[str, Member],
    films: Films,
    variants: Sequence[tuple[int, str]],
    *,
    modality: str,
    fusion: LateFusion | None = None,
    prevalence: pd.Series | None = None,
) -> tuple[Genres, dict[str, np.ndarray]]:
    """Return the log-odds of each film as it is, less those of each variant that lacks something.

    Parameters
    ----------
    members : dict of str to Member
    films : Films
    variants : list of (int, str)
        The film's position, and the overview or the poster file that it has instead.
    modality : {"overview", "poster"}
        Which of the two is changed; for all members that read it at once.
    fusion : LateFusion, optional
        Combines all members. Without it only those that read the modality are asked.
    prevalence : Series by genre name, optional
        Stands for who has nothing left to read, as in `GenreEnsemble`. Without it that is NaN.

    Returns
    -------
    genres : Genres
    moved : dict of str to ndarray of shape (n_variants, n_genres), float64
        By member and, with a fusion, ``"fused"``. Positive: what is missing spoke for the genre.

    Raises
    ------
    InputError
        If no member reads the modality, or a genre has no prevalence.

    References
    ----------
    Robnik-Sikonja, Kononenko (2008), "Explaining classifications for individual instances", IEEE TKDE 20(5): the
    difference of log-odds when a part is not known.
    """
    reading = {name: member for name, member in members.items() if member.modality == modality}
    if not reading:
        raise InputError(
            f"None of the members ({some(members, most=9)}) reads the {modality}; give one that does."
        )
    owner = np.array([film for film, _ in variants], np.intp)
    asked = _asked(films, variants, modality)
    found = {one.name: one for one in catalogue_probabilities(reading, asked)}
    others = {name: member for name, member in members.items() if name not in reading}
    if fusion is not None:
        rows = np.append(np.arange(len(films)), owner)
        for one in catalogue_probabilities(others, films) if others else ():
            found[one.name] = GenreProbabilities(
                asked.ids, one.genres, one.values[rows], one.name, None, one.present[rows]
            )
        found["fused"] = fusion.predict(list(found.values()))
    genres, moved = next(iter(found.values())).genres, {}
    if prevalence is not None:
        usual = pd.Series(prevalence, dtype=float).reindex(list(genres))
        if usual.isna().any():
            raise InputError(
                f"Every genre needs a prevalence, but {some(usual.index[usual.isna()])} has none."
            )
    for name, one in found.items():
        if name in reading or name == "fused":
            values = one.values.astype(float)
            if prevalence is not None:
                values = np.where(one.present[:, None], values, usual.to_numpy())
            log_odds = logits(values)
            moved[name] = log_odds[owner] - log_odds[len(films) :]
    return genres, moved


def _asked(films, variants, modality):
    """Return the films and then the variants, under new ids: no member takes one for a film that trained it."""
    ids = [f"film {row} as it is" for row in range(len(films))]
    ids += [f"variant {row}" for row in range(len(variants))]
    blank = [""] * len(ids)
    if modality == "overview":
        return Films(ids, [*films.overviews, *(text for _, text in variants)], blank)
    return Films(ids, blank, [*films.posters, *(path for _, path in variants)])
