import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, false_discovery_control
from sklearn.metrics import average_precision_score, f1_score

from multigenre.analysis import trust_table
from multigenre.analysis._trust import differences
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.scores import GENRE_METRICS, contenders, resample_genres

GENRES = Genres(["Comedy", "Drama", "News", "War"])


def made(n_films=400, seed=0, missing=0):
    """The poster shows Comedy, the overview Drama, neither War better; no film carries News."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n_films, 4)) < [0.4, 0.5, 0, 0.3]).astype(np.uint8)
    ids, blank = [f"tt{film}" for film in range(n_films)], [""] * n_films
    films = Films(ids, blank, blank, labels, GENRES, "test")
    found = []
    for name, strength in (("poster", [4, 0.5, 1, 2]), ("overview", [0.5, 4, 1, 2]), ("fused", [4, 4, 1, 2])):
        values = sigmoid((labels - 0.5) * strength + rng.normal(size=labels.shape))
        values[: missing if name == "poster" else 0] = np.nan
        found.append(GenreProbabilities(ids, GENRES, values, name, "test"))
    return found[:-1], found[-1], films


def test_counts_and_scores_are_those_of_scikit_learn_and_scipy():
    members, fused, films = made(80, missing=5)
    table = trust_table(contenders(members, fused, films), replicates=20)
    said, rows = {one.name: one.values[5:] for one in (*members, fused)}, films.labels[5:]
    assert set(table["genre"]) == {"Comedy", "Drama", "War"} and (table["films"] == 75).all()
    for row in table.to_dict("records"):
        genre = GENRES.column(row["genre"])
        label, mine, best = (one[:, genre] for one in (rows, said[row["contender"]], said[row["best"]]))
        right, best_right = (mine >= 0.5) == label, (best >= 0.5) == label
        alone = int((right & ~best_right).sum()), int((best_right & ~right).sum())
        assert (row["right"], row["best_right"]) == alone and row["support"] == label.sum()
        assert row["mcnemar_p"] == pytest.approx(binomtest(alone[0], sum(alone)).pvalue)
        assert row["f1"] == pytest.approx(f1_score(label, mine >= 0.5))
        assert row["f1_gain"] == pytest.approx(row["f1"] - f1_score(label, best >= 0.5))
        assert row["average_precision_gain"] == pytest.approx(
            average_precision_score(label, mine) - average_precision_score(label, best)
        )
        assert row["bce_gain"] == pytest.approx(row["bce_best"] - row["bce"])


def test_the_planted_member_is_found_for_each_genre():
    table = trust_table(contenders(*made()), replicates=200).set_index(["genre", "contender"])
    assert table.loc[("Comedy", "overview"), "best"] == "poster"
    assert table.loc[("Drama", "poster"), "best"] == "overview"
    for worse in (("Comedy", "overview"), ("Drama", "poster")):
        for test in ("mcnemar", *GENRE_METRICS):
            assert table.loc[worse, f"{test}_p_holm"] < 0.01
        assert table.loc[worse, "f1_high"] < 0
    war = table.loc["War"].iloc[0]
    assert war["f1_p_bh"] > 0.05 and war["f1_low"] < 0 < war["f1_high"]
    # Fusion is as good as the best by construction: nothing to be sure of.
    assert (table.xs("fused", level="contender")["f1_p_bh"] > 0.05).all()


def test_p_values_are_adjusted_apart_for_members_and_for_the_fusion():
    table = trust_table(contenders(*made(150)), replicates=50)
    for family in (table["contender"] == "fused", table["contender"] != "fused"):
        rows = table[family]
        assert rows["mcnemar_p_bh"].to_numpy(float) == pytest.approx(
            false_discovery_control(rows["mcnemar_p"].to_numpy())
        )
        assert (rows["mcnemar_p_holm"] <= np.minimum(1, len(rows) * rows["mcnemar_p"])).all()


def test_the_best_member_is_chosen_at_its_thresholds():
    members, fused, films = made(100)
    never = pd.Series(1.1, list(GENRES))
    table = trust_table(contenders(members, fused, films, {"poster": never}), replicates=5)
    assert (table["best"] == "overview").all()


def test_a_single_member_is_compared_with_the_fusion_only():
    members, fused, films = made(60)
    table = trust_table(contenders(members[:1], fused, films), replicates=5)
    assert (table["contender"] == "fused").all() and len(table) == 3


def test_films_that_nobody_shares_leave_no_genre_to_compare():
    table = trust_table(contenders(*made(20, missing=20)), replicates=5)
    assert len(table) == 0 and "f1_p_bh" in table


def two_sides(n_films=60, seed=0):
    """Two predictions, values and named, of which the first is better; no film carries the third genre."""
    rng = np.random.default_rng(seed)
    labels = rng.random((n_films, 3)) < [0.5, 0.25, 0]
    sides = []
    for noise in (1.0, 2.0):
        values = (1 / (1 + np.exp(-(2.0 * labels - 1 + noise * rng.normal(size=labels.shape))))).round(2)
        sides.append((values, values >= 0.5))
    return sides, labels


def test_the_same_prediction_differs_from_itself_by_nothing():
    [side, _], labels = two_sides()
    a, b = resample_genres([side, side], labels, 50, 0)
    table = differences(a, b, pd.Series(labels.sum(axis=0), ["Comedy", "Drama", "War"]))
    live = table[table["genre"] != "War"]
    assert (live[["gain", "low", "high"]] == 0).all(axis=None)
    assert (live[["p", "p_holm", "p_bh"]] == 1).all(axis=None)


def test_gains_are_above_zero_where_a_is_better_and_swap_with_the_sides():
    sides, labels = two_sides(300)
    a, b = resample_genres(sides, labels, 200, 0)
    support = pd.Series(labels.sum(axis=0), ["Comedy", "Drama", "War"])
    forth, back = differences(a, b, support), differences(b, a, support)
    assert (forth["gain"].dropna() > 0).all()
    assert forth["gain"].to_numpy(float, na_value=0) == pytest.approx(
        -back["gain"].to_numpy(float, na_value=0)
    )
    assert forth["low"].to_numpy(float, na_value=0) == pytest.approx(
        -back["high"].to_numpy(float, na_value=0)
    )
    assert forth["p"].to_numpy(float, na_value=0) == pytest.approx(back["p"].to_numpy(float, na_value=0))


def test_a_genre_of_few_films_has_a_gain_but_no_interval_and_one_of_none_has_nothing():
    sides, labels = two_sides(30)
    labels[:, 1] = np.arange(30) < 9
    a, b = resample_genres(sides, labels, 50, 0)
    table = differences(a, b, pd.Series(labels.sum(axis=0), ["Comedy", "Drama", "War"]))
    few, none = table[table["genre"] == "Drama"], table[table["genre"] == "War"]
    assert few["gain"].notna().all() and few[["low", "high", "p", "p_holm", "p_bh"]].isna().all(axis=None)
    assert none[["value", "other", "gain", "low", "high", "p"]].isna().all(axis=None)


def test_intervals_cover_the_true_difference_about_as_often_as_they_say():
    # A large sample is the truth; small ones must cover it.
    sides, labels = two_sides(20_000, seed=9)
    truth = resample_genres(sides, labels, 0, 0)
    truth = (truth[0] - truth[1])[:2, 0, 0]
    covered, trials = np.zeros(2), 60
    for seed in range(trials):
        sides, labels = two_sides(150, seed=seed)
        table = differences(
            *resample_genres(sides, labels, 200, seed), pd.Series(labels.sum(axis=0), list("abc"))
        )
        rows = table[(table["genre"] == "a") & (table["metric"] != "bce")]
        covered += ((rows["low"] <= truth) & (truth <= rows["high"])).to_numpy(bool)
    assert (covered / trials >= 0.85).all()


def test_no_film_gives_nothing_and_no_warning():
    nothing = np.zeros((0, 2))
    samples = resample_genres([(nothing, nothing > 0)] * 2, nothing > 0, 5, 0)
    table = differences(*samples, pd.Series([0, 0], ["Comedy", "War"]))
    assert len(table) == len(GENRE_METRICS) * 2 and table["gain"].isna().all()
