import io

import numpy as np
import pytest
from PIL import Image

from multigenre.analysis._poster_changes import POSTER_DAMAGES, changed_posters, cover
from multigenre.data import Films, inline_poster, read_poster


@pytest.fixture
def poster():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8))


def pixels(image):
    return np.asarray(image, float)


def damaged(image, kind, level, seed=0):
    return POSTER_DAMAGES[kind](image, level, np.random.default_rng(seed))


def test_copies_lose_nothing_and_what_cannot_be_read_stays(tmp_path, poster):
    poster.save(tmp_path / "one.png")
    (tmp_path / "broken.jpg").write_bytes(b"no poster")
    paths = [str(tmp_path / "one.png"), "", str(tmp_path / "broken.jpg")]
    films, told = Films(["a", "b", "c"], ["plot"] * 3, paths, [[1, 0], [0, 1], [0, 0]], ["War", "Drama"]), []
    (tmp_path / "copies").mkdir()
    copies = changed_posters(films, tmp_path / "copies", lambda film, image: told.append(film) or image)
    assert told == ["a"] and copies.posters[1:].tolist() == paths[1:]
    assert (pixels(read_poster(copies.posters[0])) == pixels(poster)).all() and copies.posters[0] != paths[0]
    assert copies.ids.tolist() == ["a", "b", "c"] and (copies.labels == films.labels).all()
    assert copies.overviews.tolist() == ["plot"] * 3


def test_posters_that_travel_with_their_film_are_read_too(tmp_path, poster):
    poster.save(tmp_path / "one.png")
    inline = inline_poster((tmp_path / "one.png").read_bytes())
    assert (pixels(read_poster(inline)) == pixels(poster)).all()
    assert read_poster(inline_poster(b"no poster")) is None


@pytest.mark.parametrize("kind", POSTER_DAMAGES)
def test_a_greater_level_changes_more_and_the_same_seed_the_same(kind, poster):
    smooth = poster.resize((64, 96), Image.Resampling.BICUBIC)

    def gone(level):
        return np.abs(pixels(damaged(smooth, kind, level).resize(smooth.size)) - pixels(smooth)).mean()

    assert 0 < gone(0.1 if kind != "jpeg" else 0.5) < gone(0.4 if kind != "jpeg" else 0.97)
    assert (pixels(damaged(smooth, kind, 0.2)) == pixels(damaged(smooth, kind, 0.2))).all()
    assert damaged(smooth, kind, 0.2).mode == "RGB"


def test_noise_has_its_standard_deviation():
    grey = Image.new("RGB", (100, 100), (128, 128, 128))
    assert pixels(damaged(grey, "noise", 0.1)).std() == pytest.approx(25.5, rel=0.02)
    assert (pixels(damaged(grey, "noise", 0.1, seed=1)) != pixels(damaged(grey, "noise", 0.1))).any()


def test_dark_and_bright_go_their_share_of_the_way():
    grey = Image.new("RGB", (2, 2), (200, 100, 0))
    assert damaged(grey, "dark", 0.25).getpixel((0, 0)) == (150, 75, 0)
    assert damaged(grey, "bright", 0.2).getpixel((0, 0)) == (211, 131, 51)


def test_a_crop_keeps_the_middle_and_at_least_a_pixel(poster):
    middle = damaged(poster, "crop", 0.25)
    assert middle.size == (8, 12) and (pixels(middle) == pixels(poster)[6:18, 4:12]).all()
    assert damaged(Image.new("RGB", (1, 1)), "crop", 0.49).size == (1, 1)


def test_compression_is_pillow_s_at_the_quality_left(poster):
    file = io.BytesIO()
    poster.save(file, "JPEG", quality=30)
    assert (pixels(damaged(poster, "jpeg", 0.7)) == pixels(Image.open(file))).all()
    assert damaged(poster, "jpeg", 1.0).size == poster.size


def test_a_blurred_edge_is_as_wide_at_any_resolution():
    widths = []
    for size in (50, 200):
        edge = np.zeros((size, size, 3), np.uint8)
        edge[:, size // 2 :] = 255
        blurred = pixels(damaged(Image.fromarray(edge), "blur", 0.05))[size // 2, :, 0]
        widths.append(((blurred > 25) & (blurred < 230)).mean())
    assert widths[0] == pytest.approx(widths[1], abs=0.04)


def test_a_covered_box_has_the_poster_s_mean_and_the_rest_is_as_it_was(poster):
    covered = pixels(cover(poster, (4, 6, 8, 12)))
    inside = np.zeros((24, 16), bool)
    inside[6:12, 4:8] = True
    assert (covered[~inside] == pixels(poster)[~inside]).all()
    assert covered[inside] == pytest.approx(np.tile(pixels(poster).mean(axis=(0, 1)).round(), (24, 1)))
