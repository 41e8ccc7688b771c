"""What a search found: its leaderboard, a picture of it, and the best settings."""

from pathlib import Path

import numpy as np
import pandas as pd

from multigenre._checks import InputError
from multigenre._files import read_json, replacing
from multigenre._signatures import Pathlike
from multigenre.members import write_settings
from multigenre.search._spaces import Settings
from multigenre.views import save_figure, search_figure

FACTS = ("status", "objective", "spread", "seconds", "reason")


def leaderboard(folder: Pathlike) -> pd.DataFrame:
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
    downwards = objective.get("direction") == "max"
    order = np.argsort(np.asarray(table["objective"]) * (-1 if downwards else 1), kind="stable")
    tried = pd.DataFrame.from_dict(values, orient="index").reindex(columns=list(names))
    # A measure of the same name stays what it is.
    tried = tried.rename(columns={name: f"{name} (set)" for name in tried.columns if name in table})
    table = table.join(tried).iloc[order]
    table.attrs = {**objective, "hyperparameters": list(table.columns[len(FACTS) + len(measures) :])}
    return table


def best_settings(folder: Pathlike) -> Settings:
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


def write_results(folder: Pathlike, table: pd.DataFrame, settings: Settings) -> None:
    """Write ``leaderboard.csv``, ``leaderboard.png`` and ``best.json``, each beside and then renamed."""
    folder = Path(folder)
    with replacing(folder / "leaderboard.csv") as partial:
        table.to_csv(partial, float_format="%.7g")
    save_figure(search_figure(table), folder / "leaderboard.png")
    write_settings(settings, folder / "best.json")


def _read(path):
    """Return what a JSON file holds; nothing where there is none."""
    return read_json(path) if path.is_file() else {}
