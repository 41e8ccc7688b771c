"""How tables are understood: roles, spellings of genres, broken rows, encodings, and what is said of it."""

import bz2
import gzip
import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.data import Films, Genres, ReadingRules, check_films, film_table, read_films


def named(films):
    return dict(zip(films.ids, films.genres.decode(films.labels), strict=True))


@pytest.fixture
def read(tmp_path):
    """Read films from a text, bytes or a DataFrame as a table of this name."""

    def read(content, name="films.csv", encoding="utf-8", **options):
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return read_films(path, **options)

    return read


TWO = {"1": ("Action", "War"), "2": ("War",)}


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("id;overview;genres\n1;A, b.;Action|War\n2;B.;War\n", "semicolon"),
        ("id\toverview\tgenres\n1\tA, b.\tAction, War\n2\tB.\tWar\n", "tab"),
        ("id|overview|genres\n1|A, b.|Action,War\n2|B.|War\n", "|"),
        ("id::overview::genres\n1::A, b.::Action|War\n2::B.::War\n", "::"),
        ('id,overview,genres\n1,"A, b.",Action|War\n2,B.,War\n', "comma"),
        ('sep=;\nid;overview;genres\n1;"A, b.";Action|War\n2;B.;War\n', "semicolon"),
        ('\ufeff"sep=|"\nid|overview|genres\n1|A, b.|Action/War\n2|B.|War\n', "|"),
        ("My films\n\nid;overview;genres\n1;A, b.;Action|War\n2;B.;War\n", "semicolon"),
        ('My films,,\nid,overview,genres\n1,"A, b.",Action|War\n2,B.,War\n', "comma"),
        ('id,overview,genres\n1,"A, b.",Action|War,\n2,B.,War,\n', "comma"),
        ('id,overview,genres,\n1,"A, b.",Action|War\n2,B.,War\n', "comma"),
        ('id,overview,genres\r1,"A, b.",Action|War\r2,B.,War\r', "comma"),
        ('"overview","genres"\n"1","A, b.","Action|War"\n"2","B.","War"\n', "comma"),
        ("1::A, b.::Action|War\n2::B.::War\n", "::"),
    ],
)
def test_separators_and_lines_that_are_no_films_are_found(read, text, separator):
    said = {"overview": "column 2"} if text.startswith("1") else None
    films, reading = read(text, columns=said)
    assert named(films) == TWO and films.overviews.tolist() == ["A, b.", "B."]
    assert reading.facts["separator"] == separator


def test_a_separator_can_be_said_and_is_one_character(read):
    films, _ = read("id~overview~genres\n1~A.~Action|War\n2~B.~War\n", rules=ReadingRules(separator="~"))
    assert named(films) == TWO
    with pytest.raises(InputError, match=r"a separator is one character, or ::, got 'ab'"):
        read("id,overview\n1,A.\n", rules=ReadingRules(separator="ab"))


ACCENTS = "id,overview,genres\n1,Amélie naît à Paris – “là-bas”.,Action|War\n2,Déjà vu.,War\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings_are_found_and_said(read, encoding):
    films, reading = read(ACCENTS, encoding=encoding)
    assert films.overviews.tolist() == ["Amélie naît à Paris – “là-bas”.", "Déjà vu."]
    assert reading.facts["encoding"] == encoding.removesuffix("-sig")


@pytest.mark.parametrize(
    ("encoding", "overview"),
    [
        ("latin-1", "Söhne fahren über die Brücke nach Köln."),
        ("cp1250", "Žluťoučký kůň příšerně úpěl ďábelské ódy ve městě."),
        ("cp1251", "Фильм о войне и мире в России, где герой ищет правду."),
        ("shift_jis", "東京の小さな町で暮らす家族の物語です。"),
    ],
)
def test_encodings_of_other_languages_are_found(read, encoding, overview):
    films, _ = read(f'id,overview\n1,A line of plain English.\n2,"{overview}"\n', encoding=encoding)
    assert films.overviews[1] == overview


def test_damaged_utf_8_is_refused_by_line_and_read_if_said(read):
    table = "id,overview\n1,Amélie est née.\n2,Caf".encode() + b"\xe9.\n" + "3,Été.\n".encode()
    with pytest.raises(InputError, match="its text is UTF-8, but for line 3: .* --encoding utf-8"):
        read(table)
    films, reading = read(table, rules=ReadingRules(encoding="utf-8"))
    assert films.overviews.tolist() == ["Amélie est née.", "Caf\ufffd.", "Été."]
    assert reading.repaired == {"bytes that are not utf-8-sig, read as \ufffd": 1}


def test_encodings_that_do_not_fit_are_named(read):
    with pytest.raises(InputError, match="there is no encoding klingon"):
        read(ACCENTS, rules=ReadingRules(encoding="klingon"))
    with pytest.raises(InputError, match="is not in the encoding ascii throughout"):
        read(ACCENTS, rules=ReadingRules(encoding="ascii"))


def test_compressed_tables_are_read(read, tmp_path):
    text = b"id,overview,genres\n1,A.,Action|War\n2,B.,War\n"
    assert named(read(gzip.compress(text), "films.csv.gz")[0]) == TWO
    assert named(read(bz2.compress(text), "films.tsv.bz2")[0]) == TWO
    with zipfile.ZipFile(tmp_path / "films.zip", "w") as archive:
        archive.writestr("films.csv", text)
    assert named(Films.read(tmp_path / "films.zip")) == TWO
    with zipfile.ZipFile(tmp_path / "films.zip", "a") as archive:
        archive.writestr("more.csv", text)
    with pytest.raises(InputError, match=r"holds films.csv, more.csv, not one table"):
        Films.read(tmp_path / "films.zip")
    with pytest.raises(InputError, match="films.csv.gz: it cannot be read"):
        read(text, "films.csv.gz")


CUT = "id,overview,genres\n1,The house\nis haunted, they say,Horror\n2,B.,War\n3,C.,War|Drama\n"


def test_rows_that_a_line_break_cut_are_refused_and_none_is_a_film_if_they_are_left_out(read):
    with pytest.raises(InputError, match=r"line 2 has 2 cells where there are 3 .* --bad-rows skip"):
        read(CUT)
    films, reading = read(CUT, rules=ReadingRules(bad_rows="skip"))
    assert films.ids.tolist() == ["2", "3"]
    assert reading.repaired == {"bad rows left out": 2}
    assert any(
        "2 rows are left out, for they are broken: those of line 2, 3." in one for one in reading.warnings
    )


def test_unquoted_separators_are_refused_with_the_first_line_and_the_number_of_rows(read):
    rows = [f"{k};Plot {k}{'; more' if k in (22, 30, 31) else ''}.;War" for k in range(1, 41)]
    table = "\n".join(["id;overview;genres", *rows, "41;C.;Drama\n"])
    with pytest.raises(
        InputError, match=r"line 23 has 4 cells .* and 2 more rows are broken \(line 31, 32\): .* semicolon"
    ):
        read(table)
    films, reading = read(table, rules=ReadingRules(bad_rows="skip"))
    assert len(films) == 38 and reading.repaired == {"bad rows left out": 3}


def test_an_empty_cell_too_many_in_some_rows_is_no_comma_at_the_end(read):
    with pytest.raises(InputError, match="line 3 has 4 cells where there are 3 names of columns"):
        read("id|overview|genres\n1|A.|War,Drama\n2|B |.|\n3|C.|War\n")
    with pytest.raises(InputError, match="line 3 has 4 cells where there are 3 names of columns"):
        read("id,overview,genres,\n1,A.,War\n2,B, b.,Drama\n3,C.,War\n")


def test_backslashes_before_quotes_are_understood(read):
    films, reading = read('id,overview,genres\n1,"He said \\"hi\\", left.",Action|War\n2,"B.",War\n')
    assert films.overviews.tolist() == ['He said "hi", left.', "B."] and named(films) == TWO
    assert "backslashes" in reading.facts["quoting"]


def test_a_quote_that_never_closes_takes_no_other_film_in(read):
    table = 'id,overview,genres\n1,"Open,Action|War\n2,"B.",War\n3,"C.",War\n'
    with pytest.raises(InputError, match="line 2 has a quote that does not close where the cell ends"):
        read(table)
    films, _ = read('id,overview,genres\n1,"Crocodile" Dundee.,Action|War\n2,"B, c.",War\n')
    assert films.overviews.tolist() == ['"Crocodile" Dundee.', "B, c."]


def test_line_breaks_in_quotes_belong_to_the_cell(read):
    films, _ = read('id,overview,genres\n1,"A\nb.",Action|War\n2,"B.",War\n')
    assert films.overviews.tolist() == ["A b.", "B."] and named(films) == TWO


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("movieId,Name,Synopsis,Genre", ["movieId", "Name", "Synopsis", "Genre"]),
        ("appid,name,description,genres", ["appid", "name", "description", "genres"]),
        ("imdb_id,Series_Title,Summary,Genres", ["imdb_id", "Series_Title", "Summary", "Genres"]),
        (",Book,Blurb,GENRE", ["", "Book", "Blurb", "GENRE"]),
        ("showID,Movie Title,Movie Plot,Movie_Genre", ["showID", "Movie Title", "Movie Plot", "Movie_Genre"]),
    ],
)
def test_roles_are_found_by_the_names_that_people_give(read, header, roles):
    films, reading = read(
        f"{header}\n7,T,A long plot of a spy.,Action|War\n8,U,B happens to a friend of his.,War\n"
    )
    assert [reading.columns[role] for role in ("id", "title", "overview", "genres")] == roles
    assert films.ids.tolist() == ["7", "8"] and films.titles.tolist() == ["T", "U"]


def test_an_overview_is_found_where_it_is_full_or_by_its_words(read):
    films, reading = read("id,overview,plot\n1,,A spy.\n2,,B.\n")
    assert films.overviews.tolist() == ["A spy.", "B."]
    assert "fuller than overview" in reading.why["overview"]
    text = "One word after another makes a text of some length"
    films, reading = read(f"id,remarks,about\n1,good,{text}.\n2,bad,{text} too.\n")
    assert reading.columns["overview"] == "about" and reading.why["overview"].startswith(
        "its texts, of 10 words"
    )
    with pytest.raises(
        InputError,
        match="may both hold the overviews; say --columns overview=left or --columns overview=right",
    ):
        read(f"id,left,right\n1,{text}.,{text}!\n2,{text} too.,{text} so!\n")


def test_a_second_column_for_a_role_is_said(read):
    _, reading = read("id,overview,description\n1,A.,B.\n2,C.,D.\n")
    assert (
        "overview is taken as the overview, and description left alone; --columns overview=description"
        in " ".join(reading.warnings)
    )


def test_roles_can_be_said(read):
    table = "imdbId,Title,Genre,Plot,Drama,Sport,War\n1,A title.,x,Plot,1,0,0\n2,B title.,x,Plot,0,1,1\n"
    films, reading = read(table, columns={"overview": "Title", "genres": "Drama..War", "title": ""})
    assert films.overviews.tolist() == ["A title.", "B title."]
    assert reading.columns == {"id": "imdbId", "overview": "Title", "genres": ["Drama", "Sport", "War"]}
    assert named(films) == {"1": ("Drama",), "2": ("Sport", "War")}
    assert named(read(table, columns={"genres": ["Sport", "Drama"]})[0]) == {"1": ("Drama",), "2": ("Sport",)}
    assert read(table, columns={"genres": ""})[0].labels is None
    with pytest.raises(InputError, match="it has no column 'plott'; its columns are imdbId, Title"):
        read(table, columns={"overview": "plott"})
    with pytest.raises(InputError, match="says what is the id, overview, .*, not what is 'actor'"):
        read(table, columns={"actor": "Plot"})
    with pytest.raises(InputError, match="one column is the id of a film, got a, b"):
        read(table, columns={"id": ["a", "b"]})


def test_films_without_ids_are_called_by_their_row(read):
    films, reading = read("title,overview\nA,One.\nB,Two.\n")
    assert films.ids.tolist() == ["1", "2"] and "id" not in reading.columns
    assert "called by their row, 1 to 2" in reading.warnings[0]


def test_whole_numbers_stay_whole(read):
    table = pd.DataFrame(
        {"id": [862.0, 863.0], "overview": [b"One.", b"Two."], "genres": [["War"], ["Drama"]]}
    )
    films, _ = read(table, "films.parquet")
    assert films.ids.tolist() == ["862", "863"] and films.overviews.tolist() == ["One.", "Two."]
    films, reading = read("id,overview\n862.0,A.\n863.0,B.\n")
    assert films.ids.tolist() == ["862", "863"]
    assert reading.repaired == {"ids whose .0 is left out": 2}
    assert read("id,overview\n862.0,A.\n3.5,B.\n")[0].ids.tolist() == ["862.0", "3.5"]


@pytest.mark.parametrize(
    "cells",
    [
        ("Action|War", "War"),
        ("Action, War", "War"),
        ("Action; War;", "War"),
        ("Action/War", "War"),
        ("Action - War", "War"),
        ("['Action', 'War']", "['War']"),
        ("['Action' 'War']", "['War']"),
        ("[Action, War]", "[War]"),
        ("{'Action', 'War'}", "{'War'}"),
        ("('Action', 'War')", "('War',)"),
        ('[{"id": 28, "name": "Action"}, {"id": 1, "name": "War"}]', '[{"id": 1, "name": "War"}]'),
        ("[{'id': 28, 'name': 'Action'}, {'id': 1, 'name': 'War'}]", "[{'id': 1, 'name': 'War'}]"),
        ('{"/m/02kdv5l": "Action", "/m/1": "War"}', '{"/m/1": "War"}'),
        ("{'Action': 20, 'War': 7, 'Fun': 0}", "{'War': 5}"),
        ("[{'id': '1', 'description': 'Action'}, {'description': 'War'}]", "[{'id': '2', 'description': 'War'}]"),
        ("action|war", "War"),
        ("ACTION|War", "war|Action "),
        ("Action|War|Action", "War"),
    ],
)  # fmt: skip
def test_genres_are_read_in_every_spelling(read, cells, tmp_path):
    table = pd.DataFrame(
        {
            "id": ["1", "2", "3"],
            "overview": "Words.",
            "genres": [*cells, "War" if cells[0][0] not in "[{(" else "[]"],
        }
    )
    table.to_csv(tmp_path / "films.csv", index=False)
    films, _ = read_films(tmp_path / "films.csv")
    folded = {film: {name.casefold() for name in names} for film, names in named(films).items()}
    assert folded["1"] == {"action", "war"} and "war" in folded["2"] and len(films.genres) == 2


def test_structs_and_lists_of_parquet_are_genres(read):
    for genres in (
        [[{"id": 28, "name": "Action"}, {"id": 1, "name": "War"}], [{"id": 1, "name": "War"}]],
        [["Action", "War"], ["War"]],
        [[b"Action", b"War"], [b"War"]],
    ):
        assert (
            named(read(pd.DataFrame({"id": ["1", "2"], "text": "A.", "genres": genres}), "f.parquet")[0])
            == TWO
        )


def test_spellings_of_one_genre_are_one_genre_by_the_commonest_spelling(read):
    films, reading = read(
        "id,overview,genres\n1,A.,Sci-Fi\n2,A.,SCI-FI|Come\u0301die\n3,A.,sci-fi\n4,A.,Com\u00e9die\n5,A.,Com\u00e9die\n"
        "6,A.,War\u00a0 Film\n7,A.,War Film\n"
    )
    assert list(films.genres) == ["Com\u00e9die", "Sci-Fi", "War Film"]
    assert films.genres.support(films.labels).tolist() == [3, 3, 2]
    assert reading.repaired == {"spellings of genres folded into another": 3}


def test_a_slash_in_a_name_of_its_own_stays_and_is_said(read):
    films, reading = read("id,overview,genres\n1,A.,Foo/Bar|War\n2,A.,War\n")
    assert list(films.genres) == ["Foo/Bar", "War"]
    assert "1 genres hold a mark that joins others ('Foo/Bar')" in reading.warnings[0]
    apart = read("id,overview,genres\n1,A.,Foo/Bar|War\n2,A.,War\n", rules=ReadingRules(genres_apart="/"))[0]
    assert list(apart.genres) == ["Bar|War", "Foo", "War"]


def test_which_columns_of_0_and_1_are_genres_follows_a_rule(read):
    one = "id,overview,genres,en,fr\n1,A spy.,Action|Adventure,1,0\n2,Two fall in love.,Comedy|Romance,0,1\n"
    films, reading = read(one)
    assert list(films.genres) == ["Action", "Adventure", "Comedy", "Romance"]
    assert "Columns of 0 and 1 that are not taken as genres are left alone: en, fr." in reading.warnings
    numbers, reading = read('id,overview,genre_ids,adult,video\n1,A.,"[28, 12]",0,0\n2,B.,[35],0,1\n')
    assert list(numbers.genres) == ["12", "28", "35"]
    assert any("Genres are numbers (12, 28, 35): --map" in one for one in reading.warnings)
    mixed, _ = read("id,overview,is_colour,Action,Yakuza,Drama,adult\n1,A.,1,0,1,0,1\n2,B.,0,1,0,1,0\n")
    assert list(mixed.genres) == ["Action", "Yakuza", "Drama"]
    assert read("id,overview,en,fr\n1,A.,1,0\n2,B.,0,1\n")[0].labels is None
    own, reading = read("id,overview,Soft,Hard\n1,A.,1,0\n2,B.,0,1\n")
    assert list(own.genres) == ["Soft", "Hard"]
    assert (
        "Soft, Hard are taken as genres, for they are columns of 0 and 1 side by side" in reading.warnings[0]
    )


def test_a_column_that_no_film_carries_is_a_genre_among_those_that_cells_name(read):
    table = (
        'id,genres,overview,adult,Action,News,War,video\n1,Action,A.,0,1,0,0,0\n2,"Action,War",B.,0,1,0,1,0\n'
    )
    films, reading = read(table)
    assert reading.columns["genres"] == ["Action", "News", "War"]
    assert named(films) == {"1": ("Action",), "2": ("Action", "War")}


def test_a_wrong_cell_turns_no_genre_into_a_column_that_is_left_alone(read):
    with pytest.raises(
        InputError, match=r"the column Action looks like a genre, 0 or 1, but holds '\|0' for film 2"
    ):
        read("id,overview,Action,War\n1,A.,1,1\n2,B.,|0,1\n3,C.,0,0\n")


def test_columns_may_say_that_they_are_genres(read):
    films, _ = read("film,plot,genre_Action,genre_Jidaigeki,is_new\nA,One.,1,1,0\nB,Two.,0,1,1\n")
    assert named(films) == {"1": ("Action", "Jidaigeki"), "2": ("Jidaigeki",)}


def test_genres_without_a_name_of_their_column_are_found_by_what_cells_name(read):
    films, reading = read(
        '9\tA\t{"/m/1": "English Language"}\t{"/m/2": "Thriller", "/m/3": "Drama"}\n'
        '8\tB\t{"/m/1": "English Language"}\t{"/m/4": "War"}\n',
        "films.tsv",
        columns={"overview": "column 2"},
    )
    assert reading.columns["genres"] == "column 4" and named(films) == {
        "9": ("Drama", "Thriller"),
        "8": ("War",),
    }


def test_names_of_columns_between_films_are_left_out(read):
    films, reading = read("id,overview,genres\n1,A.,War\nid,overview,genres\n2,B.,Drama\n")
    assert films.ids.tolist() == ["1", "2"]
    assert reading.repaired == {"lines of names of columns between films left out": 1}


def test_cells_and_columns_that_disagree_are_said(read):
    table = 'id,genres,overview,Action,War\n1,Action,A.,1,1\n2,"Action,War",B.,1,1\n'
    films, reading = read(table)
    assert named(films) == {"1": ("Action", "War"), "2": ("Action", "War")}
    assert "1 films, the first 1, have other genres in the column genres" in reading.warnings[0]
    assert named(read(table, columns={"genres": "genres"})[0]) == {"1": ("Action",), "2": ("Action", "War")}


@pytest.mark.parametrize(
    "words", [("1", "0"), ("yes", "No"), ("TRUE", "False"), ("y", "n"), ("1.0", "0.0"), ("x", "")]
)
def test_0_and_1_are_written_in_several_ways_and_a_blank_is_0(read, words):
    one, zero = words
    films, reading = read(f"id,overview,Action,War\n1,A.,{one},{one}\n2,B.,{zero},{one}\n3,C.,{one},\n")
    assert named(films) == {"1": ("Action", "War"), "2": ("War",), "3": ("Action",)}
    assert reading.repaired == {"blank cells of genre columns taken as 0": 2 if zero == "" else 1}
    with pytest.raises(
        InputError, match=r"is blank for . films, the first ., and genres that are unknown .* --blank 0"
    ):
        read(
            f"id,overview,Action,War\n1,A.,{one},{one}\n2,B.,1,\n3,C.,{one},\n",
            rules=ReadingRules(blank="unknown"),
        )


def test_placeholders_are_nothing_listed_and_switchable(read):
    table = (
        "id,overview,genres\n1,N/A,(no genres listed)\n2,No overview found.,\\N\n3,nan,unknown\n4,A plot.,nan\n"
        "5,None survive.,Drama|War\n6,No one leaves.,War\n"
    )
    films, reading = read(table)
    assert films.overviews.tolist() == ["", "", "", "A plot.", "None survive.", "No one leaves."]
    assert named(films) == {"1": (), "2": (), "3": (), "4": (), "5": ("Drama", "War"), "6": ("War",)}
    assert reading.placeholders == {
        "N/A": 1, "No overview found.": 1, "nan": 2, "(no genres listed)": 1, "\\N": 1, "unknown": 1,
    }  # fmt: skip
    kept, _ = read(table, rules=ReadingRules(placeholders=False))
    assert kept.overviews[1] == "No overview found." and "unknown" in kept.genres


def test_duplicate_ids_are_refused_or_taken_as_said(read):
    table = "id,overview,title,genre\na,,,War\nb,B.,T,Crime\na,A.,T,Drama\na,Other.,T,Drama\n"
    with pytest.raises(
        InputError, match="a came more than once; say --duplicates first .* or --duplicates merge"
    ):
        read(table)
    first, reading = read(table, rules=ReadingRules(duplicates="first"))
    assert first.ids.tolist() == ["a", "b"] and first.overviews.tolist() == ["", "B."]
    assert reading.repaired == {"rows of an id that came before left out": 2}
    merged, reading = read(table, rules=ReadingRules(duplicates="merge"))
    assert named(merged) == {"a": ("Drama", "War"), "b": ("Crime",)} and merged.overviews.tolist() == [
        "A.",
        "B.",
    ]
    assert reading.repaired == {"rows merged into an earlier one of the same id": 2}
    assert "1 films have more than one overview in their rows; the first is taken." in reading.warnings


def test_rows_without_an_id_are_refused_or_left_out_and_counted(read):
    table = "id,overview\n1,A.\n,B.\n"
    with pytest.raises(
        InputError, match="every film needs an id, but 1 rows have none in the column id, the first is row 2"
    ):
        read(table)
    films, reading = read(table, rules=ReadingRules(bad_rows="skip"))
    assert films.ids.tolist() == ["1"] and reading.repaired == {"rows without an id left out": 1}


def test_a_map_renames_merges_splits_and_leaves_out_genres_and_lists_the_others(read, tmp_path):
    table = "id,overview,genres\n1,A.,SciFi|Musical\n2,B.,sci-fi|Dramedy|Junk\n3,C.,War\n"
    given = {
        "scifi": "Science Fiction",
        "sci-fi": "Science Fiction",
        "Dramedy": "Drama|Comedy",
        "junk": "",
        "Noir": "Crime",
    }
    (tmp_path / "map.json").write_text(json.dumps(given))
    (tmp_path / "map.csv").write_text("".join(f"{name},{to}\n" for name, to in given.items()))
    for one in (given, tmp_path / "map.json", tmp_path / "map.csv"):
        films, reading = read(table, rules=ReadingRules(genre_map=one))
        assert named(films) == {
            "1": ("Musical", "Science Fiction"), "2": ("Comedy", "Drama", "Science Fiction"), "3": ("War",),
        }  # fmt: skip
        assert reading.warnings == (
            "The map of genres leaves 2 as they are: Musical, War.",
            "The map of genres names noir, which no film has.",
        )
    (tmp_path / "map.csv").write_text("one\n")
    with pytest.raises(InputError, match=r"map.csv is no map of genres .* FROM,TO"):
        read(table, rules=ReadingRules(genre_map=tmp_path / "map.csv"))


def test_rules_are_one_of_those_that_there_are():
    with pytest.raises(InputError, match="--duplicates is error or first or merge, got 'all'"):
        ReadingRules(duplicates="all")
    with pytest.raises(InputError, match="--genres-apart is the mark between genres"):
        ReadingRules(genres_apart="")


def test_a_frame_is_understood_as_a_file_is():
    table = pd.DataFrame(
        {"plot": ["A.", "B."], "Genre": ["War, Drama", "War"]}, index=pd.Index(["x", "y"], name="imdbId")
    )
    films = Films.from_frame(table)
    assert named(films) == {"x": ("Drama", "War"), "y": ("War",)}
    assert list(table.columns) == ["plot", "Genre"] and table.index.name == "imdbId"
    assert films.align(Genres(["War", "Drama"])).labels.tolist() == [[1, 1], [1, 0]]
    with pytest.raises(InputError, match="the table: no film has an overview"):
        Films.from_frame(table[["Genre"]])


def test_films_that_a_table_splits_keep_their_roles_and_the_others_are_dealt(read):
    rows = "".join(
        f"{k},Plot {k}.,{'War|Drama' if k % 2 else 'War'},{'train' if k < 80 else 'test'}\n"
        for k in range(100)
    )
    films, reading = read(f"id,overview,genres,split\n{rows}")
    roles = films.split(reading.splits, seed=0)
    assert {role: len(part) for role, part in roles.items()} == {
        "train": 60,
        "validation": 10,
        "calibration": 10,
        "test": 20,
    }
    assert roles["test"].ids.tolist() == [str(k) for k in range(80, 100)]
    facts = check_films(films, reading)
    assert facts["splits"] == {"test": 20, "train": 80}
    assert any("train --split split keeps it" in sentence for sentence in facts["warnings"])
    with pytest.raises(
        InputError, match="must name a split, such as train, dev or test, but holds 'x' for film 1"
    ):
        read("id,overview,s\n1,A.,x\n", columns={"split": "s"})


def test_what_many_films_share_is_no_near_duplicate_and_is_said(read):
    rows = "".join(
        f"{k},{'Ask your dealer.' if k < 11 else f'Plot {k // 2}.'},War|Drama\n" for k in range(20)
    )
    films, reading = read(f"id,overview,genres\n{rows}")
    facts = check_films(films, reading)
    assert facts["near_duplicates"] == 8 and facts["shared_overviews"] == {"Ask your dealer.": 11}
    assert any(
        "11 films have the overview 'Ask your dealer.', which is no one's own" in one
        for one in facts["warnings"]
    )


def test_a_table_of_films_keeps_the_rows_that_are_films(tmp_path):
    (tmp_path / "f.csv").write_text("id,overview,year\na,A.,1990\nb,B.,1991\na,A.,1992\n")
    table = film_table(tmp_path / "f.csv", rules=ReadingRules(duplicates="first"))
    assert table["year"].to_dict() == {"a": "1990", "b": "1991"}
    assert np.array_equal(
        film_table(tmp_path / "f.csv", rules=ReadingRules(duplicates="merge")).index, ["a", "b"]
    )


def test_two_quotes_that_should_not_be_do_not_join_the_rows_between_them(read):
    films, reading = read('id;title;genres;overview\n1;";War;A.\n2;";Drama;B.\n3;T;War;C.\n')
    assert films.ids.tolist() == ["1", "2", "3"] and films.titles.tolist() == ['"', '"', "T"]
    assert reading.facts["quoting"] == "cells whose quotes are part of the text"
    first, _ = read('title;id;overview;genres\n";1;A.;War\n";2;B.;Drama\nT;3;C.;War\nU;4;C.;War\n')
    assert first.ids.tolist() == ["1", "2", "3", "4"]
    with pytest.raises(InputError, match="line 2 has a quote that closes in another row, it seems"):
        read('id;title;genres;overview\n1;";War;A.\n2;";Drama;B.\n3;T;War;"C; d."\n')
    with_lines, _ = read('id,title,overview,genres\n1,T,"A.\n1990, that is.",War|Drama\n2,U,B.,War\n')
    assert with_lines.overviews.tolist() == ["A. 1990, that is.", "B."]


def test_a_row_with_an_empty_cell_too_many_is_refused_where_other_rows_have_none(tmp_path):
    path = tmp_path / "films.csv"
    rows = [
        "id,overview,Action,Drama,title",
        "a,A plot, unquoted,1,0,",
        "b,Another, too,0,1,",
        "c,Clean,1,1,C",
    ]
    path.write_text("\n".join([*rows, "d,As clean,0,1,D"]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2 .*6 cells where there are 5"):
        read_films(path)
