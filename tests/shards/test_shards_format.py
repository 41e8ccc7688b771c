from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multigenre import make_films
from multigenre._checks import InputError
from multigenre.data import Films, Genres, inline_content
from multigenre.shards import convert, read_shards, shards_genres
from multigenre.shards._format import count_films, shard_paths, table_films


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """50 films, of which some lack a poster or an overview, one has no genre, and one a poster that is none."""
    folder = tmp_path_factory.mktemp("posters")
    films = make_films(50, genres=6, folder=folder, missing_posters=0.1, missing_overviews=0.1)
    Path(films.posters[films.has_poster][0]).write_text("This is no poster.")
    labels = films.labels.copy()
    labels[3] = 0
    titles = ["", *(f"The Film {row}" for row in range(1, 50))]
    return Films(films.ids, films.overviews, films.posters, labels, films.genres, titles=titles)


@pytest.fixture(scope="module")
def shards(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    convert(films, folder, shard_films=20)
    return folder


def unreadable(films):
    return films.ids[films.has_poster][0]


def test_what_is_read_back_are_the_films(films, shards):
    parts = list(read_shards(shards, films=15))
    assert [len(part) for part in parts] == [15, 5, 15, 5, 10]
    whole = Films.concatenate(parts)
    expected = films.without_posters([unreadable(films)])
    for name in ("ids", "overviews", "labels", "has_poster", "titles"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(expected, name))
    assert whole.genres == films.genres


def test_posters_are_their_files_to_the_byte(films, shards):
    whole = Films.concatenate(list(read_shards(shards)))
    for path, inline in zip(films.posters, whole.posters, strict=True):
        assert not inline or inline_content(inline) == Path(path).read_bytes()


def test_shards_are_plain_parquet(films, shards):
    table = pd.read_parquet(shards)  # pandas, without a word of this library
    assert table.columns.tolist() == ["Id", "Title", "Overview", "Poster", "Genres"]
    assert table["Id"].tolist() == list(films.ids)
    assert [tuple(names) for names in table["Genres"]] == films.genres.decode(films.labels)
    assert table["Overview"].isna().tolist() == (~films.has_overview).tolist()


def test_what_shards_hold_is_counted(films, shards):
    found = convert(films, shards, shard_films=20)
    assert found.index.tolist() == [f"part-0000{number}.parquet" for number in range(3)]
    assert found["films"].tolist() == [20, 20, 10]
    assert found["unreadable"].sum() == 1
    assert found["posters"].sum() == films.has_poster.sum() - 1
    assert found["overviews"].sum() == films.has_overview.sum()
    assert found["bytes"].tolist() == [path.stat().st_size for path in shard_paths(shards)]


def test_an_unreadable_poster_is_named(films, tmp_path, caplog):
    convert(films, tmp_path / "shards")
    assert f"1 posters cannot be read and count as missing: {unreadable(films)}" in caplog.text


def test_an_unreadable_poster_is_refused_where_that_is_asked_for(films, tmp_path):
    with pytest.raises(
        InputError, match=f"1 posters cannot be read .{unreadable(films)};.* mend or remove them"
    ):
        convert(films, tmp_path / "shards", strict=True)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_conversion_that_was_killed_goes_on_at_its_shard(films, shards, tmp_path):
    steps = []

    def killed(what, done, total):
        steps.append(done)
        if done == 40:
            raise KeyboardInterrupt

    folder = tmp_path / "shards"
    with pytest.raises(KeyboardInterrupt):
        convert(films, folder, shard_films=20, progress=killed)
    first = {path: path.stat().st_mtime_ns for path in shard_paths(folder)}
    assert len(first) == 2
    convert(films, folder, shard_films=20)
    assert all(path.stat().st_mtime_ns == time for path, time in first.items())
    pd.testing.assert_frame_equal(pd.read_parquet(folder), pd.read_parquet(shards))


def test_other_films_are_not_added_to_a_folder(films, shards):
    with pytest.raises(InputError, match="holds an unfinished run with films="):
        convert(films.take(range(10)), shards, shard_films=20)


def test_films_without_genres_come_back_without(films, tmp_path):
    convert(Films(films.ids, films.overviews, films.posters), tmp_path / "shards")
    [part] = read_shards(tmp_path / "shards")
    assert part.labels is None and part.genres is None


def test_shards_in_folders_of_a_folder_are_one_catalogue(films, tmp_path):
    convert(films.take(range(30)), tmp_path / "first")
    convert(films.take(range(30, 50)), tmp_path / "second")
    assert np.concatenate([part.ids for part in read_shards(tmp_path)]).tolist() == list(films.ids)


def test_shards_of_other_genres_are_refused(films, tmp_path):
    convert(films, tmp_path / "first")
    convert(Films(["x"], ["A plot."], [""], [[1, 0]], ["Noir", "War"]), tmp_path / "second")
    with pytest.raises(InputError, match="first.*and.*second.* must name the same genres"):
        shards_genres(shard_paths(tmp_path))


def test_a_table_of_another_hand_is_read_with_what_it_has():
    films = table_films(pa.table({"Id": ["a", "b"], "Poster": ["a.jpg", None], "Year": [1950, 1960]}))
    assert films.posters.tolist() == ["a.jpg", ""] and films.overviews.tolist() == ["", ""]
    named = table_films(pa.table({"Id": ["a"], "Genres": [["War"]]}), Genres(["Drama", "War"]))
    assert named.labels.tolist() == [[0, 1]]


def test_a_table_needs_ids():
    with pytest.raises(InputError, match="needs a column Id, got Title"):
        table_films(pa.table({"Title": ["A film"]}))


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no Parquet shards; write some with 'multigenre convert'"):
        shard_paths(tmp_path)


def test_what_is_not_a_shard_is_refused(tmp_path):
    path = tmp_path / "part.parquet"
    pq.write_table(pa.table({"Id": ["a"]}), path)
    with pytest.raises(InputError, match="is no shard that 'multigenre convert' wrote"):
        list(read_shards(tmp_path))
    path.write_text("Id\na\n")
    with pytest.raises(InputError, match="part.parquet cannot be read as Parquet"):
        count_films(path)


def test_a_shard_holds_a_film_at_least(films, tmp_path):
    with pytest.raises(InputError, match="A shard needs one film or more, got shard_films=0"):
        convert(films, tmp_path / "shards", shard_films=0)


def test_shards_have_the_same_columns_whichever_films_have_titles(films, tmp_path):
    untitled = Films(films.ids[:2], films.overviews[:2], films.posters[:2], titles=["", "Heat"])
    convert(untitled, tmp_path / "shards", shard_films=1)
    assert pd.read_parquet(tmp_path / "shards")["Title"].fillna("none").tolist() == ["none", "Heat"]
    assert Films.concatenate(list(read_shards(tmp_path / "shards"))).headings[1] == f"Heat ({films.ids[1]})"
