"""How many processors there are to use, and work that is dealt to them."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from joblib import cpu_count  # noqa: TID251  # which counts, and reads no file
from threadpoolctl import threadpool_limits

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


def one_thread() -> threadpool_limits:
    """Return a context in which linear algebra uses the thread that asks for it.

    Threads that share a product of small matrices wait for each other longer than they work, most of all where other
    programs run.
    """
    return threadpool_limits(1, "blas")


def side_by_side(work: Callable[[One], Found], items: Iterable[One]) -> Iterator[Found]:
    """Yield what ``work`` gives for each item, in their order, on as many threads as there are `cores`.

    For work that is mostly NumPy's, which lets other threads run meanwhile.

    Examples
    --------
    >>> list(side_by_side(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    with one_thread(), ThreadPoolExecutor(cores()) as pool:
        yield from pool.map(work, items)
