import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from multigenre.analysis import BROKEN, MISSING, RESCUED, film_outcomes, genre_outcomes, outcome_names
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores import contenders

NAMES = ["poster", "overview", "tfidf"]


def case(labels, said, missing=()):
    """Films and contenders (members, then the fused) from 0 and 1; ``missing`` are (contender, film)."""
    labels = np.array(labels)
    genres, ids = (
        Genres(["Comedy", "Drama", "War"][: labels.shape[1]]),
        [f"tt{k}" for k in range(len(labels))],
    )
    films = Films(ids, [""] * len(ids), [""] * len(ids), labels, genres, "test")
    contenders = []
    for k, decisions in enumerate(said):
        values = np.where(np.array(decisions) == 1, 0.8, 0.3)
        values[[film for one, film in missing if one == k]] = np.nan
        name = "fused" if k == len(said) - 1 else NAMES[k]
        contenders.append(GenreProbabilities(ids, genres, values, name, "test"))
    return contenders[:-1], contenders[-1], films


def counts(table, of, genre, column="films"):
    rows = table[(table["of"] == of) & (table["genre"] == genre)]
    return dict(zip(rows["outcome"], rows[column], strict=True))


def test_two_members_are_counted_as_by_hand():
    labels = [[1], [1], [1], [1], [0], [0], [0]]
    poster = [[1], [1], [0], [0], [1], [0], [0]]
    overview = [[1], [0], [1], [0], [1], [1], [0]]
    fused = [[1], [0], [1], [1], [0], [1], [0]]
    table = genre_outcomes(contenders(*case(labels, [poster, overview, fused])))
    assert counts(table, "positives", "Comedy") == {
        "both wrong": 1, "poster only": 1, "overview only": 1, "both right": 1, MISSING: 0, RESCUED: 1, BROKEN: 1,
    }  # fmt: skip
    # Of those not carrying it: film 4 both named and the fused did not, film 5 the overview and the fused did.
    assert counts(table, "false alarms", "Comedy") == {
        "both wrong": 1, "poster only": 1, "overview only": 0, "both right": 0, MISSING: 0, RESCUED: 1, BROKEN: 1,
    }  # fmt: skip
    assert counts(table, "predictions", "Comedy")["both wrong"] == 2  # no positive is named by nobody
    assert counts(table, "positives", "Comedy", "fused_right")["poster only"] == 0


def test_a_film_that_lacks_a_modality_is_counted_apart_and_in_no_rate():
    table = genre_outcomes(
        contenders(*case([[1], [1]], [[[1], [1]], [[1], [1]], [[1], [1]]], missing=[(0, 1)]))
    )
    assert counts(table, "positives", "Comedy")[MISSING] == 1
    assert counts(table, "positives", "Comedy", "of_films") == {
        "both wrong": 1, "poster only": 1, "overview only": 1, "both right": 1, MISSING: 2, RESCUED: 1, BROKEN: 1,
    }  # fmt: skip
    assert counts(table, "positives", "Comedy", "share")["both right"] == 1


@st.composite
def cases(draw):
    n_members, n_films = draw(st.integers(1, 3)), draw(st.integers(1, 8))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    said = rng.integers(0, 2, (n_members + 1, n_films, 2))
    missing = [(k, f) for k in range(n_members + 1) for f in range(n_films) if rng.random() < 0.15]
    return case(rng.integers(0, 2, (n_films, 2)), said, missing)


@given(cases())
def test_outcomes_add_up_to_the_films_of_the_set(given_case):
    _, _, films = given_case
    table = genre_outcomes(contenders(*given_case))
    parts = table[~table["outcome"].isin([RESCUED, BROKEN])]
    sums = parts.groupby(["of", "genre"])["films"].sum()
    for genre, support in films.genres.support(films.labels).items():
        assert sums["positives", genre] == support
    known = table.dropna(subset="share")
    assert ((known["low"] <= known["share"]) & (known["share"] <= known["high"])).all()
    assert (table["fused_right"] <= table["films"]).all()
    assert (table["share"].isna() == (table["of_films"] == 0)).all()


@given(cases())
def test_the_film_table_counts_up_to_the_genre_table(given_case):
    members, fused, films = given_case
    table, cells = genre_outcomes(contenders(*given_case)), film_outcomes(contenders(*given_case))
    for genre in films.genres:
        mine = cells[(cells["genre"] == genre) & cells["truth"]]
        expected = counts(table, "positives", genre)
        assert mine["outcome"].value_counts().to_dict() == {
            name: expected[name] for name in [*outcome_names([m.name for m in members]), MISSING]
        }
        for kind in (RESCUED, BROKEN):
            assert (mine["fusion"] == kind).sum() == expected[kind]
    # Every row has a reason to be there.
    named = cells[[f"{one.name}:named" for one in (*members, fused)]].fillna(False).any(axis=1)
    assert (cells["truth"] | named).all()


def test_the_film_table_has_what_everyone_said_and_nothing_for_who_is_missing():
    table = film_outcomes(
        contenders(*case([[1, 0], [0, 0]], [[[1, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]], [(1, 0)]))
    )
    [row] = table.to_dict("records")
    assert (row["film"], row["genre"], row["truth"], row["outcome"], row["fusion"]) == (
        "tt0", "Comedy", True, MISSING, "",
    )  # fmt: skip
    assert row["poster:probability"] == 0.8 and row["poster:named"] is True
    assert pd.isna(row["overview:probability"]) and pd.isna(row["overview:named"])
    assert list(table.columns[5:]) == [
        "poster:probability", "poster:named", "overview:probability", "overview:named",
        "fused:probability", "fused:named",
    ]  # fmt: skip


def test_names_of_outcomes_say_who_was_right():
    assert outcome_names(["poster"]) == ["wrong", "right"]
    assert outcome_names(["a", "b", "c"]) == [
        "all wrong", "a only", "b only", "a + b", "c only", "a + c", "b + c", "all right",
    ]  # fmt: skip


def test_intervals_are_wilson_s_at_the_level_asked_for():
    given_case = case([[1]] * 4, [[[1], [1], [0], [0]], [[1], [0], [1], [0]], [[1]] * 4])
    row = genre_outcomes(contenders(*given_case), level=0.9).iloc[0]
    expected = binomtest(1, 4).proportion_ci(0.9, method="wilson")
    assert (row["share"], row["low"], row["high"]) == pytest.approx((0.25, expected.low, expected.high))
