import sys

import pandas as pd
import pytest

from multigenre import GenreEnsemble, make_films
from multigenre._checks import InputError
from multigenre.cli import main
from multigenre.film_tables import read_columns


def run(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["multigenre", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit:
            main()
    return exit.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    films = make_films(100, genres=6, folder=folder / "posters", seed=3)
    films.to_frame().assign(Studio="A").to_csv(folder / "films.csv", index=False)
    GenreEnsemble(["overview-tfidf"]).fit(films, split={"train": 0.5, "test": 0.5}).save(folder / "bundle")
    return folder


def test_report_writes_a_page_and_tables(folder):
    where = (folder / "bundle", folder / "films.csv", "--posters", folder / "posters", "--out")
    assert run("report", *where, folder / "page.html", "--column", "Studio") == 0
    assert "Studio" in (folder / "page.html").read_text(encoding="utf-8")
    assert run("report", *where, folder / "tables", "--format", "csv") == 0
    assert len(pd.read_csv(folder / "tables" / "summary.csv")) == 3


def test_a_column_that_is_not_there_is_named(folder):
    with pytest.raises(InputError, match="has no column Decade to slice by; it has Id"):
        read_columns(folder / "films.csv", ["Decade"])
