import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras_tuner
import numpy as np
import pytest
from search_script import Slow, space

from multigenre._checks import InputError
from multigenre.search import SearchPlan, search
from multigenre.search import _oracles as search_oracles
from multigenre.search import _trials as search_trials
from multigenre.search import _tuner as search_tuner
from multigenre.search._oracles import make_oracle

# KerasTuner names its threads as Python did before 3.10.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name}:DeprecationWarning") for name in ("currentThread", "getName")
]
PLAN = SearchPlan(strategy="random", trials=6)


class Killed(BaseException):
    """Stands for whatever ends a process."""


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Leave the picture out: to draw it takes longer than the search."""
    monkeypatch.setattr("multigenre.search._search.write_results", lambda folder, table, settings: None)


def bowl(settings, *, folder, seed, progress=None):
    """A trial that takes no time."""
    return {"val-loss": (settings["x"] - 0.2) ** 2 + 0.01 * seed, "macro-map": settings["x"]}


def epochs_space(hp):
    """A space in which a network trains."""
    return {
        "net": {
            "recipe": {"epochs": hp.Int("epochs", 3, 9, default=9)},
            "x": hp.Float("x", -1, 1, default=0.5),
        }
    }


# What is tried


@pytest.mark.parametrize("strategy", ["random", "bayesian", "hyperband"])
def test_the_first_trial_is_the_reference_and_all_others_differ(strategy, tmp_path):
    plan = SearchPlan(strategy=strategy, trials=5)
    made = epochs_space if strategy == "hyperband" else space
    trial = (lambda settings, **_: {"val-loss": settings["net"]["x"]}) if strategy == "hyperband" else bowl
    table = search(made, trial, tmp_path, plan=plan)
    assert len(table) == 5 and (table["status"] == "completed").all()
    assert table.loc[0, "x"] == 0.5
    assert table["x"].nunique() == 5
    if strategy != "hyperband":
        assert table.loc[0, "kind"] == "plain" and np.isnan(table.loc[0, "curve"])


def test_one_seed_makes_one_search_and_another_another(tmp_path):
    found = [
        search(space, bowl, tmp_path / str(n), plan=SearchPlan(strategy="random", trials=3, seed=seed))
        for n, seed in enumerate((0, 0, 1))
    ]
    assert found[0]["x"].equals(found[1]["x"]) and not found[0]["x"].equals(found[2]["x"])


def test_hyperband_lets_the_best_go_on_from_where_they_were(tmp_path):
    ran = []

    def trial(settings, *, folder, seed, progress=None):
        done = Path(folder) / "net" / "epochs.txt"
        done.parent.mkdir(exist_ok=True)
        start = int(done.read_text()) if done.is_file() else 0
        ran.append((Path(folder).parent.name, start, settings["net"]["recipe"]["epochs"]))
        done.write_text(str(settings["net"]["recipe"]["epochs"]))
        return {"val-loss": abs(settings["net"]["x"])}

    table = search(epochs_space, trial, tmp_path, plan=SearchPlan(strategy="hyperband", trials=16))
    later = table[table["tuner/round"] > 0]
    assert len(later) and (table["epochs"] == 9).all()
    for number, row in later.iterrows():
        [(_, start, end)] = [
            one for one in ran if one[0] == f"trial_{number:02d}" or one[0] == f"trial_{number:04d}"
        ]
        assert (start, end) == (row["tuner/initial_epoch"], row["tuner/epochs"])
        earlier = table[
            (table["tuner/round"] == row["tuner/round"] - 1)
            & (table["tuner/bracket"] == row["tuner/bracket"])
        ]
        assert row["objective"] <= earlier["objective"].median()
    assert not list((tmp_path / "trials").rglob("epochs.txt"))  # nothing is left to go on from


def test_several_seeds_are_run_and_the_mean_and_the_spread_kept(tmp_path):
    table = search(
        space, bowl, tmp_path, plan=SearchPlan(strategy="random", trials=2, seeds_per_trial=3, seed=4)
    )
    assert table.loc[0, "objective"] == pytest.approx(0.09 + 0.05)
    assert table.loc[0, "spread"] == pytest.approx(0.01)
    assert table.loc[0, "macro-map"] == 0.5


def test_a_measure_where_more_is_better_is_made_larger(tmp_path):
    table = search(space, bowl, tmp_path, plan=SearchPlan("macro-map", "random", trials=4))
    assert table["objective"].is_monotonic_decreasing
    assert table.attrs == {
        "objective": "macro-map",
        "direction": "max",
        "hyperparameters": ["kind", "curve", "x"],
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"objective": "accuracy"},
            "A search aims at one of val-loss, macro-map, macro-f1, fused-loss, got 'accuracy'.",
        ),
        ({"trials": 0}, "A search needs trials of at least 1, got 0."),
        ({"strategy": "grid"}, "A search strategy is random, bayesian or hyperband, got 'grid'."),
    ],
)
def test_a_plan_that_cannot_be_is_refused(settings, sentence, tmp_path):
    with pytest.raises(InputError) as error:
        search(space, bowl, tmp_path, plan=SearchPlan(**settings))
    assert str(error.value) == sentence


def test_hyperband_needs_to_know_how_many_epochs_there_are(tmp_path):
    with pytest.raises(InputError, match="Hyperband shares out epochs; say how many"):
        search(space, bowl, tmp_path, plan=SearchPlan(strategy="hyperband"))


@pytest.mark.parametrize(("epochs", "trials"), [(10, 30), (26, 30), (40, 90)])
def test_a_sweep_of_hyperband_that_cannot_be_whole_is_named(epochs, trials, caplog):
    options = {"objective": keras_tuner.Objective("val-loss", "min"), "epochs": epochs}
    for asked in (trials, trials - 1):
        assert not caplog.records
        hyperparameters = keras_tuner.HyperParameters()
        make_oracle("hyperband", trials=asked, hyperparameters=hyperparameters, **options)
    assert f"A sweep of Hyperband is {trials} trials with at most {epochs} epochs" in caplog.text


# What fails


def failing(settings, *, folder, seed, progress=None):
    """A trial that fails on one side."""
    if settings["x"] > 0.5:
        raise ValueError("too\nmuch")
    return {"val-loss": np.nan if settings["x"] < -0.7 else settings["x"] ** 2}


def test_a_failed_trial_is_reported_with_its_reason_and_the_search_goes_on(tmp_path, caplog):
    table = search(space, failing, tmp_path, plan=SearchPlan(strategy="random", trials=12))
    failed = table[table["status"] == "failed"]
    assert len(table) == 12 and set(failed["reason"]) == {"ValueError: too much", "val-loss is not a number"}
    assert table["status"].tolist() == ["completed"] * (12 - len(failed)) + ["failed"] * len(failed)
    assert "failed: ValueError: too much" in caplog.text
    assert f"{len(failed)} of 12 trials failed, the last because: " in caplog.text


def test_a_search_in_which_all_fails_stops_and_says_why_and_can_be_taken_up(tmp_path):
    def broken(settings, **_):
        raise OSError("disk full")

    for failures in (5, 10):
        with pytest.raises(
            RuntimeError, match=f"All {failures} trials failed, the last because: OSError: disk full"
        ):
            search(space, broken, tmp_path, plan=SearchPlan(strategy="random", trials=30))
    table = search(space, bowl, tmp_path, plan=SearchPlan(strategy="random", trials=12))
    assert (table["status"] == "completed").sum() == 2


def test_bayesian_optimisation_does_not_try_again_what_failed(tmp_path):
    def half(settings, **_):
        if settings["x"] > 0.1 and settings["x"] != 0.5:
            raise ValueError("too much")
        return {"val-loss": -settings["x"]}  # what fails looks best

    table = search(space, half, tmp_path, plan=SearchPlan(strategy="bayesian", trials=9))
    failed = table["status"] == "failed"
    assert len(table) == 9 and 0 < failed.sum() < 9
    assert table["x"].round(2).nunique() == 9, table["x"]


def test_a_trial_that_ends_its_process_again_and_again_is_failed(tmp_path):
    def deadly(settings, **_):
        if settings["x"] == 0.5:
            raise Killed
        return {"val-loss": 1.0}

    note = tmp_path / "trials" / "trial_0" / "deaths.json"
    note.parent.mkdir(parents=True)
    note.write_text("4")
    table = search(space, deadly, tmp_path, plan=SearchPlan(strategy="random", trials=2))
    assert table.loc[0, "reason"] == "4 processes died of it"
    assert table.loc[1, "status"] == "completed"


# What lasts


def plain_search(folder, trial=bowl, trials=4):
    return search(space, trial, folder, plan=SearchPlan(strategy="random", trials=trials))


def test_a_kill_at_any_moment_of_writing_loses_and_doubles_nothing(tmp_path, monkeypatch):
    whole, kills = plain_search(tmp_path / "whole"), 0
    write = search_trials.write_json
    while True:
        folder, left, ran = tmp_path / str(kills), [kills], []

        def killing(facts, path, left=left):
            if not left[0]:
                path.with_name(f"_{path.name}.partial").write_text("{")
                raise Killed
            left[0] -= 1
            write(facts, path)

        def counted(settings, ran=ran, **options):
            ran.append(settings["x"])
            return bowl(settings, **options)

        with monkeypatch.context() as patched:
            for module in (search_oracles, search_trials, search_tuner):
                patched.setattr(module, "write_json", killing)
            try:
                plain_search(folder, counted)
            except Killed:
                pass
            else:
                break
        again = plain_search(folder, counted)
        assert again["x"].equals(whole["x"]) and again["objective"].equals(whole["objective"])
        assert (again["status"] == "completed").all()
        assert len(set(ran)) == 4 and len(ran) <= 5  # one at most was under way
        kills += 1
    assert kills > 30


def test_a_finished_trial_is_not_run_again_and_more_trials_go_on(tmp_path):
    first, ran = plain_search(tmp_path), []

    def counted(settings, **options):
        ran.append(settings["x"])
        return bowl(settings, **options)

    assert plain_search(tmp_path, counted).equals(first) and not ran
    table = plain_search(tmp_path, counted, trials=7)
    assert len(table) == 7 and len(ran) == 3
    assert table.loc[range(4), "x"].equals(first.loc[range(4), "x"])


def test_another_search_in_the_same_folder_is_refused_in_one_sentence(tmp_path):
    plain_search(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    for change, what in (
        ({"objective": "macro-map"}, "objective"),
        ({"seed": 1}, "seed"),
        ({"epochs": 3}, "epochs"),
    ):
        with pytest.raises(
            InputError, match=f"holds an unfinished run with {what}=.*: finish that one, or delete"
        ):
            search(space, bowl, tmp_path, plan=SearchPlan(**{"strategy": "random", "trials": 4} | change))
    with pytest.raises(InputError, match="holds an unfinished run with search=space, 3 hyperparameters"):
        search(epochs_space, bowl, tmp_path, plan=SearchPlan(strategy="random", trials=4))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_a_search_killed_with_signal_9_goes_on_in_another_process(tmp_path):
    script = Path(__file__).with_name("search_script.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), "0.4"], stderr=subprocess.DEVNULL
    ) as process:
        while (
            not (tmp_path / "began.txt").is_file()
            or len((tmp_path / "began.txt").read_text().split("\n")) < 4
        ):
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    finished = [path.parent.parent.name for path in tmp_path.rglob("measures.json")]
    assert len(finished) in (2, 3)
    table = search(space, Slow(tmp_path, 0), tmp_path, plan=PLAN)
    began, ended = (
        [line.split()[0] for line in (tmp_path / name).read_text().splitlines()]
        for name in ("began.txt", "ended.txt")
    )
    assert (table["status"] == "completed").all() and len(table) == 6
    assert sorted(ended) == [f"trial_{number}" for number in range(6)]
    assert all(began.count(name) == 1 for name in finished)
