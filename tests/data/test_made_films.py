from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multigenre._checks import InputError
from multigenre.data import Films, logits, make_films
from multigenre.data._made_films import GENRE_CUES, N_GENRES, PAIRS, SHARES
from multigenre.data._made_overviews import PHRASES, write_overview
from multigenre.data._made_posters import MOTIFS, PALETTES, draw_poster


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return make_films(400, folder=tmp_path_factory.mktemp("made"))


def pictures(films):
    return [Path(poster).read_bytes() for poster in films.posters if poster]


def test_the_same_seed_gives_the_same_first_films_to_the_byte_however_many(films, tmp_path):
    again = make_films(20, folder=tmp_path)
    first = films.take(np.arange(20))
    assert again.ids.tolist() == first.ids.tolist()
    assert again.overviews.tolist() == first.overviews.tolist()
    np.testing.assert_array_equal(again.labels, first.labels)
    assert pictures(again) == pictures(first)


def test_another_seed_gives_other_films(films, tmp_path):
    other = make_films(20, folder=tmp_path, seed=1)
    assert not set(other.overviews) & set(films.overviews[:20])
    assert not set(pictures(other)) & set(pictures(films.take(np.arange(20))))


def test_ids_and_posters_go_together(films):
    assert films.ids[[0, 399]].tolist() == ["made-0001", "made-0400"]
    assert [Path(poster).stem for poster in films.posters] == films.ids.tolist()
    assert films.role is None


def test_posters_are_small_rgb_jpegs_and_nothing_else_is_left(films):
    folder = Path(films.posters[0]).parent
    assert len(list(folder.iterdir())) == 400
    for path in films.posters[:40]:
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (96, 144))


def test_posters_differ_in_every_film(films):
    assert len(set(pictures(films))) == 400


def test_overviews_are_short_ragged_sentences(films):
    lengths = np.array([len(overview.split()) for overview in films.overviews])
    assert 20 <= np.median(lengths) <= 30
    assert lengths.min() >= 8
    assert 55 <= lengths.max() <= 75
    for overview in films.overviews:
        assert overview[0].isupper()
        assert overview.endswith(".")
        assert "{" not in overview


def test_genres_are_twelve_sorted_ones_and_every_film_has_one(films):
    assert list(films.genres) == sorted(list(GENRE_CUES)[:N_GENRES])
    assert films.labels.sum(axis=1).min() >= 1


def test_genres_are_as_unequal_as_documented(films):
    prevalence = films.genres.prevalence(films.labels)
    # 400 films: three standard errors, and what films of no genre add.
    for name in films.genres:
        assert abs(prevalence[name] - SHARES[name]) < 0.03 + 3 * np.sqrt(SHARES[name] / 400), name
    assert prevalence.idxmax() == "Drama"
    assert 2.0 < films.genres.cardinality(films.labels) < 2.5


@pytest.mark.parametrize("pair", [("Animation", "Family"), ("Action", "Thriller"), ("Drama", "Comedy")])
def test_pairs_of_genres_are_correlated_as_documented(films, pair):
    one, other = (films.labels[:, films.genres.column(name)] for name in pair)
    assert np.sign(np.corrcoef(one, other)[0, 1]) == np.sign(PAIRS[pair])


def test_each_genre_has_words_or_a_motif_where_it_shows():
    worded, drawn = set(PHRASES) - {""}, set(PALETTES) - {""}
    assert set(MOTIFS) == drawn
    assert worded == {name for name, cue in GENRE_CUES.items() if cue in ("overview", "both")}
    assert drawn == {name for name, cue in GENRE_CUES.items() if cue in ("poster", "both")}
    assert set(GENRE_CUES.values()) == {"poster", "overview", "both"}


@pytest.mark.parametrize("genre", sorted(set(PHRASES) - {""}))
def test_a_genre_that_shows_is_told_in_the_overview(genre):
    for seed in range(10):
        overview = write_overview([genre], np.random.default_rng(seed)).lower()
        phrases = "|".join(PHRASES[genre]).split("|")
        assert any(phrase in overview for phrase in phrases)


def test_an_overview_tells_of_many_genres_as_of_none():
    assert write_overview(list(PHRASES)[1:], np.random.default_rng(0))
    assert write_overview([], np.random.default_rng(0))


@pytest.mark.parametrize("genre", sorted(MOTIFS))
def test_a_genre_that_shows_changes_the_poster(genre):
    plain, drawn = (np.asarray(draw_poster(shown, np.random.default_rng(0)), int) for shown in ([], [genre]))
    assert np.abs(plain - drawn).mean() > 10


@pytest.fixture(scope="module")
def lifts(films):
    """How far average precision is above prevalence, for each usual genre, by words, by picture, by both."""
    genres = [name for name in films.genres if films.genres.support(films.labels)[name] >= 25]
    labels = films.labels[:, [films.genres.column(name) for name in genres]]
    words = make_pipeline(TfidfVectorizer(sublinear_tf=True), OneVsRestClassifier(LogisticRegression(C=10)))
    colours = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(C=0.003, max_iter=500)))
    pixels = np.stack([np.asarray(Image.open(path).resize((12, 18))).ravel() for path in films.posters])
    folds = KFold(4, shuffle=True, random_state=0)
    by_words = cross_val_predict(words, films.overviews, labels, cv=folds, method="predict_proba")
    by_picture = cross_val_predict(colours, pixels / 255, labels, cv=folds, method="predict_proba")
    contenders = (by_words, by_picture, logits(by_words) + logits(by_picture))
    scores = np.stack(
        [average_precision_score(labels, values, average=None) for values in contenders], axis=1
    )
    return dict(zip(genres, scores - labels.mean(axis=0)[:, None], strict=True))


def mean_lifts(lifts, cue):
    return np.mean([row for name, row in lifts.items() if GENRE_CUES[name] == cue], axis=0)


def test_overview_genres_show_in_words_and_hardly_in_pictures(lifts):
    words, picture, _ = mean_lifts(lifts, "overview")
    assert words > 0.3
    assert picture < 0.12


def test_poster_genres_show_in_pictures_and_hardly_in_words(lifts):
    words, picture, _ = mean_lifts(lifts, "poster")
    assert picture > 0.3
    assert words < 0.12


def test_genres_that_show_in_both_are_found_in_either_and_better_in_both(lifts):
    words, picture, fused = mean_lifts(lifts, "both")
    assert min(words, picture) > 0.2
    assert fused > max(words, picture) + 0.05


def test_no_classifier_is_perfect(films, lifts):
    prevalence = films.genres.prevalence(films.labels)
    for name, row in lifts.items():
        assert max(row) + prevalence[name] < 0.97, name


def test_missing_posters_are_not_drawn_and_no_film_lacks_both(tmp_path):
    films = make_films(100, folder=tmp_path, missing_posters=0.3, missing_overviews=0.7)
    assert 15 <= (~films.has_poster).sum() <= 45
    assert (films.has_poster ^ films.has_overview).all()
    assert len(list(tmp_path.iterdir())) == films.has_poster.sum()


def test_missing_some_changes_no_other_film(films, tmp_path):
    some = make_films(30, folder=tmp_path, missing_posters=0.2, missing_overviews=0.2)
    assert not some.has_overview.all()
    assert (some.overviews == films.overviews[:30])[some.has_overview].all()
    np.testing.assert_array_equal(some.labels, films.labels[:30])


@pytest.mark.parametrize("n_genres", [2, len(GENRE_CUES)])
def test_there_are_as_many_genres_as_asked_for(tmp_path, n_genres):
    films = make_films(60, genres=n_genres, folder=tmp_path)
    assert list(films.genres) == sorted(list(GENRE_CUES)[:n_genres])
    assert films.labels.sum(axis=1).min() >= 1


def test_made_films_are_read_back_from_their_table(films, tmp_path):
    films.to_frame().to_csv(tmp_path / "films.csv", index=False)
    read = Films.read(tmp_path / "films.csv", posters=Path(films.posters[0]).parent)
    assert read.genres == films.genres
    assert read.overviews.tolist() == films.overviews.tolist()
    assert read.posters.tolist() == films.posters.tolist()
    np.testing.assert_array_equal(read.labels, films.labels)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"n_films": 0}, r"^make_films needs n_films of at least 1, got 0\.$"),
        ({"genres": 1}, r"^make_films knows 2 to 16 genres, got genres=1\.$"),
        ({"genres": 17}, r"^make_films knows 2 to 16 genres, got genres=17\.$"),
        (
            {"missing_posters": -0.1},
            r"^missing_posters and missing_overviews must be shares .*, got -0.1 and 0.0\.$",
        ),
        ({"missing_posters": 0.6, "missing_overviews": 0.6}, r"that sum to at most 1, got 0.6 and 0.6\.$"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path, wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        make_films(**wrong, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()
