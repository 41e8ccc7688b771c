"""The report: one page that says where each member is right, from tables of errors on films never seen.

The page is one file that asks nothing of the network. Film texts are shown, never run: Jinja2 escapes them, and a
content security policy lets no script run but the page's own.
"""

import base64
import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from multigenre._checks import InputError, some
from multigenre._files import replacing
from multigenre._inline_svg import inline_svg
from multigenre._thumbnails import poster_looks
from multigenre.displays import OperatingPointDisplay, ReliabilityGridDisplay
from multigenre.error_analysis import beside, error_tables
from multigenre.heat_displays import FusionWeightsDisplay, TopGenreConfusionDisplay, pattern_weights
from multigenre.report_facts import METRICS, SETS, plain, report_facts
from multigenre.report_gallery import KINDS, gallery

LIBRARIES = ("multigenre", "tensorflow", "keras", "scikit-learn", "numpy", "pandas")
FORMATS = ("html", "json", "csv")


def report(ensemble, films, path, *, attributes=None, extras=None, progress=None):
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
        More ways to slice the films, see `multigenre.slices.slice_table`.
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
    tables = error_tables(ensemble, prediction, films, attributes=looks, progress=progress)
    if how == "html":
        facts = report_facts(ensemble, tables)
        facts["gallery"] = gallery(ensemble, prediction, films, tables, progress=progress)
        facts["left_out"] = given - len(films)
        facts |= _about(ensemble, films)
        facts |= _figures(ensemble, prediction, films, tables, extras or {}, progress)
        _write_text(render(facts), path)
    else:
        write_tables(tables, path)
    return tables


def check_path(path):
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


def write_tables(tables, path):
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
        _write_text(
            json.dumps({name: plain(table) for name, table in tables.items()}, indent=1, allow_nan=False),
            path,
        )
        return
    partial = path.with_name(path.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    path.mkdir(exist_ok=True)
    try:
        for name, table in tables.items():
            table.to_csv(partial / f"{name}.csv", index=False)
        for file in partial.iterdir():
            file.replace(path / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def render(facts):
    """Return the page that says these facts, as HTML text. Texts are escaped, whatever they hold."""
    environment = Environment(
        loader=PackageLoader("multigenre"),
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
    source = environment.loader.get_source
    script, style = (source(environment, f"report.{kind}")[0] for kind in ("js", "css"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html.j2").render(
        **facts,
        script=Markup(script),
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        METRICS=METRICS,
        SETS=SETS,
        KINDS=KINDS,
    )


def number(value, digits=2):
    """Return a number for a reader, with a true minus sign; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}".replace("-", "−")


def signed(value, digits=2):
    """Return a number with its sign."""
    return "–" if value is None or value != value else f"{value:+.{digits}f}".replace("-", "−")


def percent(value):
    """Return a share as whole percents."""
    return "–" if value is None or value != value else f"{100 * value:.0f} %"


def p_value(value):
    """Return a p-value, never as 0."""
    return "< 0.001" if value is not None and value < 0.0005 else number(value, 3)


def sort_key(value):
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


def _figures(ensemble, prediction, films, tables, extras, progress):
    """Return the pictures of a page: of each genre, of all of them, and what was given."""
    everyone = [one for one in (*prediction.members, prediction.fused) if one.present.any()]
    cuts = ensemble.cuts(prediction.fused, prediction.members)
    support = films.genres.support(films.labels)
    live = list(support.index[support > 0])
    reliability = tables["reliability"][tables["reliability"]["contender"] == prediction.fused.name]
    drawn = {}
    for done, genre in enumerate(live):
        figure = Figure(figsize=(7.6, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        OperatingPointDisplay.from_predictions(everyone, films, genre, cuts, ax=left)
        left.set_title("Precision and recall", loc="left", fontsize=10)
        grid = ReliabilityGridDisplay(reliability[reliability["genre"] == genre]).plot(ax=right)
        grid.axes_[0].set(xlabel="fused probability", ylabel="share that carries it")
        grid.axes_[0].set_title("Reliability", loc="left", fontsize=10)
        label = f"Precision against recall of everyone, and reliability of the fusion, for {genre}"
        drawn[genre] = Markup(inline_svg(figure, f"genre{films.genres.column(genre)}", label))
        if progress:
            progress("figures", done + 1, len(live))
    confusion = TopGenreConfusionDisplay.from_predictions(prediction.fused, films).figure_
    overall = [
        ("Most probable genre against those carried", confusion, "A film whose most probable genre is right counts "
         "there; another counts in equal parts among its own genres. Stronger: a larger share of the column."),
    ]  # fmt: skip
    names = [one.name for one in everyone[:-1]]
    if "+".join(sorted(names)) in set(tables["weights"]["pattern"]):
        weights = pattern_weights(tables["weights"], names).loc[live]
        overall.append(
            ("What each member weighs in the fusion", FusionWeightsDisplay(weights).plot().figure_,
             "Of films that have all members. Blue: above 0; orange: below."),
        )  # fmt: skip
    wrong = [name for name, one in extras.items() if not isinstance(one, (Figure, pd.DataFrame))]
    if wrong:
        raise InputError(f"Extras of a report are figures or tables, but {some(wrong)} is neither.")
    return {
        "genre_figures": drawn,
        "figures": [
            {"title": title, "svg": Markup(inline_svg(figure, f"figure{place}", title)), "note": note}
            for place, (title, figure, note) in enumerate(overall)
        ],
        "extras": [
            {
                "title": title,
                "svg": Markup(inline_svg(one, f"extra{place}", title)) if isinstance(one, Figure) else None,
                "columns": [] if isinstance(one, Figure) else list(map(str, one.columns)),
                "rows": [] if isinstance(one, Figure) else [list(row.values()) for row in plain(one)],
            }
            for place, (title, one) in enumerate(extras.items())
        ],
    }


def _write_text(text, path):
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
