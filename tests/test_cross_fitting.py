import numpy as np
import pytest

from multigenre import GenreProbabilities, LateFusion, make_films
from multigenre.cross_fitting import out_of_fold


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
    found = out_of_fold(LateFusion(), members, films, folds=len(films))
    assert found.role == "out-of-fold" and list(found.ids) == list(films.ids)
    rest = np.arange(len(films)) != 7
    alone = LateFusion().fit([member.take(rest) for member in members], films.take(rest))
    np.testing.assert_allclose(found.values[7], alone.predict([m.take(~rest) for m in members]).values[0])


def test_the_films_label_does_not_reach_its_own_prediction(films):
    members = [noisy(films, "a", 0), noisy(films, "b", 1)]
    flipped = films.labels.copy()
    flipped[7] = 1 - flipped[7]
    other = type(films)(films.ids, films.overviews, films.posters, flipped, films.genres, "calibration")
    before, after = (out_of_fold(LateFusion(), members, each) for each in (films, other))
    np.testing.assert_array_equal(before.values[7], after.values[7])
    assert not np.array_equal(before.values, after.values)


def test_a_film_without_any_modality_stays_absent(films):
    present = np.arange(len(films)) != 3
    found = out_of_fold(LateFusion(), [noisy(films, "a", 0, present)], films)
    assert not found.present[3] and found.present.sum() == len(films) - 1


def test_a_single_film_cannot_be_cross_fitted(films):
    with pytest.raises(ValueError, match="needs at least 2 calibration films, got 1"):
        out_of_fold(LateFusion(), [noisy(films.take([0]), "a", 0)], films.take([0]))
