"""An ensemble's late fusion and thresholds: fitted on what members say of films they did not see, then applied."""

import logging
from collections import defaultdict

import numpy as np
from sklearn.base import clone

from multigenre._checks import some
from multigenre._signatures import no_progress
from multigenre.calibration import ThresholdCalibrator
from multigenre.ensemble._held_out import fusion_films
from multigenre.ensemble._prediction import Prediction
from multigenre.fusion import LateFusion, out_of_fold
from multigenre.scores import prevalence_baseline, with_prevalence

log = logging.getLogger("multigenre")

# A cut of its own for a genre that fewer calibration films carry costs many false alarms and finds little:
# on the reference's films micro-F1 rises from 0.37 to 0.47 with this, and macro-F1 stays at 0.24.
MIN_POSITIVES = 10


def ensemble_fusion(fusion, modalities, seed=0):
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
        return clone(fusion)
    if not isinstance(fusion, str):
        return LateFusion(**fusion)
    readers = defaultdict(list)
    for name, modality in modalities.items():
        readers[modality].append(name)
    but_one = [[name for name in modalities if name != left_out] for left_out in modalities]
    patterns = [*readers.values(), *(names for names in but_one if names)]
    return LateFusion(method=fusion, patterns=patterns, seed=seed)


def ensemble_thresholds(thresholds):
    """Return an unfitted `ThresholdCalibrator`.

    Parameters
    ----------
    thresholds : str, dict or ThresholdCalibrator
        Its strategy, its settings, or one to clone. Of a strategy, it counts films as calibrated
        probabilities expect them (where the strategy allows it), and genres of fewer than 10 positive films share a
        cut.
    """
    if isinstance(thresholds, ThresholdCalibrator):
        return clone(thresholds)
    if not isinstance(thresholds, str):
        return ThresholdCalibrator(**thresholds)
    counts = "observed" if thresholds == "scut-fbr" else "expected"  # which asks for labels
    return ThresholdCalibrator(strategy=thresholds, min_positives=MIN_POSITIVES, counts=counts)


def fit_fusion(ensemble, apart, roles, calibration, progress=no_progress):
    """Return the fusion and the thresholds of everyone, fitted on films that no member saw, where there are any.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Its members are fitted.
    apart : dict of str to GenreProbabilities
        As `multigenre.ensemble.fit_members` gives them.
    roles : dict of str to Films
    calibration : list of GenreProbabilities
        Of the calibration films; empty where there are none.
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    LateFusion
    dict of str to ThresholdCalibrator
        Of the baseline, the members and the fused prediction. Empty where nothing could be fitted.
    """
    settings, seed = ensemble.settings or {}, ensemble.seed
    modalities = {name: member.modality for name, member in ensemble.members_.items()}
    slow = [name for name in modalities if name not in apart]
    if slow and not calibration:
        log.warning(
            "Without calibration films for %s the fusion is a mean of log-odds, cut at 0.5 for every genre.",
            some(slow),
        )
        return LateFusion(method="logit-mean").fit_names(modalities, ensemble.genres_), {}
    films, members = fusion_films(apart, roles, calibration)
    modalities = {one.name: modalities[one.name] for one in members}
    progress("fusing", 0, 2)
    fusion = ensemble_fusion(settings.get("fusion", ensemble.fusion), modalities, seed).fit(members, films)
    progress("fusing", 1, 2)
    calibrator = ensemble_thresholds(settings.get("thresholds", ensemble.thresholds))
    baseline = prevalence_baseline(ensemble.prevalence_, films)
    # On what cross-fitted fusions say: the fusion's own predictions of these films flatter it.
    fused = out_of_fold(fusion, members, films, seed=seed)
    thresholds = {
        one.name: clone(calibrator).fit(one, films)
        for one in (baseline, *members, fused)
        if one.present.any()
    }
    progress("fusing", 2, 2)
    return fusion, thresholds


def fused_prediction(ensemble, films, members):
    """Fuse; a film that no member can read gets the training films' prevalence, and is counted.

    Parameters
    ----------
    ensemble : GenreEnsemble
    films : Films
    members : list of GenreProbabilities

    Returns
    -------
    Prediction
    """
    fused = ensemble.fusion_.predict(members)
    if not fused.present.all():
        nothing = ~fused.present
        log.warning(
            "%d films have nothing that a member can read (%s); they get each genre's prevalence.",
            nothing.sum(),
            some(films.ids[nothing]),
        )
        fused = with_prevalence(fused, ensemble.prevalence_)
    if fused.name in ensemble.thresholds_:
        labels = ensemble.thresholds_[fused.name].predict(fused)
    else:
        labels = (fused.to_frame() >= 0.5).astype(np.uint8)
    return Prediction(fused, tuple(members), labels)
