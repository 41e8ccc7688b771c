import numpy as np

from multigenre.fusion._pattern_fits import implied_map, imputed, moments_of
from multigenre.fusion._stacking import stack_path


def drawn(n_films=2000):
    """Log-odds (3, n_films, 4): the second member follows the first, the third is on its own."""
    rng = np.random.default_rng(0)
    first, noise, alone = rng.normal(size=(3, n_films, 4))
    return np.stack([first - 1, 0.5 * first + 0.1 * noise + 2, alone])


def test_a_member_that_follows_another_is_imputed_from_it_and_one_that_does_not_has_its_mean():
    log_odds = drawn()
    log_odds[1:, 1000:] = np.nan
    filled = imputed(log_odds, moments_of(log_odds, np.ones(2000)))
    np.testing.assert_allclose(filled[1, 1000:], drawn()[1, 1000:], atol=0.6)
    np.testing.assert_allclose(filled[1, 1000:], 0.5 * (log_odds[0, 1000:] + 1) + 2, atol=0.15)
    np.testing.assert_allclose(filled[2, 1000:], 0, atol=0.25)
    np.testing.assert_array_equal(filled[:, :1000], log_odds[:, :1000])


def test_the_slopes_are_those_of_least_squares():
    log_odds = drawn()
    missing = log_odds.copy()
    missing[1, 1500:] = np.nan
    level = np.nanmean(missing, axis=1)[:, None]
    centred = (missing[:, :1500] - level).reshape(3, -1)
    slopes = np.linalg.lstsq(centred[[0, 2]].T, centred[1])[0]
    expected = level[1] + np.tensordot(slopes, (log_odds - level)[[0, 2], 1500:], 1)
    np.testing.assert_allclose(
        imputed(missing, moments_of(missing, np.ones(2000)))[1, 1500:], expected, atol=0.02
    )


def test_implied_weights_say_what_all_weights_say_of_imputed_films():
    log_odds, rng = drawn(), np.random.default_rng(1)
    [stack] = stack_path(log_odds, (rng.random((2000, 4)) < 0.4).astype(np.uint8), [1.0])
    moments = moments_of(log_odds, np.ones(2000))
    for pattern in ((0,), (2,), (0, 2), (1, 2), (0, 1, 2)):
        here = np.isin(range(3), pattern)
        some = np.where(here[:, None, None], log_odds, np.nan)
        expected = stack.log_odds(imputed(some, moments))
        implied = stack.mapped(implied_map(moments, pattern))
        np.testing.assert_allclose(implied.log_odds(log_odds[here]), expected, atol=1e-9)
        assert (implied.errors > 0).all()
