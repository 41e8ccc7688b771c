"""Every table of errors of an ensemble on films that it never saw, gathered once, for a report or for machines."""

import pandas as pd

from multigenre.co_occurrence import co_occurrence
from multigenre.complementarity import headroom, member_pairs
from multigenre.evaluation import contender_scores, genre_frame, scores_frame
from multigenre.film_attributes import modalities, overview_words
from multigenre.label_suspects import label_suspects
from multigenre.leave_one_out import leave_one_out
from multigenre.metrics import genre_scores
from multigenre.outcomes import film_outcomes, genre_outcomes
from multigenre.reliability import reliability_table
from multigenre.slices import slice_table
from multigenre.trust import trust_table

FIRST = ["contender", "genre"]


def error_tables(ensemble, prediction, films, *, attributes=None, replicates=1000, progress=None):
    """Return every table of errors.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    prediction : Prediction
        By ``ensemble.predict`` of the films.
    films : Films
        With their genres, in the ensemble's columns; they taught it nothing: see `GenreEnsemble.unseen`.
    attributes : DataFrame, indexed by film id, optional
        For the slices; beside them films are always sliced by what they have and by the overview's length.
    replicates : int
        How many times films are drawn for the bootstrap intervals of ``trust``, ``left_out`` and ``headroom``.
    progress : callable, optional
        Called with (what, tables done, tables in all).

    Returns
    -------
    dict of str to DataFrame
        ``"summary"`` (`scores_frame`, the prevalence baseline first), ``"difference"`` (the fused prediction minus
        the member of lowest loss: ``metric``, ``member``, ``value``, ``low``, ``high``), ``"average_precision"``
        (`genre_frame`), ``"scores"`` (`genre_scores` of everyone, a row a contender and genre), ``"outcomes"``
        (`genre_outcomes`), ``"films"`` (`film_outcomes`), ``"trust"`` (`trust_table`), ``"headroom"``,
        ``"reliability"`` (`reliability_table` of everyone), ``"weights"`` (`LateFusion.weight_table`), ``"pairs"``
        (`co_occurrence` of the fused prediction), ``"slices"`` (`slice_table`); and with two members or more
        ``"left_out"`` (`leave_one_out`), ``"member_pairs"`` and ``"suspects"`` (`label_suspects`). A member
        that is present for none of the films is in ``"summary"`` only.

    Raises
    ------
    InputError
        As for `multigenre.outcomes.genre_outcomes`, for instance if no member is present for any film.
    """
    members = [one for one in prediction.members if one.present.any()]
    fused, fusion, seed = prediction.fused, ensemble.fusion_, ensemble.seed
    everyone = [*members, fused]
    every_cut = ensemble.cuts(fused, prediction.members)
    cuts = {one.name: every_cut[one.name] for one in everyone if one.name in every_cut}
    recut = getattr(ensemble.thresholds_.get(fused.name), "cuts", None)
    said, drawn = (members, fused, films, cuts), {"replicates": replicates, "seed": seed}
    found = contender_scores(prediction, films, ensemble.prevalence_, thresholds=every_cut, seed=seed)
    makers = {
        "summary": lambda: scores_frame(found).reset_index(),
        "difference": lambda: _difference(found["fused"].get("minus_best_member", {})),
        "average_precision": lambda: _with_prevalence(genre_frame(prediction, films), films),
        "scores": lambda: _by_contender(
            everyone, lambda one: genre_scores(one, films, cuts.get(one.name)).reset_index()
        ),
        "outcomes": lambda: genre_outcomes(*said),
        "films": lambda: film_outcomes(*said),
        "trust": lambda: trust_table(*said, **drawn),
        "headroom": lambda: headroom(*said, **drawn),
        "reliability": lambda: _by_contender(everyone, lambda one: reliability_table(one, films)),
        "weights": fusion.weight_table,
        "pairs": lambda: co_occurrence(fused, films, cuts.get(fused.name)),
        "slices": lambda: slice_table(members, fused, films, _attributes(films, attributes), cuts),
    }
    if len(members) > 1:
        makers |= {
            "left_out": lambda: leave_one_out(fusion, members, films, recut, **drawn),
            "member_pairs": lambda: member_pairs(*said),
            "suspects": lambda: label_suspects(members, films),
        }
    tables = {}
    for done, (name, make) in enumerate(makers.items()):
        if progress:
            progress("tables", done, len(makers))
        tables[name] = make()
    if progress:
        progress("tables", len(makers), len(makers))
    return tables


def beside(always, given):
    """Return attributes of films and those that were given, if any, under their own names where these are taken."""
    if given is None:
        return always
    given = given.set_axis(given.index.astype(str))
    return always.join(given.rename(columns=lambda name: f"{name} (given)" if name in always else name))


def _attributes(films, given):
    """Return what films are always sliced by, and what was given."""
    always = {"has": modalities(films), "words of overview": overview_words(films)}
    return beside(pd.DataFrame(always), given)


def _by_contender(everyone, table_of):
    """Return the tables of everyone, one beneath the other."""
    tables = [table_of(one).assign(contender=one.name) for one in everyone]
    for table in tables:
        table.attrs.clear()  # of one contender only
    whole = pd.concat(tables, ignore_index=True)
    return whole[[*FIRST, *whole.columns.drop(FIRST)]]


def _with_prevalence(table, films):
    """Return average precisions with that of who knows only how common each genre is: its prevalence."""
    return table.assign(prevalence=films.genres.prevalence(films.labels)).reset_index(names="genre")


def _difference(found):
    """Return the fused prediction minus its best member, one row a metric."""
    rows = [(metric, found["member"], *values) for metric, values in found.items() if metric != "member"]
    return pd.DataFrame(rows, columns=["metric", "member", "value", "low", "high"])
