import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.data import Films, Genres, ReadingRules

GENRES = Genres(["Comedy", "N/A", "War"])
SHARES = {"train": 0.7, "validation": 0.1, "calibration": 0.1, "test": 0.1}


def some_films(n_films=60, seed=0):
    rng = np.random.default_rng(seed)
    ids = [f"tt{i:03}" for i in range(n_films)]
    overviews = [f"Plot {i // 2}." if i < 10 else "" if i % 7 == 0 else f"Plot {i}." for i in range(n_films)]
    posters = [f"{film}.jpg" if i % 5 else None for i, film in enumerate(ids)]
    return Films(ids, overviews, posters, rng.integers(0, 2, (n_films, 3)), GENRES)


def test_white_space_is_folded_and_alone_counts_as_missing():
    films = Films(
        ["a", "b", "c", "d"], [" One  plot.\r\n", None, " \n", np.nan], [None, "b.jpg", "", "d.jpg"]
    )
    assert films.overviews.tolist() == ["One plot.", "", "", ""]
    assert films.has_overview.tolist() == [True, False, False, False]
    assert films.has_poster.tolist() == [False, True, False, True]


def test_taking_films_keeps_everything_about_them():
    films = some_films().with_role("test")
    last = films.take([59, 3])
    assert last.ids.tolist() == ["tt059", "tt003"]
    assert last.overviews.tolist() == ["Plot 59.", "Plot 1."]
    assert last.posters.tolist() == ["tt059.jpg", "tt003.jpg"]
    assert np.array_equal(last.labels, films.labels[[59, 3]])
    assert (last.genres, last.role) == (GENRES, "test")
    assert films.take(films.has_poster).has_poster.all()
    assert len(films.take([])) == 0


def test_films_cannot_be_changed_in_place():
    films = some_films()
    for values in (films.ids, films.overviews, films.posters, films.labels):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_posters_that_cannot_be_used_count_as_missing():
    films = some_films()
    fewer = films.without_posters(["tt001", "tt002", "not here"])
    assert (films.has_poster & ~fewer.has_poster).nonzero()[0].tolist() == [1, 2]


def test_labels_follow_their_genres_names():
    films = some_films()
    wider = films.align(Genres(["War", "Drama", "N/A", "Comedy"]))
    assert np.array_equal(wider.labels[:, [3, 2, 0]], films.labels)
    assert not wider.labels[:, 1].any()
    assert films.align(GENRES) is films
    unlabelled = Films(["a"], ["One."], [""])
    assert unlabelled.align(GENRES) is unlabelled


def test_summary_counts_what_is_missing():
    films = Films(
        ["a", "b", "c"], ["One.", "", "Three."], ["", "", "c.jpg"], [[1, 1], [0, 0], [1, 0]], ["A", "B"]
    )
    assert films.summary() == {
        "films": 3,
        "without_overview": 1,
        "without_poster": 2,
        "without_genres": 1,
        "genres": 2,
        "genres_with_films": 2,
        "cardinality": 1.0,
    }


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_a_written_table_reads_back_equal(tmp_path_factory, data):
    words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
    overviews = [*data.draw(st.lists(words, min_size=1, max_size=5)), "So that one film has an overview."]
    labels = data.draw(st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=6, max_size=6))
    films = Films(
        [f"00{i}" for i in range(len(overviews))], overviews, overviews, labels[: len(overviews)], GENRES
    )
    folder = tmp_path_factory.mktemp("tables")
    films.to_frame().to_csv(folder / "films.csv", index=False)
    films.to_frame().to_parquet(folder / "films.parquet")
    for name in ("films.csv", "films.parquet"):
        again = Films.read(folder / name, rules=ReadingRules(placeholders=False))
        assert again.ids.tolist() == films.ids.tolist()
        assert again.overviews.tolist() == films.overviews.tolist()
        assert np.array_equal(again.labels, films.labels)
        assert again.genres == films.genres


def test_films_are_shown_by_their_counts():
    shown = repr(Films(["a"], ["One."], [""], role="test"))
    assert shown == "Films({'films': 1, 'without_overview': 0, 'without_poster': 1}, role='test')"


def test_films_to_predict_are_written_without_genres():
    assert Films(["a"], ["One."], [""]).to_frame().columns.tolist() == ["Id", "Overview"]


@given(st.integers(30, 80), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_a_split_gives_every_film_one_role_and_keeps_duplicates_together(n_films, seed):
    films = some_films(n_films)
    roles = films.split(SHARES, seed=seed)
    assert list(roles) == list(SHARES)
    assert all(part.role == role for role, part in roles.items())
    ids = [film for part in roles.values() for film in part.ids]
    assert sorted(ids) == films.ids.tolist()
    for part in roles.values():
        assert all(
            part.overviews.tolist().count(text) == 2
            for text in part.overviews
            if text in films.overviews[:10]
        )
        assert part.ids.tolist() == sorted(part.ids)


def test_a_role_of_share_0_is_left_out():
    roles = some_films().split({"train": 0.8, "validation": 0.2, "test": 0})
    assert list(roles) == ["train", "validation"]


def test_the_same_seed_splits_alike_in_another_process():
    code = "from test_films import SHARES, some_films\nprint(*some_films().split(SHARES, seed=5)['test'].ids)"
    environment = os.environ | {
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
    }
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.split() == some_films().split(SHARES, seed=5)["test"].ids.tolist()


def test_films_without_labels_are_split_too():
    films = some_films()
    roles = Films(films.ids, films.overviews, films.posters).split(SHARES)
    assert sum(map(len, roles.values())) == len(films)


def test_films_of_one_role_are_not_split_again():
    with pytest.raises(InputError, match="already are the test split; split the whole table once"):
        some_films().with_role("test").split(SHARES)


def test_a_role_that_gets_no_film_is_named():
    with pytest.raises(InputError, match="4 films in 2 groups of near-duplicates leave none for validation"):
        some_films(4).split({"train": 0.9, "validation": 0.1})
    with pytest.raises(InputError, match="0 films in 0 groups"):
        some_films().take([]).split(SHARES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((["a", "a"], ["", ""], ["", ""]), "must be unique, but a came more than once"),
        ((["a"], ["", ""], [""]), r"The films' overviews must have shape \(1,\), got \(2,\)"),
        ((["a"], [""], []), r"The films' posters must have shape \(1,\), got \(0,\)"),
        ((["a"], [""], [""], [[1, 0]]), "labels and the Genres that name their columns, or neither"),
        ((["a"], [""], [""], None, GENRES), "labels and the Genres that name their columns, or neither"),
        ((["a"], [""], [""], [[1, 0]], GENRES), r"Labels must have shape \(1, 3\)"),
        ((["a"], [""], [""], [[1, 0, 2]], GENRES), "Labels must be 0 or 1"),
        ((["a"], [""], [""], None, None, "dev"), "A split role is one of"),
    ],
)
def test_films_whose_parts_do_not_fit_are_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        Films(*arguments)


def test_genres_that_are_not_expected_are_refused():
    with pytest.raises(
        InputError, match="not among the 2 expected: N/A, War; rename or remove those columns"
    ):
        some_films().align(Genres(["Comedy", "Drama"]))


def test_real_films_split_with_every_genre_close_to_its_share(real_films):
    films = Films.read(real_films / "films.csv", posters=real_films / "posters")
    roles = films.split(SHARES, seed=1)
    for role, part in roles.items():
        assert abs(len(part) - SHARES[role] * len(films)) < 1
        strays = part.labels.sum(axis=0, dtype=int) - SHARES[role] * films.labels.sum(axis=0, dtype=int)
        assert np.abs(strays).max() < 4
    holding = [role for role, part in roles.items() if "The story of" in part.overviews]
    assert len(holding) == 1


def test_titles_go_with_their_films_and_head_them():
    films = Films(["tt1", "tt2"], ["", ""], ["", ""], titles=["  The  Thing ", None])
    assert films.titles.tolist() == ["The Thing", ""] and films.headings == ["The Thing (tt1)", "tt2"]
    assert films.take([1, 0]).titles.tolist() == ["", "The Thing"]
    assert films.with_role("test").without_posters(["tt1"]).titles.tolist() == films.titles.tolist()
    other = Films(["tt3"], [""], [""])
    assert Films.concatenate([films, other]).titles.tolist() == ["The Thing", "", ""]
    assert list(films.to_frame().columns) == ["Id", "Title", "Overview"]
    assert list(other.to_frame().columns) == ["Id", "Overview"]
    with pytest.raises(InputError, match=r"The films' titles must have shape \(2,\), got \(1,\)"):
        Films(["tt1", "tt2"], ["", ""], ["", ""], titles=["The Thing"])


@pytest.mark.parametrize("column", ["Title", "name", "Original_title"])
def test_a_title_is_read_by_its_usual_names_and_is_no_genre(column, tmp_path):
    table = f"Id,{column},Overview,Comedy,Drama\ntt1,1,A plot.,0,1\ntt2,0,Another.,1,0\n"
    (tmp_path / "films.csv").write_text(table, encoding="utf-8")
    films = Films.read(tmp_path / "films.csv")
    assert films.titles.tolist() == ["1", "0"] and list(films.genres) == ["Comedy", "Drama"]
    films.to_frame().to_csv(tmp_path / "again.csv", index=False)
    assert Films.read(tmp_path / "again.csv").digest() == films.digest()


def test_the_first_of_the_usual_names_holds_the_title_and_no_title_is_a_genre(tmp_path):
    (tmp_path / "films.csv").write_text(
        "Id,Original_title,NAME,Overview,Comedy,Drama\ntt1,0,Heat,A plot.,0,1\ntt2,1,,Another.,1,0\n"
    )
    films = Films.read(tmp_path / "films.csv")
    assert films.titles.tolist() == ["Heat", ""] and films.headings == ["Heat (tt1)", "tt2"]
    assert list(films.genres) == ["Comedy", "Drama"]


def test_titles_stay_with_their_films_in_a_split_and_beside_other_genres():
    films = some_films()
    films = replace(films, titles=[f"The Film {film}" for film in films.ids])
    for part in (*films.split(SHARES).values(), films.align(Genres(["War", "Drama", "N/A", "Comedy"]))):
        assert part.titles.tolist() == [f"The Film {film}" for film in part.ids]


def test_a_digest_tells_films_apart_and_not_where_their_posters_lie():
    films = Films(["tt1", "tt2"], ["A plot."] * 2, ["here/a.jpg", ""], [[1, 0], [0, 1]], ["Drama", "War"])
    assert films.digest() == replace(films, posters=["there/a.jpg", ""]).digest()
    others = [
        films.take([0]),
        films.take([1, 0]),
        *(replace(films, posters=[poster, ""]) for poster in ("here/b.jpg", "data:,a/b", "data:,b/b")),
        replace(films, overviews=["A plan."] * 2),
        replace(films, labels=[[0, 1], [1, 0]]),
        replace(films, genres=Genres(["Drama", "Western"])),
        replace(films, titles=["Heat", ""]),
    ]
    assert len({films.digest(), *(other.digest() for other in others)}) == 10
