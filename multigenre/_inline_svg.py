"""Matplotlib figures as SVG within a page: no file of its own, in the page's colours, light or dark."""

import io
import re

from matplotlib import rc_context

from multigenre._drawing import MARKS, boxes_for_glyphs

# What the page calls the colours of figures; the rest stays as drawn.
COLOURS = {
    "#000000": "var(--ink)",
    "#ffffff": "var(--paper)",
    "#3d3d3d": "var(--right)",
    "#969696": "var(--several)",
    "#d9d9d9": "var(--wrong)",
    **{color.lower(): f"var(--m{number})" for number, (color, _) in enumerate(MARKS, 1)},
}


def inline_svg(figure, name, label):
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
    options = {"svg.fonttype": "none", "svg.hashsalt": "multigenre"}
    with rc_context(options), boxes_for_glyphs():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|xlink:href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"(?<=[ :])#[0-9a-f]{6}\b", lambda match: COLOURS.get(match[0], match[0]), text)
    # A width in points would not shrink on a small screen.
    text = re.sub(r'^<svg ([^>]*?)height="([\d.]+)pt"', r"<svg \1", text)
    text = re.sub(r'^(<svg [^>]*?)width="([\d.]+)pt"', r'\1style="max-width: \2pt"', text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_attribute(label)}" ', 1).strip()


def _attribute(text):
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(mark, entity)
    return text
