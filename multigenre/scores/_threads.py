"""Work that NumPy and SciPy do without Python's lock, side by side on the processors that this process may use."""

import operator
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any


def workers() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(function: Callable[..., Any], parts: Iterable[Any]) -> list[Any]:
    """Return what a function gives for each part, in their order."""
    parts = list(parts)
    if min(len(parts), workers()) < 2:
        return [function(part) for part in parts]
    with ThreadPoolExecutor(min(len(parts), workers())) as pool:
        return list(pool.map(function, parts))


def in_turn(function: Callable[..., Any], parts: Iterable[Any]) -> Iterator[Any]:
    """Yield what a function gives for each part, in their order, while the next parts are being made.

    At most two parts a processor are in memory.
    """
    with ThreadPoolExecutor(workers()) as pool:
        waiting = deque()
        for part in parts:
            waiting.append(pool.submit(function, part))
            if len(waiting) > workers():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def summed(function: Callable[..., Any], parts: Iterable[Any]) -> Any:
    """Return the sum of what a function gives for each part, one or more, added up in their order."""
    return reduce(operator.add, in_turn(function, parts))


def blocks(n: int, size: int) -> list[slice]:
    """Return slices of at most ``size`` that together are ``range(n)``."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
