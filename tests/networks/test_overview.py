import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from multigenre import OverviewEncoder, OverviewLSTM

GENRES = [f"genre {number}" for number in range(25)]
OVERVIEWS = np.array(
    [
        "A detective hunts a killer, in the rain!",
        "love",
        "Two friends open a bakery and learn that flour is not enough to live on.",
        "the the the unknownword",
    ],
    dtype=object,
)


def plain_lstm():
    """The reference as anyone would write it from the report's table; token numbers in, padded with 0."""
    recurrent = {"dropout": 0.5, "recurrent_dropout": 0.2}
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int64"),
            layers.Embedding(10_000, 256, mask_zero=True),
            layers.Bidirectional(layers.LSTM(256, return_sequences=True, **recurrent)),
            layers.Bidirectional(layers.LSTM(128, **recurrent)),
            layers.Dense(128, "relu"),
            layers.Dropout(0.8),
            layers.Dense(25, "sigmoid"),
        ]
    )


@pytest.fixture(scope="module")
def reference():
    model = OverviewLSTM(GENRES, seed=0)
    model.adapt(OVERVIEWS[:3])
    return model


def test_layers_have_the_reports_order_sizes_and_parameters(reference):
    kinds = [type(layer).__name__ for layer in reference.layers if layer.weights or "Drop" in layer.name]
    assert kinds == ["Embedding", "BidirectionalLSTM", "BidirectionalLSTM", "Dense", "Dropout", "Dense"]
    assert reference.count_params() == 4_303_129
    assert [weight.shape for weight in reference.weights] == [weight.shape for weight in plain_lstm().weights]
    for name, units in (("LSTM1", 256), ("LSTM2", 128)):
        config = reference.get_layer(name).get_config()
        assert (config["units"], config["dropout"], config["recurrent_dropout"]) == (units, 0.5, 0.2)
    assert reference.get_layer("Drop").rate == 0.8


def test_initial_weights_follow_kerass_defaults(reference):
    for ours, plain in zip(reference.weights, plain_lstm().weights, strict=True):
        assert float(np.std(ours)) == pytest.approx(float(np.std(plain)), rel=0.1, abs=1e-9), ours.path
    forward, backward = (np.array(reference.get_layer("LSTM1").weights[i]) for i in (1, 4))
    for kernel in (forward, backward):  # the orthogonal initialiser's rows
        np.testing.assert_allclose(kernel @ kernel.T, np.eye(256), atol=1e-4)
    assert not np.array_equal(forward, backward)
    bias = np.array(reference.get_layer("LSTM1").weights[2])
    assert (bias[256:512] == 1).all() and not bias[:256].any() and not bias[512:].any()


def test_same_weights_give_the_outputs_and_gradients_of_plain_keras(reference):
    plain = plain_lstm()
    plain.set_weights(reference.get_weights())
    tokens = reference.encoder.words(tf.constant(OVERVIEWS))
    labels = np.random.default_rng(1).integers(0, 2, (4, 25)).astype(np.float32)
    results = []
    for model, inputs in ((reference, tf.constant(OVERVIEWS)), (plain, tokens)):
        with tf.GradientTape() as tape:
            probabilities = model(inputs, training=False)
            loss = keras.losses.binary_crossentropy(labels, probabilities)
        gradients = tape.gradient(loss, model.trainable_weights)
        results.append([probabilities, *(tf.convert_to_tensor(gradient) for gradient in gradients)])
    for ours, expected in zip(*results, strict=True):
        scale = float(np.abs(expected).max())
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * scale)


def test_padding_and_the_batch_do_not_change_a_films_probabilities(reference):
    together = reference(tf.constant(OVERVIEWS)).numpy()
    alone = np.concatenate([reference(tf.constant([overview])).numpy() for overview in OVERVIEWS])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-7)


def test_overviews_without_a_word_are_answered(reference):
    assert np.isfinite(reference(tf.constant(["", "!!!"])).numpy()).all()


def test_the_vocabulary_is_learned_from_what_adapt_is_given_and_travels_in_the_file(reference, tmp_path):
    assert "bakery" in reference.vocabulary and "unknownword" not in reference.vocabulary
    reference.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, OverviewLSTM) and isinstance(loaded.encoder, OverviewEncoder)
    assert loaded.vocabulary == reference.vocabulary and loaded.genres == reference.genres
    overviews = tf.constant(OVERVIEWS)
    np.testing.assert_array_equal(loaded(overviews), reference(overviews))


def test_a_vocabulary_of_nothing_is_refused():
    with pytest.raises(ValueError, match="needs overviews with words in them, got 2 without any"):
        OverviewEncoder().adapt(["", "  "])


def test_one_seed_gives_one_model_and_another_seed_another():
    first, again, other = (OverviewLSTM(["A"], seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_the_encoder_is_everything_up_to_the_dropout_and_shares_its_layers(reference):
    features = reference.encoder(tf.constant(OVERVIEWS))
    assert features.shape == (4, 128) and reference.encoder.layers[-1].name == "Drop"
    expected = reference(tf.constant(OVERVIEWS))
    np.testing.assert_allclose(reference.get_layer("Output")(features), expected, rtol=1e-5, atol=1e-7)
