"""A catalogue in Parquet shards, posters' bytes beside overviews and genres, read as a stream."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from multigenre._checks import InputError, check_same_genres
from multigenre._files import replacing
from multigenre._signatures import Pathlike
from multigenre.data import Films, Genres, inline_poster

FILMS = 4096  # of a shard, one file of some 10 to 100 MB
GROUP = 256  # films of a row group: what is read at once
READ = ("Id", "Overview", "Poster")  # columns that prediction reads
SOURCE = "path"  # the column that says which shard a film is from
WORK = "_work"  # readers of Parquet folders pass over names that begin so

# Posters are compressed as they are.
COMPRESSION = {
    "Id": "zstd",
    "Title": "zstd",
    "Overview": "zstd",
    "Poster": "none",
    "Genres.list.element": "zstd",
}


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table to one file, beside and then renamed: it is there whole or not at all."""
    columns = COMPRESSION if "Poster" in table.column_names else "zstd"
    with replacing(path) as partial:
        pq.write_table(table, partial, row_group_size=GROUP, compression=columns)  # pyright: ignore[reportArgumentType]  # read from its default


def films_table(films: Films) -> pa.Table:
    """Return films as an Arrow table with the columns of a shard, but for posters, which stay paths."""
    names = films.genres.decode(films.labels) if films.genres else [None] * len(films)
    return pa.table(
        {
            "Id": pa.array(films.ids, pa.string()),
            "Title": pa.array([title or None for title in films.titles], pa.string()),
            "Overview": pa.array([text or None for text in films.overviews], pa.string()),
            "Poster": pa.array([path or None for path in films.posters], pa.string()),
            "Genres": pa.array(names, pa.list_(pa.string())),
        }
    )


def table_films(table: pa.Table, genres: Genres | None = None) -> Films:
    """Return the films of an Arrow table.

    Parameters
    ----------
    table : pyarrow.Table
        With a column ``Id`` and, where there are such, ``Overview``, ``Poster`` (bytes or paths), ``Genres`` and
        ``Title``.
    genres : Genres, optional
        Without them the films have no labels.

    Raises
    ------
    InputError
        If there is no column Id, or a film comes twice.
    """
    if "Id" not in table.column_names:
        raise InputError(f"A table of films needs a column Id, got {', '.join(table.column_names)}.")
    empty = [None] * len(table)
    ids, overviews, posters, names, titles = (
        table[name].to_pylist() if name in table.column_names else empty
        for name in ("Id", "Overview", "Poster", "Genres", "Title")
    )
    posters = [inline_poster(poster) if isinstance(poster, bytes) else poster for poster in posters]
    labels = None if genres is None else genres.encode(film or () for film in names)
    return Films(ids, overviews, posters, labels, genres, titles=titles)


def shard_paths(source: Pathlike) -> list[Path]:
    """Return the shards in a folder and the folders in it, in the order of their names: a list of Path.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = Path(source).resolve()
    paths = sorted(
        path
        for path in folder.rglob("*.parquet")
        if not any(part.startswith("_") for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise InputError(f"{source} holds no Parquet shards; write some with 'multigenre convert'.")
    return paths


def shard_facts(path: Pathlike) -> dict[str, Any]:
    """Return what a shard says of itself: ``genres``, ``overviews``, ``posters``, ``unreadable``, ``films``.

    Raises
    ------
    InputError
        If it is no shard that `convert` wrote.
    """
    try:
        footer = pq.read_metadata(path)
        return json.loads(footer.metadata[b"multigenre"]) | {"films": footer.num_rows}
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no shard that 'multigenre convert' wrote ({error!r}).") from error


def count_films(path: Pathlike) -> int:
    """Return how many films a Parquet file holds.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error}).") from error


def shards_frame(source: Pathlike) -> pd.DataFrame:
    """Return what the shards of a folder hold: one row a shard, named by its path there.

    Returns
    -------
    DataFrame
        ``films``, ``overviews``, ``posters``, ``unreadable`` (posters), ``bytes`` (of the file).
    """
    rows = {}
    for path in shard_paths(source):
        facts = shard_facts(path)
        rows[str(path.relative_to(Path(source).resolve()))] = {
            "films": facts["films"],
            "overviews": facts["overviews"],
            "posters": facts["posters"],
            "unreadable": len(facts["unreadable"]),
            "bytes": path.stat().st_size,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("shard")


def shards_genres(paths: Sequence[Pathlike]) -> Genres | None:
    """Return the genres that all these shards name, or None where they are not known.

    Raises
    ------
    InputError
        If the shards' genres differ.
    """
    first, *others = (shard_facts(path)["genres"] for path in paths)
    for path, genres in zip(paths[1:], others, strict=True):
        check_same_genres(Genres(first or ["none"]), Genres(genres or ["none"]), f"{paths[0]} and {path}")
    return Genres(first) if first else None


def read_shards(source: Pathlike, *, films: int = 2048) -> Iterator[Films]:
    """Yield the films of a folder of shards in parts, each of one shard; memory holds one part.

    Parameters
    ----------
    source : path
    films : int
        The most of a part.

    Yields
    ------
    Films
        Whose posters are data URIs, which every member reads.
    """
    paths = shard_paths(source)
    genres = shards_genres(paths)
    for path in paths:
        for table in shard_tables(path, films):
            yield table_films(table, genres)


def shard_tables(path: Pathlike, films: int, *, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield a Parquet file as Arrow tables of at most so many films, with those of the columns that it has."""
    with pq.ParquetFile(path) as file:
        here = file.schema_arrow.names
        columns = [name for name in columns or here if name in here]
        for batch in file.iter_batches(films, columns=columns):
            yield pa.Table.from_batches([batch])


def named_tables(shards: dict[str, Any], films: int = 2048) -> Iterator[pa.Table]:
    """Yield the films to predict of one shard, as tables with a column ``path`` that names the shard.

    Parameters
    ----------
    shards : dict of str to sequence
        Of one entry each: ``path``, the shard's name, and ``file``. A batch of a Ray dataset is such a dict.
    films : int
        The most of a table.
    """
    for table in shard_tables(shards["file"][0], films, columns=READ):
        yield with_name(table, shards[SOURCE][0])


def with_name(table: pa.Table, name: str) -> pa.Table:
    """Return a table with the name of its shard in every row."""
    return table.append_column(SOURCE, pa.array([name] * len(table), pa.string()))
