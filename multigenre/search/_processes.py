"""Processes of one search: which part a process has, signs of life, and who is lost."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from multigenre._signatures import Pathlike

log = logging.getLogger("multigenre")

BEAT = 2.0  # seconds between signs of life
PATIENCE = 120.0  # seconds without one after which a worker is lost
PARENT = "MULTIGENRE_SEARCH_PARENT"


def part():
    """Return what KerasTuner's environment variables make of this process: ``"alone"``, ``"chief"`` or ``"worker"``."""
    if "KERASTUNER_ORACLE_IP" not in os.environ:
        return "alone"
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


@contextlib.contextmanager
def every(seconds: float, *actions: Callable[[], object]) -> Iterator[None]:
    """Call the actions again and again, in a thread of their own, while the block runs."""
    ended = threading.Event()

    def run():
        while True:
            for action in actions:
                action()
            if ended.wait(seconds):
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def beat(folder: Pathlike) -> None:
    """Give a sign of life of this worker, in a folder that the chief sees."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{os.environ['KERASTUNER_TUNER_ID']}.alive").touch()


def leave_with_parent() -> None:
    """End this process at once where the one that started it is gone: a new search may start in its place."""
    if PARENT in os.environ and os.getppid() != int(os.environ[PARENT]):
        os._exit(1)


class Watch:
    """Finds workers that give no sign of life, and lets others run their trials.

    Without it the chief waits for ever for a worker that died.

    Parameters
    ----------
    oracle : oracle of `multigenre.search_oracles`
    folder : path
        Where workers `beat`.
    patience : float
        Seconds, by this process's clock: other machines' clocks do not matter.
    """

    def __init__(self, oracle, folder: Pathlike, *, patience: float = PATIENCE):
        self.oracle, self.folder, self.patience, self._seen = oracle, Path(folder), patience, {}

    def __call__(self):
        """Look once."""
        for worker in sorted({*self.oracle.tuner_ids, *self.oracle.ongoing_trials}):
            try:
                sign = (self.folder / f"{worker}.alive").stat().st_mtime_ns
            except OSError:
                sign = None
            now = time.monotonic()
            if self._seen.get(worker, ("", 0))[0] != sign:
                self._seen[worker] = sign, now
            elif now - self._seen[worker][1] > self.patience:
                log.warning(
                    "%s gave no sign of life for %g s; its trial goes to another.", worker, self.patience
                )
                self.oracle.take_back(worker)
                del self._seen[worker]
