"""Pairs of genres: named together more often, or less often, than films carry them together."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from multigenre._checks import InputError
from multigenre.analysis._intervals import benjamini_hochberg, holm, sign_test, wilson
from multigenre.scores import Contenders


def co_occurrence(contenders: Contenders, *, level: float = 0.95) -> pd.DataFrame:
    """Return how often pairs of genres are named together, against how often films carry both.

    Parameters
    ----------
    contenders : Contenders
        Whose last, the fused prediction, is told of. Films that it is not present for are left out.
    level : float in (0, 1)

    Returns
    -------
    DataFrame, one row a pair of genres that a film carries, or is named for, together, or could be expected to
        ``genre``, ``other``, ``films`` (present); ``carried``: films that carry both, ``carried_expected`` if the
        two were independent, ``carried_lift``, their ratio; ``named``, ``named_expected`` and ``named_lift``
        likewise, with ``named_share``, ``named_low`` and ``named_high`` (Wilson's). ``excess``: the share named
        minus the share that carries both, with ``low`` and ``high`` (Agresti and Min's, for paired films). ``p``:
        exact, of films being only named so and only carried so equally often (McNemar); ``p_holm``, ``p_bh`` over
        all pairs. ``verdict``: where ``p_bh`` is at most ``1 - level``, ``"too often"``, ``"too rarely"`` or, if
        never named together, ``"never"``; else ``""``. A lift is <NA> where nothing is expected. Sorted by ``p``.

    Raises
    ------
    InputError
        If no film is present.

    References
    ----------
    Agresti and Min (2005), "Simple improved confidence intervals for comparing matched proportions", Statistics in
    Medicine 24: 1/2 added to each count.
    """
    found = contenders.take(contenders.present[-1])
    named = found.named[-1]
    n = len(found.labels)
    if not n:
        raise InputError(f"{found.fused.name} covers none of these films, so no genres come together.")
    first, second = np.triu_indices(len(found.genres), 1)
    both = [_together(one)[first, second] for one in (named, found.labels, named & found.labels)]
    names = np.array(list(found.genres), object)
    table = {"genre": names[first], "other": names[second], "films": n}
    for kind, each, together in zip(("named", "carried"), (named, found.labels), both, strict=False):
        single = each.sum(axis=0)
        expected = single[first] * single[second] / n
        lift = np.divide(together, expected, out=np.full(len(first), np.nan), where=expected > 0)
        table |= {kind: together, f"{kind}_expected": expected, f"{kind}_lift": lift}
    table["named_share"] = table["named"] / n
    table["named_low"], table["named_high"] = wilson(table["named"], n, level)
    extra, lost = both[0] - both[2], both[1] - both[2]  # films of one kind less those of both
    middle, count = (extra - lost) / (n + 2), n + 2
    error = np.sqrt(((extra + lost + 1) / count - middle**2) / count)
    reach = ndtri((1 + level) / 2) * error
    table |= {"excess": (extra - lost) / n, "low": middle - reach, "high": middle + reach}
    table["p"] = sign_test(extra, lost)
    possible = (table["named_expected"] > 0) | (table["carried_expected"] > 0)
    table = pd.DataFrame(table)[possible].astype({"named_lift": "Float64", "carried_lift": "Float64"})
    table["p_holm"], table["p_bh"] = holm(table["p"]), benjamini_hochberg(table["p"])
    sure = table["p_bh"] <= 1 - level
    kinds = [sure & (table["excess"] > 0), sure & (table["named"] == 0), sure]
    table["verdict"] = np.select(kinds, ["too often", "never", "too rarely"], "")
    return table.sort_values("p", kind="stable", ignore_index=True)


def _together(cells):
    """Return how many films have both genres of each pair (n_genres, n_genres), of cells (n_films, n_genres)."""
    cells = cells.astype(float)  # whose product is fast, and exact
    return (cells.T @ cells).astype(int)
