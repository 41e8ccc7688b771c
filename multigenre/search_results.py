"""What a search found: its leaderboard, a picture of it, and the best settings."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from multigenre._checks import InputError
from multigenre._drawing import BLUE, ORANGE, VERMILLION, literal
from multigenre._files import replacing
from multigenre.figures import save_figure
from multigenre.settings import write_settings

FACTS = ("status", "objective", "spread", "seconds", "reason")
MOST_PANELS = 12


def leaderboard(folder):
    """Return the trials of a search that ended, is under way, or was killed, the best first.

    Parameters
    ----------
    folder : path
        As given to `multigenre.search.search`.

    Returns
    -------
    DataFrame, indexed by trial (0: the reference)
        ``status`` (``"completed"``, ``"failed"`` or ``"running"``), ``objective`` (mean over seeds; NaN where it did
        not complete), ``spread`` (standard deviation over seeds; NaN of one seed), ``seconds``, ``reason`` (of a
        failure), a column a measure, and a column a hyperparameter, missing where its condition did not hold.
        ``.attrs["objective"]`` is the objective's name, ``.attrs["direction"]`` is ``"min"`` or ``"max"``,
        ``.attrs["hyperparameters"]`` names the last columns.

    Raises
    ------
    InputError
        If there is no search, or none of its trials has begun.
    """
    trials = Path(folder) / "trials"
    rows, values, names, objective = {}, {}, {}, {}
    for path in sorted(trials.glob("trial_*/trial.json")):
        number, trial = int(path.parent.name.removeprefix("trial_")), _read(path)
        result, failure = _read(path.with_name("result.json")), _read(path.with_name("failure.json"))
        for name, metric in trial["metrics"]["metrics"].items():
            objective = {"objective": name, "direction": metric["direction"]}
        row = dict.fromkeys(("objective", "spread", "seconds"), np.nan) | {"reason": ""}
        match trial["status"]:
            case "COMPLETED":
                name = objective["objective"]
                measured = {"objective": result["mean"][name], "spread": result["spread"][name]}
                row |= {"status": "completed", "seconds": result["seconds"], **measured, **result["mean"]}
            case "FAILED":
                row |= {"status": "failed", "reason": failure.get("reason", "")}
            case _:
                row["status"] = "running"
        hyperparameters = trial["hyperparameters"]
        rows[number], values[number] = row, hyperparameters["values"]
        names |= dict.fromkeys(one["config"]["name"] for one in hyperparameters["space"])
        names |= dict.fromkeys(hyperparameters["values"])  # Hyperband's own
    if not rows:
        raise InputError(f"{folder} holds no trial of a search.")
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("trial")
    measures = [name for name in table.columns if name not in FACTS]
    table = table[[*FACTS, *measures]].astype({"spread": float})
    order = table["objective"] * (-1 if objective.get("direction") == "max" else 1)
    tried = pd.DataFrame.from_dict(values, orient="index").reindex(columns=list(names))
    # A measure of the same name stays what it is.
    tried = tried.rename(columns={name: f"{name} (set)" for name in tried.columns if name in table})
    table = table.join(tried).loc[order.sort_values(kind="stable").index]
    table.attrs = {**objective, "hyperparameters": list(table.columns[len(FACTS) + len(measures) :])}
    return table


def best_settings(folder):
    """Return the settings of the best trial of a search.

    Raises
    ------
    InputError
        If no trial completed.
    """
    table = leaderboard(folder)
    if table["status"].iloc[0] != "completed":
        raise InputError(f"No trial of the search in {folder} completed, so none is the best.")
    [place] = [
        path
        for path in (Path(folder) / "trials").glob("trial_*")
        if int(path.name.removeprefix("trial_")) == table.index[0]
    ]
    return _read(place / "result.json")["settings"]


def write_results(folder, table, settings):
    """Write ``leaderboard.csv``, ``leaderboard.png`` and ``best.json``, each beside and then renamed."""
    folder = Path(folder)
    with replacing(folder / "leaderboard.csv") as partial:
        table.to_csv(partial, float_format="%.7g")
    save_figure(search_figure(table), folder / "leaderboard.png")
    write_settings(settings, folder / "best.json")


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


def _read(path):
    """Return what a JSON file holds; nothing where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
