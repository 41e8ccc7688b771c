import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import MultiLabelBinarizer

from multigenre._checks import InputError
from multigenre.data import Genres

GENRES = Genres(["Action", "Comedy", "Drama"])
names = st.text(min_size=1).map(str.strip).filter(bool)
genre_lists = st.lists(names, min_size=1, max_size=8, unique=True)


@given(genre_lists, st.data())
def test_decoding_encoded_genres_gives_them_back_in_column_order(listed, data):
    films = data.draw(st.lists(st.lists(st.sampled_from(listed), unique=True), max_size=5))
    genres = Genres(listed)
    labels = genres.encode(films)
    assert labels.shape == (len(films), len(listed))
    assert labels.dtype == np.uint8
    assert genres.decode(labels) == [tuple(sorted(film, key=listed.index)) for film in films]


@given(genre_lists, st.data())
def test_encoding_decoded_labels_gives_them_back(listed, data):
    shape = (data.draw(st.integers(0, 5)), len(listed))
    labels = data.draw(arrays.arrays(np.uint8, shape, elements=st.integers(0, 1)))
    np.testing.assert_array_equal(Genres(listed).encode(Genres(listed).decode(labels)), labels)


@given(genre_lists)
def test_a_column_holds_the_genre_that_it_was_named_for(listed):
    assert [Genres(listed).column(name) for name in listed] == list(range(len(listed)))


def test_encoding_is_that_of_scikit_learn():
    films = [["Drama"], ["Action", "Drama"], []]
    expected = MultiLabelBinarizer(classes=list(GENRES)).fit_transform(films)
    np.testing.assert_array_equal(GENRES.encode(films), expected)


def test_genres_are_equal_when_names_and_order_are():
    assert Genres(["Action ", "Comedy", "Drama"]) == GENRES
    assert hash(Genres(GENRES)) == hash(GENRES)
    assert Genres(["Drama", "Comedy", "Action"]) != GENRES
    assert tuple(GENRES) != GENRES
    assert eval(repr(GENRES)) == GENRES


def test_a_genre_is_in_by_its_exact_name():
    assert "Drama" in GENRES
    assert "drama" not in GENRES
    assert len(GENRES) == 3


def test_top_ranks_by_probability_and_breaks_ties_by_column():
    assert GENRES.top([[0.2, 0.9, 0.2], [0.1, 0.2, 0.3]], k=2) == [
        [("Comedy", 0.9), ("Action", 0.2)],
        [("Drama", 0.3), ("Comedy", 0.2)],
    ]


def test_top_of_more_genres_than_there_are_is_all_of_them():
    assert len(GENRES.top([[0.2, 0.9, 0.2]], k=10)[0]) == 3


def test_support_prevalence_and_cardinality_count_positive_labels():
    labels = [[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert GENRES.support(labels).to_dict() == {"Action": 1, "Comedy": 0, "Drama": 3}
    assert GENRES.prevalence(labels).to_dict() == {"Action": 0.25, "Comedy": 0.0, "Drama": 0.75}
    assert GENRES.cardinality(labels) == 1.0


def test_support_does_not_overflow_the_type_of_the_labels():
    assert GENRES.support(np.ones((300, 3), np.uint8)).tolist() == [300, 300, 300]


def test_no_films_have_prevalence_and_cardinality_zero():
    labels = np.zeros((0, 3), np.uint8)
    assert GENRES.prevalence(labels).tolist() == [0, 0, 0]
    assert GENRES.cardinality(labels) == 0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("Drama", r"^Genres needs a list of names, got the single text 'Drama'\.$"),
        ([], r"^Genres needs at least one name, got none\.$"),
        (["Drama", " "], r"^A genre's name must not be empty\.$"),
        (["Drama", "War", "Drama "], r"^Each genre must be named once, but Drama came twice\.$"),
    ],
)
def test_names_that_cannot_name_columns_are_refused(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        Genres(wrong)


def test_an_unknown_genre_is_named_beside_the_known_ones():
    with pytest.raises(InputError, match=r"^'War' is not one of the 3 genres: Action, Comedy, Drama\.$"):
        GENRES.encode([["Drama", "War"]])


@pytest.mark.parametrize("method", ["decode", "top", "support", "prevalence", "cardinality"])
def test_columns_without_a_name_are_refused(method):
    with pytest.raises(InputError, match=r"must have shape \(2, 3\), got \(2, 4\)\.$"):
        getattr(GENRES, method)(np.zeros((2, 4)))
