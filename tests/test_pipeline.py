import gc
import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from multigenre._checks import InputError
from multigenre.films import Films
from multigenre.overview import OverviewLSTM
from multigenre.pipeline import (
    PosterCache,
    epoch_batches,
    overview_lengths,
    predict_batches,
    readable_posters,
    training_dataset,
)


@pytest.fixture(scope="module")
def paths(made_films):
    return list(made_films.posters[:12])


def gradient(mode="RGB", size=(90, 130)):
    """A smooth picture, which any file format keeps well."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=-1).astype(np.uint8)).convert(mode)


@pytest.fixture
def broken(tmp_path, paths):
    """A truncated JPEG, a text file, an empty one, a folder and a file that is not there."""
    (tmp_path / "cut.jpg").write_bytes(Path(paths[0]).read_bytes()[:900])
    (tmp_path / "text.jpg").write_text("This is no poster.")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.jpg").mkdir()
    return [str(tmp_path / name) for name in ("cut.jpg", "text.jpg", "empty.png", "folder.jpg", "absent.jpg")]


# Posters


def test_posters_are_what_tensorflow_decodes_and_resizes(paths):
    cache = PosterCache()
    assert cache.load(paths) == set()
    images = [tf.io.decode_jpeg(tf.io.read_file(path), channels=3) for path in paths]
    expected = [tf.image.resize(image, (64, 64), "bilinear", antialias=False) for image in images]
    assert cache.pixels(paths).dtype == np.uint8
    np.testing.assert_allclose(cache.pixels(paths), expected, atol=0.5)


def test_pixels_come_in_the_order_asked_for_and_as_often(paths):
    cache = PosterCache(size=16)
    cache.load(paths)
    order = [paths[5], paths[0], paths[5]]
    expected = [cache.pixels([path])[0] for path in order]
    np.testing.assert_array_equal(cache.pixels(order), expected)
    selection = cache.select(paths)
    assert (len(selection), selection.shape, selection.dtype) == (12, (12, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(selection[np.array([5, 0, 5])], expected)


def test_a_poster_is_decoded_once(paths, tmp_path):
    copy = shutil.copy(paths[0], tmp_path / "copy.jpg")
    cache, calls = PosterCache(), []
    cache.load([copy, "", copy])
    copy.unlink()
    assert cache.load([copy], progress=lambda *call: calls.append(call)) == set()
    assert not calls and cache.pixels([copy]).shape == (1, 64, 64, 3)


def test_posters_on_disk_have_the_pixels_of_posters_in_memory(paths):
    in_memory, on_disk = PosterCache(size=16), PosterCache(size=16, memory_limit=5 * 16 * 16 * 3)
    in_memory.load(paths)
    for part in (paths[:4], paths[4:7], paths[7:]):  # in memory, moved to disk, longer on disk
        on_disk.load(part)
        kept = on_disk.select(part)
    assert isinstance(on_disk._pixels, np.memmap) and not isinstance(in_memory._pixels, np.memmap)
    np.testing.assert_array_equal(on_disk.pixels(paths), in_memory.pixels(paths))
    file = on_disk._file
    del on_disk
    gc.collect()
    assert file.closed
    np.testing.assert_array_equal(kept[:], in_memory.pixels(paths[7:]))


def test_other_formats_are_read(tmp_path):
    saved = {
        "webp": (gradient(), {"lossless": True}),
        "cmyk.jpg": (gradient("CMYK"), {"quality": 95}),
        "grey.jpg": (gradient("L"), {"quality": 95}),
        "rgba.png": (gradient("RGBA"), {}),
        "palette.png": (gradient("P"), {}),
        "first.gif": (gradient("P"), {}),
        "first.bmp": (gradient(), {}),
    }
    expected = {}
    for name, (image, options) in saved.items():
        image.save(tmp_path / name, **({"format": "WEBP"} if name == "webp" else {}), **options)
        expected[name] = np.asarray(image.convert("RGB"))
    grey16 = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    Image.fromarray(grey16).save(tmp_path / "16bit.png")
    expected["16bit.png"] = np.repeat((grey16 >> 8)[..., None], 3, axis=-1)

    cache, files = PosterCache(), {name: str(tmp_path / name) for name in expected}
    assert cache.load(files.values()) == set()
    for name, pixels in expected.items():
        # JPEG itself loses up to some units; everything else is exact up to rounding.
        atol = 6 if name.endswith("jpg") else 1
        np.testing.assert_allclose(
            cache.pixels([files[name]])[0], tf.image.resize(pixels, (64, 64)), atol=atol, err_msg=name
        )


@pytest.mark.skipif(os.name != "posix", reason="file names are UTF-8 or UTF-16 elsewhere")
def test_a_file_name_that_is_not_utf8_is_read(paths, tmp_path):
    name = os.fsdecode(bytes(tmp_path) + b"/caf\xe9.jpg")
    shutil.copy(paths[0], name)
    assert PosterCache().load([name]) == set()


def test_unreadable_posters_are_named_with_a_reason_and_stop_nothing(paths, broken):
    cache, calls = PosterCache(), []
    mixed = [broken[0], *paths[:3], *broken[1:], *paths[3:]]
    assert cache.load(mixed, progress=lambda *call: calls.append(call)) == set(broken)
    assert set(cache.unreadable) == set(broken) and all(cache.unreadable.values())
    reasons = dict(
        zip(("cut", "text", "empty", "folder", "absent"), map(cache.unreadable.get, broken), strict=True)
    )
    assert "truncated" in reasons["cut"] and "cannot identify" in reasons["text"]
    assert "No such file" in reasons["absent"] and not any("/" in reason for reason in reasons.values())
    alone = PosterCache()
    alone.load(paths)
    np.testing.assert_array_equal(cache.pixels(paths), alone.pixels(paths))
    assert calls[-1] == ("decoding posters", len(mixed), len(mixed))
    assert cache.load([broken[0], paths[0]]) == {broken[0]}


def test_films_with_unreadable_posters_go_on_without_them(paths, broken, caplog):
    films = Films(["a", "b", "c"], ["x", "y", "z"], [paths[0], broken[1], broken[4]])
    with caplog.at_level(logging.WARNING, "multigenre"):
        readable = readable_posters(films, PosterCache())
    assert readable.has_poster.tolist() == [True, False, False] and list(readable.ids) == ["a", "b", "c"]
    assert (
        "2 posters cannot be read and count as missing: b, c (b: cannot identify image file)" in caplog.text
    )
    with pytest.raises(
        InputError, match=r"2 posters cannot be read \(b, c; b: cannot identify .*\); mend or"
    ):
        readable_posters(films, PosterCache(), strict=True)
    whole = films.take([0])
    assert readable_posters(whole, PosterCache(), strict=True) is whole


# Batches


@given(
    n_films=st.integers(1, 700),
    batch_size=st.integers(1, 20),
    seed=st.integers(0, 1000),
    grouped=st.booleans(),
)
def test_an_epoch_has_every_film_once_and_one_batch_that_is_not_full(n_films, batch_size, seed, grouped):
    lengths = np.random.default_rng(seed).integers(1, 80, n_films) if grouped else None
    batches = epoch_batches(n_films, batch_size, np.random.default_rng(seed), lengths)
    assert sorted(np.concatenate(batches)) == list(range(n_films))
    sizes = sorted(map(len, batches))
    assert len(sizes) == -(-n_films // batch_size) and sizes[1:] == [batch_size] * (len(sizes) - 1)


@given(seed=st.integers(0, 1000))
def test_films_of_like_length_share_a_batch_and_batches_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 80, 512)
    batches = epoch_batches(512, 16, rng, lengths)
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 15  # a run is 8 batches, so one spans about 79 / 8; it would be 70 with any films
    longest = [lengths[batch].max() for batch in batches]
    assert longest != sorted(longest)


@given(seed=st.integers(0, 1000), grouped=st.booleans())
def test_a_film_meets_other_films_in_the_next_epoch(seed, grouped):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 10, 256) if grouped else None
    first, second = (
        {film: set(batch) for batch in epoch_batches(256, 16, rng, lengths) for film in batch}
        for _ in range(2)
    )
    shared = np.mean([len(first[film] & second[film]) - 1 for film in range(256)])
    assert shared < 10  # of 15; with one length in nine alike, about 9 batches' worth of films can meet


def read(dataset):
    return [(list(inputs), labels.tolist()) for inputs, labels in dataset.as_numpy_iterator()]


def epochs_of(n_epochs=2, **options):
    """Read epochs of a dataset of 10 numbered films in batches of 4."""
    numbers = np.arange(10, dtype=np.uint8)
    dataset = training_dataset(numbers, numbers[:, None] % 2, batch_size=4, **options)
    return [np.concatenate([inputs for inputs, _ in read(dataset)]).tolist() for _ in range(n_epochs)]


def test_every_epoch_has_an_order_of_its_own_that_the_seed_gives_again():
    first, second = epochs_of(seed=3)
    assert first != second and sorted(first) == sorted(second) == list(range(10))
    assert epochs_of(seed=3) == [first, second] and epochs_of(seed=4)[0] != first


def test_the_epochs_number_decides_the_order():
    first, second = epochs_of(seed=3)
    assert epochs_of(seed=3, epoch=lambda: 1) == [second, second]
    numbers = iter([1, 0])
    assert epochs_of(seed=3, epoch=lambda: next(numbers)) == [second, first]


def test_without_a_seed_the_order_is_the_callers_or_by_length():
    assert epochs_of() == [list(range(10))] * 2
    assert epochs_of(lengths=np.arange(10)[::-1]) == [list(range(10))[::-1]] * 2


def test_labels_stay_with_their_film_and_the_number_of_batches_is_known():
    numbers = np.arange(10)
    dataset = training_dataset(numbers.astype(np.uint8), numbers[:, None] % 2, batch_size=4, seed=0)
    assert dataset.cardinality() == 3
    for inputs, labels in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(inputs % 2, labels[:, 0])


def test_overviews_and_posters_keep_their_types(made_films, paths):
    films = made_films.take(np.arange(12))
    words, labels = next(iter(training_dataset(films.overviews, films.labels, batch_size=5)))
    assert words.dtype == tf.string and words[0] == films.overviews[0] and labels.dtype == tf.uint8
    cache = PosterCache()
    cache.load(paths)
    pixels, _ = next(iter(training_dataset(cache.select(paths), films.labels, batch_size=5)))
    assert pixels.dtype == tf.uint8 and pixels.shape == (5, 64, 64, 3)
    np.testing.assert_array_equal(pixels, cache.pixels(paths[:5]))


@pytest.mark.parametrize("n_rows", [0, 3])
def test_inputs_and_labels_must_be_of_the_same_films(n_rows):
    with pytest.raises(InputError, match=f"a row of labels for each, got 0 films and {n_rows} rows"):
        training_dataset(np.empty((0, 2)), np.empty((n_rows, 1)))


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=40),
    batch_size=st.integers(1, 50),
    grouped=st.booleans(),
)
def test_predictions_come_in_the_callers_order_whatever_the_batches(lengths, batch_size, grouped):
    inputs = np.arange(len(lengths), dtype=np.float32)[:, None]
    values = predict_batches(
        lambda batch: batch * 2, inputs, batch_size=batch_size, lengths=np.array(lengths) if grouped else None
    )
    np.testing.assert_array_equal(values, inputs * 2)


def test_a_film_gets_the_same_numbers_whoever_it_is_batched_with(made_films):
    films = made_films.take(np.arange(20))
    model = OverviewLSTM(["A", "B"], seed=0)
    model.adapt(films.overviews)
    predict = tf.function(
        lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec((None,), tf.string)]
    )
    lengths = overview_lengths(films.overviews)
    assert lengths[0] == len(films.overviews[0].split()) and len(set(lengths)) > 1
    together = predict_batches(predict, films.overviews)
    for options in ({"batch_size": 1}, {"batch_size": 7}, {"batch_size": 7, "lengths": lengths}):
        np.testing.assert_allclose(predict_batches(predict, films.overviews, **options), together, atol=1e-6)
