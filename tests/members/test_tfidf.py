from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_union

from multigenre._checks import InputError
from multigenre.data import Films
from multigenre.members import OverviewTfidf


@pytest.fixture(scope="module")
def member(train):
    return OverviewTfidf(C=3.0).fit(train)


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


def test_pieces_of_words_are_those_of_scikit_learn(train, test_films):
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, stop_words="english")
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=5, sublinear_tf=True)
    both = make_union(words, pieces)
    features, new = both.fit_transform(train.overviews), both.transform(test_films.overviews)
    found = OverviewTfidf(C=1.0, characters=True).fit(train).predict(test_films).values
    for genre, labels in enumerate(train.labels.T):
        model = LogisticRegression(C=1.0, solver="liblinear", tol=1e-8, max_iter=10_000).fit(features, labels)
        np.testing.assert_allclose(found[:, genre], model.predict_proba(new)[:, 1], atol=2e-3)


def test_the_C_that_is_chosen_is_best_for_films_that_the_heads_did_not_see(train):
    strengths = (0.01, 1.0, 100.0)
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, stop_words="english")
    features, folds = words.fit_transform(train.overviews), KFold(5, shuffle=True, random_state=0)
    losses = {}
    for C in strengths:
        model = OneVsRestClassifier(LogisticRegression(C=C, solver="liblinear"))
        held_out = cross_val_predict(model, features, train.labels, cv=folds, method="predict_proba")
        losses[C] = log_loss(train.labels.ravel(), held_out.ravel())
    member = OverviewTfidf(C=strengths).fit(train)
    assert member.C_ == min(losses, key=losses.get) == 1.0
    assert member.C_table_.C.tolist() == sorted(strengths) and member.C_table_.bce.argmin() == 1


def test_copies_for_out_of_fold_probabilities_keep_the_C_that_was_chosen(train):
    member = OverviewTfidf("words", C=(0.01, 1.0), characters=True).fit(train.take(np.arange(40)))
    settled = member.settled()
    assert (settled.name, settled.C, settled.characters) == ("words", member.C_, True)
    assert not hasattr(settled, "genres_")
    assert OverviewTfidf(C=(1.0, 3.0)).settled().C == (1.0, 3.0)


def test_near_duplicates_do_not_choose_C_for_each_other(train):
    """Copies, dealt to other folds, would reward the heads that know films by heart."""
    rng = np.random.default_rng(0)
    labels = (rng.random(train.labels.shape) < 0.5).astype(
        np.uint8
    )  # nothing but the films' own labels to learn
    labels[0], labels[1] = 0, 1
    copies = Films(
        [*train.ids, *(f"{film} again" for film in train.ids)],
        [*train.overviews, *(text.upper() for text in train.overviews)],
        [""] * 160,
        np.vstack([labels, labels]),
        train.genres,
    )
    assert OverviewTfidf(C=(0.001, 100.0)).fit(copies).C_ == 0.001


def test_fewer_films_than_folds_take_the_first_C(train):
    films = Films(["a", "b"], ["a dog", "a dog"], ["", ""], [[1, 0], [0, 1]], ["A", "B"])
    assert OverviewTfidf(C=(3.0, 1.0)).fit(films).C_ == 3.0


def test_a_genre_that_shows_in_the_words_is_found(member, test_films):
    values, labels = member.predict(test_films).values, test_films.labels == 1
    for genre in ("Comedy", "Drama", "Romance"):
        column = test_films.genres.column(genre)
        assert values[labels[:, column], column].mean() > values[~labels[:, column], column].mean() + 0.02


@pytest.mark.parametrize("characters", [False, True])
def test_what_is_saved_gives_the_same_numbers_without_pickle(characters, train, test_films, tmp_path):
    member = OverviewTfidf(C=3.0, characters=characters).fit(train)
    member.save(tmp_path)
    loaded = OverviewTfidf().load(tmp_path)
    np.testing.assert_allclose(
        loaded.predict(test_films).values, member.predict(test_films).values, atol=1e-12
    )
    assert (loaded.C_, loaded.genres_, loaded.learned_ids_) == (3.0, train.genres, member.learned_ids_)
    assert (loaded.constant_genres_, loaded.characters) == (member.constant_genres_, characters)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}
    with np.load(tmp_path / "tfidf.npz", allow_pickle=False) as saved:
        assert all(saved[name].dtype == np.float64 for name in saved.files)


def test_genres_that_no_or_every_film_carries_are_constant_and_named(train, test_films):
    labels = train.labels.copy()
    labels[:, 1], labels[:, 4] = 0, 1
    member = OverviewTfidf(C=3.0).fit(relabelled(train, labels))
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
    again = OverviewTfidf(C=3.0).fit(more)
    assert again.learned_ids_ == {"train": tuple(train.ids), "validation": ()}
    np.testing.assert_array_equal(again.predict(test_films).values, member.predict(test_films).values)


def test_progress_counts_genres(train):
    calls = []
    OverviewTfidf(C=3.0).fit(train, progress=lambda *call: calls.append(call))
    assert calls == [("overview-tfidf", done, 6) for done in range(1, 7)]


def test_films_without_overviews_or_genres_or_shared_words_are_refused_in_one_sentence(train):
    with pytest.raises(
        InputError, match="overview-tfidf needs films with overviews, but none of 80 has one; give"
    ):
        OverviewTfidf(C=3.0).fit(replace(train, overviews=[""] * len(train)))
    with pytest.raises(InputError, match="whose genres are known, got films without genres"):
        OverviewTfidf(C=3.0).fit(Films(["a"], ["x"], [""]))
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
            OverviewTfidf(C=3.0).fit(films)
