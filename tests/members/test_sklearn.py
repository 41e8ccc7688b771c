import logging
import sys
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from multigenre._checks import InputError
from multigenre.data import Films
from multigenre.ensemble._held_out import out_of_fold_member
from multigenre.members import SklearnMember
from multigenre.networks import PosterCache


@pytest.fixture(scope="module")
def posters(made_films):
    return PosterCache(4)


def words(classifier):
    return make_pipeline(TfidfVectorizer(), classifier)


def by_hand(classifier, train, films):
    """Probabilities of one classifier a genre, from scikit-learn alone."""
    vectorizer = TfidfVectorizer().fit(train.overviews)
    features, new = vectorizer.transform(train.overviews), vectorizer.transform(films.overviews)
    fitted = [clone(classifier).fit(features, labels) for labels in train.labels.T.astype(int)]
    if hasattr(fitted[0], "predict_proba"):
        return np.column_stack([one.predict_proba(new)[:, 1] for one in fitted])
    return np.column_stack([1 / (1 + np.exp(-one.decision_function(new))) for one in fitted])


@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), BernoulliNB(), LinearSVC(random_state=0), RidgeClassifier()]
)
def test_a_classifier_of_one_genre_is_fitted_for_each(classifier, train, test_films):
    pipeline = words(classifier)
    found = SklearnMember("words", pipeline).fit(train).predict(test_films)
    np.testing.assert_allclose(found.values, by_hand(classifier, train, test_films), rtol=1e-5)
    assert (found.name, found.role, found.genres) == ("words", "test", train.genres)
    assert not hasattr(pipeline[-1], "classes_")  # cloned, not changed


@pytest.mark.parametrize(
    "several",
    [
        RandomForestClassifier(5, random_state=0),
        KNeighborsClassifier(3),
        OneVsRestClassifier(LogisticRegression()),
        MultiOutputClassifier(LogisticRegression()),
        ClassifierChain(LogisticRegression()),
    ],
)
def test_a_classifier_of_many_genres_is_fitted_once_and_its_answer_read_whatever_its_form(
    several, train, test_films
):
    member = SklearnMember("words", words(several)).fit(train)
    assert type(member.estimator_[-1]) is type(several)
    fitted = words(several).fit(train.overviews, train.labels)
    answer = fitted.predict_proba(test_films.overviews)
    expected = np.stack(answer)[:, :, 1].T if isinstance(answer, list) else answer
    np.testing.assert_allclose(member.predict(test_films).values, expected, rtol=1e-6)


def test_a_search_around_many_genres_is_one_search(train, test_films):
    inner = words(OneVsRestClassifier(LogisticRegression()))
    search = GridSearchCV(inner, {"tfidfvectorizer__min_df": [1, 2]}, cv=2, scoring="f1_micro")
    member = SklearnMember("searched", search).fit(train)
    assert isinstance(member.estimator_, GridSearchCV)
    np.testing.assert_allclose(
        member.predict(test_films).values, member.estimator_.predict_proba(test_films.overviews), rtol=1e-6
    )


def test_posters_come_as_a_row_of_pixels_each(train, test_films, posters):
    seen = []
    look = FunctionTransformer(lambda pixels: seen.append(pixels) or pixels / 255)
    forest = RandomForestClassifier(5, random_state=0)
    member = SklearnMember("forest", make_pipeline(look, forest), modality="poster")
    found = member.fit(train, posters=posters).predict(test_films, posters=posters)
    assert seen[0].shape == (80, 4 * 4 * 3) and seen[0].dtype == np.uint8
    np.testing.assert_array_equal(seen[0].reshape(-1, 4, 4, 3), posters.pixels(train.posters))
    answer = forest.fit(seen[0] / 255, train.labels).predict_proba(seen[1] / 255)
    np.testing.assert_allclose(found.values, np.stack(answer)[:, :, 1].T, rtol=1e-6)


def test_posters_that_cannot_be_read_are_absent_and_named(train, test_films, posters, tmp_path, caplog):
    (tmp_path / "broken.jpg").write_bytes(b"no poster")
    paths = np.array([tmp_path / "broken.jpg", "", *test_films.posters[2:]], object)
    member = SklearnMember("near", KNeighborsClassifier(3), modality="poster").fit(train, posters=posters)
    with caplog.at_level(logging.WARNING):
        found = member.predict(replace(test_films, posters=paths), posters=posters)
    assert found.present.tolist() == [False, False] + [True] * 38
    [said] = caplog.messages
    assert said.startswith(f"1 posters cannot be read and count as missing: {test_films.ids[0]} (")
    np.testing.assert_array_equal(found.values[2:], member.predict(test_films, posters=posters).values[2:])


@pytest.mark.parametrize("classifier", [LogisticRegression(), RandomForestClassifier(5), RidgeClassifier()])
@pytest.mark.parametrize("n_varied", [0, 1, 2])
def test_genres_that_no_or_every_film_carries_are_constant_and_named(classifier, n_varied, train, test_films):
    labels = train.labels.copy()
    labels[:, n_varied:4], labels[:, 4:] = 0, 1
    member = SklearnMember("words", words(classifier)).fit(replace(train, labels=labels))
    values = member.predict(test_films).values
    assert member.constant_genres_ == list(train.genres)[n_varied:]
    np.testing.assert_allclose(values[:, n_varied:4], 0.5 / 81, rtol=1e-5)
    np.testing.assert_allclose(values[:, 4:], 80.5 / 81, rtol=1e-5)
    assert (np.ptp(values[:, :n_varied], axis=0) > 0).all()


def test_one_genre_alone_gets_what_the_same_classifier_gives_it_among_others(train, test_films):
    labels = np.zeros_like(train.labels)
    labels[:, 2] = train.labels[:, 2]
    alone = SklearnMember("words", words(LogisticRegression())).fit(replace(train, labels=labels))
    among = SklearnMember("words", words(LogisticRegression())).fit(train)
    found = [member.predict(test_films).values[:, 2] for member in (alone, among)]
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_films_without_an_overview_are_not_present_and_teach_nothing(train, test_films):
    blank = np.where(np.arange(40) % 2, test_films.overviews, "")
    more = Films(
        [*train.ids, "blank"],
        [*train.overviews, ""],
        [*train.posters, ""],
        np.vstack([train.labels, np.ones(6)]),
        train.genres,
    )
    member = SklearnMember("words", words(BernoulliNB())).fit(more)
    assert member.learned_ids_ == {"train": tuple(train.ids), "validation": ()}
    found = member.predict(replace(test_films, overviews=blank))
    assert found.present.tolist() == [False, True] * 20
    whole = SklearnMember("words", words(BernoulliNB())).fit(train).predict(test_films)
    np.testing.assert_array_equal(found.values[1::2], whole.values[1::2])
    assert not member.predict(replace(test_films, overviews=[""] * 40)).present.any()


def test_copies_of_the_unfitted_member_give_out_of_fold_probabilities(train):
    member = SklearnMember("words", words(BernoulliNB()))
    found = out_of_fold_member(copy(member), train, folds=3)
    assert found.role == "out-of-fold" and found.present.all() and not hasattr(member, "estimator_")


@pytest.mark.parametrize(
    "classifier",
    [
        BernoulliNB(binarize=8),
        RandomForestClassifier(3, random_state=0),
        KNeighborsClassifier(3),
        HistGradientBoostingClassifier(max_iter=2),
    ],
)
def test_what_is_saved_gives_the_same_numbers(classifier, train, test_films, posters, tmp_path):
    pytest.importorskip("skops")
    labels = train.labels.copy()
    labels[:, 1] = 0
    small = FunctionTransformer(np.sqrt)  # a function, but NumPy's own
    member = SklearnMember("any", make_pipeline(small, classifier), modality="poster")
    member.fit(replace(train, labels=labels), posters=posters).save(tmp_path)
    loaded = SklearnMember("any").load(tmp_path)
    again = loaded.predict(test_films, posters=posters)
    np.testing.assert_array_equal(again.values, member.predict(test_films, posters=posters).values)
    assert (loaded.modality, loaded.genres_) == ("poster", train.genres)
    assert loaded.learned_ids_ == member.learned_ids_ and loaded.constant_genres_ == [list(train.genres)[1]]
    assert {path.name for path in tmp_path.iterdir()} == {"estimator.skops", "member.json"}


class OwnVectorizer(CountVectorizer):
    pass


def own_analyzer(text):
    return text.split()


@pytest.mark.parametrize("own", [OwnVectorizer(), CountVectorizer(analyzer=own_analyzer)])
def test_classes_and_functions_of_ones_own_are_not_saved(own, train, tmp_path):
    pytest.importorskip("skops")
    member = SklearnMember("own", make_pipeline(own, BernoulliNB())).fit(train)
    with pytest.raises(
        InputError, match=r"own holds \S+[Oo]wn\S+, which may run any code when it is loaded; only"
    ):
        member.save(tmp_path)


def test_a_file_that_names_a_function_of_a_trusted_package_is_refused(train, tmp_path):
    skops = pytest.importorskip("skops.io")
    member = SklearnMember("words", words(BernoulliNB())).fit(train)
    member.save(tmp_path)
    skops.dump(
        FunctionTransformer(np.testing.measure), tmp_path / "estimator.skops"
    )  # runs code that it is given
    with pytest.raises(InputError, match="words holds numpy.*measure, which may run any code"):
        SklearnMember("words").load(tmp_path)


def test_without_skops_saving_and_loading_say_what_to_install(train, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    member = SklearnMember("words", words(BernoulliNB())).fit(train)
    for use in (member.save, member.load):
        with pytest.raises(
            InputError, match=r"needs the package skops; install it: pip install 'multigenre\[skl"
        ):
            use(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_learned_from_is_refused_in_one_sentence(train, test_films):
    with pytest.raises(
        InputError, match="line needs a classifier with predict_proba or decision_function, got Ridge"
    ):
        SklearnMember("line", Ridge()).fit(train)
    with pytest.raises(InputError, match="words needs films with overviews, but none of 80 has one"):
        SklearnMember("words", words(BernoulliNB())).fit(replace(train, overviews=[""] * 80))
    with pytest.raises(InputError, match="nothing has no classifier; give one, or load"):
        SklearnMember("nothing").fit(train)
    with pytest.raises(InputError, match="heard reads the overview or the poster, got modality='sound'"):
        SklearnMember("heard", BernoulliNB(), modality="sound")
