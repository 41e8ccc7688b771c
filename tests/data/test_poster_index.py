"""Posters are found by what people write for them, and never another film's."""

import os

import pytest
from PIL import Image

from multigenre._checks import InputError
from multigenre.data import Films, read_films


@pytest.fixture
def folder(tmp_path):
    """Make a folder of these pictures, each another one."""

    def folder(*names, under="Posters"):
        for place, name in enumerate(names):
            path = tmp_path / under / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (4 + place, 6), (place, 0, 0)).save(path, "PNG")
        return tmp_path / under

    return folder


def found(tmp_path, rows, posters, header="id,overview,poster"):
    """Return the file of each film within the folder, and what was said of it."""
    (tmp_path / "films.csv").write_text("\n".join([header, *rows, ""]))
    films, reading = read_films(tmp_path / "films.csv", posters=posters)
    return [os.path.relpath(path, posters) if path else "" for path in films.posters], reading


@pytest.mark.parametrize(
    ("named", "file"),
    [
        ("/aaa.jpg", "aaa.jpg"),
        ("Posters/aaa.jpg", "aaa.jpg"),
        ("./aaa.jpg", "aaa.jpg"),
        ("https://image.example.org/t/p/w500/aaa.jpg", "aaa.jpg"),
        ("https://image.example.org/a%20b.jpg?size=1#x", "a b.jpg"),
        ("//image.example.org/aaa.jpg", "aaa.jpg"),
        (r"sub\aaa.jpg", "sub/aaa.jpg"),
        ("aaa.jpg", "sub/deep/aaa.jpg"),
        ("alpha", "alpha.jpg"),
        ("a.jpg", "a.JPG"),
        ("A.jpg", "a.jpg"),
        ("a.jpg", "a.png"),
        ("a.jpg", "a"),
        ("2017/a.png", "2017/a.webp"),
        ("data/img/a.tiff", "img/a.tiff"),
    ],
)
def test_a_poster_is_found_by_what_the_table_calls_it(folder, tmp_path, named, file):
    posters = folder(file, "other.png")
    paths, _ = found(tmp_path, [f'1,A.,"{named}"', "2,B.,other.png"], posters)
    assert paths == [file, "other.png"]


@pytest.mark.parametrize(
    ("film", "file"),
    [
        ("tt0086425", "tt0086425.jpg"),
        ("86425", "tt0086425.png"),
        ("tt0086425", "86425.jpg"),
        ("0086425", "tt0086425.gif"),
        ("3.5", "3.5.jpeg"),
        ("3.5", "3.5"),
        ("abc", "x/y/ABC.bmp"),
    ],
)
def test_a_poster_is_found_by_its_films_id(folder, tmp_path, film, file):
    paths, _ = found(tmp_path, [f"{film},A.", "other,B."], folder(file), header="id,overview")
    assert paths == [file, ""]


def test_numbers_that_two_films_share_find_no_poster(folder, tmp_path):
    paths, _ = found(tmp_path, ["1,A.", "tt01,B.", "2,C."], folder("0001.jpg", "2.jpg"), header="id,overview")
    assert paths == ["", "", "2.jpg"]


def test_a_name_that_ends_many_addresses_is_no_films_poster(folder, tmp_path):
    rows = ["1,A.,https://example.org/1/header.jpg", "2,B.,https://example.org/2/header.jpg", "3,C.,3.jpg"]
    paths, reading = found(tmp_path, rows, folder("header.jpg", "3.jpg"))
    assert paths == ["", "", "3.jpg"]
    assert any("2 names of posters end in a name that others end in too" in one for one in reading.warnings)


def test_posters_named_after_another_column_of_ids_are_found_by_it(folder, tmp_path):
    posters = folder("tt0000862.jpg", "tt0000005.jpg", "tt0000006.jpg")
    rows = ["862,tt0000005,A.", "5,tt0000006,B.", "7,tt0000862,C."]
    paths, reading = found(tmp_path, rows, posters, header="id,imdb_id,overview")
    assert paths == ["tt0000005.jpg", "tt0000006.jpg", "tt0000862.jpg"]
    assert "Posters are named after the column imdb_id." in reading.warnings


def test_two_pictures_of_one_name_are_refused_and_the_folder_itself_comes_first(folder, tmp_path):
    posters = folder("large/1.jpg", "small/1.jpg", "2.jpg", "old/2.jpg")
    with pytest.raises(InputError, match=r"1.jpg is both in .*large and in .*small, and they are two"):
        found(tmp_path, ["1,A.", "2,B."], posters, header="id,overview")
    assert found(tmp_path, ["2,B.", "3,C."], posters, header="id,overview")[0] == ["2.jpg", ""]
    assert found(tmp_path, ["1,A."], posters / "small", header="id,overview")[0] == ["1.jpg"]


def test_how_many_are_missing_or_found_under_another_name_is_said(folder, tmp_path):
    posters = folder("a.png", "b.jpg")
    _, reading = found(tmp_path, ["a,A.,a.jpg", "b,B.,b.jpg", "c,C.,c.jpg", "d,D.,N/A"], posters)
    assert f"2 of 4 films have no poster in {posters}, the first is c." in reading.warnings
    assert reading.repaired == {"posters found under another name than the table has": 1}


@pytest.mark.parametrize("cell", ["https://example.org/a.jpg", "N/A", "None", "/abc.jpg", "nan"])
def test_without_a_folder_addresses_and_placeholders_do_not_stop_those_who_read_overviews(tmp_path, cell):
    (tmp_path / "films.csv").write_text(f"id,overview,poster_path\n1,A.,{cell}\n2,B.,{cell}\n")
    films, reading = read_films(tmp_path / "films.csv")
    assert not films.has_poster.any() and len(films) == 2
    assert any("No poster is read" in one for one in reading.warnings) == (cell[0] in "h/")


def test_without_a_folder_files_are_found_beside_the_table_in_any_case_and_suffix(folder, tmp_path):
    folder("a.PNG", "b.jpg", under="img")
    (tmp_path / "films.csv").write_text("id,overview,img\n1,A.,img/a.jpg\n2,B.,img/b.jpg\n3,C.,img/c.jpg\n")
    films, reading = read_films(tmp_path / "films.csv")
    assert [bool(path) for path in films.posters] == [True, True, False]
    assert "1 posters that the table names are not there: img/c.jpg." in reading.warnings


def test_a_folder_without_any_of_these_films_is_refused(folder, tmp_path):
    with pytest.raises(
        InputError, match=r"no film has a poster in .*, where a file such as a.jpg .* 1 pictures"
    ):
        found(tmp_path, ["1,A.,a.jpg"], folder("x.jpg"))


def test_other_files_are_no_posters(folder, tmp_path):
    posters = folder("1.jpg")
    for name in ("1.txt", "2.json", ".2.jpg", "Thumbs.db"):
        (posters / name).write_text("x")
    assert found(tmp_path, ["1,A.", "2,B."], posters, header="id,overview")[0] == ["1.jpg", ""]


def test_bytes_in_a_table_are_posters(tmp_path):
    import pandas as pd

    from multigenre.data import inline_content

    pd.DataFrame({"id": ["1"], "image": [b"GIF89a"], "text": ["A."]}).to_parquet(tmp_path / "f.parquet")
    assert inline_content(Films.read(tmp_path / "f.parquet").posters[0]) == b"GIF89a"
