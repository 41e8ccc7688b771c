import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from multigenre import OverviewLSTM
from multigenre.networks import overview_predictor

WORDS = ["love", "war", "a", "the", "detective", "rain", "unknownword", "!!!", ""]


@pytest.fixture(scope="module")
def model():
    model = OverviewLSTM(["Comedy", "Drama", "War"], seed=0)
    model.adapt(["love war a the the detective rain"])
    # Larger weights than the initial ones, which say nearly the same of every film.
    model.set_weights([3 * weight for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def predictor(model):
    return overview_predictor(model)


@pytest.fixture(scope="module")
def plain(model):
    """The same network of `keras.layers`; token numbers in, padded with 0."""
    plain = keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            layers.Embedding(10_000, 256, mask_zero=True),
            layers.Bidirectional(layers.LSTM(256, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(128)),
            layers.Dense(128, "relu"),
            layers.Dense(3, "sigmoid"),
        ]
    )
    plain.set_weights(model.get_weights())
    return plain


@settings(max_examples=15)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), min_size=1, max_size=6))
def test_probabilities_are_those_of_plain_keras_layers(model, predictor, plain, overviews):
    tokens = np.pad(model.encoder.words(tf.constant(overviews)), ((0, 0), (0, 1)))  # Keras needs one token
    found = predictor(tf.constant(overviews)).numpy()
    np.testing.assert_allclose(found, plain(tokens, training=False), rtol=1e-5, atol=1e-6)


def test_a_film_gets_the_same_numbers_alone_and_with_longer_ones(predictor):
    overviews = ["love", "the detective a a a rain war", "", "war war"]
    together = predictor(tf.constant(overviews)).numpy()
    alone = np.concatenate([predictor(tf.constant([overview])) for overview in overviews])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.ptp(together, axis=0).min() > 0.01


def test_overviews_without_a_word_are_answered(model, predictor):
    for overviews in ([""], ["!!!", ""]):
        expected = model(tf.constant(overviews), training=False)
        np.testing.assert_allclose(predictor(tf.constant(overviews)), expected, atol=1e-6)


def test_it_is_compiled_once_and_follows_the_models_weights(model):
    other = OverviewLSTM(model.genres, seed=1)
    other.encoder.words.set_vocabulary(model.vocabulary)
    predictor, overviews = overview_predictor(other), tf.constant(["love and war", "rain"])
    before = predictor(overviews).numpy()
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(predictor(overviews), model(overviews, training=False), atol=1e-6)
    assert np.abs(before - predictor(overviews)).max() > 0.01
    predictor(tf.constant(["the"] * 5))
    assert predictor.experimental_get_tracing_count() == 1
