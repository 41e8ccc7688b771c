"""The member that needs no neural network: TF-IDF and a logistic regression for each genre."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from multigenre._checks import InputError
from multigenre._files import write_json
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.members._logistic import fit_films_head
from multigenre.members._member import (
    learned_ids,
    named_probabilities,
    read_arrays,
    read_facts,
    readable_films,
)

if TYPE_CHECKING:
    from multigenre.networks import PosterCache


class OverviewTfidf:
    """TF-IDF of words and word pairs, a logistic regression a genre: seconds of training, hard to beat.

    Parameters
    ----------
    name : str
    C : float or sequence of float
        Inverse strength of the heads' L2 penalty. Of several, the one with the lowest cross-validated loss of the
        training films is taken; five folds keep near-duplicates together and each genre's share. Fewer than five
        films take the first.
    characters : bool
        Read pieces of words, 3 to 5 characters long, too: endings and misspellings then count. Alone or beside
        frozen embeddings it is the better one, in some seconds more of training; beside `OverviewBag`, which
        reads them as well, it adds nothing.

    Attributes
    ----------
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    C_ : float
        The C taken.
    C_table_ : pandas.DataFrame or None
        The loss under each C, see `multigenre.members.choose_C`; None where one was given, or after `load`.
    constant_genres_ : list of str
        Genres that no or every training film carries; they get their smoothed prevalence for every film.
    """

    modality: str = "overview"
    folds: int = 5
    history_: None = None

    def __init__(
        self,
        name: str = "overview-tfidf",
        *,
        C: float | Sequence[float] = (2.0, 4.0, 8.0),
        characters: bool = False,
    ):
        self.name, self.C, self.characters = name, C, characters

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Learn from the films of ``train`` that have an overview; nothing else is needed here."""
        films = readable_films(self, train)
        self.genres_, self.learned_ids_ = films.genres, learned_ids(films)
        self._vectorizers = [_words(), _pieces()] if self.characters else [_words()]
        try:
            # Fitted once, for the folds that choose C too: which words there are says nothing of genres.
            features: Any = hstack([each.fit_transform(films.overviews) for each in self._vectorizers], "csr")
        except ValueError as error:
            raise InputError(
                f"{self.name} found no word that two of {len(films)} overviews share; give more films."
            ) from error
        self._coefficients, self._intercept, self.C_, self.C_table_ = fit_films_head(
            features, films, self.C, what=self.name, progress=progress
        )
        support = films.labels.sum(axis=0)
        self.constant_genres_ = [
            name for name, n in zip(self.genres_, support, strict=True) if n in (0, len(films))
        ]
        return self

    def settled(self) -> OverviewTfidf:
        """Return a member to train, with the C that was chosen."""
        return OverviewTfidf(self.name, C=getattr(self, "C_", self.C), characters=self.characters)

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return `GenreProbabilities` of all films; NaN for those without an overview."""
        present = films.has_overview
        values = np.empty((0, len(self.genres_)))
        if present.any():
            overviews = films.overviews[present]
            features: Any = hstack([each.transform(overviews) for each in self._vectorizers], "csr")
            values = sigmoid(features @ self._coefficients.T + self._intercept)
        return named_probabilities(self, films, present, values)

    def save(self, folder: Pathlike) -> None:
        """Write the vocabulary as JSON and the numbers as ``.npz``."""
        folder = Path(folder)
        facts = {
            "C": self.C_,
            "genres": list(self.genres_),
            "learned_ids": self.learned_ids_,
            "constant_genres": self.constant_genres_,
            "vocabularies": [each.get_feature_names_out().tolist() for each in self._vectorizers],
        }
        write_json(facts, folder / "tfidf.json")
        np.savez_compressed(
            folder / "tfidf.npz",
            idf=np.concatenate([each.idf_ for each in self._vectorizers]),
            coefficients=self._coefficients,
            intercept=self._intercept,
        )

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote; return self."""
        folder = Path(folder)
        facts = read_facts(folder / "tfidf.json")
        self.C_, self.C_table_, self.genres_ = facts["C"], None, Genres(facts["genres"])
        self.learned_ids_ = facts["learned_ids"]
        self.constant_genres_ = facts["constant_genres"]
        vocabularies = facts["vocabularies"]
        self.C, self.characters = self.C_, len(vocabularies) == 2
        n_genres, n_words = len(self.genres_), sum(map(len, vocabularies))
        shapes = {"idf": (n_words,), "coefficients": (n_genres, n_words), "intercept": (n_genres,)}
        idf, self._coefficients, self._intercept = read_arrays(folder / "tfidf.npz", shapes).values()
        self._vectorizers = [
            make(vocabulary=v) for make, v in zip((_words, _pieces), vocabularies, strict=False)
        ]
        for each, part in zip(self._vectorizers, np.split(idf, [len(vocabularies[0])]), strict=False):
            each.idf_ = part
        return self


def _words(vocabulary=None):
    return TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2 if vocabulary is None else 1,
        sublinear_tf=True,
        stop_words="english",
        vocabulary=vocabulary,
    )


def _pieces(vocabulary=None):
    return TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(3, 5),
        min_df=5 if vocabulary is None else 1,
        sublinear_tf=True,
        vocabulary=vocabulary,
    )
