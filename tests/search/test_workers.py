import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras_tuner
import pytest
from search_script import Slow, space

from multigenre._checks import InputError
from multigenre._threads import cores
from multigenre.search import SearchPlan, _workers, leaderboard, run_workers, search
from multigenre.search._oracles import make_oracle

# KerasTuner names its threads as Python did before 3.10.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{name}:DeprecationWarning") for name in ("currentThread", "getName")
]


def lines(path):
    """What trials noted: a row each of the trial and, where it began, the process."""
    return [line.split() for line in path.read_text().splitlines()] if path.is_file() else []


def test_with_a_worker_killed_in_the_middle_of_a_trial_every_trial_is_completed_once(tmp_path):
    killed, told = [], []

    def kill(what, ended, begun):
        told.append((what, ended, begun))
        began = lines(tmp_path / "began.txt")
        if len(began) > 2 and not killed:
            killed.append(began[2])
            os.kill(int(began[2][1]), signal.SIGKILL)
            (tmp_path / "killed").touch()

    script = Path(__file__).with_name("search_script.py")
    run_workers(
        [sys.executable, str(script), str(tmp_path), "0.2", "hold"], tmp_path, workers=2, progress=kill
    )
    [[trial, _]] = killed
    began, ended = lines(tmp_path / "began.txt"), lines(tmp_path / "ended.txt")
    everyone = [f"trial_{number}" for number in range(6)]
    assert sorted(name for [name] in ended) == everyone
    assert sorted(name for name, _ in began) == sorted([*everyone, trial])
    assert len({number for _, number in began}) == 3  # two workers, and one in place of the first
    table = leaderboard(tmp_path)
    assert len(table) == 6 and (table["status"] == "completed").all()
    assert table.loc[0, "x"] == 0.5
    assert told[-1] == ("trials", 6, 6)
    # As one process would have: the files are the same.
    again = search(space, Slow(tmp_path, 0), tmp_path, plan=SearchPlan(strategy="random", trials=6))
    assert again.equals(table) and len(lines(tmp_path / "began.txt")) == 7


def oracle_in(folder, trials=3):
    oracle = make_oracle(
        "random",
        objective=keras_tuner.Objective("val-loss", "min"),
        trials=trials,
        hyperparameters=keras_tuner.HyperParameters(),
    )
    space(oracle.hyperparameters)
    oracle._set_project_dir(str(folder), "trials")
    oracle.verbose = 0
    return oracle


def end(oracle, trial, value=1.0):
    oracle.update_trial(trial.trial_id, {"val-loss": value})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def test_a_lost_workers_trial_goes_to_another_who_waits_for_it(tmp_path):
    oracle = oracle_in(tmp_path, trials=2)
    lost, other = oracle.create_trial("worker-0"), oracle.create_trial("worker-1")
    end(oracle, other)
    assert oracle.create_trial("worker-1").status == "IDLE"
    oracle.take_back("worker-0")
    again = oracle.create_trial("worker-1")
    assert (again.trial_id, again.status) == (lost.trial_id, "RUNNING")
    end(oracle, again)
    assert oracle.create_trial("worker-1").status == "STOPPED"
    # What KerasTuner's chief waits for.
    assert not oracle.ongoing_trials and not oracle.tuner_ids


def test_a_worker_that_starts_again_takes_its_trial_up(tmp_path):
    oracle = oracle_in(tmp_path)
    assert oracle.create_trial("worker-0").trial_id == oracle.create_trial("worker-0").trial_id
    assert oracle.create_trial("worker-1").trial_id == "1"


def test_a_trial_that_two_report_counts_once(tmp_path):
    oracle = oracle_in(tmp_path)
    trial = oracle.create_trial("worker-0")
    oracle.take_back("worker-0")  # which is late, not lost
    end(oracle, trial)
    assert oracle.create_trial("worker-1").trial_id == "1"
    end(oracle, trial, 1.0)
    assert oracle.end_order == ["0"]


def test_the_watch_gives_up_who_gives_no_sign_of_life(tmp_path, monkeypatch, caplog):
    oracle, clock = oracle_in(tmp_path), [0.0]
    monkeypatch.setattr(_workers.time, "monotonic", lambda: clock[0])
    watch = _workers.Watch(oracle, tmp_path, patience=10)
    for name in ("worker-0", "worker-1", "worker-2"):
        oracle.create_trial(name)
    for second in range(0, 15, 3):
        clock[0] = float(second)
        monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker-1")
        _workers.beat(tmp_path)
        os.utime(tmp_path / "worker-1.alive", ns=(second, second))
        (tmp_path / "worker-0.alive").touch() if second == 0 else None
        watch()
    assert oracle.ongoing_trials.keys() == {"worker-1"}
    assert "worker-0 gave no sign of life for 10 s; its trial goes to another." in caplog.text
    assert sorted(oracle._retry_queue) == ["0", "2"]


def test_a_worker_of_another_search_is_refused_and_overwrites_nothing(tmp_path, monkeypatch):
    search(space, Slow(tmp_path, 0), tmp_path, plan=SearchPlan(strategy="random", trials=2))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name, value in {"TUNER_ID": "worker-9", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1"}.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    with pytest.raises(InputError, match="holds an unfinished run with seed=0, not 5"):
        search(space, Slow(tmp_path, 0), tmp_path, plan=SearchPlan(strategy="random", trials=2, seed=5))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


# Processes


def shell(text):
    return ["sh", "-c", text]


def test_what_the_processes_are_told_keeps_the_channel_on_this_machine(tmp_path):
    said = "$KERASTUNER_ORACLE_IP $KERASTUNER_ORACLE_PORT $MULTIGENRE_CORES"
    run_workers(shell(f'echo "{said}"'), tmp_path, workers=2)
    found = {path.stem: path.read_text().split() for path in (tmp_path / "workers").glob("*.log")}
    assert found.keys() == {"chief", "worker-0", "worker-1"}
    assert {tuple(words) for words in found.values()} == {tuple(found["chief"])}
    address, port, threads = found["chief"]
    assert address == "127.0.0.1" and int(port) > 1023 and int(threads) == max(1, cores() // 2)


def test_every_worker_has_one_of_the_gpus_that_are_named_in_turn(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    run_workers(shell('echo "$CUDA_VISIBLE_DEVICES $TF_FORCE_GPU_ALLOW_GROWTH"'), tmp_path, workers=3)
    found = {path.stem: path.read_text().split() for path in (tmp_path / "workers").glob("*.log")}
    assert {name: gpus for name, [gpus, _] in found.items()} == {
        "chief": "3,5", "worker-0": "3", "worker-1": "5", "worker-2": "3",
    }  # fmt: skip
    assert {growth for [_, growth] in found.values()} == {"true"}


def test_an_address_that_others_can_reach_is_named_with_what_that_means(tmp_path, caplog):
    run_workers(shell("true"), tmp_path, workers=1, address="0.0.0.0")
    assert "The chief listens at 0.0.0.0, and the channel is not authenticated" in caplog.text
    caplog.clear()
    run_workers(shell("true"), tmp_path, workers=1)
    assert not caplog.records


@pytest.mark.parametrize(
    ("who", "how", "error", "sentence"),
    [
        (
            "worker-1",
            "echo 'multigenre: no films'; exit 2",
            InputError,
            "ended with code 2 (it said: multigenre: no films)",
        ),
        ("worker-0", "echo Error: full; exit 1", RuntimeError, "ended with code 1 (it said: Error: full)"),
        ("worker-0", "kill -9 $$", RuntimeError, "was killed by signal SIGKILL (it said: nothing)"),
        ("chief", "kill -9 $$", RuntimeError, "was killed by signal SIGKILL (it said: nothing)"),
    ],
)
def test_a_search_that_cannot_go_on_ends_all_its_processes_and_says_why(
    who, how, error, sentence, tmp_path, caplog
):
    caplog.set_level(logging.WARNING)
    begun = time.monotonic()
    with pytest.raises(error) as found:
        run_workers(shell(f"[ $KERASTUNER_TUNER_ID = {who} ] && {{ {how}; }}; exec sleep 60"), tmp_path)
    assert str(found.value).startswith(f"The {who} {sentence}") and "the same call goes on" in str(
        found.value
    )
    assert time.monotonic() - begun < 30
    assert caplog.text.count("it is started again") == (5 if "kill" in how and who != "chief" else 0)


def test_a_search_without_workers_or_at_no_address_is_refused(tmp_path):
    with pytest.raises(InputError, match="A distributed search needs at least 1 worker, got 0."):
        run_workers(shell("true"), tmp_path, workers=0)
    with pytest.raises(InputError, match="listens at an IP address such as 127.0.0.1, got 'localhost'."):
        run_workers(shell("true"), tmp_path, address="localhost")


def test_processes_end_with_the_one_that_started_them():
    code = "from multigenre.search import _workers; _workers.leave_with_parent(); print('stayed')"
    for parent, said in ((os.getpid(), "stayed\n"), (1, "")):
        environment = os.environ | {_workers.PARENT: str(parent)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert (done.stdout, done.returncode) == (said, 0 if said else 1)


def test_a_port_is_free_and_another_each_time():
    assert len({_workers._free_port("127.0.0.1") for _ in range(5)}) > 1


def test_a_worker_that_finds_the_chief_gone_has_missed_nothing(tmp_path):
    late = 'case "$KERASTUNER_TUNER_ID" in chief) sleep 1;; worker-0) exit 1;; esac'
    run_workers(shell(late), tmp_path, workers=2)
