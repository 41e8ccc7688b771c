import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit, logit

from multigenre._checks import ROLES, InputError
from multigenre.data import GenreProbabilities, Genres, logits, sigmoid

GENRES = Genres(["Comedy", "Drama"])
VALUES = np.array([[0.2, 0.7], [np.nan, np.nan], [1.0, 0.0]])
IDS = ["tt1", "tt2", "tt3"]


def member(values=VALUES, ids=IDS, name="poster-cnn", role="test", genres=GENRES):
    return GenreProbabilities(ids, genres, values, name, role)


@st.composite
def any_probabilities(draw):
    """Probabilities of any size, type, role and pattern of missing films."""
    n_films, n_genres = draw(st.integers(0, 6)), draw(st.integers(1, 4))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    width = np.dtype(dtype).itemsize * 8
    values = draw(arrays.arrays(dtype, (n_films, n_genres), elements=st.floats(0, 1, width=width)))
    values[draw(arrays.arrays(bool, n_films))] = np.nan
    text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    ids = draw(st.lists(text, min_size=n_films, max_size=n_films, unique=True))
    genres = Genres([f"genre {column}" for column in range(n_genres)])
    return GenreProbabilities(ids, genres, values, draw(text), draw(st.sampled_from([None, *ROLES])))


def same(one, other):
    np.testing.assert_array_equal(one.values, other.values)
    assert one.values.dtype == other.values.dtype
    assert one.ids.tolist() == other.ids.tolist()
    assert one.present.tolist() == other.present.tolist()
    assert (one.genres, one.name, one.role) == (other.genres, other.name, other.role)


@given(any_probabilities())
def test_what_is_saved_is_what_is_loaded(tmp_path_factory, probabilities):
    path = tmp_path_factory.mktemp("saved") / "probabilities.npz"
    probabilities.save(path)
    same(GenreProbabilities.load(path), probabilities)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_saving_again_replaces_the_file(tmp_path):
    member().save(tmp_path / "saved.npz")
    member(name="overview-lstm").save(tmp_path / "saved.npz")
    assert GenreProbabilities.load(tmp_path / "saved.npz").name == "overview-lstm"


@given(any_probabilities())
def test_a_film_is_present_exactly_when_its_row_has_numbers(probabilities):
    np.testing.assert_array_equal(probabilities.present, ~np.isnan(probabilities.values).any(axis=1))
    assert [bool(row) for row in probabilities.top()] == probabilities.present.tolist()


@given(any_probabilities())
def test_taking_films_apart_and_concatenating_them_gives_them_back(probabilities):
    half = len(probabilities) // 2
    parts = [probabilities.take(slice(None, half)), probabilities.take(slice(half, None))]
    same(GenreProbabilities.concatenate(parts), probabilities)


@given(any_probabilities(), st.randoms())
def test_taking_keeps_every_film_with_its_own_row(probabilities, random):
    rows = list(range(len(probabilities)))
    random.shuffle(rows)
    taken = probabilities.take(rows)
    for row, film in zip(rows, taken.ids, strict=True):
        assert film == probabilities.ids[row]
        np.testing.assert_array_equal(taken.to_frame().loc[film], probabilities.values[row])


def test_films_are_taken_by_mask_too():
    assert member().take(np.array([True, False, True])).ids.tolist() == ["tt1", "tt3"]


def test_a_member_that_is_absent_has_probabilities_for_no_film():
    nothing = member().absent("overview-lstm")
    assert not nothing.present.any()
    assert np.isnan(nothing.values).all()
    assert (nothing.name, nothing.role, nothing.ids.tolist()) == ("overview-lstm", "test", IDS)


def test_a_missing_film_has_no_top_genres():
    assert member().top(1) == [[("Drama", 0.7)], [], [("Comedy", 1.0)]]


def test_the_frame_names_films_and_genres():
    frame = member().to_frame()
    assert frame.index.tolist() == IDS
    assert frame.index.name == "Id"
    assert frame.columns.tolist() == list(GENRES)


def test_names_of_genres_are_enough():
    assert member(genres=["Comedy", "Drama"]).genres == GENRES


def test_whole_numbers_become_floats():
    assert member(np.array([[0, 1]]), ["tt1"]).values.dtype == np.float64


def test_the_record_does_not_change_and_leaves_its_input_alone():
    given_values = VALUES.copy()
    probabilities = member(given_values)
    given_values[0] = 0.5
    assert probabilities.values[0].tolist() == [0.2, 0.7]
    for array in (probabilities.ids, probabilities.values, probabilities.present):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(FrozenInstanceError):
        probabilities.role = "train"


@pytest.mark.parametrize("wrong", [1.5, -0.1, np.inf])
def test_a_film_with_a_number_that_is_no_probability_is_named(wrong):
    with pytest.raises(InputError, match=r"^Probabilities of poster-cnn must be in .*, not so for tt2\.$"):
        member([[0.2, 0.7], [0.1, wrong], [0.5, 0.5]])


def test_a_row_that_is_missing_in_part_is_refused():
    with pytest.raises(InputError, match=r"must be in \[0, 1\], not so for tt3\.$"):
        member([[0.2, 0.7], [0.1, 0.1], [np.nan, 0.5]])


def test_a_film_said_to_be_present_needs_numbers():
    with pytest.raises(InputError, match=r"must be in \[0, 1\], not so for tt2\.$"):
        GenreProbabilities(IDS, GENRES, VALUES, "poster-cnn", present=[True, True, True])


def test_a_film_said_to_be_missing_must_not_have_numbers():
    with pytest.raises(InputError, match=r"^poster-cnn has nothing to read for tt1: use NaN, not numbers\.$"):
        GenreProbabilities(IDS, GENRES, VALUES, "poster-cnn", present=[False, False, True])


def test_shapes_must_agree():
    with pytest.raises(
        InputError, match=r"^Probabilities of poster-cnn must have shape \(3, 2\), got \(2, 2\)"
    ):
        member(VALUES[:2])
    with pytest.raises(InputError, match=r"^present must have shape \(3,\), got \(2,\)\.$"):
        GenreProbabilities(IDS, GENRES, VALUES, "poster-cnn", present=[True, False])


def test_ids_and_role_are_checked():
    with pytest.raises(InputError, match="unique"):
        member(ids=["tt1", "tt1", "tt2"])
    with pytest.raises(InputError, match="split role"):
        member(role="dev")


def test_nothing_cannot_be_concatenated():
    with pytest.raises(InputError, match="There are no probabilities to put together"):
        GenreProbabilities.concatenate([])


@pytest.mark.parametrize(
    "other",
    [
        member(ids=["a", "b", "c"], name="overview-lstm"),
        member(ids=["a", "b", "c"], genres=Genres(["Drama", "Comedy"])),
    ],
)
def test_probabilities_of_two_kinds_are_not_concatenated(other):
    with pytest.raises(InputError, match="Only parts of one name go together|must name the same genres"):
        GenreProbabilities.concatenate([member(), other])


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((None, "train"), "train"),
        (("test", "calibration"), "calibration"),
        (("test", None), "test"),
        ((None,), None),
    ],
)
def test_films_put_together_have_the_role_of_those_that_taught_most(roles, expected):
    parts = [member(ids=[f"{role}{i}" for i in range(3)], role=role) for role in roles]
    assert GenreProbabilities.concatenate(parts).role == expected


def write_text(path):
    path.write_text("not an archive")


def write_half(path):
    member().save(path)
    path.write_bytes(path.read_bytes()[:300])


def write_array(path):
    with path.open("wb") as file:
        np.save(file, VALUES)


def write_other_archive(path):
    with path.open("wb") as file:
        np.savez(file, values=VALUES)


def write_other_facts(path):
    with path.open("wb") as file:
        np.savez(file, values=VALUES, present=[True] * 3, facts=json.dumps({"film": "tt1"}))


def write_empty(path):
    path.touch()


def write_no_file(path):
    """Leave the path without a file."""


@pytest.mark.parametrize(
    "write",
    [write_text, write_half, write_array, write_other_archive, write_other_facts, write_empty, write_no_file],
)
def test_a_file_that_holds_no_probabilities_is_named(tmp_path, write):
    path = tmp_path / "saved.npz"
    write(path)
    with pytest.raises(InputError, match=r"saved\.npz holds no saved genre probabilities \("):
        GenreProbabilities.load(path)


@given(arrays.arrays(np.float64, 5, elements=st.floats(1e-6, 1 - 1e-6)))
def test_log_odds_are_those_of_scipy_and_back(values):
    np.testing.assert_allclose(logits(values), logit(values), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(sigmoid(logits(values)), values, rtol=1e-9)


def test_certainty_has_finite_log_odds():
    np.testing.assert_allclose(logits(np.array([0.0, 1.0])), [-13.8155, 13.8155], atol=1e-4)
    assert np.isfinite(logits(np.array([0, 1], np.float32))).all()


def test_a_missing_film_has_missing_log_odds():
    assert np.isnan(logits(np.array([np.nan]))).all()


@given(arrays.arrays(np.float64, 5, elements=st.floats(-1e308, 1e308)))
def test_the_sigmoid_is_that_of_scipy_without_overflow(log_odds):
    np.testing.assert_allclose(sigmoid(log_odds), expit(log_odds), atol=1e-15)
