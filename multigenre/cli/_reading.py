"""How every command reads FILMS: options that they share, and what reading them noticed."""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import multigenre
import multigenre.data
from multigenre._checks import InputError
from multigenre.cli._options import parse_split
from multigenre.cli._terminal import console

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class FilmsReader:
    """Reads FILMS as the options say; each field is an option of every command that `reads_films`."""

    posters: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of posters, named as the table says or after the films' ids."
        ),
    ] = None
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=NAME,...",
            help="Which column is the id, overview, title, genres, poster or split: "
            "id=imdbId,overview=Title,genres=Genre; genres=Action..Western for columns of 0 and 1; genres= for none. "
            "Default: found by name and content.",
        ),
    ] = None
    genres_apart: Annotated[
        str | None,
        typer.Option(metavar="MARK", help="Between genres in one cell. Default: found in the cells."),
    ] = None
    map: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of FROM,TO (or JSON): renames, merges or leaves out genres."),
    ] = None
    duplicates: Annotated[
        str, typer.Option(help="Rows of one id: error, first, or merge, which joins their genres.")
    ] = "error"
    blank: Annotated[str, typer.Option(help="What a blank in a column of 0 and 1 means: 0 or unknown.")] = "0"
    bad_rows: Annotated[
        str,
        typer.Option(
            help="Rows that are too long or short, or have no id: error, or skip, which counts them."
        ),
    ] = "error"
    keep_placeholders: Annotated[
        bool,
        typer.Option(
            "--keep-placeholders", help="Take texts such as N/A or 'No overview found.' as they are."
        ),
    ] = False
    plots: Annotated[str, typer.Option(help="Of several overviews in one cell: first, longest or all.")] = (
        "first"
    )
    encoding: Annotated[str | None, typer.Option(help="Of the table. Default: found in it.")] = None
    separator: Annotated[
        str | None, typer.Option(help="Between cells: a character, ::, or tab. Default: found in the table.")
    ] = None

    @property
    def how(self) -> dict[str, Any]:
        """What `multigenre.data.Films.read` takes besides the table and its posters."""
        rules = multigenre.data.ReadingRules(
            genres_apart=self.genres_apart,
            genre_map=self.map,
            duplicates=self.duplicates,
            blank=self.blank,
            bad_rows=self.bad_rows,
            placeholders=not self.keep_placeholders,
            plots=self.plots,
            encoding=self.encoding,
            separator=self.separator,
        )
        return {"columns": parse_columns(self.columns), "rules": rules}

    def read(self, films: Path, *, labelled: bool = True, quiet: bool = False) -> "multigenre.data.Films":
        """Return the films of a table, and say on the console what whoever reads should know."""
        found, reading = multigenre.data.read_films(
            films, posters=self.posters, labelled=labelled, **self.how
        )
        if not quiet:
            say(found, reading, films)
        return found

    def read_split(
        self, films: Path, split: str
    ) -> "tuple[multigenre.data.Films, dict[str, float] | pd.Series]":
        """Return the films of a table and how they are split: by shares, or as a column of the table says."""
        if "=" in split:
            shares = parse_split(split)
            return self.read(films), shares
        by_column = replace(self, columns=[*(self.columns or []), f'split="{split}"'])
        found, reading = multigenre.data.read_films(films, posters=self.posters, **by_column.how)
        say(found, reading, films)
        if reading.splits is None:
            raise InputError("--split takes shares such as train=0.9,test=0.1, or a column, got nothing.")
        return found, reading.splits

    def arguments(self) -> list[str]:
        """Return the options as a command line gives them."""
        found = []
        for field in fields(self):
            value, option = getattr(self, field.name), f"--{field.name.replace('_', '-')}"
            if value == field.default:
                continue
            if value is True:
                found.append(option)
            else:
                found += [
                    part
                    for one in (value if isinstance(value, list) else [value])
                    for part in (option, str(one))
                ]
        return found


def reads_films(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `FilmsReader`, in place of its parameter ``reader``."""
    own = [
        one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "reader"
    ]
    shared = list(inspect.signature(FilmsReader, eval_str=True).parameters.values())
    required = [one for one in own if one.default is inspect.Parameter.empty]
    optional = [one for one in own if one.default is not inspect.Parameter.empty]

    @functools.wraps(command)
    def wrapped(*given: Any, **values: Any) -> None:
        values |= {one.name: value for one, value in zip(own, given, strict=False)}
        reader = FilmsReader(**{one.name: values.pop(one.name) for one in shared if one.name in values})
        command(**values, reader=reader)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*required, *optional, *shared)]
    wrapped.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]  # a function's
    wrapped.__annotations__ = {one.name: one.annotation for one in parameters}
    return wrapped


def parse_columns(said: list[str] | None) -> dict[str, str | list[str]]:
    """Return column by role from texts such as ``id=imdbId,overview=Title``; a role that comes again has several.

    >>> parse_columns(["id=imdbId,genres=Action,genres=War", 'overview="plot, in short"'])
    {'id': 'imdbId', 'genres': ['Action', 'War'], 'overview': 'plot, in short'}
    """
    found: dict[str, str | list[str]] = {}
    for text in said or []:
        for part in _parts(text):
            role, equals, name = part.partition("=")
            if not equals:
                raise InputError(
                    f"--columns takes ROLE=NAME, such as id=imdbId,overview=Title, got {text!r}."
                )
            role, name = role.strip(), name.strip().strip('"')
            before = found.get(role)
            found[role] = (
                name if before is None else [*([before] if isinstance(before, str) else before), name]
            )
    return found


def _parts(text):
    """Return what stands between commas that are not in double quotes."""
    return re.findall(r'(?:[^,"]|"[^"]*")+', text)


def say(films: "multigenre.data.Films", reading: "multigenre.data.Reading", source: Path) -> None:
    """Print the short form of what was understood."""
    counts = films.summary()
    have = [
        f"{len(films) - counts['without_overview']} with overview",
        f"{len(films) - counts['without_poster']} with poster",
    ]
    if films.labels is not None:
        have.append(f"{counts['genres']} genres, {counts['cardinality']:.2f} a film")
    columns = ", ".join(
        f"{role} = {name or '(unnamed)'}"
        if isinstance(name, str)
        else f"{role} = {name[0]}..{name[-1]} ({len(name)})"
        for role, name in reading.columns.items()
    )
    _line(f"{len(films)} films, {', '.join(have)}. Columns: {columns or 'none by name'}.")
    for what, count in reading.repaired.items():
        _line(f"  {count} {what}")
    for sentence in reading.warnings:
        _line(f"  {sentence}", style="yellow")
    if reading.warnings or reading.repaired:
        _line(f"  More: multigenre check {source}")


def _line(text, style=None):
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
