import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline

from multigenre import scores as metrics
from multigenre._checks import InputError
from multigenre.calibration import ProbabilityCalibrator, ThresholdCalibrator
from multigenre.calibration._calibration import METHODS, SMOOTH, apply_maps, fit_maps
from multigenre.data import Films, GenreProbabilities, Genres, logits, sigmoid

GENRES = Genres(["Comedy", "Drama", "News", "War"])
LEVEL = np.array([-0.5, 0.3, -50, -4])


def made(n_films=400, role="calibration", seed=0):
    """Films, and an overconfident member of them that says too much; no film carries News, few carry War."""
    rng = np.random.default_rng(seed)
    truth = LEVEL + 1.5 * rng.normal(size=(n_films, 4))
    labels = (rng.random(truth.shape) < sigmoid(truth)).astype(np.uint8)
    values = sigmoid(3 * np.maximum(truth, -4) + 1)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    return GenreProbabilities(ids, GENRES, values, "poster", role), Films(
        ids, blank, blank, labels, GENRES, role
    )


def columns():
    """Probabilities, with ties and the ends, and labels of a few films and genres."""
    shapes = st.tuples(st.integers(1, 25), st.integers(1, 3))
    values = st.sampled_from([0.0, 1e-9, 0.01, 0.2, 0.5, 0.6, 0.97, 1.0]) | st.floats(0, 1).map(
        lambda p: round(p, 6)
    )
    return shapes.flatmap(
        lambda shape: st.tuples(
            hnp.arrays(float, shape, elements=values), hnp.arrays(int, shape, elements=st.integers(0, 1))
        )
    )


def log_loss(log_odds, labels):
    return (np.logaddexp(0, log_odds) - labels * log_odds).sum()


@pytest.mark.parametrize("C", [0.02, 3.0])
@pytest.mark.parametrize("method", SMOOTH)
def test_maps_are_the_maximum_a_posteriori_fits_that_a_general_optimiser_finds(method, C):
    member, films = made(150)
    values, labels = member.values, films.labels
    up, down = np.log(values), -np.log1p(-values)
    centred = {
        "temperature": [up + down],
        "platt": [up + down - (up + down).mean(axis=0)],
        "beta": [up - up.mean(axis=0), down - down.mean(axis=0)],
    }[method]
    shift = [] if method == "temperature" else [np.ones_like(up)]
    level = [] if method == "temperature" else [0 * up + (up + down).mean(axis=0)]
    features = np.array([*centred, *shift, *level])
    start = np.array([1] * len(centred) + [0] * len(shift) + [1] * len(level))

    def cost(weights, centre, genre=slice(None)):
        log_odds = np.tensordot(weights, features[: len(weights), ..., genre], 1)
        log_odds += np.tensordot(centre[len(weights) :], features[len(weights) :, ..., genre], 1)
        return log_loss(log_odds, labels[:, genre]) + ((weights - centre[: len(weights)]) ** 2).sum() / (
            2 * C
        )

    shared = minimize(cost, start, (start,), tol=1e-10).x
    found = apply_maps(values, fit_maps(values, labels, method=method, C=C))
    for genre in range(4):
        own = minimize(cost, shared[: len(centred) + len(shift)], (shared, genre), tol=1e-10).x
        assert (own[: len(centred)] > 0).all()
        weights = [*own, *shared[len(own) :]]
        expected = sigmoid(np.tensordot(weights, features[..., genre], 1))
        np.testing.assert_allclose(found[:, genre], expected, atol=1e-5)


@pytest.mark.parametrize("method", SMOOTH)
def test_without_shrinkage_a_map_is_scikit_learn_s_logistic_regression(method):
    member, films = made(2000)
    values, labels = member.values[:, :1], films.labels[:, 0]
    features = np.hstack([np.log(values), -np.log1p(-values)]) if method == "beta" else logits(values)
    oracle = LogisticRegression(C=np.inf, fit_intercept=method != "temperature", tol=1e-10, max_iter=10_000)
    expected = oracle.fit(features, labels).predict_proba(features)[:, 1]
    found = apply_maps(values, fit_maps(values, labels[:, None], method=method, C=1e4))[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_beta_map_by_hand():
    # Odds of p ** a / (1 - p) ** b * exp(c) at p = 1/5: (1/25) / (4/5) * 20 = 1.
    assert apply_maps([[0.2]], [[2, 1, np.log(20)]]) == pytest.approx(np.array([[0.5]]))
    assert apply_maps([[0.2, 0.5]], [[1, 1, 0], [0, 0, 0]]) == pytest.approx(np.array([[0.2, 0.5]]))


def test_a_beta_map_finds_the_difference_of_two_beta_distributions():
    # Kull et al. (2017): positives from Beta(4, 1) and negatives from Beta(1.5, 3) have a = 2.5, b = 2.
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.beta(4, 1, 20_000), rng.beta(1.5, 3, 20_000)])[:, None]
    [[a, b, _]] = fit_maps(values, np.repeat([[1], [0]], 20_000, axis=0), C=100)
    assert (a, b) == pytest.approx((2.5, 2), abs=0.1)


def test_a_small_c_changes_nothing_and_a_larger_one_lets_genres_differ():
    member, films = made()
    slopes = [fit_maps(member.values, films.labels, C=C)[:, :2] for C in (1e-9, 0.01, 10)]
    assert slopes[0] == pytest.approx(np.ones((4, 2)), abs=1e-4)
    assert (np.ptp(slopes[1], axis=0) < np.ptp(slopes[2], axis=0)).all()
    np.testing.assert_allclose(
        apply_maps(member.values, fit_maps(member.values, films.labels, C=1e-9)), member.values, atol=1e-4
    )


def test_genres_of_the_same_films_do_not_depend_on_their_order():
    member, films = made()
    order = [3, 1, 0, 2]
    expected = fit_maps(member.values, films.labels)[order]
    np.testing.assert_allclose(fit_maps(member.values[:, order], films.labels[:, order]), expected, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=20)
@given(column=columns(), C=st.sampled_from([1e-4, 0.1, 10.0, 1e4]))
def test_a_map_never_turns_the_order_of_films(method, column, C):
    values, labels = column
    genres = Genres([f"genre{g}" for g in range(values.shape[1])])
    ids, blank = [f"tt{film}" for film in range(len(values))], [""] * len(values)
    films = Films(ids, blank, blank, labels, genres, "calibration")
    member = GenreProbabilities(ids, genres, values, "poster", "calibration")
    calibrator = ProbabilityCalibrator(method=method, C=C, min_positives=2)
    line = np.tile(np.linspace(0, 1, 101)[:, None], len(genres))
    new = GenreProbabilities([f"new{film}" for film in range(101)], genres, line, "poster", "test")
    risen = calibrator.fit(member, films).transform(new).values
    assert (np.diff(risen, axis=0) >= -1e-12).all() and (risen >= 0).all() and (risen <= 1).all()


def test_average_precision_stays_under_maps_that_are_not_flat():
    member, films = made()
    for method in ("auto", *SMOOTH):
        calibrated = ProbabilityCalibrator(method=method).fit(member, films).transform(member)
        for genre in (0, 1, 3):
            label = films.labels[:, genre]
            before = average_precision_score(label, member.values[:, genre])
            assert average_precision_score(label, calibrated.values[:, genre]) == pytest.approx(before)


@pytest.mark.parametrize("method", SMOOTH)
def test_a_genre_that_the_member_gets_backwards_gets_one_probability_and_the_others_their_own(method):
    member, films = made()
    labels = films.labels.copy()
    labels[:, 0] = member.values[:, 0] < 0.5
    maps = fit_maps(member.values, labels, method=method)
    flat = apply_maps(member.values, maps)[:, 0]
    assert (maps[0, :2] == 0).all() and (maps[[1, 3], :2].sum(axis=1) > 0).all() and np.ptp(flat) == 0
    if method != "temperature":
        assert flat[0] == pytest.approx(labels[:, 0].mean(), abs=0.02)


def test_a_slope_that_would_be_negative_is_left_out_and_the_other_fitted_again():
    # Films near 1 carry the genre less often than films in the middle: b is what would be negative.
    values = np.repeat([0.01, 0.5, 0.999], 100)[:, None]
    labels = np.concatenate([np.repeat([0, 1], [95, 5]), np.repeat([0, 1], [20, 80]), np.repeat([0, 1], 50)])
    [[a, b, _]] = fit_maps(values, labels[:, None], C=1e4)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(np.log(values), labels)
    assert b == 0 and a == pytest.approx(oracle.coef_[0, 0], abs=0.01)


@pytest.mark.parametrize("method", ["auto", *SMOOTH])
def test_genres_that_no_film_or_every_film_carries_get_probabilities_between_0_and_1(method):
    member, films = made()
    labels = films.labels.copy()
    labels[:, 0] = 1
    films = Films(films.ids, films.overviews, films.posters, labels, GENRES, "calibration")
    values = ProbabilityCalibrator(method=method).fit(member, films).transform(member).values
    assert (values > 0).all() and (values < 1).all()
    if method != "temperature":
        assert values[:, 0].mean() > 0.95 and values[:, 2].mean() < 0.01


def test_each_genre_gets_the_method_that_its_positives_allow():
    member, films = made()
    war = int(films.labels[:, 3].sum())
    assert 5 < war < 100
    for method, few, expected in [
        ("auto", war, ["beta", "beta", "platt", "beta"]),
        ("auto", war + 1, ["beta", "beta", "platt", "platt"]),
        ("temperature", 1, ["temperature"] * 4),
    ]:
        calibrator = ProbabilityCalibrator(method=method, min_positives=few)
        maps = calibrator.fit(member, films).maps_
        assert maps["method"].tolist() == expected and maps.index.tolist() == list(GENRES)
        assert maps["positives"].tolist() == films.labels.sum(axis=0).tolist()
    # Films that lack a genre count as those that carry it.
    flipped = Films(films.ids, films.overviews, films.posters, 1 - films.labels, GENRES, "calibration")
    assert ProbabilityCalibrator(min_positives=war + 1).fit(member, flipped).maps_["method"].tolist() == [
        "beta", "beta", "platt", "platt",
    ]  # fmt: skip


def test_genres_of_a_method_share_a_map_with_all_genres():
    member, films = made()
    maps = ProbabilityCalibrator().fit(member, films).maps_
    for row, method in enumerate(maps["method"]):
        expected = fit_maps(member.values, films.labels, method=method)[row]
        assert maps.iloc[row][["a", "b", "c"]].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("method", METHODS)
def test_an_overconfident_member_is_mended_on_films_that_nobody_saw(method):
    calibrator = ProbabilityCalibrator(method=method).fit(*made(500))
    member, films = made(2000, "test", seed=1)
    truth = GenreProbabilities(films.ids, GENRES, sigmoid((logits(member.values) - 1) / 3), "truth", "test")
    raw, mended = metrics.scores(member, films), metrics.scores(calibrator.transform(member), films)
    best = metrics.scores(truth, films)
    if method == "temperature":  # which cannot shift
        assert mended["bce"] < raw["bce"] - 0.05
    else:
        assert mended["bce"] < best["bce"] + 0.01 < raw["bce"] - 0.1
        assert mended["ece"] < best["ece"] + 0.02 < raw["ece"] and mended["brier"] < raw["brier"] - 0.01


def test_a_rare_genre_leans_on_what_genres_share():
    unseen, truth = made(2000, "test", seed=1)
    loss = {}
    for C in (0.1, 1e4):
        found = []
        for seed in range(5):
            calibrator = ProbabilityCalibrator(method="beta", C=C).fit(*made(60, seed=seed))
            found.append(metrics.genre_scores(calibrator.transform(unseen), truth)["bce"]["War"])
        loss[C] = np.mean(found)
    assert loss[0.1] < loss[1e4] - 0.01


def test_films_that_are_not_present_teach_nothing_and_stay_missing():
    member, films = made()
    values = member.values.copy()
    values[:100] = np.nan
    part = GenreProbabilities(films.ids, GENRES, values, "poster", "calibration")
    rest = np.arange(100, 400)
    for method in METHODS:
        calibrator = ProbabilityCalibrator(method=method).fit(part, films)
        expected = ProbabilityCalibrator(method=method)
        expected.fit(member.take(rest), films.take(rest))
        assert calibrator.maps_.equals(expected.maps_)
        assert calibrator.film_ids_.tolist() == films.ids[100:].tolist()
        calibrated = calibrator.transform(part)
        assert np.isnan(calibrated.values[:100]).all() and np.isfinite(calibrated.values[100:]).all()
        assert (calibrated.present == part.present).all()


def test_a_saturated_probability_of_0_or_1_stays_finite():
    member, films = made(100)
    values = member.values.round()
    for method in METHODS:
        hard = GenreProbabilities(films.ids, GENRES, values, "poster", "calibration")
        maps = ProbabilityCalibrator(method=method).fit(hard, films)
        calibrated = maps.transform(hard).values
        assert (calibrated > 0).all() and (calibrated < 1).all()


def test_the_name_the_dtype_and_the_films_stay_and_films_it_learned_from_cannot_be_reported():
    member, films = made()
    small = GenreProbabilities(
        member.ids, GENRES, member.values.astype(np.float32), "overview", "calibration"
    )
    calibrator = ProbabilityCalibrator().fit(small, films)
    calibrated = calibrator.transform(small)
    assert (calibrated.name, calibrated.values.dtype, calibrated.role) == (
        "overview", np.float32, "calibration",
    )  # fmt: skip
    assert (calibrated.ids == member.ids).all()
    unseen = made(10, "test")[0]
    assert calibrator.transform(unseen).role == "test"
    both = GenreProbabilities([*unseen.ids[:9], member.ids[0]], GENRES, unseen.values, "overview", "test")
    assert calibrator.transform(both).role == "calibration"


def test_it_clones_and_goes_before_thresholds_in_a_pipeline_without_changing_what_they_name():
    member, films = made()
    calibrator = ProbabilityCalibrator(method="platt", C=0.5, min_positives=3)
    assert clone(calibrator).get_params() == calibrator.get_params()
    pipeline = make_pipeline(calibrator, ThresholdCalibrator()).fit(member, films)
    alone = ThresholdCalibrator().fit(member, films)
    live = [0, 1, 3]  # News, which no film carries, has the cut that all genres share
    unseen = made(200, "test", seed=1)[0]
    assert (pipeline.predict(unseen).iloc[:, live] == alone.predict(unseen).iloc[:, live]).all(axis=None)


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_calibrator_is_the_same_after_json(method):
    member, films = made()
    calibrator = ProbabilityCalibrator(method=method).fit(member, films)
    text = json.dumps(calibrator.to_dict(), allow_nan=False)
    again = ProbabilityCalibrator.from_dict(json.loads(text))
    assert again.maps_.equals(calibrator.maps_) and again.to_dict() == calibrator.to_dict()
    unseen = made(50, "test", seed=1)[0]
    assert (again.transform(unseen).values == calibrator.transform(unseen).values).all()


@pytest.mark.parametrize("role", ["train", "validation", "test", None])
def test_films_that_members_saw_or_reports_use_cannot_calibrate(role):
    sentence = (
        f"ProbabilityCalibrator.fit needs films no member trained on, kept for fitting, got role={role!r}"
    )
    member, films = made()
    member = GenreProbabilities(member.ids, GENRES, member.values, "poster", role)
    with pytest.raises(InputError, match=sentence):
        ProbabilityCalibrator().fit(member, films.with_role(role))


def test_out_of_fold_probabilities_of_training_films_may_calibrate():
    member, films = made()
    member = GenreProbabilities(member.ids, GENRES, member.values, "poster", "out-of-fold")
    assert len(ProbabilityCalibrator().fit(member, films.with_role("train")).film_ids_) == 400


def test_bad_input_is_refused_in_one_sentence():
    member, films = made(50)
    with pytest.raises(InputError, match="one of auto, temperature, platt, beta, got 'best'"):
        ProbabilityCalibrator(method="best").fit(member, films)
    with pytest.raises(InputError, match="one of temperature, platt, beta, got 'auto'"):
        fit_maps(member.values, films.labels, method="auto")
    with pytest.raises(InputError, match="needs C above 0 and at most 10,000, got 0"):
        ProbabilityCalibrator(C=0).fit(member, films)
    with pytest.raises(InputError, match="needs min_positives of 1 or more, got 0"):
        ProbabilityCalibrator(min_positives=0).fit(member, films)
    with pytest.raises(InputError, match="got 50 films and poster covers none; pass films that it covers"):
        ProbabilityCalibrator().fit(member.absent("poster"), films)
    with pytest.raises(InputError, match="same films, but one of them lacks calibration0"):
        ProbabilityCalibrator().fit(member.take(slice(1, None)), films)
    for values in ([[np.nan]], np.empty((0, 1))):
        with pytest.raises(InputError, match="needs finite probabilities; give films"):
            fit_maps(values, np.zeros(np.shape(values), int))
    with pytest.raises(InputError, match=r"Labels must have shape \(1, 1\), got \(2, 1\)"):
        fit_maps([[0.5]], [[1], [0]])
    calibrator = ProbabilityCalibrator().fit(member, films)
    with pytest.raises(InputError, match="same genres in the same order, but their order differs"):
        calibrator.transform(GenreProbabilities(["tt1"], list(GENRES)[::-1], [[0.1] * 4], "poster"))
    saved = calibrator.to_dict()
    del saved["maps"]
    with pytest.raises(InputError, match="needs 'maps', which is not there"):
        ProbabilityCalibrator.from_dict(saved)
    with pytest.raises(ValueError, match="not fitted yet"):
        ProbabilityCalibrator().transform(member)
