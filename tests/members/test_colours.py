import colorsys

import numpy as np
import pytest

from multigenre._checks import InputError
from multigenre.members import _colours as poster_colours
from multigenre.members._colours import poster_features

# None on the edge of a bin, where rounding decides.
COLOURS = [
    (0, 0, 0),
    (255, 255, 255),
    (120, 125, 118),
    (255, 0, 0),
    (200, 90, 30),
    (10, 200, 180),
    (90, 20, 140),
]


@pytest.fixture(scope="module")
def posters():
    return np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), np.uint8)


def plain(colour, size=12):
    return np.full((1, size, size, 3), colour, np.uint8)


def colour_code(red, green, blue):
    """The bin of a colour in the first block, by the standard library's hue, saturation and value."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if saturation * value < 0.1:
        return 72 + min(int(value * 8), 7)
    return int(hue * 12) * 6 + min(int(saturation * 3), 2) * 2 + (value >= 0.5)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_poster_of_one_colour_has_one_bin_a_band_its_means_and_no_edge(colour):
    features = poster_features(plain(colour))[0]
    expected = np.zeros((3, 80))
    expected[:, colour_code(*colour)] = 1
    np.testing.assert_array_equal(features[:240], expected.ravel())
    red, green, blue = (channel // 64 for channel in colour)
    assert np.flatnonzero(features[240:304]) == [red * 16 + green * 4 + blue]
    means = np.array([*colour, np.ptp(colour)]) / 255
    np.testing.assert_allclose(features[304:368], np.tile(means, 16), atol=1e-6)
    assert not features[368:].any()


def test_colour_bins_are_those_of_every_pixel_by_hand():
    posters = np.array(COLOURS, np.uint8)[np.random.default_rng(0).integers(0, len(COLOURS), (5, 16, 16))]
    features = poster_features(posters)
    for poster, row in zip(posters, features, strict=True):
        counts = np.zeros((3, 80))
        for y, line in enumerate(poster):
            for pixel in line:
                counts[y * 3 // 16, colour_code(*map(int, pixel))] += 1
        np.testing.assert_allclose(
            row[:240], np.sqrt(counts / counts.sum(axis=1, keepdims=True)).ravel(), rtol=1e-6
        )


def test_edges_are_found_where_they_are_and_in_their_direction():
    poster = plain(0, size=16)
    poster[0, :8, 2:] = 255  # an upright edge in the upper half: the grey changes across
    edges = poster_features(poster)[0, 368:].reshape(4, 4, 8)
    strong = edges > 0
    assert strong[0, 0, 0] and strong[1, 0, 0] and not strong[:, 2:3].any(axis=(0, 1))[0]
    assert not strong[3].any() and strong[2, 3, 4]  # below the white half the grey changes downwards


def test_bands_tell_top_from_bottom_and_whole_histograms_do_not():
    poster = plain((255, 0, 0))
    poster[0, 6:] = (0, 0, 255)
    upright, turned = poster_features(poster)[0], poster_features(poster[:, ::-1])[0]
    assert (upright[:240] != turned[:240]).any()
    np.testing.assert_array_equal(upright[240:304], turned[240:304])


@pytest.mark.parametrize("size", [4, 15, 64, 100])
def test_any_size_gives_496_numbers_from_0_to_1(size):
    posters = np.random.default_rng(size).integers(0, 256, (3, size, size, 3), np.uint8)
    features = poster_features(posters)
    assert features.shape == (3, 496) and features.dtype == np.float32
    assert features.min() >= 0 and features.max() <= 1


def test_batches_change_nothing_and_no_posters_are_fine(posters, monkeypatch):
    whole = poster_features(posters)
    monkeypatch.setattr(poster_colours, "BATCH", 2)
    np.testing.assert_array_equal(poster_features(posters), whole)
    assert poster_features(posters[:0]).shape == (0, 496)


@pytest.mark.parametrize(
    "posters", [np.zeros((1, 8, 8, 3)), np.zeros((8, 8, 3), np.uint8), np.zeros((1, 8, 9, 3), np.uint8)]
)
def test_what_is_no_poster_is_named(posters):
    with pytest.raises(InputError, match=rf"got {posters.dtype} of shape \(.*\).$"):
        poster_features(posters)
