import gc
import logging
import os
import secrets
import tempfile
import warnings

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multigenre import GenreEnsemble, make_films
from multigenre._checks import InputError
from multigenre.scores import scores_frame
from multigenre.shards import _predict as shard_prediction
from multigenre.shards import _ray as ray_prediction
from multigenre.shards import convert, evaluate_shards, predict_shards
from multigenre.shards._format import films_table, shard_paths, write_parquet
from multigenre.shards._ray import GenrePredictor, ray_predictions

# Ray leaves sockets and files to the garbage collector, and warns of its own future.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


STORE = 100_000_000  # bytes of shared memory; the films take 1 MB


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posters")
    return make_films(80, genres=6, folder=folder, missing_posters=0.05, missing_overviews=0.05)


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble(["overview-tfidf", "poster-colours"]).fit(films)


@pytest.fixture(scope="module")
def bundle(ensemble, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    ensemble.save(folder)
    return folder


@pytest.fixture(scope="module")
def shards(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    convert(films, folder, shard_films=20)
    return folder


@pytest.fixture(scope="module")
def expected(ensemble, films):
    return ensemble.predict(films).to_frame(with_members=True)


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of two processors on this machine, which leaves nothing behind."""
    with (
        warnings.catch_warnings(),
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder,  # sockets need a short path
    ):
        warnings.simplefilter("ignore")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # or Ray writes one into the home folder
        ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'multigenre[ray]'")
        pytest.importorskip("ray.data")
        ray.init(
            num_cpus=2,
            object_store_memory=STORE,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=folder,
        )
        yield
        ray.shutdown()
        gc.collect()  # sockets that Ray leaves open, here rather than in another module's test


def assert_same(folder, expected):
    pd.testing.assert_frame_equal(pd.read_parquet(folder), expected, check_dtype=False, rtol=0, atol=1e-6)


def test_a_catalogue_in_shards_has_the_numbers_of_the_ensemble(bundle, shards, expected, tmp_path):
    assert predict_shards(bundle, shards, tmp_path / "out", with_members=True) == 80
    assert_same(tmp_path / "out", expected)
    assert [path.name for path in shard_paths(tmp_path / "out")] == [
        path.name for path in shard_paths(shards)
    ]


def test_films_with_posters_in_files_have_the_numbers_of_the_ensemble(
    bundle, films, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(shard_prediction, "FILMS", 30)
    assert predict_shards(bundle, films, tmp_path / "out", with_members=True) == 80
    assert_same(tmp_path / "out", expected)
    assert len(shard_paths(tmp_path / "out")) == 3


def test_what_is_predicted_is_not_predicted_again(bundle, shards, tmp_path):
    steps = []
    predict_shards(bundle, shards, tmp_path / "out")
    assert predict_shards(bundle, shards, tmp_path / "out", progress=lambda *step: steps.append(step)) == 0
    assert steps == [("predicting", 80, 80)]


def test_predictions_of_another_kind_are_not_mixed(bundle, shards, films, tmp_path):
    predict_shards(bundle, shards, tmp_path / "out")
    with pytest.raises(InputError, match="holds an unfinished run with with_members=False, not True"):
        predict_shards(bundle, shards, tmp_path / "out", with_members=True)
    with pytest.raises(InputError, match="holds an unfinished run with films="):
        predict_shards(bundle, films, tmp_path / "out")


def test_the_engine_ray_has_the_numbers_and_scores_of_the_ensemble(
    cluster, bundle, shards, ensemble, films, expected, tmp_path
):
    scores, genres = evaluate_shards(bundle, shards, tmp_path / "out", engine="ray")
    assert_same(tmp_path / "out", expected)
    local_scores, local_genres = ensemble.evaluate(films)
    pd.testing.assert_frame_equal(scores_frame(scores), scores_frame(local_scores), atol=1e-6)
    pd.testing.assert_frame_equal(genres, local_genres, atol=1e-6)


def test_a_killed_job_goes_on_with_ray_and_a_killed_actor_loses_and_doubles_nothing(
    cluster, bundle, films, expected, tmp_path, monkeypatch
):
    killed, marked, out = tmp_path / "killed", expected["Id"][55], tmp_path / "out"

    class Dying(GenrePredictor):
        def __call__(self, table):
            if marked in table["Id"].to_pylist() and not killed.exists():
                killed.touch()
                os._exit(1)
            return super().__call__(table)

    def interrupted(what, done, total):
        if done == 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(shard_prediction, "FILMS", 10)
    monkeypatch.setattr(
        ray_prediction, "BATCH", 10
    )  # two batches are done before the actor dies, two come after
    with pytest.raises(KeyboardInterrupt):
        predict_shards(bundle, films, out, with_members=True, progress=interrupted)
    first = {path: path.stat().st_mtime_ns for path in shard_paths(out)}
    assert len(first) == 3
    monkeypatch.setattr(ray_prediction, "GenrePredictor", Dying)
    assert predict_shards(bundle, films, out, engine="ray", with_members=True) == 50
    assert killed.exists()
    assert all(path.stat().st_mtime_ns == time for path, time in first.items())
    assert_same(out, expected)


def test_actors_leave_a_processor_to_reading(cluster, bundle):
    with pytest.raises(InputError, match="2 processors has room for 1 to 1 actors, .* got actors=2"):
        next(ray_predictions(bundle, {}, actors=2))


def test_one_processor_is_too_few():
    with pytest.raises(InputError, match="Ray needs two processors, .* but the cluster has 1"):
        ray_prediction._actors(None, 1)


def test_what_an_actor_refuses_is_found_among_the_causes():
    refused, wrapped = InputError("no film"), RuntimeError("an actor failed")
    wrapped.cause = RuntimeError("user code failed")
    wrapped.cause.__cause__ = refused
    assert ray_prediction._cause(wrapped, InputError) is refused
    assert ray_prediction._cause(RuntimeError("lost"), InputError) is None


@pytest.mark.parametrize("parts", [[], [1, 1], [0, 0]])
def test_films_that_are_lost_or_doubled_on_the_way_are_noticed(bundle, shards, tmp_path, monkeypatch, parts):
    names = [path.name for path in shard_paths(shards)]

    def lossy(bundle, parts_, **options):
        predict = GenrePredictor(bundle)
        tables = [pq.read_table(path) for path in parts_.values()]
        yield from ((names[0], predict(tables[part])) for part in parts)

    monkeypatch.setitem(shard_prediction.ENGINES, "local", lossy)
    with pytest.raises(RuntimeError, match="predict this catalogue again"):
        predict_shards(bundle, shards, tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.parquet"))) == (parts == [0, 0])


def test_a_predictor_keeps_the_column_that_names_the_shard(bundle, films):
    table = films_table(films.take([0, 1])).append_column("path", pa.array(["one", "two"]))
    found = GenrePredictor(bundle)(table)
    assert found["path"].to_pylist() == ["one", "two"] and found["Id"].to_pylist() == list(films.ids[:2])


def test_a_film_that_comes_twice_is_refused(bundle, films, tmp_path):
    table = films_table(films)
    write_parquet(pa.concat_tables([table, table.slice(0, 1)]), tmp_path / "twice.parquet")
    with pytest.raises(InputError, match="Film ids must be unique, but made-0001 came more than once"):
        predict_shards(bundle, tmp_path, tmp_path / "out")


def test_an_unknown_engine_is_refused(bundle, shards, tmp_path):
    with pytest.raises(InputError, match="An engine is one of local, ray, got 'spark'"):
        predict_shards(bundle, shards, tmp_path, engine="spark")
