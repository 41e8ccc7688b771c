import subprocess
import sys
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from multigenre._checks import InputError
from multigenre.app import answer, build, gradio, serve, words, words_html
from multigenre.ensemble import GenreEnsemble
from multigenre.made_films import make_films

NASTY = "<script>alert(1)</script> <img src=x onerror=alert(2)> & war"

ROUND_TRIP = """
import sys
from gradio_client import Client, handle_file
from multigenre import GenreEnsemble
from multigenre.app import serve

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
    said, *figures_and_tables, film, genre = answer(ensemble, films.posters[3], films.overviews[3])
    assert said.startswith("<h2>") and "Without the poster" in said
    assert all(isinstance(figure, Figure) for figure in figures_and_tables[:3])
    assert [len(table) > 0 for table in figures_and_tables[3:]] == [True] * 3
    assert len(film) == 1 and genre in films.genres


def test_nothing_given_is_said_and_shows_nothing(ensemble):
    said, *rest = answer(ensemble, None, "")
    assert "give a poster, an overview, or both" in said and rest == [None] * 8


def test_a_poster_that_cannot_be_read_is_said_with_its_name_escaped(ensemble, tmp_path):
    path = tmp_path / "<b onload=x>.jpg"
    path.write_text("no image")
    said = answer(ensemble, str(path), "")[0]
    assert "&lt;b onload=x&gt;.jpg cannot be read" in said


def test_an_overview_with_html_is_shown_and_never_run(ensemble):
    said, *_, film, genre = answer(ensemble, None, NASTY)
    html = words(ensemble, film, genre)
    assert not tags(said + html) & {"script", "img"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_words_are_marked_by_the_side_that_they_speak_for():
    html = words_html([("space", 2.0), ("tea", -1.0), ("of", 0.0)], "Sci-<Fi>")
    assert 'rgba(0, 114, 178, 0.60)" title="+2.00">space' in html
    assert 'rgba(230, 159, 0, 0.40); text-decoration: underline dotted" title="-1.00">tea' in html
    assert "<li>space +2.00</li><li>tea -1.00</li></ul>" in html
    assert "Sci-&lt;Fi&gt;" in html


def test_without_an_overview_no_word_is_marked(ensemble, films):
    *_, film, genre = answer(ensemble, films.posters[3], "")
    assert (
        words(ensemble, film, genre) == words(ensemble, None, None) == "<p>There is no overview to read.</p>"
    )


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
