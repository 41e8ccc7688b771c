import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigenre import GenreEnsemble, make_films
from multigenre.analysis import word_influence
from multigenre.views._marks import CELLS, LEAST, MOST_WORDS, marked_places, marked_words, pieces


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    films = make_films(
        300, genres=6, folder=tmp_path_factory.mktemp("posters"), missing_posters=0.1, missing_overviews=0.1
    )
    split = {"train": 0.7, "test": 0.3}
    ensemble = GenreEnsemble(["poster-colours", "overview-tfidf"], seed=0).fit(films, split=split)
    return ensemble, ensemble.films_["test"].take(range(24))


def test_the_words_are_those_that_moved_the_fused_genre_most(fitted):
    ensemble, films = fitted
    found = marked_words(ensemble, films, ["Romance"] * len(films))
    options = {"fusion": ensemble.fusion_, "prevalence": ensemble.prevalence_}
    table = word_influence(ensemble.members_, films, **options)
    table = table[(table["contender"] == "fused") & (table["genre"] == "Romance")]
    assert any(found)
    for film, words in zip(films.ids, found, strict=True):
        of_film = table[table["film"] == film].set_index("position")["change"].astype(float)
        assert len(words) <= MOST_WORDS and all(abs(word["change"]) >= LEAST for word in words)
        assert [abs(word["change"]) for word in words] == pytest.approx(
            of_film.abs()[of_film.abs() >= LEAST].nlargest(MOST_WORDS).tolist(), abs=1e-5
        )
        overview = films.overviews[list(films.ids).index(film)].split()
        assert all(overview[word["position"]] == word["word"] for word in words)


def test_films_without_an_overview_or_a_poster_have_no_marks(fitted):
    ensemble, films = fitted
    genres = ["Horror"] * len(films)
    words, places = marked_words(ensemble, films, genres), marked_places(ensemble, films, genres)
    assert not any(one for one, has in zip(words, films.has_overview, strict=True) if not has)
    assert not any(one for one, has in zip(places, films.has_poster, strict=True) if not has)
    assert any(places)
    for one in filter(None, places):
        strengths = [abs(place["strength"]) for place in one["places"]]
        assert max(strengths) == pytest.approx(1) and abs(one["strongest"]) >= LEAST
        assert all(0 <= place[way] < CELLS for place in one["places"] for way in ("row", "column"))


def test_without_a_member_that_reads_it_nothing_is_marked(fitted):
    ensemble, films = fitted
    split = {"train": 0.7, "test": 0.3}
    others = ensemble.films_["train"].with_role(None)
    blind = GenreEnsemble(["overview-tfidf"], seed=0).fit(others, split=split)
    found = marked_places(blind, films, ["Drama"] * len(films))
    assert found == [None] * len(films)


def test_progress_counts_films_that_have_the_modality(fitted):
    ensemble, films = fitted
    said = []
    marked_words(ensemble, films, ["Drama"] * len(films), progress=lambda *what: said.append(what))
    total = int(np.sum(films.has_overview))
    assert said[-1] == ("words", total, total)


@given(st.text(alphabet="ab \n<&", max_size=30), st.sets(st.integers(0, 8)))
def test_pieces_put_together_are_the_text_and_only_words_are_marked(text, positions):
    words = [{"position": position, "word": "", "change": 0.5} for position in positions]
    found = pieces(text, words)
    assert "".join(piece["text"] for piece in found) == text
    marked = [piece["text"] for piece in found if piece["change"] is not None]
    assert marked == [word for place, word in enumerate(text.split()) if place in positions]
