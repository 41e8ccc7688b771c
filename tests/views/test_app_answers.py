import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multigenre._checks import InputError
from multigenre.analysis import word_influence
from multigenre.data import Films, logits, make_films
from multigenre.ensemble import GenreEnsemble
from multigenre.fusion import BASE
from multigenre.views._app_answers import FILM, film_answer, left_out_sentences, marked_words, one_film
from multigenre.views._app_figures import contribution_bars, left_out_bars, probability_bars, shown_genres


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return make_films(80, folder=tmp_path_factory.mktemp("posters"))


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble(["poster-colours", "overview-tfidf"]).fit(films)


@pytest.fixture(scope="module")
def answer(ensemble, films):
    return film_answer(ensemble, films.posters[3], films.overviews[3])


def values(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def test_the_answer_is_that_of_predicting_a_table_of_one_film(ensemble, films, answer):
    expected = ensemble.predict(Films(["other"], films.overviews[[3]], films.posters[[3]]))
    assert answer.genres == expected.genre_names()[0]
    for one in (expected.fused, *expected.members):
        found = values(answer.probabilities, contender=one.name)
        np.testing.assert_array_equal(found["probability"].astype(float), one.values[0])
    assert list(answer.probabilities["contender"].unique()) == ["fused", "poster-colours", "overview-tfidf"]


def test_named_genres_are_those_that_reach_their_threshold(answer):
    fused = values(answer.probabilities, contender="fused")
    assert tuple(fused["genre"][fused["named"]]) == answer.genres
    assert list(fused["named"]) == list(fused["probability"] >= fused["threshold"])


def test_leaving_a_modality_out_is_predicting_without_it(ensemble, films, answer):
    ways = {"poster": film_answer(ensemble, None, films.overviews[3]),
            "overview": film_answer(ensemble, films.posters[3])}  # fmt: skip
    assert list(answer.left_out["left_out"].unique()) == list(ways)
    for what, without in ways.items():
        rows, fused = values(answer.left_out, left_out=what), values(without.probabilities, contender="fused")
        np.testing.assert_allclose(rows["without"], fused["probability"].astype(float), atol=1e-6)
        assert list(rows["named_without"]) == list(fused["named"])


def test_of_several_members_of_a_modality_each_is_left_out_too(films):
    several = GenreEnsemble(
        ["poster-colours", "overview-tfidf", "overview-bag"], fusion="mean", preset="quick"
    )
    found = film_answer(several.fit(films.take(range(40))), films.posters[50], films.overviews[50]).left_out
    both = "overview-tfidf+overview-bag"
    expected = {"poster": "poster-colours", "overview": both} | {name: name for name in both.split("+")}
    assert dict(zip(found["left_out"], found["members"], strict=True)) == expected


def test_contributions_add_up_to_the_fused_log_odds(answer):
    total = answer.contributions.groupby("genre")["contribution"].sum().astype(float)
    fused = values(answer.probabilities, contender="fused").set_index("genre")["probability"].astype(float)
    np.testing.assert_allclose(total[fused.index], logits(fused.to_numpy()), atol=1e-4)
    assert set(answer.contributions["member"]) == {BASE, "poster-colours", "overview-tfidf"}


def test_with_one_modality_nothing_can_be_left_out_and_the_silent_member_is_named(ensemble, films):
    found = film_answer(ensemble, None, films.overviews[3])
    assert found.left_out.empty and "without" in found.left_out
    assert values(found.probabilities, contender="poster-colours")["probability"].isna().all()
    assert "poster-colours had nothing to read, as there is no poster." in found.sentences


def test_a_film_that_no_member_reads_gets_the_prevalence_and_a_sentence_says_so(films):
    wordless = GenreEnsemble(["poster-colours"]).fit(films.take(range(60)))
    found = film_answer(wordless, None, "A plot.")
    fused = values(found.probabilities, contender="fused").set_index("genre")["probability"].astype(float)
    np.testing.assert_allclose(fused, wordless.prevalence_[fused.index], rtol=1e-6)
    assert any("shares of the training films" in sentence for sentence in found.sentences)


def test_where_no_genre_is_named_the_most_probable_is_told(ensemble, films, monkeypatch):
    monkeypatch.setattr(ensemble, "thresholds_", {})  # so that genres are cut at 0.5
    answers = [film_answer(ensemble, films.posters[film], "") for film in range(20)]
    unnamed = [found for found in answers if not found.genres]
    assert unnamed, "a film without a sure genre is needed to test"
    for found in unnamed:
        fused = values(found.probabilities, contender="fused").set_index("genre")["probability"].astype(float)
        assert fused.max() < 0.5
        told = f"the most probable is {fused.idxmax()}, at {fused.max():.2f}."
        assert found.sentences[0] == f"No genre reaches its threshold; {told}"


def test_pixels_are_read_as_their_file_is(ensemble, films, tmp_path):
    path = tmp_path / "poster.png"
    with Image.open(films.posters[7]) as image:
        image.convert("RGB").save(path)
    pixels = np.asarray(Image.open(path))
    pd.testing.assert_frame_equal(
        film_answer(ensemble, pixels).probabilities, film_answer(ensemble, path).probabilities
    )


def test_nothing_given_is_refused():
    for nothing in ((None, ""), ("", None), (None, " \n")):
        with pytest.raises(InputError, match="nothing to read yet; give a poster, an overview, or both"):
            one_film(*nothing)


def test_a_poster_that_is_no_image_is_refused_by_name(films, tmp_path):
    text, cut = tmp_path / "text.jpg", tmp_path / "cut.jpg"
    text.write_text("no image")
    shutil.copy(films.posters[0], cut)
    cut.write_bytes(cut.read_bytes()[:400])
    for path in (text, cut, tmp_path / "none.jpg"):
        with pytest.raises(
            InputError, match=f"^The poster {path.name} cannot be read as an image .*; give a JPEG"
        ):
            one_film(path, "An overview does not save it.")


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)]
)
def test_pixels_of_another_kind_are_refused(pixels):
    with pytest.raises(InputError, match="pixels must be uint8 in 0..255 of shape"):
        one_film(pixels)


def test_sentences_tell_which_genres_come_and_go():
    table = pd.DataFrame(
        {
            "left_out": ["poster"] * 3 + ["overview-bag"] * 3,
            "genre": ["Drama", "Horror", "War"] * 2,
            "named": [True, True, False] * 2,
            "named_without": [True, False, True, True, True, False],
        }
    )
    assert left_out_sentences(table) == [
        "Without the poster, Horror would not be named and War would be named.",
        "Without overview-bag, the same genres would be named.",
    ]


def test_marked_words_are_the_overview_in_order(ensemble, films):
    film = one_film(None, films.overviews[3])
    options = {"fusion": ensemble.fusion_, "prevalence": ensemble.prevalence_}
    marked = marked_words(word_influence(ensemble.members_, film, **options), "Drama")
    assert [word for word, _ in marked] == films.overviews[3].split()
    assert any(change for _, change in marked) and all(np.isfinite(change) for _, change in marked)


def test_pictures_show_the_named_genres_first_and_what_each_column_says(answer, ensemble, films):
    genres = shown_genres(answer.probabilities)
    assert tuple(sorted(genres[: len(answer.genres)])) == tuple(sorted(answer.genres))
    assert len(shown_genres(answer.probabilities, most=5)) == 5
    alone = film_answer(ensemble, films.posters[3])
    for found in (answer, alone):
        pictures = [
            probability_bars(found.probabilities, genres),
            left_out_bars(found.left_out, found.probabilities, genres),
            contribution_bars(found.contributions, found.probabilities, genres),
        ]
        for picture in pictures:
            picture.canvas.draw()
            assert [label.get_text() for label in picture.axes[0].get_yticklabels()] == genres
        assert [axes.get_title("left") for axes in pictures[0].axes] == [
            "fused",
            "poster-colours",
            "overview-tfidf",
        ]
    # Of the second, the overview is missing.
    assert "nothing to read" in [text.get_text() for text in pictures[0].axes[2].texts]
    assert FILM in set(alone.contributions["film"])
