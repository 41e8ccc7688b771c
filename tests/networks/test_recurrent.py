import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.networks import BidirectionalLSTM
from multigenre.networks._recurrent import draw_dropout

GATES_OF_KERAS = [0, 1, 3, 2]  # ours are input, forget, output, candidate


def keras_twin(layer, n_inputs):
    """The plain Keras layer with the same weights."""
    lstm = keras.layers.LSTM(
        layer.units,
        dropout=layer.dropout,
        recurrent_dropout=layer.recurrent_dropout,
        return_sequences=layer.return_sequences,
    )
    twin = keras.layers.Bidirectional(lstm)
    twin.build((None, None, n_inputs))
    twin.set_weights(layer.get_weights())
    return twin


def made_layer(rng, n_inputs, **options):
    """A layer whose weights, biases too, are far from zero."""
    layer = BidirectionalLSTM(int(rng.integers(1, 6)), **options)
    layer.build((None, None, n_inputs))
    layer.set_weights([rng.normal(0, 0.7, w.shape) for w in layer.get_weights()])
    return layer


def twin_with_equal_dropout(layer, n_films, n_inputs):
    """The plain Keras layer with the same weights, and from now on the same dropout masks in both."""
    twin = keras_twin(layer, n_inputs)
    masks = layer.draw_masks(n_films, n_inputs)
    layer.draw_masks = lambda *_: masks
    for direction, way in enumerate((twin.forward_layer, twin.backward_layer)):
        inputs_masks, state_masks = (None if m is None else list(m[:, direction]) for m in masks)
        if inputs_masks:
            by_gate = [inputs_masks[gate] for gate in GATES_OF_KERAS] if layer.recurrent_dropout else None
            way.cell._dropout_mask = by_gate or inputs_masks[0]
        if state_masks:
            way.cell._recurrent_dropout_mask = [state_masks[gate] for gate in GATES_OF_KERAS]
    return twin


def output_and_gradients(layer, inputs, mask):
    """The output, and the gradients of a weighted sum of it for the inputs and every weight."""
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = layer(inputs, mask=mask, training=True)
        share = np.random.default_rng(0).normal(size=output.shape).astype("float32")
        total = tf.reduce_sum(output * share)
    return [output, *tape.gradient(total, [inputs, *layer.trainable_weights])]


def assert_close(ours, plain, tolerance=1e-5):
    for one, other in zip(ours, plain, strict=True):
        assert one.shape == other.shape
        largest = max(np.abs(other).max(initial=0), 1e-3)
        assert np.abs(one - other).max(initial=0) / largest < tolerance


def right_padded(rng, n_films, n_tokens):
    lengths = rng.integers(0, n_tokens + 1, n_films)
    lengths[0] = 0
    return np.arange(n_tokens) < lengths[:, None]


def with_holes(rng, n_films, n_tokens):
    return rng.random((n_films, n_tokens)) < 0.6


def no_mask(rng, n_films, n_tokens):
    return None


cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10_000),
        "return_sequences": st.booleans(),
        "make_mask": st.sampled_from([right_padded, with_holes, no_mask]),
    }
)


@settings(max_examples=25, deadline=None)
@given(case=cases)
def test_outputs_and_every_gradient_are_those_of_keras_without_dropout(case):
    rng = np.random.default_rng(case["seed"])
    n_films, n_tokens, n_inputs = rng.integers(1, 7, 3)
    layer = made_layer(rng, n_inputs, return_sequences=case["return_sequences"])
    inputs = rng.normal(size=(n_films, n_tokens, n_inputs)).astype("float32")
    mask = case["make_mask"](rng, n_films, n_tokens)
    ours = output_and_gradients(layer, inputs, mask)
    assert_close(ours, output_and_gradients(keras_twin(layer, n_inputs), inputs, mask))


@settings(max_examples=25, deadline=None)
@given(case=cases, rates=st.sampled_from([(0.5, 0.2), (0.5, 0.0), (0.0, 0.3)]))
def test_outputs_and_every_gradient_are_those_of_keras_with_the_same_dropout_masks(case, rates):
    rng = np.random.default_rng(case["seed"])
    n_films, n_tokens, n_inputs = rng.integers(1, 7, 3)
    layer = made_layer(
        rng, n_inputs, dropout=rates[0], recurrent_dropout=rates[1], return_sequences=case["return_sequences"]
    )
    twin = twin_with_equal_dropout(layer, n_films, n_inputs)
    inputs = rng.normal(size=(n_films, n_tokens, n_inputs)).astype("float32")
    mask = case["make_mask"](rng, n_films, n_tokens)
    assert_close(output_and_gradients(layer, inputs, mask), output_and_gradients(twin, inputs, mask))


@pytest.mark.parametrize("make_mask", [right_padded, with_holes, no_mask])
def test_a_compiled_training_step_is_that_of_keras_with_the_same_dropout_masks(make_mask):
    rng = np.random.default_rng(4)
    layer = made_layer(rng, 7, dropout=0.5, recurrent_dropout=0.2, return_sequences=True)
    twin = twin_with_equal_dropout(layer, 5, 7)
    inputs, mask = rng.normal(size=(5, 8, 7)).astype("float32"), make_mask(rng, 5, 8)
    compiled = tf.function(lambda inputs: output_and_gradients(layer, inputs, mask), autograph=False)
    assert_close(compiled(inputs), output_and_gradients(twin, inputs, mask))


def test_a_compiled_step_gives_what_an_eager_one_gives():
    rng = np.random.default_rng(3)
    layer = made_layer(rng, 4)
    inputs, mask = rng.normal(size=(5, 6, 4)).astype("float32"), right_padded(rng, 5, 6)
    compiled = tf.function(lambda inputs: output_and_gradients(layer, inputs, mask))
    assert_close(compiled(inputs), output_and_gradients(layer, inputs, mask), 1e-6)
    forward_only = tf.function(lambda inputs: layer(inputs, mask=mask))
    with tf.GradientTape() as tape:  # the gradient then crosses the border of the function
        total = tf.reduce_sum(forward_only(inputs) ** 2)
    crossing = tape.gradient(total, layer.trainable_weights)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(inputs, mask=mask) ** 2)
    assert_close(crossing, tape.gradient(total, layer.trainable_weights), 1e-6)


def test_weights_go_to_keras_and_come_back():
    layer = BidirectionalLSTM(3, dropout=0.5, recurrent_dropout=0.2)
    layer.build((None, None, 4))
    twin = keras_twin(layer, 4)
    assert [w.shape for w in layer.get_weights()] == [w.shape for w in twin.get_weights()]
    weights = [w + 1 for w in twin.get_weights()]
    layer.set_weights(weights)
    for one, other in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_initial_weights_follow_keras():
    layer = BidirectionalLSTM(5, seed=1)
    layer.build((None, None, 7))
    kernel, recurrent, bias, other_kernel, other_recurrent, _ = layer.get_weights()
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(5), atol=1e-5)
    assert np.abs(kernel).max() <= np.sqrt(6 / (7 + 20))
    np.testing.assert_array_equal(bias, [0] * 5 + [1] * 5 + [0] * 10)
    assert (kernel != other_kernel).any() and (recurrent != other_recurrent).any()


def test_dropout_masks_are_scaled_and_differ_by_gate_direction_and_film():
    layer = BidirectionalLSTM(50, dropout=0.5, recurrent_dropout=0.2, seed=0)
    inputs, states = (np.asarray(mask) for mask in layer.draw_masks(40, 60))
    assert inputs.shape == (4, 2, 40, 60) and states.shape == (4, 2, 40, 50)
    assert set(np.unique(inputs)) == {0, 2} and set(np.unique(states)) == {0, np.float32(1.25)}
    assert abs(inputs.mean() - 1) < 0.03 and abs(states.mean() - 1) < 0.02
    for masks in (inputs, states):
        rows = masks.reshape(-1, masks.shape[-1])
        assert len(np.unique(rows, axis=0)) == len(rows)


def test_without_recurrent_dropout_all_gates_share_one_mask_of_the_inputs():
    inputs, states = BidirectionalLSTM(5, dropout=0.5).draw_masks(3, 4)
    assert inputs.shape == (1, 2, 3, 4) and states is None


def test_dropout_keeps_its_mask_over_the_sequence_and_sleeps_at_inference():
    layer = BidirectionalLSTM(8, dropout=0.5, return_sequences=True, seed=0)
    # Without recurrent weights or memory, equal inputs give equal states at every step.
    layer.build((None, None, 4))
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=w.shape) if w.shape == (4, 32) else 0 * w for w in layer.get_weights()]
    for way in (2, 5):
        weights[way][8:16] = -50  # the forget gate's bias
    layer.set_weights(weights)
    x = np.ones((2, 5, 4), "float32")
    dropped = layer(x, training=True)
    np.testing.assert_allclose(dropped, np.repeat(dropped[:, :1], 5, axis=1), rtol=1e-6)
    assert (dropped != layer(x, training=True)).numpy().any()
    np.testing.assert_array_equal(layer(x), layer(x, training=False))


@pytest.mark.parametrize("n_films, n_tokens", [(2, 0), (0, 3)])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_no_tokens_or_no_films_give_zeros_and_gradients_of_zero(n_films, n_tokens, return_sequences):
    layer = BidirectionalLSTM(3, dropout=0.5, recurrent_dropout=0.2, return_sequences=return_sequences)
    output, *gradients = output_and_gradients(layer, np.zeros((n_films, n_tokens, 4), "float32"), None)
    assert output.shape == ((n_films, n_tokens, 6) if return_sequences else (n_films, 6))
    assert not np.any(output)
    assert not any(np.any(gradient) for gradient in gradients)


def test_a_film_is_read_alike_whatever_it_is_padded_to():
    rng = np.random.default_rng(0)
    layer = made_layer(rng, 4)
    x = rng.normal(size=(1, 9, 4)).astype("float32")
    padded = layer(x, mask=np.arange(9)[None] < 5)
    np.testing.assert_allclose(layer(x[:, :5]), padded, rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_dropout():
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    outputs = [
        BidirectionalLSTM(6, dropout=0.5, recurrent_dropout=0.2, seed=seed)(x, training=True).numpy()
        for seed in (7, 7, 8)
    ]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert (outputs[0] != outputs[2]).any()


def stacked_model(**options):
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(20, 6, mask_zero=True),
            BidirectionalLSTM(5, return_sequences=True, **options),
            BidirectionalLSTM(4, **options),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    return model


def made_tokens():
    tokens = np.random.default_rng(0).integers(1, 20, (32, 7))
    tokens[np.arange(7) >= np.arange(32)[:, None] % 8] = 0  # lengths 0 to 7
    return tokens, (tokens == 3).any(1, keepdims=True).astype("float32")


def test_the_mask_reaches_a_second_layer_and_ends_with_the_token_axis():
    model, (tokens, _) = stacked_model(), made_tokens()
    longer = np.pad(tokens, ((0, 0), (0, 4)))
    np.testing.assert_allclose(model(tokens), model(longer), rtol=1e-5, atol=1e-6)
    mask = tf.constant([[True, False]])
    assert BidirectionalLSTM(3, return_sequences=True).compute_mask(None, mask) is mask
    assert BidirectionalLSTM(3).compute_mask(None, mask) is None


def test_a_model_learns_saves_and_loads(tmp_path):
    keras.utils.set_random_seed(0)
    model, (tokens, labels) = stacked_model(dropout=0.1, recurrent_dropout=0.1, seed=1), made_tokens()
    losses = model.fit(tokens, labels, batch_size=8, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(tokens), loaded(tokens))
    assert loaded.layers[1].get_config() == model.layers[1].get_config()


def test_symbolic_shapes_are_the_real_ones():
    words = keras.Input((None, 4))
    sequences = BidirectionalLSTM(3, return_sequences=True)(words)
    last = BidirectionalLSTM(2)(sequences)
    assert sequences.shape == (None, None, 6) and last.shape == (None, 4)
    assert keras.Model(words, last)(np.ones((2, 5, 4), "float32")).shape == (2, 4)


@pytest.mark.parametrize("policy, tolerance", [("mixed_float16", 5e-3), ("mixed_bfloat16", 4e-2)])
def test_mixed_precision_stays_near_single_precision(policy, tolerance):
    rng = np.random.default_rng(0)
    layer = made_layer(rng, 4, return_sequences=True)
    mixed = BidirectionalLSTM(layer.units, return_sequences=True, dtype=policy)
    mixed.build((None, None, 4))
    mixed.set_weights(layer.get_weights())
    inputs, mask = rng.normal(size=(3, 5, 4)).astype("float32"), right_padded(rng, 3, 5)
    with tf.GradientTape() as tape:
        output = mixed(inputs, mask=mask)
        total = tf.reduce_sum(tf.cast(output, "float32"))
    assert output.dtype == mixed.compute_dtype
    assert all(gradient.dtype == "float32" for gradient in tape.gradient(total, mixed.trainable_weights))
    np.testing.assert_allclose(tf.cast(output, "float32"), layer(inputs, mask=mask), atol=tolerance)


def test_draw_dropout_drops_at_its_rate():
    kept = np.asarray(draw_dropout((100, 100), 0.2, 3))
    assert abs((kept == 0).mean() - 0.2) < 0.02


@pytest.mark.parametrize(
    "options, message",
    [
        ({"units": 0}, "at least one unit, got units=0"),
        ({"units": 2, "dropout": 1.0}, "needs dropout at least 0 and below 1, got 1.0"),
        ({"units": 2, "recurrent_dropout": -0.1}, "needs recurrent_dropout at least 0 and below 1, got -0.1"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        BidirectionalLSTM(**options)
