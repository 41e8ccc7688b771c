"""A process of its own for one measurement, and its peak memory."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path


def in_fresh_process(function, *arguments):
    """Return what a function gives in a new interpreter."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peak_mb():
    """Return this process's peak resident memory so far, in MB; Linux only.

    Not `resource.getrusage`: there a process starts with the peak of the one that started it.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return round(int(peak) * 1024 / 1e6)
