from pathlib import Path

import numpy as np
import pytest

from multigenre.data import inline_content, inline_poster
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


def test_an_inline_webp_is_read_as_its_file_is(tmp_path):
    image = pytest.importorskip("PIL.Image").new("RGB", (40, 60), (200, 30, 90))
    image.save(tmp_path / "poster.webp")
    path = str(tmp_path / "poster.webp")
    inline = inline_poster(Path(path).read_bytes())
    cache = PosterCache()
    cache.load([path, inline])
    np.testing.assert_array_equal(cache.pixels([inline]), cache.pixels([path]))


def test_an_inline_poster_that_cannot_be_decoded_says_why_without_its_bytes():
    broken = inline_poster(b"This is no poster.")
    cache = PosterCache()
    assert cache.load([broken]) == {broken}
    assert cache.unreadable[broken] == "cannot identify image file"
