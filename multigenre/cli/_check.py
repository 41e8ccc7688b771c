"""The command ``check``: what is understood of a table of films, and what to do about what is not as it should be."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

import multigenre.data
from multigenre.cli._options import FilmsTable
from multigenre.cli._reading import FilmsReader, reads_films
from multigenre.cli._terminal import output, progress_bars

SHOWN = 60  # genres on the screen


@reads_films
def check(
    films: FilmsTable,
    reader: FilmsReader,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a screen.")
    ] = False,
) -> None:
    """Say what is understood of FILMS and their posters, and what to do about it, before anything is trained.

    Exit code 2 where they cannot be read.
    """
    found, reading = multigenre.data.read_films(films, posters=reader.posters, **reader.how)
    with progress_bars() as progress:
        facts = multigenre.data.check_films(found, reading, progress=progress)
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print_facts(facts, films)


def print_facts(facts: dict[str, Any], source: Path) -> None:
    """Print what `multigenre.data.check_films` gives on a screen."""
    read = ", ".join(
        f"{what} {facts[what]}" + (f" ({facts[f'{what}_why']})" if f"{what}_why" in facts else "")
        for what in ("format", "encoding", "separator", "quoting")
        if what in facts
    )
    _say(f"{source.name}: {facts['films']} films" + (f"; {read}" if read else ""), style="bold")
    table = Table(box=SIMPLE, padding=(0, 1))
    for column in ("what", "column", "why"):
        table.add_column(column)
    for role in ("id", "title", "overview", "genres", "poster", "split"):
        name = facts["columns"].get(role)
        if isinstance(name, list):
            name = f"{name[0]} .. {name[-1]} ({len(name)})"
        table.add_row(
            role, "-" if name is None else escape(name or "(no name)"), escape(facts["why"].get(role, ""))
        )
    output.print(table)
    if facts["left_alone"]:
        _say(f"Left alone: {', '.join(name or '(no name)' for name in facts['left_alone'])}")
    if facts["genres"]:
        _say(f"{len(facts['genres'])} genres, {facts['genres_a_film']} a film:", style="bold")
        marks = {name: _mark(count) for name, count in facts["genres"].items()}
        shown = [f"{name} {count}{marks[name]}" for name, count in list(facts["genres"].items())[:SHOWN]]
        more = len(facts["genres"]) - len(shown)
        _say("  " + ", ".join(shown) + (f" and {more} more" if more > 0 else ""))
        if any(marks.values()):
            _say(f"  !! fewer than {multigenre.data.RARE} films, ! fewer than {multigenre.data.FEW}")
    missing = {
        "overview": facts["without_overview"],
        "poster": facts["without_poster"],
        "genres": facts["without_genres"],
    }
    _say(
        "Films without " + ", without ".join(f"{what}: {count}" for what, count in missing.items()),
        style="bold",
    )
    if facts["splits"]:
        _say(
            "Splits of the table: " + ", ".join(f"{name} {count}" for name, count in facts["splits"].items())
        )
    for what, count in facts["repaired"].items():
        _say(f"Repaired: {count} {what}")
    for sentence in facts["warnings"]:
        _say(f"! {sentence}", style="yellow")


def _mark(count):
    return " !!" if count < multigenre.data.RARE else " !" if count < multigenre.data.FEW else ""


def _say(text, style=None):
    output.print(text, style=style, markup=False, highlight=False)
