import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from multigenre.analysis._intervals import (
    benjamini_hochberg,
    f1_interval,
    holm,
    sign_test,
    wilson,
)

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(st.integers(1, 300), st.data())
def test_the_interval_of_a_rate_is_scipy_s(n, data):
    hits = data.draw(st.integers(0, n))
    expected = binomtest(hits, n).proportion_ci(0.9, method="wilson")
    assert wilson(hits, n, 0.9) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_the_interval_of_a_rate_holds_the_rate_and_is_undefined_without_films():
    hits, n = np.array([0, 3, 7, 0]), np.array([7, 7, 7, 0])
    low, high = wilson(hits, n)
    assert low[0] == 0 and high[2] == 1
    assert (low[:3] <= hits[:3] / 7).all() and (hits[:3] / 7 <= high[:3]).all()
    assert np.isnan([low[3], high[3]]).all()


def test_the_interval_of_an_f1_covers_it_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth, covered = 2 * 0.3 / (2 * 0.3 + 0.1 + 0.2), 0
    for _ in range(400):
        hits, extra, lost, _ = rng.multinomial(100, [0.3, 0.1, 0.2, 0.4])
        low, high = f1_interval(hits, hits + extra + lost)
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_the_exact_binomial_one(wins, losses):
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1
    assert sign_test(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_holm_adjusts_as_worked_by_hand():
    assert holm([0.01, 0.04, 0.03, np.nan]) == pytest.approx([0.03, 0.06, 0.06, np.nan], nan_ok=True)


@given(P_VALUES)
def test_holm_is_between_the_p_values_and_bonferroni_s(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-15).all()
    # A smaller p-value never comes out larger.
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


@given(P_VALUES)
def test_benjamini_hochberg_is_scipy_s_and_leaves_out_what_is_no_test(p):
    assert benjamini_hochberg([np.nan, *p])[1:] == pytest.approx(false_discovery_control(p))
    assert (benjamini_hochberg(p) <= holm(p) + 1e-12).all()
    assert np.isnan(benjamini_hochberg([np.nan])).all()
