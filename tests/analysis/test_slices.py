import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss

from multigenre._checks import InputError
from multigenre.analysis import slice_table
from multigenre.analysis._slices import EVERY, POOLED, UNKNOWN
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.scores import contenders

GENRES = Genres(["Comedy", "Drama"])


def made(n_films=120, seed=0, missing=0, hard=None):
    """Members that see labels through noise, and more of it on ``hard`` films."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n_films, 2)) < [0.4, 0.6]).astype(np.uint8)
    ids, blank = [f"tt{film}" for film in range(n_films)], [""] * n_films
    noise = np.where(np.zeros(n_films, bool) if hard is None else hard, 5.0, 1.0)[:, None]
    found = []
    for name in ("poster", "fused"):
        values = sigmoid((labels - 0.5) * 3 + noise * rng.normal(size=labels.shape))
        values[: missing if name == "poster" else 0] = np.nan
        found.append(GenreProbabilities(ids, GENRES, values, name, "test"))
    return found[:-1], found[-1], Films(ids, blank, blank, labels, GENRES, "test")


def attribute(films, values, name="kind"):
    return pd.DataFrame({name: values}, films.ids)


def test_scores_are_scikit_learn_s_of_the_films_of_the_slice():
    members, fused, films = made(missing=10)
    kind = np.where(np.arange(120) % 3 == 0, "old", "new")
    table = slice_table(contenders(members, fused, films), attribute(films, kind)).set_index(
        ["value", "contender", "genre"]
    )
    for value, contender in ((v, c) for v in ("old", "new") for c in (*members, fused)):
        rows = (kind == value) & contender.present
        label, values = films.labels[rows], contender.values[rows]
        for genre, name in enumerate(GENRES):
            row, one = table.loc[value, contender.name, name], values[:, genre]
            assert row["films"] == rows.sum() and row["missing"] == (kind == value).sum() - rows.sum()
            assert row["support"] == label[:, genre].sum()
            assert row["named"] == pytest.approx((one >= 0.5).mean())
            assert row["f1"] == pytest.approx(f1_score(label[:, genre], one >= 0.5))
            assert row["bce"] == pytest.approx(log_loss(label[:, genre], one, labels=[0, 1]))
        every = table.loc[value, contender.name, EVERY]
        assert every["f1"] == pytest.approx(f1_score(label, values >= 0.5, average="micro"))
        assert every["support"] == label.sum() and every["named"] == pytest.approx((values >= 0.5).mean())


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_every_film_is_in_one_value_and_intervals_hold_their_scores(seed, min_films):
    members, fused, films = made(50, seed, missing=3)
    kind = np.random.default_rng(seed).choice(["a", "b", "c", None], 50, p=[0.6, 0.2, 0.1, 0.1])
    table = slice_table(contenders(members, fused, films), attribute(films, kind), min_films=min_films)
    one = table[(table["contender"] == "poster") & (table["genre"] == "Drama")]
    assert one["films"].sum() == 47 and one["missing"].sum() == 3
    assert (
        table.loc[table["genre"] != EVERY].groupby("contender")["support"].sum()["fused"]
        == films.labels.sum()
    )
    for name in ("named", "f1", "bce"):
        rows = table.dropna(subset=[name, f"{name}_low"])
        assert (rows[f"{name}_low"] <= rows[name] + 1e-12).all() and (
            rows[name] <= rows[f"{name}_high"] + 1e-12
        ).all()
    assert (table["few"] == (table["films"] < min_films)).all()


def test_values_of_few_films_go_together_and_unknown_ones_stay_apart():
    _, _, films = given_case = made(100)
    kind = ["big"] * 80 + ["small"] * 8 + ["tiny"] * 4 + [None] * 8
    table = slice_table(contenders(*given_case), attribute(films, kind).iloc[::-1], min_films=10)
    counts = table.groupby("value", sort=False)["films"].first()
    assert counts.to_dict() == {"big": 80, POOLED: 12, UNKNOWN: 8}
    assert set(table.loc[table["few"], "value"]) == {UNKNOWN}


def test_films_that_the_attributes_lack_are_unknown_and_others_do_not_matter():
    given_case = made(40)
    attributes = pd.DataFrame({"kind": "x"}, [*given_case[2].ids[:30], "another"])
    table = slice_table(contenders(*given_case), attributes, min_films=1)
    assert table.groupby("value", sort=False)["films"].first().to_dict() == {"x": 30, UNKNOWN: 10}


def test_numbers_of_many_values_become_ranges_and_of_few_stay():
    given_case = made(40)
    attributes = pd.DataFrame({"words": range(40), "stars": [1, 2] * 20}, given_case[2].ids)
    table = slice_table(contenders(*given_case), attributes, min_films=1)
    values = table.groupby("slice")["value"].unique()
    assert list(values["words"]) == ["0 to 9", "10 to 19", "20 to 29", "30 to 39"]
    assert list(values["stars"]) == ["1", "2"]


def test_a_planted_hard_slice_is_told_apart_by_its_intervals():
    hard = np.arange(600) % 2 == 0
    given_case = made(600, hard=hard)
    table = slice_table(contenders(*given_case), attribute(given_case[2], np.where(hard, "hard", "easy")))
    rows = table[(table["genre"] == EVERY) & (table["contender"] == "fused")].set_index("value")
    assert rows.loc["hard", "f1_high"] < rows.loc["easy", "f1_low"]
    assert rows.loc["hard", "bce_low"] > rows.loc["easy", "bce_high"]


def test_the_interval_over_all_genres_covers_although_genres_go_together():
    # Both genres of a film are right or wrong together, so cells are worth half as many.
    covered, trials = 0, 100
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        labels = np.repeat(rng.random((80, 1)) < 0.5, 2, axis=1)
        values = np.where(labels ^ (rng.random((80, 1)) < 0.3), 0.9, 0.1)
        ids, blank = [f"tt{film}" for film in range(80)], [""] * 80
        films = Films(ids, blank, blank, labels.astype(int), GENRES, "test")
        given_case = (
            [GenreProbabilities(ids, GENRES, values, "poster")],
            GenreProbabilities(ids, GENRES, values, "fused"),
        )
        table = slice_table(contenders(*given_case, films), attribute(films, "x"))
        row = table[table["genre"] == EVERY].iloc[0]
        covered += row["f1_low"] <= 0.7 <= row["f1_high"]
    assert 0.88 <= covered / trials <= 0.99


def test_a_member_without_any_film_of_a_slice_has_counts_and_no_scores():
    given_case = made(20, missing=20)
    table = slice_table(contenders(*given_case), attribute(given_case[2], "x"), min_films=1)
    rows = table[table["contender"] == "poster"]
    assert (rows["films"] == 0).all() and (rows["missing"] == 20).all() and rows["few"].all()
    assert rows[["named", "named_low", "f1", "f1_low", "bce", "bce_high"]].isna().all(axis=None)


def test_attributes_that_are_of_no_film_or_twice_are_told():
    given_case = made(20)
    with pytest.raises(InputError, match="rows of these films .*; index them by film id"):
        slice_table(contenders(*given_case), pd.DataFrame({"kind": ["x"] * 20}))
    with pytest.raises(InputError, match="one row a film, but tt0 came more than once"):
        slice_table(contenders(*given_case), pd.DataFrame({"kind": ["x"] * 2}, ["tt0", "tt0"]))
