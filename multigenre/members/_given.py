"""Probabilities that were made elsewhere, as a member."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, id_column, is_id, read_table, texts
from multigenre.members._member import named_probabilities

if TYPE_CHECKING:
    from multigenre.networks import PosterCache


log = logging.getLogger("multigenre")


class GivenMember:
    """Probabilities of films that something else made: a model in another language, a service, a person.

    **You vouch that these films did not teach those numbers.** The library cannot see it: where a film did train
    what made its probabilities, the fusion trusts them too much, and every score that it has a part in is too
    good. Leave such films out of the table; a film that is not in it is one that this member cannot read.

    Parameters
    ----------
    name : str
        As in tables, for example ``"trailer-net"``.
    table : str, Path, DataFrame or GenreProbabilities
        A row a film: its id in a column ``Id`` (a DataFrame may have it as its index), and a column of probabilities
        for each genre, in any order. An empty row is a film that could not be read. A column ``Genres``, as
        ``multigenre predict`` writes, is passed over. A path is that of a CSV or Parquet file.

    Attributes
    ----------
    genres_ : Genres
    learned_ids_ : dict of str to tuple of str
        Without any film: the numbers did not learn from the films that this library splits.
    table_ : GenreProbabilities
        Of all films of the table, in the columns of ``genres_``.

    Examples
    --------
    >>> from multigenre import Films
    >>> films = Films(["a", "b"], ["", ""], ["", ""], [[1, 0], [0, 1]], ["Comedy", "Drama"])
    >>> table = pd.DataFrame({"Id": ["b", "a"], "Drama": [0.75, 0.25], "Comedy": [0.125, 0.5]})
    >>> GivenMember("critics", table).fit(films).predict(films).top(1)
    [[('Comedy', 0.5)], [('Drama', 0.75)]]
    """

    modality: str = "given"
    folds: int = 5
    history_: None = None

    def __init__(self, name: str, table: str | Path | pd.DataFrame | GenreProbabilities | None = None):
        self.name, self.table = name, table

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Check the table against the genres of ``train``; nothing is learned.

        Raises
        ------
        InputError
            If a genre has no column or a column no genre, an id comes twice, a cell is no probability, or the
            table says that its films trained what made it.
        """
        if train.genres is None:
            raise InputError(f"{self.name} needs films whose genres are known, got films without genres.")
        cells = self._cells()
        if not len(cells):
            raise InputError(f"{self.name} has a table without films; give one with a row for each film.")
        missing = [genre for genre in train.genres if genre not in cells.columns]
        extra = [column for column in cells.columns if column not in train.genres]
        if missing or extra:
            faults = [
                f"{what} {some(names)}" for what, names in (("lacks", missing), ("also has", extra)) if names
            ]
            raise InputError(
                f"The table of {self.name} needs exactly one column for each genre of the films, "
                f"but {' and '.join(faults)}; rename, add or remove columns."
            )
        self.genres_, self.learned_ids_ = train.genres, {"train": (), "validation": ()}
        values = self._numbers(cells[list(train.genres)])
        self.table_ = GenreProbabilities(cells.index, train.genres, values, self.name)
        return self

    def knows(self, films: Films) -> np.ndarray:
        """Return which films have a row in the table: shape (n_films,), bool; before and after `fit`."""
        ids = self.table_.ids if hasattr(self, "table_") else self._cells().index
        return pd.Index(films.ids).isin(ids)

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return `GenreProbabilities` of all films; NaN for those that the table says nothing of."""
        rows = pd.Index(self.table_.ids).get_indexer(pd.Index(films.ids))
        present = (rows >= 0) & self.table_.present[rows]
        if not present.all():
            absent = films.ids[~present]
            log.warning("%s says nothing of %d films: %s.", self.name, len(absent), some(absent))
        return named_probabilities(self, films, present, self.table_.values[rows[present]])

    def save(self, folder: Pathlike) -> None:
        """Write the whole table: what is loaded needs no other file."""
        self.table_.save(Path(folder) / "given.npz")

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote; return self."""
        self.table_ = GenreProbabilities.load(Path(folder) / "given.npz")
        self.genres_, self.learned_ids_ = self.table_.genres, {"train": (), "validation": ()}
        return self

    def _cells(self):
        """Return the table as it came: a DataFrame indexed by film id, without the column of genre names."""
        table = self.table
        if isinstance(table, GenreProbabilities):
            if table.role in ("train", "validation"):
                raise InputError(
                    f"{self.name} needs numbers of films that whatever made them never saw, got "
                    f"role={table.role!r}; give those of other films, or out-of-fold probabilities."
                )
            return table.to_frame()
        if table is None:
            raise InputError(f"{self.name} has no table; give one, or load what an earlier run saved.")
        frame = isinstance(table, pd.DataFrame)
        try:
            return _by_film(table if frame else read_table(table))
        except InputError as error:
            raise InputError(f"{f'the table of {self.name}' if frame else table}: {error}") from error

    def _numbers(self, cells):
        """Return cells as float, NaN where empty."""
        values = cells.apply(pd.to_numeric, errors="coerce")
        wrong = values.isna() & cells.notna() & (cells != "")
        if wrong.to_numpy().any():
            row, column = np.argwhere(wrong)[0]
            raise InputError(
                f"{self.name} has {cells.iat[row, column]!r} as the probability of {cells.columns[column]} for film "
                f"{cells.index[row]}; expected a number in [0, 1]."
            )
        return values.to_numpy(float)


def _by_film(table):
    """Return a table indexed by film id, without the column of genre names that a prediction has."""
    table = table.rename(columns=str)
    if not any(map(is_id, table.columns)) and not _only_counts(table.index):
        table = table.rename_axis("Id").reset_index()
    if table.columns.has_duplicates:
        twice = table.columns[table.columns.duplicated()]
        raise InputError(f"the column {some(twice)} comes twice; rename or remove one.")
    column = id_column(table)
    named = [name for name in table.columns if name.casefold() in ("genres", "genre")]
    return table.drop(columns=[column, *named]).set_axis(texts(table[column]))


def _only_counts(index):
    return isinstance(index, pd.RangeIndex) and index.name is None
