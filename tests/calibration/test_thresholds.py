import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.metrics import f1_score, fbeta_score, precision_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from multigenre._checks import InputError
from multigenre.calibration import ThresholdCalibrator, f1_threshold, f1_thresholds
from multigenre.calibration._rule import expected_labels, redrawing
from multigenre.data import Films, GenreProbabilities, Genres, logits

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


def cuts_to_try(probability):
    """Every cut that names other films than the next, and one that names none."""
    return [*np.unique(probability), np.nextafter(probability.max(), 2)]


def weighted_genre():
    """A genre's probabilities, with ties, its labels, with at least one film, and weights."""
    return st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            hnp.arrays(float, n, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])),
            hnp.arrays(np.uint8, n, elements=st.integers(0, 1)).filter(np.any),
            hnp.arrays(float, n, elements=st.sampled_from([0.5, 1.0, 2.0, 3.25])),
        )
    )


def several_genres(n_genres=3, most=6):
    return st.integers(2, most).flatmap(
        lambda n: st.tuples(
            hnp.arrays(float, (n, n_genres), elements=st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])),
            hnp.arrays(np.uint8, (n, n_genres), elements=st.integers(0, 1)).filter(
                lambda labels: labels.any(axis=0).all()
            ),
        )
    )


def chosen(values, labels, weights=None, **settings):
    """The cuts that a calibrator chooses from arrays."""
    return ThresholdCalibrator(**settings).fit(values, labels, sample_weight=weights).thresholds_.to_numpy()


def best_of_one(column, settings, score):
    """Assert that no cut of a genre scores higher than the chosen one, by an oracle."""
    probability, label, weights = column
    [cut] = chosen(probability[:, None], label[:, None], weights, **settings)
    found = {c: score(label, probability >= c, weights) for c in cuts_to_try(probability)}
    assert found[cut] == pytest.approx(max(found.values()), rel=1e-12)


@settings(max_examples=20)
@given(weighted_genre(), st.sampled_from([0.5, 1.0, 2.0]))
def test_no_cut_has_a_higher_f_beta(column, beta):
    def score(label, named, weights):
        return fbeta_score(label, named, beta=beta, sample_weight=weights, zero_division=0)

    best_of_one(column, {"strategy": "f-beta", "level": beta}, score)


@settings(max_examples=20)
@given(weighted_genre(), st.sampled_from([0.2, 1.0, 3.0]))
def test_no_cut_costs_less(column, level):
    def saved(label, named, weights):
        return 1000 - weights @ (named & (label == 0)) - level * (weights @ (~named & (label == 1)))

    best_of_one(column, {"strategy": "cost", "level": level}, saved)


@settings(max_examples=20)
@given(weighted_genre(), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_precision_reaches_its_level_with_the_highest_recall_or_else_is_the_highest_there_is(column, level):
    def score(label, named, weights):
        precision = precision_score(label, named, sample_weight=weights, zero_division=0)
        recall = recall_score(label, named, sample_weight=weights)
        return 1 + recall if precision >= level - 1e-12 and named.any() else precision

    best_of_one(column, {"strategy": "precision", "level": level}, score)


@settings(max_examples=20)
@given(weighted_genre(), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_recall_reaches_its_level_with_the_highest_precision(column, level):
    def score(label, named, weights):
        enough = recall_score(label, named, sample_weight=weights) >= level - 1e-12
        return precision_score(label, named, sample_weight=weights, zero_division=0) if enough else -1

    best_of_one(column, {"strategy": "recall", "level": level}, score)


def micro(values, labels, cuts):
    return f1_score(labels, values >= cuts, average="micro", zero_division=0)


def combinations(values):
    return list(product(*(cuts_to_try(column) for column in values.T)))


@settings(max_examples=15)
@given(several_genres(n_genres=2))
def test_no_combination_of_cuts_has_a_higher_micro_f1(films):
    values, labels = films
    found = micro(values, labels, chosen(values, labels, strategy="joint-micro"))
    assert found == pytest.approx(max(micro(values, labels, cuts) for cuts in combinations(values)))


def test_joint_cuts_by_hand_leave_a_hard_genre_unnamed():
    # The first genre alone reaches 1; to find the second's only film, three wrong ones have to be named.
    values = np.array([[0.9, 0.8], [0.8, 0.7], [0.1, 0.6], [0.1, 0.1]])
    labels = np.array([[1, 0], [1, 0], [0, 0], [0, 1]])
    calibrator = ThresholdCalibrator(strategy="joint-micro").fit(values, labels)
    assert calibrator.thresholds_["0"] == 0.8 and calibrator.thresholds_["1"] == np.nextafter(0.8, 1)
    assert calibrator.sources_.to_dict() == {"0": "own", "1": "withheld"}
    assert chosen(values, labels).tolist() == [0.8, 0.1]


@settings(max_examples=10)
@given(several_genres(), st.sampled_from([0.5, 3.0, 20.0]))
def test_no_cut_has_a_higher_smoothed_f1(films, level):
    values, labels = films
    prior = micro(values, labels, chosen(values, labels, strategy="joint-micro"))

    def smoothed(genre, cut):
        named, label = values[:, genre] >= cut, labels[:, genre]
        return (2 * (named & label).sum() + level * prior) / (named.sum() + label.sum() + level)

    for genre, cut in enumerate(chosen(values, labels, strategy="smoothed-f1", level=level)):
        found = [smoothed(genre, other) for other in cuts_to_try(values[:, genre])]
        assert smoothed(genre, cut) == pytest.approx(max(found))


@settings(max_examples=15)
@given(several_genres(most=12))
def test_smoothed_f1_goes_from_f1_of_each_genre_to_joint_micro_f1(films):
    values, labels = films
    f1 = f1_score(labels, values >= chosen(values, labels, strategy="smoothed-f1", level=1e-9), average=None)
    assert f1 == pytest.approx(f1_score(labels, values >= chosen(values, labels), average=None))
    far = micro(values, labels, chosen(values, labels, strategy="smoothed-f1", level=1e7))
    assert far == pytest.approx(micro(values, labels, chosen(values, labels, strategy="joint-micro")))


@settings(max_examples=10)
@given(several_genres(), st.sampled_from([0.2, 0.5, 0.7, 1.0]))
def test_no_genre_alone_can_better_micro_plus_macro_f1(films, level):
    values, labels = films
    cuts = chosen(values, labels, strategy="micro-macro", level=level)

    def objective(cuts):
        macro = f1_score(labels, values >= cuts, average="macro", zero_division=0)
        return level * macro + (1 - level) * micro(values, labels, cuts)

    for genre in range(values.shape[1]):
        for cut in cuts_to_try(values[:, genre]):
            other = cuts.copy()
            other[genre] = cut
            assert objective(other) <= objective(cuts) + 1e-9


def test_scut_fbr_withholds_genres_whose_f1_on_films_left_out_is_below_the_level():
    probabilities, films = made()
    values, labels = probabilities.values[:, [0, 1, 3]], films.labels[:, [0, 1, 3]]
    fold = np.random.default_rng(0).permutation(len(values)) % 5
    named = np.zeros_like(labels)
    for part in range(5):
        named[fold == part] = values[fold == part] >= f1_thresholds(
            values[fold != part], labels[fold != part]
        )
    f1 = f1_score(labels, named, average=None, zero_division=0)
    level = np.sort(f1)[1]
    expected = np.where(f1 < level, np.nextafter(values.max(axis=0), 2), f1_thresholds(values, labels))
    assert (f1 < level).sum() == 1
    assert (chosen(values, labels, strategy="scut-fbr", level=level) == expected).all()


@settings(max_examples=20)
@given(several_genres(most=8), st.data())
def test_a_weight_counts_a_film_that_often(films, data):
    values, labels = films
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values))))
    repeated = np.repeat(np.arange(len(values)), times)
    if not labels[repeated].any(axis=0).all():
        times = np.maximum(times, 1)
        repeated = np.repeat(np.arange(len(values)), times)
    for strategy, level in [
        ("f1", None), ("f-beta", 2), ("precision", 0.6), ("recall", 0.6), ("cost", 2), ("joint-micro", None),
        ("micro-macro", None), ("smoothed-f1", None), ("shared", None),
    ]:  # fmt: skip
        both = {"strategy": strategy, "level": level}
        expected = chosen(values[repeated], labels[repeated], **both)
        assert chosen(values, labels, times, **both).tolist() == expected.tolist(), strategy


def test_expected_counts_cut_calibrated_probabilities_at_half_the_f1_and_hang_less_on_single_films():
    rng = np.random.default_rng(0)
    values = rng.beta(1, 3, (20_000, 2))
    labels = (rng.random(values.shape) < values).astype(np.uint8)
    gains = expected_labels(values, labels)
    assert np.abs(gains - values).max() < 0.05
    cuts = chosen(values, labels, counts="expected")
    named = values >= cuts
    f1 = 2 * (gains * named).sum(axis=0) / (named.sum(axis=0) + gains.sum(axis=0))
    assert np.take_along_axis(gains, np.abs(values - cuts).argmin(axis=0)[None], axis=0)[0] == pytest.approx(
        f1 / 2, abs=1e-3
    )
    parts = [slice(start, start + 200) for start in range(0, 8000, 200)]
    spread = {
        counts: np.std([chosen(values[part], labels[part], counts=counts) for part in parts], axis=0)
        for counts in ("observed", "expected")
    }
    assert (spread["expected"] < 0.6 * spread["observed"]).all()


def test_expected_counts_move_to_a_resample_nearly_as_its_own_map_does():
    rng = np.random.default_rng(0)
    values = rng.beta(1, 3, (2000, 3))
    labels = (rng.random(values.shape) < values**1.5).astype(np.uint8)
    draws = rng.multinomial(2000, np.full(2000, 1 / 2000), size=6).T
    everything = expected_labels(values, labels)
    redrawn = redrawing(values, labels, everything)
    steps = redrawn(draws)
    missed = moved = 0
    for resample in range(6):
        rows = np.repeat(np.arange(2000), draws[:, resample])
        own = expected_labels(values[rows], labels[rows])
        missed += np.abs(steps[rows, :, resample] - own).mean()
        moved += np.abs(everything[rows] - own).mean()
    assert missed < 0.3 * moved
    same = redrawn(np.ones((2000, 1)))
    assert np.allclose(same[..., 0], everything, atol=1e-9)


@pytest.mark.parametrize("strategy", ["f1", "shared", "half"])
def test_strategies_cut_where_they_say(strategy):
    probabilities, films = made()
    calibrator = ThresholdCalibrator(strategy=strategy).fit(probabilities, films)
    shared = f1_threshold(probabilities.values.ravel(), films.labels.ravel())
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
    assert calibrator.thresholds_["War"] == f1_threshold(probabilities.values.ravel(), films.labels.ravel())


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


def test_a_film_above_no_cut_gets_the_genre_that_is_least_below_in_log_odds():
    genres = Genres(["Comedy", "Drama"])
    values = [[0.6, 0.04], [0.45, 0.04], [0.1, 0.045], [np.nan, np.nan]]
    probabilities = GenreProbabilities(["tt1", "tt2", "tt3", "tt4"], genres, values, "fused", "calibration")
    facts = ThresholdCalibrator(at_least_one=True).get_params() | {
        "thresholds": {"Comedy": 0.5, "Drama": 0.05},
        "fallback_genres": [],
        "sources": {"Comedy": "own", "Drama": "own"},
        "shift": 0.0,
        "film_ids": [],
    }
    calibrator = ThresholdCalibrator.from_dict(facts)
    assert calibrator.predict(probabilities).to_numpy().tolist() == [[1, 0], [1, 0], [0, 1], [0, 0]]
    # The cuts of a film say the same: what it is named for is lowered to its probability.
    assert calibrator.cuts(probabilities).to_numpy().tolist() == [
        [0.5, 0.05],
        [0.45, 0.05],
        [0.5, 0.045],
        [0.5, 0.05],
    ]
    calibrator.thresholds_["Comedy"] = 1.1
    assert calibrator.predict(probabilities).to_numpy().tolist() == [[0, 1], [0, 1], [0, 1], [0, 0]]
    calibrator.thresholds_["Drama"] = 1.1
    assert not calibrator.predict(probabilities).any(axis=None)


def test_at_least_one_changes_nothing_for_films_that_have_a_genre():
    probabilities, films = made()
    calibrator = ThresholdCalibrator().fit(probabilities, films)
    plain = calibrator.predict(probabilities).to_numpy()
    named = calibrator.set_params(at_least_one=True).predict(probabilities).to_numpy()
    without = ~plain.any(axis=1)
    assert without.any() and (named[~without] == plain[~without]).all() and (named.sum(axis=1) >= 1).all()
    assert (named[without].sum(axis=1) == 1).all()


@pytest.mark.parametrize("strategy", ["f1", "shared", "half", "joint-micro"])
def test_matched_cardinality_moves_all_log_odds_together_until_films_get_as_many_genres_as_they_carry(
    strategy,
):
    rng = np.random.default_rng(0)
    values = rng.random((300, 4))
    labels = (rng.random(values.shape) < values * [0.5, 0.8, 0.2, 0.1]).astype(np.uint8)
    before = ThresholdCalibrator(strategy=strategy).fit(values, labels)
    after = ThresholdCalibrator(strategy=strategy, match_cardinality=True).fit(values, labels)
    assert before.predict(values).to_numpy().sum() != labels.sum() == after.predict(values).to_numpy().sum()
    moved = logits(after.thresholds_.to_numpy(), 1e-12) - logits(before.thresholds_.to_numpy(), 1e-12)
    assert moved == pytest.approx(np.full(4, after.shift_)) and before.shift_ == 0


def test_matched_cardinality_is_as_near_as_ties_and_weights_allow():
    values, labels = np.array([[0.5], [0.5], [0.2]]), np.array([[1], [0], [1]])
    calibrator = ThresholdCalibrator(match_cardinality=True).fit(values, labels)
    assert calibrator.predict(values).to_numpy().sum() == 2
    heavy = calibrator.fit(values, labels, sample_weight=[1, 1, 5])
    assert heavy.predict(values).to_numpy().sum() == 3


def test_sources_say_where_each_cut_comes_from():
    probabilities, films = made()
    calibrator = ThresholdCalibrator(strategy="precision", level=0.95).fit(probabilities, films)
    named = calibrator.predict(probabilities).to_numpy()
    precision = precision_score(films.labels, named, average=None, zero_division=0)
    for genre, source, found in zip(GENRES, calibrator.sources_, precision, strict=True):
        assert source == ("shared" if genre == "News" else "own" if found >= 0.95 else "unreached")
    assert "unreached" in set(calibrator.sources_)
    half = ThresholdCalibrator(strategy="half").fit(probabilities, films)
    assert set(half.sources_) == {"fixed"} and half.fallback_genres_ == []


def test_the_shared_cut_has_the_measure_of_the_strategy():
    probabilities, films = made()
    calibrator = ThresholdCalibrator(strategy="f-beta", level=2, min_positives=10_000)
    calibrator.fit(probabilities, films)
    found = {
        cut: fbeta_score(films.labels, probabilities.values >= cut, beta=2, average="micro", zero_division=0)
        for cut in np.unique(probabilities.values)
    }
    assert calibrator.fallback_genres_ == list(GENRES)
    assert found[calibrator.thresholds_.iloc[0]] == pytest.approx(max(found.values()))


def test_arrays_and_frames_do_as_well_as_named_records():
    probabilities, films = made()
    expected = ThresholdCalibrator().fit(probabilities, films)
    frame, labels = probabilities.to_frame(), pd.DataFrame(films.labels, films.ids, list(GENRES))
    for values, truth in [(frame, labels), (probabilities, labels), (probabilities.values, labels)]:
        calibrator = ThresholdCalibrator().fit(values, truth)
        assert calibrator.thresholds_.equals(expected.thresholds_) and calibrator.genres_ == GENRES
    assert calibrator.predict(frame).equals(expected.predict(probabilities))
    bare = ThresholdCalibrator().fit(probabilities.values, films.labels)
    assert bare.thresholds_.index.tolist() == ["0", "1", "2", "3"]
    assert (bare.predict(probabilities.values).to_numpy() == expected.predict(probabilities).to_numpy()).all()
    with pytest.raises(InputError, match="same genres in the same order, but their order differs"):
        ThresholdCalibrator().fit(frame, labels[list(GENRES)[::-1]])
    with pytest.raises(InputError, match="same films, but one of them lacks tt199"):
        ThresholdCalibrator().fit(frame, labels[:-1])


def test_it_keeps_scikit_learn_s_conventions():
    probabilities, films = made()
    settings = {"strategy": "f-beta", "level": 2, "counts": "expected", "min_positives": 3}
    calibrator = clone(ThresholdCalibrator(**settings))
    assert calibrator.get_params() == settings | {"at_least_one": False, "match_cardinality": False}
    assert calibrator.fit(probabilities, films) is calibrator
    pipeline = make_pipeline(FunctionTransformer(), ThresholdCalibrator())
    named = pipeline.fit(probabilities.values, films.labels).predict(probabilities.values)
    assert f1_score(films.labels, named, average="micro") > 0.5


def test_films_of_weight_zero_teach_nothing():
    probabilities, films = made()
    rest = np.arange(50, 200)
    calibrator = ThresholdCalibrator().fit(probabilities, films, sample_weight=np.arange(200) >= 50)
    expected = ThresholdCalibrator().fit(probabilities.take(rest), films.take(rest))
    assert calibrator.thresholds_.equals(expected.thresholds_) and calibrator.n_films_ == 150


def test_it_changes_no_probability():
    probabilities, films = made()
    before = probabilities.values.copy()
    ThresholdCalibrator().fit(probabilities, films).predict(probabilities)
    assert (probabilities.values == before).all()


def test_saved_thresholds_are_the_same_after_json():
    probabilities, films = made()
    settings = {"strategy": "precision", "level": 0.9, "min_positives": 3, "match_cardinality": True}
    calibrator = ThresholdCalibrator(**settings).fit(probabilities, films)
    again = ThresholdCalibrator.from_dict(json.loads(json.dumps(calibrator.to_dict())))
    assert again.thresholds_.equals(calibrator.thresholds_) and again.genres_ == calibrator.genres_
    assert again.sources_.equals(calibrator.sources_) and again.shift_ == calibrator.shift_
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
    for wrong, sentence in [
        ({"strategy": "best"}, "A threshold strategy is one of f1, f-beta, .* or half, got 'best'"),
        ({"level": 2}, "Strategy 'f1' takes no level, got 2; leave it out"),
        ({"strategy": "cost"}, "Strategy 'cost' needs a level above 0, got None"),
        ({"strategy": "recall", "level": 1.2}, "'recall' needs a level above 0 and at most 1, got 1.2"),
        ({"counts": "guessed"}, "counted as observed or expected, got counts='guessed'"),
        ({"strategy": "scut-fbr", "counts": "expected"}, "films left out carry; pass counts='observed'"),
    ]:
        with pytest.raises(InputError, match=sentence):
            ThresholdCalibrator(**wrong).fit(probabilities, films)
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
    with pytest.raises(InputError, match=r"sample_weight must have shape \(200,\), got \(2,\)"):
        ThresholdCalibrator().fit(probabilities, films, sample_weight=[1, 2])
    with pytest.raises(InputError, match="needs finite weights of 0 or more, got -1"):
        ThresholdCalibrator().fit(probabilities, films, sample_weight=np.full(200, -1))
    calibrator = ThresholdCalibrator().fit(probabilities, films)
    with pytest.raises(InputError, match="same genres in the same order, but their order differs"):
        calibrator.predict(GenreProbabilities(["tt1"], list(GENRES)[::-1], [[0.1] * 4], "poster"))
    with pytest.raises(InputError, match="needs 'thresholds', which is not there"):
        ThresholdCalibrator.from_dict(ThresholdCalibrator().get_params())
    with pytest.raises(ValueError, match="not fitted yet"):
        ThresholdCalibrator().predict(probabilities)
