"""How long is a film's way through the code, in `GenreEnsemble.fit` and in `report`?

    python benchmarks/film_way.py

Trains two members that take seconds on 300 made films and writes a report of the test films, and watches which
functions of the package are called with films, or with a list or dict that holds films. Prints one JSON line; for
``fit`` and ``report``:

- ``functions``: how many different ones are called so, methods of `Films` among them;
- ``modules``: how many these are in;
- ``returns``: how often the way comes back to a module that it had left. A function is met at its first call, from the
  function that calls it, so control that goes back to a caller for another call counts as well;
- ``calls``: in all.
"""

import json
import sys
import tempfile
import threading
from pathlib import Path

from machine import machine

import multigenre
from multigenre import Films, GenreEnsemble, make_films, report

PACKAGE = str(Path(multigenre.__file__).parent)


def holds_films(value, depth=2):
    """Return whether a value is films, or holds some."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and depth:
        return any(holds_films(one, depth - 1) for one in value)
    return isinstance(value, Films)


class Way:
    """The functions that films pass."""

    def __init__(self):
        self.met, self.modules, self.calls = {}, [], 0

    def watch(self, frame, event, _):
        """Note a call, for `sys.setprofile`."""
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or "<" in code.co_name:
            return
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if not any(holds_films(frame.f_locals.get(name)) for name in names):
            return
        self.calls += 1
        function = code.co_filename, code.co_qualname
        if function not in self.met:
            caller = frame.f_back
            while caller and (caller.f_code.co_filename, caller.f_code.co_qualname) not in self.met:
                caller = caller.f_back
            self.modules += [caller.f_code.co_filename] if caller else []
            self.modules.append(code.co_filename)
            self.met[function] = True

    def told(self):
        """Return the counts."""
        stays = [
            one for place, one in enumerate(self.modules) if place == 0 or self.modules[place - 1] != one
        ]
        returns = sum(one in stays[:place] for place, one in enumerate(stays))
        modules = {module for module, _ in self.met}
        return {"functions": len(self.met), "modules": len(modules), "returns": returns, "calls": self.calls}


def followed(job):
    """Return the counts of what films pass while a job runs."""
    way = Way()
    sys.setprofile(way.watch)
    threading.setprofile(way.watch)
    try:
        job()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return way.told()


def main():
    with tempfile.TemporaryDirectory() as folder:
        films = make_films(300, genres=6, folder=Path(folder) / "posters")
        ensemble = GenreEnsemble(["poster-colours", "overview-tfidf"])
        found = {"fit": followed(lambda: ensemble.fit(films))}
        found["report"] = followed(lambda: report(ensemble, films, Path(folder) / "report.html"))
    print(json.dumps({"benchmark": "film_way", **found} | machine()))


if __name__ == "__main__":
    main()
