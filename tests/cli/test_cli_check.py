"""What `multigenre check` says of a table, on the screen and as JSON, and what other commands say while they read."""

import json

import pandas as pd
import pytest
from PIL import Image
from test_cli_main import run

from multigenre._checks import InputError
from multigenre.cli._reading import FilmsReader, parse_columns

BOOKS = """Library export 2024;;;;
Book No;Book;Blurb;Shelf;in_print
1;The Salt Road;A trader crosses the desert to find her brother.;Adventure, Family;1
2;Night Kitchen;No description available.;Cooking;0
3;Ash;A fire-watcher hears a voice on the radio.;adventure, Horror;1
4;Under Glass;N/A;Family;1
"""


@pytest.fixture
def books(tmp_path):
    path = tmp_path / "books.csv"
    path.write_text(BOOKS, encoding="utf-8")
    return path


def test_json_says_what_was_understood(books, capsys):
    assert run("check", books, "--json", "--columns", 'id="Book No",genres=Shelf') == 0
    found = json.loads(capsys.readouterr().out)
    assert found["films"] == 4
    assert found["genres"] == {"Adventure": 2, "Family": 2, "Cooking": 1, "Horror": 1}
    assert found["columns"] == {"id": "Book No", "overview": "Blurb", "title": "Book", "genres": "Shelf"}
    assert (found["without_overview"], found["without_poster"], found["without_genres"]) == (2, 4, 0)
    assert found["repaired"] == {
        "lines above the names of columns left out": 1, "spellings of genres folded into another": 1,
    }  # fmt: skip
    assert found["placeholders"] == {"No description available.": 1, "N/A": 1}
    assert (found["encoding"], found["separator"]) == ("utf-8", "semicolon")
    assert found["left_alone"] == ["in_print"]
    assert any("2 films have no overview" in sentence for sentence in found["warnings"])
    assert any("4 of 4 genres have fewer than 10 films" in sentence for sentence in found["warnings"])


def test_the_screen_says_the_same(books, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert run("check", books, "--columns", 'id="Book No",genres=Shelf') == 0
    said = " ".join(capsys.readouterr().out.split())
    for part in (
        "books.csv: 4 films; encoding utf-8 (every byte is), separator semicolon",
        "overview Blurb its name",
        "genres Shelf as said",
        "Left alone: in_print",
        "Adventure 2 !!, Family 2 !!",
        "Films without overview: 2, without poster: 4, without genres: 0",
        "Repaired: 1 spellings of genres folded into another",
    ):
        assert part in said


def test_posters_that_are_missing_or_cannot_be_opened_are_named(books, tmp_path, capsys):
    posters = tmp_path / "covers"
    posters.mkdir()
    Image.new("RGB", (8, 12)).save(posters / "1.png")
    (posters / "2.jpg").write_text("no picture")
    assert run("check", books, "--posters", posters, "--json", "--columns", 'id="Book No",genres=Shelf') == 0
    found = json.loads(capsys.readouterr().out)
    assert found["without_poster"] == 2 and found["unreadable_posters"] == ["2"]
    assert any("1 posters cannot be opened (2)" in sentence for sentence in found["warnings"])
    assert any(
        f"2 of 4 films have no poster in {posters}, the first is 3." in one for one in found["warnings"]
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("id;overview\n1;A; b.\n", "line 2 has 3 cells where there are 2 names of columns"),
        ("id,overview\n1,A.\n1,B.\n", "--duplicates first"),
        ("", "the file is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_with_exit_code_2_and_the_option_that_helps(
    tmp_path, capsys, content, sentence
):
    (tmp_path / "films.csv").write_text(content)
    assert run("check", tmp_path / "films.csv", "--json") == 2
    said = capsys.readouterr()
    assert sentence in said.err and str(tmp_path / "films.csv") in said.err and not said.out


def test_bad_rows_and_duplicates_are_dealt_with_as_the_options_say(tmp_path, capsys):
    (tmp_path / "films.csv").write_text("id;overview;genre\n1;A; b.;War\n2;B.;War\n2;B.;Drama\n")
    options = ("--bad-rows", "skip", "--duplicates", "merge", "--json")
    assert run("check", tmp_path / "films.csv", *options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["films"] == 1 and found["genres"] == {"Drama": 1, "War": 1}
    assert found["repaired"] == {"bad rows left out": 1, "rows merged into an earlier one of the same id": 1}


def test_every_command_reads_columns_as_said(tmp_path, capsys):
    rows = [
        f"{k};{'war gun' if k % 2 else 'love kiss'} number {k};{'War' if k % 2 else 'Romance'}"
        for k in range(60)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["no;about;kind", *rows, ""]))
    said = ("--columns", "id=no,overview=about,genres=kind")
    split = ("--split", "train=0.5,calibration=0.2,validation=0,test=0.3")
    made = tmp_path / "bundle"
    table = tmp_path / "t.csv"
    assert (
        run("train", table, *said, *split, "--preset", "quick", "--members", "overview-tfidf", "--out", made)
        == 0
    )
    shown = capsys.readouterr().err
    assert "60 films, 60 with overview, 0 with poster, 2 genres, 1.00 a film." in shown
    assert "Columns: id = no, overview = about, genres = kind." in shown
    assert f"multigenre report {made} {table} --columns id=no,overview=about,genres=kind" in shown
    assert run("predict", made, table, *said, "--out", tmp_path / "p.csv") == 0
    assert pd.read_csv(tmp_path / "p.csv")["genres"].tolist() == ["Romance", "War"] * 30
    assert run("evaluate", made, table, *said, "--out", tmp_path / "e") == 0
    assert run("report", made, table, *said, "--format", "json", "--out", tmp_path / "r.json") == 0
    assert run("convert", table, *said, "--out", tmp_path / "shards") == 0
    assert len(pd.read_parquet(tmp_path / "shards")) == 60


def test_columns_are_read_from_texts():
    assert parse_columns(['id="a, b",title=', "genres=War", "genres=Drama"]) == {
        "id": "a, b", "title": "", "genres": ["War", "Drama"],
    }  # fmt: skip
    with pytest.raises(
        InputError, match=r"--columns takes ROLE=NAME, such as id=imdbId,overview=Title, got 'id'"
    ):
        parse_columns(["id"])


def test_a_reader_tells_its_options_as_a_command_line_has_them(tmp_path):
    reader = FilmsReader(
        posters=tmp_path, columns=["id=a", "title=b"], keep_placeholders=True, bad_rows="skip"
    )
    assert reader.arguments() == [
        "--posters", str(tmp_path), "--columns", "id=a", "--columns", "title=b", "--bad-rows", "skip",
        "--keep-placeholders",
    ]  # fmt: skip
    assert FilmsReader().arguments() == []


def test_films_with_neither_overview_nor_poster_are_counted_apart(tmp_path, capsys):
    path = tmp_path / "films.csv"
    path.write_text("id,overview,genres\n1,A spy.,Action\n2,,Drama\n3,Love.,Drama\n", encoding="utf-8")
    assert run("check", path, "--json") == 0
    said = json.loads(capsys.readouterr().out)["warnings"]
    assert "1 films have no overview; 1 of them have no poster either." in said
