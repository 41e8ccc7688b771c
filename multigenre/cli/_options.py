"""What several commands take: films, a bundle, posters, an engine, a seed, shares of a split, names."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from multigenre._checks import InputError

FilmsTable = Annotated[
    Path,
    typer.Argument(
        metavar="FILMS",
        help="Table of films (CSV, TSV or other text, Parquet): overviews, and genres as 0/1 columns or in one column.",
    ),
]
BundleFolder = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder that 'multigenre train' wrote.")]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse posters that cannot be read instead of naming them and going on."),
]
Seed = Annotated[int, typer.Option(help="Of the split, the initial weights, dropout and the order of films.")]
Split = Annotated[
    str,
    typer.Option(
        metavar="SHARES|COLUMN",
        help="Share of the films for each role, 0 is allowed; or the column of FILMS that says which train and test.",
    ),
]
DEFAULT_SPLIT = "train=0.7,validation=0.1,calibration=0.1,test=0.1"


class Engine(StrEnum):
    """What predicts."""

    local = "local"
    ray = "ray"


ENGINES = (
    "local: this process; ray: actors on the Ray cluster that RAY_ADDRESS names, or on this machine. "
    "With ray, or where FILMS is a folder of shards, "
)
EngineOption = Annotated[Engine, typer.Option(help=f"{ENGINES}--out is a folder of Parquet files.")]
ScoringEngine = Annotated[
    Engine,
    typer.Option(help=f"{ENGINES}predictions stay in DIR/predictions; the same command goes on there."),
]
Actors = Annotated[
    int | None,
    typer.Option(help="Of the engine ray; default: one less than the cluster has processors."),
]


def parse_names(text: str | None) -> list[str]:
    """Return names from text such as ``poster-cnn, overview-lstm``; none of None."""
    return [name.strip() for name in text.split(",")] if text else []


def parse_split(text: str) -> dict[str, float]:
    """Return shares by role from text such as ``train=0.8,validation=0.1,calibration=0.1,test=0``.

    >>> parse_split("train=0.9,test=0.1")
    {'train': 0.9, 'test': 0.1}
    """
    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {role.strip(): float(share) for role, share in pairs}
    except ValueError:
        raise InputError(
            f"--split takes shares such as {DEFAULT_SPLIT}, or a column, got {text!r}."
        ) from None
