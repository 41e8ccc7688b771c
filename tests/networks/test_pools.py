import os
import subprocess
import sys

import pytest

CODE = "import tensorflow as tf; {}; from multigenre import PosterCNN; threading = tf.config.threading; print({})"
POOLS = "threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()"


@pytest.mark.parametrize(
    "before, environment, expected",
    [
        ("", {"MULTIGENRE_CORES": "1"}, "1 1"),
        ("tf.config.threading.set_intra_op_parallelism_threads(3)", {"MULTIGENRE_CORES": "2"}, "3 2"),
        ("", {"MULTIGENRE_CORES": "2", "TF_NUM_INTEROP_THREADS": "1"}, "2 0"),
        ("tf.constant(1) + 1", {"MULTIGENRE_CORES": "1"}, "0 0"),
    ],
)
def test_tensorflow_has_as_many_threads_as_there_are_cores_unless_somebody_says_how_many(
    before, environment, expected
):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(before or "pass", POOLS)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    assert done.stdout.split() == expected.split()
