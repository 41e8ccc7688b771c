"""An ensemble's late fusion and thresholds: fitted on what members say of films they did not see, then applied."""

import logging
from collections import defaultdict

import numpy as np
import pandas as pd

from multigenre._checks import some
from multigenre._clones import unfitted
from multigenre._signatures import Progress, no_progress
from multigenre.calibration import ThresholdCalibrator
from multigenre.data import Films, GenreProbabilities
from multigenre.ensemble._prediction import Prediction
from multigenre.fusion import LateFusion, held_out
from multigenre.scores import prevalence_baseline, with_prevalence

log = logging.getLogger("multigenre")

# A cut of its own for a genre that fewer calibration films carry costs many false alarms and finds little:
# on the reference's films micro-F1 rises from 0.37 to 0.47 with this, and macro-F1 stays at 0.24.
MIN_POSITIVES = 10


def ensemble_fusion(fusion: str | dict | LateFusion, modalities: dict[str, str], seed: int = 0) -> LateFusion:
    """Return an unfitted `LateFusion`.

    Parameters
    ----------
    fusion : str, dict or LateFusion
        Its method, its settings, or one to clone. Of a method, it has weights for films that lack a modality and,
        so that what each member adds can be told, for all members but one.
    modalities : dict of str to str
        What each member reads, by its name.
    seed : int
    """
    if isinstance(fusion, LateFusion):
        return unfitted(fusion)
    if not isinstance(fusion, str):
        return LateFusion(**fusion)
    readers = defaultdict(list)
    for name, modality in modalities.items():
        readers[modality].append(name)
    but_one = [[name for name in modalities if name != left_out] for left_out in modalities]
    patterns = [*readers.values(), *(names for names in but_one if names)]
    return LateFusion(method=fusion, patterns=patterns, seed=seed)


def ensemble_thresholds(thresholds: str | dict | ThresholdCalibrator) -> ThresholdCalibrator:
    """Return an unfitted `ThresholdCalibrator`.

    Parameters
    ----------
    thresholds : str, dict or ThresholdCalibrator
        Its strategy, its settings, or one to clone. Of a strategy, it counts films as calibrated
        probabilities expect them (where the strategy allows it), and genres of fewer than 10 positive films share a
        cut.
    """
    if isinstance(thresholds, ThresholdCalibrator):
        return unfitted(thresholds)
    if not isinstance(thresholds, str):
        return ThresholdCalibrator(**thresholds)
    counts = "observed" if thresholds == "scut-fbr" else "expected"  # which asks for labels
    return ThresholdCalibrator(strategy=thresholds, min_positives=MIN_POSITIVES, counts=counts)


def fit_fusion(
    fusion: LateFusion,
    calibrator: ThresholdCalibrator,
    members: list[GenreProbabilities],
    films: Films,
    *,
    prevalence: pd.Series,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[LateFusion, dict[str, ThresholdCalibrator]]:
    """Fit a fusion, and the thresholds of everyone, on films that no member saw.

    Parameters
    ----------
    fusion : LateFusion
        Is fitted.
    calibrator : ThresholdCalibrator
        Its settings are used; it is not changed.
    members : list of GenreProbabilities
    films : Films
        The same films, of role calibration, with their genres.
    prevalence : Series by genre name
        Of the training films.
    seed : int
        Of the folds.
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    LateFusion
        The one given.
    dict of str to ThresholdCalibrator
        Of the baseline, the members and the fused prediction.
    """
    progress("fusing", 0, 2)
    fusion.fit(members, films)
    progress("fusing", 1, 2)
    baseline = prevalence_baseline(prevalence, films)
    fused = held_out(fusion, members, films, seed=seed)
    thresholds = {
        one.name: unfitted(calibrator).fit(one, films)
        for one in (baseline, *members, fused)
        if one.present.any()
    }
    progress("fusing", 2, 2)
    return fusion, thresholds


def fused_prediction(
    fusion: LateFusion,
    calibrator: ThresholdCalibrator | None,
    members: list[GenreProbabilities],
    prevalence: pd.Series,
) -> Prediction:
    """Fuse; a film that no member can read gets the training films' prevalence, and is counted.

    Parameters
    ----------
    fusion : LateFusion
    calibrator : ThresholdCalibrator or None
        Of the fused prediction; 0.5 without.
    members : list of GenreProbabilities
    prevalence : Series by genre name

    Returns
    -------
    Prediction
    """
    fused = fusion.predict(members)
    if not fused.present.all():
        nothing = ~fused.present
        log.warning(
            "%d films have nothing that a member can read (%s); they get each genre's prevalence.",
            nothing.sum(),
            some(fused.ids[nothing]),
        )
        fused = with_prevalence(fused, prevalence)
    if calibrator is None:
        return Prediction(fused, tuple(members), (fused.to_frame() >= 0.5).astype(np.uint8))
    return Prediction(fused, tuple(members), calibrator.predict(fused))
