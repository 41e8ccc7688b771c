import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, log_loss

from multigenre.scores._bootstrap import bounds, draws, resample_genres


def test_scores_of_resamples_are_scikit_learn_s_of_repeated_films():
    rng = np.random.default_rng(0)
    labels = rng.random((60, 3)) < [0.5, 0.25, 0]
    sides = []
    for noise in (1.0, 2.0):
        values = (1 / (1 + np.exp(-(2.0 * labels - 1 + noise * rng.normal(size=labels.shape))))).round(2)
        sides.append((values, values >= 0.5))
    found = resample_genres(sides, labels, 4, seed=1)
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


def test_draws_come_in_chunks_and_each_draws_as_many_films_as_there_are(monkeypatch):
    monkeypatch.setattr("multigenre.scores._bootstrap.CELLS", 30)
    found = list(draws(10, 7, seed=0))
    assert [one.shape for one in found] == [(10, 3), (10, 3), (10, 1)]
    assert (np.concatenate(found, axis=1).sum(axis=0) == 10).all()


def test_bounds_are_centred_on_the_value_and_leave_out_what_is_undefined():
    drawn = np.column_stack([np.linspace(0, 1, 101), np.full(101, np.nan)])
    drawn[0, 0] = np.nan
    found = bounds(np.array([2.0, np.nan]), drawn, 0.9)
    assert found[:, 0] == pytest.approx([2 - 0.4455, 2 + 0.4455], abs=1e-9)
    assert np.isnan(found[:, 1]).all()
