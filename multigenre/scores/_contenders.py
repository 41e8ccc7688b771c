"""`Contenders`: everyone who predicted the same films, where each is cut, and the truth, put together once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from multigenre._checks import InputError, check_truth, some
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores._rates import cuts_of, rates

Thresholds = Mapping[str, pd.Series | pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Contenders:
    """The members, and last the fused prediction, of films that taught none of them.

    Every table of errors and every picture of them takes this record; `contenders` and `GenreEnsemble.contenders` make
    it.

    Parameters
    ----------
    records : tuple of GenreProbabilities
        Of the same films and genres, under distinct names.
    labels : ndarray of shape (n_films, n_genres), bool
    cuts : tuple of ndarray of shape (n_genres,) or (n_films, n_genres), float64
        Of each record; `named` where the probability is at or above.
    """

    records: tuple[GenreProbabilities, ...]
    labels: np.ndarray
    cuts: tuple[np.ndarray, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the contenders, the fused prediction's last."""
        return tuple(one.name for one in self.records)

    @property
    def members(self) -> tuple[GenreProbabilities, ...]:
        """Everyone but the last, the fused prediction."""
        return self.records[:-1]

    @property
    def fused(self) -> GenreProbabilities:
        """The last of the records."""
        return self.records[-1]

    @property
    def genres(self) -> Genres:
        """Names of the columns."""
        return self.records[0].genres

    @property
    def ids(self) -> np.ndarray:
        """Ids of the films."""
        return self.records[0].ids

    @cached_property
    def values(self) -> np.ndarray:
        """Probabilities (n_contenders, n_films, n_genres), float64; NaN where not present."""
        return np.stack([one.values for one in self.records]).astype(float)

    @cached_property
    def named(self) -> np.ndarray:
        """Which genres are named (n_contenders, n_films, n_genres), bool: none where not present."""
        pairs = zip(self.values, self.cuts, strict=True)
        return np.stack([mine >= cut for mine, cut in pairs])  # NaN is never named

    @property
    def thresholds(self) -> dict[str, pd.DataFrame]:
        """Cuts by contender, film by film, as what scores one `GenreProbabilities` takes them."""
        shape, columns = self.labels.shape, list(self.genres)
        pairs = zip(self.names, self.cuts, strict=True)
        return {name: pd.DataFrame(np.broadcast_to(cut, shape), self.ids, columns) for name, cut in pairs}

    @cached_property
    def present(self) -> np.ndarray:
        """Which films each is present for (n_contenders, n_films), bool."""
        return np.stack([one.present for one in self.records])

    @property
    def complete(self) -> np.ndarray:
        """Films that every contender is present for, (n_films,) bool."""
        return np.all(self.present, axis=0)

    def take(self, rows: np.ndarray) -> "Contenders":
        """Return the same contenders on some films, positions or a boolean mask."""
        cuts = tuple(cut if cut.ndim == 1 else cut[rows] for cut in self.cuts)
        return Contenders(tuple(one.take(rows) for one in self.records), self.labels[rows], cuts)

    def others(self, records: list[GenreProbabilities], cuts: list[np.ndarray]) -> "Contenders":
        """Return other predictions of the same films."""
        return replace(self, records=tuple(records), cuts=tuple(cuts))

    def best_members(self) -> np.ndarray:
        """Return the position of each genre's member of highest F1 on the complete films; of equals the first."""
        here = self.take(self.complete)
        labels = np.broadcast_to(here.labels, here.named[:-1].shape)
        return rates(here.named[:-1], labels, axis=1)[2].argmax(axis=0)


def contenders(
    members: list[GenreProbabilities],
    fused: GenreProbabilities,
    films: Films,
    thresholds: Thresholds | None = None,
) -> Contenders:
    """Return the `Contenders`, or raise if they may not be reported or are not about the same films.

    Parameters
    ----------
    members : list of GenreProbabilities
        One or more.
    fused : GenreProbabilities
    films : Films
        The same films, with their genres; they taught nothing that predicts them.
    thresholds : dict of str to Series by genre name, or to DataFrame by film id and genre, optional
        By contender; 0.5 for those that are not in it.

    Raises
    ------
    InputError
        If films, genres or names do not fit, or a role says that the films taught something.
    """
    if not members:
        raise InputError("A table of errors needs at least one member beside the fused prediction.")
    everyone, thresholds = (*members, fused), thresholds or {}
    names = [one.name for one in everyone]
    if len(set(names)) < len(names):
        raise InputError(f"Members and the fused prediction need distinct names, got {some(names, most=9)}.")
    if unknown := sorted(set(thresholds) - set(names)):
        raise InputError(f"Thresholds are for {some(unknown)}, but the contenders are {some(names, most=9)}.")
    for one in everyone:
        check_truth(one, films, "A table of errors")
        if role := next((role for role in (one.role, films.role) if role not in ("test", None)), None):
            raise InputError(
                "A table of errors needs films that taught nothing, no member, fusion or threshold, "
                f"got role={role!r} from {one.name}; pass the test split."
            )
    cuts = tuple(cuts_of(thresholds.get(one.name), one.genres, films.ids) for one in everyone)
    return Contenders(everyone, films.labels == 1, cuts)
