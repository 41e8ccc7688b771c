import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score, precision_recall_curve

from multigenre._checks import InputError
from multigenre.calibration import f1_threshold, f1_thresholds
from multigenre.calibration._f1_cuts import f_star_half


def genre_columns():
    """A genre's probabilities, with ties, and labels, with at least one film that carries it."""
    return st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            hnp.arrays(float, n, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])),
            hnp.arrays(np.uint8, n, elements=st.integers(0, 1)).filter(np.any),
        )
    )


def made(n_films=200, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.random((n_films, 3)).round(2)
    return values, (rng.random(values.shape) < values * [0.8, 1, 0.1]).astype(np.uint8)


@given(genre_columns())
def test_no_cut_has_a_higher_f1_and_the_highest_of_the_best_is_taken(column):
    probability, label = column
    precision, recall, cuts = precision_recall_curve(label, probability)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    assert f1_threshold(probability, label) == cuts[np.isclose(f1, f1.max(), rtol=1e-12)].max()


@given(genre_columns())
def test_the_order_of_films_does_not_matter(column):
    probability, label = column
    order = np.random.default_rng(0).permutation(len(label))
    assert f1_threshold(probability, label) == f1_threshold(probability[order], label[order])


def test_a_cut_by_hand():
    # Cuts 0.9 and 0.3 find 1 and 2 of 2 films with 1 and 4 predicted, F1 2/3 each: the higher wins.
    assert f1_threshold([0.9, 0.8, 0.4, 0.3], [1, 0, 0, 1]) == 0.9


def test_thresholds_are_one_genre_s_each_and_that_of_all_pairs_maximises_micro_f1():
    values, labels = made()
    assert f1_thresholds(values, labels).tolist() == [
        f1_threshold(values[:, g], labels[:, g]) for g in range(3)
    ]
    micro = {
        cut: f1_score(labels, values >= cut, average="micro", zero_division=0) for cut in np.unique(values)
    }
    assert micro[f1_threshold(values.ravel(), labels.ravel())] == max(micro.values())


def test_half_the_best_f1_is_what_scikit_learn_finds_and_where_calibrated_probabilities_are_cut():
    values, labels = made()
    cuts = f1_thresholds(values, labels)
    assert np.allclose(f_star_half(values, labels), f1_score(labels, values >= cuts, average=None) / 2)
    rng = np.random.default_rng(1)
    calibrated = rng.beta(1, 3, (100_000, 2))
    labels = (rng.random(calibrated.shape) < calibrated).astype(np.uint8)
    assert f1_thresholds(calibrated, labels) == pytest.approx(f_star_half(calibrated, labels), abs=0.02)


def test_float32_probabilities_are_cut_where_they_are():
    probability = np.array([0.1, 0.7, 0.3], np.float32)
    cut = f1_threshold(probability, [0, 1, 0])
    assert (probability >= cut).tolist() == [False, True, False]


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(InputError, match="No film carries the genre"):
        f1_threshold([0.5], [0])
    with pytest.raises(InputError, match="needs finite probabilities"):
        f1_threshold([np.nan, 0.2], [0, 1])
    with pytest.raises(InputError, match="Labels must be 0 or 1, got 2"):
        f1_threshold([0.1, 0.2], [2, 1])
    with pytest.raises(InputError, match=r"Labels must have shape \(2, 1\), got \(2, 2\)"):
        f1_thresholds([[0.5], [0.2]], [[1, 0], [0, 1]])
