"""TensorFlow's pools of threads, as large as the processors that this process may use."""

import logging
import os

import tensorflow as tf

from multigenre._threads import cores

log = logging.getLogger("multigenre")


def share_cores() -> None:
    """Give TensorFlow's two pools as many threads as there are `cores`, unless somebody has said how many.

    TensorFlow itself knows what a process is bound to, not what a container's quota pays for. Too late once it has
    computed something: the pools then stay as they are.
    """
    for pool in ("intra", "inter"):
        said = getattr(tf.config.threading, f"get_{pool}_op_parallelism_threads")
        say = getattr(tf.config.threading, f"set_{pool}_op_parallelism_threads")
        if f"TF_NUM_{pool.upper()}OP_THREADS" in os.environ or said():
            continue
        try:
            say(cores())
        except RuntimeError:
            log.debug("TensorFlow has computed before multigenre was imported, and keeps its threads.")
