import keras
import numpy as np
import pytest

from multigenre import OverviewLSTM, PosterCNN, make_films
from multigenre._checks import InputError
from multigenre.members import OverviewMember, PosterMember
from multigenre.networks import OverviewDesign, PosterCache, PosterDesign, Recipe
from multigenre.networks._recipe import AsymmetricLoss, make_loss

GENRES = ["Comedy", "Drama", "War"]
SMALL = PosterDesign(size=16, filters=(4, 8), dense=(8,), augment=True)


@pytest.fixture(scope="module")
def roles(tmp_path_factory):
    films = make_films(48, genres=4, folder=tmp_path_factory.mktemp("posters"))
    return films.split({"train": 0.5, "validation": 0.25, "test": 0.25})


def test_a_poster_network_has_the_sizes_and_the_depth_that_its_design_says():
    model = PosterCNN(GENRES, design=SMALL, seed=0)
    assert model.input.shape == (None, 16, 16, 3)
    assert [model.get_layer(f"Conv{number}").filters for number in range(3)] == [4, 8, 8]
    assert model.get_layer("FC1").units == 8
    assert {"Mirror", "Shift"} <= {layer.name for layer in model.layers}
    with pytest.raises(ValueError, match="No such layer"):
        model.get_layer("Conv3")


def test_an_overview_network_has_the_sizes_and_the_depth_that_its_design_says():
    model = OverviewLSTM(
        GENRES, design=OverviewDesign(max_tokens=50, embedding=4, units=(6, 3, 2), dense=5), seed=0
    )
    assert model.get_layer("Embedding").embeddings.shape == (50, 4)
    assert [model.get_layer(f"LSTM{number}").units for number in (1, 2, 3)] == [6, 3, 2]
    assert model.encoder.output.shape == (None, 5)


def test_augmentation_changes_posters_in_training_and_never_in_prediction():
    posters = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype("float32")
    augmented, plain = (
        PosterCNN(GENRES, design=PosterDesign(size=16, filters=(4, 8), dense=(8,), augment=augment), seed=0)
        for augment in (True, False)
    )
    np.testing.assert_array_equal(augmented.predict(posters, verbose=0), plain.predict(posters, verbose=0))
    moved = augmented.get_layer("Shift")(augmented.get_layer("Mirror")(posters, training=True), training=True)
    assert not np.allclose(moved, posters)


@pytest.mark.parametrize("model", [PosterCNN, OverviewLSTM])
def test_a_design_survives_a_save_and_a_load(model, tmp_path):
    design = SMALL if model is PosterCNN else OverviewDesign(max_tokens=9, embedding=2, units=(2,), dense=2)
    made = model(GENRES, design=design)
    if model is OverviewLSTM:
        made.adapt(["a plot of words"])
    made.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").encoder.design == design


def test_a_member_reads_posters_of_its_designs_size_whatever_is_shared(roles, tmp_path):
    member = PosterMember(Recipe(epochs=1, batch_size=8), design=SMALL)
    member.fit(roles["train"], roles["validation"], posters=PosterCache(64))
    found = member.predict(roles["test"], posters=PosterCache(64))
    np.testing.assert_array_equal(found.values, member.predict(roles["test"], posters=PosterCache(16)).values)
    member.save(tmp_path)
    loaded = PosterMember(Recipe(epochs=9)).load(tmp_path)
    assert loaded.design == SMALL
    np.testing.assert_array_equal(loaded.predict(roles["test"]).values, found.values)


def test_a_member_of_one_lstm_predicts_what_its_model_does(roles):
    design = OverviewDesign(max_tokens=60, embedding=4, units=(4,), dense=4)
    member = OverviewMember(Recipe(epochs=1, batch_size=8, loss="focal"), design=design)
    member.fit(roles["train"], roles["validation"])
    overviews = np.array(roles["test"].overviews, dtype=object)
    np.testing.assert_allclose(
        member.predict(roles["test"]).values, member.model_(keras.ops.convert_to_tensor(overviews)), atol=1e-6
    )


def test_losses_are_what_their_papers_say():
    labels, values = np.array([[1.0, 0.0, 1.0]]), np.array([[0.7, 0.2, 0.9]])
    smoothed = labels * 0.9 + 0.05
    entropy = -(smoothed * np.log(values) + (1 - smoothed) * np.log(1 - values)).mean()
    assert float(make_loss("binary-crossentropy", label_smoothing=0.1)(labels, values)) == pytest.approx(
        entropy, 1e-5
    )
    of_truth = np.where(labels == 1, values, 1 - values)
    focal = -((1 - of_truth) ** 2 * np.log(of_truth)).mean()
    assert float(make_loss("focal")(labels, values)) == pytest.approx(focal, 1e-4)
    asymmetric = -(0.3 * np.log(0.7) + 0.15**4 * np.log(0.85) + 0.1 * np.log(0.9)) / 3
    assert float(make_loss("asymmetric")(labels, values)) == pytest.approx(asymmetric, 1e-5)
    loss = AsymmetricLoss(margin=0.1, label_smoothing=0.2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert float(again(labels, values)) == float(loss(labels, values))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PosterDesign(filters=()), "PosterDesign needs a positive whole filters, got ()"),
        (
            lambda: PosterDesign(size=8),
            "4 numbers of filters need posters of 16 pixels a side or more, got size=8",
        ),
        (lambda: PosterDesign(dropout=1), "PosterDesign needs dropout at least 0 and below 1, got 1"),
        (lambda: OverviewDesign(units=(8, 0)), "OverviewDesign needs a positive whole units, got"),
        (lambda: OverviewDesign(max_tokens=2), "A vocabulary needs max_tokens of 3 or more"),
        (lambda: make_loss("hinge"), "A loss is one of binary-crossentropy, focal, asymmetric, got 'hinge'."),
        (
            lambda: make_loss("focal", label_smoothing=1),
            "label_smoothing must be at least 0 and below 1, got 1.",
        ),
        (
            lambda: PosterMember(Recipe(1), design=OverviewDesign()),
            "poster-cnn is made by PosterDesign",
        ),
    ],
)
def test_what_makes_no_network_is_refused(make, sentence):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value).startswith(sentence)
