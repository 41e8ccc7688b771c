"""What each member adds to the fusion: its prediction again, with that member left out."""

from dataclasses import replace

import numpy as np
import pandas as pd

from multigenre._contenders import contenders
from multigenre._paired import differences, paired_samples


def leave_one_out(fusion, members, films, thresholds=None, *, replicates=1000, seed=0):
    """Return what the fused prediction gains by each member, genre by genre.

    Without a member, the fusion does what it does for films that lack it: see `LateFusion.predict`. It does not learn
    again.

    Parameters
    ----------
    fusion : LateFusion
        Fitted.
    members : list of GenreProbabilities
        Two or more of those it was fitted on.
    films : Films
        The same films, with their genres; they taught nothing that predicts them.
    thresholds : callable, Series by genre name, or DataFrame by film id and genre, optional
        Of the fused prediction; 0.5 without. A callable is given the fused prediction and the members that it is of,
        as `FusedThresholds.cuts` is, and so can cut elsewhere where one is left out.
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
        As for `multigenre.outcomes.genre_outcomes` and `LateFusion.predict`.
    """
    return leave_groups_out(
        fusion, {one.name: [one] for one in members}, films, thresholds, replicates=replicates, seed=seed
    )


def leave_groups_out(fusion, groups, films, thresholds=None, *, replicates=1000, seed=0):
    """Return what the fused prediction gains by each group of members, such as all that read the poster.

    Parameters
    ----------
    fusion, films, thresholds, replicates, seed
        As for `leave_one_out`.
    groups : dict of str to list of GenreProbabilities
        Two or more, each member in one of them.

    Returns
    -------
    DataFrame
        As `leave_one_out` gives it; ``member`` names the group. A film has a group if one of its members is present.

    Raises
    ------
    InputError
        As for `leave_one_out`.
    """
    members = [member for group in groups.values() for member in group]
    whole, tables = fusion.predict(members), []
    for name, left_out in groups.items():
        others = [member for group in groups.values() if group is not left_out for member in group]
        # Without any other member there is nothing to compare with: a prediction for no film.
        rest = fusion.predict(others) if others else whole.absent("fused")
        cuts = {"whole": thresholds, "rest": thresholds}
        if callable(thresholds):
            cuts = {"whole": thresholds(whole, members), "rest": thresholds(rest, others or members)}
        sides = [replace(whole, name="whole"), replace(rest, name="rest")]
        found = contenders(sides[1:], sides[0], films, cuts)
        there = np.any([member.present for member in left_out], axis=0)
        found = found.take(there & rest.present)
        # Last is the fused prediction, here the one with all members.
        samples = paired_samples(
            list(zip(found.values, found.named, strict=True)), found.labels, replicates, seed
        )
        support = pd.Series(found.labels.sum(axis=0), list(films.genres))
        table = differences(samples[1], samples[0], support).rename(columns={"other": "without"})
        facts = {
            "member": name,
            "films": len(found.labels),
            "fitted": not others or fusion.uses_all([one.name for one in others]),
            "alone": int((there & ~rest.present).sum()),
            "support": support[table["genre"]].to_numpy(),
        }
        tables.append(pd.DataFrame(facts, table.index).join(table))
    return pd.concat(tables, ignore_index=True)
