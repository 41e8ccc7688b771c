from types import SimpleNamespace

import numpy as np
import pytest

from multigenre._checks import (
    InputError,
    check_held_out,
    check_ids,
    check_labels,
    check_role,
    check_same_films,
    check_same_genres,
    check_shape,
    check_truth,
    check_unseen,
    some,
)
from multigenre.data import GenreProbabilities, Genres

GENRES = Genres(["Comedy", "Drama"])


def probabilities(ids=("tt1", "tt2"), genres=GENRES, role="test"):
    return GenreProbabilities(ids, genres, np.full((len(ids), len(genres)), 0.5), "poster-cnn", role)


def films(ids=("tt1", "tt2"), genres=GENRES, role="test"):
    labels = np.zeros((len(ids), len(genres)), np.uint8)
    return SimpleNamespace(ids=check_ids(ids), genres=genres, labels=labels, role=role)


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)


@pytest.mark.parametrize(
    ("n_names", "sentence"), [(0, ""), (1, "tt0"), (3, "tt0, tt1, tt2"), (5, "tt0, tt1, tt2 and 2 more")]
)
def test_a_long_list_of_names_is_cut_and_counted(n_names, sentence):
    assert some(f"tt{number}" for number in range(n_names)) == sentence


def test_ids_become_an_array_of_texts():
    ids = check_ids([7, "tt1"])
    assert ids.dtype == object
    assert ids.tolist() == ["7", "tt1"]


def test_a_film_that_comes_twice_is_named():
    with pytest.raises(InputError, match=r"^Film ids must be unique, but tt2 came more than once\.$"):
        check_ids(["tt1", "tt2", "tt2"])


def test_an_empty_id_is_refused():
    with pytest.raises(InputError, match=r"^Every film needs an id, but an empty one came\.$"):
        check_ids(["tt1", ""])


@pytest.mark.parametrize("role", ["train", "validation", "calibration", "test", "out-of-fold", None])
def test_each_split_role_is_known(role):
    assert check_role(role) == role


def test_another_split_role_is_refused():
    with pytest.raises(InputError, match=r"^A split role is one of train, .*None, got 'dev'\.$"):
        check_role("dev")


def test_a_wrong_shape_says_what_was_expected_and_what_came():
    with pytest.raises(InputError, match=r"^Weights must have shape \(2, 3\), got \(6,\)\.$"):
        check_shape(np.zeros(6), (2, 3), "Weights")


def test_labels_become_uint8_whatever_type_they_came_in():
    for dtype in (bool, float, np.int64):
        labels = check_labels(np.eye(2, dtype=dtype), (2, 2))
        assert labels.dtype == np.uint8
        assert labels.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("wrong", "shown"), [(2, "2.0"), (0.5, "0.5"), (np.nan, "nan")])
def test_a_label_other_than_0_and_1_is_shown(wrong, shown):
    with pytest.raises(InputError, match=rf"^Labels must be 0 or 1, got {shown}\.$"):
        check_labels([[0.0, wrong]], (1, 2))


def test_the_same_films_in_the_same_order_pass():
    check_same_films(["tt1", "tt2"], np.array(["tt1", "tt2"], dtype=object), "Members")


@pytest.mark.parametrize("got", [["tt1"], ["tt1", "tt2", "tt3"], ["tt1", "tt4"]])
def test_films_that_only_one_side_has_are_named(got):
    with pytest.raises(InputError, match=r"^Members must be about the same films, but one .* lacks tt[234]"):
        check_same_films(["tt1", "tt2"], got, "Members")


def test_the_same_films_in_another_order_are_refused():
    with pytest.raises(
        InputError, match=r"^Members must hold the same 2 films in the same order, got another"
    ):
        check_same_films(["tt1", "tt2"], ["tt2", "tt1"], "Members")


def test_a_genre_that_only_one_side_has_is_named():
    check_same_genres(GENRES, Genres(["Comedy", "Drama"]), "Members")
    with pytest.raises(InputError, match=r"^Members must name the same genres .*, but War is in only one\.$"):
        check_same_genres(GENRES, Genres(["Comedy", "Drama", "War"]), "Members")


def test_the_same_genres_in_another_order_are_refused():
    with pytest.raises(InputError, match=r"^Members must name the same genres .* their order differs\.$"):
        check_same_genres(GENRES, Genres(["Drama", "Comedy"]), "Members")


def test_films_that_were_learned_from_are_counted_and_named():
    check_unseen(["tt1"], ["tt2"], "The stack")
    with pytest.raises(InputError, match=r"^The stack learned from 1 of these films \(tt1\); use films"):
        check_unseen(["tt1", "tt3"], ["tt1", "tt2"], "The stack")


def test_the_truth_about_the_same_films_is_their_labels():
    truth = films()
    assert check_truth(probabilities(), truth, "Scores") is truth.labels


def test_films_without_genres_hold_no_truth():
    unlabelled = SimpleNamespace(labels=None)
    with pytest.raises(InputError, match=r"^Scores needs films whose genres are known, got a table"):
        check_truth(probabilities(), unlabelled, "Scores")


def test_the_truth_about_other_films_is_refused():
    with pytest.raises(InputError, match=r"^Scores: poster-cnn and the films must be about the same films"):
        check_truth(probabilities(), films(ids=("tt1", "tt3")), "Scores")


def test_the_truth_in_other_columns_is_refused():
    with pytest.raises(InputError, match=r"^Scores: poster-cnn and the films must name the same genres"):
        check_truth(probabilities(), films(genres=Genres(["Drama", "Comedy"])), "Scores")


def test_probabilities_and_truth_of_two_split_roles_are_refused():
    with pytest.raises(InputError, match=r"one split role, got role='train' and role='test'\.$"):
        check_truth(probabilities(role="train"), films(role="test"), "Scores")


@pytest.mark.parametrize(("predicted", "known"), [(None, "test"), ("test", None), ("out-of-fold", "train")])
def test_an_unknown_role_and_out_of_fold_probabilities_go_with_any_truth(predicted, known):
    check_truth(probabilities(role=predicted), films(role=known), "Scores")


@pytest.mark.parametrize("role", ["calibration", "out-of-fold"])
def test_films_kept_for_fitting_are_held_out(role):
    check_held_out(probabilities(role=role), "LateFusion.fit")


@pytest.mark.parametrize("role", ["train", "validation", "test", None])
def test_films_that_trained_chose_or_report_are_not_held_out(role):
    with pytest.raises(
        InputError, match=r"^LateFusion.fit needs films no member trained on, .* poster-cnn; pass"
    ):
        check_held_out(probabilities(role=role), "LateFusion.fit")


def test_ids_that_differ_only_in_a_null_character_are_two_films():
    assert list(check_ids(["a", "a\0", "\0"])) == ["a", "a\0", "\0"]
