"""From films to Parquet shards, posters' files as they are."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa

from multigenre._checks import InputError
from multigenre._files import claim
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, inline_content
from multigenre.networks import PosterCache, name_unreadable
from multigenre.shards._format import FILMS, WORK, films_table, shards_frame, write_parquet


def convert(
    films: Films,
    folder: Pathlike,
    *,
    shard_films: int = FILMS,
    strict: bool = False,
    progress: Progress = no_progress,
) -> pd.DataFrame:
    """Write films to Parquet shards, posters' files as they are; one that was killed goes on at its shard.

    The columns are ``Id``, ``Title`` and ``Overview`` (null where missing), ``Poster`` (the file's bytes, null where
    missing) and ``Genres`` (a list of names, null where they are not known). Beside the films, memory holds one shard.

    Parameters
    ----------
    films : Films
    folder : path
        Gets ``part-00000.parquet``, ``part-00001.parquet``...; each is written beside and then renamed.
    shard_films : int
        Films of a shard; the last one has the rest.
    strict : bool
        Refuse posters that cannot be decoded, instead of naming them and leaving them out.
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    DataFrame
        As `shards_frame`.

    Raises
    ------
    InputError
        If the folder holds shards of other films, or a poster cannot be decoded and ``strict``.
    """
    if shard_films < 1:
        raise InputError(f"A shard needs one film or more, got shard_films={shard_films}.")
    folder = Path(folder)
    claim(folder / WORK, {"films": films.digest(), "shard_films": shard_films})
    for number, start in enumerate(range(0, len(films), shard_films)):
        path = folder / f"part-{number:05d}.parquet"
        part = films.take(range(start, min(start + shard_films, len(films))))
        if not path.is_file():
            _write(part, path, strict)
        progress("converting", start + len(part), len(films))
    return shards_frame(folder)


def _write(films, path, strict):
    """Write one shard."""
    lost = PosterCache().lost(films)
    name_unreadable(lost, strict=strict)
    films = films.without_posters(lost)
    facts = {
        "genres": list(films.genres) if films.genres else None,
        "overviews": int(films.has_overview.sum()),
        "posters": int(films.has_poster.sum()),
        "unreadable": lost,
    }
    table = films_table(films)
    posters = pa.array([_content(poster) for poster in films.posters], pa.binary())
    table = table.set_column(table.schema.get_field_index("Poster"), "Poster", posters)
    write_parquet(table.replace_schema_metadata({"multigenre": json.dumps(facts)}), path)


def _content(poster):
    """Return the bytes of a poster's file, None where there is no poster."""
    if not poster:
        return None
    content = inline_content(poster)
    return Path(poster).read_bytes() if content is None else content
