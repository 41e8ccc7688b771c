from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multigenre.analysis import leave_groups_out, leave_one_out
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.fusion import LateFusion
from multigenre.scores import contenders, genre_scores

GENRES = Genres(["Comedy", "Drama", "News"])
# How well each member sees each genre; Comedy shows only to the poster, Drama only to the overview.
SIGHT = {"poster": [3, 0, 0], "overview": [0, 3, 0]}


def made(n_films=300, seed=0, role="test"):
    rng = np.random.default_rng([seed, n_films])
    labels = (rng.random((n_films, 3)) < [0.4, 0.5, 0]).astype(np.uint8)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    members = [
        GenreProbabilities(
            ids, GENRES, sigmoid((labels - 0.5) * sight + rng.normal(size=labels.shape)), name, role
        )
        for name, sight in SIGHT.items()
    ]
    return members, Films(ids, blank, blank, labels, GENRES, role)


def beside(fusion, members, films):
    """Return the contenders of members and what a fusion makes of them."""
    return contenders(members, fusion.predict(members), films)


@pytest.fixture(scope="module")
def fusion():
    return LateFusion(method="stack", C=1.0).fit(*made(role="calibration"))


def test_what_is_left_may_have_cuts_of_its_own(fusion):
    members, films = made()
    cuts = pd.DataFrame([[0.2, 0.3, 0.5], [0.6, 0.7, 0.5]], columns=list(GENRES))

    whole = fusion.predict(members)

    def by_number(fused):
        mine = cuts.loc[int(np.array_equal(fused.values, whole.values))]
        return pd.DataFrame(np.tile(mine, (len(fused), 1)), fused.ids, cuts.columns)

    table = leave_one_out(fusion, beside(fusion, members, films), by_number, replicates=10)
    table = table[table["metric"] == "f1"].set_index(["member", "genre"])
    for left_out, rest in zip(members, members[::-1], strict=True):
        for column, found in (("value", fusion.predict(members)), ("without", fusion.predict([rest]))):
            expected = genre_scores(found, films, cuts.loc[int(column == "value")])["f1"].dropna()
            assert table.loc[left_out.name, column][expected.index].tolist() == pytest.approx(
                expected.tolist()
            )


def test_gains_are_the_scores_of_two_predictions_apart(fusion):
    members, films = made()
    table = leave_one_out(fusion, beside(fusion, members, films), replicates=10).set_index(
        ["member", "metric", "genre"]
    )
    whole = genre_scores(fusion.predict(members), films)
    for left_out, rest in zip(members, members[::-1], strict=True):
        without = genre_scores(fusion.predict([rest]), films)
        for metric, better in (("f1", 1), ("average_precision", 1), ("bce", -1)):
            for genre in ("Comedy", "Drama"):
                row = table.loc[left_out.name, metric, genre]
                assert row["value"] == pytest.approx(whole.loc[genre, metric])
                assert row["without"] == pytest.approx(without.loc[genre, metric])
                assert row["gain"] == pytest.approx(better * (row["value"] - row["without"]))
    assert table.xs("News", level="genre")["gain"].isna().all()


def test_what_each_member_was_made_to_see_is_what_it_adds(fusion):
    table = leave_one_out(fusion, beside(fusion, *made(seed=1)), replicates=200).set_index(
        ["metric", "member", "genre"]
    )
    for metric in ("f1", "average_precision", "bce"):
        for member, genre in (("poster", "Comedy"), ("overview", "Drama")):
            row = table.loc[metric, member, genre]
            assert row["low"] > 0 and row["p_holm"] < 0.01
    nothing = table.loc["average_precision", "overview", "Comedy"]
    assert nothing["low"] < 0.02 and nothing["p_bh"] > 0.01


def test_films_that_only_the_member_reads_are_counted_and_not_compared(fusion):
    members, films = made(40)
    values = members[1].values.copy()
    values[:7] = np.nan
    members[1] = GenreProbabilities(members[1].ids, GENRES, values, "overview", "test")
    counts = (
        leave_one_out(fusion, beside(fusion, members, films), replicates=2)
        .groupby("member")[["films", "alone"]]
        .first()
    )
    assert counts.loc["poster"].tolist() == [33, 7] and counts.loc["overview"].tolist() == [33, 0]


def test_the_only_member_cannot_be_left_out_of_anything(fusion):
    members, films = made(20)
    table = leave_one_out(fusion, beside(fusion, members[:1], films), replicates=2)
    assert (table["films"] == 0).all() and (table["alone"] == 20).all() and table["gain"].isna().all()


def test_a_threshold_cuts_both_sides(fusion):
    members, films = made(40)
    never = pd.Series(1.1, list(GENRES))
    table = leave_one_out(fusion, beside(fusion, members, films), lambda fused: never, replicates=2)
    rows = table[(table["metric"] == "f1") & (table["genre"] != "News")]
    assert (rows[["value", "without", "gain"]] == 0).all(axis=None)


def test_a_group_of_members_is_left_out_at_once():
    members, films = made(role="calibration")
    third = GenreProbabilities(films.ids, GENRES, 1 - members[0].values, "colours", "calibration")
    fusion = LateFusion(method="stack", C=1.0).fit([*members, third], films)
    members, films = made(60)
    values = members[0].values.copy()
    values[:5] = np.nan
    poster = GenreProbabilities(films.ids, GENRES, values, "poster", "test")
    colours = GenreProbabilities(films.ids, GENRES, 1 - members[0].values, "colours", "test")
    groups = {"posters": ["poster", "colours"], "overviews": ["overview"]}
    everyone = beside(fusion, [poster, colours, members[1]], films)
    table = leave_groups_out(fusion, everyone, groups, replicates=2).set_index(["member", "metric", "genre"])
    without = genre_scores(fusion.predict([members[1]]), films)
    assert table.loc["posters", "f1", "Drama"]["without"] == pytest.approx(without.loc["Drama", "f1"])
    # A film has the group if one of its members is present.
    assert (table["films"] == 60).all()


def test_a_member_is_told_apart_whose_rest_the_fusion_has_no_weights_for():
    members, films = made(role="calibration")
    third = replace(members[0], name="colours")
    pairs = [["poster", "colours"], ["overview"]]
    fusion = LateFusion(method="stack", C=1.0, patterns=pairs).fit([*members, third], films)
    members, films = made(60)
    members.append(replace(members[0], name="colours"))
    fitted = (
        leave_one_out(fusion, beside(fusion, members, films), replicates=2)
        .groupby("member")["fitted"]
        .first()
    )
    assert fitted.to_dict() == {"poster": False, "colours": False, "overview": True}
