"""Public tables as they are downloaded, where they are at hand: what each gives, by the command that says it."""

import json
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from multigenre.cli import main


@pytest.fixture
def tables():
    """The folder of public tables, for tests that need them."""
    folder = Path(os.environ.get("MULTIGENRE_TABLES", Path(__file__).parents[3] / "shared" / "tables"))
    if not folder.is_dir():
        pytest.skip("no public tables: set MULTIGENRE_TABLES to a folder of them")
    return folder


@pytest.fixture
def check(tables, monkeypatch, capsys):
    """Return what ``check --json`` prints of the table whose name starts so."""

    def check(start, *options):
        [table] = tables.glob(f"{start}_*.csv")
        monkeypatch.setattr(sys, "argv", ["multigenre", "check", str(table), "--json", *map(str, options)])
        with pytest.raises(SystemExit) as exit:
            main()
        assert exit.value.code == 0
        return json.loads(capsys.readouterr().out)

    return check


def commonest(found, n=3):
    return dict(list(found["genres"].items())[:n])


def test_tmdb_5000_has_a_title_line_and_genres_in_json(check):
    found = check("01")
    assert (found["films"], len(found["genres"]), found["without_overview"], found["without_genres"]) == (
        300,
        17,
        0,
        0,
    )
    assert commonest(found) == {"Adventure": 193, "Action": 188, "Science Fiction": 94}
    assert found["repaired"] == {"lines above the names of columns left out": 1}


def test_the_movies_dataset_has_genres_in_python_and_posters_that_are_not_there(check):
    found = check("02")
    assert (found["films"], len(found["genres"]), found["without_overview"], found["without_genres"]) == (
        500,
        20,
        7,
        25,
    )
    assert commonest(found) == {"Drama": 211, "Comedy": 145, "Action": 85}
    assert found["columns"]["poster"] == "poster_path" and "adult" in found["left_alone"]


def test_movielens_has_titles_alone(check):
    found = check("04", "--columns", "overview=title")
    assert (found["films"], len(found["genres"]), found["without_genres"]) == (500, 19, 5)
    assert commonest(found) == {"Drama": 210, "Comedy": 187, "Thriller": 87}


def test_columns_of_0_and_1_are_genres_also_where_no_film_carries_them(check, tables, tmp_path):
    [table] = tables.glob("07_*.csv")
    for line in table.read_text(encoding="utf-8").splitlines()[1:9]:
        Image.new("RGB", (4, 6)).save(tmp_path / f"{line.split(',')[0]}.jpg")
    found = check("07", "--posters", tmp_path)
    assert (found["films"], len(found["genres"]), found["without_poster"]) == (500, 25, 492)
    assert sum(count > 0 for count in found["genres"].values()) == 21 and "N/A" in found["genres"]
    assert commonest(found) == {"Drama": 229, "Comedy": 218, "Action": 106}


def test_goodreads_numbers_its_rows(check):
    found = check("09")
    assert (found["films"], len(found["genres"])) == (300, 167)
    assert commonest(found) == {"Fiction": 257, "Classics": 242, "Literature": 112}
    assert found["columns"] == {"id": "", "overview": "Description", "title": "Book", "genres": "Genres"}


def test_imdbs_best_have_no_ids_and_addresses_for_posters(check):
    found = check("10")
    assert (found["films"], len(found["genres"])) == (300, 21)
    assert commonest(found) == {"Drama": 231, "Crime": 67, "Comedy": 58}
    assert "id" not in found["columns"] and found["columns"]["poster"] == "Poster_Link"


def test_semicolons_in_quotes_are_text(check):
    found = check("12")
    assert (found["films"], found["without_overview"], found["genres"]) == (300, 0, {})
    assert found["separator"] == "semicolon"
