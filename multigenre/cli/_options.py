"""What several commands of the command line share: a table of films, posters, shares of a split, a seed."""

from pathlib import Path
from typing import Annotated

import typer

from multigenre._checks import InputError

FilmsTable = Annotated[
    Path,
    typer.Argument(
        metavar="FILMS",
        help="CSV or Parquet table: an id, an overview, and genres as 0/1 columns or as one column 'A|B'.",
    ),
]
Posters = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of posters, one ID.jpg, .png or .webp a film.")
]
Seed = Annotated[int, typer.Option(help="Of the split, the initial weights, dropout and the order of films.")]
Split = Annotated[str, typer.Option(help="Share of the films for each role; 0 is allowed.")]
DEFAULT_SPLIT = "train=0.7,validation=0.1,calibration=0.1,test=0.1"


def parse_split(text):
    """Return shares by role from text such as ``train=0.8,validation=0.1,calibration=0.1,test=0``.

    >>> parse_split("train=0.9,test=0.1")
    {'train': 0.9, 'test': 0.1}
    """
    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {role.strip(): float(share) for role, share in pairs}
    except ValueError:
        raise InputError(f"--split takes shares such as {DEFAULT_SPLIT}, got {text!r}.") from None
