"""Pictures of one film's answer: a row for each genre, a column for each member, or for what is left out.

Blue and bold is a genre that is named, grey one that is not; a tick is the threshold. All functions return a
`matplotlib.figure.Figure`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from multigenre.fusion import BASE
from multigenre.views._drawing import BLUE, FONT, GREEN, VERMILLION, boxes_for_glyphs, literal, wrapped

INK, DIM, GREY, PALE = "#000000", "#3d3d3d", "#969696", "#d9d9d9"  # which a page may call otherwise
NAMES, WIDTH, ROW, HEAD, FOOT, GAP = 1.2, 1.35, 0.26, 0.5, 0.45, 0.12  # inches
SIZE, MOST = 9, 12
REACH = 5  # log-odds that bars show at most: 0.993 to 0.007
MINUS = "\N{MINUS SIGN}"


def shown_genres(table: pd.DataFrame, *, most: int = MOST) -> list[str]:
    """Return the genres that pictures show: the named ones, then the most probable; from the top.

    Parameters
    ----------
    table : DataFrame
        As `probability_table` gives it.
    most : int

    Returns
    -------
    list of str
    """
    fused = table[table["contender"] == "fused"]
    return (
        fused.sort_values(["named", "probability"], ascending=False, kind="stable")["genre"]
        .head(most)
        .tolist()
    )


def probability_bars(table: pd.DataFrame, genres: Sequence[str]) -> Figure:
    """Draw `probability_table`: the fused probabilities, and each member's beside them."""
    names = list(dict.fromkeys(table["contender"]))
    figure, columns = _columns(names, genres, "Bar: probability. Tick: threshold. Blue: named.")
    fused = _rows(table, "contender", "fused", genres)
    _bold(columns[0], fused["named"])
    for axes, name in zip(columns, names, strict=True):
        rows = _rows(table, "contender", name, genres)
        if rows["probability"].isna().all():
            _nothing(axes)
            continue
        _bars(axes, rows["probability"], rows["named"])
        _ticks(axes, rows["threshold"])
    return literal(figure)


def left_out_bars(left_out: pd.DataFrame, probabilities: pd.DataFrame, genres: Sequence[str]) -> Figure:
    """Draw `left_out_table`: what is left of each probability, and which names change."""
    names = list(dict.fromkeys(left_out["left_out"]))
    note = "Bar: probability without it. Ring: with all. Tick: threshold. Blue: named."
    figure, columns = _columns(
        [f"without {name}" for name in names] or ["nothing to leave out"], genres, note
    )
    fused = _rows(probabilities, "contender", "fused", genres)
    _bold(columns[0], fused["named"])
    if not names:
        _nothing(columns[0])
    for axes, name in zip(columns, names, strict=False):
        rows = _rows(left_out, "left_out", name, genres)
        lost, gained = rows["named"] & ~rows["named_without"], ~rows["named"] & rows["named_without"]
        _bars(axes, rows["without"], rows["named_without"], write=~(lost | gained))
        _ticks(axes, fused["threshold"])
        axes.plot(rows["probability"], np.arange(len(genres)), "o", color=INK, fillstyle="none", markersize=5)
        for changed, word, color in ((lost, "lost", VERMILLION), (gained, "gained", GREEN)):
            for row in np.flatnonzero(changed):
                axes.text(1.34, row, word, color=color, weight="bold", ha="right", va="center", fontsize=SIZE)
    return literal(figure)


def contribution_bars(table: pd.DataFrame, probabilities: pd.DataFrame, genres: Sequence[str]) -> Figure:
    """Draw `multigenre.fusion.film_contributions` of one film: what each member argued for, in log-odds."""
    names = list(dict.fromkeys(table["member"]))
    note = f"Log-odds, and the share of what all members argued for. Bars end at {REACH}. Blue: for. Orange: against."
    figure, columns = _columns(names, genres, note)
    _bold(columns[0], _rows(probabilities, "contender", "fused", genres)["named"])
    for axes, name in zip(columns, names, strict=True):
        rows = _rows(table, "member", name, genres)
        if rows["contribution"].isna().all():
            _nothing(axes)
            continue
        values = rows["contribution"].astype(float)
        colors = GREY if name == BASE else np.where(values >= 0, BLUE, VERMILLION)
        axes.set_xlim(-REACH, 3.2 * REACH)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.barh(np.arange(len(genres)), values.clip(-REACH, REACH), color=colors, height=0.62)
        for row, (value, share) in enumerate(zip(values, rows["share"], strict=True)):
            share = "" if pd.isna(share) else f"{100 * share:4.0f} %"
            _write(axes, 3.1 * REACH, row, f"{value:+.1f}".replace("-", MINUS) + share, ha="right")
    return literal(figure)


def _columns(titles, genres, note):
    """Return a figure and an axes for each title, with the genres from the top."""
    height = HEAD + ROW * len(genres) + FOOT
    width = NAMES + (WIDTH + GAP) * len(titles) + 0.1
    figure = Figure(figsize=(max(width, 4.6), height), facecolor="white", dpi=120)
    width = figure.get_figwidth()
    with boxes_for_glyphs():
        columns = []
        for place, title in enumerate(titles):
            left = (NAMES + (WIDTH + GAP) * place) / width
            axes = figure.add_axes((left, FOOT / height, WIDTH / width, ROW * len(genres) / height))
            axes.set(xlim=(0, 1.36), ylim=(len(genres) - 0.5, -0.5), xticks=[], yticks=[], facecolor="none")
            axes.spines[:].set_visible(False)
            axes.hlines(
                np.arange(len(genres) + 1) - 0.5,
                0,
                1,
                PALE,
                transform=axes.get_yaxis_transform(),
                linewidth=0.6,
            )
            text = wrapped(title, WIDTH, lines=2, size=SIZE, weight="bold")
            axes.set_title(text, loc="left", fontsize=SIZE, family=FONT, weight="bold", color=INK)
            columns.append(axes)
        labels = [wrapped(genre, NAMES - 0.15, lines=1, size=SIZE, weight="bold") for genre in genres]
        columns[0].set_yticks(np.arange(len(genres)), labels, fontsize=SIZE, family=FONT)
        columns[0].tick_params(length=0)
    note = wrapped(note, width - 0.2, lines=2, size=SIZE - 1)
    figure.text(0.1 / width, 0.08 / height, note, fontsize=SIZE - 1, color=DIM, family=FONT)
    return figure, columns


def _rows(table, column, name, genres):
    """Return the rows of one contender, in the order of the genres."""
    return table[table[column] == name].set_index("genre").loc[genres].reset_index()


def _bars(axes, values, named, *, write=None):
    values, places = values.astype(float), np.arange(len(values))
    axes.barh(places, values, color=np.where(named, BLUE, GREY), height=0.62)
    for row in places if write is None else np.flatnonzero(write):
        style = {"weight": "bold", "color": BLUE} if named[row] else {}
        _write(axes, 1.34, row, f"{values[row]:.2f}", ha="right", **style)


def _ticks(axes, thresholds):
    """Draw the thresholds that a probability can reach."""
    rows = np.flatnonzero(thresholds <= 1)
    axes.vlines(thresholds[rows], rows - 0.42, rows + 0.42, color=INK, linewidth=1.4)


def _bold(axes, named):
    """Let the names of genres that the fusion names stand out."""
    for label, is_named in zip(axes.get_yticklabels(), named, strict=True):
        label.set(weight="bold" if is_named else "normal", color=BLUE if is_named else INK)


def _nothing(axes):
    axes.text(0.5, 0.5, "nothing to read", transform=axes.transAxes, ha="center", style="italic", color=DIM,
              family=FONT, fontsize=SIZE)  # fmt: skip


def _write(axes, x, y, text, **style):
    axes.text(x, y, text, **{"va": "center", "fontsize": SIZE - 1.5, "family": FONT, "color": INK} | style)
