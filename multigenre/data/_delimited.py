"""Tables as text: which character separates cells, where the names of columns stand, which rows are broken."""

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from multigenre._checks import InputError, some
from multigenre.data._columns import is_id, is_known
from multigenre.data._encodings import Encoding
from multigenre.data._notes import Notes

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|", "::": "::"}
# What --separator takes too.
SAID: dict[str, str] = {"comma": ",", "semicolon": ";", "tab": "\t", r"\t": "\t", "pipe": "|"}
UNIT = (
    "\x1f"  # stands for a separator of two characters, which the reader of the standard library does not take
)
SAMPLE = 2**18  # characters from which the layout is judged
TITLES = 10  # rows at most above the names of columns
CHUNK = 20_000  # rows that wait as Python's texts, which take far more memory than Arrow's


class Layout(NamedTuple):
    """How a text is a table.

    ``lines`` end with the names of columns, or are 0 where there are none; ``titles`` rows stand above them. Most rows
    end with ``surplus`` empty cells that have no name: commas at the ends of lines.
    """

    separator: str
    names: list[str]
    lines: int
    titles: int
    surplus: int = 0


class Dialect(NamedTuple):
    """How cells are quoted: with double quotes; with backslashes before quotes in them; not at all."""

    quoting: int = csv.QUOTE_MINIMAL
    escape: str | None = None
    said: str = ""


DIALECTS = (
    Dialect(escape="\\", said="cells with backslashes before quotes or separators"),
    Dialect(csv.QUOTE_NONE, said="cells whose quotes are part of the text"),
)


class Rows(NamedTuple):
    """What a dialect reads.

    Columns, the first line of each bad row with what is wrong with it, the lines of what follows bad rows and is the
    rest of one, and what was repaired.
    """

    columns: list[pa.ChunkedArray]
    bad: list[tuple[int, str]]
    rests: list[int]
    repaired: Counter[str]


def read_delimited(
    opened: Callable[[], BinaryIO],
    encoding: Encoding,
    notes: Notes,
    *,
    separator: str | None = None,
    bad_rows: str = "error",
) -> pd.DataFrame:
    """Return a table of texts from a file, its columns by name.

    Parameters
    ----------
    opened : callable
        Gives the file's bytes from the start, as a stream.
    encoding : Encoding
    notes : Notes
        Told what was understood and repaired.
    separator : str, optional
        Default: the one that gives rows of one length, and names of columns that are known.
    bad_rows : str
        ``"error"`` refuses rows that are longer or shorter than the names of columns, and quotes that do not
        close; ``"skip"`` leaves them out, counted.

    Returns
    -------
    DataFrame of str
        An empty cell is ``""``. Columns without a name are called ``""``, all of them where there are no names
        ``"column 1"``, ``"column 2"``...

    Raises
    ------
    InputError
        If the file is empty, or rows are bad.
    """
    with _text(opened, encoding) as file:
        sample = file.read(SAMPLE)
        if file.read(1):
            sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    if not sample.strip():
        raise InputError("the file is empty.")
    layout = _layout(sample, separator)
    notes.facts["separator"] = SEPARATORS.get(layout.separator, layout.separator)
    notes.repair("lines above the names of columns left out", layout.titles)
    if not layout.lines:
        notes.warn(
            f"It has no line with names of columns: they are called {some(layout.names, 4)}, in their order."
        )
    dialect = Dialect()
    found = _read_regular(opened, encoding, layout) or _read(opened, encoding, layout, dialect)
    if found.bad:
        for other in DIALECTS if '\\"' in sample else DIALECTS[1:]:
            tried = _read(opened, encoding, layout, other)
            if not tried.bad and (other.escape or not _wrapped(tried.columns)):
                found, dialect = tried, other
                break
    if found.bad and bad_rows == "error":
        raise InputError(_bad_rows(found.bad, notes.facts["separator"]))
    if found.bad:
        left = sorted([line for line, _ in found.bad] + found.rests)
        notes.repair("bad rows left out", len(left))
        notes.warn(f"{len(left)} rows are left out, for they are broken: those of line {some(left, 5)}.")
    if dialect.said:
        notes.facts["quoting"] = dialect.said
    for what, count in found.repaired.items():
        notes.repair(what, count)
    kind = pd.StringDtype("pyarrow", na_value=float("nan"))
    table = pd.DataFrame({place: pd.Series(column, dtype=kind) for place, column in enumerate(found.columns)})
    table.columns = [" ".join(name.split()) for name in layout.names]
    return table


@contextmanager
def _text(opened, encoding):
    with opened() as raw, io.TextIOWrapper(raw, encoding.name, encoding.errors, newline="") as file:
        yield file


def _layout(sample, separator):
    """Return the layout of a text: as its first line or the caller says, or the likeliest."""
    said = re.match('\ufeff?"?sep=(.|::|\\\\t)"?,*(\r\n|\r|\n)', sample)
    above = 1 if said else 0
    sample = sample[said.end() :] if said else sample
    candidates: list[str]
    if separator is not None:
        candidates = [SAID.get(separator.lower()) or separator]
    elif said:
        candidates = [SAID.get(str(said.group(1)), str(said.group(1)))]
    else:
        candidates = list(SEPARATORS)
    if any(len(one) != 1 and one != "::" for one in candidates):
        raise InputError(f"a separator is one character, or ::, got {separator!r}.")
    found = max((_judge(sample, one) for one in candidates), key=lambda pair: pair[0])[1]
    return found._replace(lines=found.lines + above if found.lines else above)


def _judge(sample, separator):
    """Return how well a separator explains a sample, and the layout that it gives."""
    reader = csv.reader(
        _lines(io.StringIO(sample, newline=""), separator), **_options(separator, Dialect(), strict=False)
    )
    rows = [(row, reader.line_num) for row in reader if any(cell.strip() for cell in row)]
    if not rows:
        raise InputError("the file is empty.")
    widths = Counter(len(row) for row, _ in rows[1:] or rows)
    usual = max(widths, key=lambda width: (widths[width], width))
    place = 0
    for place, (row, _) in enumerate(rows[:TITLES]):  # noqa: B007
        filled = sum(bool(cell.strip()) for cell in row)
        if filled > 1 and (len(row) >= usual or any(map(is_known, row))):
            break
    else:
        place = 0
    names, line = rows[place]
    below = [len(row) for row, _ in rows[place + 1 :]]
    known = sum(map(is_known, names))
    headed = bool(known) or not _looks_like_films(names)
    if headed:
        # A title's line may be empty but for its first cell, as spreadsheets save one.
        counted = [row[0].strip() for row, _ in rows[place + 1 :]]
        from_one = counted in ([str(k + start) for k in range(len(counted))] for start in (0, 1))
        if below and len(names) + 1 == usual and from_one and not is_id(names[0]):
            names = ["", *names]  # as R writes tables, with row names that have no name
        names = [name.strip().lstrip("\ufeff") for name in names]
        kept, surplus = _surplus(names, [row for row, _ in rows[place + 1 :]])
        layout = Layout(separator, names[:kept], line, place, surplus)
        regular = sum(width in (kept, kept + surplus) for width in below) / max(len(below), 1)
    else:
        names = [f"column {number + 1}" for number in range(usual)]
        layout, known = Layout(separator, names, 0, 0), 0
        regular = sum(len(row) == usual for row, _ in rows) / len(rows)
    wide = len(names) > 1
    return (wide and known, wide and round(regular, 1), wide and min(len(names), 3)), layout


def _surplus(names, rows):
    """Return how many columns there are, and how many empty cells without a name stand after them in most rows.

    Where only some rows have such cells, and the names have none, a text that holds a separator has made them.
    """
    kept = len(names)
    while kept > 1 and not names[kept - 1]:
        kept -= 1
    usual = Counter(
        len(row) - kept for row in rows if len(row) >= kept and not any(map(str.strip, row[kept:]))
    )
    surplus, count = usual.most_common(1)[0] if usual else (0, 0)
    if 2 * count < len(rows):  # a column at the end that only lacks a name
        return len(names), 0
    if kept == len(names) and usual[0]:
        return kept, 0
    return kept, surplus or len(names) - kept


def _looks_like_films(cells):
    """Return whether a first row holds films rather than names of columns."""
    cells = [cell.strip() for cell in cells]
    filled = [cell for cell in cells if cell]
    return (
        len(set(filled)) < len(filled)
        or any(re.fullmatch(r"(tt)?[\d.,/-]+", cell) for cell in filled)
        or any(len(cell) > 60 or cell[0] in "[{" or "|" in cell for cell in filled)
    )


def _options(separator, dialect, *, strict=True):
    return {
        "delimiter": UNIT if len(separator) > 1 else separator,
        "quoting": csv.QUOTE_NONE if len(separator) > 1 else dialect.quoting,
        "escapechar": dialect.escape,
        "skipinitialspace": separator != "\t",
        "strict": strict,
    }


def _lines(file, separator):
    return file if len(separator) == 1 else (line.replace(separator, UNIT) for line in file)


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_regular(opened, encoding, layout):
    """Return the rows of a file, or None if one of them needs a closer look: many at once, which is much faster."""
    if layout.surplus:
        return None
    chunks, width = [], len(layout.names)
    with _cells_of_any_length(), _text(opened, encoding) as file:
        lines = _lines(file, layout.separator)
        for _ in range(layout.lines):
            next(lines, None)
        reader = csv.reader(lines, **_options(layout.separator, Dialect()))
        try:
            while rows := list(islice(reader, CHUNK)):
                if any(len(row) != width for row in rows) or not all(map(any, rows)) or layout.names in rows:
                    return None
                chunks.append(_columns(rows))
        except csv.Error:
            return None
    columns = _joined(chunks, width)
    return None if _swallowed(columns, layout.separator) else Rows(columns, [], [], Counter())


def _joined(chunks, width):
    """Return the columns of chunks of rows."""
    if not chunks:
        return [pa.chunked_array([], pa.large_string())] * width
    return [pa.chunked_array(parts, pa.large_string()) for parts in zip(*chunks, strict=True)]


def _read(opened, encoding, layout, dialect):
    """Return what a dialect makes of a file, row by row."""
    width, repaired = len(layout.names), Counter()
    bad: list[tuple[int, str]] = []
    chunks, waiting, n_rows, starts, after_broken, broken_before = [], [], 0, [], [], False
    options = _options(layout.separator, dialect)
    with _cells_of_any_length(), _text(opened, encoding) as file:
        lines = _Remembered(_lines(file, layout.separator))
        for _ in range(layout.lines):
            next(lines, None)
        reader = csv.reader(lines, **options)
        while True:
            line = layout.lines + reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error:
                last = layout.lines + reader.line_num
                row = _with_stray_quotes(lines.last, options, width) if line == last else None
                if row is None:
                    bad.append((line, "a quote that does not close where the cell ends"))
                    broken_before = True
                    continue
                repaired["rows with stray quotes"] += 1
            if not any(row):
                repaired["empty rows left out"] += bool(row)
                continue
            if row == layout.names:  # as where files were joined
                repaired["lines of names of columns between films left out"] += 1
                continue
            if layout.surplus and len(row) == width + layout.surplus and not any(row[width:]):
                row = row[:width]
                repaired["rows with separators after the last cell"] += 1
            if len(row) != width:
                bad.append((line, f"{len(row)} cells where there are {width} names of columns"))
                broken_before = len(row) < width  # a row that is too long has no rest
                continue
            if broken_before:
                after_broken.append((n_rows, line, row))
                broken_before = False
            n_rows += 1
            starts.append(line)
            waiting.append(row)
            if len(waiting) == CHUNK:
                chunks.append(_columns(waiting))
                waiting = []
    if waiting:
        chunks.append(_columns(waiting))
    columns = _joined(chunks, width)
    rests = _rests(columns, after_broken)
    swallowed = _swallowed(columns, layout.separator)
    bad += [(starts[place], "a quote that closes in another row, it seems") for place in swallowed]
    bad.sort()
    if rests or swallowed:
        kept = np.ones(n_rows, bool)
        kept[[*(place for place, _, _ in rests), *swallowed]] = False
        columns = [column.filter(pa.array(kept)) for column in columns]
    return Rows(columns, bad, [line for _, line, _ in rests], repaired)


def _swallowed(columns, separator):
    """Return the rows with a cell that holds the end of one row and the start of another: between two stray quotes.

    The cell's first line then has as many separators as stand after it in a row, the last as many as stand before it,
    and what is between them looks like the cells of those columns. One of these columns must hold digits, such as ids,
    for words look like any words.
    """
    breaks = [np.flatnonzero(_matches(column, "[\r\n]").to_numpy()) for column in columns]
    if not any(map(len, breaks)):
        return []
    usual, found = _usual_shapes(columns, set()), set()
    for before, places in enumerate(breaks):
        for place in places:
            lines = re.split("\r\n|\r|\n", columns[before][int(place)].as_py())
            first, last = lines[0].split(separator), lines[-1].split(separator)
            if (len(first), len(last)) != (len(columns) - before, before + 1):
                continue
            cells = dict(enumerate(first[1:], before + 1)) | dict(enumerate(last[:-1]))
            known = [column for column in cells if usual[column] is not None]
            if any("9" in usual[column] for column in known) and all(
                _shape(cells[column]) == usual[column] for column in known
            ):
                found.add(int(place))
    return sorted(found)


def _rests(columns, after_broken):
    """Return which rows after broken ones are the rest of those, with as many separators as a row by chance.

    A row is one of the table's if its cells look like those of other rows, in the columns whose cells look alike.
    """
    if not after_broken:
        return []
    usual = _usual_shapes(columns, {place for place, _, _ in after_broken})
    known = [place for place, shape in enumerate(usual) if shape is not None]
    return [
        one
        for one in after_broken
        if not known or any(_shape(one[2][place]) != usual[place] for place in known)
    ]


def _usual_shapes(columns, without):
    """Return what nearly all of the first cells of each column look like, or None; some rows are not looked at."""
    usual = []
    for column in columns:
        cells = [cell for place, cell in enumerate(column.slice(0, 200).to_pylist()) if place not in without]
        shape, count = Counter(map(_shape, cells)).most_common(1)[0] if cells else ("", 0)
        usual.append(shape if cells and count >= 0.9 * len(cells) - 1 and count > 1 else None)
    return usual


class _Remembered:
    """Lines, and the last that was taken."""

    def __init__(self, lines: Iterable[str]):
        self.lines, self.last = iter(lines), ""

    def __iter__(self):
        return self

    def __next__(self):
        self.last = next(self.lines)
        return self.last


def _columns(rows):
    return [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)]


def _shape(text):
    """Return what texts of one kind share: a for letters, 9 for digits, and the marks between them."""
    return re.sub(r"[0-9]+(\.[0-9]+)?", "9", re.sub(r"[^\W\d_]+", "a", text.strip()[:100]))


def _with_stray_quotes(line, options, width):
    """Return the row of one line whose quotes do not end cells: as it stands, or with its quotes left out."""
    if options["quoting"] == csv.QUOTE_NONE:
        return None
    for more in ({"quoting": csv.QUOTE_NONE}, {}):
        row = next(csv.reader([line], **options | more | {"strict": False}), [])
        if len(row) == width and not (more and any(_is_quoted(cell) for cell in row)):
            return row
    return None


def _is_quoted(cell):
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _wrapped(columns):
    """Return whether some cells of a table that is read without quotes are wrapped in quotes."""
    return any(_matches(column, '^".*"$').to_numpy().any() for column in columns)


def _matches(column, pattern):
    return pc.match_substring_regex(column, pattern)  # pyright: ignore[reportAttributeAccessIssue]  # made at import


def _bad_rows(bad, separator):
    line, why = bad[0]
    more = f", and {len(bad) - 1} more rows are broken (line {some([one for one, _ in bad[1:]], 5)})"
    return (
        f"line {line} has {why}{more if bad[1:] else ''}: a text that holds a {separator}, a quote or a line break "
        "needs double quotes around it and each quote in it twice; correct it, or say --bad-rows skip to leave such "
        "rows out."
    )
