"""`Films`: ids, overviews, posters and genres of some films; read from a table, split by film."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from multigenre._checks import (
    InputError,
    check_ids,
    check_labels,
    check_role,
    check_same_genres,
    check_shape,
    some,
)
from multigenre._signatures import Pathlike
from multigenre.data._genres import Genres
from multigenre.data._reading import Reading, understand
from multigenre.data._rules import ReadingRules
from multigenre.data._splits import SPLIT_ROLES, check_shares, near_duplicate_groups, stratified_split
from multigenre.data._texts import spaced, texts


@dataclass(frozen=True, eq=False)
class Films:
    """Films in a fixed order: one id, overview and poster each, and their genres where known.

    Parameters
    ----------
    ids : sequence of str, length n_films
        Film ids, each once.
    overviews : sequence of str, length n_films
        Kept with one space for each run of white space; ``""`` (or None) where missing.
    posters : sequence of str or Path, length n_films
        Poster files; ``""`` (or None) where missing. Files are not opened here.
    labels : array of shape (n_films, n_genres), 0 or 1, or None
        None for films to predict, whose genres are not known.
    genres : Genres or None
        Names of the label columns; None exactly when ``labels`` is None.
    role : str or None
        The split role: ``"train"``, ``"validation"``, ``"calibration"`` or ``"test"``; None before splitting.
    titles : sequence of str, length n_films, optional
        For people who look at films: no member reads them. ``""`` (or None) where missing.

    Raises
    ------
    InputError
        If lengths disagree, an id is empty or comes twice, or a label is not 0 or 1.

    Examples
    --------
    >>> films = Films(["tt1", "tt2"], ["A plot.", ""], ["", "tt2.jpg"], [[1, 0], [1, 1]], ["Drama", "War"])
    >>> films.has_overview, films.has_poster
    (array([ True, False]), array([False,  True]))
    >>> films.take(films.has_overview).to_frame()
        Id  Drama  War Overview
    0  tt1      1    0  A plot.
    """

    ids: np.ndarray
    overviews: np.ndarray
    posters: np.ndarray
    # Or Any: None only where genres are not known, which whoever needs them refuses.
    labels: np.ndarray | Any = None
    genres: Genres | Any = None
    role: str | None = None
    titles: np.ndarray = None  # pyright: ignore[reportAssignmentType]  # never None once made

    if TYPE_CHECKING:  # what it takes, which is more than what it keeps

        def __init__(
            self,
            ids: Iterable[object],
            overviews: Iterable[str | None],
            posters: Iterable[Pathlike | None],
            labels: ArrayLike | None = None,
            genres: Genres | Iterable[str] | None = None,
            role: str | None = None,
            titles: Iterable[str | None] | None = None,
        ) -> None: ...

    def __post_init__(self):
        put = object.__setattr__
        put(self, "ids", check_ids(self.ids))
        # White space says nothing of a film, and a carriage return in a cell would cut a CSV's row.
        for name in ("overviews", "titles"):
            given = getattr(self, name)
            put(self, name, spaced(texts([""] * len(self) if given is None else given)))
        put(self, "posters", texts(self.posters))
        for name in ("overviews", "posters", "titles"):
            check_shape(getattr(self, name), self.ids.shape, f"The films' {name}")
        if (self.labels is None) != (self.genres is None):
            raise InputError(
                "Films need labels and the Genres that name their columns, or neither; got only one."
            )
        if self.labels is not None:
            if not isinstance(self.genres, Genres):
                put(self, "genres", Genres(self.genres))
            put(self, "labels", check_labels(self.labels, (len(self), len(self.genres))))
            self.labels.flags.writeable = False
        check_role(self.role)
        for values in (self.ids, self.overviews, self.posters, self.titles):
            values.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self):
        return f"Films({self.summary()}, role={self.role!r})"

    @property
    def has_overview(self) -> np.ndarray:
        """Which films have an overview: ndarray of shape (n_films,), bool."""
        return self.overviews != ""

    @property
    def has_poster(self) -> np.ndarray:
        """Which films have a poster file: ndarray of shape (n_films,), bool."""
        return self.posters != ""

    @property
    def headings(self) -> list[str]:
        """What people know each film by: its title and its id, or the id alone where there is no title."""
        return [
            f"{title} ({film})" if title else str(film)
            for film, title in zip(self.ids, self.titles, strict=True)
        ]

    def take(self, rows: ArrayLike) -> Self:
        """Return the films at ``rows`` (positions or a boolean mask), in that order, with their role."""
        rows = np.asarray(rows)
        rows = rows if rows.size else rows.astype(np.intp)
        labels = None if self.labels is None else self.labels[rows]
        return replace(
            self,
            ids=self.ids[rows],
            overviews=self.overviews[rows],
            posters=self.posters[rows],
            labels=labels,
            titles=self.titles[rows],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return the films of several parts, one after another; they share genres, and have no role.

        Raises
        ------
        InputError
            If there is no part, a film comes twice, or genres differ.
        """
        if not parts:
            raise InputError("There are no films to put together, the list of parts is empty.")
        first = parts[0]
        for part in parts:
            check_same_genres(first.genres or (), part.genres or (), "Films that are put together")
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("ids", "overviews", "posters", "titles", *(["labels"] if first.genres else []))
        }
        return cls(**columns, genres=first.genres)

    def with_role(self, role: str | None) -> Self:
        """Return the same films with another split role."""
        return replace(self, role=role)

    def without_posters(self, ids: Iterable[object]) -> Self:
        """Return the same films with the posters of ``ids`` missing, as for files that cannot be decoded.

        Ids of films that are not here change nothing, so that one list serves every split role.
        """
        lost = np.isin(self.ids.astype(str), [str(film) for film in ids])
        return replace(self, posters=np.where(lost, "", self.posters))

    def align(self, genres: Genres) -> Self:
        """Return the same films with labels in the columns of ``genres``, matched by name.

        A genre that these films' table does not name is carried by none of them. Films without labels
        come back as they are.

        Parameters
        ----------
        genres : Genres

        Raises
        ------
        InputError
            If these films have a genre that ``genres`` does not name.
        """
        if self.labels is None or self.genres == genres:
            return self
        unknown = [name for name in self.genres if name not in genres]
        if unknown:
            raise InputError(
                f"These films have genres that are not among the {len(genres)} expected: {some(unknown)}; "
                "rename or remove those columns."
            )
        labels = np.zeros((len(self), len(genres)), np.uint8)
        labels[:, [genres.column(name) for name in self.genres]] = self.labels
        return replace(self, labels=labels, genres=genres)

    def split(self, shares: Mapping[str, float] | pd.Series, *, seed: int = 0) -> dict[str, Self]:
        """Split the films into roles, each with close to its share of the films and of every genre.

        Near-duplicates (the same overview but for case, punctuation and white space, or byte-identical
        posters, directly or through a third film) stay in one role.

        Parameters
        ----------
        shares : dict of str to float, or Series of str by film id
            Of ``"train"``, ``"validation"``, ``"calibration"`` and ``"test"``; they sum to 1. A Series is a split that
            a source fixes, as `Reading.splits`: its films keep their role, near-duplicates or not. Validation and
            calibration, where it names no film for them, get an eighth each of the films that it gives to training or
            to nothing.
        seed : int

        Returns
        -------
        dict of str to Films
            In the order of ``shares``, films in their order here; a role whose share is 0 is left out.

        Raises
        ------
        InputError
            If the shares are not as above, a role would get no film, or the films already are one role.
        """
        if self.role is not None:
            raise InputError(f"These films already are the {self.role} split; split the whole table once.")
        if isinstance(shares, pd.Series):
            return self._fixed_split(shares, seed)
        shares = check_shares(shares)
        groups = near_duplicate_groups(self.overviews, self.posters)
        part = stratified_split(self.labels, groups, list(shares.values()), seed=seed)
        roles = {role: self.take(part == k).with_role(role) for k, role in enumerate(shares)}
        empty = [role for role, films in roles.items() if not len(films)]
        if empty:
            raise InputError(
                f"{len(self)} films in {groups.max(initial=-1) + 1} groups of near-duplicates leave none for "
                f"{some(empty)}; give more films or set that share to 0."
            )
        return roles

    def _fixed_split(self, roles, seed):
        """Return the roles that a source fixes, with validation and calibration films dealt where it has none."""
        known = roles.reindex(self.ids).fillna("").to_numpy(object)
        unknown = sorted(set(known) - {*SPLIT_ROLES, ""})
        if unknown:
            raise InputError(
                f"Films are split into {', '.join(SPLIT_ROLES)}, but the split names {some(unknown)}."
            )
        free = np.isin(known, ["train", ""])
        absent = [role for role in ("validation", "calibration") if not (known == role).any()]
        shares = {"train": 1 - len(absent) / 8} | dict.fromkeys(absent, 1 / 8)
        dealt = self.take(free).split(shares, seed=seed) if free.any() else {}
        kept = {role: self.take(known == role).with_role(role) for role in SPLIT_ROLES if role not in shares}
        found = dealt | {role: films for role, films in kept.items() if len(films)}
        return {role: found[role] for role in SPLIT_ROLES if role in found}

    def summary(self) -> dict[str, int | float]:
        """Return counts of what is here and what is missing, as a dict of str to int or float.

        The keys about genres (all but the first three) are there only when the films have labels;
        ``genres_with_films`` counts genres that at least one film carries, ``cardinality`` is the mean
        number of genres a film.
        """
        counts: dict[str, int | float] = {
            "films": len(self),
            "without_overview": int((~self.has_overview).sum()),
            "without_poster": int((~self.has_poster).sum()),
        }
        if self.labels is None:
            return counts
        return counts | {
            "without_genres": int((self.labels.sum(axis=1) == 0).sum()),
            "genres": len(self.genres),
            "genres_with_films": int((self.genres.support(self.labels) > 0).sum()),
            "cardinality": self.genres.cardinality(self.labels),
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with the columns ``Id``, ``Title`` (if any), one of 0 and 1 a genre, and ``Overview``.

        Written to CSV without its index, or to Parquet, it is a table that `read` reads.
        """
        labels = {} if self.labels is None else dict(zip(self.genres, self.labels.T, strict=True))
        titles = {"Title": self.titles} if (self.titles != "").any() else {}
        return pd.DataFrame({"Id": self.ids, **titles, **labels, "Overview": self.overviews})

    def digest(self) -> str:
        """Return a text that tells these films, in this order, from others, wherever the files of posters lie."""
        names = [poster if poster.startswith("data:") else Path(poster).name for poster in self.posters]
        table = self.to_frame().assign(poster=names)
        said = json.dumps([list(table.columns), pd.util.hash_pandas_object(table, index=False).tolist()])
        return f"{len(self)} films, {zlib.crc32(said.encode()):08x}"

    @classmethod
    def read(
        cls,
        path: Pathlike,
        *,
        posters: Pathlike | None = None,
        columns: Mapping[str, str | Sequence[str]] | None = None,
        genres: Genres | None = None,
        labelled: bool = True,
        rules: ReadingRules | None = None,
    ) -> Films:
        """Read films from a table and find their posters.

        Tables are text in any encoding and with any separator, or Parquet. Which column is the id, overview, title,
        genres, poster and split is found by name and by content, and can be said; other columns are left alone.
        Genres are columns of 0 and 1, or one column of lists, JSON, or names joined by a mark. An empty cell, or one
        that only says that there is nothing, is a missing overview or poster, or a film without genres.
        `read_films` says what was understood; so does ``multigenre check``.

        Parameters
        ----------
        path : str or Path
        posters : str or Path, optional
            Folder of posters: the files that the poster column names, else those named after the film's id, in
            folders of their own too. Without it, the poster column is relative to the table's folder.
        columns : dict of str to str or list of str, optional
            Column by role: ``"id"``, ``"overview"``, ``"title"``, ``"genres"``, ``"poster"``, ``"split"``; a list, or
            ``"Action..Western"``, for genres in columns of 0 and 1; ``""`` where there is none.
        genres : Genres, optional
            Give labels in these columns (see `align`). Default: the table's own genres, in the order of
            its columns, or sorted when cells name them.
        labelled : bool
            False reads no genres, whatever the table holds: films to predict.
        rules : ReadingRules, optional
            What becomes of duplicates, broken rows, spellings, and so on.

        Returns
        -------
        Films

        Raises
        ------
        InputError
            If the table or the folder cannot be read as this; the sentence names the file.
        """
        return read_films(
            path, posters=posters, columns=columns, genres=genres, labelled=labelled, rules=rules
        )[0]

    @classmethod
    def from_frame(
        cls,
        table: Any,
        *,
        posters: Pathlike | None = None,
        columns: Mapping[str, str | Sequence[str]] | None = None,
        genres: Genres | None = None,
        labelled: bool = True,
        rules: ReadingRules | None = None,
    ) -> Films:
        """Return the films of a DataFrame or a dataset, understood as `read` understands a file.

        Parameters
        ----------
        table : DataFrame, or a dataset of Hugging Face's ``datasets``, or a dictionary of such by split
            The index of a DataFrame names the films where no column does.
        posters, columns, genres, labelled, rules
            As `read` takes them; posters that the table names without a folder are relative to the current one.

        Returns
        -------
        Films

        Raises
        ------
        InputError
            If the table or the folder cannot be read as this.

        Examples
        --------
        >>> table = pd.DataFrame({"movie": ["Up", "Heat"], "about": ["A house flies.", "A heist."]})
        >>> Films.from_frame(table, columns={"overview": "about"}).headings
        ['Up (1)', 'Heat (2)']
        """
        return read_films(
            table, posters=posters, columns=columns, genres=genres, labelled=labelled, rules=rules
        )[0]


def read_films(
    source: Any,
    *,
    posters: Pathlike | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    genres: Genres | None = None,
    labelled: bool = True,
    rules: ReadingRules | None = None,
) -> tuple[Films, Reading]:
    """Return the films of a table, and what was understood of it.

    Parameters
    ----------
    source : path, DataFrame, or a dataset of Hugging Face's ``datasets`` or a dictionary of such by split
    posters, columns, genres, labelled, rules
        As `Films.read` takes them.

    Returns
    -------
    Films
    Reading

    Raises
    ------
    InputError
        If the table or the folder cannot be read as films; the sentence names the file.
    """
    what = source if isinstance(source, str | os.PathLike) else "the table"
    try:
        found, reading = understand(
            source, posters=posters, columns=columns, genres=genres, labelled=labelled, rules=rules
        )
        films = Films(**found)
        if not (films.has_overview | films.has_poster).any():
            raise InputError(
                "no film has an overview or a poster; name the column of overviews with --columns overview=NAME, or a "
                "posters folder."
            )
        if films.labels is None:
            return films, reading
        if genres is not None:
            return films.align(genres), reading
        if len(films.genres) < 2:
            raise InputError(
                f"{films.genres.names[0]} is its only genre, but telling genres apart needs at least two."
            )
        return films, reading
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
