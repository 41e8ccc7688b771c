import numpy as np
import pandas as pd
import pytest

from multigenre.data import GenreProbabilities, Genres
from multigenre.ensemble import Prediction

GENRES = Genres(["Comedy", "Drama"])


def probabilities(name, values, ids=("a", "b")):
    return GenreProbabilities(list(ids), GENRES, np.array(values, np.float32), name)


def labels_of(fused):
    return (fused.to_frame() >= 0.5).astype(np.uint8)


@pytest.fixture
def prediction():
    fused = probabilities("fused", [[0.9, 0.2], [0.6, 0.5]])
    poster = probabilities("poster-cnn", [[0.8, 0.1], [np.nan, np.nan]])
    overview = probabilities("overview-lstm", [[0.7, 0.3], [0.6, 0.5]])
    return Prediction(fused, (poster, overview), labels_of(fused))


def test_genres_come_by_name(prediction):
    assert prediction.genre_names() == [("Comedy",), ("Comedy", "Drama")]


def test_the_table_has_id_genres_and_a_column_a_genre(prediction):
    table = prediction.to_frame()
    assert table.columns.tolist() == ["Id", "genres", "Comedy", "Drama"]
    assert table["Id"].tolist() == ["a", "b"] and table["genres"].tolist() == ["Comedy", "Comedy|Drama"]
    np.testing.assert_array_equal(table[["Comedy", "Drama"]], prediction.fused.values)


def test_members_come_in_columns_of_their_name_and_the_genres(prediction):
    table = prediction.to_frame(with_members=True)
    members = [f"{name}:{genre}" for name in ("poster-cnn", "overview-lstm") for genre in GENRES]
    assert table.columns.tolist() == ["Id", "genres", "Comedy", "Drama", *members]
    assert table.loc[1, "poster-cnn:Comedy":"poster-cnn:Drama"].isna().all()
    np.testing.assert_array_equal(
        table[["overview-lstm:Comedy", "overview-lstm:Drama"]], prediction.members[1].values
    )


def test_a_film_of_no_genre_has_an_empty_cell(prediction):
    nothing = Prediction(prediction.fused, (), prediction.labels * 0)
    assert nothing.genre_names() == [(), ()] and nothing.to_frame()["genres"].tolist() == ["", ""]


def test_parts_are_put_together_in_their_order(prediction):
    fused = probabilities("fused", [[0.1, 0.9]], ids=["c"])
    overview = probabilities("overview-lstm", [[0.2, 0.8]], ids=["c"])
    whole = Prediction.concatenate([prediction, Prediction(fused, (overview,), labels_of(fused))])
    assert list(whole.fused.ids) == whole.labels.index.tolist() == ["a", "b", "c"]
    assert whole.genre_names() == [("Comedy",), ("Comedy", "Drama"), ("Drama",)]
    poster, overview = whole.members
    assert poster.name == "poster-cnn" and poster.present.tolist() == [True, False, False]
    np.testing.assert_array_equal(overview.values[:, 0], np.array([0.7, 0.6, 0.2], np.float32))
    assert whole.to_frame(with_members=True).shape == (3, 8)


def test_a_member_that_is_missing_in_the_first_part_is_not_present_there(prediction):
    fused = probabilities("fused", [[0.1, 0.9]], ids=["c"])
    whole = Prediction.concatenate([Prediction(fused, (), labels_of(fused)), prediction])
    assert [member.name for member in whole.members] == ["poster-cnn", "overview-lstm"]
    assert whole.members[1].present.tolist() == [False, True, True]


def test_one_part_comes_back_as_it_is(prediction):
    whole = Prediction.concatenate([prediction])
    pd.testing.assert_frame_equal(whole.to_frame(with_members=True), prediction.to_frame(with_members=True))
