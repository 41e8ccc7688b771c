"""The commands for what people look at: ``report``, a page to send, and ``app``, a page that answers."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import multigenre
import multigenre.analysis
import multigenre.views
from multigenre._checks import InputError
from multigenre.cli._options import BundleFolder, FilmsTable
from multigenre.cli._reading import FilmsReader, reads_films
from multigenre.cli._terminal import console, ensemble_class, progress_bars


class Format(StrEnum):
    """What a report is written as."""

    html = "html"
    json = "json"
    csv = "csv"


@reads_films
def report(
    bundle: BundleFolder,
    films: FilmsTable,
    reader: FilmsReader,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Page, JSON file, or folder of CSV tables to write.")
    ],
    format: Annotated[
        Format, typer.Option(help="html: a page to read; json, csv: its tables.")
    ] = Format.html,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Slice by this column of FILMS too; years become decades. Repeatable."
        ),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option(
            help="Damage posters and overviews of up to 300 films, each about 30 times, and show in the page what is "
            "left of the scores. Minutes."
        ),
    ] = False,
) -> None:
    """Write one page that says where each member of a BUNDLE is right, on FILMS that it never saw.

    The page is one file, asks nothing of the network, and needs FILMS whose genres are known. Films that taught the
    bundle something are left out.
    """
    if multigenre.views.check_path(out) != format.value:
        ending = {"html": "a name that ends in .html", "json": "a name that ends in .json", "csv": "a folder"}
        raise InputError(f"--format {format.value} needs {ending[format.value]} for --out, got {out.name}.")
    if robustness and format is not Format.html:
        raise InputError(
            f"--robustness is shown in a page, got --format {format.value}; write html or leave it out."
        )
    table = reader.read(films)
    attributes = multigenre.analysis.read_attributes(films, column or (), **reader.how)
    ensemble = ensemble_class().load(bundle)
    with progress_bars() as progress:
        extras = None
        if robustness:
            extras = multigenre.views.robustness_extras(ensemble, table, progress=progress)
        options = {"attributes": attributes, "extras": extras, "progress": progress}
        tables = multigenre.views.report(ensemble, table, out, **options)
    scored = tables["summary"]["n_films"].max()
    console.print(f"{scored} films that {bundle.name} never saw are in {out}", markup=False, soft_wrap=True)


def app(
    bundle: BundleFolder,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the page listens.")] = 7860,
    host: Annotated[
        str,
        typer.Option(help="Who may reach it: this machine alone, or 0.0.0.0 for all who reach this machine."),
    ] = "127.0.0.1",
    share: Annotated[
        bool, typer.Option("--share", help="Also through a public address of Gradio's, for a week at most.")
    ] = False,
) -> None:
    """Open a page in the browser: drop a poster, type an overview, and see which genres BUNDLE reads, and why."""
    multigenre.views.gradio()  # before the bundle loads, which takes seconds
    ensemble = ensemble_class().load(bundle)
    page, url = multigenre.views.serve(
        ensemble, title=bundle.resolve().name, host=host, port=port, share=share
    )
    console.print(f"The page is at {url}; Ctrl+C ends it.", markup=False, highlight=False, soft_wrap=True)
    if share or host not in multigenre.views.LOCAL:
        console.print("It has no password: whoever reaches it can ask.", style="yellow")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        page.close(verbose=False)
