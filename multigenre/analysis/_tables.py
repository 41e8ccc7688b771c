"""Every table of errors of an ensemble on films that it never saw, gathered once, for a report or for machines."""

from dataclasses import replace
from functools import cache, partial

import pandas as pd

from multigenre._clones import unfitted
from multigenre._signatures import Progress, no_progress
from multigenre.analysis._attributes import modalities, overview_words
from multigenre.analysis._complementarity import headroom, member_pairs
from multigenre.analysis._genre_pairs import co_occurrence
from multigenre.analysis._label_suspects import label_suspects
from multigenre.analysis._outcomes import film_outcomes, genre_outcomes
from multigenre.analysis._reliability import reliability_table
from multigenre.analysis._slices import slice_table
from multigenre.analysis._trust import leave_groups_out, leave_one_out, trust_table
from multigenre.calibration import ThresholdCalibrator, threshold_optimism, threshold_table
from multigenre.data import Films, GenreProbabilities
from multigenre.ensemble import GenreEnsemble, Prediction
from multigenre.scores import Contenders, average_precisions, genre_scores, scores_frame

FIRST = ["contender", "genre"]
FEW = 20  # films below which choosing thresholds again says nothing


def error_tables(
    ensemble: GenreEnsemble,
    prediction: Prediction,
    films: Films,
    *,
    contenders: Contenders | None = None,
    attributes: pd.DataFrame | None = None,
    replicates: int = 1000,
    progress: Progress = no_progress,
) -> dict[str, pd.DataFrame]:
    """Return every table of errors.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    prediction : Prediction
        By ``ensemble.predict`` of the films.
    films : Films
        With their genres, in the ensemble's columns; they taught it nothing: see `GenreEnsemble.unseen`.
    contenders : Contenders, optional
        What ``ensemble.contenders`` makes of the prediction and the films, where it is there already.
    attributes : DataFrame, indexed by film id, optional
        For the slices; beside them films are always sliced by what they have and by the overview's length.
    replicates : int
        How many times films are drawn for the bootstrap intervals of ``trust``, ``left_out``, ``headroom`` and
        ``thresholds`` (200 at most).
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
        (`co_occurrence` of the fused prediction), ``"slices"`` (`slice_table`); with two members or more
        ``"left_out"`` (`leave_one_out`), ``"member_pairs"`` and ``"suspects"`` (`label_suspects`); where several
        read one modality, and another is read too, ``"modality_left_out"`` (`leave_groups_out`),
        ``"modality_trust"`` and ``"modality_outcomes"`` (as ``trust`` and ``outcomes``, of the fusion of each
        modality's members); where thresholds were chosen and 20 films have all that members read, ``"thresholds"``
        (see `chosen_again`). A member that is present for none of the films is in ``"summary"``, and has
        <NA> in ``"average_precision"``.

    Raises
    ------
    InputError
        As for `multigenre.contenders`, for instance if no member is present for any film.
    """
    everyone = contenders or ensemble.contenders(prediction, films)
    members, fused, fusion, seed = everyone.members, everyone.fused, ensemble.fusion_, ensemble.seed
    recut, drawn = partial(_recut, ensemble), {"replicates": replicates, "seed": seed}
    cuts, found = _cuts(everyone), cache(lambda: ensemble.score(prediction, films))
    by_genre = cache(lambda: {one.name: genre_scores(one, films, cuts[one.name]) for one in everyone.records})
    makers = {
        "summary": lambda: scores_frame(found()).reset_index(),
        "difference": lambda: _difference(found()["fused"].get("minus_best_member", {})),
        "average_precision": lambda: _average_precision(by_genre(), prediction, films),
        "scores": lambda: _by_contender({name: table.reset_index() for name, table in by_genre().items()}),
        "outcomes": lambda: genre_outcomes(everyone),
        "films": lambda: film_outcomes(everyone),
        "trust": lambda: trust_table(everyone, **drawn),
        "headroom": lambda: headroom(everyone, **drawn),
        "reliability": lambda: _by_contender(
            {one.name: reliability_table(one, films) for one in everyone.records}
        ),
        "weights": fusion.weight_table,
        "pairs": lambda: co_occurrence(everyone),
        "slices": lambda: slice_table(everyone, _attributes(films, attributes)),
    }
    if len(members) > 1:
        makers |= {
            "left_out": lambda: leave_one_out(fusion, everyone, recut, **drawn),
            "member_pairs": lambda: member_pairs(everyone),
            "suspects": lambda: label_suspects(everyone),
        }
    groups = _by_modality(ensemble, members)
    if 1 < len(groups) < len(members):
        sides = [replace(fusion.predict(group), name=modality) for modality, group in groups.items()]
        side_cuts = [recut(replace(side, name=fused.name)).to_numpy() for side in sides]
        apart = everyone.others([*sides, fused], [*side_cuts, everyone.cuts[-1]])
        names = {modality: [one.name for one in group] for modality, group in groups.items()}
        makers |= {
            "modality_left_out": lambda: leave_groups_out(fusion, everyone, names, recut, **drawn),
            "modality_trust": lambda: trust_table(apart, **drawn),
            "modality_outcomes": lambda: genre_outcomes(apart),
        }
    whole = everyone.complete
    if fused.name in ensemble.thresholds_ and whole.sum() >= FEW:
        drawn_less = drawn | {"replicates": min(replicates, 200)}  # each time thresholds are chosen again
        these = (fused.take(whole), films.take(whole), everyone.take(whole).thresholds[fused.name])
        makers["thresholds"] = lambda: chosen_again(ensemble.thresholds_[fused.name], *these, **drawn_less)
    tables = {}
    for done, (name, make) in enumerate(makers.items()):
        progress("tables", done, len(makers))
        tables[name] = make()
    progress("tables", len(makers), len(makers))
    return tables


def chosen_again(
    calibrator: ThresholdCalibrator,
    probabilities: GenreProbabilities,
    films: Films,
    cuts: pd.DataFrame,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return thresholds in use beside those that films which they were not chosen on would choose.

    Parameters
    ----------
    calibrator : ThresholdCalibrator
        Its settings are used; it is not changed.
    probabilities : GenreProbabilities
    films : Films
        The same films, with their genres.
    cuts : DataFrame (n_films, n_genres), float
        The thresholds in use. Where films are cut apart, the median is told.
    replicates : int
        How many times the films are drawn and choose.
    seed : int

    Returns
    -------
    DataFrame, one row a genre
        ``genre``, ``support``, ``threshold`` (in use), ``chosen`` (by these films), ``low``, ``high`` (95 %, of what
        films drawn from these choose), ``source``, ``stable`` (see `threshold_table`), ``outside``: the one in use is
        not from low to high; ``f1`` (with those in use), ``in_sample`` (with those chosen here), ``cross_fitted``,
        ``optimism`` (see `threshold_optimism`). F1 is <NA> where no film carries the genre.
    """
    # For once the films of the report choose thresholds: to see whether they would choose others.
    record, truth = replace(probabilities, role="calibration"), films.with_role("calibration")
    fitted = unfitted(calibrator).fit(record, truth)
    found = threshold_table(fitted, record, truth, replicates=replicates, seed=seed)
    optimism = threshold_optimism(fitted, record, truth, seed=seed)
    used = cuts.median().reindex(found.index)
    f1 = genre_scores(probabilities, films, cuts)["f1"].where(found["support"] > 0)
    columns = {
        "support": found["support"],
        "threshold": used,
        "chosen": found["threshold"],
        **{name: found[name] for name in ("low", "high", "source", "stable")},
        "outside": (used < found["low"]) | (used > found["high"]),
        "f1": f1.astype("Float64"),
        **{name: optimism[name].reindex(found.index) for name in ("in_sample", "cross_fitted", "optimism")},
    }
    return pd.DataFrame(columns).reset_index(names="genre")


def _recut(ensemble, fused):
    """Return the thresholds of a fused prediction, such as one without some member."""
    return ensemble.cuts(replace(fused, name="fused"))["fused"]


def _cuts(contenders):
    """Return cuts by contender, by genre where all films are cut alike, else film by film."""
    film_by_film, genres = contenders.thresholds, list(contenders.genres)
    return {
        name: pd.Series(cut, genres) if cut.ndim == 1 else film_by_film[name]
        for name, cut in zip(contenders.names, contenders.cuts, strict=True)
    }


def _by_modality(ensemble, members):
    """Return the members that read each modality, in the order of the members."""
    groups = {}
    for one in members:
        groups.setdefault(ensemble.members_[one.name].modality, []).append(one)
    return groups


def beside(always: pd.DataFrame, given: pd.DataFrame | None) -> pd.DataFrame:
    """Return attributes of films and those that were given, if any, under their own names where these are taken."""
    if given is None:
        return always
    given = given.set_axis(given.index.astype(str))
    return always.join(given.rename(columns=lambda name: f"{name} (given)" if name in always else name))


def _attributes(films, given):
    """Return what films are always sliced by, and what was given."""
    always = {"has": modalities(films), "words of overview": overview_words(films)}
    return beside(pd.DataFrame(always), given)


def _by_contender(tables):
    """Return the tables of everyone, by name, one beneath the other."""
    tables = [table.assign(contender=name) for name, table in tables.items()]
    for table in tables:
        table.attrs.clear()  # of one contender only
    whole = pd.concat(tables, ignore_index=True)
    return whole[[*FIRST, *whole.columns.drop(FIRST)]]


def _average_precision(by_genre, prediction, films):
    """Return average precisions with that of who knows only how common each genre is: its prevalence."""
    names = [one.name for one in (*prediction.members, prediction.fused)]
    found = average_precisions(by_genre, names)
    return found.assign(prevalence=films.genres.prevalence(films.labels)).reset_index(names="genre")


def _difference(found):
    """Return the fused prediction minus its best member, one row a metric."""
    rows = [(metric, found["member"], *values) for metric, values in found.items() if metric != "member"]
    return pd.DataFrame(rows, columns=["metric", "member", "value", "low", "high"])
