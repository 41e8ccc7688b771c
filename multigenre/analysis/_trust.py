"""Which member to trust for each genre, and what fusion would miss without it: predictions compared in pairs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import ndtr

from multigenre.analysis._intervals import FEW, benjamini_hochberg, holm, sign_test
from multigenre.data import GenreProbabilities
from multigenre.fusion import LateFusion
from multigenre.scores import GENRE_METRICS, Contenders, bounds, cuts_of, resample_genres

Cuts = Callable[[GenreProbabilities], pd.Series | pd.DataFrame]


def trust_table(contenders: Contenders, *, replicates: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return every contender against each genre's best single member, with paired tests.

    The best member has the highest F1 on these films. That the others are below it is thus true by choice; whether it
    would be so on other films is what intervals and p-values say. With more than two members, the choice makes them a
    little too sure of the best one, and too doubtful of the fusion.

    Parameters
    ----------
    contenders : Contenders
    replicates : int
        How many times films are drawn, in pairs, for the intervals.
    seed : int

    Returns
    -------
    DataFrame, one row a contender and genre that it is not the best member of, the fused prediction's rows last
        ``genre``, of those that a film carries, ``contender``, ``best`` (member), ``films`` (that everyone is present
        for), ``support``. ``right`` and ``best_right``: films that the contender alone, or the best alone, decides as
        the label says, and ``mcnemar_p`` of the two being equally likely (exact, two-sided), with
        ``mcnemar_p_holm`` and ``mcnemar_p_bh``. For ``f1``, ``average_precision`` and ``bce``: ``METRIC`` and
        ``METRIC_best``;
        ``METRIC_gain`` (above 0 where the contender is better than the best), ``METRIC_low`` and ``METRIC_high``
        (95 %, paired bootstrap), ``METRIC_p`` (of the gain over its bootstrap standard error, as normal),
        ``METRIC_p_holm`` and ``METRIC_p_bh``. Adjusted p-values are over genres and contenders, the fused
        prediction's apart from the members'. Where fewer than 10 films carry the genre, <NA> for the intervals and
        p-values of the three metrics.

    References
    ----------
    McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12. Dietterich (1998), "Approximate statistical tests for comparing supervised classification
    learning algorithms", Neural Computation 10.
    """
    found = contenders.take(contenders.complete)
    genre = np.flatnonzero(found.labels.any(axis=0))
    best, labels = found.best_members()[genre], found.labels[:, genre]
    named, right = found.named[:, :, genre], (found.named == found.labels)[:, :, genre]
    samples = resample_genres(
        list(zip(found.values[:, :, genre], named, strict=True)), labels, replicates, seed
    )
    names = np.array(found.names, object)
    columns, tables = np.arange(len(genre)), []
    top = samples[best, :, :, columns].transpose(1, 2, 0)
    best_right = right[best, :, columns].T
    for one in range(len(names)):
        alone, apart = right[one] & ~best_right, best_right & ~right[one]
        table = {
            "genre": np.array(list(found.genres), object)[genre],
            "contender": names[one],
            "best": names[best],
            "films": len(labels),
            "support": labels.sum(axis=0),
            "right": alone.sum(axis=0),
            "best_right": apart.sum(axis=0),
        }
        table["mcnemar_p"] = sign_test(table["right"], table["best_right"])
        gains = differences(samples[one], top, pd.Series(table["support"], table["genre"]))
        for metric in GENRE_METRICS:
            these = gains[gains["metric"] == metric]
            table |= {metric: these["value"].array, f"{metric}_best": these["other"].array}
            table |= {f"{metric}_{name}": these[name].array for name in ("gain", "low", "high", "p")}
        tables.append(pd.DataFrame(table)[best != one])
    table = pd.concat(tables, ignore_index=True)
    return _adjusted(table, table["contender"] == found.names[-1])


def _adjusted(table, fused):
    """Return the table with p-values adjusted apart for members and for the fused prediction."""
    for test in ("mcnemar", *GENRE_METRICS):
        p = table[f"{test}_p"].to_numpy(float)
        for name, method in (("holm", holm), ("bh", benjamini_hochberg)):
            adjusted = np.full(len(p), np.nan)
            for family in (fused, ~fused):
                adjusted[family] = method(p[family])
            table[f"{test}_p_{name}"] = pd.array(adjusted, "Float64")
    return table


def leave_one_out(
    fusion: LateFusion,
    contenders: Contenders,
    cuts: Cuts | None = None,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what the fused prediction gains by each member, genre by genre.

    Without a member, the fusion does what it does for films that lack it: see `LateFusion.predict`. It does not learn
    again.

    Parameters
    ----------
    fusion : LateFusion
        Fitted.
    contenders : Contenders
        Two members or more of those it was fitted on. Films that nobody can read are left out.
    cuts : callable, optional
        From a fused prediction to its thresholds, as `ThresholdCalibrator.cuts`; 0.5 without.
    replicates : int
        How many times films are drawn, in pairs, for the intervals.
    seed : int

    Returns
    -------
    DataFrame, one row a member, metric and genre
        ``member``; ``films`` that carry the comparison: they have the member and another; ``fitted``: the fusion has
        weights for what is left, else it uses part of that, and the gain tells of more than the member; ``alone``:
        films that only this member is present for; ``support`` (of ``films``); ``genre``, ``metric`` (``"f1"``,
        ``"average_precision"`` or ``"bce"``), ``value`` with the member, ``without``, ``gain`` (above 0 where the
        member helps), ``low``, ``high`` (95 %, paired bootstrap), ``p`` (of the gain over its bootstrap standard
        error, as normal), ``p_holm``, ``p_bh`` (over the genres of a member and metric). <NA> for genres that none
        of the films carries; no interval or p-value for those that fewer than 10 carry.

    Raises
    ------
    InputError
        As for `LateFusion.predict`.
    """
    groups = {one.name: [one.name] for one in contenders.members}
    return leave_groups_out(fusion, contenders, groups, cuts, replicates=replicates, seed=seed)


def leave_groups_out(
    fusion: LateFusion,
    contenders: Contenders,
    groups: dict[str, list[str]],
    cuts: Cuts | None = None,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what the fused prediction gains by each group of members, such as all that read the poster.

    Parameters
    ----------
    fusion, contenders, cuts, replicates, seed
        As for `leave_one_out`.
    groups : dict of str to list of str
        Names of members: two groups or more, each member in one of them.

    Returns
    -------
    DataFrame
        As `leave_one_out` gives it; ``member`` names the group. A film has a group if one of its members is present.

    Raises
    ------
    InputError
        As for `leave_one_out`.
    """
    members, names = {one.name: one for one in contenders.members}, list(contenders.genres)
    whole, tables = fusion.predict(list(members.values())), []
    for group, left_out in groups.items():
        others = [name for part in groups.values() if part is not left_out for name in part]
        # Without any other member there is nothing to compare with: a prediction for no film.
        rest = fusion.predict([members[name] for name in others]) if others else whole.absent("fused")
        sides = [replace(rest, name="rest"), replace(whole, name="whole")]
        cut = [cuts_of(cuts(side) if cuts else None, side.genres, side.ids) for side in sides]
        there = np.any([members[name].present for name in left_out], axis=0)
        found = contenders.others(sides, cut).take(there & rest.present)
        # Last is the fused prediction, here the one with all members.
        samples = resample_genres(
            list(zip(found.values, found.named, strict=True)), found.labels, replicates, seed
        )
        support = pd.Series(found.labels.sum(axis=0), names)
        table = differences(samples[1], samples[0], support).rename(columns={"other": "without"})
        facts = {
            "member": group,
            "films": len(found.labels),
            "fitted": not others or fusion.uses_all(others),
            "alone": int((there & ~rest.present).sum()),
            "support": support[table["genre"]].to_numpy(),
        }
        tables.append(pd.DataFrame(facts, table.index).join(table))
    return pd.concat(tables, ignore_index=True)


def differences(a: np.ndarray, b: np.ndarray, support: pd.Series, level: float = 0.95) -> pd.DataFrame:
    """Return how far a is better than b, from two sides of `resample_genres`.

    Parameters
    ----------
    a, b : ndarray of shape (n_metrics, 1 + replicates, n_genres)
    support : Series of int by genre name
        Films that carry the genre.
    level : float in (0, 1)

    Returns
    -------
    DataFrame, one row a metric and genre
        ``genre``, ``metric``, ``value`` (of a), ``other`` (of b), ``gain`` (above 0 where a is better, so the other
        way round for a loss), <NA> where no film carries the genre; ``low``, ``high``, ``p`` (of the gain over its
        bootstrap standard error, as normal), ``p_holm`` and ``p_bh`` (over the genres of the metric), <NA> where
        fewer than `FEW` films carry it: the same few films in each draw would make any difference look sure.
    """
    better = np.array([-1.0 if metric == "bce" else 1.0 for metric in GENRE_METRICS])[:, None, None]
    gains, films = better * (a - b), support.to_numpy()
    gain, drawn = gains[:, 0], gains[:, 1:]
    low, high = bounds(gain, drawn.swapaxes(0, 1), level)
    deviation = np.nanstd(np.where(np.isfinite(drawn).any(axis=1, keepdims=True), drawn, 0), axis=1)
    # What never differs has no deviation, and a gain of 0.
    p = np.where(films >= FEW, 2 * ndtr(-np.abs(gain) / np.maximum(deviation, 1e-12)), np.nan)
    live, tested = np.where(films > 0, 0, np.nan), np.where(films >= FEW, 0, np.nan)
    columns = {"value": a[:, 0] + live, "other": b[:, 0] + live, "gain": gain + live}
    columns |= {"low": low + tested, "high": high + tested, "p": p}
    columns |= {"p_holm": [holm(row) for row in p], "p_bh": [benjamini_hochberg(row) for row in p]}
    return pd.DataFrame(
        {
            "genre": np.tile(support.index.to_numpy(object), len(GENRE_METRICS)),
            "metric": np.repeat(np.array(GENRE_METRICS, object), len(support)),
            **{name: pd.array(np.ravel(values), "Float64") for name, values in columns.items()},
        }
    )
