import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score

from multigenre.scores import _sorted
from multigenre.scores._sorted import cell_keys, micro_average_precision, ranked_scores

UNIT = {"min_value": 0, "max_value": 1}


@st.composite
def cells(draw):
    """Probabilities and labels of a few films and genres, with ties, zeros of both signs and ones among them."""
    shape = draw(st.integers(1, 30)), draw(st.integers(1, 4))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    width = 32 if kind is np.float32 else 64
    some = draw(st.lists(st.floats(**UNIT, width=width), min_size=1, max_size=4))
    values = draw(arrays(kind, shape, elements=st.sampled_from([*some, 0.0, -0.0, 1.0])))
    return values, draw(arrays(np.uint8, shape, elements=st.integers(0, 1)))


def calibration_error(value, label, bins):
    """One genre's error from the definition: films ranked from 0, those of one probability as the first of them."""
    ranks = np.array([(value < mine).sum() for mine in value])
    binned = [ranks * bins // len(value) == number for number in range(bins)]
    return sum(abs(value[here].sum(dtype=float) - label[here].sum()) for here in binned) / len(value)


@settings(deadline=None)
@given(cells(), st.integers(1, 12))
def test_scores_from_sorted_cells_are_scikit_learn_s_and_those_of_the_definition(data, bins):
    values, labels = data
    keys = cell_keys(values, labels)
    average_precision, ece = ranked_scores(keys, bins)
    for genre, (value, label) in enumerate(zip(values.T, labels.T, strict=True)):
        assert ece[genre] == pytest.approx(calibration_error(value, label, bins), abs=1e-12)
        if label.any():
            assert average_precision[genre] == pytest.approx(average_precision_score(label, value), rel=1e-12)
        else:
            assert np.isnan(average_precision[genre])
    if labels.any():
        micro = average_precision_score(labels.ravel(), values.ravel())
        assert micro_average_precision(keys) == pytest.approx(micro, rel=1e-12)
    else:
        assert np.isnan(micro_average_precision(keys))


@pytest.mark.parametrize("digits", [1, 7])
@pytest.mark.parametrize("workers", [1, 3])
def test_the_average_precision_of_all_pairs_is_put_together_from_parts(monkeypatch, digits, workers):
    monkeypatch.setattr(_sorted, "CELLS", 256)
    monkeypatch.setattr(_sorted, "FILMS", 64)
    monkeypatch.setenv("MULTIGENRE_CORES", str(workers))
    rng = np.random.default_rng(0)
    values = rng.random((1000, 3), np.float32).round(digits) * [0.2, 1, 0.9]
    labels = (rng.random(values.shape) < values / 2).astype(np.uint8)
    keys = cell_keys(values, labels)
    expected = [
        average_precision_score(label, value) for label, value in zip(labels.T, values.T, strict=True)
    ]
    np.testing.assert_allclose(ranked_scores(keys, 10)[0], expected, rtol=1e-12)
    assert micro_average_precision(keys) == pytest.approx(
        average_precision_score(labels.ravel(), values.ravel()), rel=1e-12
    )


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sorted_cells_are_as_large_as_the_probabilities(kind):
    values = np.full((7, 3), 0.5, kind)
    assert cell_keys(values, np.ones((7, 3), np.uint8)).nbytes == values.nbytes


def test_no_film_has_no_score():
    keys = cell_keys(np.empty((0, 2)), np.empty((0, 2), np.uint8))
    assert np.isnan(ranked_scores(keys, 10)).all() and np.isnan(micro_average_precision(keys))
