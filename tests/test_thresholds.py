import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score, precision_recall_curve

from multigenre._checks import InputError
from multigenre.films import Films
from multigenre.genres import Genres
from multigenre.probabilities import GenreProbabilities
from multigenre.thresholds import ThresholdCalibrator, f1_threshold, f1_thresholds, shared_f1_threshold

GENRES = Genres(["Comedy", "Drama", "News", "War"])


def made(n_films=200, role="calibration", seed=0, genres=GENRES):
    """Films and a member's probabilities of them; no film carries News."""
    rng = np.random.default_rng(seed)
    values = rng.random((n_films, len(genres))).round(2)
    labels = (rng.random(values.shape) < values * [0.8, 1, 0, 0.1]).astype(np.uint8)
    ids, blank = [f"tt{film}" for film in range(n_films)], [""] * n_films
    return GenreProbabilities(ids, genres, values, "poster", role), Films(
        ids, blank, blank, labels, genres, role
    )


def genre_columns():
    """A genre's probabilities, with ties, and labels, with at least one film that carries it."""
    return st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            hnp.arrays(float, n, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])),
            hnp.arrays(np.uint8, n, elements=st.integers(0, 1)).filter(np.any),
        )
    )


@given(genre_columns())
def test_no_cut_has_a_higher_f1_and_the_highest_of_the_best_is_taken(column):
    probability, label = column
    precision, recall, cuts = precision_recall_curve(label, probability)
    with np.errstate(invalid="ignore"):
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))[:-1]
    assert f1_threshold(probability, label) == cuts[np.isclose(f1, f1.max(), rtol=1e-12)].max()


@given(genre_columns())
def test_the_order_of_films_does_not_matter(column):
    probability, label = column
    order = np.random.default_rng(0).permutation(len(label))
    assert f1_threshold(probability, label) == f1_threshold(probability[order], label[order])


def test_a_cut_by_hand():
    # Cuts 0.9 and 0.3 find 1 and 2 of 2 films with 1 and 4 predicted, F1 2/3 each: the higher wins.
    assert f1_threshold([0.9, 0.8, 0.4, 0.3], [1, 0, 0, 1]) == 0.9


def test_thresholds_are_one_genre_s_each_and_the_shared_one_maximises_micro_f1():
    probabilities, films = made()
    values, labels = probabilities.values[:, [0, 1, 3]], films.labels[:, [0, 1, 3]]
    assert f1_thresholds(values, labels).tolist() == [
        f1_threshold(values[:, g], labels[:, g]) for g in range(3)
    ]
    micro = {
        cut: f1_score(labels, values >= cut, average="micro", zero_division=0) for cut in np.unique(values)
    }
    assert micro[shared_f1_threshold(values, labels)] == max(micro.values())


def test_float32_probabilities_are_cut_where_they_are():
    probability = np.array([0.1, 0.7, 0.3], np.float32)
    cut = f1_threshold(probability, [0, 1, 0])
    assert (probability >= cut).tolist() == [False, True, False]


@pytest.mark.parametrize("strategy", ["f1", "shared", "half"])
def test_strategies_cut_where_they_say(strategy):
    probabilities, films = made()
    calibrator = ThresholdCalibrator(strategy=strategy).fit(probabilities, films)
    shared = shared_f1_threshold(probabilities.values, films.labels)
    expected = {"half": [0.5] * 4, "shared": [shared] * 4}.get(strategy)
    if strategy == "f1":
        cuts = f1_thresholds(probabilities.values[:, [0, 1, 3]], films.labels[:, [0, 1, 3]])
        expected = [cuts[0], cuts[1], shared, cuts[2]]
    assert calibrator.thresholds_.to_dict() == dict(zip(GENRES, expected, strict=True))
    assert calibrator.fallback_genres_ == (["News"] if strategy == "f1" else [])
    predicted = calibrator.predict(probabilities)
    assert (predicted.to_numpy() == (probabilities.values >= expected)).all()
    assert predicted.index.tolist() == films.ids.tolist() and predicted.columns.tolist() == list(GENRES)


def test_genres_with_too_few_positives_get_the_shared_cut_by_name():
    probabilities, films = made()
    few = int(films.labels[:, 3].sum())
    calibrator = ThresholdCalibrator(min_positives=few + 1).fit(probabilities, films)
    assert calibrator.fallback_genres_ == ["News", "War"]
    assert calibrator.thresholds_["War"] == shared_f1_threshold(probabilities.values, films.labels)


@settings(max_examples=30)
@given(st.floats(0, 1), st.floats(0, 1))
def test_raising_a_threshold_never_adds_a_film(low, high):
    probabilities, films = made(50)
    calibrator = ThresholdCalibrator().fit(probabilities, films)
    low, high = sorted((low, high))
    calibrator.thresholds_[:] = low
    more = calibrator.predict(probabilities)
    calibrator.thresholds_[:] = high
    assert (calibrator.predict(probabilities) <= more).all(axis=None)


def test_a_threshold_above_one_names_no_film():
    probabilities, films = made()
    calibrator = ThresholdCalibrator().fit(probabilities, films)
    calibrator.thresholds_["Drama"] = 1.1
    assert not calibrator.predict(probabilities)["Drama"].any()


def test_films_that_are_not_present_teach_nothing_and_get_no_genre():
    probabilities, films = made()
    values = probabilities.values.copy()
    values[:50] = np.nan
    part = GenreProbabilities(films.ids, GENRES, values, "poster", "calibration")
    calibrator = ThresholdCalibrator().fit(part, films)
    rest = np.arange(50, 200)
    expected = ThresholdCalibrator().fit(probabilities.take(rest), films.take(rest))
    assert calibrator.thresholds_.equals(expected.thresholds_)
    assert calibrator.n_films_ == 150 and calibrator.film_ids_.tolist() == films.ids[50:].tolist()
    assert not calibrator.predict(part)[:50].any(axis=None)


def test_it_changes_no_probability():
    probabilities, films = made()
    before = probabilities.values.copy()
    ThresholdCalibrator().fit(probabilities, films).predict(probabilities)
    assert (probabilities.values == before).all()


def test_saved_thresholds_are_the_same_after_json():
    probabilities, films = made()
    calibrator = ThresholdCalibrator(min_positives=3).fit(probabilities, films)
    again = ThresholdCalibrator.from_dict(json.loads(json.dumps(calibrator.to_dict())))
    assert again.thresholds_.equals(calibrator.thresholds_) and again.genres_ == calibrator.genres_
    assert again.to_dict() == calibrator.to_dict() and again.n_films_ == calibrator.n_films_


@pytest.mark.parametrize("role", ["train", "validation", "test", None])
def test_films_that_members_saw_or_reports_use_cannot_choose_thresholds(role):
    with pytest.raises(
        InputError, match=f"needs films no member trained on, kept for fitting, got role={role!r} from poster"
    ):
        ThresholdCalibrator().fit(*made(role=role))


def test_out_of_fold_probabilities_of_training_films_may_choose_thresholds():
    probabilities, films = made(role="out-of-fold")
    assert ThresholdCalibrator().fit(probabilities, films.with_role("train")).n_films_ == 200


def test_bad_input_is_refused_in_one_sentence():
    probabilities, films = made()
    with pytest.raises(InputError, match="strategy is f1, shared or half, got 'best'"):
        ThresholdCalibrator(strategy="best").fit(probabilities, films)
    with pytest.raises(
        InputError, match="must come from one split role, got role='calibration' and role='test'"
    ):
        ThresholdCalibrator().fit(probabilities, films.with_role("test"))
    with pytest.raises(InputError, match="same films, but one of them lacks tt0"):
        ThresholdCalibrator().fit(probabilities.take(slice(1, None)), films)
    unknown = Films(films.ids, films.overviews, films.posters, role="calibration")
    with pytest.raises(InputError, match="needs films whose genres are known"):
        ThresholdCalibrator().fit(probabilities, unknown)
    with pytest.raises(InputError, match="found no genre on the 1 films that poster covers"):
        empty = np.flatnonzero(~films.labels.any(axis=1))[:1]
        ThresholdCalibrator().fit(probabilities.take(empty), films.take(empty))
    with pytest.raises(InputError, match="No film carries the genre"):
        f1_threshold([0.5], [0])
    with pytest.raises(InputError, match="needs finite probabilities"):
        f1_threshold([np.nan, 0.2], [0, 1])
    with pytest.raises(InputError, match=r"Labels must have shape \(2, 1\), got \(2, 2\)"):
        f1_thresholds([[0.5], [0.2]], [[1, 0], [0, 1]])
    calibrator = ThresholdCalibrator().fit(probabilities, films)
    with pytest.raises(InputError, match="same genres in the same order, but their order differs"):
        calibrator.predict(GenreProbabilities(["tt1"], list(GENRES)[::-1], [[0.1] * 4], "poster"))
    with pytest.raises(InputError, match="needs 'thresholds', which is not there"):
        ThresholdCalibrator.from_dict({"strategy": "f1", "min_positives": 1})
    with pytest.raises(ValueError, match="not fitted yet"):
        ThresholdCalibrator().predict(probabilities)
