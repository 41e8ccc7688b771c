import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from multigenre import GenreEnsemble, make_films
from multigenre._checks import InputError
from multigenre.cli import _main as cli
from multigenre.cli._reading import FilmsReader
from multigenre.cli._shards import convert, run_predict_shards


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """A table of films, their posters, a bundle, and what it predicts."""
    folder = tmp_path_factory.mktemp("catalogue")
    films = make_films(60, genres=6, folder=folder / "posters")
    films.to_frame().to_csv(folder / "films.csv", index=False)
    ensemble = GenreEnsemble(["overview-tfidf", "poster-colours"]).fit(films.take(range(30)))
    ensemble.save(folder / "bundle")
    return folder, ensemble.predict(films).to_frame()


def test_convert_writes_shards_and_says_what_is_in_them(catalogue, tmp_path, capsys):
    folder, _ = catalogue
    app = typer.Typer()
    app.command()(convert)
    options = ["--posters", str(folder / "posters"), "--out", str(tmp_path / "shards"), "--shard-films", "40"]
    done = CliRunner().invoke(app, [str(folder / "films.csv"), *options])
    assert done.exit_code == 0, done.output
    assert "60 films in 2 shards" in done.stderr and "60 posters, 0 more that cannot be read" in done.stderr
    assert len(pd.read_parquet(tmp_path / "shards")) == 60


@pytest.mark.parametrize("source", ["shards", "films.csv"])
def test_a_table_and_its_shards_have_the_same_predictions(catalogue, source, tmp_path):
    folder, expected = catalogue
    if source == "shards":
        convert(folder / "films.csv", tmp_path / "shards", posters=folder / "posters", shard_films=40)
    where = tmp_path / "shards" if source == "shards" else folder / source
    run_predict_shards(folder / "bundle", where, tmp_path / "out", FilmsReader(posters=folder / "posters"))
    found = pd.read_parquet(tmp_path / "out")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=0, atol=1e-6)


def test_the_command_evaluate_scores_shards_as_it_scores_their_table(catalogue, tmp_path):
    folder, _ = catalogue
    convert(folder / "films.csv", tmp_path / "shards", posters=folder / "posters", shard_films=40)
    for source, options in (("shards", []), ("films.csv", ["--posters", folder / "posters"])):
        where = tmp_path / source if source == "shards" else folder / source
        command = ["evaluate", folder / "bundle", where, "--out", tmp_path / f"of-{source}", *options]
        done = CliRunner().invoke(cli.app, list(map(str, command)))
        assert done.exit_code == 0, done.output
    of_shards, of_table = (
        pd.read_csv(tmp_path / f"of-{source}" / "metrics.csv", index_col=0)
        for source in ("shards", "films.csv")
    )
    pd.testing.assert_frame_equal(of_shards, of_table, atol=1e-6)
    assert of_table.loc["fused", "n_films"] >= 30
    assert len(pd.read_parquet(tmp_path / "of-shards" / "predictions")) == 60


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_posters_of_shards_are_not_checked_twice(command, tmp_path):
    given = [command, "bundle", str(tmp_path), "--out", str(tmp_path / "out"), "--strict"]
    error = CliRunner().invoke(cli.app, given).exception
    assert isinstance(error, InputError) and "'convert --strict' checks shards" in str(error)
