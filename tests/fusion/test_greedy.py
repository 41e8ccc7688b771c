import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.fusion import greedy_weights
from multigenre.scores import losses


def drawn(seed, n_members=3):
    rng = np.random.default_rng(seed)
    labels = (rng.random((50, 4)) < 0.3).astype(np.uint8)
    return np.clip(0.3 * labels + 0.2 + rng.normal(0, 0.15, (n_members, 50, 4)), 0.01, 0.99), labels


@given(st.integers(0, 10_000))
def test_the_selection_is_a_weighted_mean_no_worse_than_the_best_member(seed):
    values, labels = drawn(seed)
    weights = greedy_weights(values, labels, rounds=10)
    assert (weights >= 0).all() and weights.sum() == pytest.approx(1)
    fused = np.tensordot(weights, values, 1)
    assert losses(fused, labels).mean() <= min(losses(value, labels).mean() for value in values) + 1e-12


def test_with_two_members_it_is_near_the_best_of_all_weights():
    values, labels = drawn(1, n_members=2)
    grid = np.linspace(0, 1, 1001)
    best = min(losses(w * values[0] + (1 - w) * values[1], labels).mean() for w in grid)
    weights = greedy_weights(values, labels, rounds=100)
    assert losses(np.tensordot(weights, values, 1), labels).mean() < best + 1e-5


def test_a_member_that_tells_the_truth_is_all_that_is_picked():
    values, labels = drawn(0)
    assert greedy_weights([labels * 1.0, *values], labels).tolist() == [1, 0, 0, 0]


def test_the_second_pick_by_hand():
    # 0.8 and 0.4 for one film that carries the genre: adding the worse member lowers the mean to 0.6.
    assert greedy_weights([[[0.8]], [[0.4]]], [[1]]).tolist() == [1, 0]


def test_what_cannot_be_selected_from_is_refused_in_one_sentence():
    with pytest.raises(
        InputError, match=r"needs probabilities of members, films and genres, got shape \(2, 0, 3\)"
    ):
        greedy_weights(np.zeros((2, 0, 3)), np.zeros((0, 3)))
    with pytest.raises(InputError, match="must have shape"):
        greedy_weights(np.full((2, 4, 3), 0.5), np.zeros((4, 2)))
