"""Scores of genre probabilities, averaged and by genre, with intervals and the prevalence baseline."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from multigenre._checks import InputError, check_same_genres, check_unseen, some
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores._bootstrap import intervals, resample
from multigenre.scores._contenders import Thresholds
from multigenre.scores._rates import (
    BINS,
    cuts_of,
    mean_losses,
    named_counts,
    present_cuts,
    rates_of_counts,
    scored,
)
from multigenre.scores._sorted import cell_keys, micro_average_precision, ranked_scores

SCORES = (
    "bce", "map_macro", "map_micro", "f1_micro", "f1_macro", "f1_samples", "precision_micro",
    "precision_macro", "recall_micro", "recall_macro", "subset_accuracy", "hamming_loss", "brier", "ece",
)  # fmt: skip
NAMED_SCORES = tuple(name for name in SCORES if name not in ("bce", "map_macro", "map_micro", "brier", "ece"))


def scores(
    probabilities: GenreProbabilities, films: Films, thresholds: pd.Series | pd.DataFrame | None = None
) -> dict[str, Any]:
    """Return averaged scores of the films that are present.

    Parameters
    ----------
    probabilities : GenreProbabilities
        Of films that neither trained the members nor fitted fusion or thresholds.
    films : Films
        The same films, with their genres.
    thresholds : Series of float by genre name, or DataFrame by film id and genre, optional
        A genre is named where ``probability >= threshold``; above 1 it never is. Default: 0.5.

    Returns
    -------
    dict of str to float
        ``bce`` (nats, mean over films and all genres, clipped at 1e-7 as Keras does), ``map_macro`` and
        ``map_micro`` (average precision), ``f1_micro``, ``f1_macro``, ``f1_samples``, ``precision_micro``,
        ``precision_macro``, ``recall_micro``, ``recall_macro``, ``subset_accuracy`` (all genres right),
        ``hamming_loss``; ``brier`` (mean square error) and ``ece`` (see `expected_calibration_error`), means
        over all genres as ``bce`` is; ``n_films`` scored and ``n_not_present`` (both int). Macro averages are
        over the live genres, those that at least one scored film carries; 0 / 0 is 0, as in scikit-learn.
        A score that needs a film, or a live genre, is None where there is none.

    Raises
    ------
    InputError
        If films or genres differ, their genres are unknown, a threshold is missing, or the films' role is
        train or calibration.
    """
    values, labels = scored(probabilities, films)
    found = dict.fromkeys(SCORES) | named_scores(values >= present_cuts(thresholds, probabilities), labels)
    if len(values):
        keys, live = cell_keys(values, labels), labels.any(axis=0)
        average_precision, ece = ranked_scores(keys, BINS)
        means = *mean_losses(values, labels), ece
        found |= {name: float(one.mean()) for name, one in zip(("bce", "brier", "ece"), means, strict=True)}
        if live.any():
            found["map_macro"] = float(average_precision[live].mean())
            found["map_micro"] = float(micro_average_precision(keys))
    return {**found, "n_films": len(values), "n_not_present": len(probabilities) - len(values)}


def named_scores(named: np.ndarray, labels: np.ndarray) -> dict[str, float | None]:
    """Return those of `scores` that ask only which genres are named (n_films, n_genres), bool."""
    found: dict[str, float | None] = dict.fromkeys(NAMED_SCORES)
    counts, (f1, right, wrong) = named_counts(named, labels)
    if len(named):
        found["subset_accuracy"] = float(right / len(named))
        found["hamming_loss"] = float(wrong / named.size)
        found["f1_samples"] = float(f1 / len(named))
    live = counts[2] > 0
    if live.any():
        by_genre, overall = rates_of_counts(*counts), rates_of_counts(*counts.sum(axis=1))
        for name, a_genre, micro in zip(("precision", "recall", "f1"), by_genre, overall, strict=True):
            found[f"{name}_macro"], found[f"{name}_micro"] = float(a_genre[live].mean()), float(micro)
    return found


def genre_scores(
    probabilities: GenreProbabilities,
    films: Films,
    thresholds: pd.Series | pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row of scores a genre, over the films that are present.

    Parameters
    ----------
    probabilities, films, thresholds
        As for `scores`.

    Returns
    -------
    DataFrame, indexed by genre name
        ``support`` (films), ``prevalence``, ``average_precision``, ``bce``, ``brier``, ``ece``, ``precision``,
        ``recall``, ``f1``, ``threshold`` (of most of the films, if theirs differ), ``predicted`` (share of films it is
        named for). Genres that no
        scored film carries have <NA> for average precision, precision, recall and F1, and are named in
        ``.attrs["no_positive"]``; the mean of a column is thus the macro average of `scores`.

    Raises
    ------
    InputError
        As for `scores`, and if no film is present.
    """
    values, labels = scored(probabilities, films)
    if not len(values):
        raise InputError(f"{probabilities.name} covers none of these films, so there is no genre to score.")
    genres, cuts = probabilities.genres, present_cuts(thresholds, probabilities)
    counts, _ = named_counts(values >= cuts, labels)
    precision, recall, f1 = np.where(counts[2] > 0, rates_of_counts(*counts), np.nan)
    average_precision, ece = ranked_scores(cell_keys(values, labels), BINS)
    loss, error = mean_losses(values, labels)
    table = pd.DataFrame(
        {
            "support": counts[2],
            "prevalence": counts[2] / len(labels),
            "average_precision": average_precision,
            "bce": loss,
            "brier": error,
            "ece": ece,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "threshold": pd.DataFrame(np.atleast_2d(cuts)).mode().iloc[0].to_numpy(),
            "predicted": counts[1] / len(labels),
        },
        index=pd.Index(list(genres), name="genre"),
    )
    undefined = ["average_precision", "precision", "recall", "f1"]
    table = table.astype(dict.fromkeys(undefined, "Float64"))
    table.attrs["no_positive"] = table.index[counts[2] == 0].tolist()
    return table


def score_table(
    contenders: list[GenreProbabilities],
    films: Films,
    thresholds: pd.Series | pd.DataFrame | Thresholds | None = None,
) -> pd.DataFrame:
    """Return `scores` of several probabilities of the same films, one row each.

    Parameters
    ----------
    contenders : list of GenreProbabilities
        Such as the prevalence baseline, each member, and the fused ensemble.
    films : Films
    thresholds : as for `scores`, or dict of such by the contenders' names, optional
        One Series is for all of them; those a dict does not name are cut at 0.5.

    Returns
    -------
    DataFrame, indexed by name, columns as `scores` returns
        Rows with another ``n_films`` were scored on other films: compare with `paired_interval`.

    Raises
    ------
    InputError
        As for `scores`, and if two contenders share a name or thresholds are for a name that is not there.
    """
    names = [contender.name for contender in contenders]
    if len(set(names)) < len(names):
        raise InputError(f"Rows of a table of scores need distinct names, got {some(names, most=9)}.")
    cuts = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(names, thresholds)
    if unknown := sorted(set(cuts) - set(names)):
        raise InputError(f"Thresholds are for {some(unknown)}, but the table has {some(names, most=9)}.")
    rows = [scores(contender, films, cuts.get(contender.name)) for contender in contenders]
    return pd.DataFrame(rows, index=pd.Index(names, name="name"))


def prevalence_baseline(
    train_films: Films | pd.Series, films: Films | GenreProbabilities
) -> GenreProbabilities:
    """Return the probabilities of who knows only how common each genre is.

    Parameters
    ----------
    train_films : Films, or Series by genre name
        Where prevalences are counted, or what ``train_films.genres.prevalence(train_films.labels)`` gave.
    films : Films
        The films to predict; their labels are not read.

    Returns
    -------
    GenreProbabilities
        Named ``"prevalence"``, the same row for every film, with the role of ``films``.

    Raises
    ------
    InputError
        If a film is in both tables, or they name other genres.
    """
    if isinstance(train_films, pd.Series):
        prevalence = train_films
    else:
        check_unseen(films.ids, train_films.ids, "The prevalence baseline")
        prevalence = train_films.genres.prevalence(train_films.labels)
    values = np.broadcast_to(prevalence.to_numpy(float), (len(films.ids), len(prevalence)))
    baseline = GenreProbabilities(films.ids, Genres(prevalence.index), values, "prevalence", films.role)
    if films.genres is not None:
        check_same_genres(films.genres, baseline.genres, "The prevalence baseline and the films")
    return baseline


def with_prevalence(probabilities: GenreProbabilities, prevalence: pd.Series) -> GenreProbabilities:
    """Return probabilities in which films that are not present get each genre's prevalence.

    Parameters
    ----------
    probabilities : GenreProbabilities
    prevalence : Series by genre name
    """
    if probabilities.present.all():
        return probabilities
    here = probabilities.present[:, None]
    values = np.where(here, probabilities.values, prevalence.to_numpy())
    return replace(probabilities, values=values, present=None)


def bootstrap_scores(
    probabilities: GenreProbabilities,
    films: Films,
    thresholds: pd.Series | pd.DataFrame | None = None,
    *,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return scores with intervals over films drawn with replacement.

    Quantiles of the resamples' scores, shifted so that their median falls on the score itself. The members stay
    as they are: intervals say what other films would change, not another training.

    Of more than 20,000 films the scores are not those of resamples, but normal draws with the variances that the films'
    influence values give: the infinitesimal jackknife. At 20,000 films its intervals are the bootstrap's within 2 % of
    their width, and a film then costs the same whatever the number of resamples.

    Parameters
    ----------
    probabilities, films, thresholds
        As for `scores`.
    replicates : int
        How many times the films are drawn, if they are.
    level : float in (0, 1)
    seed : int

    Returns
    -------
    DataFrame, indexed by metric (those of `scores` from ``bce`` to ``f1_samples``, ``brier``, ``ece``)
        ``value`` (equal to that of `scores`), ``low``, ``high``; <NA> where `scores` has None. A draw that
        loses a rare genre's last positive averages over the genres that are live in it. A calibration error
        keeps the bins of the films as they are.

    Raises
    ------
    InputError
        As for `scores`.

    References
    ----------
    Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1).
    Jaeckel (1972), "The infinitesimal jackknife", Bell Laboratories; Efron (1982), "The jackknife, the bootstrap and
    other resampling plans", SIAM, chapter 6.
    """
    values, labels = scored(probabilities, films)
    contender = (values, values >= present_cuts(thresholds, probabilities))
    return intervals(resample([contender], labels, replicates, seed)[0], level)


def paired_interval(
    a: GenreProbabilities,
    b: GenreProbabilities,
    films: Films,
    thresholds: pd.Series | pd.DataFrame | Thresholds | None = None,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the difference a - b of two predictions' scores, with 95 % intervals over the same drawn films.

    Films go in pairs, so what makes a film hard for both cancels: an interval without 0 is a difference that
    other films would show too. Of more than 20,000 films it is from influence values, which go in pairs too, see
    `bootstrap_scores`.

    Parameters
    ----------
    a, b : GenreProbabilities
        Of the same films; only those present in both are scored. Lower ``bce`` is better, so there a
        negative difference favours a.
    films : Films
    thresholds : as for `scores`, or dict of such by the names of a and b, optional
        What is no dict is for both; what a dict does not name is cut at 0.5.
    replicates : int
    seed : int

    Returns
    -------
    DataFrame, indexed by metric
        ``value``, ``low``, ``high``, as `bootstrap_scores`.

    Raises
    ------
    InputError
        As for `scores`.
    """
    for one in (a, b):
        scored(one, films)
    both, contenders = a.present & b.present, []
    for one in (a, b):
        cuts = thresholds.get(one.name) if isinstance(thresholds, Mapping) else thresholds
        cuts = cuts_of(cuts, one.genres, one.ids[both])
        contenders.append((one.values[both], one.values[both] >= cuts))
    first, second = resample(contenders, films.labels[both], replicates, seed)
    return intervals(first - second, level=0.95)
