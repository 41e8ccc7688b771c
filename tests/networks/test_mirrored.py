import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "mirrored_script.py"


@pytest.fixture(scope="module")
def trained():
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["poster-cnn", "overview-lstm"])
def test_two_devices_have_the_loss_curve_of_one(trained, name):
    found = trained[name]
    assert found["replicas"] == 2
    assert found["two"].keys() == found["one"].keys()
    for column, values in found["one"].items():
        assert found["two"][column] == pytest.approx(values, rel=1e-4), column
    one, two = found["from_shards"]
    assert two == pytest.approx(one, rel=1e-4)
    assert found["callers"] == pytest.approx(found["one"]["loss"], rel=1e-4)
    assert found["max_abs_diff"] < 1e-4 and found["saved_diff"] < 1e-6
