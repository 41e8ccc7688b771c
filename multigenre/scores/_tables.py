"""The scores of an ensemble, its members and the prevalence baseline on one set of films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from multigenre.data import Films
from multigenre.scores._rates import scored
from multigenre.scores._scores import (
    bootstrap_scores,
    genre_scores,
    named_scores,
    paired_interval,
    prevalence_baseline,
    scores,
)

if TYPE_CHECKING:
    from multigenre.ensemble import Prediction


def contender_scores(
    prediction: Prediction,
    films: Films,
    prevalence: pd.Series,
    *,
    thresholds: Mapping[str, pd.Series | pd.DataFrame] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Score everyone who predicted the same films, the prevalence baseline first.

    Parameters
    ----------
    prediction : Prediction
    films : Films
        The same films, with their genres; they taught the ensemble nothing.
    prevalence : Series by genre name
        Of the films that trained the members.
    thresholds : dict of str to Series by genre name, or to DataFrame by film id and genre, optional
        By contender; 0.5 for those that are not in it.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict of str to dict
        By contender (``"prevalence"``, each member, ``"fused"``), what `scores` gives at the thresholds, and more:
        ``at_half`` (F1 when every genre is cut at 0.5), ``intervals`` (95 %, over films), and for ``"fused"``
        ``minus_best_member``: value and interval of the paired differences to the member of lowest loss.
        JSON-able: plain numbers, lists and None.
    """
    thresholds = thresholds or {}
    found = {}
    for contender in _everyone(prediction, films, prevalence):
        cuts, (values, labels) = thresholds.get(contender.name), scored(contender, films)
        half = named_scores(values >= 0.5, labels)
        found[contender.name] = {
            **scores(contender, films, cuts),
            "at_half": {name: half[name] for name in ("f1_micro", "f1_macro", "f1_samples")},
            "intervals": _plain(bootstrap_scores(contender, films, cuts, seed=seed)[["low", "high"]]),
        }
    present = [member for member in prediction.members if found[member.name]["n_films"]]
    if present:
        best = min(present, key=lambda member: found[member.name]["bce"])
        difference = paired_interval(prediction.fused, best, films, thresholds, seed=seed)
        found["fused"]["minus_best_member"] = {"member": best.name, **_plain(difference)}
    return found


def scores_frame(found: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """Return the scores of `contender_scores` as a DataFrame, a row each, with the intervals as columns."""
    rows = {}
    for name, values in found.items():
        rows[name] = {key: value for key, value in values.items() if not isinstance(value, dict)}
        for metric, (low, high) in values["intervals"].items():
            rows[name] |= {f"{metric}_low": low, f"{metric}_high": high}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def genre_frame(prediction: Prediction, films: Films) -> pd.DataFrame:
    """Return the average precision of every contender by genre.

    Parameters
    ----------
    prediction : Prediction
    films : Films
        The same films, with their genres; they taught the ensemble nothing.

    Returns
    -------
    DataFrame, indexed by genre name
        ``support`` (films), then one column a member and ``fused``; <NA> for genres that no film carries and
        for a member that covers none of the films.
    """
    everyone = (*(one for one in prediction.members if one.present.any()), prediction.fused)
    tables = {one.name: genre_scores(one, films) for one in everyone}
    return average_precisions(tables, [one.name for one in (*prediction.members, prediction.fused)])


def average_precisions(tables: Mapping[str, pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """Return the `genre_frame` that tables of `genre_scores` make, by name; of names that have none it says <NA>."""
    support = tables[names[-1]]["support"]
    nothing = pd.Series(pd.NA, support.index, "Float64")
    columns = {name: tables[name]["average_precision"] if name in tables else nothing for name in names}
    return pd.DataFrame({"support": support, **columns})


def _everyone(prediction, films, prevalence):
    """Yield the baseline, which is as large as a member and is not kept, the members and the fused prediction."""
    yield prevalence_baseline(prevalence, films)
    yield from (*prediction.members, prediction.fused)


def _plain(table):
    """Return the rows of a table as lists of floats, None for what is not defined."""
    return {
        metric: [None if pd.isna(value) else float(value) for value in row]
        for metric, row in zip(table.index, table.to_numpy(object), strict=True)
    }
