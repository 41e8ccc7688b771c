"""Predictions of a catalogue in shards: each is written whole, once, and a job that was killed goes on."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from multigenre._checks import InputError, check_ids, some
from multigenre._files import claim
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films
from multigenre.ensemble import read_documents
from multigenre.shards._format import (
    FILMS,
    READ,
    WORK,
    count_films,
    films_table,
    shard_paths,
    shard_tables,
    write_parquet,
)
from multigenre.shards._ray import BATCH, GenrePredictor, ray_predictions


def predict_shards(
    bundle: Pathlike,
    source: Pathlike | Films,
    out: Pathlike,
    *,
    engine: str = "local",
    with_members: bool = False,
    actors: int | None = None,
    progress: Progress = no_progress,
) -> int:
    """Predict a catalogue of any size, shard by shard; what is written already is left as it is.

    Memory holds the predictions of the shards that are under way, not those of the catalogue, and of a catalogue
    in shards no more films than that.

    Parameters
    ----------
    bundle : path
    source : path or Films
        A folder of Parquet shards, see `multigenre.shards.convert`; or films whose posters are files, which are
        predicted in shards of 4,096 films.
    out : path
        A folder, made if needed. Gets a Parquet file for each shard, of its name, with the same films in the same
        order and the columns of `multigenre.ensemble.Prediction.to_frame`.
    engine : {"local", "ray"}
        This process, or actors on a Ray cluster; see `multigenre.ray_prediction`. The numbers are the same.
    with_members : bool
        Add each member's probabilities, in columns named ``MEMBER:GENRE``.
    actors : int, optional
        Of the engine ray; default: one less than the cluster has processors.
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    int
        Films that were predicted now, without those of shards that were there.

    Raises
    ------
    InputError
        If the engine is unknown, the source holds no films, or ``out`` holds predictions of other films or by
        another bundle.
    RuntimeError
        If films are lost or doubled on the way, which no engine should do.
    """
    if engine not in ENGINES:
        raise InputError(f"An engine is one of {', '.join(ENGINES)}, got {engine!r}.")
    out, parts = Path(out), _parts(source)
    sizes = {
        name: len(part) if isinstance(part, pa.Table) else count_films(part) for name, part in parts.items()
    }
    facts = {
        "bundle": _checksum(read_documents(bundle)),
        "films": source.digest() if isinstance(source, Films) else _checksum(sizes),
        "with_members": with_members,
    }
    claim(out / WORK, facts)
    todo = {name: part for name, part in parts.items() if sizes[name] and not (out / name).is_file()}
    total = sum(sizes.values())
    done = total - sum(sizes[name] for name in todo)
    progress("predicting", done, total)
    if not todo:
        return 0
    options = {"with_members": with_members, **({"actors": actors} if engine == "ray" else {})}
    found = ENGINES[engine](bundle, todo, **options)
    under_way = {name: [] for name in todo}
    for name, rows in found:
        if name not in under_way:
            raise RuntimeError(f"Films of {name} came twice; predict this catalogue again.")
        under_way[name].append(rows)
        if sum(map(len, under_way[name])) >= sizes[name]:
            table = _in_order(pa.concat_tables(under_way.pop(name)), _ids(todo[name]), name)
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_parquet(table, out / name)
            done += sizes[name]
            progress("predicting", done, total)
    if under_way:
        raise RuntimeError(f"Films of {some(under_way)} were lost; predict this catalogue again.")
    return sum(sizes[name] for name in todo)


def local_predictions(
    bundle: Pathlike, parts: dict[str, Pathlike | pa.Table], *, with_members: bool = False
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the name of each part and the predictions of some of its films, in order.

    Parameters
    ----------
    bundle, parts, with_members
        As `ray_predictions` takes them.
    """
    predict = GenrePredictor(bundle, with_members=with_members)
    for name, part in parts.items():
        tables = [part] if isinstance(part, pa.Table) else shard_tables(part, BATCH, columns=READ)
        for table in tables:
            yield name, predict(table)


ENGINES = {"local": local_predictions, "ray": ray_predictions}


def _parts(source) -> dict[str, Any]:
    """Return the parts of a catalogue by the name of their prediction: paths of shards, or tables."""
    if not isinstance(source, Films):
        return {str(path.relative_to(Path(source).resolve())): path for path in shard_paths(source)}
    starts = range(0, len(source), FILMS)
    return {
        f"part-{number:05d}.parquet": films_table(source.take(range(start, min(start + FILMS, len(source)))))
        for number, start in enumerate(starts)
    }


def _ids(part):
    """Return the ids of a part's films, in order."""
    table = part if isinstance(part, pa.Table) else pq.read_table(part, columns=["Id"])
    return check_ids(table["Id"].to_pylist())


def _in_order(table, ids, name):
    """Return the rows of a table in the order of ids, or raise unless they are about the same films."""
    found = table["Id"].to_pylist()
    if sorted(found) != sorted(ids):
        raise RuntimeError(f"Films of {name} were lost or doubled; predict this catalogue again.")
    return table.take(pd.Index(found).get_indexer(ids))


def _checksum(facts):
    return f"{zlib.crc32(json.dumps(facts, sort_keys=True).encode()):08x}"
