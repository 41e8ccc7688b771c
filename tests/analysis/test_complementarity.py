import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from multigenre.analysis import headroom, member_pairs
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores import contenders


def case(labels, said, missing=()):
    """Films and contenders (members, then the fused) from 0 and 1; ``missing`` are (contender, film)."""
    labels = np.array(labels)
    genres, ids = Genres(["Comedy", "Drama"][: labels.shape[1]]), [f"tt{k}" for k in range(len(labels))]
    films = Films(ids, [""] * len(ids), [""] * len(ids), labels, genres, "test")
    contenders = []
    for k, decisions in enumerate(said):
        values = np.where(np.array(decisions) == 1, 0.8, 0.3)
        values[[film for one, film in missing if one == k]] = np.nan
        name = "fused" if k == len(said) - 1 else ["poster", "overview", "tfidf"][k]
        contenders.append(GenreProbabilities(ids, genres, values, name, "test"))
    return contenders[:-1], contenders[-1], films


def column(values):
    return [[int(value)] for value in values]


def test_a_pair_is_measured_as_by_hand_on_positives_only():
    # 3 both right, 2 the first only, 1 the second only, 2 both wrong; and two films without the genre.
    labels = column("1111111100")
    first, second = column("1111100011"), column("1110010001")
    [row] = member_pairs(contenders(*case(labels, [first, second, first]))).to_dict("records")
    assert [row[name] for name in ("films", "both_right", "first_only", "second_only", "both_wrong")] == [
        8,
        3,
        2,
        1,
        2,
    ]
    assert row["q"] == pytest.approx((3 * 2 - 2 * 1) / (3 * 2 + 2 * 1))
    assert row["disagreement"] == pytest.approx(3 / 8) and row["double_fault"] == pytest.approx(2 / 8)
    # Log odds ratio of 3.5, 2.5, 1.5, 2.5 with its standard error.
    middle, error = np.log(3.5 * 2.5 / (2.5 * 1.5)), np.sqrt(1 / 3.5 + 1 / 2.5 + 1 / 1.5 + 1 / 2.5)
    ratio = np.exp(middle + np.array([-1, 1]) * 1.959964 * error)
    assert [row["q_low"], row["q_high"]] == pytest.approx((ratio - 1) / (ratio + 1), abs=1e-6)


def test_every_pair_of_members_has_a_row_a_genre_and_leaves_out_films_that_one_lacks():
    labels, said = [[1, 1]] * 4, np.ones((4, 4, 2))
    table = member_pairs(contenders(*case(labels, said, missing=[(2, 0)])))
    assert list(zip(table["first"], table["second"], table["genre"], table["films"], strict=True)) == [
        ("poster", "overview", "Comedy", 4), ("poster", "overview", "Drama", 4),
        ("poster", "tfidf", "Comedy", 3), ("poster", "tfidf", "Drama", 3),
        ("overview", "tfidf", "Comedy", 3), ("overview", "tfidf", "Drama", 3),
    ]  # fmt: skip
    assert table["q"].isna().all() and (table["disagreement"] == 0).all()


def test_a_single_member_has_no_pairs_and_a_genre_without_films_no_rates():
    assert len(member_pairs(contenders(*case([[1]], [[[1]], [[1]]])))) == 0
    [row] = member_pairs(contenders(*case([[0]], [[[1]]] * 3))).to_dict("records")
    assert row["films"] == 0 and pd.isna(row["double_fault"])


@given(st.integers(0, 10_000))
def test_intervals_hold_their_values_and_q_is_a_correlation(seed):
    rng = np.random.default_rng(seed)
    table = member_pairs(contenders(*case(rng.integers(0, 2, (9, 1)), rng.integers(0, 2, (4, 9, 1)))))
    for name in ("q", "disagreement", "double_fault"):
        rows = table.dropna(subset=name)
        assert ((rows[f"{name}_low"] <= rows[name]) & (rows[name] <= rows[f"{name}_high"])).all()
    assert table["q"].dropna().abs().le(1).all()


def test_headroom_is_worked_by_hand():
    labels = column("11110000")
    first, second, fused = column("11001000"), column("00101100"), column("11101000")
    table = headroom(contenders(*case(labels, [first, second, fused])), replicates=20)
    row = table.iloc[0]
    # The oracle misses film 3 (both do) and names film 4 (both do).
    assert row["best_member"] == "poster"
    assert row["best_f1"] == pytest.approx(4 / 7) and row["fused_f1"] == pytest.approx(6 / 8)
    assert row["oracle_f1"] == pytest.approx(6 / 8) and row["captured"] == pytest.approx(1)
    assert pd.isna(row["gain_low"])  # four films are too few to draw from


@given(st.integers(0, 10_000))
def test_the_oracle_is_never_below_a_member_and_f1_is_scikit_learn_s(seed):
    rng = np.random.default_rng(seed)
    labels, said = rng.integers(0, 2, (12, 2)), rng.integers(0, 2, (4, 12, 2))
    table = headroom(contenders(*case(labels, said)), replicates=5).set_index("genre")
    for genre, name in enumerate(table.index[:2]):
        row = table.loc[name]
        if not labels[:, genre].any():
            assert row[["best_f1", "fused_f1", "oracle_f1", "captured"]].isna().all()
            continue
        f1 = [f1_score(labels[:, genre], one[:, genre], zero_division=0) for one in said]
        assert row["best_f1"] == pytest.approx(max(f1[:3])) and row["fused_f1"] == pytest.approx(f1[3])
        assert row["oracle_f1"] >= row["best_f1"]
    live = table.iloc[:2].dropna(subset="best_f1")
    for name in ("best_f1", "fused_f1", "oracle_f1") if len(live) else ():
        assert table.loc["(macro)", name] == pytest.approx(live[name].mean())


def test_a_fusion_that_follows_the_right_member_captures_all_and_its_interval_says_so():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (400, 2))
    first = np.where(rng.random((400, 2)) < 0.7, labels, 1 - labels)
    second = np.where(rng.random((400, 2)) < 0.7, labels, 1 - labels)
    oracle = np.where(labels, first | second, first & second)
    table = headroom(contenders(*case(labels, [first, second, oracle])), replicates=200)
    assert (table["captured"] == 1).all() and (table["captured_low"] == 1).all()
    table = headroom(contenders(*case(labels, [first, second, first])), replicates=200)
    assert (table["captured_low"] <= 0).all() and (table["captured"] <= 0).all()


def test_headroom_is_of_the_films_that_everyone_reads_and_the_same_for_one_seed():
    rng = np.random.default_rng(1)
    labels, said = rng.integers(0, 2, (40, 2)), rng.integers(0, 2, (3, 40, 2))
    given_case = case(labels, said, missing=[(0, 0), (1, 5)])
    table = headroom(contenders(*given_case), replicates=30, seed=3)
    assert (table["films"] == 38).all()
    assert table.equals(headroom(contenders(*given_case), replicates=30, seed=3))
