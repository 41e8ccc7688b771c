"""Cells of a table as texts, and texts that say that there is none."""

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

# What people and programs write where they have nothing, in small letters, without a full stop.
NOTHING = frozenset({
    "", "n/a", "#n/a", "na", "n.a", "nan", "none", "null", "nil", "nat", "<na>", r"\n", "-", "--", "---", "–", "—", "?",
    ".", "unknown", "undefined", "not available", "not specified", "unavailable", "tba", "tbd", "empty", "missing",
    "(no genres listed)", "no genres listed", "no genre", "no genres", "(none)", "(empty)", "(unknown)", "[none]",
    "plot unknown", "plot kept under wraps", "plot under wraps", "the plot is unknown", "unknown plot", "coming soon",
    "lorem ipsum", "see full summary", "set()", "nothing",
})  # fmt: skip
NO_TEXT = re.compile(
    r"(?:there (?:is|are) |we (?:do not|don't) have |sorry, )*(?:no|add an?|without|missing|an?)? ?"
    r"(?:\w+ )?(?:overview|plot|description|synopsis|summary|storyline|plot outline)"
    r"(?: (?:is|was|has|have|been|for this \w+|yet|currently|found|available|provided|given|added|here|translated|"
    r"in english|not|unavailable|missing|unknown|needed|to be \w+|»)){0,9}"
)
STARTS = (
    "no ", "there ", "we ", "sorry", "add ", "without ", "missing ", "overview ", "plot ", "description ", "synopsis ",
    "summary ",
)  # fmt: skip
# Whole cells only: in a list of genres, N/A is a name that some tables give a column of its own.
NO_GENRE = NOTHING - {"n/a", "na"}


def texts(values: Iterable[object]) -> np.ndarray:
    """Return values as an object array of str without surrounding white space, ``""`` where missing.

    Bytes are decoded, and whole numbers stay whole.

    >>> texts([" a ", None, b"b", 862.0, float("nan")]).tolist()
    ['a', '', 'b', '862', '']
    """
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.StringDtype):
        values = values.to_numpy(object, na_value="")
        return np.array([str(value).strip() for value in values], dtype=object)
    if isinstance(values, pd.Series) and pd.api.types.is_float_dtype(values.dtype):
        filled = values.dropna()
        if len(filled) and (filled % 1 == 0).all():  # ids and years become floats where some are missing
            values = values.astype("Int64")
    values = pd.Series(values, dtype=object)  # pyright: ignore[reportArgumentType, reportCallIssue]  # any iterable
    values = values.where(values.notna(), "")
    found = np.empty(len(values), object)
    found[:] = [value.strip() if isinstance(value, str) else _text(value) for value in values]
    return found


def _text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value).strip()


def cells(table: pd.DataFrame, column: str | None) -> np.ndarray:
    """Return the texts of a column, all ``""`` where ``column`` is None."""
    return np.full(len(table), "", object) if column is None else texts(table[column])


def is_placeholder(text: str) -> bool:
    """Return whether a text only says that there is none.

    >>> [is_placeholder(text) for text in ("N/A", "No overview found.", "No", "No plot survives the war.")]
    [True, True, False, False]
    """
    if len(text) > 80:
        return False
    said = " ".join(text.casefold().split()).rstrip(" .!…»").strip("\"'*")
    return said in NOTHING or bool(said.startswith(STARTS) and NO_TEXT.fullmatch(said) and " " in said)


def without_placeholders(found: np.ndarray, counted: Counter[str]) -> np.ndarray:
    """Return texts with ``""`` for those that only say that there is none, which are counted by what they say."""
    # Few texts are as short as these, and the same few come again and again.
    said = {text for text in set(found.tolist()) if text and is_placeholder(text)}
    if not said:
        return found
    counted.update(text for text in found if text in said)
    return np.array(["" if text in said else text for text in found], dtype=object)


def spaced(found: Iterable[str]) -> np.ndarray:
    r"""Return texts with one space for each run of white space, none at the ends: an object array.

    >>> spaced(["One\u00a0 plot.", " "]).tolist()
    ['One plot.', '']
    """
    # Most texts are so already, and asking costs less than splitting and joining them anew.
    kept = [
        text
        if text.isprintable() and "  " not in text and text[:1] != " " != text[-1:]
        else " ".join(text.split())
        for text in found
    ]
    return np.array(kept, dtype=object)
