from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss

from multigenre import Films, GenreProbabilities, LateFusion, ThresholdCalibrator
from multigenre._checks import InputError
from multigenre.data import folds_of_films
from multigenre.fusion import out_of_fold
from multigenre.search import FilmTrial, cross_fitted_f1
from multigenre.search._objectives import check_search_films, measure

GENRES = ["Comedy", "Drama", "War"]


def made(role, n_films=60, seed=0):
    """Films with labels only."""
    rng = np.random.default_rng(seed)
    ids = [f"{role}-{number}" for number in range(n_films)]
    labels = (rng.random((n_films, 3)) < [0.5, 0.4, 0.2]).astype(int)
    return Films(ids, [f"{one} plot" for one in ids], [""] * n_films, labels, GENRES, role)


def member(films, name="poster-cnn", seed=0, **changes):
    """Probabilities that know something of the labels."""
    rng = np.random.default_rng(seed)
    values = 1 / (1 + np.exp(-(2.0 * films.labels - 1 + rng.normal(size=films.labels.shape))))
    return replace(GenreProbabilities(films.ids, films.genres, values, name, films.role), **changes)


def test_loss_and_average_precision_are_scikit_learns():
    films = made("validation")
    found = measure(member(films), films)
    values = member(films).values
    assert found["val-loss"] == pytest.approx(
        np.mean([log_loss(y, p) for y, p in zip(films.labels.T, values.T, strict=True)])
    )
    precision = [average_precision_score(y, p) for y, p in zip(films.labels.T, values.T, strict=True)]
    assert found["macro-map"] == pytest.approx(np.mean(precision))
    assert "fused-loss" not in found


def test_macro_f1_is_at_thresholds_that_other_folds_chose():
    films = made("validation")
    one = member(films)
    fold, named = folds_of_films(films, 5), np.zeros((60, 3))
    for number in range(5):
        rest, here = fold != number, fold == number
        for genre in range(3):
            label, value = films.labels[rest, genre], one.values[rest, genre]
            cut = max((f1_score(label, value >= p), p) for p in value)[1]
            named[here, genre] = one.values[here, genre] >= cut
    expected = f1_score(films.labels, named, average="macro")
    assert cross_fitted_f1(one, films, ThresholdCalibrator(strategy="f1")) == pytest.approx(expected)


def test_the_fused_loss_is_that_of_a_fusion_fitted_on_other_folds():
    films = made("validation")
    one, other = member(films), member(films, "overview-tfidf", seed=1)
    found = measure(one, films, others=[other])["fused-loss"]
    held = [replace(each, role="out-of-fold") for each in (one, other)]
    fused = out_of_fold(LateFusion(method="stack"), held, films).values
    assert found == pytest.approx(-np.log(np.where(films.labels == 1, fused, 1 - fused)).mean())
    assert found < measure(one, films)["val-loss"]


def test_films_of_another_role_than_train_and_validation_are_refused_by_its_name():
    train, validation = made("train"), made("validation")
    for role in ("calibration", "test"):
        with pytest.raises(
            InputError, match=f"chooses by validation films, got role='{role}' for validation films"
        ):
            check_search_films(train, made(role))
        with pytest.raises(InputError, match=f"got role='{role}' for train films"):
            FilmTrial(made(role), validation)
        with pytest.raises(
            InputError, match=f"judged on validation films, got role='{role}' from poster-cnn"
        ):
            measure(member(validation, role=role), validation.with_role(None))
    for wrong in (made("test"), made("validation", n_films=9)):
        with pytest.raises(InputError, match="got role='test'|must be about the same films"):
            FilmTrial(train, validation, others=[member(wrong)])
    unlabelled = replace(validation, labels=None, genres=None)
    with pytest.raises(InputError, match="got validation films without genres"):
        check_search_films(train, unlabelled)


def test_a_search_of_the_fusion_measures_the_fused_members():
    train, films = made("train"), made("validation")
    others = [member(films), member(films, "overview-tfidf", seed=1)]
    trial = FilmTrial(train, films, others=others)
    found = trial({"fusion": {"method": "mean"}, "thresholds": {"strategy": "half"}}, folder="", seed=0)
    fused = (others[0].values + others[1].values) / 2
    assert found["val-loss"] == pytest.approx(-np.log(np.where(films.labels == 1, fused, 1 - fused)).mean())
    assert found["macro-f1"] == pytest.approx(f1_score(films.labels, fused >= 0.5, average="macro"))
    assert found["fused-loss"] == found["val-loss"]
    with pytest.raises(InputError, match="needs members to fuse; pass them as others"):
        FilmTrial(train, films)({"fusion": {}}, folder="", seed=0)


def test_facts_tell_trials_on_other_films_or_with_other_members_apart():
    train, films = made("train"), made("validation")
    facts = FilmTrial(train, films).facts
    assert facts == FilmTrial(made("train"), made("validation")).facts
    assert facts != FilmTrial(train, made("validation", seed=1)).facts
    assert facts != FilmTrial(train, films, others=[member(films)]).facts
