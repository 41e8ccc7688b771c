import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold

from multigenre._checks import InputError
from multigenre.calibration import ThresholdCalibrator, threshold_optimism, threshold_table
from multigenre.calibration._f1_cuts import f_star_half
from multigenre.data import GenreProbabilities, Genres

GENRES = Genres(["Comedy", "Drama", "War"])


def made(n_films=300, seed=0):
    """Probabilities of films and their labels; few films carry War."""
    rng = np.random.default_rng(seed)
    values = rng.random((n_films, 3)).round(2)
    labels = (rng.random(values.shape) < values * [0.8, 1, 0.02]).astype(np.uint8)
    labels[:2, 2] = 1
    ids = [f"tt{film}" for film in range(n_films)]
    return GenreProbabilities(ids, GENRES, values, "poster", "calibration"), labels


@pytest.mark.parametrize(
    ("strategy", "level"),
    [("f1", None), ("precision", 0.7), ("recall", 0.7), ("cost", 2), ("joint-micro", None),
     ("smoothed-f1", 5), ("micro-macro", 0.7), ("shared", None)],
)  # fmt: skip
def test_intervals_are_those_of_calibrators_fitted_on_each_resample(strategy, level):
    probabilities, labels = made()
    values, labels = probabilities.values[:, :2], labels[:, :2]
    calibrator = ThresholdCalibrator(strategy=strategy, level=level).fit(values, labels)
    table = threshold_table(calibrator, values, labels, replicates=25, seed=3)
    draws = np.random.default_rng(3).multinomial(300, np.full(300, 1 / 300), size=25)
    cuts = []
    for times in draws:
        rows = np.repeat(np.arange(300), times)
        again = ThresholdCalibrator(strategy=strategy, level=level).fit(values[rows], labels[rows])
        cuts.append(again.thresholds_.to_numpy())
    low, high = np.quantile(cuts, (0.025, 0.975), axis=0)
    # The highest cut of a resample lies above its own films, in the table above all films.
    assert table["low"].to_numpy() == pytest.approx(low) and table["high"].to_numpy() == pytest.approx(high)


def test_the_table_says_what_each_threshold_does():
    probabilities, labels = made()
    calibrator = ThresholdCalibrator(min_positives=20).fit(probabilities, labels)
    table = threshold_table(calibrator, probabilities, labels, replicates=200)
    named = calibrator.predict(probabilities).to_numpy()
    assert table.index.tolist() == list(GENRES) and table["source"].tolist() == ["own", "own", "shared"]
    assert table["threshold"].tolist() == calibrator.thresholds_.tolist()
    assert table["support"].tolist() == labels.sum(axis=0).tolist()
    assert table["named"].tolist() == named.sum(axis=0).tolist()
    assert table["f1"].to_numpy() == pytest.approx(f1_score(labels, named, average=None))
    assert table["f_star_half"].to_numpy(float) == pytest.approx(f_star_half(probabilities.values, labels))
    assert (table["low"] <= table["threshold"]).all() and (table["threshold"] <= table["high"]).all()


def test_a_cut_over_hundreds_of_films_is_stable_and_one_over_a_few_is_not():
    probabilities, labels = made(2000)
    calibrator = ThresholdCalibrator().fit(probabilities, labels)
    assert labels[:, 2].sum() < 50
    table = threshold_table(calibrator, probabilities, labels, replicates=200)
    assert table["stable"].tolist() == [True, True, False]


def test_expected_counts_give_narrower_intervals_where_there_are_films_to_count():
    probabilities, labels = made(1000)
    width = {}
    for counts in ("observed", "expected"):
        calibrator = ThresholdCalibrator(counts=counts).fit(probabilities, labels)
        table = threshold_table(calibrator, probabilities, labels, replicates=200)
        width[counts] = (table["high"] - table["low"]).to_numpy()
    assert (width["expected"] < width["observed"])[:2].all()


def test_intervals_follow_a_matched_cardinality_and_weights():
    probabilities, labels = made()
    weights = np.random.default_rng(0).uniform(0.5, 2, 300)
    calibrator = ThresholdCalibrator(match_cardinality=True).fit(probabilities, labels, sample_weight=weights)
    table = threshold_table(calibrator, probabilities, labels, sample_weight=weights, replicates=100)
    named = calibrator.predict(probabilities).to_numpy()
    assert table["f1"].to_numpy() == pytest.approx(
        f1_score(labels, named, average=None, sample_weight=weights)
    )
    assert (table["low"] <= table["threshold"]).all() and (table["threshold"] <= table["high"]).all()


def test_fixed_thresholds_have_no_width_and_a_genre_without_films_no_best_f1():
    probabilities, labels = made()
    labels[:, 2] = 0
    calibrator = ThresholdCalibrator(strategy="half").fit(probabilities, labels)
    table = threshold_table(calibrator, probabilities, labels, replicates=5)
    assert (table[["threshold", "low", "high"]] == 0.5).all(axis=None) and table["stable"].all()
    assert table["f_star_half"].isna().tolist() == [False, False, True]


def test_optimism_is_f1_on_the_films_that_chose_minus_f1_on_others():
    probabilities, labels = made()
    labels[:, 2] = 0
    table = threshold_optimism(ThresholdCalibrator(), probabilities, labels, folds=4, seed=7)
    values = probabilities.values
    named = ThresholdCalibrator().fit(values, labels).predict(values).to_numpy()
    held_out = np.zeros_like(labels)
    for rest, held in KFold(4, shuffle=True, random_state=7).split(values):
        calibrator = ThresholdCalibrator().fit(values[rest], labels[rest])
        held_out[held] = calibrator.predict(values[held]).to_numpy()
    for column, predicted in (("in_sample", named), ("cross_fitted", held_out)):
        a_genre = f1_score(labels[:, :2], predicted[:, :2], average=None)
        averages = {
            "(macro)": a_genre.mean(),
            "(micro)": f1_score(labels, predicted, average="micro"),
            "(samples)": f1_score(labels, predicted, average="samples", zero_division=0),
        }
        assert table[column].isna().tolist() == [False, False, True, False, False, False]
        assert table[column][:2].to_numpy(float) == pytest.approx(a_genre)
        assert table[column][list(averages)].to_numpy(float) == pytest.approx(list(averages.values()))
    assert (table["optimism"].dropna() == (table["in_sample"] - table["cross_fitted"]).dropna()).all()
    assert table["support"].tolist() == [*labels.sum(axis=0), *[labels.sum()] * 3]


def test_few_films_and_many_genres_are_more_optimistic_than_a_shared_cut():
    rng = np.random.default_rng(0)
    values = rng.random((100, 20))
    labels = (rng.random(values.shape) < 0.1).astype(np.uint8)
    own, shared = (
        threshold_optimism(ThresholdCalibrator(strategy=strategy), values, labels)["optimism"]
        for strategy in ("f1", "shared")
    )
    assert own["(macro)"] > 0.05 > shared["(macro)"]


def test_films_that_are_not_present_are_left_out():
    probabilities, labels = made()
    values = probabilities.values.copy()
    values[:50] = np.nan
    expected = threshold_optimism(ThresholdCalibrator(), values[50:], labels[50:])
    assert threshold_optimism(ThresholdCalibrator(), values, labels).equals(expected)


def test_bad_input_is_refused_in_one_sentence():
    probabilities, labels = made()
    calibrator = ThresholdCalibrator().fit(probabilities, labels)
    with pytest.raises(InputError, match="ThresholdCalibrator and its table must be about the same films"):
        threshold_table(calibrator, probabilities.take(slice(9)), labels[:9])
    with pytest.raises(ValueError, match="not fitted yet"):
        threshold_table(ThresholdCalibrator(), probabilities, labels)
    with pytest.raises(InputError, match="Cross-fitting needs at least 2 films, got 1"):
        threshold_optimism(ThresholdCalibrator(), probabilities.take(slice(1)), labels[:1])
    with pytest.raises(InputError, match="threshold_optimism needs films no member trained on"):
        seen = GenreProbabilities(["tt1"], GENRES, [[0.1] * 3], "poster", "train")
        threshold_optimism(ThresholdCalibrator(), seen, labels[:1])
