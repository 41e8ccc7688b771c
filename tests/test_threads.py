import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from multigenre._checks import InputError
from multigenre._threads import cores, one_thread, side_by_side


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system binds no process to processors")
def test_a_process_bound_to_one_processor_has_one():
    one = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, [{one}]); from multigenre._threads import cores; print(cores())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MULTIGENRE_CORES"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["1"]


def test_the_environment_says_how_many_processors_are_used(monkeypatch):
    monkeypatch.setenv("MULTIGENRE_CORES", "3")
    assert cores() == 3
    for wrong in ("0", "two", "-1", "1.5"):
        monkeypatch.setenv("MULTIGENRE_CORES", wrong)
        with pytest.raises(
            InputError, match=f"MULTIGENRE_CORES must be a whole number of 1 or more, got '{wrong}'"
        ):
            cores()


def test_linear_algebra_keeps_to_one_thread_inside_and_to_its_own_again_afterwards():
    before = blas_threads()
    with one_thread():
        np.linalg.solve(np.eye(30), np.ones(30))
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_work_is_dealt_to_as_many_threads_as_there_are_cores_and_answers_keep_their_order(monkeypatch):
    monkeypatch.setenv("MULTIGENRE_CORES", "2")
    both = threading.Barrier(2, timeout=30)  # which only two threads at once pass

    def work(item):
        both.wait()
        return item, threading.get_ident()

    found = list(side_by_side(work, range(6)))
    assert [item for item, _ in found] == list(range(6))
    assert len({thread for _, thread in found}) == 2


def test_what_goes_wrong_in_a_thread_is_raised():
    def work(item):
        raise InputError(f"item {item} is wrong")

    with pytest.raises(InputError, match="item 0 is wrong"):
        list(side_by_side(work, range(3)))
