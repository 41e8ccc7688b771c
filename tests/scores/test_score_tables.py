import json

import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.ensemble import Prediction
from multigenre.scores import (
    bootstrap_scores,
    contender_scores,
    genre_frame,
    genre_scores,
    paired_interval,
    prevalence_baseline,
    scores,
    scores_frame,
)

GENRES = Genres(["Comedy", "Drama", "Western"])  # no film is a Western
IDS = [f"tt{i}" for i in range(40)]
PREVALENCE = pd.Series([0.4, 0.5, 0.01], list(GENRES))
THRESHOLDS = {"fused": pd.Series([0.3, 0.6, 1.5], list(GENRES)), "good": pd.Series(0.4, list(GENRES))}


@pytest.fixture(scope="module")
def films():
    labels = np.random.default_rng(0).integers(0, 2, (40, 3))
    labels[:, 2] = 0
    return Films(IDS, [""] * 40, [""] * 40, labels, GENRES, "test")


def guesses(films, name, noise, seed):
    """Return probabilities that are the truth and some noise."""
    rng = np.random.default_rng(seed)
    values = np.clip(
        0.5 + (films.labels - 0.5) * 0.6 + noise * rng.normal(size=films.labels.shape), 0.01, 0.99
    )
    return GenreProbabilities(IDS, GENRES, values, name, "test")


@pytest.fixture(scope="module")
def prediction(films):
    good, bad = guesses(films, "good", 0.2, 1), guesses(films, "bad", 0.6, 2)
    partly = np.where(np.arange(40)[:, None] < 30, bad.values, np.nan)
    bad = GenreProbabilities(IDS, GENRES, partly, "bad", "test")
    fused = guesses(films, "fused", 0.1, 3)
    nobody = fused.absent("absent")
    return Prediction(fused, (bad, good, nobody), (fused.to_frame() >= 0.5).astype(np.uint8))


@pytest.fixture(scope="module")
def found(prediction, films):
    return contender_scores(prediction, films, PREVALENCE, thresholds=THRESHOLDS, seed=5)


def test_the_prevalence_baseline_comes_first_and_the_ensemble_last(found):
    assert list(found) == ["prevalence", "bad", "good", "absent", "fused"]


def test_the_numbers_are_those_of_scores_at_each_contenders_thresholds(found, prediction, films):
    contenders = [prevalence_baseline(PREVALENCE, films), *prediction.members, prediction.fused]
    for contender in contenders:
        cuts = THRESHOLDS.get(contender.name)
        for metric, value in scores(contender, films, cuts).items():
            assert found[contender.name][metric] == value, (contender.name, metric)
        half = scores(contender, films)
        assert found[contender.name]["at_half"] == {
            name: half[name] for name in ("f1_micro", "f1_macro", "f1_samples")
        }
    assert found["bad"]["n_films"] == 30 and found["bad"]["n_not_present"] == 10


def test_intervals_are_those_of_the_bootstrap(found, prediction, films):
    table = bootstrap_scores(prediction.fused, films, THRESHOLDS["fused"], seed=5)
    for metric, (low, high) in found["fused"]["intervals"].items():
        assert (low, high) == tuple(table.loc[metric, ["low", "high"]])
        assert low <= found["fused"][metric] <= high


def test_the_ensemble_is_compared_with_the_member_of_lowest_loss(found, prediction, films):
    difference = found["fused"].pop("minus_best_member")
    assert difference.pop("member") == "good"
    table = paired_interval(prediction.fused, prediction.members[1], films, THRESHOLDS, seed=5)
    assert difference == {
        metric: row.tolist() for metric, row in zip(table.index, table.to_numpy(), strict=True)
    }
    assert difference["bce"][0] == pytest.approx(found["fused"]["bce"] - found["good"]["bce"])
    found["fused"]["minus_best_member"] = {"member": "good", **difference}


def test_everything_is_plain_json_whatever_is_not_defined(found, prediction, films):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["absent"]["bce"] is None and found["absent"]["intervals"]["bce"] == [None, None]
    nobody = Films(IDS, [""] * 40, [""] * 40, films.labels * 0, GENRES, "test")
    no_genre = contender_scores(prediction, nobody, PREVALENCE)
    assert json.loads(json.dumps(no_genre, allow_nan=False)) == no_genre
    assert no_genre["fused"]["map_macro"] is None
    assert no_genre["fused"]["minus_best_member"]["map_macro"] == [None, None, None]


def test_without_a_member_that_is_present_there_is_no_best_one(prediction, films):
    alone = Prediction(prediction.fused, (prediction.members[2],), prediction.labels)
    assert "minus_best_member" not in contender_scores(alone, films, PREVALENCE)["fused"]


def test_films_that_taught_something_are_not_scored(prediction, films):
    with pytest.raises(InputError, match="got role='train' from prevalence; pass"):
        contender_scores(prediction, films.with_role("train"), PREVALENCE)


def test_the_table_of_scores_has_a_row_each_and_intervals_as_columns(found):
    table = scores_frame(found)
    assert table.index.tolist() == list(found) and table.index.name == "name"
    assert table.loc["fused", "bce"] == found["fused"]["bce"]
    assert [table.loc["good", "map_macro_low"], table.loc["good", "map_macro_high"]] == (
        found["good"]["intervals"]["map_macro"]
    )
    assert pd.isna(table.loc["absent", "bce"]) and table.loc["absent", "n_films"] == 0
    assert not {"at_half", "intervals", "minus_best_member"} & set(table.columns)


def test_the_table_of_genres_has_a_column_a_contender(prediction, films):
    table = genre_frame(prediction, films)
    assert table.columns.tolist() == ["support", "bad", "good", "absent", "fused"]
    assert (
        table.index.tolist() == list(GENRES)
        and table["support"].tolist() == films.labels.sum(axis=0).tolist()
    )
    expected = genre_scores(prediction.members[0], films)["average_precision"]
    pd.testing.assert_series_equal(table["bad"], expected, check_names=False)
    assert table["absent"].isna().all()  # a member that covers no film is no reason to say nothing
    assert table.loc["Western", ["bad", "good", "fused"]].isna().all()
