import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities
from multigenre.ensemble import Prediction
from multigenre.ensemble._held_out import out_of_fold_member
from multigenre.members import GivenMember, has_modality

IDS = ("0012", "b", "c")
VALUES = np.array([[0.25, 0.5], [0.125, 0.75], [1.0, 0.0]])


@pytest.fixture
def films():
    return Films(IDS, ["", "x", "y"], ["", "", ""], [[1, 0], [0, 1], [1, 1]], ["Comedy", "Drama"], "train")


@pytest.fixture
def table():
    """The films in another order, the genres in another order."""
    return pd.DataFrame({"Id": IDS, "Drama": VALUES[:, 1], "Comedy": VALUES[:, 0]}).iloc[::-1]


def values(table, films):
    return GivenMember("critics", table).fit(films).predict(films).values


def test_films_and_genres_are_found_by_name_whatever_the_table_is(films, table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    table.to_parquet(tmp_path / "table.parquet")
    given = GenreProbabilities(IDS, ["Comedy", "Drama"], VALUES, "elsewhere", "test")
    by_id, unnamed = table.set_index("Id"), table.set_index("Id").rename_axis(None)
    for kind in (table, by_id, unnamed, given, tmp_path / "table.csv", str(tmp_path / "table.parquet")):
        np.testing.assert_array_equal(values(kind, films), VALUES)


def test_ids_that_are_numbers_are_those_of_the_films(films):
    films = replace(films, ids=["1", "2", "3"])
    table = pd.DataFrame(VALUES, columns=list(films.genres)).assign(film_id=[1, 2, 3])
    np.testing.assert_array_equal(values(table, films), VALUES)
    np.testing.assert_array_equal(values(table.iloc[[2, 0, 1]], films), VALUES)  # what pandas counts is no id


def test_what_the_command_predict_writes_is_a_table(films, tmp_path):
    fused = GenreProbabilities(IDS, films.genres, VALUES, "fused")
    prediction = Prediction(fused, (), (fused.to_frame() >= 0.5).astype(np.uint8))
    prediction.to_frame().to_csv(tmp_path / "predicted.csv", index=False)
    np.testing.assert_array_equal(values(tmp_path / "predicted.csv", films), VALUES)


def test_films_without_a_row_or_with_an_empty_one_are_absent_and_named_in_one_line(films, table, caplog):
    table.loc[table.Id == "b", ["Comedy", "Drama"]] = np.nan
    member = GivenMember("critics", table[table.Id != "c"]).fit(films)
    with caplog.at_level(logging.WARNING):
        found = member.predict(films.with_role("test"))
    assert found.present.tolist() == [True, False, False] and np.isnan(found.values[1:]).all()
    assert caplog.messages == ["critics says nothing of 2 films: b, c."]
    assert found.role == "test" and found.name == "critics"


def test_a_film_of_no_table_is_one_that_the_member_cannot_read_before_and_after_it_is_fitted(films, table):
    member = GivenMember("critics", table[table.Id != "c"])
    assert has_modality(member, films).tolist() == [True, True, False]
    assert has_modality(member.fit(films), films).tolist() == [True, True, False]


def test_what_is_saved_needs_no_other_file(films, table, tmp_path):
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    (tmp_path / "saved").mkdir()
    member = GivenMember("critics", path).fit(films.take([0, 1]))
    member.save(tmp_path / "saved")
    path.unlink()
    loaded = GivenMember("critics").load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.predict(films).values, VALUES)  # the film that was not to train, too
    assert loaded.genres_ == films.genres and loaded.learned_ids_ == {"train": (), "validation": ()}


def test_it_learned_from_no_film_so_that_its_numbers_are_out_of_fold_for_all(films, table):
    found = out_of_fold_member(GivenMember("critics", table), films, folds=3)
    assert found.role == "out-of-fold"
    np.testing.assert_array_equal(found.values, VALUES)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="Drama"), "of critics needs .* each genre .* but lacks Drama; rename, add"),
        (lambda t: t.assign(War=0.5), "but also has War; rename"),
        (lambda t: t.rename(columns={"Drama": "drama"}), "but lacks Drama and also has drama; rename"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "ids must be unique, but c came more than once"),
        (lambda t: t.assign(Drama=[0.5, 1.5, 0.5]), r"critics must be in \[0, 1\], not so for b"),
        (lambda t: t.assign(Drama=[0.5, np.nan, 0.5]), r"critics must be in \[0, 1\], not so for b"),
        (
            lambda t: t.assign(Drama=["0.5", "often", ""]),
            "critics has 'often' as the probability of Drama for film b",
        ),
        (
            lambda t: t.drop(columns="Id").reset_index(drop=True),
            "^the table of critics: it needs a column Id",
        ),
        (
            lambda t: pd.concat([t, t[["Drama"]]], axis=1),
            "^the table of critics: the column Drama comes twice",
        ),
        (lambda t: t.iloc[:0], "critics has a table without films"),
        (lambda t: None, "critics has no table; give one"),
        (lambda t: "nowhere.csv", "^nowhere.csv: there is no such file"),
        (
            lambda t: GenreProbabilities(IDS, ["Comedy", "Drama"], VALUES, "x", "train"),
            "critics needs numbers of films that .* never saw, got role='train'; give",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(films, table, change, sentence):
    with pytest.raises(InputError, match=sentence):
        GivenMember("critics", change(table)).fit(films)


def test_films_without_genres_are_refused(table):
    with pytest.raises(
        InputError, match="critics needs films whose genres are known, got films without genres"
    ):
        GivenMember("critics", table).fit(Films(["a"], ["x"], [""]))
