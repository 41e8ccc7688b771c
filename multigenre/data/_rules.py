"""How a table is read where more than one way makes sense: what the caller decides."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from multigenre._checks import InputError
from multigenre._signatures import Pathlike

CHOICES = {
    "duplicates": ("error", "first", "merge"),
    "blank": ("0", "unknown"),
    "bad_rows": ("error", "skip"),
    "plots": ("first", "longest", "all"),
}


@dataclass(frozen=True, kw_only=True)
class ReadingRules:
    """What `Films.read` does where a table leaves a choice.

    Parameters
    ----------
    genres_apart : str, optional
        The mark between genres in one cell. Default: found in the cells.
    genre_map : dict of str to str, or path, optional
        Another name for a genre, several joined by ``|``, or ``""`` to leave it out; or a CSV of two columns, or a JSON
        file, that says so.
    duplicates : str
        What becomes of rows with one id: ``"error"``, ``"first"`` takes the first, ``"merge"`` joins their genres and
        takes the first overview, title and poster that is there.
    blank : str
        What a blank cell of a column of 0 and 1 means: ``"0"``, or ``"unknown"``, which is refused as yet.
    bad_rows : str
        ``"error"`` refuses a table with rows that are too long or too short, or have no id; ``"skip"`` leaves them out.
    placeholders : bool
        Whether texts such as ``N/A`` and ``No overview found.`` mean that there is none.
    plots : str
        Which of several overviews in one cell is taken: ``"first"``, ``"longest"``, or ``"all"`` of them, joined.
    encoding, separator : str, optional
        Default: found in the file.

    Raises
    ------
    InputError
        If a choice is not one of those.
    """

    genres_apart: str | None = None
    genre_map: Mapping[str, str] | Pathlike | None = None
    duplicates: str = "error"
    blank: str = "0"
    bad_rows: str = "error"
    placeholders: bool = True
    plots: str = "first"
    encoding: str | None = None
    separator: str | None = None

    def __post_init__(self):
        for field in fields(self):
            choices = CHOICES.get(field.name)
            if choices and getattr(self, field.name) not in choices:
                option = f"--{field.name.replace('_', '-')}"
                raise InputError(f"{option} is {' or '.join(choices)}, got {getattr(self, field.name)!r}.")
        if self.genres_apart == "":
            raise InputError("--genres-apart is the mark between genres, such as a comma, got nothing.")
