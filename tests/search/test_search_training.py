import json

import keras_tuner
import numpy as np
import pytest

from multigenre import make_films
from multigenre.members import make_network, read_settings
from multigenre.scores import scores
from multigenre.search import FilmTrial, NetworkHyperModel, SearchPlan, leaderboard, search

# KerasTuner names its threads as Python did before 3.10.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name}:DeprecationWarning") for name in ("currentThread", "getName")
]


@pytest.fixture(scope="module")
def roles(tmp_path_factory):
    films = make_films(60, genres=4, folder=tmp_path_factory.mktemp("posters"))
    return films.split({"train": 0.6, "validation": 0.4})


def small_space(hp):
    """A poster network that trains in a second."""
    design = {"size": 16, "filters": [4, 8], "dense": [8]}
    recipe = {
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": hp.Float("learning_rate", 1e-4, 1e-1, sampling="log", default=1e-2),
    }
    return {"poster-cnn": {"rescale": True, "design": design, "recipe": recipe}}


def test_a_search_trains_members_and_its_best_settings_make_the_best_member(roles, tmp_path):
    said = []
    table = search(
        small_space,
        FilmTrial(roles["train"], roles["validation"]),
        tmp_path,
        plan=SearchPlan(strategy="random", trials=2, seeds_per_trial=2, tensorboard=True),
        progress=lambda *what: said.append(what),
    )
    assert (table["status"] == "completed").all() and (table["spread"] > 0).all()
    assert {"macro-map", "macro-f1", "epochs-run"} <= set(table.columns)
    settings = read_settings(tmp_path / "best.json")
    assert settings["poster-cnn"]["recipe"]["learning_rate"] == table["learning_rate"].iloc[0]
    losses = []
    for seed in (0, 1):
        member = make_network("poster-cnn", settings["poster-cnn"], seed=seed).fit(
            roles["train"], roles["validation"]
        )
        losses.append(scores(member.predict(roles["validation"]), roles["validation"])["bce"])
    assert table["objective"].iloc[0] == pytest.approx(np.mean(losses), rel=1e-6)
    names = {path.name for path in (tmp_path).iterdir()}
    assert names == {"run.json", "trials", "leaderboard.csv", "leaderboard.png", "best.json", "tensorboard"}
    assert len(list((tmp_path / "tensorboard").rglob("events.*"))) == 2 * 3
    assert not list((tmp_path).rglob("state.npz"))
    assert said[-1][0].startswith("trials, best val-loss 0.") and said[-1][1:] == (2, 2)
    assert any(what.startswith("poster-cnn, epoch 2 of 2") for what, *_ in said)
    assert json.loads((tmp_path / "run.json").read_text())["films"].startswith("36 films, ")
    assert leaderboard(tmp_path).equals(table)


def test_a_network_is_a_hypermodel_for_kerastuners_own_tuners(roles, tmp_path, monkeypatch):
    monkeypatch.setattr("multigenre.search._spaces.SPACES", {"poster-cnn": small_space})
    model = NetworkHyperModel("poster-cnn", roles["train"], roles["validation"])
    tuner = keras_tuner.RandomSearch(model, objective="val_loss", max_trials=2, directory=tmp_path, seed=1)
    tuner.search(verbose=0)
    [best] = tuner.get_best_hyperparameters()
    assert 1e-4 <= best.get("learning_rate") <= 1e-1
    recipe = make_network("poster-cnn", small_space(best)["poster-cnn"]).recipe
    assert float(tuner.hypermodel.build(best).optimizer.learning_rate) == pytest.approx(recipe.learning_rate)
    assert tuner.oracle.get_best_trials()[0].score > 0
