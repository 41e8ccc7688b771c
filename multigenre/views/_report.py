"""The report: one page that says where each member is right, from tables of errors on films never seen.

The page is one file that asks nothing of the network. Film texts are shown, never run: Jinja2 escapes them, and a
content security policy lets no script run but the page's own.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from multigenre._checks import InputError
from multigenre._files import write_json, write_text
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.analysis import REASONS, beside, error_tables, poster_looks, robustness_table
from multigenre.data import Films
from multigenre.views._drawing import MARKS
from multigenre.views._figures import robustness_curves
from multigenre.views._gallery import gallery
from multigenre.views._report_facts import METRICS, SETS, plain, report_facts
from multigenre.views._report_figures import report_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from multigenre.ensemble import GenreEnsemble


LIBRARIES = ("multigenre", "tensorflow", "keras", "scikit-learn", "numpy", "pandas")
FORMATS = ("html", "json", "csv")
MOST_DAMAGED = 300  # films; each is predicted about 30 times


def report(
    ensemble: GenreEnsemble,
    films: Films,
    path: Pathlike,
    *,
    attributes: pd.DataFrame | None = None,
    extras: dict[str, Figure | pd.DataFrame] | None = None,
    progress: Progress = no_progress,
) -> dict[str, pd.DataFrame]:
    """Write a page about what an ensemble gets right and wrong on films that it never saw.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    films : Films
        With their genres. Those that taught the ensemble something are left out, and counted.
    path : path
        Of the page, or with the ending ``.json`` of all tables; any other path without ending is a folder of CSV
        tables. Written beside and then renamed.
    attributes : DataFrame, indexed by film id, optional
        More ways to slice the films, see `multigenre.analysis.slice_table`.
    extras : dict of str to Figure or DataFrame, optional
        Shown in the page, under these titles: training curves, robustness, explanations.
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    dict of str to DataFrame
        The tables, as `error_tables` gives them.

    Raises
    ------
    InputError
        If the genres of the films are not known, all of them taught the ensemble something, or the path cannot
        be written.
    """
    path = Path(path)
    how = check_path(path)
    if films.labels is None:
        raise InputError("A report needs films whose genres are known, but this table has no genre columns.")
    given, films = len(films), ensemble.unseen(films.align(ensemble.genres_))
    prediction = ensemble.predict(films, progress=progress)
    looks = beside(poster_looks(films, progress=progress), attributes)
    everyone = ensemble.contenders(prediction, films)
    options = {"contenders": everyone, "attributes": looks, "progress": progress}
    tables = error_tables(ensemble, prediction, films, **options)
    if how == "html":
        facts = report_facts(ensemble, tables)
        facts["gallery"] = gallery(ensemble, everyone, films, tables, progress=progress)
        facts["titles"] = dict(zip(films.ids, films.titles, strict=True))
        facts["left_out"] = given - len(films)
        facts |= _about(ensemble, films)
        facts |= report_figures(everyone, films, tables, extras=extras or {}, progress=progress)
        write_text(render(facts), path)
    else:
        write_tables(tables, path)
    return tables


def robustness_extras(
    ensemble: GenreEnsemble, films: Films, *, most: int = MOST_DAMAGED, progress: Progress = no_progress
) -> dict[str, Figure | pd.DataFrame]:
    """Return the curves and the table of what is left of the mAP, as extras of a report.

    Parameters
    ----------
    ensemble, films, progress
        As for `robustness_table`.
    most : int
        Films at the most, from all over the table.

    Returns
    -------
    dict of str to Figure or DataFrame
        Curves of the six members of highest mAP, if there are more.
    """
    films = ensemble.unseen(films.align(ensemble.genres_))
    films = films.take(np.unique(np.linspace(0, len(films) - 1, min(most, len(films))).astype(int)))
    table = robustness_table(ensemble, films, progress=progress)
    table = table[table["metric"] == "map_macro"]
    whole = table[table["level"] == 0].drop_duplicates("contender").set_index("contender")["value"]
    best = whole.drop(["prevalence", "fused"]).nlargest(len(MARKS)).index
    drawn = table[table["contender"].isin([*best, "prevalence", "fused"])]
    fused = table[(table["contender"] == "fused") & (table["level"] > 0)]
    names = ["damage", "setting", "films", "value", "low", "high", "change", "change_low", "change_high"]
    return {
        f"mAP as {len(films)} films are damaged": robustness_curves(drawn),
        "mAP of the fused prediction, and its change from the films as they are": fused[names],
    }


def check_path(path: Pathlike) -> str:
    """Return the format that a path asks for, ``"html"``, ``"json"`` or ``"csv"``, or raise if it cannot be written."""
    path = Path(path)
    how = {".html": "html", ".htm": "html", ".json": "json", "": "csv"}.get(path.suffix.lower())
    if how is None:
        raise InputError(
            f"A report is written as NAME.html, as NAME.json or into a folder of CSV tables, got {path.name!r}."
        )
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} to write {path.name} into; make it first.")
    if (path.is_dir() and how != "csv") or (path.is_file() and how == "csv"):
        raise InputError(f"{path} is in the way of the report; choose another place or remove it first.")
    return how


def write_tables(tables: dict[str, pd.DataFrame], path: Pathlike) -> None:
    """Write tables for machines: one JSON file (NAME.json), or a folder of CSV files, one a table.

    Parameters
    ----------
    tables : dict of str to DataFrame
    path : path
        A folder that is already there loses the tables of the same names only.

    Raises
    ------
    InputError
        As for `check_path`, and if the path is of a page.
    """
    path, how = Path(path), check_path(path)
    if how == "html":
        raise InputError(f"Tables are written as NAME.json or into a folder, got {path.name!r}.")
    if how == "json":
        write_json({name: plain(table) for name, table in tables.items()}, path, indent=1, allow_nan=False)
        return
    path.mkdir(exist_ok=True)
    # All are made before the first is written, so that what fails leaves the old tables, and all of them.
    texts = {name: table.to_csv(index=False) for name, table in tables.items()}
    for name, text in texts.items():
        write_text(text, path / f"{name}.csv")


def render(facts: dict[str, Any]) -> str:
    """Return the page that says these facts, as HTML text. Texts are escaped, whatever they hold."""
    loader = PackageLoader("multigenre.views")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "signed": signed,
        "percent": percent,
        "p_value": p_value,
        "sort_key": sort_key,
    }
    script, style = (loader.get_source(environment, f"report.{kind}")[0] for kind in ("js", "css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html.j2").render(
        **facts,
        script=Markup(script),
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        METRICS=METRICS,
        SETS=SETS,
        REASONS=REASONS,
    )


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for a reader, with a true minus sign; a dash where there is none."""
    return (
        "–"
        if value is None or value != value
        else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
    )


def signed(value: float | None, digits: int = 2) -> str:
    """Return a number with its sign."""
    return (
        "–"
        if value is None or value != value
        else f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")
    )


def percent(value: float | None) -> str:
    """Return a share as whole percents."""
    return "–" if value is None or value != value else f"{100 * value:.0f} %"


def p_value(value: float | None) -> str:
    """Return a p-value, never as 0."""
    return "< 0.001" if value is not None and value < 0.0005 else number(value, 3)


def sort_key(value: float | None) -> str:
    """Return what a sorted table compares: what is not defined comes last."""
    return "" if value is None or value != value else f"{value:.6g}"


def _about(ensemble, films):
    """Return the facts of a page that are not of tables."""
    return {
        "counts": films.summary(),
        "fusion": ensemble.fusion_.method,
        "modalities": sorted({member.modality for member in ensemble.members_.values()}),
        "genre_names": list(ensemble.genres_),
        "sources": {
            name: calibrator.sources_.to_dict()
            for name, calibrator in ensemble.thresholds_.items()
            if name == "fused"
        },
        "versions": {name: version(name) for name in LIBRARIES},
    }
