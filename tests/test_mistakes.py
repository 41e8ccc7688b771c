"""The mistakes of the published report, each impossible here or an error."""

import inspect

import numpy as np
import pytest

import multigenre
from multigenre import (
    Films,
    GenreProbabilities,
    Genres,
    LateFusion,
    PosterCNN,
    ThresholdCalibrator,
    make_films,
)
from multigenre.ensemble import Prediction
from multigenre.members import OverviewTfidf
from multigenre.networks import epoch_batches
from multigenre.scores import contender_scores, scores
from multigenre.views import film_cards

REPORT = [
    "Action",
    "Adventure",
    "Animation",
    "Biography",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Family",
    "Fantasy",
    "History",
    "Horror",
    "Music",
    "Musical",
    "Mystery",
    "N/A",
    "News",
    "Reality-TV",
    "Romance",
    "Sci-Fi",
    "Short",
    "Sport",
    "Thriller",
    "War",
    "Western",
]


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    films = make_films(200, folder=tmp_path_factory.mktemp("posters"), seed=0)
    return films.split({"train": 0.5, "calibration": 0.25, "test": 0.25}, seed=0)


@pytest.fixture(scope="module")
def member(split):
    return OverviewTfidf().fit(split["train"])


def test_1_genres_are_named_by_the_column_that_holds_them():
    genres = Genres(REPORT)
    assert [genres.names[column] for column in (7, 4, 18, 0)] == ["Drama", "Comedy", "Romance", "Action"]
    disco = np.zeros((1, 25), int)
    disco[0, [4, 7, 12]] = 1
    assert genres.decode(disco) == [("Comedy", "Drama", "Music")]


def test_1_a_model_and_its_numbers_cannot_be_without_names():
    for anything in (PosterCNN, GenreProbabilities):
        assert inspect.signature(anything).parameters["genres"].default is inspect.Parameter.empty
    with pytest.raises(TypeError):
        PosterCNN()


def test_1_columns_in_another_order_are_refused(split, member):
    films = split["calibration"]
    probabilities = member.predict(films)
    backwards = GenreProbabilities(
        films.ids, list(films.genres)[::-1], probabilities.values, "other", "calibration"
    )
    with pytest.raises(ValueError, match="same genres in the same order"):
        LateFusion().fit([probabilities, backwards], films)


def test_1_real_films_carry_their_own_genres(real_films):
    films = Films.read(real_films / "films.csv", posters=real_films / "posters")
    assert list(films.genres) == REPORT
    assert films.genres.prevalence(films.labels).nlargest(2).index.tolist() == ["Drama", "Comedy"]


def test_2_films_that_trained_the_model_are_not_shown_as_its_successes(split, member):
    with pytest.raises(ValueError, match="test split"):
        film_cards(split["train"], [member.predict(split["train"])])
    with pytest.raises(ValueError, match="were train films of overview-tfidf"):
        member.predict(split["train"].with_role("test"))
    unnamed = member.predict(split["train"].with_role(None))
    assert unnamed.role == "train"
    with pytest.raises(ValueError, match="trained no member"):
        scores(unnamed, split["train"].with_role(None))


def test_3_films_that_train_choose_calibrate_and_report_are_different(split, member):
    trained, calibration = member.predict(split["train"]), member.predict(split["calibration"])
    with pytest.raises(ValueError, match="no member trained on"):
        LateFusion().fit([trained], split["train"])
    with pytest.raises(ValueError, match="no member trained on"):
        ThresholdCalibrator().fit(trained, split["train"])
    with pytest.raises(ValueError, match="no member trained on"):
        ThresholdCalibrator().fit(member.predict(split["test"]), split["test"])
    with pytest.raises(ValueError, match="trained no member and fitted no fusion or threshold"):
        scores(calibration, split["calibration"])
    fusion = LateFusion().fit([calibration], split["calibration"])
    smuggled = split["calibration"].with_role(None)
    with pytest.raises(ValueError, match="trained no member and fitted no fusion or threshold"):
        scores(fusion.predict([member.predict(smuggled)]), smuggled)


def test_4_every_table_of_scores_has_the_baseline_and_the_best_member(split, member):
    films = split["test"]
    test = member.predict(films)
    fused = LateFusion().fit([member.predict(split["calibration"])], split["calibration"]).predict([test])
    prevalence = films.genres.prevalence(split["train"].labels)
    labels = ThresholdCalibrator(strategy="half")
    labels.fit(member.predict(split["calibration"]), split["calibration"])
    found = contender_scores(Prediction(fused, (test,), labels.predict(fused)), films, prevalence)
    assert list(found) == ["prevalence", "overview-tfidf", "fused"]
    assert found["fused"]["minus_best_member"]["member"] == "overview-tfidf"
    assert all(len(found[name]["intervals"]["bce"]) == 2 for name in found)


def test_5_a_film_meets_other_films_every_epoch():
    rng, lengths = np.random.default_rng(0), np.arange(640) % 30
    for options in ({}, {"lengths": lengths}):
        company = [
            next(set(batch) for batch in epoch_batches(640, 64, rng, **options) if 7 in batch)
            for _ in range(5)
        ]
        assert all(len(a & b) < 40 for i, a in enumerate(company) for b in company[i + 1 :])


def test_the_public_names_are_there():
    promised = {"PosterEncoder", "PosterCNN", "OverviewEncoder", "OverviewLSTM", "LateFusion", "ThresholdCalibrator",
                "Films", "Genres", "GenreProbabilities", "GenreEnsemble", "make_films"}  # fmt: skip
    assert promised <= set(multigenre.__all__) and all(
        hasattr(multigenre, name) for name in multigenre.__all__
    )
