"""How many processors there are to use, and work that is dealt to them."""

import operator
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache, reduce
from itertools import chain, islice
from typing import Any, TypeVar

from joblib import cpu_count  # noqa: TID251  # which counts, and reads no file
from threadpoolctl import ThreadpoolController

from multigenre._checks import InputError

One = TypeVar("One")
Found = TypeVar("Found")

VARIABLE = "MULTIGENRE_CORES"


def cores() -> int:
    """Return how many processors this process may use.

    As many as the environment variable ``MULTIGENRE_CORES`` says; by default those that the process is bound to, and no
    more than a container's quota pays for.

    Raises
    ------
    InputError
        If the variable is not a whole number of 1 or more.
    """
    said = os.environ.get(VARIABLE, "")
    if not said:
        return cpu_count()
    if not said.isdecimal() or int(said) < 1:
        raise InputError(f"{VARIABLE} must be a whole number of 1 or more, got {said!r}.")
    return int(said)


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra uses the thread that asks for it.

    Threads that share a product of small matrices wait for each other longer than they work, most of all where other
    programs run.
    """
    return _controller("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")


@cache  # to look for libraries takes milliseconds; SciPy brings another one than NumPy
def _controller(with_scipy):
    return ThreadpoolController()


def side_by_side(work: Callable[[One], Found], items: Iterable[One]) -> list[Found]:
    """Return what ``work`` gives for each item, in their order, on as many threads as there are `cores`.

    For work that is mostly NumPy's, which lets other threads run meanwhile.

    Examples
    --------
    >>> side_by_side(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    return list(in_turn(work, items))


def in_turn(work: Callable[[One], Found], items: Iterable[One]) -> Iterator[Found]:
    """Yield what ``work`` gives for each item, in their order, while the next are worked on, as `side_by_side`.

    At most two items a core are in memory.
    """
    items, n_threads = iter(items), cores()
    first = list(islice(items, 2))
    if len(first) < 2 or n_threads < 2:
        yield from map(work, chain(first, items))
        return
    with one_thread(), ThreadPoolExecutor(n_threads) as pool:
        waiting = deque()
        for item in chain(first, items):
            waiting.append(pool.submit(work, item))
            if len(waiting) > n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def summed(work: Callable[[One], Any], items: Iterable[One]) -> Any:
    """Return the sum of what ``work`` gives for each item, one or more, added up in their order.

    Examples
    --------
    >>> summed(abs, [-1, 2, -3])
    6
    """
    return reduce(operator.add, in_turn(work, items))


def blocks(n: int, size: int) -> list[slice]:
    """Return slices of at most ``size`` that together are ``range(n)``.

    Examples
    --------
    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
