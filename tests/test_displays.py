import matplotlib.pyplot as plt
import numpy as np
import pytest

from multigenre import GenreEnsemble, make_films
from multigenre.displays import (
    GenreOutcomeDisplay,
    OperatingPointDisplay,
    ReliabilityGridDisplay,
    grouped_outcomes,
)
from multigenre.heat_displays import FusionWeightsDisplay, TopGenreConfusionDisplay, pattern_weights
from multigenre.outcomes import genre_outcomes


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    films = make_films(160, genres=6, folder=tmp_path_factory.mktemp("posters"), seed=3)
    ensemble = GenreEnsemble(["poster-colours", "overview-tfidf"]).fit(
        films, split={"train": 0.5, "test": 0.5}
    )
    return ensemble, ensemble.predictions_["test"], ensemble.films_["test"]


def test_outcomes_of_a_genre_sum_to_its_films(said):
    _, prediction, films = said
    counts = grouped_outcomes(genre_outcomes(prediction.members, prediction.fused, films))
    shown = counts.iloc[:, :-2].sum(axis=1)
    support = dict(zip(films.genres, films.labels.sum(axis=0), strict=True))
    assert shown.to_dict() == {genre: support[genre] for genre in shown.index}


def test_every_display_draws_on_its_own_figure_or_on_given_axes(said):
    ensemble, prediction, films = said
    everyone, genre = [*prediction.members, prediction.fused], next(iter(films.genres))
    for draw in (
        lambda ax: GenreOutcomeDisplay.from_predictions(prediction.members, prediction.fused, films, ax=ax),
        lambda ax: OperatingPointDisplay.from_predictions(everyone, films, genre, ax=ax),
        lambda ax: TopGenreConfusionDisplay.from_predictions(prediction.fused, films, ax=ax),
        lambda ax: FusionWeightsDisplay(
            pattern_weights(ensemble.fusion_.weight_table(), [one.name for one in prediction.members])
        ).plot(ax=ax),
    ):
        own = draw(None)
        own.figure_.canvas.draw()
        figure, ax = plt.subplots()
        given = draw(ax)
        assert given.ax_ is ax and given.figure_ is figure and own.figure_ is not figure
        plt.close(figure)


def test_a_reliability_grid_has_a_panel_for_each_genre_that_a_film_carries(said):
    _, prediction, films = said
    display = ReliabilityGridDisplay.from_predictions(prediction.fused, films)
    display.figure_.canvas.draw()
    assert sum(ax.has_data() for ax in np.ravel(display.axes_)) == films.labels.any(axis=0).sum()
