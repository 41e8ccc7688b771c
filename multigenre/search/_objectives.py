"""What a search can aim at, measured on validation films and on no others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from multigenre._checks import InputError, check_same_genres, check_truth
from multigenre.calibration import ThresholdCalibrator
from multigenre.data import Films, GenreProbabilities, folds_of_films
from multigenre.fusion import LateFusion, out_of_fold
from multigenre.scores import rates, scores

# By name, and whether less or more is better.
OBJECTIVES = {"val-loss": "min", "macro-map": "max", "macro-f1": "max", "fused-loss": "min"}
FOLDS = 5


def check_search_films(train: Films, validation: Films) -> None:
    """Raise unless the films are training films and validation films with genres.

    Films that calibrate or that report must not choose a trial: the report would then be about films that chose it.

    Raises
    ------
    InputError
        It names the role.
    """
    for films, role in ((train, "train"), (validation, "validation")):
        if films.role != role:
            raise InputError(
                f"A search trains on train films and chooses by validation films, got role={films.role!r} "
                f"for {role} films; pass the {role} films of Films.split."
            )
        if films.genres is None:
            raise InputError(f"A search needs films whose genres are known, got {role} films without genres.")
    check_same_genres(
        train.genres or (), validation.genres or (), "Training and validation films of a search"
    )


def measure(
    probabilities: GenreProbabilities,
    films: Films,
    *,
    others: Sequence[GenreProbabilities] = (),
    fusion: LateFusion | None = None,
    thresholds: ThresholdCalibrator | None = None,
) -> dict[str, float]:
    """Return every objective of a member's probabilities of the validation films.

    Parameters
    ----------
    probabilities : GenreProbabilities
        Of role ``"validation"``.
    films : Films
        The validation films.
    others : sequence of GenreProbabilities
        Other members', of the same films, to fuse with.
    fusion : LateFusion, optional
        Its settings are used. Default: ``"stack"``, which is fitted in less time than a joint stack.
    thresholds : ThresholdCalibrator, optional
        Its settings are used. Default: the highest F1 of each genre, films counted as expected.

    Returns
    -------
    dict of str to float
        ``val-loss``: mean binary cross-entropy, nats, whatever loss the member trained with. ``macro-map``.
        ``macro-f1``: at thresholds of the other folds. ``fused-loss``: cross-entropy of the fusion of this member with
        the others, fitted on the other folds; only where there are others.

    Raises
    ------
    InputError
        If films, genres or roles differ.
    """
    validation_record(probabilities, films)  # its check comes first: it knows what the films are for
    found = scores(probabilities, films)
    values = {"val-loss": found["bce"], "macro-map": found["map_macro"]}
    values["macro-f1"] = cross_fitted_f1(probabilities, films, thresholds)
    if others:
        fused = fused_out_of_fold([probabilities, *others], films, fusion)
        values["fused-loss"] = scores(replace(fused, role="validation"), films)["bce"]
    return values


def fused_out_of_fold(
    members: Sequence[GenreProbabilities], films: Films, fusion: LateFusion | None = None
) -> GenreProbabilities:
    """Return fused probabilities of the validation films, each from a fusion that did not see the film.

    Parameters
    ----------
    members : list of GenreProbabilities
        Of role ``"validation"``.
    films, fusion
        As for `measure`.

    Returns
    -------
    GenreProbabilities
        Of role ``"validation"``.
    """
    fusion = LateFusion(method="stack") if fusion is None else fusion
    fused = out_of_fold(fusion, [validation_record(member, films) for member in members], films, folds=FOLDS)
    return replace(fused, role="validation")


def cross_fitted_f1(
    probabilities: GenreProbabilities, films: Films, thresholds: ThresholdCalibrator | None = None
) -> float:
    """Return macro-F1 of the validation films, each named at thresholds that were chosen on other folds.

    Parameters
    ----------
    probabilities, films, thresholds
        As for `measure`.

    Returns
    -------
    float
        Over the genres that a film carries; films that are not present count as named nothing.
    """
    thresholds = ThresholdCalibrator(strategy="f1", counts="expected") if thresholds is None else thresholds
    found = validation_record(probabilities, films)
    labels = check_truth(found, films, "A search")
    fold = folds_of_films(films, min(FOLDS, len(films)))
    named = np.zeros(labels.shape, np.uint8)
    for number in np.unique(fold):
        rest, here = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        calibrator = type(thresholds)(**thresholds.get_params())
        calibrator.fit(found.take(rest), films.take(rest))
        named[here] = calibrator.predict(found.take(here)).to_numpy()
    live = labels.any(axis=0)
    return float(rates(named == 1, labels, axis=0)[2][live].mean())


def validation_record(probabilities: GenreProbabilities, films: Films) -> GenreProbabilities:
    """Return probabilities as what fusion and thresholds may learn from, cross-fitted: no film is judged by itself.

    Raises
    ------
    InputError
        Unless they are of the validation films.
    """
    if probabilities.role != "validation":
        raise InputError(
            f"A search is judged on validation films, got role={probabilities.role!r} from {probabilities.name}."
        )
    found = replace(probabilities, role="out-of-fold")
    check_truth(found, films, "A search")
    return found
