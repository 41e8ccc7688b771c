"""The command line's ``report``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import multigenre
from multigenre.cli_options import FilmsTable, Posters
from multigenre.terminal import console, progress_bars, quiet


class Format(StrEnum):
    """What is written."""

    html = "html"
    json = "json"
    csv = "csv"


ENDINGS = {"html": ".html", "json": ".json", "csv": ""}


def report(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder that 'multigenre train' wrote.")],
    films: FilmsTable,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The page; a file or folder of tables with --format.")
    ] = Path("report.html"),
    posters: Posters = None,
    format: Annotated[
        Format, typer.Option(help="html: one page; json: one file of tables; csv: a folder of tables.")
    ] = Format.html,
    column: Annotated[
        list[str] | None,
        typer.Option(help="A column of FILMS to slice the films by; may be given again."),
    ] = None,
):
    """Show where each member of BUNDLE is right: tables, pictures and films, on FILMS that taught it nothing."""
    table = multigenre.Films.read(films, posters=posters)
    attributes = multigenre.film_tables.read_columns(films, column) if column else None
    with quiet():
        write, ensemble_class = multigenre.report.report, multigenre.GenreEnsemble
    path = out.with_suffix(ENDINGS[format.value]) if format is not Format.html else out
    multigenre.report.check_path(path)
    ensemble = ensemble_class.load(bundle)
    with progress_bars() as progress:
        write(ensemble, table, path, attributes=attributes, progress=progress)
    console.print(f"The report is in {path}")
