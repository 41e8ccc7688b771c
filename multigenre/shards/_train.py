"""Training a network from Parquet shards, in memory that does not grow with the catalogue."""

from collections.abc import Sequence

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from multigenre._checks import InputError, check_same_genres
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Genres
from multigenre.members import OverviewMember, PosterMember, one_ahead
from multigenre.networks import PosterCache, epoch_batches, overview_lengths, untuned
from multigenre.shards._format import (
    GROUP,
    shard_facts,
    shard_paths,
    shard_tables,
    shards_genres,
    table_films,
)

Network = PosterMember | OverviewMember
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
    """Train a network on a catalogue in shards, as its `fit` does on films in memory.

    Memory holds two windows, and the ids of the films (some 70 bytes each), by which the member knows later
    whom it has seen. Posters are decoded in every epoch.

    Parameters
    ----------
    member : PosterMember or OverviewMember
        Not fitted yet. Its seed draws the order of films too.
    train, validation : path
        Folders of shards that `multigenre.shards.convert` wrote, of films whose genres are known; of other films
        each. Those with unreadable posters or without the modality are passed over. Without ``validation`` the last
        epoch is kept.
    window : int
        Films that are shuffled together, see `shard_batches`.
    folder : path, optional
        Checkpoints go there, and a killed run goes on from there; a temporary folder otherwise.
    progress : callable, optional
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
    sources = [
        ShardSource(member, place, window=window) for place in (train, validation) if place is not None
    ]
    if len(sources) == 2:
        who = f"Training and validation films of {member.name}"
        check_same_genres(sources[0].genres, sources[1].genres, who)
    return member.train(*sources, folder=folder, progress=progress)


class ShardSource:
    """A folder of shards as batches for a network, see `multigenre.members.TrainingSource`.

    Parameters
    ----------
    member : PosterMember or OverviewMember
    folder : path
    window : int

    Raises
    ------
    InputError
        If the shards name no genres or differ in them.
    """

    def __init__(self, member: Network, folder: Pathlike, *, window: int = WINDOW):
        self.member, self.paths, self.window = member, shard_paths(folder), window
        genres = shards_genres(self.paths)
        if genres is None:
            raise InputError(
                f"Training needs films whose genres are known, but the shards in {folder} name none."
            )
        self.genres, self.ids = genres, tuple(_values(self.paths, "Id"))

    @property
    def overviews(self) -> tf.data.Dataset:
        """Every overview, one after another."""
        return tf.data.Dataset.from_generator(
            lambda: _values(self.paths, "Overview"), output_signature=tf.TensorSpec((), tf.string)
        )

    def dataset(self, model: keras.Model | None = None) -> tf.data.Dataset:
        """Return batches of (inputs, labels), which last one epoch each time they are read.

        Parameters
        ----------
        model : keras.Model, optional
            That trains on them: films are then shuffled anew every epoch, by the member's seed and the model's steps,
            so that a resumed run sees them in the order in which it would have seen them.
        """
        member, genres = self.member, self.genres
        n_films = sum(shard_facts(path)[f"{member.modality}s"] for path in self.paths)
        if not n_films:
            what = f"{member.modality}s"
            raise InputError(
                f"{member.name} needs films with {what}, but none of these shards has one; give others."
            )
        n_batches = -(-n_films // member.recipe.batch_size)

        def batches():
            rng = None
            if model is not None:
                rng = np.random.default_rng(
                    [member.seed, int(model.optimizer.iterations.numpy()) // n_batches]
                )
            return shard_batches(member, self.paths, genres, window=self.window, rng=rng)

        inputs = (
            tf.TensorSpec((None, *[member.design.size] * 2, 3), tf.uint8)
            if member.modality == "poster"
            else tf.TensorSpec((None,), tf.string)
        )
        signature = inputs, tf.TensorSpec((None, len(genres)), tf.uint8)
        dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
        return untuned(dataset.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(4))


def shard_batches(
    member: PosterMember | OverviewMember,
    paths: Sequence[Pathlike],
    genres: Genres,
    *,
    window: int = WINDOW,
    rng: np.random.Generator | None = None,
):
    """Yield batches of (inputs, labels): every film of the shards that has the modality, once.

    Row groups of all shards are dealt to windows at random, and the films of a window are shuffled: a film meets
    others from all over the catalogue, though memory holds two windows, one that is used and one that is read.
    Overviews of like length share a batch, see `multigenre.networks.epoch_batches`.

    Parameters
    ----------
    member : PosterMember or OverviewMember
    paths : sequence of path
    genres : Genres
    window : int
        Films; rounded up to whole row groups.
    rng : numpy.random.Generator, optional
        Without it, films keep the order of the shards.

    Yields
    ------
    ndarray of shape (n_batch, ...), ndarray of shape (n_batch, n_genres)
        Only the last batch is not full.
    """
    groups = [(path, group) for path in paths for group in range(pq.read_metadata(path).num_row_groups)]
    order = np.arange(len(groups)) if rng is None else rng.permutation(len(groups))
    size, n_groups = member.recipe.batch_size, -(-window // GROUP)
    windows = [order[start : start + n_groups] for start in range(0, len(order), n_groups)]
    rest = None
    for found in one_ahead(lambda rows: _read(member, [groups[row] for row in rows], genres), windows):
        inputs, labels = found if rest is None else map(np.concatenate, zip(rest, found, strict=True))
        parts = _parts(inputs, size, rng)
        for rows in parts:
            if len(rows) == size:
                yield inputs[rows], labels[rows]
        short = [rows for rows in parts if len(rows) < size]
        rest = (inputs[short[0]], labels[short[0]]) if short else None
    if rest is not None:
        yield rest


def _parts(inputs, size, rng):
    """Return the positions of the films of each batch; only one is not full."""
    if not len(inputs):
        return []
    lengths = overview_lengths(inputs) if inputs.dtype.kind == "O" else None
    if rng is not None:
        return epoch_batches(len(inputs), size, rng, lengths)
    return [np.arange(len(inputs))[start : start + size] for start in range(0, len(inputs), size)]


def _read(member, groups, genres):
    """Return the inputs and labels of the films of some row groups that have the modality."""
    column = member.modality.title()
    tables = []
    for path, group in groups:
        with pq.ParquetFile(path) as file:
            tables.append(file.read_row_group(group, columns=["Id", column, "Genres"]))
    table = pa.concat_tables(tables)
    films = table_films(table.filter(table[column].is_valid()), genres)
    if member.modality == "overview":
        return films.overviews, films.labels
    posters = PosterCache(member.design.size)
    films = posters.screen(films, strict=True)
    return posters.pixels(films.posters), films.labels


def _values(paths, column):
    """Yield the values of a column that are there."""
    for path in paths:
        for table in shard_tables(path, GROUP, columns=[column]):
            yield from table[column].drop_null().to_pylist()
