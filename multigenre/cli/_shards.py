"""The command line for catalogues that outgrow a table: ``convert``, ``predict`` to Parquet shards, ``evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import multigenre
import multigenre.data
import multigenre.shards
from multigenre.cli._options import FilmsTable, Strict
from multigenre.cli._reading import FilmsReader, reads_films
from multigenre.cli._terminal import console, progress_bars, quiet

if TYPE_CHECKING:
    import pandas as pd


@reads_films
def convert(
    films: FilmsTable,
    reader: FilmsReader,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of shards; the same command goes on there.")
    ],
    shard_films: Annotated[int, typer.Option(help="Films of a shard.")] = 4096,
    strict: Strict = False,
) -> None:
    """Write FILMS and their posters to Parquet shards, for 'predict' and for training in little memory.

    A conversion that was killed goes on where it was when the same command is given again.
    """
    table = reader.read(films)
    with quiet():
        convert_films = multigenre.shards.convert
    with progress_bars() as progress:
        found = convert_films(table, out, shard_films=shard_films, strict=strict, progress=progress)
    total = found.sum()
    console.print(
        f"{total['films']} films in {len(found)} shards, {total['bytes'] / 1e6:.1f} MB: {total['posters']} posters, "
        f"{total['unreadable']} more that cannot be read, {total['overviews']} overviews. They are in {out}"
    )


def run_predict_shards(
    bundle: Path,
    films: Path,
    out: Path,
    reader: FilmsReader,
    *,
    engine: str = "local",
    actors: int | None = None,
    with_members: bool = False,
) -> None:
    """Run the command ``predict`` to a folder of Parquet files, with bars and words in the terminal.

    Parameters
    ----------
    bundle, films, out : path
        ``films`` is a folder of shards, or a table.
    reader : FilmsReader
        Of the table.
    engine, actors, with_members
        As `multigenre.shards.predict_shards` takes them.
    """
    source = (
        films
        if films.is_dir() and not multigenre.data.is_source(films)
        else reader.read(films, labelled=False)
    )
    with quiet():
        predict = multigenre.shards.predict_shards
    options = {"engine": str(engine), "with_members": with_members, "actors": actors}
    with progress_bars() as progress:
        n_films = predict(bundle, source, out, **options, progress=progress)
    console.print(f"{n_films} films predicted: {out}")


def run_evaluate_shards(
    bundle: Path,
    films: Path,
    out: Path,
    reader: FilmsReader,
    *,
    engine: str = "local",
    actors: int | None = None,
) -> tuple[dict[str, dict[str, Any]], "pd.DataFrame"]:
    """Run the command ``evaluate`` on what need not fit in memory, with bars in the terminal.

    Parameters
    ----------
    bundle, films : path
        As `run_predict_shards` takes them; the genres are known.
    out : path
        Folder of the predictions.
    reader : FilmsReader
        Of the table.
    engine, actors
        As `multigenre.shards.predict_shards` takes them.

    Returns
    -------
    scores : dict of str to dict
        As `multigenre.ensemble.GenreEnsemble.evaluate`.
    by_genre : DataFrame
    """
    source = films if films.is_dir() and not multigenre.data.is_source(films) else reader.read(films)
    with quiet():
        evaluate = multigenre.shards.evaluate_shards
    with progress_bars() as progress:
        return evaluate(bundle, source, out, engine=str(engine), actors=actors, progress=progress)
