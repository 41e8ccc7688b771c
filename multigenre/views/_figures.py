"""Pictures, drawn from numbers: training curves, films with their most probable genres, scores by genre.

Every function returns a `matplotlib.figure.Figure` that no global state knows of; `save_figure` writes it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from multigenre._checks import InputError, some
from multigenre.views._drawing import BLUE, MARKS, ORANGE, VERMILLION, boxes_for_glyphs, literal
from multigenre.views._film_cards import choose_films, film_cards

__all__ = ["choose_films", "film_cards", "genre_bars", "save_figure", "training_curves"]

NO_MEMBERS = ("fused", "prevalence", "support")


def training_curves(history, *, title=None):
    """Draw loss, precision and recall by epoch, training beside validation, and the epoch that was kept.

    Parameters
    ----------
    history : DataFrame, indexed by epoch from 0
        ``loss``, ``precision``, ``recall`` and, where there were validation films, ``val_loss``,
        ``val_precision`` and ``val_recall``, as `multigenre.networks.train_model` gives it. The picture
        counts epochs from 1.
    title : str, optional
        Such as the member's name.

    Returns
    -------
    matplotlib.figure.Figure
        The kept epoch is the first with the lowest validation loss; without validation none is marked.

    Raises
    ------
    InputError
        If a column is missing or there is no epoch.

    Examples
    --------
    >>> import pandas as pd
    >>> history = pd.DataFrame({"loss": [0.5, 0.3], "precision": [0.2, 0.6], "recall": [0.1, 0.2]})
    >>> [axes.get_title("left") for axes in training_curves(history).axes]
    ['Loss', 'Precision', 'Recall']
    """
    measures = ("loss", "precision", "recall")
    missing = [name for name in measures if name not in history]
    if missing or not len(history):
        what = f"has no {some(missing)}" if missing else "has no epoch"
        raise InputError(f"training_curves needs loss, precision and recall by epoch, but the table {what}.")
    validated = "val_loss" in history and history["val_loss"].notna().any()
    kept = history["val_loss"].idxmin() if validated else None

    figure = Figure(figsize=(9.4, 3.3), layout="constrained")
    panels = figure.subplots(1, len(measures))
    epochs = np.asarray(history.index) + 1
    for axes, name in zip(panels, measures, strict=True):
        axes.plot(epochs, history[name], "--o", color=VERMILLION, markersize=2, label="training")
        if f"val_{name}" in history:
            axes.plot(epochs, history[f"val_{name}"], "-o", color=BLUE, markersize=2, label="validation")
        if kept is not None and f"val_{name}" in history:
            value = history.loc[kept, f"val_{name}"]
            label = f"kept: epoch {kept + 1}, lowest validation loss"
            axes.axvline(kept + 1, color="0.6", linewidth=0.8, zorder=0)
            axes.plot(kept + 1, value, "D", color=BLUE, markeredgecolor="white", markersize=8, label=label)
            axes.set_title(f"{value:.4f} at epoch {kept + 1}", loc="right", fontsize=9, color=BLUE)
        axes.set_title(name.capitalize(), loc="left", fontsize=11, fontweight="bold")
        axes.set(xlabel="epoch", xlim=(epochs.min() - 0.5, epochs.max() + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
        if name != "loss":
            axes.set_ylim(bottom=0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    if title is not None:
        figure.suptitle(title, fontsize=12)
    return literal(figure)


def genre_bars(table):
    """Draw each genre's average precision by member, most frequent genre first.

    The best member of a genre is filled, the others are hollow; a diamond is the fused ensemble.

    Parameters
    ----------
    table : DataFrame, indexed by genre name
        Average precision in [0, 1], one column a member, and optionally ``"fused"`` and ``"prevalence"``
        (what knowing nothing scores). ``"support"`` (films of the genre) gives the order and is written
        beside the name; without it ``"prevalence"`` gives the order, and without both the table does. Genres
        without a value are named beneath.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there is no member or no genre with a value, or there are more members than can be told apart.
    """
    members = [name for name in table.columns if name not in NO_MEMBERS]
    if not 1 <= len(members) <= len(MARKS):
        raise InputError(f"genre_bars shows 1 to {len(MARKS)} members, got {len(members)}.")
    values = table.astype(float)
    live = values[members].notna().any(axis=1)
    if not live.any():
        raise InputError("genre_bars needs an average precision, but no genre of the table has one.")
    order = next((name for name in ("support", "prevalence") if name in values), None)
    shown = values[live].sort_values(order, ascending=False, kind="stable") if order else values[live]
    best = shown[members].eq(shown[members].max(axis=1), axis=0)
    names = [f"{name}  ({shown.support[name]:.0f})" if "support" in shown else name for name in shown.index]
    absent = f"\nno film of {some(values.index[~live], 8)}" if not live.all() else ""

    figure = Figure(figsize=(7.5, 1.5 + 0.28 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(shown))
    axes.hlines(places, 0, 1, color="0.9", linewidth=0.8, zorder=0)
    for name, (color, marker) in zip(members, MARKS, strict=False):
        style = {"color": color, "marker": marker, "linestyle": "", "markersize": 7, "clip_on": False}
        axes.plot(shown[name], places, fillstyle="none", markeredgewidth=1.4, label=name, **style)
        axes.plot(shown[name].where(best[name]), places, markeredgewidth=1.4, **style)
    if "fused" in shown:
        axes.plot(shown["fused"], places, "D", color="black", markersize=5, label="fused", clip_on=False)
    if "prevalence" in shown:
        style = {"color": "0.45", "markersize": 11, "markeredgewidth": 2, "zorder": 1}
        axes.plot(shown["prevalence"], places, "|", label="prevalence", **style)
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1), ylim=(len(shown) - 0.5, -0.5))
    axes.set_xlabel(f"average precision (filled: the best member){absent}")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    style = {"columnspacing": 1.2, "handletextpad": 0.2, "frameon": False}
    figure.legend(loc="outside upper center", ncols=5, **style)
    return literal(figure)


def save_figure(figure, path):
    """Write a figure as PNG at 150 dots an inch, beside ``path`` and then renamed.

    Raises
    ------
    InputError
        If ``path`` does not end in ``.png``.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"save_figure writes PNG, so the path must end in .png, got {path.name!r}.")
    partial = path.with_name(path.name + ".partial")
    try:
        with boxes_for_glyphs():
            figure.savefig(partial, format="png", dpi=150)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


MOST_PANELS = 12


def search_figure(table):
    """Draw the objective by trial, with the best so far, and by each hyperparameter that was varied.

    Parameters
    ----------
    table : DataFrame
        As `leaderboard` gives it.

    Returns
    -------
    matplotlib.figure.Figure
        The reference, trial 0, is a diamond; failed trials are crosses on the axis. Of more than 12 hyperparameters,
        those whose ranks go most with the objective's are shown.

    Raises
    ------
    InputError
        If no trial completed.
    """
    done = table[table["status"] == "completed"].sort_index()
    if not len(done):
        raise InputError("A picture of a search needs a trial that completed.")
    names = _varied(done, table.attrs["hyperparameters"])
    columns = 4
    rows = 1 + -(-len(names) // columns)
    figure = Figure(figsize=(11, 0.6 + 2.5 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, columns)
    axes = figure.add_subplot(grid[0, :])
    best = done["objective"].cummin() if table.attrs["direction"] == "min" else done["objective"].cummax()
    axes.errorbar(
        done.index,
        done["objective"],
        done["spread"].fillna(0),
        fmt="o",
        color=BLUE,
        markersize=4,
        label="trial",
    )
    axes.step(best.index, best, where="post", color=VERMILLION, linewidth=1.2, label="best so far")
    if 0 in done.index:
        axes.plot(0, done.loc[0, "objective"], "D", color=ORANGE, label="reference", zorder=3)
    failed = table.index[table["status"] == "failed"]
    if len(failed):
        style = {"color": "0.4", "clip_on": False, "transform": axes.get_xaxis_transform(), "label": "failed"}
        axes.plot(failed, np.zeros(len(failed)), "x", **style)
    axes.set(xlabel="trial", ylabel=table.attrs["objective"])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(frameon=False, ncols=4, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    for place, name in enumerate(names):
        panel = figure.add_subplot(grid[1 + place // columns, place % columns], sharey=axes)
        _hyperparameter_panel(panel, done[name], done["objective"], best.iloc[-1])
    return literal(figure)


def _hyperparameter_panel(axes, values, objective, best):
    """Draw the objective by one hyperparameter; the best trial is filled."""
    shown = values.dropna()
    objective = objective[shown.index]
    numbers = pd.to_numeric(shown, errors="coerce")
    if numbers.isna().any() or shown.map(lambda value: isinstance(value, bool)).any():
        kinds = sorted(shown.astype(str).unique())
        numbers = shown.astype(str).map(kinds.index)
        axes.set_xticks(range(len(kinds)), kinds, fontsize=7, rotation=20)
        axes.set_xlim(-0.5, len(kinds) - 0.5)
    elif (numbers > 0).all() and numbers.max() > 20 * numbers.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")  # powers of ten are formulas, which texts here never are
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.plot(numbers, objective, "o", color=BLUE, markersize=4, fillstyle="none")
    winners = objective == best
    axes.plot(numbers[winners], objective[winners], "o", color=VERMILLION, markersize=5)
    axes.set_title(values.name, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _varied(done, names):
    """Return the hyperparameters of more than one value, at most 12, in their order."""
    varied = [
        name
        for name in names
        if not name.startswith("tuner/") and done[name].dropna().astype(str).nunique() > 1
    ]
    if len(varied) <= MOST_PANELS:
        return varied
    ranks = {name: done[name].dropna().astype(str).rank() for name in varied}
    for name in varied:
        numbers = pd.to_numeric(done[name].dropna(), errors="coerce")
        if numbers.notna().all():
            ranks[name] = numbers.astype(float).rank()
    objective = done["objective"].rank()
    strength = {name: abs(np.nan_to_num(rank.corr(objective))) for name, rank in ranks.items()}
    kept = sorted(varied, key=lambda name: -strength[name])[:MOST_PANELS]
    return [name for name in varied if name in kept]
