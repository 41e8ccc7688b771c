"""What the command line shows: bars with the time left, tables, and the library's notes."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

import multigenre
from multigenre._signatures import Progress

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("bce", "map_macro", "f1_macro", "f1_micro")
console = Console(stderr=True)  # bars and notes
output = Console()  # results


@contextlib.contextmanager
def progress_bars() -> Iterator[Progress]:
    """Give a callable that shows (what, done, total) as one bar for each thing, with the time left."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    tasks = {}
    with Bars(*columns, console=console) as bars:

        def progress(what: str, done: int, total: int) -> None:
            key = what.split(",")[0]
            if key not in tasks:
                tasks[key] = bars.add_task(what)
            bars.update(tasks[key], description=what, completed=done, total=total)

        yield progress


def print_scores(found: dict[str, dict[str, Any]], title: str) -> None:
    """Print the scores of every contender, the two that need no threshold with 95 % intervals over films."""
    table = Table(
        title=title,
        box=SIMPLE,
        padding=(0, 1),
        caption="BCE: loss. 95 %: interval over films. F1: at the calibrated thresholds.",
    )
    table.add_column("", no_wrap=True)
    for column in ("BCE", "95 %", "mAP macro", "95 %", "F1 macro", "F1 micro"):
        table.add_column(column, justify="right", no_wrap="%" in column)
    for name, values in found.items():
        cells = []
        for metric in METRICS:
            cells.append("-" if values[metric] is None else f"{values[metric]:.3f}")
            if not metric.startswith("f1"):
                low, high = values["intervals"][metric]
                cells.append("-" if low is None else f"{low:.3f}-{high:.3f}")
        table.add_row(name, *cells)
    output.print(table)


def print_winners(table: "pd.DataFrame") -> None:
    """Print, genre by genre, the average precision of each contender, who is best, and what fusion changed."""
    table = table.dropna().sort_values("support", ascending=False)
    members = [name for name in table.columns if name not in ("support", "fused")]
    shown = Table(
        title="Average precision by genre, test films",
        box=SIMPLE,
        padding=(0, 1),
        caption="Best member in bold",
    )
    shown.add_column("genre", no_wrap=True)
    for column in ("films", *members, "fused", "gain"):
        shown.add_column(column.replace("-", "\n"), justify="right", no_wrap=True)
    for genre, row in table.to_dict("index").items():
        best = max(members, key=row.__getitem__)
        cells = [f"[bold]{row[name]:.2f}[/]" if name == best else f"{row[name]:.2f}" for name in members]
        gain = f"{row['fused'] - row[best]:+.2f}"
        shown.add_row(escape(str(genre)), f"{row['support']:.0f}", *cells, f"{row['fused']:.2f}", gain)
    output.print(shown)


class Notes(logging.Handler):
    """Shows the library's notes on the console, between the bars."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record as it is: a film's name may look like markup."""
        style = "yellow" if record.levelno >= logging.WARNING else None
        console.print(self.format(record), style=style, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ side says while it is imported off the terminal; errors in Python still show."""
    sys.stderr.flush()
    with Path(os.devnull).open("w") as nowhere, contextlib.closing(os.fdopen(os.dup(2), "w")) as kept:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept.fileno(), 2)


def ensemble_class() -> "type[multigenre.GenreEnsemble]":
    """Return `GenreEnsemble`, with what it needs loaded quietly."""
    with quiet():
        return multigenre.GenreEnsemble
