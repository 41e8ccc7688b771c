import numpy as np
import pandas as pd
import pytest
from report_films import hostile_films, quick_ensemble
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from multigenre import GenreEnsemble, SklearnMember, make_films
from multigenre._checks import InputError
from multigenre.analysis import error_tables, film_reasons, genre_outcomes
from multigenre.scores import contenders
from multigenre.views import report_facts

NAMES = {
    "summary", "difference", "average_precision", "scores", "outcomes", "films", "trust", "headroom", "reliability",
    "weights", "pairs", "slices", "left_out", "member_pairs", "suspects", "thresholds",
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    films = hostile_films(tmp_path_factory.mktemp("posters"))
    ensemble = quick_ensemble(films)
    return ensemble, ensemble.predictions_["test"], ensemble.films_["test"]


@pytest.fixture(scope="module")
def tables(fitted):
    return error_tables(*fitted, replicates=50)


def test_every_table_is_there_and_none_is_empty(tables):
    assert set(tables) == NAMES
    assert all(len(table) for name, table in tables.items() if name != "suspects")


def test_tables_are_those_that_the_functions_give_at_the_thresholds_of_the_ensemble(fitted, tables):
    ensemble, prediction, films = fitted
    cuts = ensemble.cuts(*prediction.members, prediction.fused)
    expected = genre_outcomes(contenders(list(prediction.members), prediction.fused, films, cuts))
    pd.testing.assert_frame_equal(tables["outcomes"], expected)
    assert tables["summary"]["name"].tolist() == ["prevalence", "poster-colours", "overview-tfidf", "fused"]


def test_average_precision_comes_with_the_prevalence_as_baseline(fitted, tables):
    _, _, films = fitted
    np.testing.assert_allclose(tables["average_precision"]["prevalence"], films.labels.mean(axis=0))


def test_thresholds_that_the_films_would_choose_stand_beside_those_in_use(fitted, tables):
    ensemble, prediction, films = fitted
    whole = films.has_poster & films.has_overview
    table = tables["thresholds"].set_index("genre")
    used = ensemble.cuts(prediction.fused)["fused"].loc[films.ids[whole]]
    assert table["threshold"].to_dict() == used.iloc[0].to_dict()
    assert table["support"].tolist() == films.labels[whole].sum(axis=0).tolist()
    assert ((table["low"] <= table["chosen"]) & (table["chosen"] <= table["high"])).mean() > 0.8
    inside = (table["low"] <= table["threshold"]) & (table["threshold"] <= table["high"])
    assert (table["outside"] == ~inside).all()
    named, label = prediction.fused.values[whole] >= used.to_numpy(), films.labels[whole]
    assert table["f1"].tolist() == pytest.approx(list(f1_score(label, named, average=None, zero_division=0)))
    np.testing.assert_allclose(table["optimism"], table["in_sample"] - table["cross_fitted"])


def test_thresholds_are_not_chosen_again_on_few_films(fitted):
    ensemble, _, films = fitted
    few = films.take(range(15))
    assert "thresholds" not in error_tables(ensemble, ensemble.predict(few), few, replicates=5)


def test_members_that_read_one_modality_are_told_of_together(tmp_path):
    films = make_films(500, genres=6, folder=tmp_path)
    bayes = SklearnMember("bayes", make_pipeline(TfidfVectorizer(min_df=2), BernoulliNB()))
    split = {"train": 0.6, "test": 0.4}
    ensemble = GenreEnsemble(["poster-colours", "overview-tfidf", bayes], seed=0).fit(films, split=split)
    tables = error_tables(ensemble, ensemble.predictions_["test"], ensemble.films_["test"], replicates=200)
    gains = tables["modality_left_out"].query("metric == 'average_precision'").set_index(["member", "genre"])
    # What make_films planted: Horror shows in posters alone, Romance in overviews alone.
    for modality, shown, hidden in (("poster", "Horror", "Romance"), ("overview", "Romance", "Horror")):
        assert gains.loc[(modality, shown), "low"] > 0 and gains.loc[(modality, hidden), "low"] < 0.02
    outcomes = tables["modality_outcomes"]
    assert {"both right", "poster only", "overview only", "both wrong"} <= set(outcomes["outcome"])
    support = outcomes[(outcomes["of"] == "positives") & ~outcomes["outcome"].str.contains("fusion")]
    assert support.groupby("genre")["films"].sum()["Horror"] == gains.loc[("poster", "Horror"), "support"]
    facts = report_facts(ensemble, tables)
    told = {one.split(" clearly adds to ")[0]: one for one in facts["clear"] if " clearly adds to " in one}
    assert "Horror" in told["The poster (poster-colours)"]
    assert "Romance" in told["The overview (overview-tfidf + bayes)"]
    assert facts["by_modality"] and [part["name"] for part in facts["groups"]][1:3] == [
        "poster only",
        "overview only",
    ]


def test_films_are_sliced_by_what_they_have_and_by_what_is_given(fitted):
    ensemble, prediction, films = fitted
    half = pd.DataFrame({"half": np.where(np.arange(len(films)) % 2, "odd", "even")}, films.ids)
    slices = error_tables(ensemble, prediction, films, attributes=half, replicates=5)["slices"]
    assert {"has", "words of overview", "half"} == set(slices["slice"])


def test_a_member_that_is_present_for_no_film_is_in_the_summary_only(fitted):
    ensemble, _, films = fitted
    wordless = films.take(~films.has_overview & films.has_poster)
    found = error_tables(ensemble, ensemble.predict(wordless), wordless, replicates=5)
    assert "left_out" not in found and "suspects" not in found
    assert "overview-tfidf" not in set(found["scores"]["contender"])
    assert found["summary"].set_index("name").loc["overview-tfidf", "n_films"] == 0


def test_progress_counts_the_tables(fitted):
    said = []
    error_tables(*fitted, replicates=5, progress=lambda *what: said.append(what))
    assert said[0] == ("tables", 0, len(NAMES)) and said[-1] == ("tables", len(NAMES), len(NAMES))


def test_films_that_taught_the_ensemble_are_refused(fitted):
    ensemble, _, _ = fitted
    films = ensemble.films_["train"]
    with pytest.raises(InputError, match="films that taught nothing"):
        error_tables(ensemble, ensemble.predict(films), films)


def test_reasons_are_true_of_the_table_of_films(tables):
    found, table = film_reasons(tables), tables["films"].set_index(["film", "genre"])
    told = found[found["kind"].isin(["rescued", "broken", "right"])]
    assert len(told)
    for row in told.itertuples():
        cell = table.loc[(row.film, row.genre)]
        assert cell["truth"] and bool(cell["fused:named"]) is (row.kind != "broken")
        members = [bool(cell[f"{name}:named"]) for name in ("poster-colours", "overview-tfidf")]
        assert {"rescued": not any(members), "broken": any(members), "right": all(members)}[row.kind]
        finders = " and ".join(
            name for name, named in zip(("poster-colours", "overview-tfidf"), members, strict=True) if named
        )
        assert row.genre in row.text and (row.kind != "broken" or f"which {finders} had found" in row.text)
    missing = found[found["kind"] == "missing"]
    assert (
        table.loc[list(zip(missing["film"], missing["genre"], strict=True)), "outcome"] == "a member missing"
    ).all()
