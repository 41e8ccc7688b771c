import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from multigenre import Films, GenreEnsemble, make_films
from multigenre._checks import InputError
from multigenre.error_analysis import error_tables
from multigenre.report import check_path, report, write_tables

HOSTILE = "</script><script>alert('x')</script> & <b>bold</b>"


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    films = make_films(160, genres=6, folder=tmp_path_factory.mktemp("posters"), seed=3)
    overviews = [f"{HOSTILE} {text}" for text in films.overviews]
    return Films(films.ids, overviews, films.posters, films.labels, films.genres)


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble(["poster-colours", "overview-tfidf"]).fit(films, split={"train": 0.5, "test": 0.5})


@pytest.fixture(scope="module")
def page(ensemble, films, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    columns = pd.DataFrame({"studio": np.where(np.arange(160) % 2, "A", "B")}, index=films.ids)
    report(
        ensemble,
        films,
        path,
        attributes=columns,
        extras={"Noise": Figure(), "Sizes": pd.DataFrame({"n": [7]})},
    )
    return path.read_text(encoding="utf-8")


def test_the_page_leads_with_what_was_scored_and_names_everyone_and_every_genre(page, films):
    text = re.sub(r"\s+", " ", page)
    assert "80 films that nothing was fitted to" in text and "80 others were left out" in text
    for name in ("prevalence", "poster-colours", "overview-tfidf", "fused", *films.genres):
        assert name in page


def test_the_page_asks_nothing_of_the_network(page):
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page)
    assert "default-src &#39;none&#39;" in page


def test_a_films_text_is_shown_and_never_run(page):
    assert HOSTILE not in page and "<b>bold</b>" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    assert page.count("<script") == page.count("</script>") == 1


def test_only_films_that_taught_nothing_are_shown(page, ensemble):
    for film in ensemble.roles_.index[ensemble.roles_ != "test"]:
        assert film not in page
    assert any(film in page for film in ensemble.roles_.index[ensemble.roles_ == "test"])


def test_columns_of_the_user_and_what_others_drew_are_in_the_page(page):
    for text in ("studio", "Noise", "Sizes"):
        assert text in page


def test_the_same_films_give_the_same_page(ensemble, films, tmp_path):
    pages = []
    for name in ("a.html", "b.html"):
        report(ensemble, films, tmp_path / name)
        pages.append((tmp_path / name).read_text(encoding="utf-8"))
    assert pages[0] == pages[1] and sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_tables_are_written_for_machines(ensemble, films, tmp_path):
    tables = report(ensemble, films, tmp_path / "tables.json")
    found = json.loads((tmp_path / "tables.json").read_text(encoding="utf-8"))
    assert list(found) == list(tables) and len(found["summary"]) == 4
    write_tables(tables, tmp_path / "tables")
    assert {path.stem for path in (tmp_path / "tables").iterdir()} == set(tables)
    assert list(pd.read_csv(tmp_path / "tables" / "outcomes.csv").columns) == list(tables["outcomes"].columns)


def test_tables_agree_with_the_ensembles_own_scores(ensemble):
    tables = error_tables(ensemble, ensemble.predictions_["test"], ensemble.films_["test"], replicates=20)
    fused = tables["summary"].set_index("name").loc["fused"]
    assert fused["bce"] == ensemble.metrics_["test"]["fused"]["bce"]
    support = dict(zip(ensemble.genres_, ensemble.films_["test"].labels.sum(axis=0), strict=True))
    fused_rows = tables["scores"].query("contender == 'fused'").set_index("genre")
    assert fused_rows["support"].to_dict() == support


def test_what_cannot_be_reported_is_refused_in_one_sentence(ensemble, films, tmp_path):
    with pytest.raises(InputError, match="A report is written as NAME.html, as NAME.json or into a folder"):
        check_path(tmp_path / "report.pdf")
    with pytest.raises(InputError, match="There is no folder .* to write report.html into"):
        report(ensemble, films, tmp_path / "nowhere" / "report.html")
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(InputError, match="is in the way of the report"):
        check_path(tmp_path / "taken.html")
    with pytest.raises(InputError, match="A report needs films whose genres are known"):
        report(ensemble, Films(films.ids, films.overviews, films.posters), tmp_path / "report.html")
    with pytest.raises(InputError, match="Tables are written as NAME.json or into a folder"):
        write_tables({}, tmp_path / "report.html")
    with pytest.raises(InputError, match="Extras of a report are figures or tables, but Sound is neither"):
        report(ensemble, films, tmp_path / "report.html", extras={"Sound": 3})
