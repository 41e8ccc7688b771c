import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binomtest

from multigenre._checks import InputError
from multigenre.analysis import reliability_table
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores import expected_calibration_error

GENRES = Genres(["Comedy", "Drama", "War"])


def made(n_films=200, seed=0, role="test"):
    """Films whose genres come exactly as often as a member says."""
    rng = np.random.default_rng(seed)
    values = rng.random((n_films, 3)) * [1, 0.5, 0.1]
    labels = (rng.random(values.shape) < values).astype(np.uint8)
    ids, blank = [f"tt{film}" for film in range(n_films)], [""] * n_films
    return GenreProbabilities(ids, GENRES, values, "poster", role), Films(
        ids, blank, blank, labels, GENRES, role
    )


def cells():
    """Probabilities, with ties, and labels of one film or more."""
    return st.tuples(st.integers(1, 30), st.integers(1, 3)).flatmap(
        lambda shape: st.tuples(
            hnp.arrays(float, shape, elements=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]) | st.floats(0, 1)),
            hnp.arrays(int, shape, elements=st.integers(0, 1)),
        )
    )


def brute_force(value, label, bins):
    """One genre's calibration error, film by film."""
    members = {}
    for p, y in zip(value, label, strict=True):
        members.setdefault(int((value < p).sum() * bins / len(value)), []).append((p, y))
    return sum(len(one) * abs(np.subtract(*np.mean(one, axis=0))) for one in members.values()) / len(value)


@given(cells(), st.integers(1, 12))
def test_the_error_is_that_of_a_loop_over_films(cell, bins):
    values, labels = cell
    expected = [brute_force(*column, bins) for column in zip(values.T, labels.T, strict=True)]
    assert expected_calibration_error(values, labels, bins=bins) == pytest.approx(expected, abs=1e-12)


@given(cells(), st.integers(1, 12))
def test_the_error_is_a_share_and_does_not_depend_on_the_order_of_films(cell, bins):
    values, labels = cell
    error = expected_calibration_error(values, labels, bins=bins)
    assert (error >= 0).all() and (error <= 1).all()
    assert expected_calibration_error(values[::-1], labels[::-1], bins=bins) == pytest.approx(error)


def test_an_error_by_hand():
    # Bins {0.1, 0.3} and {0.6, 0.8}: means 0.2 and 0.7, shares 0.5 and 0.5.
    values, labels = [[0.6], [0.1], [0.8], [0.3]], [[0], [1], [1], [0]]
    assert expected_calibration_error(values, labels, bins=2) == pytest.approx([0.25])
    assert expected_calibration_error(labels, labels) == 0
    assert expected_calibration_error(np.subtract(1, labels), labels) == 1


def test_films_of_one_probability_share_a_bin():
    labels = np.arange(10)[:, None] % 2
    assert expected_calibration_error(np.full((10, 1), 0.5), labels) == pytest.approx([0])


def test_probabilities_that_are_true_have_a_small_error_and_others_their_distance():
    probabilities, films = made(20_000)
    assert (expected_calibration_error(probabilities.values, films.labels) < 0.015).all()
    shifted = expected_calibration_error(probabilities.values + 0.2, films.labels)
    assert shifted == pytest.approx([0.2] * 3, abs=0.01)


def test_the_table_adds_up_to_the_error_and_to_the_films():
    probabilities, films = made(203)
    table = reliability_table(probabilities, films, bins=7)
    assert table.columns.tolist() == ["genre", "bin", "films", "probability", "share", "low", "high"]
    assert table["genre"].unique().tolist() == list(GENRES) and len(table) == 21
    assert (table["films"] == 29).all()
    gap = (table["films"] * (table["probability"] - table["share"]).abs()).groupby(table["genre"]).sum() / 203
    error = expected_calibration_error(probabilities.values, films.labels, bins=7)
    assert gap[list(GENRES)].tolist() == pytest.approx(error)
    assert table.groupby("genre")["probability"].is_monotonic_increasing.all()


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_of_a_share_is_wilson_s(level):
    probabilities, films = made()
    table = reliability_table(probabilities, films, level=level)
    assert (table["share"] == 0).any()
    for row in table.itertuples():
        test = binomtest(round(row.films * row.share), row.films)
        expected = test.proportion_ci(level, method="wilson")
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_bins_that_ties_leave_empty_have_no_row_and_films_not_present_are_left_out():
    _, films = made(10)
    values = np.full((10, 3), 0.25)
    values[:4] = np.nan
    table = reliability_table(GenreProbabilities(films.ids, GENRES, values, "poster", "test"), films)
    assert table["films"].tolist() == [6, 6, 6] and table["bin"].tolist() == [0, 0, 0]
    nothing = GenreProbabilities(films.ids, GENRES, values * np.nan, "poster", "test")
    assert len(reliability_table(nothing, films)) == 0


def test_bad_input_is_refused_in_one_sentence():
    probabilities, films = made(5)
    for values, bins in (
        (np.empty((0, 3)), 10),
        (np.full((5, 3), np.nan), 10),
        (probabilities.values - 1, 10),
        (probabilities.values, 0),
    ):
        with pytest.raises(InputError, match="needs a bin, films, and finite probabilities"):
            expected_calibration_error(values, films.labels[: len(values)], bins=bins)
    with pytest.raises(InputError, match="Labels must have shape"):
        expected_calibration_error([[0.5]], [1])
    with pytest.raises(InputError, match="needs at least one bin, got 0"):
        reliability_table(probabilities, films, bins=0)
    with pytest.raises(InputError, match="fitted no fusion or threshold, got role='calibration' from poster"):
        reliability_table(*made(5, role="calibration"))
