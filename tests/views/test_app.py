import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from multigenre._checks import InputError
from multigenre.cli._views import app as command
from multigenre.data import make_films
from multigenre.ensemble import GenreEnsemble
from multigenre.views import build, gradio, serve
from multigenre.views._app import answer, pictures, read_words, words, words_html
from multigenre.views._app_answers import film_answer

NASTY = "<script>alert(1)</script> <img src=x onerror=alert(2)> & war"

ROUND_TRIP = """
import sys
from gradio_client import Client, handle_file
from multigenre import GenreEnsemble
from multigenre.views import serve

bundle, poster, overview = sys.argv[1:]
ensemble = GenreEnsemble.load(bundle)
page, url = serve(ensemble, title="<made>", port=7917)
print(url)
try:
    serve(ensemble, port=7917)
except ValueError as error:
    print(error)
print(Client(url, verbose=False, analytics_enabled=False).predict(handle_file(poster), overview, api_name="/answer")[0])
page.close(verbose=False)
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return make_films(80, folder=tmp_path_factory.mktemp("posters"))


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble(["poster-colours", "overview-tfidf"]).fit(films)


def tags(html):
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.add(tag)
    parser.feed(html)
    return found


def test_the_button_answers_with_genres_pictures_and_tables(ensemble, films):
    said, *shown, film, genre = answer(ensemble, films.posters[3], films.overviews[3])
    assert said.startswith("<h2>") and "Without the poster" in said
    assert all("<svg" in picture for picture in shown[:3])
    assert [len(table) > 0 for table in shown[3:]] == [True] * 3
    assert len(film) == 1 and genre in films.genres


def test_pictures_are_told_in_words_and_take_the_page_s_colours(ensemble, films):
    found = film_answer(ensemble, films.posters[3], films.overviews[3])
    trees = [ElementTree.fromstring(picture)[0] for picture in pictures(found)]
    who, without, why = (tree.get("aria-label") for tree in trees)
    assert all(tree.get("role") == "img" for tree in trees)
    named = found.probabilities[found.probabilities["named"]]
    for row in named.itertuples():
        assert f"{row.genre} {row.probability:.2f}, named" in who
    assert who.count(", named") == len(named) and "poster-colours: " in who
    assert all(sentence in without for sentence in found.sentences if sentence.startswith("Without"))
    for row in found.contributions[found.contributions["genre"].isin(found.genres)].itertuples():
        assert f"{row.member} {row.contribution:+.1f}" in why
    for picture in pictures(found):
        # No colour is fixed, so none is lost on a dark page; black is what the page fills with.
        assert "var(--m1)" in picture and not set(re.findall("#[0-9a-f]{6}", picture)) - {"#000000"}


def test_pictures_of_a_poster_alone_say_what_was_not_there(ensemble, films):
    who, without, _ = pictures(film_answer(ensemble, films.posters[3]))
    assert "overview-tfidf: nothing to read." in who and "There is nothing to leave out." in without


def test_nothing_given_is_said_and_shows_nothing(ensemble):
    said, *rest = answer(ensemble, None, "")
    assert "give a poster, an overview, or both" in said and rest == [None] * 8


def test_a_poster_that_cannot_be_read_is_said_with_its_name_escaped(ensemble, tmp_path):
    path = tmp_path / "<b onload=x>.jpg"
    path.write_text("no image")
    said = answer(ensemble, str(path), "")[0]
    assert "&lt;b onload=x&gt;.jpg cannot be read" in said


def test_an_overview_with_html_is_shown_and_never_run(ensemble):
    said, *shown, film, genre = answer(ensemble, None, NASTY)
    _, html = read_words(ensemble, film, genre)
    assert not tags("".join([said, html, *shown[:3]])) & {"script", "img"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_words_are_marked_by_the_side_that_they_speak_for():
    html = words_html([("space", 2.0), ("tea", -1.0), ("of", 0.0)], "Sci-<Fi>")
    assert 'rgba(0, 114, 178, 0.60)" title="+2.00">space' in html
    assert 'rgba(230, 159, 0, 0.40); text-decoration: underline dotted" title="-1.00">tea' in html
    assert "<li>space +2.00</li><li>tea -1.00</li></ul>" in html
    assert "Sci-&lt;Fi&gt;" in html


def test_another_genre_reads_the_same_table_and_asks_no_member_again(ensemble, films, monkeypatch):
    *_, film, genre = answer(ensemble, None, films.overviews[3])
    table, html = read_words(ensemble, film, genre)
    assert html == words(table, genre)
    for member in ensemble.members_.values():
        monkeypatch.setattr(member, "predict", None)
    pages = {words(table, other) for other in films.genres}
    assert html in pages and len(pages) == len(films.genres)


def test_without_an_overview_no_word_is_marked(ensemble, films):
    *_, film, genre = answer(ensemble, films.posters[3], "")
    for nothing in (read_words(ensemble, film, genre), read_words(ensemble, None, None)):
        assert nothing == (None, "<p>There is no overview to read.</p>")


@pytest.fixture
def served(monkeypatch):
    """What the command would have served: `serve`'s arguments, and whether the page was closed."""
    seen = {}

    class Page:
        def close(self, **options):
            seen["closed"] = True

    def stub(ensemble, **options):
        seen.update(options, ensemble=ensemble)
        return Page(), f"http://{options['host']}:{options['port']}/"

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("multigenre.views.gradio", lambda: None)
    monkeypatch.setattr("multigenre.views.serve", stub)
    monkeypatch.setattr("multigenre.cli._views.time", SimpleNamespace(sleep=interrupt))
    return seen


def invoke(*arguments):
    one = typer.Typer()
    one.command()(command)
    return CliRunner().invoke(one, list(map(str, arguments)))


def test_the_command_serves_a_bundle_on_this_machine_until_it_is_interrupted(
    ensemble, films, served, tmp_path
):
    ensemble.save(tmp_path / "bundle")
    ran = invoke(tmp_path / "bundle")
    assert ran.exit_code == 0, ran.output
    assert ran.output.strip() == "The page is at http://127.0.0.1:7860/; Ctrl+C ends it."
    found = served.pop("ensemble").predict(films).fused.values
    np.testing.assert_allclose(found, ensemble.predict(films).fused.values, atol=1e-6)
    local = {"title": "bundle", "host": "127.0.0.1", "port": 7860, "share": False}
    assert served == local | {"closed": True}


@pytest.mark.parametrize("options", [["--host", "0.0.0.0"], ["--share"]])
def test_the_command_warns_where_others_can_ask(ensemble, served, tmp_path, options):
    ensemble.save(tmp_path / "bundle")
    ran = invoke(tmp_path / "bundle", "--port", 8000, *options)
    assert "It has no password: whoever reaches it can ask." in ran.output
    assert served["port"] == 8000 and served["share"] == ("--share" in options)


def test_the_command_without_gradio_says_so_before_it_loads_anything(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gradio", None)
    ran = invoke(tmp_path / "no bundle")
    assert isinstance(ran.exception, InputError) and "needs Gradio" in str(ran.exception)


def test_without_gradio_one_sentence_says_what_to_install(ensemble, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for ask in (gradio, lambda: build(ensemble), lambda: serve(ensemble)):
        with pytest.raises(
            InputError, match=r"needs Gradio; install it with pip install 'multigenre\[app\]'\."
        ):
            ask()


def test_the_page_answers_over_http_on_this_machine_alone(ensemble, films, tmp_path):
    pytest.importorskip("gradio", reason="gradio is not installed")
    ensemble.save(tmp_path / "bundle")
    given = [str(tmp_path / "bundle"), films.posters[3], films.overviews[3]]
    # In a process of its own: what Gradio leaves open ends with it.
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUND_TRIP, *given], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    url, refused, said = ran.stdout.strip().splitlines()[-3:]
    assert url.startswith("http://127.0.0.1:7917")
    assert refused.startswith("Nothing can listen at 127.0.0.1, port 7917")
    assert said == answer(ensemble, films.posters[3], films.overviews[3])[0]
