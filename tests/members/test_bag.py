import copy
from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import log_loss, roc_auc_score

from multigenre._checks import InputError
from multigenre.data import Films, make_films, sigmoid
from multigenre.members import OverviewBag
from multigenre.members import _bag_network as _bag_network
from multigenre.members._bag_network import Adam, BagNetwork, drop_features, train_network


def small(**settings):
    return OverviewBag(**{"n_networks": 2, "n_units": 16, "epochs": 10} | settings)


@pytest.fixture(scope="module")
def member(train):
    return small().fit(train)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def problem(rng):
    """A network in double precision of 7 features, 5 units and 3 genres, 6 films, their labels and a mask."""
    network = BagNetwork.start(7, 5, [0.1, -0.2, 0.3], rng)
    network = BagNetwork(*(values.astype(float) + rng.normal(0, 0.3, values.shape) for values in network))
    features = sparse.csr_matrix(rng.random((6, 7)) * (rng.random((6, 7)) < 0.6))
    mask = (rng.random((6, 5)) < 0.5) * 2.0
    return network, features, rng.integers(0, 2, (6, 3)), mask


def mean_loss(network, features, labels, mask):
    """The mean over films of the sum over genres of binary cross-entropy, written out."""
    units = np.maximum(features.toarray() @ network.embeddings + network.offsets, 0) * mask
    z = units @ network.weights + network.intercepts
    return (np.logaddexp(0, z) - labels * z).sum() / len(labels)


def test_gradients_are_finite_differences(problem):
    network, features, labels, mask = problem
    found = network.gradients(features, labels, mask)
    for values, gradient in zip(network, found, strict=True):
        assert gradient.shape == values.shape
        for place in np.ndindex(values.shape):
            kept, losses = values[place], []
            for shift in (1e-6, -1e-6):
                values[place] = kept + shift
                losses.append(mean_loss(network, features, labels, mask))
            values[place] = kept
            # The kink of a rectified unit lies nowhere near: errors are those of rounding.
            assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


def keras_model(network):
    n_features, n_units = network.embeddings.shape
    layers = [
        keras.Input((n_features,)),
        keras.layers.Dense(n_units, "relu"),
        keras.layers.Dense(len(network.intercepts), "sigmoid"),
    ]
    model = keras.Sequential(layers)
    model.set_weights(list(network))
    return model


def test_training_without_dropout_is_that_of_keras(monkeypatch, rng):
    monkeypatch.setattr(_bag_network, "FEATURE_DROPOUT", 0)
    monkeypatch.setattr(_bag_network, "UNIT_DROPOUT", 0)
    network = BagNetwork.start(20, 8, [-1, 0, 1], rng)
    # No feature is zero, so that every step of Adam touches every row.
    features = sparse.csr_matrix(rng.random((64, 20)), dtype=np.float32)
    labels = rng.integers(0, 2, (64, 3))
    monkeypatch.setattr(_bag_network, "SMALLEST_BATCH", 64)
    model = keras_model(network)
    np.testing.assert_allclose(
        sigmoid(network.log_odds(features)), model(features.toarray()), rtol=1e-5, atol=1e-6
    )
    adam = keras.optimizers.Adam(_bag_network.LEARNING_RATE)
    model.compile(adam, "binary_crossentropy", loss_weights=3.0)  # Keras's loss is a mean over genres
    model.fit(
        features.toarray(), labels.astype("float32"), batch_size=64, epochs=20, shuffle=False, verbose=0
    )
    train_network(network, features, labels, epochs=20, rng=rng)
    for values, expected in zip(network, model.get_weights(), strict=True):
        np.testing.assert_allclose(values, expected, atol=2e-5)


def test_a_step_leaves_rows_without_gradient_as_they_are(rng):
    values = rng.random((5, 2))
    before, adam = values.copy(), Adam(values, 0.1)
    adam.step(1, np.array([[1.0, -1.0], [2.0, 0.5]]), np.array([0, 3]))
    np.testing.assert_array_equal(values[[1, 2, 4]], before[[1, 2, 4]])
    # The first step of Adam is one learning rate against the gradient's sign, however long the gradient.
    np.testing.assert_allclose(values[[0, 3]] - before[[0, 3]], [[-0.1, 0.1], [-0.1, -0.1]], rtol=1e-5)


def test_dropout_keeps_its_share_and_the_mean_of_every_feature(rng):
    features = sparse.random(400, 30, density=0.5, format="csr", dtype=np.float32, rng=rng)
    left_features, left = drop_features(features, 0.75, rng)
    assert left_features.nnz == pytest.approx(features.nnz / 4, rel=0.1)
    assert left_features.sum() == pytest.approx(features.sum(), rel=0.1)
    whole = features.toarray()[:, left]
    found = left_features.toarray()
    np.testing.assert_allclose(found[found > 0], 4 * whole[found > 0], rtol=1e-6)


def test_dropout_takes_out_columns_that_no_film_has_left(rng):
    features = sparse.csr_matrix(np.array([[0, 1, 0, 2], [0, 0, 0, 3]], np.float32))
    same, left = drop_features(features, 0, rng)
    assert left.tolist() == [1, 3] and same.toarray().tolist() == [[1, 2], [0, 3]]
    nothing, left = drop_features(features, 1 - 1e-12, rng)
    assert nothing.shape == (2, 0) and not len(left)


def test_networks_side_by_side_have_the_mean_log_odds(problem, rng):
    network, features, *_ = problem
    other = BagNetwork.start(7, 4, [1, 2, 3], rng)
    wide = BagNetwork.side_by_side([network, other])
    expected = (network.log_odds(features) + other.log_odds(features)) / 2
    np.testing.assert_allclose(wide.log_odds(features), expected, rtol=1e-6)


def test_genres_that_show_in_the_words_are_found(tmp_path):
    films = make_films(400, folder=tmp_path)
    train, new = films.take(np.arange(300)), films.take(np.arange(300, 400))
    values = OverviewBag(n_networks=1).fit(train).predict(new).values
    for genre in ("Comedy", "Crime", "Drama", "Romance", "Thriller"):
        column = films.genres.column(genre)
        labels = new.labels[:, column] == 1
        assert roc_auc_score(labels, values[:, column]) > 0.65, genre
    prevalence = train.labels.mean(axis=0)
    assert log_loss(new.labels.ravel(), values.ravel()) < log_loss(
        new.labels.ravel(), np.tile(prevalence, 100)
    )


def test_one_seed_gives_the_same_numbers_and_another_seed_others(member, train, test_films):
    values = member.predict(test_films).values
    np.testing.assert_array_equal(small().fit(train).predict(test_films).values, values)
    assert np.abs(small(seed=1).fit(train).predict(test_films).values - values).max() > 1e-3


def test_validation_films_and_the_folder_change_nothing(member, train, test_films, tmp_path):
    again = small().fit(train, test_films, folder=tmp_path)
    assert again.learned_ids_ == {"train": tuple(train.ids), "validation": ()}
    np.testing.assert_array_equal(again.predict(test_films).values, member.predict(test_films).values)


def test_what_is_saved_gives_the_same_numbers_without_pickle(member, train, test_films, tmp_path):
    member.save(tmp_path)
    loaded = OverviewBag().load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(test_films).values, member.predict(test_films).values)
    assert (loaded.genres_, loaded.learned_ids_) == (train.genres, member.learned_ids_)
    assert loaded.constant_genres_ == member.constant_genres_
    assert (loaded.n_networks, loaded.n_units, loaded.epochs, loaded.seed) == (2, 16, 10, 0)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}
    with np.load(tmp_path / "bag.npz", allow_pickle=False) as saved:
        assert all(saved[name].dtype == np.float32 for name in saved.files)


def test_genres_that_no_or_every_film_carries_are_constant_and_named(train, test_films):
    labels = train.labels.copy()
    labels[:, 1], labels[:, 4] = 0, 1
    member = small().fit(replace(train, labels=labels))
    values = member.predict(test_films).values
    assert member.constant_genres_ == [list(train.genres)[1], list(train.genres)[4]]
    np.testing.assert_allclose(values[:, 1], 0.5 / 81, rtol=1e-5)
    np.testing.assert_allclose(values[:, 4], 80.5 / 81, rtol=1e-5)
    assert np.ptp(values[:, 0]) > 0


def test_films_without_an_overview_are_not_present_and_teach_nothing(member, train, test_films):
    blank = test_films.overviews.copy()
    blank[::2] = ""
    probabilities = member.predict(replace(test_films, overviews=blank))
    assert probabilities.name == "overview-bag" and probabilities.genres == train.genres
    assert not probabilities.present[::2].any() and np.isnan(probabilities.values[::2]).all()
    np.testing.assert_allclose(probabilities.values[1::2], member.predict(test_films).values[1::2], rtol=1e-5)
    assert not member.predict(replace(test_films, overviews=[""] * len(test_films))).present.any()

    more = Films(
        [*train.ids, "blank"],
        [*train.overviews, ""],
        [*train.posters, ""],
        np.concatenate([train.labels, np.ones((1, 6), np.uint8)]),
        train.genres,
    )
    again = small().fit(more)
    assert again.learned_ids_ == {"train": tuple(train.ids), "validation": ()}
    np.testing.assert_array_equal(again.predict(test_films).values, member.predict(test_films).values)


def test_an_overview_of_unknown_words_gets_finite_probabilities(member):
    assert np.isfinite(member.predict(Films(["new"], ["Ωω"], [""])).values).all()


def test_progress_counts_the_epochs_of_all_networks(train):
    calls = []
    small(epochs=3).fit(train, progress=lambda *call: calls.append(call))
    assert calls == [("overview-bag", done, 6) for done in range(1, 7)]


def test_few_short_overviews_train(train):
    short = replace(train, overviews=["a dragon" if i % 3 else "two castles" for i in range(80)])
    twelve = short.take(np.arange(12))
    assert np.isfinite(small().fit(twelve).predict(short).values).all()


def test_films_whose_genres_are_all_constant_get_the_prevalence(train, test_films):
    member = small().fit(replace(train, labels=np.zeros_like(train.labels)))
    np.testing.assert_allclose(member.predict(test_films).values, 0.5 / 81, rtol=1e-5)


def test_a_copy_of_the_unfitted_member_trains_alike(member, train, test_films):
    fresh = small()
    other = copy.copy(fresh).fit(train)
    assert not hasattr(fresh, "genres_")
    np.testing.assert_array_equal(other.predict(test_films).values, member.predict(test_films).values)


@pytest.mark.parametrize("setting", ["n_networks", "n_units", "epochs"])
def test_a_setting_below_one_is_refused(train, setting):
    with pytest.raises(InputError, match=rf"^overview-bag needs {setting} of at least 1, got 0\.$"):
        small(**{setting: 0}).fit(train)


def test_films_without_overviews_or_genres_or_shared_words_are_refused_in_one_sentence(train):
    with pytest.raises(
        InputError, match="overview-bag needs films with overviews, but none of 80 has one; give"
    ):
        OverviewBag().fit(replace(train, overviews=[""] * len(train)))
    with pytest.raises(InputError, match="whose genres are known, got films without genres"):
        OverviewBag().fit(Films(["a"], ["x"], [""]))
    for overviews in (["dragons", "castles"], ["the", "of it"], ["one film"]):
        labels = np.eye(2, dtype=np.uint8)[: len(overviews)]
        ids = [str(number) for number in range(len(overviews))]
        films = Films(ids, overviews, [""] * len(ids), labels, ["A", "B"])
        with pytest.raises(
            InputError, match=rf"found no word that two of {len(overviews)} overviews share, or no"
        ):
            OverviewBag().fit(films)
