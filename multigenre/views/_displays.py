"""Pictures of where each member is right, after scikit-learn's displays: ``from_predictions``, ``plot(ax=)``.

A display keeps its numbers; ``plot`` draws them into ``ax``, or a figure of its own that no global state knows of,
and keeps ``ax_`` and ``figure_``.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from multigenre._checks import InputError
from multigenre.analysis import BROKEN, MISSING, RESCUED, reliability_table
from multigenre.data import Films, GenreProbabilities
from multigenre.scores import BINS, Contenders, rates
from multigenre.views._drawing import MARKS, literal

SOME, ALONE = "several, not all", "one alone"
# Greys for what no member alone decides: dark is right. Colours are the members'.
INK, RIGHT, MIXED, WRONG = "#000000", "#3d3d3d", "#969696", "#d9d9d9"
FINE = 1e-3  # of an axis from 0 to 1: a quarter of a point, where lines are one or two points wide


def outcome_groups(members: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the groups of outcomes that bars show, from right to wrong, a dict of name to colour and hatch.

    With two members these are `multigenre.analysis.outcome_names` in another order. With more, those where several
    are right, but not all, go together; with more than can be told apart, six, also those where one is.
    """
    right, wrong = ("both right", "both wrong") if len(members) == 2 else ("all right", "all wrong")
    if len(members) == 1:
        return {"right": (RIGHT, ""), "wrong": (WRONG, "")}
    alone = {
        f"{name} only": (color, hatch)
        for name, (color, _), hatch in zip(
            members, MARKS, ("", "///", "...", "xxx", "\\\\\\", "+++"), strict=False
        )
    }
    if len(members) > len(MARKS):
        alone = {ALONE: (MARKS[0][0], "")}
    several = {SOME: (MIXED, "")} if len(members) > 2 else {}
    return {right: (RIGHT, ""), **several, **alone, wrong: (WRONG, "")}


def outcome_members(table: pd.DataFrame) -> list[str]:
    """Return the members that a table of outcomes is about, in its order; one that has no name if there is one."""
    names = dict.fromkeys(table["outcome"])
    return [name.removesuffix(" only") for name in names if name.endswith(" only")] or [""]


def grouped_outcomes(table: pd.DataFrame, of: str = "positives") -> pd.DataFrame:
    """Return counts of films by genre (rows) and group of outcomes (columns, see `outcome_groups`).

    Parameters
    ----------
    table : DataFrame
        As `multigenre.analysis.genre_outcomes` gives it.
    of : {"positives", "predictions", "false alarms"}
        Which films.

    Returns
    -------
    DataFrame of int, indexed by genre in the table's order
        The last columns are ``"a member missing"``, ``"rescued by fusion"`` and ``"broken by fusion"``; the last two
        count films again.
    """
    rows = table[table["of"] == of]
    counts = rows.pivot_table(index="genre", columns="outcome", values="films", aggfunc="sum", sort=False)
    plain = [name for name in counts.columns if name not in (MISSING, RESCUED, BROKEN)]
    groups = list(outcome_groups(outcome_members(table)))
    # A set of several members is in no group by its own name; nor is one member of many.
    rest = [name for name in plain if name not in groups]
    for group, names in (
        (ALONE, [name for name in rest if name.endswith(" only")]),
        (SOME, [name for name in rest if not name.endswith(" only")]),
    ):
        if names:
            counts[group] = counts[names].sum(axis=1)
    return counts[[*groups, MISSING, RESCUED, BROKEN]].astype(int).rename_axis(columns=None)


class OperatingPointDisplay:
    """Precision against recall for one genre, and where each contender's threshold puts it.

    Parameters
    ----------
    curves : dict of str to (precision, recall)
        By contender, arrays as `sklearn.metrics.precision_recall_curve` gives them.
    points : dict of str to (precision, recall)
        By contender, at its threshold; one that names no film has no precision, and no point.
    prevalence : float
        Precision of who names the genre for all films.
    genre : str

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    """

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        curves: dict[str, tuple[np.ndarray, np.ndarray]],
        points: dict[str, tuple[float, float]],
        *,
        prevalence: float,
        genre: str,
    ):
        self.curves, self.points, self.prevalence, self.genre = curves, points, prevalence, genre

    @classmethod
    def from_contenders(cls, contenders: Contenders, genre: str, *, ax: Axes | None = None) -> Self:
        """Draw the curves of contenders on the films that each is present for.

        Parameters
        ----------
        contenders : Contenders
            The fused prediction is drawn black.
        genre : str
        ax : matplotlib.axes.Axes, optional

        Raises
        ------
        InputError
            If no film carries the genre.
        """
        curves, points = {}, {}
        column = contenders.genres.column(genre)
        truth = contenders.labels[:, column]
        if not truth.any():
            raise InputError(f"Precision and recall need films of {genre}, but none of these carries it.")
        for one, name in enumerate(contenders.names):
            here = contenders.present[one]
            values, labels, named = (
                contenders.values[one, here, column],
                truth[here],
                contenders.named[one, here, column],
            )
            if not labels.any():
                continue
            curves[name] = precision_recall_curve(labels, values)[:2]
            if named.any():
                points[name] = tuple(rates(named, labels, axis=0)[:2])
        prevalence = truth.mean()
        return cls(curves, points, prevalence=prevalence, genre=genre).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw, the six members of highest average precision in colours. Return this display."""
        self.figure_, self.ax_ = _canvas(ax, (4.4, 3.6))
        *members, last = self.curves
        # More than six cannot be told apart: the best have colours, the others are one grey crowd.
        best = sorted(members, key=lambda name: -_area(*self.curves[name]))[: len(MARKS)]
        told = [name for name in members if name in best]
        style = {"color": MIXED, "linewidth": 0.8, "linestyle": "--"}
        others = [name for name in members if name not in best]
        for name in others:
            label = f"{len(others)} other member{'s' * (len(others) > 1)}" if name == others[0] else None
            self.ax_.plot(*_outline(*self.curves[name]), label=label, **style)
        self.ax_.axhline(self.prevalence, color=MIXED, linewidth=1, linestyle=":", label="prevalence")
        for name, (color, marker) in zip([*told, last], [*MARKS[: len(told)], (INK, "D")], strict=True):
            width = 2 if color == INK else 1.2
            self.ax_.plot(*_outline(*self.curves[name]), color=color, linewidth=width, alpha=0.9)
            point = self.points.get(name, (np.nan, np.nan))
            style = {"marker": marker, "markersize": 8, "markeredgecolor": "white"}
            self.ax_.plot(point[1], point[0], color=color, linewidth=width, label=name, **style)
        self.ax_.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        self.ax_.set_title(self.genre, loc="left", fontsize=10, fontweight="bold")
        self.ax_.spines[["top", "right"]].set_visible(False)
        # Beside the curves, which go through every corner.
        self.ax_.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
        literal(self.ax_.figure)
        return self


class ReliabilityGridDisplay:
    """How often each genre comes among films that are given about the same probability, a panel a genre.

    Parameters
    ----------
    table : DataFrame
        As `multigenre.analysis.reliability_table` gives it.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What was given, emptied, or the first panel.
    axes_ : list of matplotlib.axes.Axes
        A panel a genre, in the table's order.
    figure_ : matplotlib.figure.Figure
    """

    ax_: Axes
    axes_: list[Axes]
    figure_: Figure

    def __init__(self, table: pd.DataFrame):
        self.table = table

    @classmethod
    def from_predictions(
        cls, probabilities: GenreProbabilities, films: Films, *, bins: int = BINS, ax: Axes | None = None
    ) -> Self:
        """Draw every genre that a film carries; parameters as for `reliability_table`."""
        table = reliability_table(probabilities, films, bins=bins)
        support = films.genres.support(films.labels)
        return cls(table[table["genre"].isin(support.index[support > 0])]).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None, columns: int = 5) -> Self:
        """Draw, in ``ax``'s place if it is given, in so many columns at most. Return this display."""
        genres = list(dict.fromkeys(self.table["genre"]))
        if not genres:
            raise InputError("A reliability grid needs a genre, but the table has none.")
        columns = min(columns, len(genres))
        rows = -(-len(genres) // columns)
        if ax is None:
            self.figure_ = Figure(figsize=(1.75 * columns + 0.5, 1.75 * rows + 0.4), layout="constrained")
            panels = self.figure_.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        else:
            place = ax.get_subplotspec()
            if place is None:
                raise InputError(
                    "A reliability grid needs an ax that stands in a grid of subplots, got one placed by hand; "
                    "take one of figure.subplots()."
                )
            ax.set_axis_off()
            self.figure_ = ax.figure.get_figure(root=True)
            grid = place.subgridspec(rows, columns)
            panels = grid.subplots(sharex=True, sharey=True, squeeze=False)
        self.axes_ = list(panels.flat[: len(genres)])
        for panel in panels.flat[len(genres) :]:
            panel.set_axis_off()
        for panel, genre in zip(self.axes_, genres, strict=True):
            bins = self.table[self.table["genre"] == genre]
            panel.plot([0, 1], [0, 1], color=MIXED, linewidth=0.8)
            panel.vlines(bins["probability"], bins["low"], bins["high"], color=MARKS[0][0], linewidth=1)
            panel.plot(bins["probability"], bins["share"], "o", color=MARKS[0][0], markersize=3.5)
            panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
            panel.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            panel.set_yticks([0, 0.5, 1], ["0", "½", "1"])
            panel.set_title(genre, fontsize=9, loc="left")
            panel.spines[["top", "right"]].set_visible(False)
        if ax is None:
            self.figure_.supxlabel("probability", fontsize=9)
            self.figure_.supylabel("share of films that carry it", fontsize=9)
        self.ax_ = ax or self.axes_[0]
        literal(self.ax_.figure)
        return self


def _area(precision, recall):
    """Return the average precision of a curve."""
    return -np.sum(np.diff(recall) * precision[:-1])


def _outline(precision, recall):
    """Return recall and precision of the corners of a curve's steps, without those that nobody would see.

    Of neighbours in one cell of a grid of FINE the first stays: a million films give no more points than a few
    thousand do, and none is farther off than FINE.
    """
    # Along the precision of each point to the recall of the next, then to that one: as average precision counts.
    corners = np.stack([np.repeat(recall, 2)[1:], np.repeat(precision, 2)[:-1]])
    kept = np.append(True, (np.diff(np.floor(corners / FINE)) != 0).any(axis=0))
    kept[-1] = True
    return corners[:, kept]


def _canvas(ax, size):
    """Return the figure and axes to draw into: those given, or new ones that no global state knows of."""
    if ax is not None:
        return ax.figure.get_figure(root=True), ax
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots()
