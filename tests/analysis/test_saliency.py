import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from scipy.stats import spearmanr

from multigenre._checks import InputError
from multigenre.analysis import patch_influence
from multigenre.analysis._saliency import integrated_gradients, randomisation_check
from multigenre.data import Films, Genres, logits, make_films
from multigenre.members import KerasMember, OverviewTfidf
from multigenre.networks import PosterCache, PosterDesign, Recipe

GENRES = Genres(["Horror", "War"])


class Net:
    """A network made by hand, as a member."""

    name, modality, genres_ = "net", "poster", GENRES

    def __init__(self, *hidden):
        keras.utils.set_random_seed(0)
        self.model_ = keras.Sequential(
            [
                keras.Input((4, 4, 3)),
                layers.Rescaling(1 / 255),
                *hidden,
                layers.Flatten(),
                layers.Dense(2, "sigmoid"),
            ]
        )
        for layer in self.model_.layers:
            layer.set_weights(
                [w + 0.1 * np.random.default_rng(1).normal(size=w.shape) for w in layer.get_weights()]
            )

    def log_odds(self, pixels):
        """The same network in NumPy and float64, one convolution with a rectifier or none."""
        x, weights = np.asarray(pixels, float) / 255, [w.astype(float) for w in self.model_.get_weights()]
        if len(weights) == 4:
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            x = sum(padded[i : i + 4, j : j + 4] @ weights[0][i, j] for i in range(3) for j in range(3))
            x = np.maximum(x + weights[1], 0)
        return x.ravel() @ weights[-2] + weights[-1]


@pytest.fixture
def films(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    for name, one in zip("ab", pixels, strict=True):
        Image.fromarray(one).save(tmp_path / f"{name}.png")
    paths = [str(tmp_path / "a.png"), "", str(tmp_path / "b.png")]
    return Films(["a", "none", "b"], [""] * 3, paths), pixels


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_films(80, genres=5, folder=tmp_path_factory.mktemp("posters"), missing_posters=0.05)


@pytest.fixture(scope="module")
def cnn(made):
    design = PosterDesign(size=32, filters=(8, 8, 16), dense=(32,), dropout=0.0, dense_dropout=0.0)
    return KerasMember("poster-cnn", Recipe(epochs=8, learning_rate=3e-3), design=design).fit(made)


def test_a_linear_network_s_map_is_weight_times_distance(films):
    films, pixels = films
    net = Net()
    maps = integrated_gradients(net, films, ["War", "Horror"], baseline=100, steps=1)
    weights = net.model_.get_weights()[0].T.reshape(2, 4, 4, 3)
    for row, poster in zip((0, 2), pixels, strict=True):
        expected = (weights * (poster - 100.0) / 255).sum(axis=3)
        assert maps.of("Horror")[row] == pytest.approx(expected[0], abs=1e-5)
        assert maps.of("War")[row] == pytest.approx(expected[1], abs=1e-5)
    assert np.isnan(maps.values[1]).all()


def test_a_map_is_the_mean_of_finite_differences_on_the_way(films):
    films, pixels = films
    net = Net(layers.Conv2D(3, 3, padding="same", activation="relu"))
    assert net.log_odds(pixels[0]) == pytest.approx(
        logits(net.model_(pixels[:1]).numpy().astype(float))[0], abs=1e-4
    )
    maps = integrated_gradients(net, films, GENRES, steps=4)
    run, step = pixels[0] - 127.5, 1e-4
    expected = np.zeros((2, 4, 4))
    for share in (0.125, 0.375, 0.625, 0.875):
        for place in np.ndindex(4, 4, 3):
            nudge = np.zeros((4, 4, 3))
            nudge[place] = step
            at = 127.5 + share * run
            slope = (net.log_odds(at + nudge) - net.log_odds(at - nudge)) / (2 * step)
            expected[:, place[0], place[1]] += slope * run[place] / 4
    assert maps.values[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("grey", [0.0, 127.5, 200.0])
def test_maps_sum_to_the_way_from_the_baseline(made, cnn, grey):
    few, posters = made.take(made.has_poster).take(np.arange(5)), PosterCache(32)
    maps = integrated_gradients(cnn, few, made.genres, posters=posters, baseline=grey, steps=128)
    ends = logits(cnn.predict(few, posters=posters).values.astype(float))
    blank = logits(cnn.model_(np.full((1, 32, 32, 3), grey, np.float32)).numpy().astype(float))
    assert maps.values.sum(axis=(2, 3)) == pytest.approx(ends - blank, abs=0.02 * np.abs(ends - blank).max())
    assert maps.coarse(8).values.sum(axis=(2, 3)) == pytest.approx(maps.values.sum(axis=(2, 3)))


def test_a_baseline_of_pixels_is_where_maps_start(made, cnn):
    film, posters = made.take(made.has_poster).take([0]), PosterCache(32)
    posters.load(film.posters)
    same = posters.pixels(film.posters)[0].astype(float)
    assert (integrated_gradients(cnn, film, ["Drama"], posters=posters, baseline=same).values == 0).all()


def test_maps_agree_with_what_covering_patches_does(made, cnn):
    few = made.take(made.has_poster).take(np.arange(12))
    fine, patches = integrated_gradients(cnn, few, ["Horror"]), patch_influence({cnn.name: cnn}, few, cells=4)
    pairs = zip(fine.coarse(4).of("Horror"), patches[cnn.name].of("Horror"), strict=True)
    assert np.mean([spearmanr(one.ravel(), other.ravel()).statistic for one, other in pairs]) > 0.3


def test_maps_change_when_the_network_forgets_what_it_learned(made, cnn):
    few = made.take(np.arange(6))
    weights = cnn.model_.get_weights()
    table = randomisation_check(cnn, few, Genres(["Horror", "Drama"]), steps=8)
    assert table["layer"].unique().tolist() == ["Output", "FC1", "Conv4", "Conv3", "Conv2", "Conv1", "Conv0"]
    assert len(table) == 7 * 2 * few.has_poster.sum() and set(table["film"]) <= set(few.ids)
    whole = table[table["layer"] == "Conv0"]
    assert abs(whole["correlation"].mean()) < 0.2
    assert (table["correlation"].abs() <= 1).all() and (table["correlation_of_sizes"].abs() <= 1).all()
    # The member itself learned what it did.
    assert all((now == then).all() for now, then in zip(cnn.model_.get_weights(), weights, strict=True))
    again = randomisation_check(cnn, few.take([0]), ["Drama"], steps=8)
    same = table[(table["film"] == few.ids[0]) & (table["genre"] == "Drama")]
    assert again["correlation"].tolist() == pytest.approx(same["correlation"].tolist(), abs=1e-3)


def test_a_map_without_variation_has_no_correlation(tmp_path):
    Image.new("RGB", (4, 4), (127, 127, 127)).save(tmp_path / "grey.png")
    net = Net()
    net.model_.layers[-1].set_weights([np.zeros((48, 2)), np.zeros(2)])
    table = randomisation_check(net, Films(["a"], [""], [str(tmp_path / "grey.png")]), ["War"], steps=1)
    assert table["correlation"].isna().all()


def test_what_has_no_gradient_by_pixels_is_told(made, cnn, films):
    words = OverviewTfidf(C=1.0).fit(made)
    with pytest.raises(
        InputError, match="ends in a dense sigmoid layer, got overview-tfidf; `patch_influence`"
    ):
        integrated_gradients(words, made, ["Drama"])
    net = Net()
    net.model_ = keras.Sequential([keras.Input((5,)), layers.Dense(2, "sigmoid")])
    with pytest.raises(
        InputError, match=r"taken by pixels, but the network of net reads \(5,\); give one of posters"
    ):
        integrated_gradients(net, films[0], ["War"])
    with pytest.raises(InputError, match="'Sport' is not one of the 5 genres"):
        integrated_gradients(cnn, made, ["Sport"])
    with pytest.raises(
        InputError, match=r"A baseline is a number from 0 to 255, or pixels of shape \(32, 32, 3\)"
    ):
        integrated_gradients(cnn, made, ["Drama"], baseline=300)
    with pytest.raises(InputError, match="need steps of at least 1, got 0"):
        integrated_gradients(cnn, made, ["Drama"], steps=0)
