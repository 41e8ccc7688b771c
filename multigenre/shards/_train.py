"""Training a network from Parquet shards, in memory that does not grow with the catalogue."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from multigenre._checks import InputError
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.members import OverviewMember, PosterMember, one_ahead
from multigenre.networks import epoch_batches, overview_lengths
from multigenre.shards._format import (
    GROUP,
    shard_facts,
    shard_paths,
    shard_tables,
    shards_genres,
    table_films,
)

Network = TypeVar("Network", PosterMember, OverviewMember)
WINDOW = 4096  # films that are shuffled together: 50 MB of posters of 64 pixels a side


def fit_from_shards(
    member: Network,
    train: Pathlike,
    validation: Pathlike | None = None,
    *,
    window: int = WINDOW,
    folder: Pathlike | None = None,
    progress: Progress = no_progress,
) -> Network:
    """Train a network on a catalogue in shards, as its own `fit` does on films in memory.

    Memory holds two windows, and the ids of the films (some 70 bytes each), by which the member knows later
    whom it has seen. Posters are decoded in every epoch.

    Parameters
    ----------
    member : PosterMember or OverviewMember
        Not fitted yet. Its seed draws the order of films too.
    train, validation : path
        Folders of shards that `multigenre.shards.convert` wrote, of films whose genres are known; of other films
        each. Those without the modality are passed over. Without ``validation`` the last epoch is kept.
    window : int
        Films that are shuffled together, see `ShardSource`.
    folder : path, optional
        Checkpoints go there, and a killed run goes on from there; a temporary folder otherwise.
    progress : callable
        Called with (what, steps done, steps in all).

    Returns
    -------
    PosterMember or OverviewMember
        The one given, fitted.

    Raises
    ------
    InputError
        If the shards name no genres or differ in them, a film is in both folders, none has what the member reads, or
        one of its devices is not there.
    """
    training = ShardSource(member, train, window=window)
    validating = None if validation is None else ShardSource(member, validation, window=window)
    return member.train(training, validating, folder=folder, progress=progress)


class ShardSource:
    """The films of a folder of shards that have what a network reads, as a `multigenre.members.TrainingSource`.

    Row groups of all shards are dealt to windows at random, and the films of a window are shuffled: a film meets
    others from all over the catalogue, though memory holds two windows, one that is used and one that is read.
    Overviews of like length share a batch, see `multigenre.networks.epoch_batches`.

    Parameters
    ----------
    member : PosterMember or OverviewMember
    shards : path
        The folder.
    window : int
        Films; rounded up to whole row groups.

    Raises
    ------
    InputError
        If the shards name no genres, or differ in them.
    """

    def __init__(self, member: PosterMember | OverviewMember, shards: Pathlike, *, window: int = WINDOW):
        self.member, self.window, self.paths = member, window, shard_paths(shards)
        genres = shards_genres(self.paths)
        if genres is None:
            raise InputError(
                f"Training needs films whose genres are known, but the shards in {shards} name none."
            )
        self.genres = genres
        self.ids: Iterable[str] = tuple(_values(self.paths, "Id"))
        self.n_films = sum(shard_facts(path)[f"{member.modality}s"] for path in self.paths)
        self.signature = member.signature, tf.TensorSpec((None, len(genres)), tf.uint8)

    @property
    def overviews(self) -> Iterator[str]:
        """The overviews of all films, as a stream."""
        return _values(self.paths, "Overview")

    def batches(
        self, batch_size: int, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield batches of (inputs, labels): every film that has the modality, once; only the last is not full.

        Without ``rng`` films keep the order of the shards.
        """
        groups = [
            (path, group) for path in self.paths for group in range(pq.read_metadata(path).num_row_groups)
        ]
        order = np.arange(len(groups)) if rng is None else rng.permutation(len(groups))
        n_groups = -(-self.window // GROUP)
        windows = [order[start : start + n_groups] for start in range(0, len(order), n_groups)]
        rest = None
        for found in one_ahead(lambda rows: self._read([groups[row] for row in rows]), windows):
            if rest is not None:
                found = tuple(np.concatenate(pair) for pair in zip(rest, found, strict=True))
            inputs, labels = found
            parts = _parts(inputs, batch_size, rng)
            for rows in parts:
                if len(rows) == batch_size:
                    yield inputs[rows], labels[rows]
            short = [rows for rows in parts if len(rows) < batch_size]
            rest = (inputs[short[0]], labels[short[0]]) if short else None
        if rest is not None:
            yield rest

    def _read(self, groups):
        """Return the inputs and labels of the films of some row groups that have the modality."""
        column = self.member.modality.title()
        tables = []
        for path, group in groups:
            with pq.ParquetFile(path) as file:
                tables.append(file.read_row_group(group, columns=["Id", column, "Genres"]))
        table = pa.concat_tables(tables)
        films = table_films(table.filter(table[column].is_valid()), self.genres)
        source = self.member.source(films)
        if lost := len(films) - source.n_films:
            raise InputError(
                f"{lost} {self.member.modality}s in these shards cannot be read; convert them again."
            )
        return source.inputs[:], source.labels


def _parts(inputs, size, rng):
    """Return the positions of the films of each batch; only one is not full."""
    if not len(inputs):
        return []
    by_length = rng is not None and inputs.dtype.kind == "O"
    return epoch_batches(len(inputs), size, rng, overview_lengths(inputs) if by_length else None)


def _values(paths: Sequence[Path], column: str) -> Iterator[str]:
    """Yield the values of a column that are there."""
    for path in paths:
        for table in shard_tables(path, GROUP, columns=[column]):
            yield from table[column].drop_null().to_pylist()
