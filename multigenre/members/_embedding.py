"""A frozen embedding as a member: any vectors of overviews or posters, and a logistic regression a genre."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from multigenre._checks import InputError
from multigenre._files import write_json
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.members._logistic import fit_films_head
from multigenre.members._member import (
    has_modality,
    learned_ids,
    named_probabilities,
    read_arrays,
    read_facts,
    readable_films,
    screened,
)
from multigenre.members._vector_cache import VectorCache

if TYPE_CHECKING:
    from multigenre.networks import PosterCache


class EmbeddingMember:
    """Vectors that someone else's model gives of overviews or posters, and a head that learns genres from them.

    Nothing of the embedder is trained, so each overview or poster is embedded once: copies of a member
    (`copy.copy`) share the vectors, and so do later runs that name the same folder.

    Parameters
    ----------
    name : str
    embed : callable
        From a list of n overviews, or from posters, uint8 (n, size, size, 3), to n vectors, float (n, d). An
        attribute ``poster_size`` asks for posters of that many pixels a side (64 without it), an attribute ``name``
        says what it is; see `multigenre.members.VectorCache`.
    modality : str
        ``"overview"`` or ``"poster"``: what it reads.
    C : float or sequence of float
        Inverse strength of the head's L2 penalty. Of several, the one with the lowest cross-validated loss of the
        training films is taken; five folds keep near-duplicates together and each genre's share. Fewer than five
        films take the first.
    standardise : bool
        Give every column of the vectors the same variance and a vector the mean squared length 1 (over the
        training films), so that one scale of C serves every embedder. A column that hardly varies says nothing.
    cache : path, optional
        Folder that keeps the vectors.

    Attributes
    ----------
    C_ : float
        The C taken.
    C_table_ : pandas.DataFrame or None
        The loss under each C, see `multigenre.members.choose_C`; None where one C was given.
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.

    Raises
    ------
    InputError
        If the modality is another, or the embedder has no name to keep vectors under.

    References
    ----------
    Kornblith, Shlens, Le (2019), "Do Better ImageNet Models Transfer Better?", CVPR: the logistic regression on
    fixed features.

    Examples
    --------
    >>> from multigenre import Films
    >>> def count(overviews):
    ...     return [[text.count("war"), text.count("love")] for text in overviews]
    >>> plots = ["A war.", "In love.", "After the war.", "A first love."]
    >>> films = Films("abcd", plots, [""] * 4, [[1, 0], [0, 1]] * 2, ["War", "Romance"])
    >>> member = EmbeddingMember("counts", count, modality="overview", C=10.0).fit(films)
    >>> member.predict(Films(["new"], ["Lost love."], [""])).top(1)[0][0][0]
    'Romance'
    """

    folds: int = 5
    history_: None = None

    def __init__(
        self,
        name: str,
        embed: Callable[..., Any],
        *,
        modality: str,
        C: float | Sequence[float] = (0.5, 1.0, 2.0, 4.0),
        standardise: bool = True,
        cache: Pathlike | None = None,
    ):
        if modality not in ("overview", "poster"):
            raise InputError(f"{name} reads the overview or the poster, got modality={modality!r}.")
        self.name, self.embed, self.modality = name, embed, modality
        self.C, self.standardise, self.cache = C, standardise, cache
        self._vectors = VectorCache(embed, folder=cache)

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Learn from the films of ``train`` that have the modality.

        Parameters
        ----------
        train : Films
        validation, folder
            Not needed here.
        posters : PosterCache, optional
            Decoded posters to share with others, of use where the embedder reads that size.
        progress : callable, optional
            Called with (what, number done, number in all).

        Raises
        ------
        InputError
            If no film has the modality, the embedder's vectors cannot be used, or C is not above 0.
        """
        posters, films = self._screened(posters, train)
        films = readable_films(self, films)
        vectors = self._embedded(films, posters, progress).astype(np.float64)
        self.genres_, self.learned_ids_ = films.genres, learned_ids(films)
        mean, scale = np.zeros(vectors.shape[1]), np.ones(vectors.shape[1])
        if self.standardise:
            mean, scale = _standard(vectors)
        features = (vectors - mean) * scale
        coefficients, intercept, self.C_, self.C_table_ = fit_films_head(
            features, films, self.C, what=self.name, progress=progress
        )
        # The head of the vectors as they come: nothing else is needed to predict.
        self._coefficients = coefficients * scale
        self._intercept = intercept - self._coefficients @ mean
        return self

    def settled(self) -> Self:
        """Return a copy to train, with the C that was chosen; it shares the vectors."""
        unfitted = copy(self)
        unfitted.C = getattr(self, "C_", self.C)
        return unfitted

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality.

        Parameters
        ----------
        films : Films
        posters : PosterCache, optional
            Decoded posters to share with others.

        Raises
        ------
        InputError
            If the embedder's vectors cannot be used, or are not as long as those that were learned from.
        """
        posters, films = self._screened(posters, films)
        present = has_modality(self, films)
        values = np.empty((0, len(self.genres_)))
        if present.any():
            vectors, length = self._embedded(films.take(present), posters), self._coefficients.shape[1]
            if vectors.shape[1] != length:
                raise InputError(
                    f"{self.name} learned from vectors of {length} numbers, but {self._vectors.name} now gives "
                    f"{vectors.shape[1]}; use the embedder that it learned from or train again."
                )
            values = sigmoid(vectors @ self._coefficients.T + self._intercept)
        return named_probabilities(self, films, present, values)

    def save(self, folder: Pathlike) -> None:
        """Write the head and the settings; the embedder stays with the caller."""
        folder = Path(folder)
        facts = {
            "embedder": self._vectors.name,
            "modality": self.modality,
            "C": self.C_,
            "genres": list(self.genres_),
            "learned_ids": self.learned_ids_,
        }
        write_json(facts, folder / "member.json")
        np.savez_compressed(folder / "head.npz", coefficients=self._coefficients, intercept=self._intercept)

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote into a member made with the same embedder; return self.

        Raises
        ------
        InputError
            If the head was learned from another embedder's vectors.
        """
        folder = Path(folder)
        facts = read_facts(folder / "member.json")
        ours, theirs = (self._vectors.name, self.modality), (facts["embedder"], facts["modality"])
        if ours != theirs:
            raise InputError(
                f"{folder} was learned from {theirs[1]}s by the embedder {theirs[0]}, but this {self.name} "
                f"has {ours[0]} for {ours[1]}s; make it with the same embedder."
            )
        self.C_, self.C_table_, self.genres_ = facts["C"], None, Genres(facts["genres"])
        self.learned_ids_ = facts["learned_ids"]
        shapes = {"coefficients": (len(self.genres_), None), "intercept": (len(self.genres_),)}
        self._coefficients, self._intercept = read_arrays(folder / "head.npz", shapes).values()
        return self

    def _screened(self, posters, films):
        """Return decoded posters of the size that the embedder reads, and films with unreadable ones missing."""
        return screened(self, posters, getattr(self.embed, "poster_size", 64), films)

    def _embedded(self, films, posters, progress=no_progress):
        """Return the vectors of films that have the modality."""
        items = posters.select(films.posters) if self.modality == "poster" else list(films.overviews)
        return self._vectors.vectors(items, ids=films.ids, what=f"{self.name}, vectors", progress=progress)


def _standard(vectors):
    """Return the mean and the factor by which `EmbeddingMember` standardises each column."""
    mean, spread = vectors.mean(axis=0), vectors.std(axis=0)
    varied = spread > 1e-6 * max(spread.max(), np.abs(mean).max())
    scale = np.divide(1, spread * np.sqrt(len(spread)), out=np.zeros_like(spread), where=varied)
    return mean, scale
