import json
import re
import sys

import pandas as pd
import pytest
import typer
from report_films import hostile_films, quick_ensemble

from multigenre import Films, GenreEnsemble
from multigenre._checks import InputError
from multigenre.analysis import _robustness as robustness
from multigenre.analysis import read_attributes
from multigenre.cli._views import report
from multigenre.views import robustness_extras

app = typer.Typer()
app.command()(report)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of films with years, posters and a bundle, as a user would have them."""
    folder = tmp_path_factory.mktemp("catalogue")
    films = hostile_films(folder / "posters", 240)
    years = [1990 + row % 10 for row in range(len(films))]
    films.to_frame().assign(Year=years, Studio="one").to_csv(folder / "films.csv", index=False)
    quick_ensemble(films).save(folder / "bundle")
    return folder


def run(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["report", *map(str, arguments)])
        app(standalone_mode=False)


def test_report_writes_a_page(folder):
    out = folder / "report.html"
    run(
        folder / "bundle",
        folder / "films.csv",
        "--posters",
        folder / "posters",
        "--out",
        out,
        "--column",
        "Year",
    )
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "1990s" in page


def test_report_writes_tables_for_machines(folder):
    out = folder / "report.json"
    run(
        folder / "bundle",
        folder / "films.csv",
        "--posters",
        folder / "posters",
        "--out",
        out,
        "--format",
        "json",
    )
    assert "outcomes" in json.loads(out.read_text(encoding="utf-8"))


def test_a_format_that_the_name_contradicts_is_refused_before_any_work(folder):
    with pytest.raises(InputError, match=r"--format csv needs a folder for --out, got report.html"):
        run(folder / "none", folder / "none.csv", "--out", folder / "report.html", "--format", "csv")


def test_robustness_is_shown_in_the_page(folder, monkeypatch):
    few = {"poster noise": (0.2,), "overview words": robustness.DAMAGES["overview words"]}
    monkeypatch.setattr(robustness, "DAMAGES", few)
    out = folder / "robust.html"
    options = ["--posters", folder / "posters", "--out", out, "--robustness"]
    run(folder / "bundle", folder / "films.csv", *options)
    page = out.read_text(encoding="utf-8")
    assert re.search(r"mAP as \d+ films are damaged", page) and "overview words" in page


def test_robustness_needs_a_page(folder):
    options = ["--out", folder / "a.json", "--format", "json", "--robustness"]
    with pytest.raises(InputError, match="--robustness is shown in a page, got --format json"):
        run(folder / "bundle", folder / "films.csv", *options)


def test_few_films_from_all_over_the_table_are_damaged(folder, monkeypatch):
    monkeypatch.setattr(robustness, "DAMAGES", {"overview words": robustness.DAMAGES["overview words"]})
    films = Films.read(folder / "films.csv", posters=folder / "posters")
    ensemble = GenreEnsemble.load(folder / "bundle")
    title, table = robustness_extras(ensemble, films, most=20).items()
    assert title[0] == "mAP as 20 films are damaged" and (table[1]["films"] <= 20).all()
    assert set(table[1]["damage"]) == {"overview words"} and table[1]["change"].notna().all()


def test_columns_are_read_as_numbers_texts_and_decades(tmp_path):
    path = tmp_path / "films.csv"
    pd.DataFrame(
        {
            "Id": ["tt1", "tt2"],
            "Overview": "A plot.",
            "Year": [1994, 2001],
            "Length": ["90", ""],
            "Studio": ["a", "b"],
        }
    ).to_csv(path, index=False)
    found = read_attributes(path, ["Year", "Length", "Studio"])
    assert found["Year"].tolist() == ["1990s", "2000s"]
    assert found.loc["tt1", "Length"] == 90 and pd.isna(found.loc["tt2", "Length"])
    assert found["Studio"].tolist() == ["a", "b"] and read_attributes(path, ()) is None


def test_a_column_that_the_table_lacks_is_named(tmp_path):
    path = tmp_path / "films.csv"
    pd.DataFrame({"Id": ["tt1"], "Overview": ["A plot."]}).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"films.csv has no column Decade; it has Id, Overview"):
        read_attributes(path, ["Decade"])
