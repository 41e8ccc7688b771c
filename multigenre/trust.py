"""Which member to trust for each genre: everyone against the best single member, on the same films."""

import numpy as np
import pandas as pd

from multigenre._contenders import contenders
from multigenre._intervals import benjamini_hochberg, holm, sign_test
from multigenre._paired import METRICS, differences, paired_samples


def trust_table(members, fused, films, thresholds=None, *, replicates=1000, seed=0):
    """Return every contender against each genre's best single member, with paired tests.

    The best member has the highest F1 on these films. That the others are below it is thus true by choice; whether it
    would be so on other films is what intervals and p-values say. With more than two members, the choice makes them a
    little too sure of the best one, and too doubtful of the fusion.

    Parameters
    ----------
    members, fused, films, thresholds
        As for `multigenre.outcomes.genre_outcomes`.
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

    Raises
    ------
    InputError
        As for `multigenre.outcomes.genre_outcomes`.

    References
    ----------
    McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12. Dietterich (1998), "Approximate statistical tests for comparing supervised classification
    learning algorithms", Neural Computation 10.
    """
    found = contenders(members, fused, films, thresholds)
    found = found.take(found.complete)
    genre = np.flatnonzero(found.labels.any(axis=0))
    best, labels = found.best_members()[genre], found.labels[:, genre]
    named, right = found.named[:, :, genre], (found.named == found.labels)[:, :, genre]
    samples = paired_samples(
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
        for metric in METRICS:
            these = gains[gains["metric"] == metric]
            table |= {metric: these["value"].array, f"{metric}_best": these["other"].array}
            table |= {f"{metric}_{name}": these[name].array for name in ("gain", "low", "high", "p")}
        tables.append(pd.DataFrame(table)[best != one])
    table = pd.concat(tables, ignore_index=True)
    return _adjusted(table, table["contender"] == found.names[-1])


def _adjusted(table, fused):
    """Return the table with p-values adjusted apart for members and for the fused prediction."""
    for test in ("mcnemar", *METRICS):
        p = table[f"{test}_p"].to_numpy(float)
        for name, method in (("holm", holm), ("bh", benjamini_hochberg)):
            adjusted = np.full(len(p), np.nan)
            for family in (fused, ~fused):
                adjusted[family] = method(p[family])
            table[f"{test}_p_{name}"] = pd.array(adjusted, "Float64")
    return table
