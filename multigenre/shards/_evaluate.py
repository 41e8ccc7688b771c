"""Scores of a catalogue in shards: every shard is predicted by an engine, then all films are scored together."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from multigenre._checks import InputError
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.ensemble import GenreEnsemble, Prediction
from multigenre.scores import genre_frame
from multigenre.shards._format import shard_paths, shards_genres, table_films
from multigenre.shards._predict import predict_shards


def evaluate_shards(
    bundle: Pathlike,
    source: Pathlike | Films,
    out: Pathlike,
    *,
    engine: str = "local",
    actors: int | None = None,
    progress: Progress = no_progress,
) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
    """Predict a catalogue shard by shard, then score the films of it that taught the bundle nothing.

    Posters and overviews pass as a stream, on whatever machines the engine has. Scores are of all films at once, as
    a mean of average precisions over parts is not that of the whole: for them this process holds ids, labels, and
    the probabilities of everyone.

    Parameters
    ----------
    bundle : path
    source : path or Films
        A folder of shards that `multigenre.shards.convert` wrote, or films; their genres are known.
    out : path
        Folder of the predictions, as `multigenre.shards.predict_shards` writes them ``with_members``.
        Those that are there are not made again.
    engine, actors, progress
        As `multigenre.shards.predict_shards` takes them.

    Returns
    -------
    scores : dict of str to dict
        As `multigenre.ensemble.GenreEnsemble.evaluate`, and the same numbers.
    by_genre : DataFrame

    Raises
    ------
    InputError
        If the genres are not known, or all films taught the bundle something; and as `predict_shards`.
    """
    ensemble = GenreEnsemble.load(bundle)
    films = source if isinstance(source, Films) else labelled_films(source)
    if films.labels is None:
        raise InputError(
            "Evaluation needs films whose genres are known, but this table has no genre columns."
        )
    films = ensemble.unseen(films.align(ensemble.genres_))
    predict_shards(bundle, source, out, engine=engine, actors=actors, with_members=True, progress=progress)
    prediction = read_prediction(out, films.ids, genres=ensemble.genres_, members=ensemble.members_)
    return ensemble.score(prediction, films), genre_frame(prediction, films)


def labelled_films(source: Pathlike) -> Films:
    """Return the ids and genres of the films in a folder of shards, without posters and overviews.

    Raises
    ------
    InputError
        If the genres are not known.
    """
    paths = shard_paths(source)
    genres = shards_genres(paths)
    if genres is None:
        raise InputError(
            f"Evaluation needs films whose genres are known, but the shards in {source} have none: "
            "convert a table with genre columns."
        )
    return Films.concatenate(
        [table_films(pq.read_table(path, columns=["Id", "Genres"]), genres) for path in paths]
    )


def read_prediction(
    folder: Pathlike, ids: Sequence[str] | np.ndarray, *, genres: Genres, members: Iterable[str]
) -> Prediction:
    """Return what `multigenre.shards.predict_shards` wrote ``with_members`` about some of its films.

    Parameters
    ----------
    folder : path
    ids : sequence of str
        In the order of the shards.
    genres : Genres
    members : iterable of str
        Their names. A member that is in no shard's columns is not in the result.

    Returns
    -------
    Prediction
    """
    wanted, found, values = pd.Index(ids), [], {}
    shape, filled = (len(wanted), len(genres)), 0
    columns = {name: [f"{name}:{genre}" for genre in genres] for name in members}
    columns, labels = {"fused": list(genres), **columns}, np.zeros(shape, np.uint8)
    for path in shard_paths(folder):
        table = pd.read_parquet(path).set_index("Id")
        table = table[wanted.get_indexer(table.index) >= 0]
        rows = slice(filled, filled := filled + len(table))
        found.append(table.index)
        labels[rows] = genres.encode(filter(None, text.split("|")) for text in table["genres"])
        for name, part in columns.items():
            if len(table) and part[0] in table:
                here = table[part].to_numpy()
                # Filled shard by shard: parts to put together later would take as much again.
                if name not in values:
                    values[name] = np.full(shape, np.nan, here.dtype)
                values[name][rows] = here
    index = found[0].append(found[1:])
    fused, *others = (
        GenreProbabilities(index, genres, values.pop(name)[:filled], name)
        for name in list(columns)
        if name in values
    )
    return Prediction(fused, tuple(others), pd.DataFrame(labels[:filled], index, list(genres)))
