import numpy as np
import pandas as pd
import pytest
from report_films import hostile_films, quick_ensemble

from multigenre._checks import InputError
from multigenre.error_analysis import error_tables
from multigenre.outcomes import genre_outcomes

NAMES = {
    "summary", "difference", "average_precision", "scores", "outcomes", "films", "trust", "headroom", "reliability",
    "weights", "pairs", "slices", "left_out", "member_pairs", "suspects",
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
    cuts = ensemble.cuts(prediction.fused, prediction.members)
    del cuts["prevalence"]
    expected = genre_outcomes(list(prediction.members), prediction.fused, films, cuts)
    pd.testing.assert_frame_equal(tables["outcomes"], expected)
    assert tables["summary"]["name"].tolist() == ["prevalence", "poster-colours", "overview-tfidf", "fused"]


def test_average_precision_comes_with_the_prevalence_as_baseline(fitted, tables):
    _, _, films = fitted
    np.testing.assert_allclose(tables["average_precision"]["prevalence"], films.labels.mean(axis=0))


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
    with pytest.raises(InputError, match="films that trained no member"):
        error_tables(ensemble, ensemble.predict(films), films)
