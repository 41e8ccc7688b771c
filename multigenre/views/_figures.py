"""Pictures, drawn from numbers: training curves, films with their most probable genres, scores by genre.

Every function returns a `matplotlib.figure.Figure` that no global state knows of; `save_figure` writes it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from multigenre._checks import InputError, some
from multigenre._files import replacing
from multigenre._signatures import Pathlike
from multigenre.views._drawing import BLUE, MARKS, ORANGE, VERMILLION, boxes_for_glyphs, literal

MOST_PANELS = 12
METRICS = {
    "bce": "binary cross-entropy (lower is better)",
    "map_macro": "average precision, macro",
    "map_micro": "average precision, micro",
    "f1_micro": "micro-F1",
    "f1_macro": "macro-F1",
    "f1_samples": "samples-F1",
    "brier": "Brier score (lower is better)",
    "ece": "calibration error (lower is better)",
}
SETTINGS = {
    "poster noise": "standard deviation, of the full range",
    "poster blur": "standard deviation, of the width",
    "poster dark": "share of the way to black",
    "poster bright": "share of the way to white",
    "poster jpeg": "share of the JPEG quality lost",
    "poster crop": "cut off at each side",
    "poster missing": "share of films; members: on the others",
    "overview words": "first words kept",
    "overview missing": "share of films; members: on the others",
}


def training_curves(history: pd.DataFrame, *, title: str | None = None) -> Figure:
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
    kept = history["val_loss"].argmin() if validated else None

    figure = Figure(figsize=(9.4, 3.3), layout="constrained")
    panels = figure.subplots(1, len(measures))
    epochs = np.asarray(history.index) + 1
    for axes, name in zip(panels, measures, strict=True):
        axes.plot(epochs, history[name], "--o", color=VERMILLION, markersize=2, label="training")
        if f"val_{name}" in history:
            axes.plot(epochs, history[f"val_{name}"], "-o", color=BLUE, markersize=2, label="validation")
        if kept is not None and f"val_{name}" in history:
            value, epoch = history[f"val_{name}"].iloc[kept], epochs[kept]
            label = f"kept: epoch {epoch}, lowest validation loss"
            axes.axvline(epoch, color="0.6", linewidth=0.8, zorder=0)
            axes.plot(epoch, value, "D", color=BLUE, markeredgecolor="white", markersize=8, label=label)
            axes.set_title(f"{value:.4f} at epoch {epoch}", loc="right", fontsize=9, color=BLUE)
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


def save_figure(figure: Figure, path: Pathlike) -> None:
    """Write a figure as PNG at 150 dots an inch, beside ``path`` and then renamed.

    Raises
    ------
    InputError
        If ``path`` does not end in ``.png``.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise InputError(f"save_figure writes PNG, so the path must end in .png, got {path.name!r}.")
    with replacing(path) as partial, boxes_for_glyphs():
        figure.savefig(partial, format="png", dpi=150)


def search_figure(table: pd.DataFrame) -> Figure:
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
        axes.plot(0, done["objective"].loc[0], "D", color=ORANGE, label="reference", zorder=3)
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


def robustness_curves(table: pd.DataFrame, *, metric: str = "map_macro") -> Figure:
    """Draw how one score falls with the damage, a panel a damage and a line a contender, with its intervals.

    Parameters
    ----------
    table : DataFrame
        As `multigenre.analysis.robustness_table` gives it.
    metric : str
        Of the table's.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the table has no such metric, or more members than can be told apart.
    """
    known = list(table["metric"].unique())
    if metric not in known:
        raise InputError(f"The table has the metrics {some(known, 9)}, got {metric!r}.")
    table = table[table["metric"] == metric]
    names = list(table["contender"].unique())
    members = [name for name in names if name not in ("prevalence", "fused")]
    if len(members) > len(MARKS):
        raise InputError(f"robustness_curves shows at most {len(MARKS)} members, got {len(members)}.")
    styles: dict[str, dict[str, Any]] = {
        name: {"color": color, "marker": mark} for name, (color, mark) in zip(members, MARKS, strict=False)
    }
    styles["fused"] = {"color": "black", "marker": "D", "linewidth": 2}
    styles["prevalence"] = {"color": "0.45", "linestyle": "--"}
    damages = list(table["damage"].unique())
    columns = min(3, len(damages))
    rows = -(-len(damages) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.5, 2.5 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.ravel()[len(damages) :]:
        axes.set_axis_off()
    for axes, damage in zip(panels.ravel(), damages, strict=False):
        here = table[table["damage"] == damage]
        for place, name in enumerate(names):
            one = here[here["contender"] == name].sort_values("level")
            value, low, high = (one[end].to_numpy(float, na_value=np.nan) for end in ("value", "low", "high"))
            # A little apart, so that intervals do not hide each other.
            x = one["level"].to_numpy(float) + 0.04 * (place - (len(names) - 1) / 2)
            style = {"linewidth": 1.3, "markersize": 4, "elinewidth": 0.8} | styles[name]
            axes.errorbar(x, value, np.clip([value - low, high - value], 0, None), label=name, **style)
        settings = here.drop_duplicates("level").sort_values("level")
        labels = [
            "as is" if level == 0 else f"{setting:g}"
            for level, setting in settings[["level", "setting"]].values
        ]
        axes.set_xticks(settings["level"], labels)
        axes.set_title(damage, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel(SETTINGS.get(damage, ""), fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supylabel(METRICS.get(metric, metric), fontsize=10)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(names), 5), frameon=False)
    return literal(figure)
