import json
import subprocess
import sys

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from multigenre import make_films
from multigenre._checks import InputError
from multigenre.cli import _search as cli_search
from multigenre.members import read_settings
from multigenre.search import SearchPlan, search_films

# KerasTuner names its threads as Python did before 3.10.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name}:DeprecationWarning") for name in ("currentThread", "getName")
]
SHARES = {"train": 0.5, "validation": 0.3, "test": 0.2}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    films = make_films(80, genres=4, folder=folder / "posters")
    films.to_frame().to_csv(folder / "films.csv", index=False)
    return folder, films


def test_thresholds_are_searched_on_validation_films_with_members_trained_once(catalogue, tmp_path):
    roles = catalogue[1].split(SHARES)
    del roles["test"]  # nothing reads them
    plan = SearchPlan("macro-f1", "random", trials=3)
    table = search_films(roles, tmp_path, member="thresholds", others=["overview-tfidf"], plan=plan)
    assert (table["status"] == "completed").all() and table.loc[0, "strategy"] == "micro-macro"
    assert read_settings(tmp_path / "best.json").keys() == {"thresholds"}
    note = tmp_path / "others" / "overview-tfidf.npz"
    before = note.stat().st_mtime_ns
    again = search_films(roles, tmp_path, member="thresholds", others=["overview-tfidf"], plan=plan)
    assert again.equals(table) and note.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"member": "svm"}, "What is searched is one of"),
        (
            {"member": "thresholds", "others": ["overview-tfidf"]},
            "Thresholds change no probability, so a search of them aims at macro-f1, got val-loss.",
        ),
        (
            {"member": "fusion", "others": ["overview-tfidf"]},
            "A search of fusion for val-loss needs 2 or more other members",
        ),
        (
            {"plan": SearchPlan("fused-loss")},
            "A search of overview-lstm for fused-loss needs 1 or more other members, got 0",
        ),
        (
            {"others": ["overview-lstm"]},
            "overview-lstm is what is searched, so it cannot be one of the others too.",
        ),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_before_anything_is_trained(
    catalogue, tmp_path, options, sentence
):
    with pytest.raises(InputError) as error:
        search_films(catalogue[1].split(SHARES), tmp_path, **options)
    assert str(error.value).startswith(sentence)
    assert not list(tmp_path.iterdir())


def test_films_of_no_role_or_of_another_are_refused(catalogue, tmp_path):
    roles = catalogue[1].split(SHARES)
    with pytest.raises(InputError, match="but the split has no validation films"):
        search_films({"train": roles["train"]}, tmp_path)
    with pytest.raises(InputError, match="got role='test' for validation films"):
        search_films({"train": roles["train"], "validation": roles["test"]}, tmp_path)


# The command


def invoke(*arguments):
    app = typer.Typer()
    app.command()(cli_search.search)
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_the_command_searches_and_prints_the_leaderboard(catalogue, tmp_path, capsys):
    out = tmp_path / "search"
    options = [
        "--member",
        "fusion",
        "--others",
        "overview-tfidf, overview-bag",
        "--trials",
        2,
        "--strategy",
        "random",
    ]
    split = ["--split", "train=0.6,validation=0.4"]
    done = invoke(catalogue[0] / "films.csv", "--out", out, *options, *split)
    assert done.exit_code == 0, done.exception
    assert "2 trials for val-loss" in done.output and "the reference" in done.output
    assert {"leaderboard.csv", "leaderboard.png", "best.json"} <= {path.name for path in out.iterdir()}


def test_workers_run_the_same_command_without_workers(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(cli_search, "run_workers", lambda *args, **options: given.append((args, options)))
    done = invoke(
        "films.csv", "--out", tmp_path, "--workers", 2, "--trials", 7, "--tensorboard", "--epochs", 3
    )
    assert isinstance(done.exception, InputError)  # for nothing was run
    [((command, folder), options)] = given
    assert command[1:5] == ["-m", "multigenre", "search", "films.csv"] and "--workers" not in command
    assert command[command.index("--trials") + 1] == "7" and command[command.index("--epochs") + 1] == "3"
    assert command[-1] == "--tensorboard" and "--others" not in command
    assert (folder, options["workers"], options["address"]) == (tmp_path, 2, "127.0.0.1")


def test_a_chief_and_two_workers_by_the_command_line_end_every_trial_once(catalogue, tmp_path):
    given = {"--member": "thresholds", "--others": "overview-tfidf", "--strategy": "random"}
    given |= {
        "--objective": "macro-f1",
        "--split": ",".join(f"{role}={share}" for role, share in SHARES.items()),
    }
    command = [sys.executable, "-m", "multigenre", "search", str(catalogue[0] / "films.csv")]
    command += [part for pair in given.items() for part in pair]
    command += ["--trials", "5", "--workers", "2", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "5 trials for macro-f1" in done.stdout and "best.json are in" in done.stderr
    oracle = json.loads((tmp_path / "trials" / "oracle.json").read_text(encoding="utf-8"))
    everyone = [str(number) for number in range(5)]
    assert sorted(oracle["end_order"]) == everyone and oracle["run_times"] == dict.fromkeys(everyone, 1)
    table = pd.read_csv(tmp_path / "leaderboard.csv", index_col=0)
    assert sorted(table.index) == list(range(5)) and (table["status"] == "completed").all()
    assert {path.stem for path in (tmp_path / "workers").glob("*.alive")} == {"worker-0", "worker-1"}
    assert read_settings(tmp_path / "best.json").keys() == {"thresholds"}


def test_without_kerastuner_the_command_says_what_to_install(tmp_path, monkeypatch):
    class Bare:
        @property
        def search(self):
            raise ModuleNotFoundError("No module named 'keras_tuner'", name="keras_tuner")

    monkeypatch.setattr(cli_search, "multigenre", Bare())
    done = invoke("films.csv", "--out", tmp_path)
    assert isinstance(done.exception, InputError)
    assert (
        str(done.exception)
        == "A search needs keras_tuner, which is not installed: pip install 'multigenre[search]'."
    )
