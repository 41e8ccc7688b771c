import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from multigenre import metrics
from multigenre._checks import InputError
from multigenre._stacking import _newton, fit_stack
from multigenre.films import Films
from multigenre.fusion import LateFusion
from multigenre.genres import Genres
from multigenre.probabilities import GenreProbabilities, logits, sigmoid

GENRES = Genres(["Comedy", "Drama", "News", "War"])
METHODS = ("stack", "logit-mean", "mean")


def made(n_films=400, role="calibration", seed=0, names=("overview", "poster")):
    """Films, and members that each see the truth through their own noise; News has no film, War few."""
    rng = np.random.default_rng(seed)
    truth = np.array([-0.5, 0.3, -50, -4]) + 1.5 * rng.normal(size=(n_films, 4))
    labels = (rng.random(truth.shape) < sigmoid(truth)).astype(np.uint8)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    seen = np.maximum(truth, -6)
    members = [
        GenreProbabilities(ids, GENRES, sigmoid(seen + rng.normal(size=seen.shape)), name, role)
        for name in names
    ]
    return members, Films(ids, blank, blank, labels, GENRES, role)


def without(member, rows):
    values = member.values.copy()
    values[rows] = np.nan
    return GenreProbabilities(member.ids, member.genres, values, member.name, member.role)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_a_genre_s_regression_is_scikit_learn_s_where_nothing_is_shared(C):
    members, films = made()
    features = np.stack([logits(member.values[:, :2]) for member in members], axis=2).transpose(1, 0, 2)
    labels = films.labels.T[:2].astype(float)
    found = _newton(np.insert(features, 0, 1.0, axis=2), labels, np.zeros(2), np.arange(6).reshape(2, 3), C)
    for coefficients, x, y in zip(found, features, labels, strict=True):
        oracle = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(x, y)
        np.testing.assert_allclose(coefficients, [*oracle.intercept_, *oracle.coef_[0]], atol=1e-5)


def test_shared_weights_are_those_of_one_regression_over_all_genres():
    members, films = made()
    able = [0, 1, 3]
    features = np.stack([logits(member.values[:, able]) for member in members], axis=2).transpose(1, 0, 2)
    labels = films.labels.T[able].astype(float)
    slots = np.array([[0, 3, 4], [1, 3, 4], [2, 3, 4]])
    found = _newton(np.insert(features, 0, 1.0, axis=2), labels, np.zeros(2), slots, 1e6)
    stacked = np.hstack([np.repeat(np.eye(3), 400, axis=0), features.reshape(-1, 2)])
    oracle = LogisticRegression(C=1e6, tol=1e-10, max_iter=10_000, fit_intercept=False).fit(
        stacked, labels.ravel()
    )
    np.testing.assert_allclose(found, oracle.coef_[0][slots], atol=1e-4)


def test_a_small_c_pulls_every_genre_to_the_shared_weights():
    members, films = made()
    features = np.stack([logits(member.values) for member in members], axis=2)
    spread = [
        np.ptp(fit_stack(features, films.labels, C=C, min_positives=5)[0][:, 1:], axis=0)
        for C in (1e-3, 1, 1e3)
    ]
    assert (spread[0] < spread[1]).all() and (spread[1] < spread[2]).all()


def test_scarce_genres_keep_shared_weights_and_their_smoothed_prevalence():
    members, films = made()
    positives = films.labels.sum(axis=0)
    fusion = LateFusion(min_positives=int(positives[3]) + 1).fit(members, films)
    assert fusion.shared_genres_ == ["News", "War"]
    fused = fusion.predict(members).values
    np.testing.assert_allclose(fused[:, 2:].mean(axis=0), (positives[2:] + 0.5) / 401, rtol=1e-6)
    weights = fusion.weights_.query("pattern == 'overview+poster' and member == 'poster'").set_index("genre")[
        "weight"
    ]
    assert weights["News"] == weights["War"] != weights["Drama"]
    assert np.isfinite(fusion.weights_["weight"]).all() and (fused[:, 2] < 0.2).all()


def test_separable_films_and_constant_members_give_finite_probabilities():
    ids, blank = [f"tt{film}" for film in range(40)], [""] * 40
    labels = np.tile([[0, 1], [1, 1]], (20, 1))
    films = Films(ids, blank, blank, labels, ["Drama", "War"], "calibration")
    sure = GenreProbabilities(ids, films.genres, np.where(labels == 1, 1.0, 0.0), "sure", "calibration")
    flat = GenreProbabilities(ids, films.genres, np.full((40, 2), 1e-9), "flat", "calibration")
    for C in (1e-3, 1.0, 1e3):
        fused = LateFusion(C=C).fit([sure, flat], films).predict([flat, sure])
        assert np.isfinite(fused.values).all() and ((fused.values > 0.5) == labels).all()


def test_means_by_hand():
    films = Films(["a"], [""], [""], [[1]], ["Drama"], "calibration")
    members = [
        GenreProbabilities(["a"], ["Drama"], [[p]], name, "calibration")
        for p, name in ((0.5, "x"), (0.9, "y"))
    ]
    assert LateFusion(method="mean").fit(members, films).predict(members).values[0, 0] == pytest.approx(0.7)
    # Odds 1 and 9 have the geometric mean 3.
    assert LateFusion(method="logit-mean").fit(members, films).predict(members).values[0, 0] == pytest.approx(
        0.75
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.sampled_from(["mean", "logit-mean"]))
def test_a_mean_lies_between_its_members(probabilities, method):
    films = Films(["a"], [""], [""], [[1]], ["Drama"], "calibration")
    members = [
        GenreProbabilities(["a"], ["Drama"], [[p]], f"m{k}", "calibration")
        for k, p in enumerate(probabilities)
    ]
    fused = LateFusion(method=method).fit(members, films).predict(members).values[0, 0]
    assert min(probabilities) - 1.1e-6 <= fused <= max(probabilities) + 1.1e-6


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_members_does_not_matter(method):
    members, films = made(names=("a", "b", "c"))
    test, _ = made(50, "test", names=("a", "b", "c"))
    fused = LateFusion(method=method).fit(members, films).predict(test)
    again = LateFusion(method=method).fit(members[::-1], films).predict([test[1], test[2], test[0]])
    assert (fused.values == again.values).all() and (fused.name, fused.role) == ("fused", "test")


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(rows=st.lists(st.integers(0, 49), min_size=1, unique=True))
def test_a_film_s_fused_probability_does_not_depend_on_the_other_films(method, rows):
    fusion = LateFusion(method=method).fit(*made())
    test = [without(member, [k, k + 7]) for k, member in enumerate(made(50, "test")[0])]
    whole = fusion.predict(test)
    part = fusion.predict([member.take(rows) for member in test])
    assert (part.values == whole.values[rows]).all() and part.ids.tolist() == whole.ids[rows].tolist()


def test_the_order_of_films_does_not_matter_to_what_is_learned():
    members, films = made()
    order = np.random.default_rng(0).permutation(400)
    fusion = LateFusion().fit(members, films)
    again = LateFusion().fit([member.take(order) for member in members], films.take(order))
    np.testing.assert_allclose(fusion.weights_["weight"], again.weights_["weight"], rtol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_missing_poster_falls_back_to_the_overview(method):
    members, films = made()
    fusion = LateFusion(method=method).fit(members, films)
    (overview, poster), _ = made(20, "test")
    alone = fusion.predict([overview])
    fused = fusion.predict([overview, without(poster, slice(0, 10))])
    assert (fused.values[:10] == alone.values[:10]).all() and (fused.values[10:] != alone.values[10:]).all()
    if method != "stack":
        np.testing.assert_allclose(alone.values, overview.values, atol=1e-6)


def test_each_pattern_is_fitted_on_films_that_have_at_least_its_members():
    (overview, poster), films = made()
    missing = [without(overview, slice(0, 100)), without(poster, slice(50, 150))]
    fusion = LateFusion().fit(missing, films)
    assert fusion.weights_["pattern"].unique().tolist() == ["overview", "poster", "overview+poster"]
    expected = {"overview": (overview, np.r_[100:400]), "poster": (poster, np.r_[0:50, 150:400])}
    for name, (member, rows) in expected.items():
        alone = LateFusion().fit([member.take(rows)], films.take(rows))
        learned = fusion.weights_.set_index("pattern").loc[name, "weight"]
        np.testing.assert_allclose(learned, alone.weights_["weight"], rtol=1e-7)
    assert set(films.ids) - set(fusion.film_ids_) == set(films.ids[50:100])


def test_films_without_any_member_are_not_present():
    members, films = made()
    fusion = LateFusion().fit(members, films)
    fused = fusion.predict([without(member, [3]) for member in made(10, "test")[0]])
    assert np.flatnonzero(~fused.present).tolist() == [3] and np.isnan(fused.values[3]).all()


def test_more_than_five_members_are_stacked_in_the_patterns_that_were_seen():
    members, films = made(names="abcdef")
    members[0] = without(members[0], slice(0, 200))
    fusion = LateFusion().fit(members, films)
    patterns = fusion.weights_["pattern"].unique().tolist()
    assert patterns == [*"abcdef", "b+c+d+e+f", "a+b+c+d+e+f"]
    test, _ = made(10, "test", names="abcdef")
    # a and c were never alone together: the larger fitted part wins, the first by name among equals.
    assert (fusion.predict([test[0], test[2]]).values == fusion.predict([test[0]]).values).all()


def test_a_member_that_no_calibration_film_has_is_taken_as_it_is():
    (overview, poster), films = made()
    fusion = LateFusion().fit([overview, without(poster, slice(None))], films)
    test, _ = made(10, "test")
    np.testing.assert_allclose(fusion.predict([test[1]]).values, test[1].values, atol=1e-6)
    assert (fusion.predict(test).values == fusion.predict([test[0]]).values).all()


@pytest.mark.parametrize("method", METHODS)
def test_fusing_complementary_members_beats_both(method):
    members, films = made(2000)
    test, test_films = made(2000, "test", seed=1)
    fused = metrics.scores(LateFusion(method=method).fit(members, films).predict(test), test_films)
    for member in test:
        alone = metrics.scores(member, test_films)
        assert fused["bce"] < alone["bce"] and fused["map_macro"] > alone["map_macro"]


def test_a_stack_mends_a_member_that_is_wrong_about_its_own_certainty():
    (member, _), films = made(2000)
    test, test_films = made(2000, "test", seed=1)

    def overconfident(one):
        return GenreProbabilities(one.ids, GENRES, sigmoid(3 * logits(one.values) + 1), "poster", one.role)

    fused = LateFusion().fit([overconfident(member)], films).predict([overconfident(test[0])])
    mended, honest = metrics.scores(fused, test_films)["bce"], metrics.scores(test[0], test_films)["bce"]
    assert mended < honest + 0.002 < metrics.scores(overconfident(test[0]), test_films)["bce"]


def test_predictions_for_the_fitted_films_are_marked_and_cannot_be_reported():
    members, films = made(role="out-of-fold")
    films = films.with_role("train")
    fused = LateFusion().fit(members, films).predict(members)
    assert fused.role == "calibration"
    with pytest.raises(InputError, match="A report needs films"):
        metrics.scores(fused, films.with_role(None))


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_fusion_is_the_same_after_json(method):
    members, films = made()
    fusion = LateFusion(method=method, C=2.0).fit(members, films)
    again = LateFusion.from_dict(json.loads(json.dumps(fusion.to_dict())))
    test, _ = made(20, "test")
    for some in (test, test[:1]):
        assert (again.predict(some).values == fusion.predict(some).values).all()
    assert again.weights_.equals(fusion.weights_) and again.to_dict() == fusion.to_dict()
    assert (
        clone(fusion).get_params() == again.get_params() == {"C": 2.0, "method": method, "min_positives": 5}
    )


def test_names_are_enough_for_a_mean():
    test, _ = made(20, "test")
    fusion = LateFusion(method="mean").fit_names(["poster", "overview"], GENRES)
    assert (fusion.predict(test).values == (test[0].values + test[1].values) / 2).all()


def test_float32_members_are_fused_in_float32_to_the_same_numbers():
    members, films = made()
    fusion = LateFusion().fit(members, films)
    test, _ = made(50, "test")
    small = [GenreProbabilities(m.ids, GENRES, m.values.astype(np.float32), m.name, m.role) for m in test]
    fused = fusion.predict(small)
    assert fused.values.dtype == np.float32
    np.testing.assert_allclose(fused.values, fusion.predict(test).values, atol=1e-5)


@pytest.mark.parametrize("role", ["train", "validation", "test", None])
def test_films_that_a_member_saw_or_reports_use_cannot_fit_a_fusion(role):
    members, films = made(role="calibration" if role is None else role)
    members[1] = GenreProbabilities(films.ids, GENRES, members[1].values, "poster", role)
    members[0] = GenreProbabilities(films.ids, GENRES, members[0].values, "overview", "out-of-fold")
    sentence = (
        f"LateFusion.fit needs films no member trained on, kept for fitting, got role={role!r} from poster"
    )
    with pytest.raises(InputError, match=sentence):
        LateFusion().fit(members, films)


def test_bad_input_is_refused_in_one_sentence():
    members, films = made(50)
    with pytest.raises(InputError, match="method is stack, logit-mean or mean, got 'vote'"):
        LateFusion(method="vote").fit(members, films)
    with pytest.raises(
        InputError, match="needs C above 0 and min_positives of 1 or more, got C=0, min_positives=5"
    ):
        LateFusion(C=0).fit(members, films)
    with pytest.raises(InputError, match="a list of one or more"):
        LateFusion().fit([], films)
    with pytest.raises(InputError, match="distinct names, got poster, poster"):
        LateFusion().fit([members[1], members[1]], films)
    with pytest.raises(InputError, match="same 50 films in the same order"):
        LateFusion().fit([members[0], members[1].take(slice(None, None, -1))], films)
    fusion = LateFusion().fit(members, films)
    test, _ = made(10, "test", names=("overview", "poster", "trailer"))
    with pytest.raises(InputError, match="fitted on overview, poster, got trailer as well"):
        fusion.predict(test)
    with pytest.raises(InputError, match="overview and poster must be about the same films"):
        fusion.predict([test[0], test[1].take(slice(1, None))])
    with pytest.raises(InputError, match="one role, got 'test' and 'validation'"):
        fusion.predict(
            [test[0], GenreProbabilities(test[1].ids, GENRES, test[1].values, "poster", "validation")]
        )
    with pytest.raises(InputError, match="their order differs"):
        fusion.predict([GenreProbabilities(["a"], list(GENRES)[::-1], [[0.5] * 4], "poster")])
    with pytest.raises(InputError, match="needs 'members', which is not there"):
        LateFusion.from_dict({"method": "mean", "C": 1.0, "min_positives": 5})
    with pytest.raises(ValueError, match="not fitted yet"):
        LateFusion().predict(test)
