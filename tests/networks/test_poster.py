import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from multigenre import PosterCNN, PosterEncoder
from multigenre.networks import Recipe, compile_model

GENRES = [f"genre {number}" for number in range(25)]
NAMES = [
    "Poster",
    "Conv0",
    "Drop1",
    "Conv1",
    "Conv2",
    "Drop2",
    "Pool1",
    "Conv3",
    "Conv4",
    "Drop3",
    "Pool2",
    "Conv5",
    "Conv6",
    "Drop4",
    "Pool3",
    "Flat",
    "FC1",
    "Drop5",
    "FC2",
    "Drop6",
    "Output",
]


def plain_cnn():
    """The reference as anyone would write it from the report's table."""
    conv = {"padding": "same", "activation": "relu"}
    return keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Conv2D(16, 3, strides=2, **conv),
            layers.Dropout(0.2),
            layers.Conv2D(32, 3, **conv),
            layers.Conv2D(32, 3, **conv),
            layers.Dropout(0.2),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, **conv),
            layers.Conv2D(64, 3, **conv),
            layers.Dropout(0.2),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, **conv),
            layers.Conv2D(128, 3, **conv),
            layers.Dropout(0.2),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1024, "relu"),
            layers.Dropout(0.5),
            layers.Dense(1024, "relu"),
            layers.Dropout(0.5),
            layers.Dense(25, "sigmoid"),
        ]
    )


@pytest.fixture(scope="module")
def posters():
    return np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def reference():
    return PosterCNN(GENRES, rescale=False, seed=0)


def test_layers_have_the_reports_names_in_its_order_and_its_parameters(reference):
    assert [layer.name for layer in reference.layers] == NAMES
    assert reference.count_params() == 3_464_601
    assert [reference.get_layer(f"Pool{i}").output.shape[1:] for i in (1, 2, 3)] == [
        (16, 16, 32), (8, 8, 64), (4, 4, 128),
    ]  # fmt: skip
    rates = [reference.get_layer(f"Drop{i}").rate for i in range(1, 7)]
    assert rates == [0.2, 0.2, 0.2, 0.2, 0.5, 0.5]


def test_initialisers_are_kerass_defaults(reference):
    for ours, plain in zip(
        (layer for layer in reference.layers if layer.weights),
        (layer for layer in plain_cnn().layers if layer.weights),
        strict=True,
    ):
        assert type(ours.kernel_initializer) is type(plain.kernel_initializer)
        assert type(ours.bias_initializer) is type(plain.bias_initializer)
        assert float(np.std(ours.kernel)) == pytest.approx(float(np.std(plain.kernel)), rel=0.2)


def test_same_weights_give_the_outputs_and_gradients_of_plain_keras(reference, posters):
    plain = plain_cnn()
    plain.set_weights(reference.get_weights())
    labels = np.random.default_rng(1).integers(0, 2, (6, 25)).astype(np.float32)
    results = []
    for model in (reference, plain):
        with tf.GradientTape() as tape:
            probabilities = model(posters.astype(np.float32), training=False)
            loss = keras.losses.binary_crossentropy(labels, probabilities)
        results.append([probabilities, *tape.gradient(loss, model.trainable_weights)])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_rescaling_is_the_same_network_on_posters_divided_by_255(reference, posters):
    rescaled = PosterCNN(GENRES, seed=1)
    rescaled.set_weights(reference.get_weights())
    expected = reference(posters.astype(np.float32) / 255)
    np.testing.assert_allclose(rescaled(posters), expected, rtol=1e-5, atol=1e-6)


def test_a_saved_model_gives_the_same_numbers_and_names(reference, posters, tmp_path):
    reference.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, PosterCNN) and isinstance(loaded.encoder, PosterEncoder)
    assert loaded.genres == reference.genres and not loaded.encoder.rescale
    np.testing.assert_array_equal(loaded(posters), reference(posters))


def test_one_seed_gives_one_model_and_another_seed_another():
    first, again, other = (PosterCNN(["A", "B"], seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_the_encoder_is_everything_up_to_drop6_and_shares_its_layers(reference, posters):
    assert [layer.name for layer in reference.encoder.layers] == NAMES[:-1]
    features = reference.encoder(posters)
    assert features.shape == (6, 1024)
    np.testing.assert_allclose(
        reference.get_layer("Output")(features), reference(posters), rtol=1e-5, atol=1e-7
    )


def test_a_frozen_encoder_keeps_its_weights_while_the_head_learns(posters):
    model = PosterCNN(["A", "B"], seed=0)
    model.encoder.trainable = False
    before = [np.array(weight) for weight in model.encoder.weights]
    head = np.array(model.get_layer("Output").kernel)
    compile_model(model, Recipe(epochs=1)).fit(posters, np.ones((6, 2)), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.encoder.weights, strict=True))
    assert not np.array_equal(head, model.get_layer("Output").kernel)


def test_an_encoder_alone_works_in_another_model(posters):
    encoder = PosterEncoder(seed=0)
    other = keras.Sequential([keras.Input((64, 64, 3)), encoder, layers.Dense(3)])
    assert other(posters).shape == (6, 3)
    assert PosterEncoder.from_config(encoder.get_config()).count_params() == 3_438_976
