import contextlib
import gc
import io
import json
import logging
import re
import sys
import zipfile
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectPercentile, chi2
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, Normalizer
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
def test_classes_and_functions_of_ones_own_are_saved_by_those_who_name_them(own, train, test_films, tmp_path):
    pytest.importorskip("skops")
    member = SklearnMember("own", make_pipeline(own, BernoulliNB())).fit(train)
    with pytest.raises(
        InputError, match=r"own holds \S+[Oo]wn\S+, which is not among the classes that are trusted in a file"
    ):
        member.save(tmp_path)
    named = ["test_sklearn.OwnVectorizer", "test_sklearn.own_analyzer"]
    named += [f"{__name__}.{name.rpartition('.')[2]}" for name in named]
    member.trusted = tuple(named)
    member.save(tmp_path)
    with pytest.raises(InputError, match=r"name it in SklearnMember\(\.\.\., trusted=\[\.\.\.\]\)"):
        SklearnMember("own").load(tmp_path)
    again = SklearnMember("own", trusted=named).load(tmp_path).predict(test_films)
    np.testing.assert_array_equal(again.values, member.predict(test_films).values)
    with pytest.raises(InputError, match="own needs a list of names as trusted, got the single text 'numpy'"):
        SklearnMember("own", trusted="numpy")


READERS = {
    "words": TfidfVectorizer(),
    "counts": make_pipeline(CountVectorizer(), TfidfTransformer(), Normalizer()),
    "hashes": HashingVectorizer(n_features=256, alternate_sign=False),
    "words and pieces": FeatureUnion(
        [("words", TfidfVectorizer()), ("pieces", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)))]
    ),
    "directions": make_pipeline(TfidfVectorizer(), TruncatedSVD(4, random_state=0), MinMaxScaler()),
    "chosen words": make_pipeline(CountVectorizer(), SelectPercentile(chi2)),
    "one column": make_pipeline(
        FunctionTransformer(np.reshape, kw_args={"shape": (-1, 1)}),
        ColumnTransformer([("words", TfidfVectorizer(), 0)]),
    ),
}
DECIDERS = {
    "logistic": LogisticRegression(),
    "gradient": SGDClassifier(loss="log_loss", random_state=0),
    "margins": LinearSVC(random_state=0),
    "calibrated": CalibratedClassifierCV(LinearSVC(random_state=0), cv=2),
    "isotonic": CalibratedClassifierCV(BernoulliNB(), cv=2, method="isotonic"),
    "naive": ComplementNB(),
    "forest": RandomForestClassifier(3, random_state=0),
    "trees": ExtraTreesClassifier(3, random_state=0),
    "boosted": GradientBoostingClassifier(n_estimators=2, random_state=0),
    "neighbours": KNeighborsClassifier(3),
    "layers": MLPClassifier((4,), max_iter=2, random_state=0),
    "chain": ClassifierChain(LogisticRegression()),
    "several": MultiOutputClassifier(LogisticRegression()),
    "constant": DummyClassifier(),
    "votes": VotingClassifier([("a", LogisticRegression()), ("b", BernoulliNB())], voting="soft"),
    "searched": GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.sampled_from(sorted(DECIDERS)))
def test_usual_pipelines_are_saved_and_read_back(train, test_films, tmp_path_factory, reader, decider):
    pytest.importorskip("skops")
    trusted = ["numpy.reshape"] if reader == "one column" else []
    pipeline = make_pipeline(READERS[reader], DECIDERS[decider])
    member = SklearnMember("any", pipeline, trusted=trusted).fit(train)
    folder = tmp_path_factory.mktemp("member")
    member.save(folder)
    again = SklearnMember("any", trusted=trusted).load(folder).predict(test_films)
    np.testing.assert_array_equal(again.values, member.predict(test_films).values)


def test_of_a_search_what_it_found_is_kept_whatever_it_drew_from(train, test_films, tmp_path):
    pytest.importorskip("skops")
    search = RandomizedSearchCV(
        words(OneVsRestClassifier(LogisticRegression())),
        {"onevsrestclassifier__estimator__C": stats.loguniform(0.1, 10)},
        n_iter=2,
        cv=2,
        scoring=make_scorer(f1_score, average="macro", zero_division=0),
        random_state=0,
    )
    member = SklearnMember("searched", search).fit(train)
    member.save(tmp_path)
    loaded = SklearnMember("searched").load(tmp_path)
    assert loaded.estimator_[-1].estimator.C == member.estimator_.best_estimator_[-1].estimator.C
    np.testing.assert_array_equal(loaded.predict(test_films).values, member.predict(test_films).values)


def node_of(skops, thing):
    """What skops writes of a thing, under numbers that no other file gives its own."""
    archive = zipfile.ZipFile(io.BytesIO(skops.dumps(thing)))
    return json.loads(
        archive.read("schema.json"),
        object_hook=lambda node: node | ({"__id__": node["__id__"] + 10**18} if "__id__" in node else {}),
    )


def made_from(skops, args, module, name):
    """What would be called with these arguments."""
    content = node_of(skops, args)
    return {
        "__class__": name,
        "__module__": module,
        "__loader__": "ConstructorFromReduceNode",
        "content": content,
    }


def text_that_runs(skops, victim):
    """A distribution, whose methods are made from a text."""
    drawn = stats.rv_continuous(name="drawn")
    drawn._random_state = None  # whose numbers would need a file of their own
    node = node_of(skops, drawn)
    template = node["content"]["content"]["_parse_arg_template"]
    text = json.loads(template["content"])
    template["content"] = json.dumps(f"open({str(victim)!r}, 'w').close()\n{text}")
    return node, "scipy.stats._distn_infrastructure.rv_continuous"


def map_that_zeroes(skops, victim):
    """Memory over a file, opened to be written."""
    args = (str(victim), "uint8", "w+", 0, (victim.stat().st_size,))
    return made_from(skops, args, "numpy", "memmap"), "numpy.memmap"


def file_that_empties(skops, victim):
    """A class of files under the name of a module of scikit-learn."""
    module = "sklearn.datasets._covtype"
    return made_from(skops, (str(victim), "wb"), module, "GzipFile"), f"{module}.GzipFile"


@pytest.mark.parametrize("attack", [text_that_runs, map_that_zeroes, file_that_empties])
def test_a_file_that_would_run_text_or_open_files_is_refused_before_anything_is_made(attack, train, tmp_path):
    skops = pytest.importorskip("skops.io")
    SklearnMember("words", words(BernoulliNB())).fit(train).save(tmp_path)
    victim, path = tmp_path / "diary.txt", tmp_path / "estimator.skops"
    victim.write_text("mine", encoding="utf-8")
    state, name = attack(skops, victim)
    with zipfile.ZipFile(path) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    schema = json.loads(files["schema.json"])
    schema["content"]["content"]["verbose"] = state  # an attribute of the pipeline
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in (files | {"schema.json": json.dumps(schema)}).items():
            archive.writestr(one, content)
    with pytest.raises(
        InputError, match=rf"words holds .*{re.escape(name)}.*, which is not among the classes"
    ):
        SklearnMember("words").load(tmp_path)
    assert victim.read_text(encoding="utf-8") == "mine"
    with contextlib.suppress(Exception):  # it is an attack: whoever trusts every name loses the file
        skops.load(path, trusted=skops.get_untrusted_types(file=path))
    gc.collect()
    assert victim.read_bytes().strip(b"\0") != b"mine"


def test_a_file_that_names_a_function_of_a_known_package_is_refused(train, tmp_path):
    skops = pytest.importorskip("skops.io")
    member = SklearnMember("words", words(BernoulliNB())).fit(train)
    member.save(tmp_path)
    skops.dump(
        FunctionTransformer(np.testing.measure), tmp_path / "estimator.skops"
    )  # runs code that it is given
    with pytest.raises(InputError, match="words holds numpy.*measure, which is not among the classes"):
        SklearnMember("words").load(tmp_path)


def test_a_broken_file_is_refused_in_one_sentence(train, tmp_path):
    skops = pytest.importorskip("skops.io")
    SklearnMember("words", words(BernoulliNB())).fit(train).save(tmp_path)
    path = tmp_path / "estimator.skops"
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"estimator\.skops cannot be read \("):
            SklearnMember("words").load(tmp_path)
    skops.dump([1, 2], path)
    with pytest.raises(InputError, match=r"estimator\.skops must hold an estimator, got list"):
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
