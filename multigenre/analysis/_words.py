"""Which words moved each genre: each word left out in turn, and for `OverviewTfidf` an account that adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from multigenre.analysis._occlusion import moved_log_odds
from multigenre.data import Films

if TYPE_CHECKING:
    from multigenre.fusion import LateFusion
    from multigenre.members import Member


def word_influence(
    members: dict[str, Member],
    films: Films,
    *,
    fusion: LateFusion | None = None,
    prevalence: pd.Series | None = None,
) -> pd.DataFrame:
    """Return how far each word of the overviews moved each genre, found by leaving it out.

    A word is what stands between spaces. The members that read overviews predict each film once more without each
    of its words; with a fusion, all of them lose the word at once, and the other members say what they say.

    Parameters
    ----------
    members : dict of str to Member
        Fitted, as `GenreEnsemble.members_`.
    films : Films
        A few: there is a row for each word, genre and member, and a prediction for each word.
    fusion : LateFusion, optional
        Fitted on these members; adds ``"fused"``.
    prevalence : Series by genre name, optional
        Of the training films; what is said of a film that has nothing left to read, as in `GenreEnsemble`.

    Returns
    -------
    DataFrame, one row a member (``"fused"`` last), film, word and genre
        ``contender``, ``film`` (id), ``position`` (from 0), ``word``, ``genre``, ``change``: log-odds with the word
        less log-odds without it, so that a word that speaks for the genre is positive. Films without an overview
        have no row. Where the overview's only word leaves a member with nothing to read, ``change`` is from the
        prevalence, or <NA> where none is given.

    Raises
    ------
    InputError
        If no member reads overviews, or members and fusion do not fit together.

    References
    ----------
    Li, Monroe, Jurafsky (2016), "Understanding neural networks through representation erasure", arXiv:1612.08220.

    Examples
    --------
    >>> from multigenre import Films, OverviewTfidf
    >>> plots = ["a dark night", "a dark house", "a sunny night", "a sunny house"]
    >>> labels = [[1, 0], [1, 0], [0, 1], [0, 1]]
    >>> member = OverviewTfidf(C=10.0).fit(Films("abcd", plots, [""] * 4, labels, ["Horror", "Comedy"]))
    >>> table = word_influence({member.name: member}, Films(["new"], ["In the dark house"], [""]))
    >>> table[table["genre"] == "Horror"].set_index("word")["change"].round(1).to_dict()
    {'In': 0.0, 'the': 0.0, 'dark': 1.6, 'house': -0.7}
    """
    overviews = [overview.split() for overview in films.overviews]
    places = [(film, place) for film, words in enumerate(overviews) for place in range(len(words))]
    variants = [
        (film, " ".join(overviews[film][:place] + overviews[film][place + 1 :])) for film, place in places
    ]
    options = {"modality": "overview", "fusion": fusion, "prevalence": prevalence}
    genres, moved = moved_log_odds(members, films, variants, **options)
    ids = [films.ids[film] for film, _ in places]
    words = [overviews[film][place] for film, place in places]
    positions = [place for _, place in places]
    return pd.concat(
        [_table(name, ids, positions, words, genres, changes) for name, changes in moved.items()],
        ignore_index=True,
    )


def _table(name, ids, positions, words, genres, changes):
    """Return the tidy table of changes (n_words, n_genres)."""
    n_genres = len(genres)
    return pd.DataFrame(
        {
            "contender": pd.Series([name] * len(ids) * n_genres, dtype=str),
            "film": np.repeat(np.array(ids, object), n_genres),
            "position": pd.array(positions, "Int64").repeat(n_genres),
            "word": np.repeat(np.array(words, object), n_genres),
            "genre": np.tile(np.array(list(genres), object), len(ids)),
            "change": pd.array(np.asarray(changes, float).ravel(), "Float64"),
        }
    )
