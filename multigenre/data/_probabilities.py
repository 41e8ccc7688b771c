"""`GenreProbabilities`: what every member and every fusion gives, and all that later steps need."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multigenre._checks import ROLES, InputError, check_ids, check_role, check_same_genres, check_shape, some
from multigenre._files import replacing
from multigenre._signatures import Pathlike
from multigenre.data._genres import Genres


@dataclass(frozen=True, eq=False)
class GenreProbabilities:
    """Named probabilities of some films: the hinge between models and everything after them.

    Parameters
    ----------
    ids : sequence of str, length n_films
        Film ids, each once.
    genres : Genres
        Names of the columns.
    values : array of shape (n_films, n_genres), float in [0, 1]
        NaN exactly in the rows of films that are not ``present``.
    name : str
        Which member, or ``"fused"``.
    role : str or None
        The split role of these films for whoever made the numbers: ``"train"``, ``"validation"``,
        ``"calibration"``, ``"test"`` or ``"out-of-fold"``; None where it is not known.
    present : array of shape (n_films,), bool, optional
        Which films have the modality at all. Default: the rows without NaN.

    Raises
    ------
    InputError
        If shapes disagree, an id comes twice, a value lies outside [0, 1], or a row is NaN in part.

    Examples
    --------
    >>> probabilities = GenreProbabilities(["tt1"], Genres(["Comedy", "Drama"]), [[0.2, 0.7]], "poster-cnn")
    >>> probabilities.top(1)
    [[('Drama', 0.7)]]
    """

    ids: np.ndarray
    genres: Genres
    values: np.ndarray
    name: str
    role: str | None = None
    present: np.ndarray = None  # pyright: ignore[reportAssignmentType]  # never None once made

    if TYPE_CHECKING:  # what it takes, which is more than what it keeps

        def __init__(
            self,
            ids: Iterable[object],
            genres: Genres | Iterable[str],
            values: ArrayLike,
            name: str,
            role: str | None = None,
            present: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self):
        put = object.__setattr__
        put(self, "ids", check_ids(self.ids))
        if not isinstance(self.genres, Genres):
            put(self, "genres", Genres(self.genres))
        shape = (len(self.ids), len(self.genres))
        values = check_shape(self.values, shape, f"Probabilities of {self.name}")
        # A copy: what is given stays the caller's to change, what is kept does not change.
        values = values.astype(values.dtype if values.dtype in (np.float32, np.float64) else np.float64)
        put(self, "values", values)
        missing = np.all(np.isnan(values), axis=1)
        if self.present is None:
            put(self, "present", ~missing)
        else:
            put(self, "present", check_shape(self.present, shape[:1], "present").astype(bool))
        wrong = (~np.isfinite(values) | (values < 0) | (values > 1)).any(axis=1) & self.present
        if wrong.any():
            films = some(self.ids[wrong])
            raise InputError(f"Probabilities of {self.name} must be in [0, 1], not so for {films}.")
        if not missing[~self.present].all():
            untidy = self.ids[~self.present & ~missing]
            raise InputError(f"{self.name} has nothing to read for {some(untidy)}: use NaN, not numbers.")
        check_role(self.role)
        for array in (self.ids, self.values, self.present):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray | Sequence[int] | slice) -> Self:
        """Return the films at ``rows`` (positions, a slice or a boolean mask), in that order."""
        ids, values, present = self.ids[rows], self.values[rows], self.present[rows]
        return replace(self, ids=ids, values=values, present=present)

    def absent(self, name: str) -> Self:
        """Return the probabilities of ``name``, a member that is present for none of these films."""
        return replace(self, values=np.full_like(self.values, np.nan), name=name, present=None)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return the films of several parts, one after another; they share name and genres.

        The role is that of the part whose films taught most: train, before validation, calibration and the rest.

        Raises
        ------
        InputError
            If there is no part, or they differ in name or genres.
        """
        if not parts:
            raise InputError("There are no probabilities to put together, the list of parts is empty.")
        first = parts[0]
        for part in parts:
            check_same_genres(first.genres, part.genres, f"Parts of {first.name}")
            if part.name != first.name:
                raise InputError(f"Only parts of one name go together, got {first.name} and {part.name}.")
        role = min((part.role for part in parts), key=(*ROLES, None).index)
        values = np.concatenate([part.values for part in parts])
        return cls(np.concatenate([part.ids for part in parts]), first.genres, values, first.name, role)

    def top(self, k: int = 3) -> list[list[tuple[str, float]]]:
        """Return each film's ``k`` most probable genres as (name, probability); empty where not present."""
        return [
            row if here else []
            for row, here in zip(self.genres.top(self.values, k), self.present, strict=True)
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame indexed by film id, one column a genre."""
        return pd.DataFrame(self.values, index=pd.Index(self.ids, name="Id"), columns=list(self.genres))

    def save(self, path: Pathlike) -> None:
        """Write everything to one ``.npz`` file, without pickle, beside and then renamed."""
        facts = {"ids": list(self.ids), "genres": list(self.genres), "name": self.name, "role": self.role}
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, facts=json.dumps(facts), values=self.values, present=self.present)

    @classmethod
    def load(cls, path: Pathlike) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file is not there or is not one that `save` wrote.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as saved:
                facts = json.loads(str(saved["facts"]))
                return cls(values=saved["values"], present=saved["present"], **facts)
        except (OSError, EOFError, BadZipFile, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} holds no saved genre probabilities ({error}).") from error


def logits(values: ArrayLike, limit: float = 1e-6) -> np.ndarray:
    """Return the log-odds of probabilities, clipped to [limit, 1 - limit].

    The limit keeps one saturated sigmoid from deciding a fusion alone: log-odds stay within +-13.8.
    """
    values = np.clip(values, limit, 1 - limit)
    return np.log(values) - np.log1p(-values)


def sigmoid(log_odds: ArrayLike) -> np.ndarray:
    """Return probabilities from log-odds, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(log_odds)))
