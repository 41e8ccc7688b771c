import json

import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.search import best_settings, leaderboard
from multigenre.search._results import write_results
from multigenre.views import search_figure


def write_trial(folder, number, status, *, value=None, **hyperparameters):
    """Write what a trial leaves, as the search does."""
    place = folder / "trials" / f"trial_{number:02d}"
    place.mkdir(parents=True)
    space = [{"class_name": "Float", "config": {"name": name}} for name in ("rate", "kind", "decay")]
    metrics = {"macro-map": {"direction": "max"}} if value is not None else {}
    trial = {"status": status, "metrics": {"metrics": metrics}, "score": value}
    trial["hyperparameters"] = {"space": space, "values": hyperparameters}
    (place / "trial.json").write_text(json.dumps(trial))
    if status == "COMPLETED":
        result = {"mean": {"macro-map": value, "epochs": 4.0}, "spread": {"macro-map": None, "epochs": None}}
        result |= {"seconds": 2.5, "settings": {"poster-cnn": {"recipe": {"epochs": number}}}}
        (place / "result.json").write_text(json.dumps(result))
    if status == "FAILED":
        (place / "failure.json").write_text(json.dumps({"reason": "OSError: disk full"}))


@pytest.fixture
def folder(tmp_path):
    write_trial(tmp_path, 0, "COMPLETED", value=0.3, rate=1e-4, kind="plain")
    write_trial(tmp_path, 1, "COMPLETED", value=0.5, rate=1e-2, kind="curved", decay=0.1)
    write_trial(tmp_path, 2, "FAILED", rate=1e-1, kind="plain")
    write_trial(tmp_path, 3, "RUNNING", rate=1e-3, kind="plain")
    write_trial(tmp_path, 10, "COMPLETED", value=0.4, rate=1e-3, kind="plain")
    return tmp_path


def test_the_best_trial_comes_first_and_those_without_a_result_last(folder):
    table = leaderboard(folder)
    assert table.index.tolist() == [1, 10, 0, 2, 3]
    assert table["status"].tolist() == ["completed"] * 3 + ["failed", "running"]
    assert table["objective"].tolist()[:3] == [0.5, 0.4, 0.3]
    assert table.loc[2, "reason"] == "OSError: disk full" and (table["reason"] != "").sum() == 1
    assert table.attrs["hyperparameters"] == ["rate", "kind", "decay"]
    assert table["decay"].isna().tolist() == [False, True, True, True, True]


def test_the_table_in_the_file_is_the_leaderboard(folder):
    table = leaderboard(folder)
    write_results(folder, table, best_settings(folder))
    read = pd.read_csv(folder / "leaderboard.csv", index_col="trial", keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(
        read.drop(columns="reason"), table.drop(columns="reason"), check_dtype=False
    )
    assert json.loads((folder / "best.json").read_text()) == {"poster-cnn": {"recipe": {"epochs": 1}}}
    assert (folder / "leaderboard.png").stat().st_size > 10_000


def test_the_picture_shows_trials_the_best_so_far_and_every_hyperparameter_that_varied(folder):
    figure = search_figure(leaderboard(folder))
    trials, *panels = figure.axes
    assert [panel.get_title("left") for panel in panels] == ["rate", "kind"]
    lines = {line.get_label(): line.get_xydata().tolist() for line in trials.lines}
    assert lines["best so far"] == [[0, 0.3], [1, 0.5], [10, 0.5]]
    assert lines["reference"] == [[0, 0.3]] and lines["failed"] == [[2, 0]]
    assert panels[0].get_xscale() == "log"
    figure.draw_without_rendering()
    assert "0.001" in [label.get_text() for label in panels[0].get_xticklabels()]
    filled = panels[1].lines[-1].get_xydata().tolist()
    assert filled == [[0, 0.5]]
    assert [label.get_text() for label in panels[1].get_xticklabels()] == ["curved", "plain"]


def test_of_many_hyperparameters_those_that_go_with_the_objective_are_shown(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(20):
        values = {f"noise {place}": float(rng.random()) for place in range(14)}
        write_trial(tmp_path, number, "COMPLETED", value=number / 20, signal=number, **values)
    titles = [panel.get_title("left") for panel in search_figure(leaderboard(tmp_path)).axes[1:]]
    assert len(titles) == 12 and "signal" in titles


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no trial of a search"):
        leaderboard(tmp_path)
    write_trial(tmp_path, 0, "FAILED", rate=1.0)
    with pytest.raises(InputError, match="No trial of the search in .* completed, so none is the best"):
        best_settings(tmp_path)
    with pytest.raises(InputError, match="A picture of a search needs a trial that completed"):
        search_figure(leaderboard(tmp_path))
