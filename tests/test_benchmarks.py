import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def result_of(script, *arguments):
    """Run a benchmark and return the JSON of the one line that it prints."""
    command = [sys.executable, BENCHMARKS / script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    [line] = done.stdout.splitlines()
    return json.loads(line)


def test_starting_the_library_loads_few_modules_beyond_python():
    found = result_of("startup.py", "--repeats", "1")
    assert {"import_ms", "help_ms", "modules", "repeats", "cpu", "versions", "commit"} <= set(found)
    assert 1 <= found["modules"] < 30  # of the standard library: lazy_loader reads the stub with ast


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from /proc")
def test_thresholds_are_as_good_as_those_of_scikit_learn():
    found = result_of("thresholds.py", "--quick", "--films", "3000", "--repeats", "1")
    keys = ("seconds", "sklearn_seconds", "ratio", "peak_mb", "fuse_seconds", "bootstrap_seconds")
    assert all(found[key] > 0 for key in keys)
    assert found["max_f1_diff"] < 1e-12


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from /proc")
def test_scores_of_many_films_are_those_of_scikit_learn():
    found = result_of("scores.py", "--quick", "--films", "3000")
    keys = (
        "seconds",
        "sklearn_seconds",
        "ratio",
        "interval_seconds",
        "resample_seconds",
        "films_x10",
        "genres_x4",
    )
    assert all(found[key] > 0 for key in keys) and found["peak_mb"] >= found["data_mb"] > 0
    assert found["max_diff"] < 1e-6  # of scikit-learn's losses of float32


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from /proc")
def test_a_catalogue_that_is_predicted_is_evaluated():
    found = result_of("evaluate.py", "--quick", "--films", "600")
    assert found["films"] == 600 and found["contenders"] == 5
    assert found["seconds"] > 0 and found["peak_mb"] > 0


def test_what_a_search_found_is_compared_with_the_reference_on_films_that_no_search_reads():
    found = result_of("searched.py", "--quick")
    assert found["n_films"] == 40 and set(found["scores"]) == {"overview-lstm"}
    ways = found["scores"]["overview-lstm"]
    assert set(ways) == {"reference", "searched", "searched minus reference"}
    for metric, difference in ways["searched minus reference"].items():
        assert difference == pytest.approx(ways["searched"][metric][0] - ways["reference"][metric][0])
    # One epoch of eight units knows less than the eight epochs of the preset.
    assert ways["searched minus reference"]["bce"] > 0


def test_a_films_way_is_counted_in_fit_and_report():
    found = result_of("film_way.py")
    for job in ("fit", "report"):
        counts = found[job]
        assert counts["calls"] >= counts["functions"] > counts["modules"] > 1 and counts["returns"] > 0


def test_fusing_takes_a_fraction_of_what_it_took():
    found = result_of("fusion_fit.py", "--quick", "--films", "300", "--genres", "6")
    assert found["busy_seconds"] > 0 and found["ratio_busy"] == pytest.approx(
        found["busy_seconds"] / found["seconds"], rel=0.02
    )
    if "speedup" in found:  # where Git has the earlier commit
        assert found["speedup"] > 1


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from /proc")
def test_a_report_is_measured_apart_from_the_prediction_within_it():
    found = result_of("report.py", "--quick", "--films", "400")
    assert (found["films"], found["genres"]) == (400, 6)
    assert found["seconds"] > 0 and 0 < found["predict_seconds"] < found["seconds"]
    assert found["peak_mb"] >= found["start_mb"] > 0 and 0.1 < found["page_mb"] < 5


def test_a_table_is_read_in_little_more_memory_than_pandas_needs_and_finds_every_film():
    found = result_of("reading.py", "--quick")
    keys = ("seconds", "pandas_seconds", "ratio", "peak_mb", "peak_ratio", "file_mb")
    assert all(found[key] > 0 for key in keys) and found["films"] == 20_000


def test_a_step_of_the_poster_network_is_timed_quiet_and_busy_and_in_its_parts():
    found = result_of("cnn_step.py", "--quick")
    assert found["ours_s"] > 0 and found["busy"]["ours_s"] > 0 and found["batch"] == 64
    assert set(found["parts"]) == {"dropout_numbers", "dropout", "pool_gradient", "adam"}
    # A step without Adam or without masks still has its convolutions.
    assert all(part["range"][0] <= part["share"] < 0.9 for part in found["parts"].values())
    if find_spec("torch"):
        fastest = min(found["torch_s"], key=found["torch_s"].get)
        assert len(found["torch_s"]) == 4 and found["ratio"] == found["ratios"][fastest]
    else:
        assert found["torch_s"] is found["ratio"] is found["busy"]["ratio"] is None
