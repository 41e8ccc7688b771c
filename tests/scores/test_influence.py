import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from multigenre.scores import _bootstrap, _influence
from multigenre.scores._bootstrap import METRICS, bounds, draws, resample, resample_genres
from multigenre.scores._influence import genre_influence_samples, influence_samples, precision_moves
from multigenre.scores._sorted import cell_keys, genre_cuts

PREVALENCES = [0.5, 0.2, 0.08, 0.03]


def made(n_films, seed=0, kind=np.float32, digits=7):
    """Two contenders that err on much the same films, and what each names."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n_films, 4)) + np.log(PREVALENCES)
    labels = (rng.random(truth.shape) < 1 / (1 + np.exp(-truth))).astype(np.uint8)
    sides = []
    for noise in (0.3, 0.8):
        values = 1 / (1 + np.exp(-truth - noise * rng.normal(size=truth.shape)))
        values = values.round(digits).astype(kind)
        sides.append((values, values >= 0.35))
    return sides, labels


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.sampled_from([1, 2, 7]))
def test_a_cell_moves_average_precision_as_a_little_more_of_its_weight_does(seed, n_films, digits):
    sides, labels = made(n_films, seed, np.float64, digits)
    value, label = sides[0][0][:, 0], labels[:, 0]
    label[0] = 1
    keys = np.sort(cell_keys(value[:, None], label[:, None])[0])
    order = np.lexsort((label, value))
    moves = precision_moves(genre_cuts(keys), keys)
    assert moves.sum() == pytest.approx(0, abs=1e-12)
    for cell, film in enumerate(order):
        weights = np.ones((n_films, 2)) + 1e-5 * np.outer(np.arange(n_films) == film, [1, -1])
        more, less = (average_precision_score(label, value, sample_weight=weight) for weight in weights.T)
        assert moves[cell] == pytest.approx((more - less) / 2e-5, abs=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([np.float32, np.float64]), st.sampled_from([1, 7]))
def test_a_film_moves_every_score_as_a_little_more_of_its_weight_does(seed, kind, digits):
    n_films = 25
    [(values, named), _], labels = made(n_films, seed, kind, digits)
    scores, moves, _, gaps = _influence._side(values, named, labels)
    weighted = _bootstrap._averages(values, named, labels)
    np.testing.assert_allclose(scores, weighted(np.ones((n_films, 1)))[0], rtol=1e-6, atol=1e-9)
    assert np.abs(gaps).sum() / labels.size == pytest.approx(scores[-1], abs=1e-12)
    is_mean = np.isin(METRICS, ["bce", "f1_samples", "brier", "ece"])
    for film in range(n_films):
        # As many films in all: a mean is over as many, and what one film gains the others lose.
        step = np.full(n_films, -1)
        step[film] = n_films - 1
        # Many of each, as resamples are of whole films; only means over films depend on how many there are.
        many = 1000 * (n_films - 1)
        more, less = weighted(many + np.stack([step, -step], axis=1)) / np.where(is_mean, many, 1)
        expected = (more - less)[:-1] / 2e-3 * (n_films - 1) / n_films
        np.testing.assert_allclose(moves[film] / n_films, expected, atol=3e-5)


def test_bins_are_moved_by_the_films_in_them():
    [(values, named), _], labels = made(300, digits=2)
    _, _, edges, gaps = _influence._side(values, named, labels)
    residuals = _influence._residuals(values, labels, edges)
    np.testing.assert_allclose(residuals.sum(axis=0), gaps.ravel(), atol=1e-4)
    np.testing.assert_allclose(residuals.T, _bootstrap._residuals(values, labels).toarray(), atol=1e-6)


def test_intervals_from_influence_values_are_those_of_the_bootstrap_within_2_percent_of_their_width():
    """The same draws move both, so that chance does not decide: resamples' scores, and what films' moves add up to."""
    n_films, replicates = 20_000, 1000
    sides, labels = made(n_films)
    drawn = resample(sides, labels, replicates, seed=0)
    weights = np.concatenate(list(draws(n_films, 1 + replicates, seed=0)), axis=1)[:, 1:]
    straight = []
    for values, named in sides:
        scores, moves, edges, gaps = _influence._side(values, named, labels)
        moved = scores[:-1] + (weights - 1).T @ moves / n_films
        sums = gaps.ravel() + (weights - 1).T @ _influence._residuals(values, labels, edges)
        straight.append(np.column_stack([moved, np.abs(sums).sum(axis=1) / labels.size]))
    first, second = straight
    for expected, found in ((drawn[0], first), (drawn[1], second), (drawn[0] - drawn[1], first - second)):
        (low, high), other = (bounds(expected[0], one) for one in (expected[1:], found))
        assert (np.abs(other - [low, high]) < 0.02 * (high - low)).all()


def test_normal_draws_have_the_variances_that_films_moves_add_up_to_and_keep_their_pairs():
    sides, labels = made(3000)
    (first, second), found = influence_samples(sides, labels, seed=0), []
    for values, named in sides:
        scores, moves, edges, _ = _influence._side(values, named, labels)
        found.append((scores, moves.astype(float), _influence._residuals(values, labels, edges)))
    pairs = ((first, found[0][1]), (second, found[1][1]), (first - second, found[0][1] - found[1][1]))
    for drawn, moves in pairs:
        deviation = np.sqrt(np.square(moves).sum(axis=0)) / len(labels)
        low, high = bounds(drawn[0], drawn[1:])[:, :-1]
        np.testing.assert_allclose(high - low, 2 * 1.959964 * deviation, rtol=0.015)
    # Of the calibration error, which is not normal: films drawn again give its spread, but for chance.
    errors = resample(sides, labels, 2000, seed=1)[:, 1:, -1]
    np.testing.assert_allclose([first[1:, -1].std(), second[1:, -1].std()], errors.std(axis=1), rtol=0.06)
    np.testing.assert_allclose((first - second)[1:, -1].std(), (errors[0] - errors[1]).std(), rtol=0.06)
    np.testing.assert_allclose(first[1:, -1].mean(), errors[0].mean(), rtol=0.01)


def test_films_that_lie_evenly_among_many_tell_how_much_bins_vary(monkeypatch):
    sides, labels = made(20_000)
    every = influence_samples(sides, labels, seed=0)
    monkeypatch.setattr(_influence, "BINNED", 5000)
    some = influence_samples(sides, labels, seed=0)
    assert (some[:, :, :-1] == every[:, :, :-1]).all() and (some[:, 0] == every[:, 0]).all()
    assert (some[:, 1:, -1] != every[:, 1:, -1]).any()
    np.testing.assert_allclose(some[:, 1:, -1].std(axis=1), every[:, 1:, -1].std(axis=1), rtol=0.05)


def test_scores_by_genre_have_the_spread_of_resamples_and_keep_their_pairs():
    sides, labels = made(4000)
    found, drawn = (
        genre_influence_samples(sides, labels, seed=0),
        resample_genres(sides, labels, 2000, seed=0),
    )
    np.testing.assert_allclose(found[:, :, 0], drawn[:, :, 0], rtol=1e-9)
    np.testing.assert_allclose(found[:, :, 1:].std(axis=2), drawn[:, :, 1:].std(axis=2), rtol=0.08)
    found, drawn = found[0] - found[1], drawn[0] - drawn[1]
    np.testing.assert_allclose(found[:, 1:].std(axis=1), drawn[:, 1:].std(axis=1), rtol=0.08)


@pytest.mark.parametrize("rows", [1, 40])
def test_what_no_film_carries_has_no_interval(rows):
    sides, labels = made(rows)
    found = influence_samples(sides, labels * 0, seed=0)
    undefined = [METRICS.index(name) for name in ("map_macro", "map_micro", "f1_micro", "f1_macro")]
    assert np.isnan(found[:, :, undefined]).all() and np.isfinite(np.delete(found, undefined, axis=2)).all()
    assert np.isnan(genre_influence_samples(sides, labels * 0, seed=0)[:, :2]).all()


def test_films_are_drawn_again_up_to_a_number_of_them_and_then_no_more(monkeypatch):
    sides, labels = made(50)
    monkeypatch.setattr(_bootstrap, "RESAMPLED", 50)
    assert resample(sides, labels, 9, seed=0).shape == (2, 10, 8)
    assert resample_genres(sides, labels, 9, seed=0).shape == (2, 3, 10, 4)
    monkeypatch.setattr(_bootstrap, "RESAMPLED", 49)
    assert (resample(sides, labels, 9, seed=0) == influence_samples(sides, labels, seed=0)).all()
    assert (resample_genres(sides, labels, 9, seed=0) == genre_influence_samples(sides, labels, seed=0)).all()
