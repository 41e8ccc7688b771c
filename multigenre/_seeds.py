"""One seed in, as many independent seeds out as a model has random parts."""

from collections.abc import Sequence

import numpy as np


def child_seeds(seed: int | Sequence[int] | None, n: int) -> list[int] | list[None]:
    """Return ``n`` independent seeds drawn from ``seed``, or ``n`` times None where it is None.

    >>> child_seeds(0, 2) == child_seeds(0, 3)[:2]
    True
    >>> child_seeds(None, 2)
    [None, None]
    """
    if seed is None:
        return [None] * n
    # Keras's seeds are int32 and above zero.
    return [int(state) % (2**31 - 1) + 1 for state in np.random.SeedSequence(seed).generate_state(n)]
