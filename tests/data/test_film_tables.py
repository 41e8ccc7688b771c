"""What `Films.read` makes of tables and folders as people have them."""

import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.data import Films, Genres, ReadingRules

HOT = """Id,Genre,Comedy,N/A,Drama,Year,Overview
1,['Comedy'],1,0,0,1999,One.
02,"['N/A', 'Drama']",0,1,1,2001,Two.
"""


@pytest.fixture
def write(tmp_path):
    """Write text, bytes or a DataFrame to a table and return its path."""

    def write(content, name="films.csv"):
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def named(films):
    return dict(zip(films.ids, films.genres.decode(films.labels), strict=True))


def test_genres_are_the_columns_of_0_and_1_in_the_tables_order(write):
    films = Films.read(write(HOT))
    assert films.genres == Genres(["Comedy", "N/A", "Drama"])
    assert named(films) == {"1": ("Comedy",), "02": ("N/A", "Drama")}
    assert films.overviews.tolist() == ["One.", "Two."]
    assert films.posters.tolist() == ["", ""]
    assert films.role is None


@pytest.mark.parametrize(
    "genres", ["Drama|Comedy", "['Drama', 'Comedy']", '["Drama", "Comedy"]', " Drama | Comedy "]
)
def test_genres_may_come_joined_or_as_a_list_in_text(write, genres):
    quoted = genres.replace('"', '""')
    films = Films.read(write(f'film_id,plot,genres\na,One.,"{quoted}"\nb,Two.,\n'))
    assert films.genres == Genres(["Comedy", "Drama"])
    assert named(films) == {"a": ("Comedy", "Drama"), "b": ()}


def test_parquet_reads_like_csv(write):
    hot = pd.DataFrame(
        {
            "Id": ["1", "02"],
            "Comedy": [1, 0],
            "N/A": [False, True],
            "Drama": [0.0, 1.0],
            "Overview": ["One.", None],
        }
    )
    plain = pd.DataFrame(
        {
            "id": ["1", "02"],
            "overview": ["One.", None],
            "genres": [["Comedy"], ["N/A", "Drama"]],
            "is_color": [1, 0],
        }
    )
    from_csv = Films.read(write(HOT))
    for table in (hot, plain, hot.set_index("Id")):
        films = Films.read(write(table, "films.parquet"), genres=from_csv.genres)
        assert named(films) == named(from_csv)
        assert films.overviews.tolist() == ["One.", ""]


def test_an_empty_list_and_a_missing_cell_are_a_film_without_genres(write):
    table = pd.DataFrame({"id": ["a", "b", "c"], "text": "Words.", "genre": [["War", "Drama"], [], None]})
    films = Films.read(write(table, "films.parquet"))
    assert films.summary()["without_genres"] == 2


def test_a_table_without_genres_holds_films_to_predict(write):
    for table in (
        "id,overview\na,One.\n",
        "id,overview,genres\na,One.,\n",
        "id,overview,genres\na,One.,[]\n",
    ):
        films = Films.read(write(table))
        assert films.labels is None
        assert films.genres is None


def test_genres_of_films_to_predict_are_not_read(write):
    assert Films.read(write("id,text,genres\na,One.,Drama\n"), labelled=False).labels is None


def test_words_that_mean_missing_are_missing_but_in_ids_and_in_lists_of_genres(write):
    table = write("id,overview,genres\nNA,None,N/A|NA\nnull,A plot.,nan\nnan,,\n")
    films = Films.read(table)
    assert films.ids.tolist() == ["NA", "null", "nan"]
    assert films.overviews.tolist() == ["", "A plot.", ""]
    assert named(films) == {"NA": ("N/A", "NA"), "null": (), "nan": ()}
    as_they_are = Films.read(table, rules=ReadingRules(placeholders=False))
    assert as_they_are.overviews.tolist() == ["None", "A plot.", ""]
    assert named(as_they_are) == {"NA": ("N/A", "NA"), "null": ("nan",), "nan": ()}


def test_a_byte_order_mark_and_spaces_after_commas_change_nothing(write):
    films = Films.read(write('\ufeffId, Overview, Genres\n0012, "One, two.", A|B\n'.encode()))
    assert films.ids.tolist() == ["0012"]
    assert films.overviews.tolist() == ["One, two."]


def test_a_row_number_that_pandas_wrote_is_no_genre(write):
    assert Films.read(write(",Id,A,B,Overview\n0,a,1,0,One.\n1,b,0,1,Two.\n")).genres == Genres(["A", "B"])


def test_a_flag_that_no_film_lists_as_a_genre_is_left_alone(write):
    films = Films.read(
        write("id,overview,genres,is_color,adult\na,One.,Drama|War,1,False\nb,Two.,War,0,True\n")
    )
    assert films.genres == Genres(["Drama", "War"])


def test_expected_genres_order_and_extend_the_columns(write):
    genres = Genres(["Drama", "News", "N/A", "Comedy"])
    films = Films.read(write(HOT), genres=genres)
    assert films.genres == genres
    assert named(films) == {"1": ("Comedy",), "02": ("Drama", "N/A")}


def test_one_film_of_one_genre_is_enough_where_the_genres_are_known(write):
    assert named(Films.read(write("id,text,genres\na,One.,War\n"), genres=Genres(["Drama", "War"]))) == {
        "a": ("War",)
    }


def test_posters_are_found_by_id_and_jpeg_wins(write, tmp_path):
    folder = tmp_path / "posters"
    folder.mkdir()
    for name in ("1.JPG", "1.png", "02.webp", "3.5.jpeg", "3.txt"):
        (folder / name).touch()
    table = write("id,overview\n1,a\n02,b\n3.5,c\n3,d\n")
    films = Films.read(table, posters=folder)
    assert [path.rpartition("/")[2] for path in films.posters] == ["1.JPG", "02.webp", "3.5.jpeg", ""]
    assert films.summary() == {"films": 4, "without_overview": 0, "without_poster": 1}


def test_a_poster_column_is_relative_to_the_folder_or_else_to_the_table(write, tmp_path):
    (tmp_path / "art").mkdir()
    for name in ("x.jpg", "b.jpg"):
        (tmp_path / "art" / name).touch()
    beside = Films.read(write("id,overview,poster_path\na,One.,art/x.jpg\nb,Two.,\n"))
    assert beside.posters.tolist() == [str(tmp_path / "art" / "x.jpg"), ""]
    address = "https://example.org/" + "x" * 300
    within = Films.read(write(f"id,Poster\na,x.jpg\nb,{address}\n"), posters=tmp_path / "art")
    assert within.posters.tolist() == [str(tmp_path / "art" / "x.jpg"), str(tmp_path / "art" / "b.jpg")]


MANY = "Id,Drama,War,Overview\n" + "".join(f"f{i},{i % 2},0,Plot {i}.\n" for i in range(19))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("", "the file is empty"),
        (b"PK\x03\x04\xff\xfe\x00", "its bytes are no text"),
        ("id,overview\n", "the table has no films"),
        (
            "id,overview\na,One, two.\n",
            "line 2 has 3 cells where there are 2 .* holds a comma.* double quotes",
        ),
        ("id,overview\na,One.\nb,Two, three.\n", "line 3 has 3 cells where there are 2 names of columns"),
        ("id;overview\na;One.\nb;Two; three.\n", "line 3 has 3 cells .* a text that holds a semicolon"),
        (
            'id,overview\na,"One."\nb,"Two.\nc,Three.\n',
            "line 3 has a quote that does not close where the cell ends",
        ),
        ("id,overview\na,One.\na,Two.\n", "must be unique, but a came more than once"),
        ("id,overview\n,One.\n", "needs an id"),
        (
            "id,A,B\na,1,0\n",
            "no film has an overview or a poster; name the column of overviews with --columns overview=NAME",
        ),
        ("id,A,A,overview\na,1,0,One.\n", "the column A comes twice"),
        ("id,Drama,overview\na,1,One.\nb,0,Two.\n", "Drama is its only genre"),
        ("id,genres,overview\na,Drama,One.\nb,,Two.\n", "Drama is its only genre"),
        ("id,genres,overview\na,[{'name': 'War'},One.\n", "film a must be a list such as .* got .*'War'"),
        (MANY + "f19,2,1,Plot.\n", "the column Drama looks like a genre, 0 or 1, but holds '2' for film f19"),
        (
            "id,overview,poster\na,One.,x.jpg\n",
            "no film has a poster in .*, where a file such as x.jpg was expected",
        ),
    ],
)
def test_a_table_that_is_no_table_of_films_is_named_in_one_sentence(write, table, sentence):
    path = write(table)
    with pytest.raises(InputError, match=sentence) as caught:
        Films.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_parquet_file_of_another_kind_is_named(write):
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        Films.read(write("id,overview\n", "films.parquet"))


def test_paths_that_hold_no_table_are_named(tmp_path, write):
    with pytest.raises(InputError, match="there is no such file"):
        Films.read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="this is a folder"):
        Films.read(tmp_path)
    with pytest.raises(InputError, match=r"ends in .csv or .parquet, got .xlsx"):
        Films.read(write("", "films.xlsx"))


def test_posters_folders_without_these_films_are_named(tmp_path, write):
    table = write("id,overview\ntt1,One.\n")
    with pytest.raises(InputError, match=r"posters folder .*absent does not exist"):
        Films.read(table, posters=tmp_path / "absent")
    with pytest.raises(
        InputError, match=r"no film has a poster in .*, where a file such as tt1.jpg was expected"
    ):
        Films.read(table, posters=tmp_path)


def test_a_column_named_like_an_expected_genre_must_hold_0_and_1(write):
    table = write("id,Drama,overview\na,0.3,One.\n")
    assert Films.read(table).labels is None
    with pytest.raises(
        InputError, match=r"the column Drama looks like a genre, 0 or 1, but holds '0.3' for film a"
    ):
        Films.read(table, genres=Genres(["Drama", "War"]))


def test_genres_that_are_not_expected_are_named(write):
    with pytest.raises(
        InputError, match=r"films.csv: .* not among the 2 expected: N/A, Drama; rename or remove"
    ):
        Films.read(write(HOT), genres=Genres(["Comedy", "War"]))


def test_real_films_are_read_as_their_description_says(real_films):
    films = Films.read(real_films / "films.csv", posters=real_films / "posters")
    counts = films.summary()
    assert (counts["films"], counts["genres"], counts["genres_with_films"]) == (5060, 25, 21)
    assert counts["without_overview"] == counts["without_poster"] == counts["without_genres"] == 0
    assert 2.3 <= counts["cardinality"] < 2.45
    support = films.genres.support(films.labels)
    assert support.index[support == 0].tolist() == ["Documentary", "News", "Reality-TV", "Short"]
    assert support.idxmax() == "Drama"
    assert support["N/A"] in (3, 4)
    assert (films.overviews == "The story of").sum() == 5
    poster_only = Films.read(
        real_films / "poster_only.csv", posters=real_films / "posters", genres=films.genres
    )
    assert poster_only.summary()["without_overview"] == len(poster_only) == 459
    assert poster_only.has_poster.all()


def test_real_genre_lists_and_genre_columns_agree(real_films, write):
    table = pd.read_csv(real_films / "films.csv", dtype=str, keep_default_na=False)
    plain = Films.read(write(table[["Id", "Genre", "Overview"]].to_csv(index=False)))
    hot = Films.read(real_films / "films.csv")
    live = [name for name in hot.genres if hot.genres.support(hot.labels)[name]]
    assert list(plain.genres) == live
    assert np.array_equal(plain.align(hot.genres).labels, hot.labels)
