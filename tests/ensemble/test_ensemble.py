import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from multigenre import Films, GenreEnsemble, GenreProbabilities, LateFusion, ThresholdCalibrator, make_films
from multigenre._checks import InputError
from multigenre.ensemble import (
    ensemble_fusion,
    ensemble_thresholds,
    fit_fusion,
    fit_members,
    fusion_films,
    held_out_probabilities,
)
from multigenre.fusion import held_out
from multigenre.members import GivenMember, OverviewTfidf, SklearnMember
from multigenre.scores import scores

SPLIT = {"train": 0.5, "validation": 0.1, "calibration": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return make_films(200, folder=tmp_path_factory.mktemp("posters"), seed=1)


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble(preset="quick", seed=3).fit(films, split=SPLIT)


@pytest.fixture(scope="module")
def words(films):
    """An ensemble of one quick member, for what does not depend on which."""
    return GenreEnsemble(["overview-tfidf"], preset="quick").fit(films, split=SPLIT)


class Shouting:
    """A member of one's own: it says that long overviews carry every genre."""

    modality, folds, history_ = "overview", 5, None

    def __init__(self, name, genres):
        self.name, self.genres_ = name, genres

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
        self.learned_ids_ = {"train": tuple(train.ids), "validation": ()}
        return self

    def predict(self, films, *, posters=None):
        long = np.array([min(len(text) / 1000, 0.9) for text in films.overviews])
        values = np.tile(long[:, None], len(self.genres_))
        return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)

    def save(self, folder):
        (folder / "nothing").touch()

    def load(self, folder):
        self.learned_ids_ = {"train": (), "validation": ()}
        return self


def test_every_film_has_one_role_and_they_are_disjoint(ensemble, films):
    assert sorted(ensemble.roles_.index) == sorted(films.ids)
    assert ensemble.roles_.value_counts().to_dict() == {
        "train": 100, "calibration": 40, "test": 40, "validation": 20,
    }  # fmt: skip


def test_networks_learned_from_their_roles_and_quick_members_from_all_but_the_test_films(ensemble):
    roles = {role: set(films.ids) for role, films in ensemble.films_.items()}
    for name, member in ensemble.members_.items():
        learned = {role: set(ids) for role, ids in member.learned_ids_.items()}
        quick = {"train": set(ensemble.roles_.index) - roles["test"], "validation": set()}
        assert learned == (quick if member.folds else {role: roles[role] for role in learned}), name


def test_fusion_and_thresholds_learned_from_calibration_films_and_out_of_fold_training_films(ensemble):
    films = {*ensemble.films_["train"].ids, *ensemble.films_["calibration"].ids}
    assert set(ensemble.fusion_.film_ids_) == films
    for name, one in ensemble.thresholds_.items():
        network = name in ("poster-cnn", "overview-lstm")
        assert set(one.film_ids_) == (set(ensemble.films_["calibration"].ids) if network else films), name


@pytest.mark.parametrize("method", ["joint-stack", "greedy"])
def test_fused_thresholds_are_chosen_on_what_fusions_say_of_films_that_they_did_not_see(
    words, films, tmp_path, method
):
    roles = words.films_
    _, apart = fit_members([OverviewTfidf()], films, roles, tmp_path, seed=words.seed)
    said = held_out_probabilities(words.members_, apart, roles["calibration"])
    taught, members = fusion_films(apart, roles, said)
    options = {"prevalence": words.prevalence_, "seed": words.seed}
    fusion = ensemble_fusion(method, {"overview-tfidf": "overview"}, words.seed)
    fusion, thresholds = fit_fusion(fusion, ensemble_thresholds("f1"), members, taught, **options)
    found = thresholds["fused"]
    apart = held_out(fusion, members, taught, seed=words.seed)
    assert found.thresholds_.equals(clone(found).fit(apart, taught).thresholds_)
    if method == "joint-stack":  # of greedy weights a single member has none to over-fit with
        in_sample = clone(found).fit(fusion.predict(members), taught)
        assert not np.allclose(found.thresholds_, in_sample.thresholds_, atol=1e-3)


def test_the_fusion_has_weights_for_one_modality_and_for_all_members_but_one(films):
    bayes = SklearnMember("bayes", make_pipeline(CountVectorizer(), BernoulliNB()))
    fusion = GenreEnsemble(["poster-colours", "overview-tfidf", bayes]).fit(films, split=SPLIT).fusion_
    for names in (["poster-colours"], ["overview-tfidf", "bayes"], ["poster-colours", "bayes"]):
        assert fusion.stack_for(names)[0] == tuple(sorted(names))


def test_validation_films_are_predicted_by_members_that_did_not_train_on_them(ensemble):
    tfidf = {member.name: member for member in ensemble.predictions_["validation"].members}["overview-tfidf"]
    seen = ensemble.members_["overview-tfidf"].predict(ensemble.films_["validation"].with_role("train"))
    assert not np.isclose(tfidf.values, seen.values).all(axis=1).any()


def test_reported_scores_are_those_of_the_test_films_at_the_fitted_thresholds(ensemble):
    films, prediction = ensemble.films_["test"], ensemble.predictions_["test"]
    expected = scores(prediction.fused, films, ensemble.cuts(prediction.fused)["fused"])
    found = ensemble.metrics_["test"]["fused"]
    assert {name: found[name] for name in expected} == expected


def test_predictions_are_in_the_callers_order_and_do_not_depend_on_the_company(ensemble, films):
    order = np.random.default_rng(0).permutation(len(films))
    whole, shuffled = ensemble.predict(films), ensemble.predict(films.take(order))
    assert list(shuffled.fused.ids) == list(films.ids[order])
    np.testing.assert_allclose(shuffled.fused.values, whole.fused.values[order], atol=1e-6)
    alone = ensemble.predict(films.take([7]))
    np.testing.assert_allclose(alone.fused.values[0], whole.fused.values[7], atol=1e-6)


def test_many_films_are_predicted_in_parts_with_the_same_result(ensemble, films, monkeypatch):
    expected = ensemble.predict(films).to_frame(with_members=True)
    monkeypatch.setattr("multigenre.members._predict.CHUNK", 64)
    found = ensemble.predict(films).to_frame(with_members=True)
    assert list(found["genres"]) == list(expected["genres"])
    np.testing.assert_allclose(found.iloc[:, 2:].astype(float), expected.iloc[:, 2:].astype(float), atol=1e-6)


def test_films_without_anything_to_read_are_counted_once(ensemble, films, monkeypatch, caplog):
    monkeypatch.setattr("multigenre.members._predict.CHUNK", 64)
    silent = Films(films.ids, [""] * len(films), [""] * len(films))
    with caplog.at_level(logging.WARNING, "multigenre"):
        fused = ensemble.predict(silent).fused
    [message] = caplog.messages
    assert message.startswith("200 films have nothing that a member can read (made-0001, made-0002, ")
    np.testing.assert_allclose(fused.values, np.tile(ensemble.prevalence_, (200, 1)), rtol=1e-6)


def test_no_number_or_length_of_films_compiles_a_member_again(ensemble, films):
    for rows in ([0], [1, 2], np.argsort([len(text) for text in films.overviews])[-7:], np.arange(200)):
        ensemble.predict(films.take(rows))
    for name in ("poster-cnn", "overview-lstm"):
        assert ensemble.members_[name]._predict.experimental_get_tracing_count() == 1


def test_a_missing_poster_falls_back_to_the_overview(ensemble, films):
    blind = Films(films.ids, films.overviews, [""] * len(films))
    prediction = ensemble.predict(blind)
    poster, *_ = prediction.members
    assert poster.name == "poster-cnn" and np.isnan(poster.values).all() and not poster.present.any()
    assert prediction.fused.present.all()
    pattern = ensemble.fusion_.predict(list(prediction.members[1:]))
    np.testing.assert_allclose(prediction.fused.values, pattern.values)


def test_a_saved_ensemble_gives_the_same_numbers_and_names(ensemble, films, tmp_path):
    ensemble.save(tmp_path / "bundle")
    loaded = GenreEnsemble.load(tmp_path / "bundle")
    expected, found = ensemble.predict(films), loaded.predict(films)
    np.testing.assert_allclose(found.fused.values, expected.fused.values, atol=1e-6)
    assert found.genre_names() == expected.genre_names()
    assert loaded.metrics_ == ensemble.metrics_ and loaded.genres_ == ensemble.genres_
    assert loaded.roles_.to_dict() == ensemble.roles_.to_dict()
    assert list(loaded.members_["poster-cnn"].history_.columns) == list(
        ensemble.members_["poster-cnn"].history_.columns
    )
    assert not [
        path for path in (tmp_path / "bundle").rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")
    ]


def test_the_same_seed_gives_the_same_numbers(ensemble, films):
    again = GenreEnsemble(preset="quick", seed=3).fit(films, split=SPLIT)
    np.testing.assert_array_equal(
        again.predictions_["test"].fused.values, ensemble.predictions_["test"].fused.values
    )


def test_evaluation_leaves_out_films_that_taught_the_ensemble_something(words, films, caplog):
    with caplog.at_level(logging.WARNING, "multigenre"):
        found, by_genre = words.evaluate(films)
    assert "160 films that taught this ensemble something are left out" in caplog.text
    assert found["fused"]["n_films"] == 40 and found["fused"]["bce"] == words.metrics_["test"]["fused"]["bce"]
    assert list(by_genre.columns) == ["support", "overview-tfidf", "fused"]


def test_evaluation_on_nothing_but_learned_films_is_refused(words):
    with pytest.raises(ValueError, match="All 100 films taught this ensemble something"):
        words.evaluate(words.films_["train"])


def test_films_without_genres_can_be_predicted_but_not_trained_on_or_scored(words, films):
    unknown = Films(films.ids, films.overviews, films.posters)
    assert len(words.predict(unknown).genre_names()) == len(films)
    with pytest.raises(ValueError, match="Training needs films whose genres are known"):
        GenreEnsemble().fit(unknown)
    with pytest.raises(ValueError, match="Evaluation needs films whose genres are known"):
        words.evaluate(unknown)


def test_posters_alone_train_and_predict(tmp_path, caplog):
    films = make_films(80, folder=tmp_path, seed=2)
    posters_only = Films(films.ids, [""] * 80, films.posters, films.labels, films.genres)
    with caplog.at_level(logging.WARNING, "multigenre"):
        ensemble = GenreEnsemble(preset="quick").fit(posters_only, split=SPLIT)
    assert list(ensemble.members_) == ["poster-cnn"]
    for name in ("overview-lstm", "overview-tfidf"):
        assert f"{name} is left out: training films come without overviews" in caplog.text
    assert ensemble.predict(posters_only).fused.present.all()


def test_a_member_that_finds_nothing_to_read_anywhere_is_refused(films):
    with pytest.raises(ValueError, match="No film has what poster-cnn read"):
        silent = Films(films.ids, films.overviews, [""] * len(films), films.labels, films.genres)
        GenreEnsemble(["poster-cnn"]).fit(silent)


def test_shares_of_zero_are_allowed(films):
    ensemble = GenreEnsemble(["overview-tfidf"]).fit(
        films, split={"train": 0.8, "test": 0.2, "validation": 0}
    )
    assert ensemble.fusion_.method == "joint-stack" and list(ensemble.metrics_) == ["test"]
    assert set(ensemble.fusion_.film_ids_) == set(ensemble.films_["train"].ids)
    with pytest.raises(ValueError, match="needs a share of the films for the role train"):
        GenreEnsemble(["overview-tfidf"]).fit(films, split={"test": 1.0})


def test_members_without_held_out_films_are_fused_by_their_mean(films, caplog, monkeypatch):
    monkeypatch.setattr(OverviewTfidf, "folds", 0)
    with caplog.at_level(logging.WARNING, "multigenre"):
        ensemble = GenreEnsemble(["overview-tfidf"]).fit(films, split={"train": 0.8, "test": 0.2})
    assert "Without calibration films for overview-tfidf the fusion is a mean of log-odds" in caplog.text
    assert ensemble.fusion_.method == "logit-mean" and ensemble.thresholds_ == {}
    member, fused = ensemble.predictions_["test"].members[0], ensemble.predictions_["test"].fused
    np.testing.assert_allclose(fused.values, member.values, atol=1e-6)


def test_settings_of_fusion_and_thresholds_may_be_objects_and_are_saved(films, tmp_path):
    fusion = LateFusion(method="stack", C=0.1, non_negative=True)
    cuts = ThresholdCalibrator(strategy="f-beta", level=2)
    ensemble = GenreEnsemble(["overview-tfidf"], fusion=fusion, thresholds=cuts).fit(films, split=SPLIT)
    ensemble.save(tmp_path / "bundle")
    loaded = GenreEnsemble.load(tmp_path / "bundle")
    assert loaded.fusion.get_params() == loaded.fusion_.get_params() == fusion.get_params()
    assert loaded.thresholds.get_params() == loaded.thresholds_["fused"].get_params() == cuts.get_params()
    assert not hasattr(fusion, "members_") and not hasattr(cuts, "thresholds_")


def test_members_of_ones_own_are_trained_saved_and_loaded(films, tmp_path):
    table = pd.DataFrame(films.labels * 0.8 + 0.1, index=films.ids, columns=list(films.genres))
    pipeline = make_pipeline(CountVectorizer(), BernoulliNB())
    members = [
        GivenMember("critics", table),
        SklearnMember("bayes", pipeline),
        Shouting("loud", films.genres),
    ]
    ensemble = GenreEnsemble(members).fit(films, split=SPLIT)
    assert not hasattr(members[0], "learned_ids_")
    ensemble.save(tmp_path / "bundle")
    with pytest.raises(InputError, match="loud is a member of your own; pass it, unfitted"):
        GenreEnsemble.load(tmp_path / "bundle")
    loaded = GenreEnsemble.load(tmp_path / "bundle", members=members[2:])
    expected, found = (one.predict(films.take(np.arange(9))).fused.values for one in (ensemble, loaded))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_member_that_fails_is_left_out_and_named(ensemble, films, caplog, monkeypatch):
    def fail(films, **_):
        raise MemoryError("no room")

    monkeypatch.setattr(ensemble.members_["overview-lstm"], "predict", fail)
    with caplog.at_level(logging.ERROR, "multigenre"):
        prediction = ensemble.predict(films.take(np.arange(5)))
    assert "overview-lstm failed and is left out" in caplog.text
    assert [member.name for member in prediction.members] == ["poster-cnn", "overview-tfidf"]
    assert prediction.fused.present.all()
    for member in ensemble.members_.values():
        monkeypatch.setattr(member, "predict", fail)
    with pytest.raises(RuntimeError, match="Every member failed"):
        ensemble.predict(films.take(np.arange(5)))


def test_an_unfinished_run_of_other_films_or_settings_is_not_taken_over(films, tmp_path):
    GenreEnsemble(["overview-tfidf"]).fit(films, split=SPLIT, folder=tmp_path)
    with pytest.raises(ValueError, match="holds an unfinished run with films=200 films"):
        GenreEnsemble(["overview-tfidf"]).fit(films.take(np.arange(150)), split=SPLIT, folder=tmp_path)
    with pytest.raises(ValueError, match="holds an unfinished run with preset=default, not quick"):
        GenreEnsemble(["overview-tfidf"], preset="quick").fit(films, split=SPLIT, folder=tmp_path)


def test_unknown_presets_and_members_are_refused(films):
    with pytest.raises(ValueError, match="A preset is one of reference, default, tuned, quick, got 'huge'"):
        GenreEnsemble(preset="huge").fit(films)
    with pytest.raises(ValueError, match="Members are some of .* got poster-svm"):
        GenreEnsemble(["poster-svm"]).fit(films)


def test_fused_probabilities_keep_the_role_that_the_films_have_for_the_members(ensemble, films):
    assert ensemble.predict(ensemble.films_["test"]).fused.role == "test"
    trained = ensemble.predict(films.take(np.flatnonzero(np.isin(films.ids, ensemble.films_["train"].ids))))
    assert trained.fused.role == "train"
    assert isinstance(trained.fused, GenreProbabilities)


def test_films_of_a_single_genre_are_refused(films):
    labels = np.zeros_like(films.labels)
    labels[:50, 3] = 1
    with pytest.raises(ValueError, match="needs films of at least two genres"):
        GenreEnsemble().fit(Films(films.ids, films.overviews, films.posters, labels, films.genres))


@pytest.mark.parametrize("role", ["train", "validation", "calibration", "test"])
def test_films_are_recognised_under_no_role(ensemble, role):
    found = ensemble.predict(ensemble.films_[role].take([0]).with_role(None)).fused.role
    assert found == ("test" if role == "test" else "train")  # quick members trained on all others


def test_films_that_taught_an_ensemble_are_refused_as_test_films_even_if_no_member_read_them(words):
    learned = words.films_["train"].take([0])
    silent = Films(learned.ids, [""], [""], role="test")
    with pytest.raises(
        InputError, match=r"^1 of the test films \(.*\) were train films of this ensemble; use"
    ):
        words.predict(silent)
    assert words.predict(silent.with_role(None)).fused.role == "train"
