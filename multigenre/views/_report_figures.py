"""The pictures of a report's page, as SVG within it."""

from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from multigenre._checks import InputError, some
from multigenre._signatures import Progress, no_progress
from multigenre.data import Films
from multigenre.scores import Contenders
from multigenre.views._displays import OperatingPointDisplay, ReliabilityGridDisplay
from multigenre.views._drawing import inline_svg
from multigenre.views._heat_displays import FusionWeightsDisplay, TopGenreConfusionDisplay, pattern_weights
from multigenre.views._report_facts import plain


def report_figures(
    contenders: Contenders,
    films: Films,
    tables: dict[str, pd.DataFrame],
    *,
    extras: dict[str, Figure | pd.DataFrame],
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Return the pictures of a page: of each genre, of all of them, and what was given.

    Parameters
    ----------
    contenders : Contenders
    films : Films
        The same, with their genres.
    tables : dict of str to DataFrame
        As it returns them.
    extras : dict of str to Figure or DataFrame
    progress : callable, optional
        Called with (what, genres done, genres in all).

    Returns
    -------
    dict
        ``genre_figures``, SVG by genre; ``figures`` (``title``, ``svg``, ``note``); ``extras`` (``title``, and either
        ``svg`` or ``columns`` and ``rows``).

    Raises
    ------
    InputError
        If an extra is neither a figure nor a table.
    """
    support = films.genres.support(films.labels)
    live = list(support.index[support > 0])
    reliability = tables["reliability"][tables["reliability"]["contender"] == contenders.fused.name]
    drawn = {}
    for done, genre in enumerate(live):
        figure = Figure(figsize=(7.6, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
        OperatingPointDisplay.from_contenders(contenders, genre, ax=left)
        left.set_title("Precision and recall", loc="left", fontsize=10)
        grid = ReliabilityGridDisplay(reliability[reliability["genre"] == genre]).plot(ax=right)
        grid.axes_[0].set(xlabel="fused probability", ylabel="share that carries it")
        grid.axes_[0].set_title("Reliability", loc="left", fontsize=10)
        label = f"Precision against recall of everyone, and reliability of the fusion, for {genre}"
        drawn[genre] = Markup(inline_svg(figure, f"genre{films.genres.column(genre)}", label))
        progress("figures", done + 1, len(live))
    confusion = TopGenreConfusionDisplay.from_predictions(contenders.fused, films).figure_
    overall = [
        ("Most probable genre against those carried", confusion, "A film whose most probable genre is right counts "
         "there; another counts in equal parts among its own genres. Stronger: a larger share of the column."),
    ]  # fmt: skip
    names = list(contenders.names[:-1])
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
