import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from multigenre import GenreProbabilities, LateFusion, ThresholdCalibrator
from multigenre._checks import InputError
from multigenre.data import Films, Genres, sigmoid
from multigenre.fusion import FusedThresholds, out_of_fold
from multigenre.scores import scores

GENRES = Genres(["Comedy", "Drama", "News"])
# What each member sees: the poster little, one overview member much of Comedy, the other of Drama.
SIGHT = {"colours": [1, 1, 0.5], "words": [4, 0, 1], "phrases": [0, 4, 1]}
MODALITIES = {"colours": "poster", "words": "overview", "phrases": "overview"}
CALIBRATOR = ThresholdCalibrator(strategy="micro-macro", min_positives=5)


def made(n_films=240, seed=0, role="calibration", missing=(0.3, 0.3)):
    rng = np.random.default_rng([seed, n_films])
    labels = (rng.random((n_films, 3)) < [0.4, 0.5, 0.1]).astype(np.uint8)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    lost = dict(
        zip(("poster", "overview"), rng.random((2, n_films)) < np.array(missing)[:, None], strict=True)
    )
    members = []
    for name, sight in SIGHT.items():
        values = sigmoid((labels - 0.5) * sight - 1 + 0.7 * rng.normal(size=labels.shape))
        values[lost[MODALITIES[name]]] = np.nan
        members.append(GenreProbabilities(ids, GENRES, values, name, role))
    return members, Films(ids, blank, blank, labels, GENRES, role), lost


FUSION = LateFusion(method="stack", C=1.0)


@pytest.fixture(scope="module")
def fitted():
    members, films, lost = made()
    thresholds = FusedThresholds(CALIBRATOR, modalities=MODALITIES, shrinkage=0, seed=3)
    return thresholds.fit(FUSION, members, films), members, films, lost


@pytest.mark.parametrize("modality", ["poster", "overview"])
def test_films_of_one_modality_have_the_cuts_of_what_the_fusion_says_without_the_other(fitted, modality):
    thresholds, members, films, lost = fitted
    names = [name for name, one in MODALITIES.items() if one == modality]
    [alone] = out_of_fold(FUSION, members, films, seed=3, parts=[names])
    expected = clone(CALIBRATOR).fit(alone, films)
    assert thresholds.calibrators_[modality].thresholds_.equals(expected.thresholds_)
    assert set(expected.film_ids_) == set(films.ids[~lost[modality]])


def test_complete_films_have_the_cuts_of_the_complete_films(fitted):
    thresholds, members, films, lost = fitted
    complete = ~lost["poster"] & ~lost["overview"]
    fused = out_of_fold(FUSION, members, films, seed=3).take(complete)
    expected = clone(CALIBRATOR).fit(fused, films.take(complete))
    assert thresholds.calibrators_["overview+poster"].thresholds_.equals(expected.thresholds_)
    assert set(thresholds.calibrators_) == {"overview+poster", "overview", "poster"}


def test_unless_asked_all_films_share_the_cuts_of_the_films_as_they_are(fitted):
    _, members, films, _ = fitted
    shared = FusedThresholds(CALIBRATOR, seed=3).fit(FUSION, members, films)
    expected = clone(CALIBRATOR).fit(out_of_fold(FUSION, members, films, seed=3), films)
    assert shared.thresholds_.equals(expected.thresholds_) and shared.sources_.equals(expected.sources_)
    assert shared.fallback_genres_ == expected.fallback_genres_
    fused = clone(FUSION).fit(members, films).predict(members)
    assert shared.predict(fused, members).equals(expected.predict(fused)) and not shared.calibrators_


def test_shrinkage_lies_between_own_and_shared_cuts_in_log_odds(fitted):
    apart, members, films, _ = fitted
    third = clone(apart).set_params(shrinkage=0.3).fit(FUSION, members, films)
    for name, one in third.calibrators_.items():
        own, shared = apart.calibrators_[name].thresholds_, third.thresholds_
        expected = 0.7 * np.log(own / (1 - own)) + 0.3 * np.log(shared / (1 - shared))
        assert np.log(one.thresholds_ / (1 - one.thresholds_)).to_numpy() == pytest.approx(
            expected.to_numpy()
        )


@pytest.mark.parametrize(("shrinkage", "expected"), [(0.4, 1.1), (0.6, 0.5)])
def test_a_genre_that_one_of_them_names_for_nobody_takes_the_nearer_cut(shrinkage, expected):
    thresholds, own = FusedThresholds(shrinkage=shrinkage), ThresholdCalibrator()
    thresholds.shared_ = ThresholdCalibrator()
    own.thresholds_ = pd.Series({"Comedy": 1.1})
    thresholds.shared_.thresholds_ = pd.Series({"Comedy": 0.5})
    assert thresholds._drawn(own).thresholds_["Comedy"] == expected


def test_each_film_is_cut_as_what_it_has_says_whatever_goes_with_it(fitted):
    thresholds = fitted[0]
    members, _, lost = made(seed=1, role="test")
    fused = FUSION.fit(*fitted[1:3]).predict(members)
    cuts = thresholds.cuts(fused, members)
    own = {name: one.thresholds_.to_numpy() for name, one in thresholds.calibrators_.items()}
    assert (cuts[lost["poster"] & ~lost["overview"]] == own["overview"]).all(axis=None)
    assert (cuts[lost["overview"] & ~lost["poster"]] == own["poster"]).all(axis=None)
    assert (cuts[~lost["overview"] & ~lost["poster"]] == own["overview+poster"]).all(axis=None)
    assert (cuts[lost["overview"] & lost["poster"]] == thresholds.thresholds_).all(axis=None)
    assert cuts.index.tolist() == list(fused.ids)
    some = np.array([40, 3, 77])
    again = thresholds.cuts(fused.take(some), [one.take(some) for one in members])
    assert again.equals(cuts.iloc[some])
    named = thresholds.predict(fused, members)
    assert ((fused.values >= cuts.to_numpy()) == named.to_numpy()).all() and named.dtypes.eq(np.uint8).all()


def test_no_film_gives_no_cuts(fitted):
    members, _, _ = made(seed=1, role="test")
    none = [one.take([]) for one in members]
    cuts = fitted[0].cuts(FUSION.predict(members).take([]), none)
    assert cuts.shape == (0, 3) and list(cuts.columns) == list(GENRES)


def test_films_of_one_modality_by_themselves_are_named_better_at_cuts_of_their_own(fitted):
    fusion = clone(FUSION).fit(*fitted[1:3])
    members, films, _ = made(4000, seed=2, role="test", missing=(0, 1))
    fused = fusion.predict(members)
    own = scores(fused, films, fitted[0].cuts(fused, members))
    shared = scores(fused, films, fitted[0].thresholds_)
    assert own["f1_macro"] > shared["f1_macro"] + 0.02


def test_all_films_together_are_named_as_well_at_shared_cuts(fitted):
    members, films, _ = made(4000, seed=4)
    fusion = clone(FUSION).fit(members, films)
    test, truth, _ = made(8000, seed=5, role="test")
    fused = fusion.predict(test)
    found = {}
    for shrinkage in (0, 1):
        thresholds = FusedThresholds(ThresholdCalibrator(), modalities=MODALITIES, shrinkage=shrinkage)
        cuts = thresholds.fit(FUSION, members, films).cuts(fused, test)
        found[shrinkage] = scores(fused, truth, cuts)["f1_macro"]
    assert found[1] > found[0]


def test_a_set_of_few_films_has_the_shared_cuts():
    members, films, lost = made()
    few = np.flatnonzero(lost["poster"] | (np.cumsum(~lost["poster"]) < 19))
    rare = FusedThresholds(CALIBRATOR, modalities=MODALITIES, shrinkage=0).fit(
        FUSION, [one.take(few) for one in members], films.take(few)
    )
    assert list(rare.calibrators_) == ["overview"]
    fused = clone(FUSION).fit(members, films).predict(members)
    cuts = rare.cuts(fused, members)[~lost["poster"]]
    assert (cuts == rare.thresholds_).all(axis=None)


def test_what_was_learned_survives_json(fitted):
    thresholds, members = fitted[:2]
    again = FusedThresholds.from_dict(json.loads(json.dumps(thresholds.to_dict())))
    fused = clone(FUSION).fit(*fitted[1:3]).predict(members)
    assert again.cuts(fused, members).equals(thresholds.cuts(fused, members))
    assert again.calibrator.get_params() == CALIBRATOR.get_params()
    assert (again.seed, again.shrinkage, again.modalities) == (3, 0, MODALITIES)
    assert set(again.film_ids_) == set(thresholds.film_ids_)


def test_errors_say_what_is_missing(fitted):
    _, members, films, _ = fitted
    with pytest.raises(InputError, match="FusedThresholds knows no modality of phrases; name it"):
        few = {"colours": "poster", "words": "overview"}
        FusedThresholds(modalities=few, shrinkage=0.5).fit(FUSION, members, films)
    with pytest.raises(InputError, match="needs a shrinkage from 0 to 1, got 2"):
        FusedThresholds(shrinkage=2).fit(FUSION, members, films)
    with pytest.raises(InputError, match="Saved FusedThresholds need 'modalities', which is not there"):
        FusedThresholds.from_dict({})
