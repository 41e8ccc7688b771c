"""Programs that take turns, so that a change of the machine's speed meets all of them."""

import contextlib
import subprocess
import sys
import time

import pandas as pd


def seconds(function, *arguments):
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def in_turns(programs, repeats):
    """Return a DataFrame of seconds: one column for each program, one row a repeat."""
    return pd.DataFrame(
        [{name: seconds(program) for name, program in programs.items()} for _ in range(repeats)]
    )


@contextlib.contextmanager
def spinning(n):
    """Keep ``n`` other processes busy."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def comparison(table, baseline, ours="ours_s"):
    """Return medians and ranges of a table of seconds, and of the ratio of two of its columns, row by row."""
    ratios = table[baseline] / table[ours]
    return {
        **table.median().round(3).to_dict(),
        "ratio": round(ratios.median(), 2),
        "ratio_range": [round(ratios.min(), 2), round(ratios.max(), 2)],
        "spread": {name: [round(table[name].min(), 3), round(table[name].max(), 3)] for name in table},
        "repeats": len(table),
    }
