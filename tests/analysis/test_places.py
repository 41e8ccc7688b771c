import numpy as np
import pytest
from PIL import Image

from multigenre._checks import InputError
from multigenre.analysis import patch_influence
from multigenre.analysis._places import PosterMaps
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.fusion import LateFusion
from multigenre.networks import PosterCache

GENRES = Genres(["Horror", "War"])
WEIGHTS = np.random.default_rng(1).normal(0, 0.01, (2, 8, 8, 3))


def test_maps_are_found_by_the_genre_s_name():
    values = np.arange(16.0).reshape(2, 2, 2, 2)
    maps = PosterMaps(["tt1", "tt2"], ["Comedy", "War"], values, "net")
    assert (maps.of("War") == values[:, 1]).all()
    with pytest.raises(InputError, match="'Horror' is not one of the 2 genres"):
        maps.of("Horror")


def test_coarser_maps_are_sums_and_films_without_a_poster_stay_unknown():
    values = np.arange(32.0).reshape(2, 1, 4, 4)
    values[1] = np.nan
    maps = PosterMaps(["tt1", "tt2"], ["War"], values, "net").coarse(2)
    assert maps.of("War")[0].tolist() == [
        [0 + 1 + 4 + 5, 2 + 3 + 6 + 7],
        [8 + 9 + 12 + 13, 10 + 11 + 14 + 15],
    ]
    assert np.isnan(maps.of("War")[1]).all() and maps.values.shape == (2, 1, 2, 2)
    with pytest.raises(
        InputError, match="Maps of 4 places a side have no 3 equal cells; give a divisor of 4"
    ):
        PosterMaps(["tt1", "tt2"], ["War"], values, "net").coarse(3)


def test_maps_of_other_films_or_genres_are_refused():
    with pytest.raises(
        InputError, match=r"Heat maps of net must have shape \(1, 1, 2, 2\), got \(1, 2, 2, 2\)"
    ):
        PosterMaps(["tt1"], ["War"], np.zeros((1, 2, 2, 2)), "net")


class Linear:
    """A member of posters, 8 pixels a side, whose log-odds are weighted sums of the pixels."""

    name, modality, genres_ = "linear", "poster", GENRES

    def predict(self, films, *, posters=None):
        posters = PosterCache(8)
        broken = posters.load(films.posters)
        films = films.without_posters(films.ids[np.isin(films.posters.astype(str), sorted(broken))])
        values = np.full((len(films), 2), np.nan)
        seen = posters.pixels(films.posters[films.has_poster]) / 255
        values[films.has_poster] = sigmoid(np.tensordot(seen - 0.5, WEIGHTS, ([1, 2, 3], [1, 2, 3])))
        return GenreProbabilities(films.ids, GENRES, values, self.name, films.role)


class Constant:
    name, modality, genres_ = "constant", "overview", GENRES

    def predict(self, films, *, posters=None):
        values = np.where(films.has_overview[:, None], [0.3, 0.6], np.nan)
        return GenreProbabilities(films.ids, GENRES, values, self.name, films.role)


@pytest.fixture
def films(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    for name, one in zip("ab", pixels, strict=True):
        Image.fromarray(one).save(tmp_path / f"{name}.png")
    (tmp_path / "c.jpg").write_bytes(b"no poster")
    paths = [str(tmp_path / "a.png"), "", str(tmp_path / "b.png"), str(tmp_path / "c.jpg")]
    return Films(["a", "none", "b", "broken"], ["plot", "", "", "plot"], paths), pixels


def test_patches_of_a_linear_member_move_what_their_pixels_weigh(films, caplog):
    films, pixels = films
    maps = patch_influence({"linear": Linear()}, films, cells=4)["linear"]
    assert maps.values.shape == (4, 2, 4, 4) and maps.ids.tolist() == films.ids.tolist()
    for row, poster in zip((0, 2), pixels.astype(float), strict=True):
        moved = (WEIGHTS * (poster - poster.mean(axis=(0, 1)).round()) / 255).sum(axis=3)
        expected = moved.reshape(2, 4, 2, 4, 2).sum(axis=(2, 4))
        assert maps.values[row] == pytest.approx(expected, abs=1e-5)
    assert np.isnan(maps.values[[1, 3]]).all()


def test_the_fused_map_is_of_the_posters_members_alone(films):
    films, _ = films
    members = {"linear": Linear(), "constant": Constant()}
    fusion = LateFusion(method="logit-mean").fit_names(members, GENRES)
    maps = patch_influence(members, films, cells=2, fusion=fusion)
    assert list(maps) == ["linear", "fused"] and maps["fused"].name == "fused"
    # With an overview it has half a say, without it all.
    assert maps["fused"].values[0] == pytest.approx(maps["linear"].values[0] / 2)
    assert maps["fused"].values[2] == pytest.approx(maps["linear"].values[2])


def test_films_without_posters_have_maps_that_are_not_known():
    films = Films(["a", "b"], ["plot", ""], ["", ""])
    assert np.isnan(patch_influence({"linear": Linear()}, films, cells=2)["linear"].values).all()


def test_no_patch_is_told():
    with pytest.raises(InputError, match="Patches need at least one cell a side, got cells=0"):
        patch_influence({"linear": Linear()}, Films(["a"], [""], [""]), cells=0)
