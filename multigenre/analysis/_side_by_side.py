"""What members and their fusion say about the same films, side by side, as every table of errors needs it."""

from typing import NamedTuple

import numpy as np

from multigenre._checks import InputError, check_truth, some
from multigenre.data import Genres
from multigenre.scores import cuts_of, rates


class Contenders(NamedTuple):
    """The members, and last the fused prediction, of films that taught none of them.

    ``labels`` is bool (n_films, n_genres), ``values`` float64 and ``named`` bool (n_contenders, n_films, n_genres),
    ``present`` bool (n_contenders, n_films). Where not present, values are NaN and nothing is named.
    """

    names: tuple
    genres: Genres
    ids: np.ndarray
    labels: np.ndarray
    values: np.ndarray
    named: np.ndarray
    present: np.ndarray

    @property
    def complete(self):
        """Films that every contender is present for, (n_films,) bool."""
        return self.present.all(axis=0)

    def take(self, rows):
        """Return the same contenders on some films, positions or a boolean mask."""
        return self._replace(
            ids=self.ids[rows],
            labels=self.labels[rows],
            values=self.values[:, rows],
            named=self.named[:, rows],
            present=self.present[:, rows],
        )

    def best_members(self):
        """Return the position of each genre's member of highest F1 on the complete films; of equals the first."""
        here = self.take(self.complete)
        labels = np.broadcast_to(here.labels, here.named[:-1].shape)
        return rates(here.named[:-1], labels, axis=1)[2].argmax(axis=0)


def contenders(members, fused, films, thresholds=None):
    """Return the `Contenders` of members and their fusion; see `side_by_side`."""
    if not members:
        raise InputError("A table of errors needs at least one member beside the fused prediction.")
    return side_by_side([*members, fused], films, thresholds)


def side_by_side(everyone, films, thresholds=None):
    """Return the `Contenders`, or raise if they may not be reported or are not about the same films.

    Parameters
    ----------
    everyone : list of GenreProbabilities
    films : Films
        With genres, of the test split or of no split.
    thresholds : dict of str to Series by genre name, or to DataFrame by film id and genre, optional
        By contender; 0.5 for those that are not in it.
    """
    names, thresholds = tuple(one.name for one in everyone), thresholds or {}
    if len(set(names)) < len(names):
        raise InputError(f"Members and the fused prediction need distinct names, got {some(names, most=9)}.")
    if unknown := sorted(set(thresholds) - set(names)):
        raise InputError(f"Thresholds are for {some(unknown)}, but the contenders are {some(names, most=9)}.")
    for one in everyone:
        labels = check_truth(one, films, "A table of errors")
        if role := next((role for role in (one.role, films.role) if role not in ("test", None)), None):
            raise InputError(
                "A table of errors needs films that taught nothing, no member, fusion or threshold, "
                f"got role={role!r} from {one.name}; pass the test split."
            )
    values = np.stack([one.values for one in everyone]).astype(float)
    cuts = [cuts_of(thresholds.get(one.name), one.genres, films.ids) for one in everyone]
    return Contenders(
        names,
        films.genres,
        films.ids,
        labels == 1,
        values,
        np.stack([mine >= cut for mine, cut in zip(values, cuts, strict=True)]),  # NaN is never named
        np.stack([one.present for one in everyone]),
    )
