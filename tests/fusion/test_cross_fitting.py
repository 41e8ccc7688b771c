import numpy as np
import pytest

from multigenre import GenreProbabilities, LateFusion, make_films
from multigenre._checks import InputError
from multigenre.ensemble._held_out import out_of_fold_member
from multigenre.fusion import held_out, out_of_fold
from multigenre.members import OverviewTfidf


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posters")
    return make_films(60, folder=folder, seed=0).with_role("calibration")


def noisy(films, name, seed, present=None):
    """A member that knows the truth, with noise."""
    rng = np.random.default_rng(seed)
    values = np.clip(0.25 + 0.3 * films.labels + rng.normal(0, 0.15, films.labels.shape), 0.01, 0.99)
    if present is not None:
        values[~present] = np.nan
    return GenreProbabilities(films.ids, films.genres, values, name, "calibration")


def test_each_film_is_fused_by_a_fusion_that_did_not_see_it(films):
    members = [noisy(films, "a", 0), noisy(films, "b", 1)]
    found = out_of_fold(LateFusion(method="greedy"), members, films, folds=len(films))
    assert found.role == "out-of-fold" and list(found.ids) == list(films.ids)
    rest = np.arange(len(films)) != 7
    alone = LateFusion(method="greedy").fit([member.take(rest) for member in members], films.take(rest))
    np.testing.assert_allclose(found.values[7], alone.predict([m.take(~rest) for m in members]).values[0])


def test_the_films_label_does_not_reach_its_own_prediction(films):
    members = [noisy(films, "a", 0), noisy(films, "b", 1)]
    flipped = films.labels.copy()
    flipped[7] = 1 - flipped[7]
    other = type(films)(films.ids, films.overviews, films.posters, flipped, films.genres, "calibration")
    fusion = LateFusion(C=0.1, others_C=0.1)
    before, after = (out_of_fold(fusion, members, each, folds=2) for each in (films, other))
    np.testing.assert_array_equal(before.values[7], after.values[7])
    assert not np.array_equal(before.values, after.values)


def test_a_film_without_any_modality_stays_absent(films):
    present = np.arange(len(films)) != 3
    found = out_of_fold(LateFusion(), [noisy(films, "a", 0, present)], films)
    assert not found.present[3] and found.present.sum() == len(films) - 1


def test_a_single_film_cannot_be_cross_fitted(films):
    with pytest.raises(ValueError, match="needs at least 2 calibration films, got 1"):
        out_of_fold(LateFusion(), [noisy(films.take([0]), "a", 0)], films.take([0]))


def test_members_of_calibration_and_out_of_fold_probabilities_can_be_cross_fitted_together(films):
    members = [noisy(films, "a", 0), noisy(films, "b", 1)]
    members[1] = GenreProbabilities(films.ids, films.genres, members[1].values, "b", "out-of-fold")
    found = out_of_fold(LateFusion(method="mean"), members, films)
    np.testing.assert_allclose(found.values, (members[0].values + members[1].values) / 2)


class Remembering:
    """A member that knows only the films it learned from, and gives them away."""

    name, modality, history_ = "remembering", "overview", None

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
        self.genres_, self.learned_ids_ = train.genres, {"train": tuple(train.ids)}
        return self

    def predict(self, films, *, posters=None):
        seen = np.isin(films.ids.astype(str), np.array(self.learned_ids_["train"], str))
        values = np.tile(np.where(seen, 0.9, 0.1)[:, None], len(self.genres_))
        return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)


def test_no_film_is_predicted_by_a_member_that_trained_on_it(films):
    found = out_of_fold_member(Remembering(), films.with_role("train"), folds=3)
    assert (found.values == 0.1).all() and found.role == "out-of-fold" and found.name == "remembering"
    assert found.ids.tolist() == films.ids.tolist()


def test_out_of_fold_probabilities_of_training_films_fit_a_fusion_and_in_fold_ones_do_not(films):
    train, done = films.with_role("train"), []
    found = out_of_fold_member(OverviewTfidf(), train, folds=2, progress=lambda *step: done.append(step))
    assert done == [("overview-tfidf, out of fold", 1, 2), ("overview-tfidf, out of fold", 2, 2)]
    assert LateFusion(method="stack", C=0.1).fit([found], train).film_ids_.tolist() == films.ids.tolist()
    with pytest.raises(
        InputError, match="needs films no member trained on, kept for fitting, got role='train'"
    ):
        LateFusion().fit([OverviewTfidf().fit(train).predict(train)], train)


def test_out_of_fold_probabilities_are_those_of_a_copy_trained_on_the_other_folds(films):
    train = films.with_role("train")
    found = out_of_fold_member(OverviewTfidf(), train, folds=2)
    again = out_of_fold_member(OverviewTfidf(), train, folds=2)
    assert (found.values == again.values).all()
    whole = OverviewTfidf().fit(train).predict(films.with_role("train"))
    assert not np.isclose(found.values, whole.values).all(axis=1).any()


def test_near_duplicates_go_to_one_fold(films):
    rows = np.r_[0, 0:20]
    ids = [f"tt{film}" for film in range(21)]
    twins = type(films)(ids, films.overviews[rows], [""] * 21, films.labels[rows], films.genres, "train")
    folds = []

    class Noting(Remembering):
        def predict(self, films, *, posters=None):
            folds.append(set(films.ids))
            return super().predict(films)

    out_of_fold_member(Noting(), twins, folds=5)
    assert sum(len(fold) for fold in folds) == 21 and any({"tt0", "tt1"} <= fold for fold in folds)


def test_what_cannot_be_cross_fitted_is_refused_in_one_sentence(films):
    with pytest.raises(InputError, match="2 folds or more and as many films, got 1 of 60"):
        out_of_fold_member(OverviewTfidf(), films, folds=1)
    unknown = type(films)(films.ids, films.overviews, films.posters)
    with pytest.raises(InputError, match="Cross-fitting needs films whose genres are known"):
        out_of_fold_member(OverviewTfidf(), unknown)

    class Leaking(Remembering):
        def fit(self, train, validation=None, **options):
            super().fit(train)
            self.learned_ids_ = {"train": tuple(films.ids)}
            return self

    with pytest.raises(InputError, match="remembering, trained without a fold, learned from"):
        out_of_fold_member(Leaking(), films.with_role("train"))


def test_what_a_stack_holds_out_comes_in_the_order_of_the_films_with_those_that_nobody_reads(films):
    present = np.arange(len(films)) % 4 > 0
    members = [noisy(films, "a", 0, present), noisy(films, "b", 1, present)]
    fusion = LateFusion().fit(members, films)
    found = held_out(fusion, members, films)
    np.testing.assert_array_equal(found.present, present)
    np.testing.assert_array_equal(found.values[present], fusion.held_out_.values)


def test_a_fusion_that_holds_nothing_out_is_cross_fitted(films):
    members = [noisy(films, "a", 0), noisy(films, "b", 1)]
    fusion = LateFusion(method="greedy").fit(members, films)
    expected = out_of_fold(fusion, members, films, seed=3)
    np.testing.assert_array_equal(held_out(fusion, members, films, seed=3).values, expected.values)
