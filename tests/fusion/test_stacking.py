import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from multigenre._checks import InputError
from multigenre.calibration import logistic, minimise, tied
from multigenre.data import logits, sigmoid
from multigenre.fusion._stacking import (
    NEAR_RIDGE,
    Stack,
    equal_stack,
    evidence,
    others_path,
    stack_loss,
    stack_path,
)


def drawn(n_films=400, n_genres=3, n_members=2, seed=0):
    """Log-odds (n_members, n_films, n_genres) of members that see the truth through noise, and labels."""
    rng = np.random.default_rng(seed)
    truth = np.linspace(-2, 0.3, n_genres) + 1.5 * rng.normal(size=(n_films, n_genres))
    labels = (rng.random(truth.shape) < sigmoid(truth)).astype(np.uint8)
    return truth + rng.normal(size=(n_members, *truth.shape)), labels


def by_genre(log_odds):
    """Features (n_genres, n_films, 1 + n_members), the first of which is 1."""
    return np.insert(log_odds.transpose(2, 1, 0), 0, 1.0, axis=2)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_many_regressions_at_once_are_scikit_learn_s_one_by_one(C):
    log_odds, labels = drawn()
    own, targets = by_genre(log_odds), labels.T.astype(float)
    problem = logistic(own, np.zeros((400, 0)), targets, np.zeros((3, 3)), np.array([0, 1 / C, 1 / C]))
    for found, x, y in zip(
        minimise(*problem, np.zeros((3, 3))).parameters, own[..., 1:], targets, strict=True
    ):
        oracle = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(x, y)
        np.testing.assert_allclose(found, [*oracle.intercept_, *oracle.coef_[0]], atol=1e-5)


def test_features_that_all_genres_see_are_like_features_of_each():
    log_odds, labels = drawn()
    own, common = by_genre(log_odds[:1]), log_odds[1]
    targets, ridge = labels.T.astype(float), np.r_[0.0, np.full(4, 2.0)]
    apart = np.concatenate([own, np.broadcast_to(common, (3, *common.shape))], axis=2)
    start = np.zeros((3, 5))
    together = minimise(*logistic(own, common, targets, start, ridge), start).parameters
    expected = minimise(*logistic(apart, np.zeros((400, 0)), targets, start, ridge), start).parameters
    np.testing.assert_allclose(together, expected, atol=1e-8)


def test_tied_parameters_are_those_of_one_regression_over_all_genres():
    log_odds, labels = drawn()
    own, targets = by_genre(log_odds), labels.T.astype(float)
    slots = np.array([[0, 3, 4], [1, 3, 4], [2, 3, 4]])
    problem = logistic(own, np.zeros((400, 0)), targets, np.zeros((3, 3)), np.full(3, 1e-6))
    found = minimise(*tied(*problem, slots), np.zeros((1, 5))).parameters[0]
    stacked = np.hstack([np.repeat(np.eye(3), 400, axis=0), own[..., 1:].reshape(-1, 2)])
    oracle = LogisticRegression(C=1e6, tol=1e-10, max_iter=10_000, fit_intercept=False)
    np.testing.assert_allclose(found, oracle.fit(stacked, targets.ravel()).coef_[0], atol=1e-4)


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_bounded_parameters_are_those_of_a_general_solver(seed):
    log_odds, labels = drawn(60, 2, 3, seed)
    log_odds[2] *= -1  # a member that is wrong wants a weight below 0
    own, targets, lower = by_genre(log_odds), labels.T.astype(float), np.r_[-np.inf, 0, 0, 0]
    slopes, curvature = logistic(own, np.zeros((60, 0)), targets, np.full((2, 4), 0.3), np.full(4, 2.0))
    found = minimise(slopes, curvature, np.full((2, 4), 0.3), lower=lower).parameters
    assert (found >= lower).all()
    for genre in (0, 1):

        def loss(b, genre=genre):
            value, gradient = slopes(np.tile(b, (2, 1)))
            return value[genre], gradient[genre]

        bounds = list(zip(lower, [np.inf] * 4, strict=True))
        oracle = minimize(loss, np.full(4, 0.3), jac=True, method="L-BFGS-B", bounds=bounds, tol=1e-14)
        np.testing.assert_allclose(loss(found[genre])[0], oracle.fun, rtol=1e-9)


def test_parameters_that_are_not_free_stay():
    log_odds, labels = drawn()
    start = np.array([[0.0, 1.0, 0.5]] * 3)
    problem = logistic(by_genre(log_odds), np.zeros((400, 0)), labels.T.astype(float), start, np.zeros(3))
    found = minimise(*problem, start, free=np.array([True, False, True])).parameters
    assert (found[:, 1] == 1).all() and (found[:, [0, 2]] != start[:, [0, 2]]).all()


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.4]))
def test_where_the_search_starts_does_not_change_what_is_found(seed, bound):
    log_odds, labels = drawn(80, 2, 3, seed)
    problems = [
        logistic(
            by_genre(log_odds)[:, rows],
            np.zeros((60, 0)),
            labels[rows].T.astype(float),
            zero,
            np.full(4, 0.5),
        )
        for zero in [np.zeros((2, 4))]
        for rows in (slice(60), slice(20, None))
    ]
    lower = np.r_[-np.inf, np.full(3, bound)]
    like = minimise(*problems[0], np.zeros((2, 4)), lower=lower, tolerance=1e-3)
    cold, warm = (
        minimise(*problems[1], np.zeros((2, 4)), lower=lower, near=near).parameters for near in (None, like)
    )
    np.testing.assert_allclose(warm, cold, atol=1e-7)


def test_what_does_not_converge_is_said():
    def slopes(parameters):
        return -parameters[:, 0], -np.ones_like(parameters)

    with pytest.raises(InputError, match="did not converge in 200 Newton steps; pass a smaller C"):
        minimise(slopes, lambda parameters: np.ones((1, 1, 1)), np.zeros((1, 1)))


def test_a_large_c_fits_each_genre_alone():
    log_odds, labels = drawn()
    [stack] = stack_path(log_odds, labels, [1e6])
    for weights, x, y in zip(stack.weights, log_odds.transpose(2, 1, 0), labels.T, strict=True):
        oracle = LogisticRegression(C=1e8, tol=1e-10, max_iter=10_000).fit(x, y)
        np.testing.assert_allclose(weights, [*oracle.intercept_, *oracle.coef_[0]], atol=1e-3)


def test_a_small_c_pulls_every_genre_to_shared_weights_and_to_a_line_through_the_levels():
    log_odds, labels = drawn(n_genres=5)
    path = stack_path(log_odds, labels, [1e-6, 1e-2, 1.0, 100.0])
    spread = [np.ptp(stack.weights[:, 1:], axis=0).sum() for stack in path]
    assert spread[0] < 1e-3 and spread == sorted(spread)
    level = log_odds.mean(axis=1).T
    at_level = path[0].weights[:, 0] + (path[0].weights[:, 1:] * level).sum(axis=1)
    line = np.insert(level, 0, 1.0, axis=1)
    np.testing.assert_allclose(line @ np.linalg.lstsq(line, at_level)[0], at_level, atol=1e-3)


def test_a_path_gives_what_each_strength_gives_alone():
    log_odds, labels = drawn()
    stack, strengths = stack_path(log_odds, labels, [0.1])[0], [0.01, 0.1, 1.0]
    for fit in (
        lambda C: stack_path(log_odds, labels, C),
        lambda C: others_path(stack, stack.log_odds(log_odds), labels, C),
    ):
        for one, C in zip(fit(strengths), strengths, strict=True):
            np.testing.assert_allclose(one.log_odds(log_odds), fit([C])[0].log_odds(log_odds), atol=1e-6)


def test_weights_are_not_negative_where_that_is_asked():
    log_odds, labels = drawn()
    log_odds[1] *= -1
    [free], [bound] = (stack_path(log_odds, labels, [1.0], non_negative=one) for one in (False, True))
    assert (free.weights[:, 2] < 0).all() and (bound.weights[:, 2] == 0).all()
    np.testing.assert_allclose(
        bound.weights[:, :2], stack_path(log_odds[:1], labels, [1.0])[0].weights, rtol=0.1
    )


def test_a_genre_that_no_film_carries_stays_close_to_the_others():
    log_odds, labels = drawn(n_genres=4)
    labels[:, 3], log_odds[:, :, 3] = 0, log_odds[:, :, 3] - 6
    [stack] = stack_path(log_odds, labels, [0.1])
    assert np.isfinite(stack.weights).all()
    np.testing.assert_allclose(stack.weights[3, 1:], stack.weights[:3, 1:].mean(axis=0), atol=0.1)
    assert sigmoid(stack.log_odds(log_odds))[:, 3].mean() < 0.01


def test_errors_of_a_free_fit_are_those_of_the_information():
    log_odds, labels = drawn()
    [stack] = stack_path(log_odds, labels, [1e6])
    for genre, features in enumerate(by_genre(log_odds)):
        share = sigmoid(features @ stack.weights[genre])
        information = (features * (share * (1 - share))[:, None]).T @ features
        expected = np.sqrt(np.diag(np.linalg.inv(information)))
        np.testing.assert_allclose(stack.errors[genre], expected, rtol=1e-3)


def test_intervals_hold_true_weights_as_often_as_they_say():
    rng, n_genres, C = np.random.default_rng(0), 200, 0.1
    truth = rng.normal([-0.5, 0.8, 0.3], np.sqrt(C), size=(n_genres, 3))
    log_odds = rng.normal(size=(2, 300, n_genres))
    labels = rng.random((300, n_genres)) < sigmoid(truth[:, 0] + (log_odds * truth.T[1:, None]).sum(axis=0))
    [stack] = stack_path(log_odds, labels.astype(np.uint8), [C])
    held = np.abs(stack.weights - truth) < 1.96 * stack.errors
    assert ((held.mean(axis=0) > 0.92) & (held.mean(axis=0) < 0.98)).all()


def test_evidence_by_hand():
    # Odds of 1 where the usual are 1/3: log(1 + 3). Far less likely than usual: nothing.
    usual = np.log([1 / 3, 1 / 3])
    np.testing.assert_allclose(evidence(np.array([0.0, -40.0]), usual), [np.log(4), 0], atol=1e-12)


@given(st.floats(-700, 700), st.floats(-14, 14))
def test_evidence_is_numpy_s_logaddexp(log_odds, usual):
    np.testing.assert_allclose(evidence(log_odds, usual), np.logaddexp(0, log_odds - usual), atol=1e-12)


def test_a_genre_s_weights_for_others_minimise_the_documented_loss():
    log_odds, labels = drawn(n_films=200)
    [stack] = stack_path(log_odds, labels, [0.1])
    fused, C = stack.log_odds(log_odds), 0.05
    [seeing] = others_path(stack, fused, labels, [C])
    seen = evidence(fused, seeing.usual)
    np.testing.assert_allclose(sigmoid(seeing.usual), sigmoid(fused).mean(axis=0))
    for genre in range(3):
        own = fused[:, genre]

        def loss(b, own=own, genre=genre):
            total = b[0] + b[1] * (own - own.mean()) + (seen - seen.mean(axis=0)) @ b[2:]
            pull = NEAR_RIDGE * ((b[0] - own.mean()) ** 2 + (b[1] - 1) ** 2) + (b[2:] ** 2).sum() / C
            return stack_loss(total, labels[:, genre]) * len(own) + pull / 2

        oracle = minimize(loss, np.r_[own.mean(), 1, np.zeros(3)], tol=1e-10).x
        np.testing.assert_allclose(seeing.others[genre, 1:], oracle[1:], atol=1e-4)
        intercept = oracle[0] - oracle[1] * own.mean() - oracle[2:] @ seen.mean(axis=0)
        assert seeing.others[genre, 0] == pytest.approx(intercept, abs=1e-4)


def test_other_genres_help_where_genres_go_together_and_a_small_c_keeps_them_out():
    rng = np.random.default_rng(0)
    truth = 2 * rng.normal(size=(600, 1)) + 0.3 * rng.normal(size=(600, 4)) - 1
    labels = (rng.random(truth.shape) < sigmoid(truth)).astype(np.uint8)
    log_odds = (truth + 2 * rng.normal(size=truth.shape))[None]
    rest, held = slice(0, 300), slice(300, 600)
    [stack] = stack_path(log_odds[:, rest], labels[rest], [0.1])
    plain = stack.log_odds(log_odds[:, held])
    none, some = others_path(stack, stack.log_odds(log_odds[:, rest]), labels[rest], [1e-8, 0.1])
    assert stack_loss(some.log_odds(log_odds[:, held]), labels[held]) < stack_loss(plain, labels[held]) - 0.02
    assert np.abs(none.others[:, 2:]).max() < 1e-4


def test_an_equal_stack_is_the_mean():
    log_odds, _ = drawn()
    np.testing.assert_allclose(equal_stack(3, 2).log_odds(log_odds), log_odds.mean(axis=0))


def test_a_stack_is_the_same_after_json_and_in_single_precision():
    log_odds, labels = drawn()
    [stack] = stack_path(log_odds, labels, [0.1])
    for one in (equal_stack(3, 2), stack, *others_path(stack, stack.log_odds(log_odds), labels, [0.1])):
        again = Stack.from_dict(json.loads(json.dumps(one.to_dict(), allow_nan=False)))
        assert (again.log_odds(log_odds) == one.log_odds(log_odds)).all()
        np.testing.assert_allclose(again.errors, one.errors)
        small = one.log_odds(log_odds.astype(np.float32))
        assert small.dtype == np.float32
        np.testing.assert_allclose(small, one.log_odds(log_odds), atol=1e-5)


def test_a_loss_by_hand():
    assert stack_loss(logits(np.array([[0.5, 0.25]])), np.array([[1, 0]])) == pytest.approx(
        -(np.log(0.5) + np.log(0.75)) / 2
    )
