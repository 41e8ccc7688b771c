"""How far thresholds can be trusted: how other films would have moved them, and what they promise in vain."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import KFold
from sklearn.utils.validation import check_is_fitted

from multigenre._checks import InputError, check_same_films
from multigenre._clones import unfitted
from multigenre.calibration._f1_cuts import f_star_half
from multigenre.calibration._records import calibration_films
from multigenre.calibration._rule import Rule, shifted
from multigenre.calibration._thresholds import ThresholdCalibrator
from multigenre.data import Films, GenreProbabilities
from multigenre.scores import rates, rates_of_counts

CELLS = 4_000_000  # probabilities of resampled films held at once, 32 MB an array


def threshold_table(
    calibrator: ThresholdCalibrator,
    probabilities: GenreProbabilities,
    films: Films,
    *,
    sample_weight: ArrayLike | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return each threshold with its 95 % interval over films drawn with replacement, and what it does.

    Parameters
    ----------
    calibrator : ThresholdCalibrator
        Fitted.
    probabilities, films, sample_weight
        What it was fitted on.
    replicates : int
        How many times the films are drawn and the cuts chosen again. A genre keeps its `sources_`, and all keep
        a shift by `match_cardinality`.
    seed : int

    Returns
    -------
    DataFrame, indexed by genre name
        ``threshold``, ``low``, ``high``, ``source`` (see `ThresholdCalibrator.sources_`), ``support`` (films
        that carry the genre), ``named`` (films at or above the threshold), ``f1`` there, ``f_star_half`` (as
        `f_star_half`; <NA> without support), ``stable``: the two ends of the interval
        name numbers of films within a factor of two.

    Raises
    ------
    InputError
        As for `ThresholdCalibrator.fit`, and if these are other films.

    References
    ----------
    Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1).
    """
    check_is_fitted(calibrator)
    record, rows, labels, weights = calibration_films(probabilities, films, sample_weight, "threshold_table")
    check_same_films(calibrator.film_ids_, record.ids[rows], "ThresholdCalibrator and its table")
    rule = Rule(calibrator.strategy, calibrator.level, calibrator.min_positives, calibrator.counts)
    values, once = record.values[rows], np.full(len(rows), 1 / len(rows))
    rng, chunk = np.random.default_rng(seed), max(1, CELLS // values.size)
    cuts, gains = [], rule.gains(values, labels)
    how = {"weights": weights, "ready": rule.ready(values, labels, gains)}
    for start in range(0, replicates, chunk):
        draws = rng.multinomial(len(rows), once, size=min(chunk, replicates - start)).T
        cuts.append(rule.cuts(values, labels, gains, draws=draws, **how))
    low, high = np.quantile(np.concatenate(cuts, axis=1), (0.025, 0.975), axis=1)
    low, high = shifted(low, calibrator.shift_), shifted(high, calibrator.shift_)
    named = values >= calibrator.thresholds_.to_numpy()
    counted = np.ones(len(rows)) if weights is None else weights
    f1 = rates_of_counts(counted @ (named & (labels == 1)), counted @ named, counted @ labels)[2]
    half, live = np.full(len(f1), np.nan), labels.any(axis=0)
    if live.any():
        half[live] = f_star_half(values[:, live], labels[:, live])
    table = {
        "threshold": calibrator.thresholds_.to_numpy(),
        "low": low,
        "high": high,
        "source": calibrator.sources_.to_numpy(),
        "support": labels.sum(axis=0, dtype=int),
        "named": named.sum(axis=0),
        "f1": f1,
        "f_star_half": pd.array(half, "Float64"),
        "stable": (values >= low).sum(axis=0) <= 2 * (values >= high).sum(axis=0),
    }
    return pd.DataFrame(table, index=pd.Index(list(record.genres), name="genre"))


def threshold_optimism(
    calibrator: ThresholdCalibrator,
    probabilities: GenreProbabilities,
    films: Films,
    *,
    folds: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the F1 of thresholds on the films that chose them, and on films that did not.

    Parameters
    ----------
    calibrator : ThresholdCalibrator
        Its settings are used; it is not changed.
    probabilities, films
        As for `ThresholdCalibrator.fit`.
    folds : int
        Each fold is named by thresholds that the others chose; fewer where there are fewer films.
    seed : int
        Of the folds.

    Returns
    -------
    DataFrame, indexed by genre name, then ``"(macro)"``, ``"(micro)"`` and ``"(samples)"``
        ``support`` (films that carry the genre; for an average all of them together), ``in_sample``,
        ``cross_fitted`` and ``optimism``, their difference. Genres that no film carries have <NA>, and are left
        out of the macro average.

    Raises
    ------
    InputError
        As for `ThresholdCalibrator.fit`, and if there are fewer than two films.
    """
    record, rows, labels, _ = calibration_films(probabilities, films, None, "threshold_optimism")
    if len(rows) < 2:
        raise InputError(f"Cross-fitting needs at least 2 films, got {len(rows)}; give more.")
    record = record.take(rows)
    named = unfitted(calibrator).fit(record, labels).predict(record).to_numpy()
    held_out = np.zeros_like(named)
    for rest, held in KFold(min(folds, len(rows)), shuffle=True, random_state=seed).split(labels):
        part = unfitted(calibrator).fit(record.take(rest), labels[rest])
        held_out[held] = part.predict(record.take(held)).to_numpy()
    support = labels.sum(axis=0, dtype=int)
    columns = {}
    for name, predicted in (("in_sample", named), ("cross_fitted", held_out)):
        f1 = [rates(predicted, labels, axis=axis)[2] for axis in (0, None, 1)]
        macro = f1[0][support > 0].mean() if support.any() else np.nan
        a_genre = np.where(support > 0, f1[0], np.nan)
        columns[name] = pd.array([*a_genre, macro, f1[1], f1[2].mean()], "Float64")
    index = pd.Index([*record.genres, "(macro)", "(micro)", "(samples)"], name="genre")
    table = pd.DataFrame({"support": [*support, *[support.sum()] * 3], **columns}, index=index)
    return table.assign(optimism=table["in_sample"] - table["cross_fitted"])
