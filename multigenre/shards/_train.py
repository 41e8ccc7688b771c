"""Training a network from Parquet shards, in memory that does not grow with the catalogue."""

import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from multigenre._checks import InputError, check_same_genres, check_unseen
from multigenre._signatures import no_progress
from multigenre.members import one_ahead
from multigenre.networks import (
    OverviewLSTM,
    PosterCache,
    PosterCNN,
    compile_model,
    epoch_batches,
    overview_lengths,
    train_model,
    untuned,
)
from multigenre.shards._format import (
    GROUP,
    shard_facts,
    shard_paths,
    shard_tables,
    shards_genres,
    table_films,
)

WINDOW = 4096  # films that are shuffled together: 50 MB of posters of 64 pixels a side


def fit_from_shards(member, train, validation=None, *, window=WINDOW, folder=None, progress=no_progress):
    """Train a network on a catalogue in shards, as `KerasMember.fit` does on films in memory.

    Memory holds two windows, and the ids of the films (some 70 bytes each), by which the member knows later
    whom it has seen. Posters are decoded in every epoch.

    Parameters
    ----------
    member : KerasMember
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
    KerasMember
        The one given, fitted.

    Raises
    ------
    InputError
        If the shards name no genres or differ in them, a film is in both folders, none has what the member reads, or
        one of its devices is not there.
    """
    roles = {"train": train} if validation is None else {"train": train, "validation": validation}
    paths = {role: shard_paths(source) for role, source in roles.items()}
    genres = {role: shards_genres(found) for role, found in paths.items()}
    ids = {role: tuple(_values(found, "Id")) for role, found in paths.items()}
    if genres["train"] is None:
        raise InputError(f"Training needs films whose genres are known, but the shards in {train} name none.")
    if validation is not None:
        who = f"Training and validation films of {member.name}"
        check_same_genres(genres["train"], genres["validation"] or (), who)
        check_unseen(ids["validation"], ids["train"], "Training")
    with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary, member.strategy().scope():
        model = _new_model(member, genres["train"], paths["train"])
        trained, batches = member.to_train(model)

        def dataset(role, model=None):
            return batches(shard_dataset(member, paths[role], window=window, model=model))

        history = train_model(
            trained,
            dataset("train", trained),
            None if validation is None else dataset("validation"),
            recipe=member.recipe,
            folder=folder or temporary,
            progress=progress,
        )
    member.genres_, member.history_ = genres["train"], history
    member.learned_ids_ = {"train": ids["train"], "validation": ids.get("validation", ())}
    member.keep(model)
    return member


def shard_dataset(member, paths, *, window=WINDOW, model=None):
    """Return a `tf.data.Dataset` of (inputs, labels) batches of shards that lasts one epoch each time it is read.

    Parameters
    ----------
    member : KerasMember
    paths : sequence of path
    window : int
    model : keras.Model, optional
        That trains on them: films are then shuffled anew every epoch, by the member's seed and the model's steps, so
        that a resumed run sees them in the order in which it would have seen them.
    """
    n_films = sum(shard_facts(path)[f"{member.modality}s"] for path in paths)
    if not n_films:
        raise InputError(
            f"{member.name} needs films with {member.modality}s, but none of these shards has one; give others."
        )
    n_batches, genres = -(-n_films // member.recipe.batch_size), shards_genres(paths)

    def batches():
        rng = None
        if model is not None:
            rng = np.random.default_rng([member.seed, int(model.optimizer.iterations.numpy()) // n_batches])
        return shard_batches(member, paths, genres, window=window, rng=rng)

    posters = member.modality == "poster"
    inputs = (
        tf.TensorSpec((None, *[member.design.size] * 2, 3), tf.uint8)
        if posters
        else tf.TensorSpec((None,), tf.string)
    )
    signature = inputs, tf.TensorSpec((None, len(genres)), tf.uint8)
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return untuned(dataset.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(4))


def shard_batches(member, paths, genres, *, window=WINDOW, rng=None):
    """Yield batches of (inputs, labels): every film of the shards that has the modality, once.

    Row groups of all shards are dealt to windows at random, and the films of a window are shuffled: a film meets
    others from all over the catalogue, though memory holds two windows, one that is used and one that is read.
    Overviews of like length share a batch, see `multigenre.networks.epoch_batches`.

    Parameters
    ----------
    member : KerasMember
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


def _new_model(member, genres, paths):
    """Return an untrained model, compiled, that knows the genres and the words of these shards."""
    if member.modality == "poster":
        model = PosterCNN(genres, rescale=member.rescale, design=member.design, seed=member.seed)
    else:
        model = OverviewLSTM(genres, design=member.design, seed=member.seed)
        words = tf.data.Dataset.from_generator(
            lambda: _values(paths, "Overview"), output_signature=tf.TensorSpec((), tf.string)
        )
        model.encoder.words.adapt(untuned(words.batch(1024)))
    return compile_model(model, member.recipe)


def _values(paths, column):
    """Yield the values of a column that are there."""
    for path in paths:
        for table in shard_tables(path, GROUP, columns=[column]):
            yield from table[column].drop_null().to_pylist()
