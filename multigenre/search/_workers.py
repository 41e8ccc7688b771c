"""One search on many processes: KerasTuner's chief, which gives out trials, and workers, which run them.

On several machines that share a folder, run the same command on each (docs/search.md), with the environment variables

- ``KERASTUNER_TUNER_ID``: ``chief`` once; on workers a name each, such as ``worker-0``;
- ``KERASTUNER_ORACLE_IP`` and ``KERASTUNER_ORACLE_PORT``: where the chief listens.

A worker that is gone for two minutes is given up, and its trial goes to another; one that starts again under its name
takes its trial up at once. A chief that starts again goes on; without one, workers wait for an hour. The channel is not
authenticated: whoever reaches the port can take trials and report results, so keep it inside a network that you trust.
Nothing here overwrites a search: to start anew, delete the folder.
"""

import contextlib
import ipaddress
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from multigenre._checks import InputError
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre._threads import VARIABLE, cores

if TYPE_CHECKING:
    from multigenre.search._oracles import Lasting

log = logging.getLogger("multigenre")

BEAT = 2.0  # seconds between signs of life
PATIENCE = 120.0  # seconds without one after which a worker is lost
MOST_RESTARTS = 5  # of one worker
PARENT = "MULTIGENRE_SEARCH_PARENT"


def run_workers(
    command: Sequence[str],
    folder: Pathlike,
    *,
    workers: int = 2,
    address: str = "127.0.0.1",
    progress: Progress = no_progress,
) -> None:
    """Run a command that searches as one chief and so many workers on this machine, until the search has ended.

    A worker that dies is started again, and goes on with its trial. When this process dies, the others end.

    Parameters
    ----------
    command : sequence of str
        One that calls `multigenre.search.search` once, such as ``[sys.executable, "my_search.py"]``.
    folder : path
        That of the search. What the processes print goes to ``workers/NAME.log`` in it.
    workers : int
        Each has its share of the cores (``MULTIGENRE_CORES``), and one of the
        GPUs that ``CUDA_VISIBLE_DEVICES`` names, in turn. Memory of a GPU is taken as it is needed, so that several
        processes can share one.
    address : str
        Where the chief listens: this machine only, unless another is given. The channel is not authenticated.
    progress : callable, optional
        Called with (what, trials ended, trials begun).

    Raises
    ------
    InputError
        If there is to be no worker, the address is not an IP address, or a process ends with code 2: bad input.
    RuntimeError
        If the chief dies, or a worker dies again and again; the same call goes on with the search.
    """
    if workers < 1:
        raise InputError(f"A distributed search needs at least 1 worker, got {workers}.")
    try:
        if not ipaddress.ip_address(address).is_loopback:
            log.warning(
                "The chief listens at %s, and the channel is not authenticated: whoever reaches it can take trials and "
                "report results.",
                address,
            )
    except ValueError:
        raise InputError(f"The chief listens at an IP address such as 127.0.0.1, got {address!r}.") from None
    logs = Path(folder) / "workers"
    logs.mkdir(parents=True, exist_ok=True)
    shared = {
        "KERASTUNER_ORACLE_IP": address,
        "KERASTUNER_ORACLE_PORT": str(_free_port(address)),
        PARENT: str(os.getpid()),
        VARIABLE: str(max(1, cores() // workers)),
        "no_grpc_proxy": address,
    }
    resources = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    names = [f"worker-{number}" for number in range(workers)]
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")

    def start(name):
        environment = {**resources, **os.environ, **shared}
        if name in names and len(gpus) > 1:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[names.index(name) % len(gpus)]
        with (logs / f"{name}.log").open("ab") as file:
            options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": subprocess.STDOUT}
            return subprocess.Popen(command, env={**environment, "KERASTUNER_TUNER_ID": name}, **options)

    with contextlib.ExitStack() as stack:
        processes = {}
        stack.callback(_end, processes)
        for name in ("chief", *names):
            processes[name] = start(name)
        restarts, late = dict.fromkeys(names, 0), set()
        while any(processes[name].poll() != 0 for name in names if name not in late):
            for name in names:
                code = processes[name].poll()
                if code in (None, 0) or name in late:
                    continue
                if code == 1 and _ended_well(processes["chief"]):
                    late.add(name)  # it asked for another trial when all had ended and the chief was leaving
                    continue
                restarts[name] += 1
                # Python's exceptions end a process with 1, bad input with 2: the next process would do the same.
                if code > 0 or restarts[name] > MOST_RESTARTS:
                    raise _error(name, code, logs)
                log.warning("%s %s; it is started again.", name, _how(code))
                processes[name] = start(name)
            code = processes["chief"].poll()
            if code not in (None, 0):
                raise _error("chief", code, logs)
            progress("trials", *_counts(folder))
            time.sleep(0.2)


def _free_port(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as place:
        place.bind((address, 0))
        return place.getsockname()[1]


def _ended_well(process):
    """Return whether a process ends with code 0, at once or within seconds."""
    try:
        return process.wait(5) == 0
    except subprocess.TimeoutExpired:
        return False


def _end(processes):
    """End what still runs: the chief would wait for up to twenty seconds more."""
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _counts(folder):
    """Return how many trials ended, and how many began."""
    places = list((Path(folder) / "trials").glob("trial_*"))
    ended = sum((place / "result.json").is_file() or (place / "failure.json").is_file() for place in places)
    return ended, len(places)


def _how(code):
    return f"was killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _error(name, code, logs):
    """Return an error with what happened to a process, and the last that it said."""
    lines = (logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = lines[-1].strip() if lines else "nothing"
    what = (
        f"The {name} {_how(code)} (it said: {said}); its log is {logs / name}.log, and the same call goes on."
    )
    return InputError(what) if code == 2 else RuntimeError(what)


def part() -> str:
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
    oracle : an oracle of `make_oracle`
    folder : path
        Where workers `beat`.
    patience : float
        Seconds, by this process's clock: other machines' clocks do not matter.
    """

    def __init__(self, oracle: "Lasting", folder: Pathlike, *, patience: float = PATIENCE):
        self.oracle, self.folder, self.patience = oracle, Path(folder), patience
        self._seen: dict[str, tuple[int | None, float]] = {}

    def __call__(self) -> None:
        """Look once."""
        for worker in sorted({*self.oracle.tuner_ids, *self.oracle.ongoing_trials}):
            try:
                sign = (self.folder / f"{worker}.alive").stat().st_mtime_ns
            except OSError:
                sign = None
            now = time.monotonic()
            if worker not in self._seen or self._seen[worker][0] != sign:
                self._seen[worker] = sign, now
            elif now - self._seen[worker][1] > self.patience:
                log.warning(
                    "%s gave no sign of life for %g s; its trial goes to another.", worker, self.patience
                )
                self.oracle.take_back(worker)
                del self._seen[worker]
