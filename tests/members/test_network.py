import logging
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre._signatures import no_progress
from multigenre.members import OverviewMember, PosterMember
from multigenre.networks import (
    ArrayBatches,
    PosterCache,
    Recipe,
    compile_model,
    train_model,
    training_dataset,
)
from multigenre.networks import _checkpoint as _checkpoint

RECIPE = Recipe(epochs=4, batch_size=8, learning_rate=0.02, constant_epochs=2)


class Killed(BaseException):
    """Stands for whatever ends a process."""


# The recipe


def test_the_rate_is_constant_for_ten_epochs_and_then_decays():
    recipe = Recipe(epochs=20)
    assert recipe.rate(0) == recipe.rate(9) == 1e-4
    assert recipe.rate(10) == pytest.approx(1e-4 * math.exp(-0.01))
    assert recipe.rate(19) == pytest.approx(1e-4 * math.exp(-0.1))


def test_a_model_is_compiled_as_the_reference_does():
    model = compile_model(tiny_model(), Recipe(epochs=1))
    assert type(model.optimizer) is keras.optimizers.Adam
    plain = keras.optimizers.Adam(1e-4).get_config()
    assert {**model.optimizer.get_config(), "name": ""} == {**plain, "name": ""}
    labels, values = (
        np.array([[1, 0, 1], [0, 0, 1]]),
        np.array([[0.9, 0.6, 0.4], [0.2, 0.5, 0.7]], np.float32),
    )
    found = dict(zip(("loss", "precision", "recall"), tiny_metrics(model, labels, values), strict=True))
    assert found["loss"] == pytest.approx(
        float(np.mean(-np.log(np.where(labels, values, 1 - values)))), rel=1e-5
    )
    # Over all films and genres at once; 0.5 itself is no hit.
    assert (found["precision"], found["recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


def tiny_metrics(model, labels, values):
    """Return loss, precision and recall of a model's compiled loss and metrics for given probabilities."""
    identity = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    identity.compile(loss=model.loss, metrics=model._compile_metrics._user_metrics)
    return identity.evaluate(values, labels, verbose=0)


# Training


def tiny_model(seed=0):
    """A model with two random generators that every step moves on."""
    layers = keras.layers
    glorot = [keras.initializers.GlorotUniform(seed + i) for i in range(2)]
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dropout(0.3, seed=seed),
            layers.Dense(8, "relu", kernel_initializer=glorot[0]),
            layers.Dropout(0.3, seed=seed + 1),
            layers.Dense(3, "sigmoid", kernel_initializer=glorot[1]),
        ],
        name="tiny_model",
    )
    compile_model(model, RECIPE)
    model.run_eagerly = True  # to trace it takes longer than to train it
    return model


def tiny_data():
    """Return (inputs, labels) of 24 training and 8 validation films; few and noisy, so that they overfit."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(32, 5)).astype(np.float32)
    labels = (inputs[:, :3] + rng.normal(size=(32, 3)) > 0).astype(np.uint8)
    return (inputs[:24], labels[:24]), (inputs[24:], labels[24:])


def train_tiny(folder, *, recipe=RECIPE, progress=no_progress, validated=True):
    """Train the tiny model; return its weights, the history and the model."""
    model, (train, validation) = tiny_model(), tiny_data()
    batches = training_dataset(
        ArrayBatches(*train), batch_size=8, seed=0, epoch=lambda: int(model.optimizer.iterations) // 3
    )
    check = training_dataset(ArrayBatches(*validation), batch_size=8) if validated else None
    history = train_model(model, batches, check, recipe=recipe, folder=folder, progress=progress)
    return model.get_weights(), history, model


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train_tiny(tmp_path_factory.mktemp("whole"))


def assert_same_run(got, expected):
    for weights, others in zip(got[0], expected[0], strict=True):
        np.testing.assert_allclose(weights, others, atol=1e-7)
    np.testing.assert_allclose(got[1], expected[1], atol=1e-7)
    assert got[1].columns.equals(expected[1].columns) and got[1].index.equals(expected[1].index)


def test_the_history_has_a_row_an_epoch(whole):
    history = whole[1]
    names = {"loss", "precision", "recall", "learning_rate", "val_loss", "val_precision", "val_recall"}
    assert set(history.columns) == names
    assert history.index.name == "epoch" and history.index.tolist() == list(range(4))
    np.testing.assert_allclose(
        history["learning_rate"], [RECIPE.rate(epoch) for epoch in range(4)], rtol=1e-6
    )


def test_the_weights_of_the_lowest_validation_loss_are_kept(tmp_path):
    recipe = replace(RECIPE, epochs=12, learning_rate=0.1)
    _, history, model = train_tiny(tmp_path, recipe=recipe)
    inputs, labels = tiny_data()[1]
    loss = model.evaluate(inputs, labels, verbose=0, batch_size=8)[0]
    assert history["val_loss"].idxmin() < 11  # or the last epoch would do as well
    assert loss == pytest.approx(history["val_loss"].min(), abs=1e-6)


def test_without_validation_films_the_last_epoch_is_kept(tmp_path):
    weights, history, _ = train_tiny(tmp_path, validated=False, recipe=replace(RECIPE, patience=1))
    assert len(history) == 4 and not any(name.startswith("val_") for name in history)
    again, _, _ = train_tiny(tmp_path, validated=False, recipe=replace(RECIPE, patience=1))
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))


def test_training_stops_out_of_patience(tmp_path):
    recipe = replace(RECIPE, epochs=30, learning_rate=0.1, patience=2)
    expected = train_tiny(tmp_path / "whole", recipe=recipe)
    best, n_epochs = expected[1]["val_loss"].idxmin(), len(expected[1])
    assert n_epochs == best + 3 < 30
    # The epochs without progress count across a kill, and a run that had stopped does not start again.
    with pytest.raises(Killed):
        train_tiny(tmp_path / "killed", recipe=recipe, progress=kill_after(3 * (n_epochs - 1) + 1))
    assert_same_run(train_tiny(tmp_path / "killed", recipe=recipe), expected)
    assert_same_run(train_tiny(tmp_path / "killed", recipe=recipe, progress=kill_after(0)), expected)


def kill_after(n_steps):
    def progress(what, done, total):
        if done > n_steps:
            raise Killed

    return progress


@pytest.mark.parametrize("n_steps", [2, 7, 11])
def test_a_killed_run_ends_as_if_it_had_not_been_killed(whole, tmp_path, n_steps):
    with pytest.raises(Killed):
        train_tiny(tmp_path, progress=kill_after(n_steps))
    assert_same_run(train_tiny(tmp_path), whole)


@pytest.mark.parametrize("n_files", [1, 2, 4])
def test_a_run_killed_while_it_writes_ends_as_if_it_had_not_been_killed(
    whole, tmp_path, n_files, monkeypatch
):
    written, write = [], _checkpoint._write

    def half_write(path, *rest):
        if len(written) == n_files:
            path.with_name(f"_{path.name}.partial").write_bytes(b"half of it")
            raise Killed
        write(path, *rest)
        written.append(path.name)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(_checkpoint, "_write", half_write)
        train_tiny(tmp_path)
    assert written[:2] == ["best.npz", "state.npz"][:n_files]
    assert_same_run(train_tiny(tmp_path), whole)


def test_a_process_killed_with_signal_9_goes_on_in_another(whole, tmp_path):
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_network
def progress(what, done, total):
    if done == 8:
        os.kill(os.getpid(), signal.SIGKILL)
test_network.train_tiny({str(tmp_path)!r}, progress=progress)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(__file__).parents[2])
    assert found.returncode == -signal.SIGKILL, found.stderr.decode()
    steps = []
    assert_same_run(train_tiny(tmp_path, progress=lambda what, done, total: steps.append(done)), whole)
    assert steps == list(range(7, 13))


def test_a_finished_run_is_not_trained_again(whole, tmp_path):
    train_tiny(tmp_path)
    assert_same_run(train_tiny(tmp_path, progress=kill_after(0)), whole)


def test_more_epochs_go_on_where_fewer_ended(whole, tmp_path):
    train_tiny(tmp_path, recipe=replace(RECIPE, epochs=2))
    assert_same_run(train_tiny(tmp_path), whole)


def test_a_folder_with_another_models_training_is_refused(tmp_path):
    train_tiny(tmp_path, recipe=replace(RECIPE, epochs=1))
    other = compile_model(keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]), RECIPE)
    data = training_dataset(ArrayBatches(*tiny_data()[0]))
    with pytest.raises(InputError, match="holds the training of another model; choose another folder"):
        train_model(other, data, recipe=RECIPE, folder=tmp_path)


def test_an_epoch_whose_validation_loss_is_not_a_number_is_never_the_best(tmp_path):
    checkpoint = _checkpoint.Checkpoint(tiny_model(), tmp_path, patience=1)
    for epoch, loss in enumerate([math.nan, 0.5, math.nan]):
        checkpoint.on_epoch_end(epoch, {"val_loss": loss})
    assert checkpoint.best_epoch() == 1 and checkpoint.out_of_patience()


def test_progress_counts_steps_of_all_epochs_and_tells_the_validation_loss(tmp_path):
    calls = []
    _, history, _ = train_tiny(tmp_path, progress=lambda *call: calls.append(call))
    assert [call[1:] for call in calls] == [(step, 12) for step in range(1, 13)]
    assert calls[0][0] == "tiny-model, epoch 1 of 4"
    assert calls[3][0] == f"tiny-model, epoch 2 of 4, validation loss {history['val_loss'][0]:.4f}"


# Members


MEMBER_RECIPE = Recipe(epochs=2, batch_size=16, learning_rate=1e-3)


@pytest.fixture(scope="module")
def roles(made_films):
    return {
        "train": made_films.take(np.arange(40)).with_role("train"),
        "validation": made_films.take(np.arange(40, 56)).with_role("validation"),
        "test": made_films.take(np.arange(56, 80)).with_role("test"),
    }


@pytest.fixture(scope="module")
def posters(made_films):
    cache = PosterCache()
    cache.load(made_films.posters)
    return cache


@pytest.fixture(scope="module", params=[PosterMember, OverviewMember])
def member(request, roles, posters):
    return request.param(MEMBER_RECIPE).fit(roles["train"], roles["validation"], posters=posters)


def without(films, modality, rows):
    """Return films some of which lack a modality."""
    field = f"{modality}s"
    return replace(
        films, **{field: np.where(np.isin(np.arange(len(films)), rows), "", getattr(films, field))}
    )


def test_a_member_gives_named_probabilities_of_films_it_did_not_see(member, roles, posters):
    probabilities = member.predict(roles["test"], posters=posters)
    assert probabilities.name == member.name and probabilities.genres == roles["train"].genres
    assert list(probabilities.ids) == list(roles["test"].ids) and probabilities.role == "test"
    assert probabilities.present.all() and len(member.history_) == 2
    assert member.learned_ids_ == {role: tuple(roles[role].ids) for role in ("train", "validation")}


def test_the_same_seed_gives_the_same_numbers_even_after_a_kill(member, roles, posters, tmp_path):
    """Weights, dropout, the order of films and the vocabulary are all as they would have been."""
    films = (roles["train"], roles["validation"])
    with pytest.raises(Killed):
        type(member)(MEMBER_RECIPE).fit(*films, folder=tmp_path, progress=kill_after(4))
    again = type(member)(MEMBER_RECIPE).fit(*films, folder=tmp_path)
    np.testing.assert_allclose(again.history_, member.history_, atol=1e-6)
    expected = member.predict(roles["test"], posters=posters)
    np.testing.assert_allclose(again.predict(roles["test"]).values, expected.values, atol=1e-6)


@pytest.mark.parametrize("member", [PosterMember], indirect=True)
def test_another_seed_gives_other_numbers(member, roles, posters):
    recipe = replace(MEMBER_RECIPE, epochs=1)
    other = PosterMember(recipe, seed=1).fit(roles["train"], posters=posters)
    assert other.history_["loss"][0] != member.history_["loss"][0]


def test_a_saved_member_gives_the_same_numbers(member, roles, posters, tmp_path):
    member.save(tmp_path)
    loaded = type(member)(Recipe(epochs=1)).load(tmp_path)
    expected = member.predict(roles["test"], posters=posters)
    np.testing.assert_allclose(loaded.predict(roles["test"]).values, expected.values, atol=1e-6)
    assert (loaded.recipe, loaded.seed, loaded.design) == (MEMBER_RECIPE, 0, member.design)
    assert (loaded.genres_, loaded.learned_ids_) == (member.genres_, member.learned_ids_)
    np.testing.assert_allclose(loaded.history_, member.history_, rtol=1e-12)
    assert loaded.history_.columns.equals(member.history_.columns)
    assert getattr(loaded.model_, "optimizer", None) is None
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "history.csv", "member.json"}
    loaded.save(tmp_path)  # and once more


def test_films_without_the_modality_are_not_present_and_change_no_other(member, roles, posters):
    films = without(roles["test"], member.modality, range(0, 24, 2))
    probabilities = member.predict(films, posters=posters)
    assert not probabilities.present[::2].any() and np.isnan(probabilities.values[::2]).all()
    expected = member.predict(roles["test"], posters=posters)
    np.testing.assert_allclose(probabilities.values[1::2], expected.values[1::2], atol=1e-6)
    nobody = member.predict(without(films, member.modality, range(24)), posters=posters)
    assert not nobody.present.any()


def test_what_cannot_be_read_is_named_and_neither_trains_nor_validates(roles, tmp_path, caplog):
    (tmp_path / "text.jpg").write_text("no poster")
    films = replace(roles["train"], posters=[str(tmp_path / "text.jpg"), *roles["train"].posters[1:]])
    validation = without(roles["validation"], "poster", range(16))
    with caplog.at_level(logging.WARNING, "multigenre"):
        member = PosterMember(replace(MEMBER_RECIPE, epochs=1)).fit(films, validation)
        probabilities = member.predict(films)
    assert caplog.text.count(f"1 posters cannot be read and count as missing: {films.ids[0]}") == 2
    assert "poster-cnn keeps its last epoch: validation films have no posters." in caplog.text
    assert member.learned_ids_ == {"train": tuple(films.ids[1:]), "validation": ()}
    assert "val_loss" not in member.history_
    assert probabilities.present.tolist() == [False, *[True] * 39]


def test_films_that_trained_a_member_or_chose_its_epoch_are_no_test_films(member, roles, posters):
    for role, n_films in (("train", 40), ("validation", 16)):
        assert member.predict(roles[role].with_role(None), posters=posters).role == role
        with pytest.raises(
            InputError, match=f"{n_films} of the test films .* were {role} films of {member.name}"
        ):
            member.predict(roles[role].with_role("test"), posters=posters)


def test_bad_input_is_refused_in_one_sentence(roles):
    member = PosterMember(MEMBER_RECIPE)
    with pytest.raises(
        InputError, match="poster-cnn needs films with posters, but none of the training films has one"
    ):
        member.fit(without(roles["train"], "poster", range(40)))
    with pytest.raises(InputError, match="whose genres are known"):
        member.fit(replace(roles["train"], labels=None, genres=None))
    with pytest.raises(InputError, match="Training learned from 40 of these films"):
        member.fit(roles["train"], roles["train"].with_role("validation"))
    other = replace(roles["validation"], genres=[f"genre {i}" for i in range(6)])
    with pytest.raises(
        InputError, match="Training and validation films of poster-cnn must name the same genres"
    ):
        member.fit(roles["train"], other)


def test_a_member_trained_again_stops_where_the_validation_films_were_best():
    member = PosterMember(Recipe(epochs=40, patience=6))
    member.history_ = pd.DataFrame({"loss": [3.0, 2.0, 1.0, 0.5], "val_loss": [3.0, 2.0, 2.5, 4.0]})
    again = member.settled()
    assert (again.recipe.epochs, again.recipe.patience) == (2, None) and member.recipe.epochs == 40
    member.history_ = member.history_[["loss"]]
    assert member.settled().recipe == member.recipe
