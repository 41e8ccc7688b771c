from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from multigenre._checks import InputError
from multigenre.films import Films
from multigenre.members import OverviewTfidf, has_modality, role_of


@pytest.fixture(scope="module")
def train(made_films):
    return made_films.take(np.arange(80)).with_role("train")


@pytest.fixture(scope="module")
def test_films(made_films):
    return made_films.take(np.arange(80, 120)).with_role("test")


@pytest.fixture(scope="module")
def member(train):
    return OverviewTfidf().fit(train)


def relabelled(films, labels):
    return replace(films, labels=labels)


def test_probabilities_are_those_of_scikit_learn_genre_by_genre(member, train, test_films):
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, stop_words="english")
    features, new = words.fit_transform(train.overviews), words.transform(test_films.overviews)
    probabilities = member.predict(test_films)
    assert probabilities.name == "overview-tfidf" and probabilities.genres == train.genres
    for genre, labels in enumerate(train.labels.T):
        model = LogisticRegression(C=3.0, solver="liblinear", tol=1e-8, max_iter=10_000).fit(features, labels)
        expected = model.predict_proba(new)[:, 1]
        np.testing.assert_allclose(probabilities.values[:, genre], expected, atol=2e-3)


def test_a_genre_that_shows_in_the_words_is_found(member, test_films):
    values, labels = member.predict(test_films).values, test_films.labels == 1
    for genre in ("Comedy", "Drama", "Romance"):
        column = test_films.genres.column(genre)
        assert values[labels[:, column], column].mean() > values[~labels[:, column], column].mean() + 0.02


def test_what_is_saved_gives_the_same_numbers_without_pickle(member, train, test_films, tmp_path):
    member.save(tmp_path)
    loaded = OverviewTfidf().load(tmp_path)
    np.testing.assert_allclose(
        loaded.predict(test_films).values, member.predict(test_films).values, atol=1e-12
    )
    assert (loaded.C, loaded.genres_, loaded.learned_ids_) == (3.0, train.genres, member.learned_ids_)
    assert loaded.constant_genres_ == member.constant_genres_
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}
    with np.load(tmp_path / "tfidf.npz", allow_pickle=False) as saved:
        assert all(saved[name].dtype == np.float64 for name in saved.files)


def test_genres_that_no_or_every_film_carries_are_constant_and_named(train, test_films):
    labels = train.labels.copy()
    labels[:, 1], labels[:, 4] = 0, 1
    member = OverviewTfidf().fit(relabelled(train, labels))
    values = member.predict(test_films).values
    assert member.constant_genres_ == [list(train.genres)[1], list(train.genres)[4]]
    np.testing.assert_allclose(values[:, 1], 0.5 / 81, rtol=1e-5)
    np.testing.assert_allclose(values[:, 4], 80.5 / 81, rtol=1e-5)
    assert np.ptp(values[:, 0]) > 0


def test_films_without_an_overview_are_not_present_and_teach_nothing(member, train, test_films):
    blank = test_films.overviews.copy()
    blank[::2] = ""
    probabilities = member.predict(replace(test_films, overviews=blank))
    assert not probabilities.present[::2].any() and np.isnan(probabilities.values[::2]).all()
    np.testing.assert_array_equal(probabilities.values[1::2], member.predict(test_films).values[1::2])
    nobody = member.predict(replace(test_films, overviews=[""] * len(test_films)))
    assert not nobody.present.any()

    more = Films(
        [*train.ids, "blank"],
        [*train.overviews, ""],
        [*train.posters, ""],
        np.concatenate([train.labels, np.ones((1, 6), np.uint8)]),
        train.genres,
    )
    again = OverviewTfidf().fit(more)
    assert again.learned_ids_ == {"train": tuple(train.ids), "validation": ()}
    np.testing.assert_array_equal(again.predict(test_films).values, member.predict(test_films).values)


def test_progress_counts_genres(train):
    calls = []
    OverviewTfidf().fit(train, progress=lambda *call: calls.append(call))
    assert calls == [("overview-tfidf", done, 6) for done in range(1, 7)]


def test_films_that_trained_a_member_are_known_whatever_they_are_called(member, train, test_films):
    assert role_of(train, member) == role_of(train.with_role(None), member) == "train"
    mixed = Films([train.ids[0], "new"], ["", ""], ["", ""])
    assert role_of(mixed, member) == "train" and member.predict(mixed).role == "train"
    assert role_of(test_films, member) == "test" and role_of(test_films.with_role(None), member) is None
    with pytest.raises(
        InputError, match=r"^80 of the test films \(.*\) were train films of overview-tfidf; use"
    ):
        member.predict(train.with_role("test"))


def test_films_that_chose_a_members_epoch_are_known_whatever_they_are_called(train, test_films):
    member = OverviewTfidf().fit(train)
    member.learned_ids_["validation"] = tuple(test_films.ids)
    assert role_of(test_films.with_role(None), member) == role_of(test_films.with_role("validation"), member)
    assert role_of(test_films.with_role(None), member) == "validation"
    assert (
        role_of(test_films.with_role("train"), member) == "train"
    )  # says more than is so: nobody reports these
    with pytest.raises(InputError, match="40 of the calibration films .* were validation films"):
        role_of(test_films.with_role("calibration"), member)
    with pytest.raises(InputError, match="80 of the validation films .* were train films"):
        role_of(train.with_role("validation"), member)


def test_a_film_without_overview_that_a_member_never_read_keeps_its_role(member):
    assert role_of(Films(["new"], [""], [""], role="test"), member) == "test"


def test_which_films_have_what_a_member_reads(member):
    films = Films(["a", "b"], ["x", ""], ["", "b.jpg"])
    assert has_modality(member, films).tolist() == [True, False]
    poster = OverviewTfidf("poster-something")
    poster.modality = "poster"
    assert has_modality(poster, films).tolist() == [False, True]


def test_films_without_overviews_or_genres_or_shared_words_are_refused_in_one_sentence(train):
    with pytest.raises(
        InputError, match="overview-tfidf needs films with overviews, but none of 80 has one; give"
    ):
        OverviewTfidf().fit(replace(train, overviews=[""] * len(train)))
    with pytest.raises(InputError, match="whose genres are known, got films without genres"):
        OverviewTfidf().fit(Films(["a"], ["x"], [""]))
    for overviews in (["dragons", "castles"], ["the", "of it"], ["one film"]):
        labels = np.eye(len(overviews), dtype=np.uint8)
        films = Films(
            [f"{i}" for i in range(len(overviews))],
            overviews,
            [""] * len(overviews),
            labels,
            ["A", "B"][: len(overviews)],
        )
        with pytest.raises(
            InputError, match=rf"found no word that two of {len(overviews)} overviews share; give"
        ):
            OverviewTfidf().fit(films)
