"""What signatures share: the kinds of their arguments, and the progress that nobody watches."""

import os
from collections.abc import Callable
from typing import TypeAlias

Pathlike: TypeAlias = str | os.PathLike[str]
Progress: TypeAlias = Callable[[str, int, int], object]  # what is done, how many are done, how many in all


def no_progress(what: str, done: int, total: int) -> None:
    """Tell nobody: the default wherever something long says how far it is."""
