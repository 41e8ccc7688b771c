import gc
import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from multigenre._checks import InputError
from multigenre.data import Films
from multigenre.networks import PosterCache


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


def test_few_posters_have_the_pixels_of_many(paths, broken, monkeypatch):
    one_by_one, in_parallel = PosterCache(), PosterCache()
    lost = one_by_one.load([*paths, *broken])
    monkeypatch.setattr("multigenre.networks._poster_cache.FEW", 0)
    assert in_parallel.load([*paths, *broken]) == lost == set(broken)
    np.testing.assert_array_equal(one_by_one.pixels(paths), in_parallel.pixels(paths))
    assert one_by_one.unreadable == in_parallel.unreadable


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


@pytest.mark.parametrize("few", [0, 32])
def test_other_formats_are_read(tmp_path, few, monkeypatch):
    monkeypatch.setattr("multigenre.networks._poster_cache.FEW", few)
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


@pytest.mark.parametrize("few", [0, 32])
def test_unreadable_posters_are_named_with_a_reason_and_stop_nothing(paths, broken, few, monkeypatch):
    monkeypatch.setattr("multigenre.networks._poster_cache.FEW", few)
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
        readable = PosterCache().screen(films)
    assert readable.has_poster.tolist() == [True, False, False] and list(readable.ids) == ["a", "b", "c"]
    assert (
        "2 posters cannot be read and count as missing: b, c (b: cannot identify image file)" in caplog.text
    )
    with pytest.raises(
        InputError, match=r"2 posters cannot be read \(b, c; b: cannot identify .*\); mend or"
    ):
        PosterCache().screen(films, strict=True)
    whole = films.take([0])
    assert PosterCache().screen(whole, strict=True) is whole


@pytest.mark.parametrize("few", [0, 32])
def test_an_upright_poster_keeps_its_pixels_whatever_its_exif_data_say(few, tmp_path, monkeypatch):
    monkeypatch.setattr("multigenre.networks._poster_cache.FEW", few)
    monkeypatch.setattr("multigenre.networks._poster_cache.open_poster", None)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 1, "A poster."
    path, plain = str(tmp_path / "said.jpg"), str(tmp_path / "plain.jpg")
    gradient().save(path, exif=exif, quality=85)
    gradient().save(plain, quality=85)
    cache = PosterCache()
    np.testing.assert_array_equal(cache.pixels([path]), cache.pixels([plain]))
