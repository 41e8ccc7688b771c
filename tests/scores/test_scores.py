import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from multigenre import scores as metrics
from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores import _bootstrap as _resampling
from multigenre.scores import expected_calibration_error

GENRES = Genres(["Comedy", "Drama", "News", "War"])
CUTS = pd.Series({"War": 0.7, "Comedy": 0.4, "Drama": 0.5, "News": 0.9})
ORDERED = CUTS[list(GENRES)].to_numpy()


def films_of(labels, role="test", genres=GENRES):
    ids, blank = [f"tt{film}" for film in range(len(labels))], [""] * len(labels)
    return Films(ids, blank, blank, labels, genres, role)


def made(n_films=150, seed=0, noise=1.0, name="poster"):
    """Films and a member's probabilities of them; no film carries News, few carry War."""
    labels = (np.random.default_rng(seed).random((n_films, 4)) < [0.4, 0.6, 0, 0.05]).astype(np.uint8)
    rng = np.random.default_rng(seed + 1)
    values = 1 / (1 + np.exp(-(2.0 * labels - 1 + noise * rng.normal(size=labels.shape))))
    films = films_of(labels)
    return GenreProbabilities(films.ids, GENRES, values.round(2), name, "test"), films


def test_every_score_is_scikit_learn_s():
    probabilities, films = made()
    found = metrics.scores(probabilities, films, CUTS)
    truth, values, predicted = films.labels, probabilities.values, probabilities.values >= ORDERED
    live = [0, 1, 3]
    expected = {
        "bce": np.mean(
            [oracle.log_loss(truth[:, g], values[:, g].clip(1e-7, 1 - 1e-7), labels=[0, 1]) for g in range(4)]
        ),
        "map_macro": oracle.average_precision_score(truth[:, live], values[:, live], average="macro"),
        "map_micro": oracle.average_precision_score(truth, values, average="micro"),
        "brier": np.mean([oracle.brier_score_loss(truth[:, g], values[:, g], pos_label=1) for g in range(4)]),
        "ece": expected_calibration_error(values, truth).mean(),
        "subset_accuracy": oracle.accuracy_score(truth, predicted),
        "hamming_loss": oracle.hamming_loss(truth, predicted),
        "f1_samples": oracle.f1_score(truth, predicted, average="samples", zero_division=0),
        "n_films": 150,
        "n_not_present": 0,
    }
    for name in ("f1", "precision", "recall"):
        score = getattr(oracle, f"{name}_score")
        expected[f"{name}_micro"] = score(truth, predicted, average="micro", zero_division=0)
        expected[f"{name}_macro"] = score(
            truth[:, live], predicted[:, live], average="macro", zero_division=0
        )
    assert found == pytest.approx(expected, rel=1e-12)
    assert all(type(value) in (float, int) for value in found.values())


def test_the_loss_is_clipped_as_keras_clips_it():
    films = films_of([[1]], genres=Genres(["Drama"]))
    wrong = GenreProbabilities(films.ids, films.genres, [[0.0]], "poster")
    assert metrics.scores(wrong, films)["bce"] == pytest.approx(-np.log(1e-7))


def test_one_live_genre_is_not_taken_for_two_classes():
    films = films_of([[1, 0], [1, 0], [0, 0]], genres=Genres(["Drama", "News"]))
    probabilities = GenreProbabilities(
        films.ids, films.genres, [[0.9, 0.1], [0.2, 0.1], [0.8, 0.1]], "poster"
    )
    found = metrics.scores(probabilities, films)
    assert (found["f1_macro"], found["precision_macro"], found["recall_macro"]) == (0.5, 0.5, 0.5)
    assert found["map_macro"] == pytest.approx((1 + 2 / 3) / 2)


def test_only_films_that_are_present_are_scored_and_counted():
    probabilities, films = made()
    values = probabilities.values.copy()
    values[:50] = np.nan
    part = metrics.scores(GenreProbabilities(films.ids, GENRES, values, "poster", "test"), films)
    rest = metrics.scores(probabilities.take(slice(50, None)), films.take(np.arange(50, 150)))
    assert part == {**rest, "n_not_present": 50}


def test_scores_without_a_film_or_a_live_genre_are_none_not_nan():
    probabilities, films = made(5)
    nothing = GenreProbabilities(films.ids, GENRES, np.full((5, 4), np.nan), "overview", "test")
    found = metrics.scores(nothing, films)
    assert (found.pop("n_films"), found.pop("n_not_present")) == (0, 5)
    assert set(found.values()) == {None}
    barren = metrics.scores(probabilities, films_of(np.zeros((5, 4))))
    assert barren["map_macro"] is barren["f1_micro"] is None and barren["bce"] > 0
    for empty in (nothing, nothing.take(slice(0, 0))):
        drawn = metrics.bootstrap_scores(empty, films.take(np.arange(len(empty))), replicates=3)
        assert drawn.isna().all(axis=None)
    assert metrics.bootstrap_scores(probabilities, films_of(np.zeros((5, 4)))).loc["map_macro"].isna().all()


def test_a_genre_s_row_is_scikit_learn_s_and_genres_without_a_film_are_named():
    probabilities, films = made()
    table = metrics.genre_scores(probabilities, films, CUTS)
    assert table.index.tolist() == list(GENRES) and table.attrs["no_positive"] == ["News"]
    undefined = ["average_precision", "precision", "recall", "f1"]
    assert table.loc["News", undefined].isna().all() and table.drop(index="News").notna().all(axis=None)
    assert table.drop(columns=undefined).notna().all(axis=None)
    label, value = films.labels[:, 3], probabilities.values[:, 3]
    assert table.loc["War"].to_dict() == pytest.approx(
        {
            "support": label.sum(),
            "prevalence": label.mean(),
            "average_precision": oracle.average_precision_score(label, value),
            "bce": oracle.log_loss(label, value),
            "brier": oracle.brier_score_loss(label, value),
            "ece": expected_calibration_error(value[:, None], label[:, None])[0],
            "precision": oracle.precision_score(label, value >= 0.7),
            "recall": oracle.recall_score(label, value >= 0.7),
            "f1": oracle.f1_score(label, value >= 0.7),
            "threshold": 0.7,
            "predicted": (value >= 0.7).mean(),
        }
    )


def test_the_mean_of_a_column_of_genres_is_the_macro_average():
    probabilities, films = made()
    found, table = (
        metrics.scores(probabilities, films, CUTS),
        metrics.genre_scores(probabilities, films, CUTS),
    )
    names = {"average_precision": "map_macro", "f1": "f1_macro", "bce": "bce", "brier": "brier", "ece": "ece"}
    for column, name in names.items():
        assert table[column].mean() == pytest.approx(found[name])


def test_the_table_has_a_row_a_contender_at_its_own_thresholds():
    poster, films = made()
    overview = made(noise=0.5, name="overview")[0]
    table = metrics.score_table([poster, overview], films, {"overview": CUTS})
    assert table.loc["overview"].to_dict() == metrics.scores(overview, films, CUTS)
    assert table.loc["poster"].to_dict() == metrics.scores(poster, films)
    assert metrics.score_table([poster], films, CUTS).loc["poster"].to_dict() == metrics.scores(
        poster, films, CUTS
    )


def test_films_may_have_cuts_of_their_own():
    probabilities, films = made()
    cuts = pd.DataFrame(np.tile(CUTS[list(GENRES)], (len(films), 1)), films.ids, list(GENRES))
    assert metrics.scores(probabilities, films, cuts) == metrics.scores(probabilities, films, CUTS)
    same = metrics.genre_scores(probabilities, films, cuts)
    pd.testing.assert_frame_equal(same, metrics.genre_scores(probabilities, films, CUTS))
    # In any order; those that never name it count for these films alone.
    cuts.iloc[:40] = 1.1
    found = metrics.scores(probabilities, films, cuts.sample(frac=1, random_state=0))
    named = (probabilities.values >= cuts.to_numpy()) & probabilities.present[:, None]
    assert found["precision_micro"] == pytest.approx((named & (films.labels == 1)).sum() / named.sum())
    with pytest.raises(InputError, match="Every film and genre needs a threshold, but .* lacks that of"):
        metrics.scores(probabilities, films, cuts.iloc[1:])


def test_the_baseline_gives_every_film_the_training_prevalence():
    train, films = films_of([[1, 0, 0, 1], [1, 1, 0, 0]], "train"), made()[1]
    train = Films(["a", "b"], train.overviews, train.posters, train.labels, GENRES, "train")
    baseline = metrics.prevalence_baseline(train, films)
    assert (baseline.values == [1, 0.5, 0, 0.5]).all() and baseline.values.shape == (150, 4)
    assert (baseline.name, baseline.role) == ("prevalence", "test")
    again = metrics.prevalence_baseline(GENRES.prevalence(train.labels), films)
    assert (again.values == baseline.values).all()
    with pytest.raises(InputError, match="The prevalence baseline learned from 150 of these films"):
        metrics.prevalence_baseline(films, films)


def weighted_error(value, label, weight):
    """One genre's calibration error of weighted films, in the bins that they have unweighted."""
    bins = [int((value < p).sum() * 10 / len(value)) for p in value]
    gaps = [
        sum(w * (p - y) for p, y, w, b in zip(value, label, weight, bins, strict=True) if b == k)
        for k in range(10)
    ]
    return np.abs(gaps).sum() / len(value)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_weighted_scores_are_scikit_learn_s_with_sample_weights(seed, n_films):
    probabilities, films = made(n_films, seed)
    weights = (
        np.random.default_rng(seed)
        .multinomial(n_films, np.full(n_films, 1 / n_films), size=3)
        .T.astype(float)
    )
    values, predicted, truth = probabilities.values, probabilities.values >= ORDERED, films.labels
    found = _resampling._averages(values, predicted, truth)(weights)
    for row, weight in zip(found, weights.T, strict=True):
        live = [g for g in range(4) if weight @ truth[:, g] > 0]
        if not live:
            assert np.isnan(row[1:5]).all() and np.isfinite(row[5:]).all()
            continue
        cells = truth.ravel(), values.ravel()
        f1 = [
            oracle.f1_score(truth[:, g], predicted[:, g], sample_weight=weight, zero_division=0) for g in live
        ]
        ap = [oracle.average_precision_score(truth[:, g], values[:, g], sample_weight=weight) for g in live]
        expected = [
            weight @ -np.log(np.where(truth == 1, values, 1 - values).clip(1e-7)).mean(axis=1) / n_films,
            np.mean(ap),
            oracle.average_precision_score(*cells, sample_weight=np.repeat(weight, 4)),
            oracle.f1_score(cells[0], predicted.ravel(), sample_weight=np.repeat(weight, 4), zero_division=0),
            np.mean(f1),
            oracle.f1_score(truth, predicted, sample_weight=weight, average="samples", zero_division=0),
            weight @ ((values - truth) ** 2).mean(axis=1) / n_films,
            np.mean([weighted_error(values[:, g], truth[:, g], weight) for g in range(4)]),
        ]
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_films_that_are_not_present_get_the_prevalence_and_others_keep_what_they_have():
    probabilities, films = made()
    prevalence = films.genres.prevalence(films.labels)
    assert metrics.with_prevalence(probabilities, prevalence) is probabilities
    values = np.array(probabilities.values)
    values[3] = np.nan
    found = metrics.with_prevalence(GenreProbabilities(films.ids, films.genres, values, "poster"), prevalence)
    assert found.present.all() and (found.values[3] == prevalence.to_numpy()).all()
    np.testing.assert_array_equal(np.delete(found.values, 3, axis=0), np.delete(values, 3, axis=0))


def test_the_middle_of_an_interval_is_the_score_itself_and_one_seed_gives_one_interval():
    probabilities, films = made()
    table = metrics.bootstrap_scores(probabilities, films, CUTS, replicates=200)
    found = metrics.scores(probabilities, films, CUTS)
    assert table["value"].to_dict() == pytest.approx({name: found[name] for name in table.index})
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert table.equals(metrics.bootstrap_scores(probabilities, films, CUTS, replicates=200))
    narrow = metrics.bootstrap_scores(probabilities, films, CUTS, replicates=200, level=0.5)
    assert (narrow["high"] - narrow["low"] < table["high"] - table["low"]).all()


def test_an_interval_holds_the_score_of_rare_genres_too():
    labels = np.zeros((60, 4), int)
    labels[:30, 0] = labels[40:42, 1] = labels[50, 2] = labels[55:, 3] = 1
    films = Films([f"f{i}" for i in range(60)], [""] * 60, [""] * 60, labels, GENRES, "test")
    values = np.random.default_rng(0).random((60, 4))
    table = metrics.bootstrap_scores(GenreProbabilities(films.ids, GENRES, values, "noise", "test"), films)
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()


def test_resamples_in_many_chunks_are_those_in_one(monkeypatch):
    probabilities, films = made(20)
    whole = metrics.bootstrap_scores(probabilities, films, replicates=50)
    monkeypatch.setattr(_resampling, "CELLS", 7 * 20)
    chunked = metrics.bootstrap_scores(probabilities, films, replicates=50)
    pd.testing.assert_frame_equal(whole, chunked, rtol=1e-12)


def test_intervals_cover_the_true_loss_about_as_often_as_they_say():
    truth = metrics.scores(*made(40_000, seed=10))["bce"]
    tables = [
        metrics.bootstrap_scores(*made(100, seed=seed), replicates=100, level=0.8) for seed in range(100, 200)
    ]
    covered = np.mean([table["low"]["bce"] <= truth <= table["high"]["bce"] for table in tables])
    assert 0.68 <= covered <= 0.92


def test_pairing_makes_the_interval_of_a_difference_narrower():
    a, films = made(noise=1.0)
    b = GenreProbabilities(films.ids, GENRES, (0.9 * a.values + 0.02), "calmer", "test")
    paired = metrics.paired_interval(a, b, films, {"poster": CUTS}, replicates=300)
    apart = [metrics.bootstrap_scores(one, films, replicates=300) for one in (a, b)]
    width = sum(table["high"]["bce"] - table["low"]["bce"] for table in apart)
    assert paired["high"]["bce"] - paired["low"]["bce"] < width / 2
    difference = metrics.scores(a, films, CUTS)["f1_macro"] - metrics.scores(b, films)["f1_macro"]
    assert paired["value"]["f1_macro"] == pytest.approx(difference)
    assert (metrics.paired_interval(a, a, films, replicates=20) == 0).all(axis=None)


def test_a_pair_is_compared_on_films_that_both_have():
    a, films = made()
    values = made(noise=0.3)[0].values.copy()
    values[:60] = np.nan
    b = GenreProbabilities(films.ids, GENRES, values, "overview", "test")
    rest = np.arange(60, 150)
    expected = metrics.paired_interval(a.take(rest), b.take(rest), films.take(rest), replicates=50)
    pd.testing.assert_frame_equal(metrics.paired_interval(a, b, films, replicates=50), expected)


@pytest.mark.parametrize("role", ["train", "calibration"])
def test_films_that_taught_anything_cannot_be_reported(role):
    probabilities, films = made()
    seen = GenreProbabilities(films.ids, GENRES, probabilities.values, "poster", role)
    sentence = f"trained no member and fitted no fusion or threshold, got role='{role}' from poster"
    for report in (metrics.scores, metrics.genre_scores, metrics.bootstrap_scores):
        with pytest.raises(InputError, match=sentence):
            report(seen, films.with_role(role))
    unsaid = GenreProbabilities(films.ids, GENRES, probabilities.values, "poster")
    with pytest.raises(InputError, match=sentence):
        metrics.score_table([unsaid], films.with_role(role))
    with pytest.raises(InputError, match="must come from one split role"):
        metrics.paired_interval(seen, probabilities, films)


def test_bad_input_is_refused_in_one_sentence():
    probabilities, films = made()
    with pytest.raises(InputError, match="Every genre needs a threshold, but War has none"):
        metrics.scores(probabilities, films, CUTS.drop("War"))
    with pytest.raises(InputError, match="distinct names, got poster, poster"):
        metrics.score_table([probabilities, probabilities], films)
    with pytest.raises(InputError, match="Thresholds are for overview, but the table has poster"):
        metrics.score_table([probabilities], films, {"overview": CUTS})
    with pytest.raises(InputError, match="poster covers none of these films"):
        metrics.genre_scores(probabilities.take(slice(0, 0)), films.take([]))
    with pytest.raises(InputError, match="same genres in the same order, but News, War is in only one"):
        metrics.prevalence_baseline(pd.Series({"Comedy": 0.1, "Drama": 0.2}), films)
