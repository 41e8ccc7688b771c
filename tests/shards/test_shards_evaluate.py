import numpy as np
import pandas as pd
import pytest

from multigenre import Films, GenreEnsemble, make_films
from multigenre._checks import InputError
from multigenre.scores import scores_frame
from multigenre.shards import convert, evaluate_shards, predict_shards
from multigenre.shards._evaluate import labelled_films, read_prediction
from multigenre.shards._format import shard_paths


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posters")
    return make_films(90, genres=6, folder=folder, missing_posters=0.05, missing_overviews=0.05)


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble(["overview-tfidf", "poster-colours"]).fit(films.take(np.arange(50)))


@pytest.fixture(scope="module")
def bundle(ensemble, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    ensemble.save(folder)
    return folder


@pytest.fixture(scope="module")
def shards(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    convert(films, folder, shard_films=30)  # the first holds only films that taught, the second both kinds
    return folder


@pytest.fixture(scope="module")
def expected(ensemble, films):
    return ensemble.evaluate(films)


def assert_same(found, expected):
    """Scores are the same but for the last digits of float32, in which a film depends on those beside it."""
    [(scores, genres), (other_scores, other_genres)] = found, expected
    pd.testing.assert_frame_equal(scores_frame(scores), scores_frame(other_scores), atol=1e-6)
    assert scores["fused"]["minus_best_member"] == {
        name: value if isinstance(value, str) else pytest.approx(value, abs=1e-6)
        for name, value in other_scores["fused"]["minus_best_member"].items()
    }
    pd.testing.assert_frame_equal(genres, other_genres, atol=1e-6)


@pytest.mark.parametrize("source", ["shards", "films"])
def test_a_catalogue_has_the_scores_of_the_ensemble_on_films_that_taught_it_nothing(
    source, request, bundle, films, expected, tmp_path
):
    assert 40 <= expected[0]["fused"]["n_films"] < len(films)
    assert_same(evaluate_shards(bundle, request.getfixturevalue(source), tmp_path), expected)


def test_predictions_that_are_there_are_scored_and_not_made_again(bundle, shards, expected, tmp_path):
    predict_shards(bundle, shards, tmp_path, with_members=True)
    before = {path: path.stat().st_mtime_ns for path in shard_paths(tmp_path)}
    assert_same(evaluate_shards(bundle, shards, tmp_path), expected)
    assert {path: path.stat().st_mtime_ns for path in shard_paths(tmp_path)} == before


def test_predictions_without_members_are_not_scored(bundle, shards, tmp_path):
    predict_shards(bundle, shards, tmp_path)
    with pytest.raises(InputError, match="with_members=False, not True"):
        evaluate_shards(bundle, shards, tmp_path)


def test_films_are_read_with_their_genres_and_nothing_else(shards, films):
    found = labelled_films(shards)
    assert list(found.ids) == list(films.ids) and (found.labels == films.labels).all()
    assert not found.has_poster.any() and not found.has_overview.any()


def test_a_prediction_is_read_as_it_was(bundle, shards, ensemble, films, tmp_path):
    predict_shards(bundle, shards, tmp_path, with_members=True)
    ids = films.ids[25:70:2]
    found = read_prediction(tmp_path, ids, genres=films.genres, members=["overview-tfidf", "poster-colours"])
    expected = ensemble.predict(films)
    wanted = np.isin(films.ids, ids)
    for one, other in zip((found.fused, *found.members), (expected.fused, *expected.members), strict=True):
        assert (one.name, list(one.ids)) == (other.name, list(ids))
        np.testing.assert_allclose(one.values, other.values[wanted], rtol=0, atol=1e-6)
        assert (one.present == other.present[wanted]).all()
    pd.testing.assert_frame_equal(found.labels, expected.labels[wanted], check_names=False)


def test_a_member_that_a_shard_lacks_is_not_present_there(bundle, shards, films, tmp_path):
    predict_shards(bundle, shards, tmp_path, with_members=True)
    path = shard_paths(tmp_path)[1]
    table = pd.read_parquet(path)
    table[[name for name in table if not name.startswith("poster-colours:")]].to_parquet(path)
    found = read_prediction(tmp_path, films.ids, genres=films.genres, members=["poster-colours"])
    [colours] = found.members
    assert (colours.present == (films.has_poster & ~np.isin(np.arange(90), range(30, 60)))).all()


def test_films_without_genres_are_refused_before_any_is_predicted(bundle, films, tmp_path):
    unknown = Films(films.ids, films.overviews, films.posters)
    convert(unknown, tmp_path / "shards")
    for source, who in ((unknown, "this table has no genre columns"), (tmp_path / "shards", "have none")):
        with pytest.raises(InputError, match=f"Evaluation needs films whose genres are known, but .*{who}"):
            evaluate_shards(bundle, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_films_that_all_taught_the_bundle_are_refused_before_any_is_predicted(
    bundle, ensemble, films, tmp_path
):
    taught = films.take(np.isin(films.ids, ensemble.roles_.index[ensemble.roles_ != "test"]))
    with pytest.raises(InputError, match="taught this ensemble something; a report needs others"):
        evaluate_shards(bundle, taught, tmp_path / "out")
    assert not (tmp_path / "out").exists()
