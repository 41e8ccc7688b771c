"""Matplotlib figures as SVG within a page: no file of its own, in the page's colours, light or dark."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from matplotlib import rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

Drawn = TypeVar("Drawn", bound="FigureBase")

# Okabe and Ito (2008), "Color Universal Design": colours that the colour-blind tell apart, dark ones first.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
MARKS = tuple(zip((BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY), "os^vPX", strict=True))
FONT = "DejaVu Sans"  # Matplotlib brings it along, and it has the tick

# What the page calls the colours of figures; the rest stays as drawn.
COLOURS = {
    "#000000": "var(--ink)",
    "#ffffff": "var(--paper)",
    "#3d3d3d": "var(--right)",
    "#969696": "var(--several)",
    "#d9d9d9": "var(--wrong)",
    **{color.lower(): f"var(--m{number})" for number, (color, _) in enumerate(MARKS, 1)},
}


def literal(figure: Drawn) -> Drawn:
    """Return the figure with every text as it is: a dollar sign in an overview starts no formula."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure


@contextlib.contextmanager
def boxes_for_glyphs() -> Iterator[None]:
    """Let a letter that the font lacks be drawn as a box, without a warning for each one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def wrapped(text: str, width: float, *, lines: int, size: float, weight: str = "normal") -> str:
    r"""Break a text into at most so many lines, with an ellipsis where more would follow.

    Parameters
    ----------
    text : str
    width : float
        Inches. A word longer than a line, as in a script without spaces, breaks after a hyphen or anywhere.
    lines : int
    size : float
        Points.
    weight : str

    Returns
    -------
    str

    Examples
    --------
    >>> wrapped("A long way home after the war", 1.2, lines=2, size=8)
    'A long way home\nafter the war'
    """
    font = FontProperties(family=FONT, size=size, weight=weight)
    rows = [""]
    with boxes_for_glyphs():

        def fits(row):
            return text_to_path.get_text_width_height_descent(row, font, False)[0] <= 72 * width

        def pieces(word):
            chunks = [word] if fits(word) else re.findall("[^-]*-|[^-]+", word)
            return chunks if all(map(fits, chunks)) else word

        for word in text.split():
            for place, piece in enumerate(pieces(word)):
                joined = f"{rows[-1]} {piece}" if place == 0 and rows[-1] else rows[-1] + piece
                if not rows[-1] or fits(joined):
                    rows[-1] = joined
                elif len(rows) == lines:
                    while joined and not fits(joined + "…"):
                        joined = joined[:-1]
                    return "\n".join([*rows[:-1], joined.rstrip() + "…"])
                else:
                    rows.append(piece)
    return "\n".join(rows)


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """Return a figure as an ``<svg>`` element: the same figure gives the same text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Letters, digits and hyphens; distinct for each figure of a page, it starts every id in the element.
    label : str
        What a reader who does not see the picture is told.

    Returns
    -------
    str
    """
    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "multigenre"}), boxes_for_glyphs():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", text)
    # A hundredth of a point is more than a screen shows.
    text = re.sub(r'(?<=\bd=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    text = re.sub(r"(?<=[ :])#[0-9a-f]{6}\b", lambda match: COLOURS.get(match[0], match[0]), text)
    # A width in points would not shrink on a small screen.
    text = re.sub(r'^<svg ([^>]*?)height="([\d.]+)pt"', r"<svg \1", text)
    text = re.sub(r'^(<svg [^>]*?)width="([\d.]+)pt"', r'\1style="max-width: \2pt"', text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_attribute(label)}" ', 1).strip()


def _attribute(text):
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(mark, entity)
    return text
