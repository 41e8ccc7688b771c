import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs_on_made_films(path):
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "fused" in done.stdout


def test_fusing_and_calibrating_takes_less_than_forty_lines_of_code():
    [path] = [path for path in EXAMPLES if path.stem == "fuse_and_calibrate"]
    code = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) < 40
