import keras
import numpy as np
import pytest

from multigenre import FusionLayer, LateFusion
from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, sigmoid

GENRES = ["Comedy", "Drama", "War"]
METHODS = ("joint-stack", "stack", "greedy", "logit-mean", "mean")


def made(n_films, role, names="abc", seed=0):
    """Members of which each lacks some films, in single precision as networks give them; Drama is what is no Comedy."""
    rng = np.random.default_rng(seed)
    truth = np.array([-0.5, 0.3, -2]) + 1.5 * rng.normal(size=(n_films, 3))
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    members = []
    for name in names:
        values = sigmoid(truth + rng.normal(size=truth.shape)).astype(np.float32)
        values[rng.random(n_films) < 0.3] = np.nan
        members.append(GenreProbabilities(ids, GENRES, values, name, role))
    labels = rng.random(truth.shape) < sigmoid(truth)
    labels[:, 1] = ~labels[:, 0]
    return members, Films(ids, blank, blank, labels, GENRES, role)


@pytest.fixture(scope="module")
def fitted():
    calibration = made(300, "calibration")
    return {method: LateFusion(method=method, C=0.1, others_C=0.1).fit(*calibration) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_the_layer_says_what_the_fusion_says_whatever_a_film_lacks(fitted, method):
    test, _ = made(200, "test", seed=1)
    layer = FusionLayer.from_fusion(fitted[method])
    found = keras.ops.convert_to_numpy(layer([member.values for member in test]))
    expected = fitted[method].predict(test)
    assert not expected.present.all() and len({tuple(m.present[k] for m in test) for k in range(200)}) == 8
    np.testing.assert_allclose(found, expected.values, atol=1e-6)


def test_members_that_are_sure_are_clipped_as_the_fusion_clips(fitted):
    ids = ["sure", "surer"]
    test = [GenreProbabilities(ids, GENRES, np.float32([[0, 1, 0.5], [1, 0, 1]]), name) for name in "abc"]
    found = FusionLayer.from_fusion(fitted["joint-stack"])([member.values for member in test])
    expected = fitted["joint-stack"].predict(test).values
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=1e-6)


def test_members_and_fusion_are_one_model_that_is_saved_and_loaded(fitted, tmp_path):
    fusion = fitted["joint-stack"]
    inputs = [keras.Input((4,), name=name) for name in fusion.members_]
    heads = [keras.layers.Dense(3, "sigmoid")(features) for features in inputs]
    model = keras.Model(inputs, FusionLayer.from_fusion(fusion, name="fused")(heads))
    model.save(tmp_path / "ensemble.keras")
    again = keras.models.load_model(tmp_path / "ensemble.keras")
    features = [np.random.default_rng(seed).normal(size=(5, 4)).astype(np.float32) for seed in range(3)]
    np.testing.assert_array_equal(again.predict(features, verbose=0), model.predict(features, verbose=0))
    layer = again.get_layer("fused")
    assert layer.members == fusion.members_ and layer.genres == GENRES and again.output_shape == (None, 3)
    assert not layer.trainable_weights


def test_a_fusion_without_other_genres_has_no_weights_for_them(fitted):
    assert len(FusionLayer.from_fusion(fitted["stack"]).weights) == 1
    assert len(FusionLayer.from_fusion(fitted["joint-stack"]).weights) == 3


def test_half_precision_elsewhere_does_not_reach_the_fusion(fitted):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = FusionLayer.from_fusion(fitted["stack"])
    finally:
        keras.config.set_dtype_policy(policy)
    test, _ = made(20, "test")
    assert layer.compute_dtype == "float32"
    expected = fitted["stack"].predict(test).values
    found = keras.ops.convert_to_numpy(layer([member.values for member in test]))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_bad_input_is_refused_in_one_sentence(fitted):
    with pytest.raises(InputError, match="takes 1 to 8 members, got 9; use LateFusion for more"):
        FusionLayer(list("abcdefghi"), GENRES)
    with pytest.raises(InputError, match="fuses a, b, c, got 1 inputs"):
        FusionLayer.from_fusion(fitted["mean"])([np.zeros((1, 3))])
