import ast
import json
import operator
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multigenre
from multigenre import make_films
from multigenre.cli import main, parse_split

METRICS = {"bce", "map_macro", "map_micro", "f1_micro", "f1_macro", "n_films"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """A table and a folder of posters, as a user would have them."""
    folder = tmp_path_factory.mktemp("catalogue")
    films = make_films(160, folder=folder / "posters", seed=0)
    films.to_frame().to_csv(folder / "films.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def bundle(catalogue):
    """A bundle that the command line trained on the catalogue."""
    code = run("train", catalogue / "films.csv", "--posters", catalogue / "posters", "--out", catalogue / "bundle",
               "--preset", "quick", "--split", "train=0.6,validation=0.1,calibration=0.2,test=0.1")  # fmt: skip
    assert code == 0
    return catalogue / "bundle"


def run(*arguments):
    """Run the command line here and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["multigenre", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit:
            main()
    return exit.value.code


def sentence(capsys):
    """Return the last thing said on stderr, which must be one sentence."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("multigenre: ") and not any("Traceback" in line for line in lines)
    return lines[-1]


def test_train_writes_scores_of_the_baseline_every_member_and_the_fusion(bundle):
    metrics = json.loads((bundle / "metrics.json").read_text())
    assert list(metrics) == ["test", "validation"]
    for found in metrics.values():
        assert list(found) == ["prevalence", "poster-cnn", "overview-lstm", "overview-tfidf", "fused"]
        assert all(set(values) >= METRICS for values in found.values())
        assert found["fused"]["n_films"] == 16


def test_train_draws_the_curves_of_each_network_and_some_test_films(bundle):
    names = {path.name for path in (bundle / "figures").iterdir()}
    assert names == {"training-poster-cnn.png", "training-overview-lstm.png", "test-films.png"}


def test_train_leaves_no_unfinished_work_behind(bundle):
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle", "films.csv", "posters"]


def test_predict_needs_no_genres_and_writes_one_row_a_film_in_its_order(bundle, catalogue, tmp_path):
    table = pd.read_csv(catalogue / "films.csv")[["Id", "Overview"]].iloc[::-1].head(20)
    table.to_csv(tmp_path / "new.csv", index=False)
    code = run("predict", bundle, tmp_path / "new.csv", "--posters", catalogue / "posters", "--out",
               tmp_path / "predictions.csv", "--with-members")  # fmt: skip
    found = pd.read_csv(tmp_path / "predictions.csv", keep_default_na=False)
    genres = json.loads((bundle / "bundle.json").read_text())["genres"]
    assert code == 0 and list(found["Id"]) == list(table["Id"])
    assert list(found.columns[: 2 + len(genres)]) == ["Id", "genres", *genres]
    assert list(found.columns[2 + len(genres) :]) == [
        f"{member}:{genre}"
        for member in ("poster-cnn", "overview-lstm", "overview-tfidf")
        for genre in genres
    ]
    named = found["genres"].str.split("|")
    thresholds = json.loads((bundle / "thresholds.json").read_text())["fused"]["thresholds"]
    for names, (_, row) in zip(named, found[genres].iterrows(), strict=True):
        assert [name for name in names if name] == [name for name in genres if row[name] >= thresholds[name]]


def test_predictions_of_the_command_line_are_those_of_python_in_a_fresh_process(bundle, catalogue, tmp_path):
    code = run("predict", bundle, catalogue / "films.csv", "--posters", catalogue / "posters", "--out",
               tmp_path / "here.csv")  # fmt: skip
    script = (
        "from multigenre import Films, GenreEnsemble\n"
        f"films = Films.read({str(catalogue / 'films.csv')!r}, posters={str(catalogue / 'posters')!r})\n"
        f"frame = GenreEnsemble.load({str(bundle)!r}).predict(films).to_frame()\n"
        f"frame.to_csv({str(tmp_path / 'there.csv')!r}, index=False)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    here, there = (pd.read_csv(tmp_path / name, keep_default_na=False) for name in ("here.csv", "there.csv"))
    assert code == 0 and list(here["genres"]) == list(there["genres"])
    np.testing.assert_allclose(here.iloc[:, 2:], there.iloc[:, 2:], atol=1e-6, rtol=0)


def test_evaluate_reports_only_films_that_the_bundle_never_saw(bundle, catalogue, tmp_path, capsys):
    code = run(
        "evaluate",
        bundle,
        catalogue / "films.csv",
        "--posters",
        catalogue / "posters",
        "--out",
        tmp_path / "e",
    )
    metrics = json.loads((tmp_path / "e" / "metrics.json").read_text())
    trained = json.loads((bundle / "metrics.json").read_text())
    assert (
        code == 0 and "144 films that taught this ensemble something are left out" in capsys.readouterr().err
    )
    assert metrics["test"]["fused"]["bce"] == pytest.approx(trained["test"]["fused"]["bce"], abs=1e-6)
    table = pd.read_csv(tmp_path / "e" / "metrics.csv", index_col="name")
    assert (
        list(table.index) == list(metrics["test"])
        and table.loc["fused", "bce_low"] <= table.loc["fused", "bce"]
    )
    assert "Drama" in pd.read_csv(tmp_path / "e" / "genres.csv", index_col="genre").index


def test_films_with_nothing_to_read_get_the_prevalence_and_are_counted(bundle, tmp_path, capsys):
    pd.DataFrame({"Id": ["a", "b"], "Overview": ["A detective hunts a killer.", ""]}).to_csv(
        tmp_path / "f.csv", index=False
    )
    assert run("predict", bundle, tmp_path / "f.csv", "--out", tmp_path / "p.csv") == 0
    assert "1 films have nothing that a member can read (b)" in capsys.readouterr().err
    found = pd.read_csv(tmp_path / "p.csv", index_col="Id")
    prevalence = json.loads((bundle / "bundle.json").read_text())["prevalence"]
    assert found.loc["b", list(prevalence)].tolist() == pytest.approx(list(prevalence.values()), abs=1e-6)


def test_an_unreadable_poster_is_named_counted_and_refused_if_strict(bundle, catalogue, tmp_path, capsys):
    (tmp_path / "made-x.jpg").write_text("no picture")
    pd.DataFrame({"Id": ["made-x"], "Overview": ["A love story."]}).to_csv(tmp_path / "f.csv", index=False)
    arguments = ("predict", bundle, tmp_path / "f.csv", "--posters", tmp_path, "--out", tmp_path / "p.csv")
    assert run(*arguments) == 0
    assert "1 posters cannot be read and count as missing: made-x" in capsys.readouterr().err
    (tmp_path / "p.csv").unlink()
    assert run(*arguments, "--strict") == 2
    assert "1 posters cannot be read (made-x" in sentence(capsys) and not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        (None, [], "films.csv"),
        ("Id,Overview,Drama,War\n", [], "film"),
        ("Title,Overview,Drama,War\nx,A plot.,1,0\n", [], "at least two genres"),
        ("Id,Overview\ntt1,A plot.\n", [], "no genre columns"),
        ("Id,Overview,Drama\ntt1,A plot.,1\ntt2,A war.,0\n", [], "genre"),
        ("Id,Overview,Drama,War\ntt1,A plot.,1,0\n", ["--posters", "nowhere"], "nowhere"),
        ("Id,Overview,Drama,War\ntt1,A plot.,1,1\n", ["--members", "poster-svm"], "poster-svm"),
        ("Id,Overview,Drama,War\ntt1,A plot.,1,0\n", ["--split", "train:1"], "train:1"),
        ("Id,Overview,Drama,War\ntt1,A plot.,1,1\n", ["--split", "test=1"], "train"),
        ("Id,Overview,Drama,War\ntt1,A plot.,1,1\n", [], "leave none for validation"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence_and_exit_code_2(
    table, arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    if table is not None:
        (tmp_path / "films.csv").write_text(table)
    assert run("train", "films.csv", "--out", "bundle", *arguments) == 2
    assert message in sentence(capsys)
    assert not (tmp_path / "bundle").exists()


def test_devices_that_are_not_there_are_refused(catalogue, tmp_path, capsys):
    arguments = ["--posters", catalogue / "posters", "--members", "overview-lstm", "--devices", "CPU:0,GPU:7"]
    assert run("train", catalogue / "films.csv", "--out", tmp_path / "bundle", *arguments) == 2
    assert "overview-lstm cannot train on GPU:7: TensorFlow sees CPU:0" in sentence(capsys)


def test_what_exists_is_never_overwritten(catalogue, bundle, capsys):
    assert run("train", catalogue / "films.csv", "--out", bundle) == 2
    assert "already exists; choose another place or remove it first" in sentence(capsys)


def test_a_place_that_cannot_be_written_is_refused_before_the_work(bundle, catalogue, tmp_path, capsys):
    assert run("predict", bundle, catalogue / "films.csv", "--out", tmp_path / "no" / "p.csv") == 2
    assert "There is no folder" in sentence(capsys)


def test_a_folder_that_is_no_bundle_is_refused(catalogue, tmp_path, capsys):
    assert run("predict", tmp_path, catalogue / "films.csv", "--out", tmp_path / "p.csv") == 2
    assert "is not a bundle that multigenre wrote" in sentence(capsys)


def test_bad_usage_exits_with_2_and_a_failure_with_1(catalogue, bundle, tmp_path, monkeypatch, capsys):
    assert run("train") == 2
    assert run("train", "films.csv", "--out", tmp_path / "b", "--preset", "huge") == 2
    monkeypatch.setattr(multigenre.data, "read_films", lambda *_, **__: 1 / 0)
    assert run("predict", bundle, catalogue / "films.csv", "--out", tmp_path / "p.csv") == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_split_shares_are_read():
    assert parse_split("train=0.8, validation=0.1,calibration=0.1,test=0") == {
        "train": 0.8, "validation": 0.1, "calibration": 0.1, "test": 0.0,
    }  # fmt: skip


def test_a_killed_training_leaves_no_bundle_and_the_same_command_finishes_it(catalogue, tmp_path, capsys):
    out = tmp_path / "bundle"
    arguments = ("train", catalogue / "films.csv", "--posters", catalogue / "posters", "--out", out,
                 "--preset", "quick", "--members", "poster-cnn")  # fmt: skip
    command = [sys.executable, "-m", "multigenre", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "bundle.unfinished" / "poster-cnn.training" / "state.npz"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert run(*arguments, "--seed", "1") == 2
    assert "holds an unfinished run with seed=0, not 1" in sentence(capsys)
    assert run(*arguments) == 0
    said = capsys.readouterr().err
    assert "Going on with the unfinished run" in said
    assert f"multigenre report {out} {catalogue / 'films.csv'} --posters {catalogue / 'posters'}" in said
    assert (out / "bundle.json").is_file() and not (tmp_path / "bundle.unfinished").exists()


def test_what_the_commands_load_when_they_run_is_there():
    used = {
        ast.unparse(node)
        for path in (Path(multigenre.__file__).parent / "cli").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and re.fullmatch(r"multigenre(\.\w+)+", ast.unparse(node))
    }
    assert {"multigenre.data.read_films", "multigenre.ensemble.check_free"} <= used
    assert all(operator.attrgetter(name.removeprefix("multigenre."))(multigenre) for name in used)


@pytest.mark.parametrize(
    "command", ["train", "predict", "evaluate", "demo", "report", "search", "convert", "app"]
)
def test_every_command_says_what_it_does(command, capsys):
    assert run(command, "--help") == 0
    assert f"multigenre {command}" in capsys.readouterr().out
