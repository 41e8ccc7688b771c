import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss

from multigenre.analysis._intervals import draws
from multigenre.analysis._trust import METRICS, differences, paired_samples


def made(n_films=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.random((n_films, 3)) < [0.5, 0.25, 0]
    sides = []
    for noise in (1.0, 2.0):
        values = (1 / (1 + np.exp(-(2.0 * labels - 1 + noise * rng.normal(size=labels.shape))))).round(2)
        sides.append((values, values >= 0.5))
    return sides, labels


def test_scores_of_resamples_are_scikit_learn_s_of_repeated_films():
    sides, labels = made()
    found = paired_samples(sides, labels, 4, seed=1)
    [weights] = draws(60, 4, seed=1)
    for (values, named), scores in zip(sides, found, strict=True):
        for draw, weight in enumerate([np.ones(60), *weights.T]):
            rows = np.repeat(np.arange(60), weight.astype(int))
            for genre in range(2):
                label, value = labels[rows, genre], values[rows, genre].clip(1e-7, 1 - 1e-7)
                assert scores[0, draw, genre] == pytest.approx(f1_score(label, named[rows, genre]))
                assert scores[1, draw, genre] == pytest.approx(average_precision_score(label, value))
                assert scores[2, draw, genre] == pytest.approx(log_loss(label, value, labels=[0, 1]))
        assert np.isnan(scores[:2, :, 2]).all()


def test_the_same_prediction_differs_from_itself_by_nothing():
    [side, _], labels = made()
    a, b = paired_samples([side, side], labels, 50, 0)
    table = differences(a, b, pd.Series(labels.sum(axis=0), ["Comedy", "Drama", "War"]))
    live = table[table["genre"] != "War"]
    assert (live[["gain", "low", "high"]] == 0).all(axis=None)
    assert (live[["p", "p_holm", "p_bh"]] == 1).all(axis=None)


def test_gains_are_above_zero_where_a_is_better_and_swap_with_the_sides():
    sides, labels = made(300)
    a, b = paired_samples(sides, labels, 200, 0)
    support = pd.Series(labels.sum(axis=0), ["Comedy", "Drama", "War"])
    forth, back = differences(a, b, support), differences(b, a, support)
    assert (forth["gain"].dropna() > 0).all()
    assert forth["gain"].to_numpy(float, na_value=0) == pytest.approx(
        -back["gain"].to_numpy(float, na_value=0)
    )
    assert forth["low"].to_numpy(float, na_value=0) == pytest.approx(
        -back["high"].to_numpy(float, na_value=0)
    )
    assert forth["p"].to_numpy(float, na_value=0) == pytest.approx(back["p"].to_numpy(float, na_value=0))


def test_a_genre_of_few_films_has_a_gain_but_no_interval_and_one_of_none_has_nothing():
    sides, labels = made(30)
    labels[:, 1] = np.arange(30) < 9
    a, b = paired_samples(sides, labels, 50, 0)
    table = differences(a, b, pd.Series(labels.sum(axis=0), ["Comedy", "Drama", "War"]))
    few, none = table[table["genre"] == "Drama"], table[table["genre"] == "War"]
    assert few["gain"].notna().all() and few[["low", "high", "p", "p_holm", "p_bh"]].isna().all(axis=None)
    assert none[["value", "other", "gain", "low", "high", "p"]].isna().all(axis=None)


def test_intervals_cover_the_true_difference_about_as_often_as_they_say():
    # A large sample is the truth; small ones must cover it.
    sides, labels = made(20_000, seed=9)
    truth = paired_samples(sides, labels, 0, 0)
    truth = (truth[0] - truth[1])[:2, 0, 0]
    covered, trials = np.zeros(2), 60
    for seed in range(trials):
        sides, labels = made(150, seed=seed)
        table = differences(
            *paired_samples(sides, labels, 200, seed), pd.Series(labels.sum(axis=0), list("abc"))
        )
        rows = table[(table["genre"] == "a") & (table["metric"] != "bce")]
        covered += ((rows["low"] <= truth) & (truth <= rows["high"])).to_numpy(bool)
    assert (covered / trials >= 0.85).all()


def test_no_film_gives_nothing_and_no_warning():
    nothing = np.zeros((0, 2))
    samples = paired_samples([(nothing, nothing > 0)] * 2, nothing > 0, 5, 0)
    table = differences(*samples, pd.Series([0, 0], ["Comedy", "War"]))
    assert len(table) == len(METRICS) * 2 and table["gain"].isna().all()
