from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multigenre.data import inline_content, inline_poster, open_poster, read_poster
from multigenre.networks import PosterCache


def test_a_path_is_no_data_uri():
    assert inline_content("posters/data.jpg") is None and inline_content("") is None


def test_a_data_uri_of_any_media_type_gives_its_bytes():
    assert inline_content("data:image/png;base64,AAEC") == b"\0\1\2"


@pytest.mark.parametrize("text", ["data:image/png;base64,A", "data:image/png;base64,*", "data:nothing"])
def test_what_is_not_base64_gives_no_bytes(text):
    assert inline_content(text) == b""


@pytest.mark.parametrize("number", [3, 50])  # one after another, and in parallel
def test_inline_posters_have_the_pixels_of_their_files(made_films, number):
    paths = list(made_films.posters[:number])
    inline = [inline_poster(Path(path).read_bytes()) for path in paths]
    cache = PosterCache()
    assert cache.load([*paths, *inline]) == set()
    np.testing.assert_array_equal(cache.pixels(inline), cache.pixels(paths))


def turned(orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
SAVED = {  # suffix, mode, whether it is turned, and how it is saved
    "jpeg": (".jpg", "RGB", False, {"quality": 95}),
    "jpeg that EXIF turns": (".jpg", "RGB", True, {"quality": 95, "exif": turned()}),
    "jpeg that XMP turns": (".jpg", "RGB", True, {"quality": 95, "xmp": XMP}),
    "jpeg that EXIF leaves upright": (".jpg", "RGB", False, {"quality": 95, "exif": turned(1)}),
    "cmyk": (".jpg", "CMYK", False, {"quality": 95}),
    "cmyk that EXIF turns": (".jpg", "CMYK", True, {"quality": 95, "exif": turned()}),
    "grey of 16 bits": (".png", "I;16", False, {}),
    "png that EXIF turns": (".png", "RGB", True, {"exif": turned()}),
    "webp": (".webp", "RGB", False, {"lossless": True}),
    "webp that EXIF turns": (".webp", "RGB", True, {"lossless": True, "exif": turned()}),
}


@pytest.mark.parametrize("kind", SAVED)
@pytest.mark.parametrize("few", [0, 32])
def test_a_poster_is_the_same_picture_to_networks_and_to_people_from_its_file_and_inline(
    kind, few, tmp_path, monkeypatch
):
    monkeypatch.setattr("multigenre.networks._poster_cache.FEW", few)
    suffix, mode, is_turned, options = SAVED[kind]
    x, y = np.meshgrid(np.arange(64) * 4, np.arange(64) * 2)
    if mode == "I;16":
        picture, expected = Image.fromarray((x * 256).astype(np.uint16)), np.stack([x, x, x], axis=-1)
    else:
        expected = np.stack([x, y, 252 - x], axis=-1)
        picture = Image.fromarray(expected.astype(np.uint8)).convert(mode)
    path = tmp_path / f"poster{suffix}"
    picture.save(path, **options)
    # The tag says 6: the camera was turned to the left, so the picture is turned to the right.
    expected = np.rot90(expected, -1) if is_turned else expected

    inline, cache = inline_poster(path.read_bytes()), PosterCache()
    seen = [np.asarray(open_poster(one), int) for one in (path, str(path), inline)]
    seen += [np.asarray(read_poster(one, size=(64, 64)), int) for one in (path, inline)]
    seen += [pixels.astype(int) for pixels in cache.pixels([path, inline])]
    for pixels in seen:
        assert np.abs(pixels - seen[0]).max() <= 3 and np.abs(pixels - expected).max() <= 8


def test_a_smaller_picture_fits_and_is_upright(tmp_path):
    Image.new("RGB", (1200, 800)).save(tmp_path / "lying.jpg", exif=turned())
    assert read_poster(tmp_path / "lying.jpg", size=(300, 450)).size == (300, 450)
    assert read_poster(tmp_path / "lying.jpg").size == (800, 1200)


@pytest.mark.parametrize("path", ["", "absent.jpg", "data:nothing", inline_poster(b"This is no poster.")])
def test_where_no_poster_can_be_read_there_is_none(path):
    assert read_poster(path) is None


def test_an_inline_poster_that_cannot_be_decoded_says_why_without_its_bytes():
    broken = inline_poster(b"This is no poster.")
    cache = PosterCache()
    assert cache.load([broken]) == {broken}
    assert cache.unreadable[broken] == "cannot identify image file"
