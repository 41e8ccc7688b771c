from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.analysis import (
    co_occurrence,
    findings,
    genre_outcomes,
    headroom,
    leave_groups_out,
    leave_one_out,
    slice_table,
    trust_table,
)
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.fusion import LateFusion
from multigenre.scores import contenders

GENRES = Genres(["Comedy", "Drama", "Horror", "War"])
# Horror shows only to the poster, Drama and War only to the overview, Comedy a little to both.
SIGHT = {"poster": [1, 0, 4, 0], "overview": [1, 4, 0, 4]}


def made(n_films, role, seed=0, sight=SIGHT, hard=False):
    rng = np.random.default_rng([seed, n_films])
    labels = (rng.random((n_films, 4)) < [0.4, 0.5, 0.2, 0.1]).astype(np.uint8)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    noise = np.where(hard & (np.arange(n_films) % 2 == 0), 6.0, 1.0)[:, None]
    members = []
    for name, strength in sight.items():
        said = (labels - 0.5) * strength + noise * rng.normal(size=labels.shape) - [0, 0, 1, 2]
        members.append(GenreProbabilities(ids, GENRES, sigmoid(said), name, role))
    return members, Films(ids, blank, blank, labels, GENRES, role)


def tables_of(n_films=600, replicates=200, **settings):
    fusion = LateFusion(method="stack", C=1.0).fit(
        *made(500, "calibration", sight=settings.get("sight", SIGHT))
    )
    members, films = made(n_films, "test", **settings)
    everyone, options = contenders(members, fusion.predict(members), films), {"replicates": replicates}
    half = np.where(np.arange(n_films) % 2 == 0, "even", "odd")
    return {
        "left_out": leave_one_out(fusion, everyone, **options),
        "trust": trust_table(everyone, **options),
        "headroom": headroom(everyone, **options),
        "outcomes": genre_outcomes(everyone),
        "pairs": co_occurrence(everyone),
        "slices": slice_table(everyone, pd.DataFrame({"half": half}, films.ids)),
    }


@pytest.fixture(scope="module")
def tables():
    return tables_of()


def told(tables, name, **options):
    return findings({name: tables[name]}, **options)


def test_what_was_planted_is_told(tables):
    words = {"poster": "the poster", "overview": "the words"}
    sentences = {finding.genres: finding.sentence for finding in told(tables, "left_out", words=words)}
    assert [text for text in sentences.values() if text.startswith("The poster clearly adds to Horror (+")]
    [genres] = [genres for genres, text in sentences.items() if text.startswith("The words clearly adds to")]
    assert {"Drama", "War"} <= set(genres) and "Horror" not in genres
    decided = {finding.sentence.split()[0]: set(finding.genres) for finding in told(tables, "trust")[:2]}
    assert decided == {"poster": {"Horror"}, "overview": {"Drama", "War"}}


def test_every_genre_that_a_difference_is_told_of_has_an_interval_without_zero(tables):
    gains = tables["left_out"].query("metric == 'average_precision'").set_index(["member", "genre"])
    for finding in told(tables, "left_out"):
        member, clearly, verb = finding.sentence.split()[:3]
        for genre in finding.genres:
            row = gains.loc[member, genre]
            assert finding.certain and clearly == "clearly" and row["p_bh"] <= 0.05
            assert row["low"] > 0 if verb == "adds" else row["high"] < 0
            if f"{genre} (" in finding.sentence:
                expected = f"{genre} ({row['gain']:+.2f}, {row['low']:+.2f} to {row['high']:+.2f})"
                assert expected in finding.sentence


def test_a_member_decides_only_where_all_others_are_clearly_behind(tables):
    trust = tables["trust"]
    for finding in told(tables, "trust"):
        for genre in finding.genres:
            rows = trust[trust["genre"] == genre]
            if "decides" in finding.sentence:
                others = rows[rows["contender"] != "fused"]
                assert (others["best"] == finding.sentence.split()[0]).all() and (others["f1_high"] < 0).all()
            elif "beats" in finding.sentence:
                assert (rows.loc[rows["contender"] == "fused", "f1_low"] > 0).all()


def test_a_second_member_that_is_as_good_leaves_nothing_decided():
    tables = tables_of(sight={"poster": [3, 3, 3, 3], "overview": [3, 3, 3, 3]})
    sentences = [finding.sentence for finding in told(tables, "trust")]
    assert sentences[0] == "No member is clearly ahead of the others in any of 4 genres."


def test_nothing_is_certain_on_films_that_are_few():
    tables = tables_of(n_films=9, replicates=20)
    found = findings({name: tables[name] for name in ("left_out", "trust", "headroom")})
    assert [finding.certain for finding in found] == [False] * len(found) and len(found) >= 3
    text = "Left out alone, neither poster nor overview adds to or harms the fusion clearly in any genre."
    assert found[0].sentence == text


def test_a_useless_member_adds_to_nothing():
    found = told(tables_of(sight={"poster": [3, 3, 3, 3], "overview": [0, 0, 0, 0]}), "left_out")
    assert found[1].sentence == "overview neither adds to nor harms the fusion clearly in any genre."
    assert not found[1].certain


def test_members_that_can_replace_each_other_add_nothing_alone_and_much_as_a_modality():
    # Two members read the same overview and err alike; what they see, no poster shows.
    fusion, told_by = LateFusion(method="stack", C=1.0), {}
    for role, n_films in (("calibration", 500), ("test", 600)):
        [poster, overview], films = made(n_films, role, sight={"poster": [0, 0, 4, 0], "bag": [0, 4, 0, 4]})
        twin = replace(overview, name="tfidf")
        told_by[role] = ({"poster": [poster], "overview": [overview, twin]}, films)
    groups, films = told_by["calibration"]
    fusion.fit([one for group in groups.values() for one in group], films)
    groups, films = told_by["test"]
    members = [one for group in groups.values() for one in group]
    options = {"replicates": 200}
    sides = [replace(fusion.predict(group), name=name) for name, group in groups.items()]
    names = {name: [one.name for one in group] for name, group in groups.items()}
    everyone = contenders(members, fusion.predict(members), films)
    found = findings(
        {
            "left_out": leave_one_out(fusion, everyone, **options).query("member != 'poster'"),
            "modality_left_out": leave_groups_out(fusion, everyone, names, **options),
            "modality_trust": trust_table(contenders(sides, everyone.fused, films), **options),
        },
        words={"poster": "the poster", "overview": "the overview (bag + tfidf)"},
    )
    assert [finding.table for finding in found] == ["modality_left_out"] * 2 + ["modality_trust"] * 2 + [
        "left_out"
    ]
    poster, overview, *decided, alone = found
    assert poster.sentence.startswith("The poster clearly adds to Horror") and poster.genres == ("Horror",)
    assert overview.sentence.startswith("The overview (bag + tfidf) clearly adds to ")
    assert set(overview.genres) == {"Drama", "War"}
    assert {finding.sentence.split(" clearly decides ")[0]: set(finding.genres) for finding in decided} == {
        "The poster": {"Horror"},
        "The overview (bag + tfidf)": {"Drama", "War"},
    }
    assert all("F1 over the next modality" in finding.sentence for finding in decided)
    text = "Left out alone, neither bag nor tfidf adds to or harms the fusion clearly in any genre."
    assert alone.sentence == text and not alone.certain


def test_one_sentence_tells_of_all_members_that_add_nothing(tables):
    rows = tables["left_out"].query("metric == 'average_precision'").assign(low=-1.0, high=1.0)
    three = pd.concat([rows, rows[rows["member"] == "poster"].assign(member="colours")])
    texts = [findings({"left_out": table})[0].sentence for table in (rows.query("member == 'poster'"), three)]
    assert texts[0] == "poster neither adds to nor harms the fusion clearly in any genre."
    assert texts[1].startswith("Left out alone, none of poster, overview and colours adds to or harms the")


def test_nothing_is_told_of_members_whose_rest_the_fusion_has_no_weights_for(tables):
    told = findings({"left_out": tables["left_out"].assign(fitted=False)})
    [finding] = told
    assert finding.sentence.startswith("What poster and overview would be missed for one by one is not known")
    assert not finding.certain


def test_the_way_to_the_oracle_is_that_of_the_table(tables):
    row = tables["headroom"].iloc[-1]
    [finding] = told(tables, "headroom")
    share, low, high = (round(100 * row[name]) for name in ("captured", "captured_low", "captured_high"))
    assert f"({share} % of the way, 95 % interval {low} to {high} %, macro F1)" in finding.sentence
    kinds = {"clearly gets nearer": row["captured_low"] > 0, "clearly falls back": row["captured_high"] < 0}
    assert [kind for kind in kinds if kind in finding.sentence] == [
        kind for kind, true in kinds.items() if true
    ]


@pytest.mark.parametrize(
    ("low", "high", "text", "certain"),
    [
        (0.1, 0.3, "Fusion clearly gets nearer,", True),
        (-0.3, -0.1, "Fusion clearly falls back", True),
        (-0.1, 0.1, "Fusion does not clearly get nearer,", False),
    ],
)
def test_the_interval_decides_what_is_said_of_the_way(tables, low, high, text, certain):
    row = (
        tables["headroom"].iloc[[-1]].assign(captured=(low + high) / 2, captured_low=low, captured_high=high)
    )
    [finding] = findings({"headroom": row})
    assert finding.sentence.startswith(text) and finding.certain is certain
    assert findings({"headroom": row.assign(captured=pd.NA)}) == []


def test_what_fusion_lost_and_found_is_counted_as_in_the_table(tables):
    outcomes = tables["outcomes"]
    found, lost, dropped = told(tables, "outcomes")
    for finding, outcome in ((found, "rescued by fusion"), (lost, "broken by fusion")):
        rows = outcomes[(outcomes["of"] == "positives") & (outcomes["outcome"] == outcome)].set_index("genre")
        for genre in finding.genres:
            assert f"{rows.films[genre]} of {rows.of_films[genre]} {genre} films" in finding.sentence
        assert rows["films"].max() == rows["films"][finding.genres[0]]
    alarms = outcomes.query(
        "of == 'false alarms' and outcome in ('poster only', 'overview only', 'both wrong')"
    )
    numbers = alarms["films"].sum(), alarms["fused_right"].sum()
    assert (
        dropped.sentence
        == f"Of {numbers[0]} genres that a member named wrongly, fusion dropped {numbers[1]}."
    )


def test_dropped_false_alarms_are_counted_by_hand():
    genres, ids, blank = Genres(["Comedy", "War"]), ["a", "b", "c"], [""] * 3
    films = Films(ids, blank, blank, np.zeros((3, 2), int), genres, "test")
    said = {"poster": [1, 1, 0], "overview": [1, 0, 0], "fused": [0, 1, 1]}
    *members, fused = (
        GenreProbabilities(ids, genres, [[0.2 + 0.6 * one, 0.1] for one in named], name)
        for name, named in said.items()
    )
    [finding] = findings({"outcomes": genre_outcomes(contenders(members, fused, films))})
    # Film a: both named it and the fused did not; b: kept; c: the fused alone named it.
    assert finding.sentence == "Of 2 genres that a member named wrongly, fusion dropped 1."


def test_pairs_are_told_as_in_the_table():
    columns = ["genre", "other", "films", "named", "carried", "verdict"]
    rows = [
        ["Action", "War", 90, 30, 10, "too often"], ["Drama", "War", 90, 20, 5, "too often"],
        ["Comedy", "War", 90, 0, 9, "never"], ["Comedy", "Drama", 90, 3, 20, "too rarely"],
        ["Action", "Drama", 90, 5, 5, ""],
    ]  # fmt: skip
    assert [finding.sentence for finding in findings({"pairs": pd.DataFrame(rows, columns=columns)})] == [
        "Action and War are clearly named together too often: on 30 films, while 10 of 90 carry both.",
        "Comedy and War are never named together, though 9 of 90 carry both.",
        "Comedy and Drama are clearly named together too rarely: on 3 films, while 20 of 90 carry both.",
    ]


def test_a_slice_is_told_of_only_where_intervals_lie_apart(tables):
    assert told(tables, "slices") == []
    hard = tables_of(hard=True)["slices"]
    [finding] = findings({"slices": hard})
    rows = hard.query("genre == '(all)' and contender == 'fused'").set_index("value")
    even, odd = (
        f"{value} ({rows.f1[value]:.2f}, {rows.f1_low[value]:.2f} to {rows.f1_high[value]:.2f})"
        for value in ("even", "odd")
    )
    assert finding.sentence == f"By half, the fused micro-F1 is clearly lower for {even} than for {odd}."
    assert findings({"slices": hard.assign(few=True)}) == []


def test_tables_are_told_in_one_order_and_sentences_end(tables):
    found = findings(dict(reversed(tables.items())))
    order = list(dict.fromkeys(finding.table for finding in found))
    assert order == [
        name for name in ("left_out", "trust", "headroom", "outcomes", "pairs", "slices") if name in order
    ]
    assert all(finding.sentence.endswith(".") for finding in found)


def test_a_table_without_rows_tells_nothing(tables):
    assert findings({name: table.head(0) for name, table in tables.items()}) == []


def test_an_unknown_table_is_told():
    with pytest.raises(InputError, match="Findings are told of modality_left_out, .*trust, .* got scores"):
        findings({"scores": None})
