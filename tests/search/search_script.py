"""A search for tests that run it in processes of their own: `python search_script.py FOLDER SECONDS [hold]`."""

import os
import sys
import time
from pathlib import Path

from multigenre.search import SearchPlan, search


def space(hp):
    """A hyperparameter, and one that depends on a choice."""
    kind = hp.Choice("kind", ["plain", "curved"])
    with hp.conditional_scope("kind", ["curved"]):
        curve = hp.Float("curve", 0.1, 10.0, sampling="log", default=1.0)
    return {"x": hp.Float("x", -1.0, 1.0, default=0.5), "kind": kind, "curve": curve}


class Slow:
    """A trial that notes when it begins and ends; it takes so many seconds.

    With ``hold`` the third to begin waits until somebody has killed it, and says so by a file.
    """

    def __init__(self, folder, seconds, hold=False):
        self.folder, self.seconds, self.hold = Path(folder), seconds, hold

    def __call__(self, settings, *, folder, seed, progress=None):
        name = Path(folder).parent.name
        with (self.folder / "began.txt").open("a") as file:
            file.write(f"{name} {os.getpid()}\n")
        begun = (self.folder / "began.txt").read_text().splitlines()
        while (
            self.hold and begun.index(f"{name} {os.getpid()}") == 2 and not (self.folder / "killed").is_file()
        ):
            time.sleep(0.05)
        time.sleep(self.seconds)
        with (self.folder / "ended.txt").open("a") as file:
            file.write(f"{name}\n")
        return {"val-loss": (settings["x"] - 0.2) ** 2}


if __name__ == "__main__":
    folder, seconds = sys.argv[1], float(sys.argv[2])
    trial = Slow(folder, seconds, hold="hold" in sys.argv)
    search(space, trial, folder, plan=SearchPlan(strategy="random", trials=6))
