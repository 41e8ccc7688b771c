"""Pictures of tables in shades: what each member weighs in the fusion, and which genre is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure

from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities
from multigenre.scores import scored
from multigenre.views._drawing import BLUE, VERMILLION, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multigenre.fusion import LateFusion


INTERCEPT, NOTHING = "(intercept)", "(no genre)"
# Shades of one colour that let through what is behind, so that text on them is read on light and dark pages.
DEEP = 0.55
SHADES = LinearSegmentedColormap.from_list("shades", [to_rgba(BLUE, 0), to_rgba(BLUE, DEEP)])
SIGNED = LinearSegmentedColormap.from_list(
    "signed", [to_rgba(VERMILLION, DEEP), (0.5, 0.5, 0.5, 0), to_rgba(BLUE, DEEP)]
)


class FusionWeightsDisplay:
    """What each member's log-odds (or probability) weigh in the fusion, by genre, for films that have all members.

    Parameters
    ----------
    weights : DataFrame, indexed by genre, one column a member
        Below 0 in another colour and with a sign.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, weights: pd.DataFrame):
        self.weights = weights

    @classmethod
    def from_fusion(
        cls, fusion: LateFusion, *, members: Sequence[str] | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw the weights of a fitted `LateFusion`.

        Parameters
        ----------
        fusion : LateFusion
        members : sequence of str, optional
            Names of the members that are present. Default: all.
        ax : matplotlib.axes.Axes, optional

        Raises
        ------
        InputError
            If the fusion has no weights of its own for these members.
        """
        return cls(pattern_weights(fusion.weights_, members or fusion.members_)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw. Return this display."""
        reach = max(float(np.abs(self.weights.to_numpy()).max()), 1e-9)
        return _draw(self, self.weights, SIGNED, (-reach, reach), "{:.2f}", ax)


def pattern_weights(weights: pd.DataFrame, members: Sequence[str]) -> pd.DataFrame:
    """Return weights as genre by member, of films that have just these members.

    Parameters
    ----------
    weights : DataFrame
        `LateFusion.weights_` or its `weight_table`.
    members : sequence of str

    Returns
    -------
    DataFrame of float, indexed by genre

    Raises
    ------
    InputError
        If the pattern is not in the table.
    """
    pattern = "+".join(sorted(members))
    rows = weights[(weights["pattern"] == pattern) & (weights["member"] != INTERCEPT)]
    if not len(rows):
        raise InputError(
            f"There are no weights for {pattern}; the fusion has some for {', '.join(weights['pattern'].unique())}."
        )
    return rows.pivot_table(index="genre", columns="member", values="weight", sort=False).rename_axis(
        columns=None
    )


class TopGenreConfusionDisplay:
    """Which genres films carry, against the genre that is found most probable.

    A film whose most probable genre is right counts there; another counts in equal parts among its own genres.

    Parameters
    ----------
    table : DataFrame
        Films, by carried genre (rows) and most probable genre (columns); see `top_genre_confusion`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    """

    ax_: Axes
    figure_: Figure

    def __init__(self, table: pd.DataFrame):
        self.table = table

    @classmethod
    def from_predictions(
        cls, probabilities: GenreProbabilities, films: Films, *, ax: Axes | None = None
    ) -> Self:
        """Draw; parameters as for `top_genre_confusion`."""
        return cls(top_genre_confusion(probabilities, films)).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw shades of each column's films, with the films as numbers. Return this display."""
        shares = self.table / self.table.sum(axis=0).clip(lower=1e-9)
        _draw(self, shares, SHADES, (0, 1), None, ax, numbers=self.table)
        self.ax_.set(xlabel="most probable genre (films)", ylabel="carried genre")
        return self


def top_genre_confusion(probabilities: GenreProbabilities, films: Films) -> pd.DataFrame:
    """Return how many films of each genre have each genre as their most probable one.

    Parameters
    ----------
    probabilities : GenreProbabilities
        Of films that taught nothing; those that are not present are left out.
    films : Films
        The same films, with their genres.

    Returns
    -------
    DataFrame of float
        Rows: genres, and ``"(no genre)"`` for films without one. Columns: the most probable genre. A film counts 1:
        where row and column agree if the genre is right, else in equal parts in the rows of its genres. Rows and
        columns of no film are left out; columns sum to the films with that most probable genre.

    Raises
    ------
    InputError
        As for `multigenre.scores.scores`, and if no film is present.

    Examples
    --------
    >>> from multigenre import Films, GenreProbabilities, Genres
    >>> ids, genres = ["tt1", "tt2"], Genres(["Comedy", "Drama", "War"])
    >>> films = Films(ids, ["", ""], ["", ""], [[1, 1, 0], [0, 1, 1]], genres, "test")
    >>> said = GenreProbabilities(ids, genres, [[0.9, 0.5, 0.1], [0.8, 0.2, 0.1]], "fused", "test")
    >>> top_genre_confusion(said, films)
            Comedy
    Comedy     1.0
    Drama      0.5
    War        0.5
    """
    values, labels = scored(probabilities, films)
    if not len(values):
        raise InputError(
            f"{probabilities.name} covers none of these films, so none has a most probable genre."
        )
    names = list(films.genres)
    carried = np.column_stack([labels, ~labels.any(axis=1)]).astype(float)
    top = values.argmax(axis=1)
    right = labels[np.arange(len(labels)), top] == 1
    carried[right] = np.eye(len(names) + 1)[top[right]]
    carried /= carried.sum(axis=1, keepdims=True)
    counts = carried.T @ np.eye(len(names))[top]
    table = pd.DataFrame(counts, [*names, NOTHING], names)
    return table.loc[table.any(axis=1), table.any(axis=0)]


def _draw(display, shades, colours, limits, form, ax, numbers=None):
    """Draw a table in shades, with its numbers, into ``ax`` or a figure of its own."""
    rows, columns = shades.shape
    if ax is None:
        size = (2.2 + max(0.42 * columns, 1.6), 1.4 + 0.27 * rows)
        ax = Figure(figsize=size, layout="constrained").subplots()
    display.ax_, display.figure_ = ax, ax.figure.get_figure(root=True)
    ax.pcolormesh(shades.to_numpy(float), cmap=colours, vmin=limits[0], vmax=limits[1], linewidth=0)
    for (row, column), value in np.ndenumerate((shades if numbers is None else numbers).to_numpy(float)):
        text = form.format(value) if form else f"{value:.1f}".removesuffix(".0") if value >= 0.05 else ""
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8)
    ax.set_xticks(np.arange(columns) + 0.5, shades.columns, rotation=35 if columns < 6 else 90, fontsize=8)
    if columns < 6:
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("left")
    ax.set_yticks(np.arange(rows) + 0.5, shades.index, fontsize=8)
    ax.set(ylim=(rows, 0))
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    literal(ax.figure)
    return display
