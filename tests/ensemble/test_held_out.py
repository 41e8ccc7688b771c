import numpy as np
import pytest

from multigenre import Films
from multigenre._files import claim
from multigenre.data import GenreProbabilities, Genres
from multigenre.ensemble import fit_members, fusion_films, held_out_probabilities
from multigenre.ensemble._held_out import refit_members

GENRES = Genres(["Comedy", "Drama"])


class Fake:
    """A member that says 0.9 of films that it learned from, and 0.1 of others."""

    modality, history_ = "overview", None

    def __init__(self, name, folds):
        self.name, self.folds = name, folds

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
        self.genres_ = train.genres
        self.learned_ids_ = {
            "train": tuple(train.ids),
            "validation": () if validation is None else tuple(validation.ids),
        }
        return self

    def predict(self, films, *, posters=None):
        seen = np.isin(films.ids.astype(str), np.array([*self.learned_ids_["train"]], str))
        values = np.tile(np.where(seen, 0.9, 0.1)[:, None], 2)
        return GenreProbabilities(films.ids, GENRES, values, self.name, films.role)

    def settled(self):
        return Fake(self.name, self.folds)

    def save(self, folder):
        (folder / "nothing").touch()


@pytest.fixture
def films():
    labels = np.tile([[1, 0], [0, 1], [1, 1], [0, 0]], (15, 1))
    ids = [f"tt{film}" for film in range(60)]
    return Films(ids, [f"plot {film}" for film in range(60)], [""] * 60, labels, GENRES)


@pytest.fixture
def roles(films):
    return films.split({"train": 0.5, "validation": 0.2, "calibration": 0.1, "test": 0.2})


def fit(members, films, roles, folder):
    claim(folder, {})
    return fit_members(members, films, roles, folder)


def test_a_quick_member_trains_on_all_films_but_the_test_films_and_a_slow_one_on_its_roles(
    films, roles, tmp_path
):
    members, apart = fit([Fake("quick", 5), Fake("slow", 0)], films, roles, tmp_path)
    others = set(films.ids) - set(roles["test"].ids)
    assert set(members["quick"].learned_ids_["train"]) == others == set(apart["quick"].ids)
    assert set(members["slow"].learned_ids_["train"]) == set(roles["train"].ids)
    assert set(members["slow"].learned_ids_["validation"]) == set(roles["validation"].ids)
    assert list(apart) == ["quick"]


def test_nothing_that_is_said_about_held_out_films_comes_from_a_copy_that_saw_them(films, roles, tmp_path):
    members, apart = fit([Fake("quick", 5), Fake("slow", 0)], films, roles, tmp_path)
    for role in ("validation", "calibration", "test"):
        found = held_out_probabilities(members, apart, roles[role])
        assert [one.name for one in found] == ["quick", "slow"]
        for one in found:
            assert one.role == role and one.ids.tolist() == roles[role].ids.tolist()
            assert (one.values == np.float32(0.1)).all() or (one.values == 0.1).all()


def test_the_fusion_learns_from_training_films_where_members_did_not_see_them(films, roles, tmp_path):
    members, apart = fit([Fake("quick", 5), Fake("slow", 0)], films, roles, tmp_path)
    calibration = held_out_probabilities(members, apart, roles["calibration"])
    used, (quick, slow) = fusion_films(apart, roles, calibration)
    n_train = len(roles["train"])
    assert used.ids.tolist() == [*roles["train"].ids, *roles["calibration"].ids]
    assert used.role == "calibration" and quick.ids.tolist() == slow.ids.tolist() == used.ids.tolist()
    assert (quick.values == 0.1).all() and quick.present.all()
    assert not slow.present[:n_train].any() and slow.present[n_train:].all()
    for one in (quick, slow):
        assert one.role in ("calibration", "out-of-fold")


def test_quick_members_alone_need_no_calibration_films(films, tmp_path):
    roles = films.split({"train": 0.8, "test": 0.2})
    _, apart = fit([Fake("quick", 5)], films, roles, tmp_path)
    used, (quick,) = fusion_films(apart, roles, [])
    assert used.ids.tolist() == roles["train"].ids.tolist() == quick.ids.tolist()


def test_slow_members_alone_are_fused_on_the_calibration_films(films, roles, tmp_path):
    members, apart = fit([Fake("slow", 0)], films, roles, tmp_path)
    calibration = held_out_probabilities(members, apart, roles["calibration"])
    used, found = fusion_films(apart, roles, calibration)
    assert used is roles["calibration"] and found is calibration


def test_out_of_fold_probabilities_are_not_computed_again_after_a_kill(films, roles, tmp_path, monkeypatch):
    _, before = fit([Fake("quick", 5)], films, roles, tmp_path)
    monkeypatch.setattr(Fake, "predict", None)
    monkeypatch.setattr(Fake, "load", lambda member, folder: member, raising=False)
    _, after = fit([Fake("quick", 5)], films, roles, tmp_path)
    np.testing.assert_array_equal(before["quick"].values, after["quick"].values)


def test_slow_members_can_be_trained_again_on_all_but_the_test_films(films, roles, tmp_path):
    members, _ = fit([Fake("quick", 5), Fake("slow", 0)], films, roles, tmp_path)
    again = refit_members(members, films, roles, tmp_path)
    assert list(again) == ["quick", "slow"] and again["quick"] is members["quick"]
    assert set(again["slow"].learned_ids_["train"]) == set(films.ids) - set(roles["test"].ids)
    assert set(members["slow"].learned_ids_["train"]) == set(roles["train"].ids)
