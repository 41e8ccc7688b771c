import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import precision_score, recall_score

from multigenre._checks import InputError
from multigenre.analysis import genre_outcomes
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.fusion import LateFusion
from multigenre.scores import contenders
from multigenre.views import (
    FusionWeightsDisplay,
    OperatingPointDisplay,
    ReliabilityGridDisplay,
    TopGenreConfusionDisplay,
)
from multigenre.views._displays import ALONE, INK, SOME, grouped_outcomes, outcome_groups
from multigenre.views._drawing import inline_svg
from multigenre.views._heat_displays import NOTHING, pattern_weights, top_genre_confusion

GENRES = Genres(["Comedy", "Drama", "War"])


def made(n_films=200, names=("poster", "overview"), role="test"):
    rng = np.random.default_rng(0)
    labels = (rng.random((n_films, 3)) < [0.4, 0.5, 0.1]).astype(np.uint8)
    ids, blank = [f"tt{row}" for row in range(n_films)], [""] * n_films
    said = [
        GenreProbabilities(ids, GENRES, sigmoid(3.0 * labels - 2 + rng.normal(size=labels.shape)), name, role)
        for name in (*names, "fused")
    ]
    return said[:-1], said[-1], Films(ids, blank, blank, labels, GENRES, role)


def every_display(ax=None):
    members, fused, films = made()
    fusion = LateFusion(method="stack", C=1.0).fit(*[made(role="calibration")[place] for place in (0, 2)])
    return [
        OperatingPointDisplay.from_contenders(contenders(members, fused, films), "Drama", ax=ax),
        ReliabilityGridDisplay.from_predictions(fused, films, ax=ax),
        FusionWeightsDisplay.from_fusion(fusion, ax=ax),
        TopGenreConfusionDisplay.from_predictions(fused, films, ax=ax),
    ]


def test_every_display_draws_a_picture_of_its_own():
    for display in every_display():
        file = io.BytesIO()
        display.figure_.savefig(file)
        assert len(file.getvalue()) > 5000 and display.ax_.figure is display.figure_


def test_every_display_draws_into_the_axes_that_it_is_given():
    for place in range(4):
        ax = Figure().subplots()
        assert every_display(ax)[place].ax_ is ax


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"]])
def test_groups_of_outcomes_hold_each_film_once(names):
    members, fused, films = made(names=names)
    for of in ("positives", "predictions", "false alarms"):
        table = genre_outcomes(contenders(members, fused, films))
        counts = grouped_outcomes(table, of)
        whole = table[(table["of"] == of) & ~table["outcome"].str.contains("fusion")]
        expected = whole.groupby("genre", sort=False)["films"].sum()
        pd.testing.assert_series_equal(counts.iloc[:, :-2].sum(axis=1), expected, check_names=False)


def test_several_members_right_are_one_group():
    assert SOME in outcome_groups(["a", "b", "c"]) and SOME not in outcome_groups(["a", "b"])
    members, fused, films = made(names=["a", "b", "c"])
    named = np.stack([one.values >= 0.5 for one in members]).sum(axis=0)
    several = (np.isin(named, (1, 2)) & (named == 2) & (films.labels == 1)).sum(axis=0)
    assert (
        grouped_outcomes(genre_outcomes(contenders(members, fused, films)))[SOME].tolist() == several.tolist()
    )


def test_operating_points_are_those_of_scikit_learn():
    members, fused, films = made()
    cuts = {"fused": pd.Series({"Comedy": 0.3, "Drama": 0.7, "War": 0.5})}
    display = OperatingPointDisplay.from_contenders(contenders(members, fused, films, cuts), "Drama")
    truth, named = films.labels[:, 1], fused.values[:, 1] >= 0.7
    assert display.points["fused"] == pytest.approx(
        (precision_score(truth, named), recall_score(truth, named))
    )


@pytest.mark.parametrize("n_films", [30, 30_000])
def test_a_curve_of_many_films_is_drawn_of_few_points_and_nowhere_else_than_it_is(n_films):
    members, fused, films = made(n_films)
    display = OperatingPointDisplay.from_contenders(contenders(members, fused, films), "Drama")
    precision, recall = display.curves["fused"]
    # The corners of the steps, as Matplotlib's own "post" takes them.
    corners = np.array(
        [[recall[0], *np.repeat(recall[1:], 2)], [*np.repeat(precision[:-1], 2), precision[-1]]]
    )
    drawn = max((line.get_xydata() for line in display.ax_.lines if line.get_color() == INK), key=len)
    corners = corners[:, np.append(True, (np.diff(corners) != 0).any(axis=0))]
    rows = {tuple(corner): row for row, corner in enumerate(corners.T.tolist())}
    kept = np.array([rows[tuple(corner)] for corner in drawn.tolist()])
    assert (np.diff(kept) >= 0).all() and kept[0] == 0 and (corners.T[-1] == drawn[-1]).all()
    last = kept[np.searchsorted(kept, np.arange(corners.shape[1]), side="right") - 1]
    assert np.abs(corners - corners[:, last]).max() <= 1e-3
    assert len(drawn) < 4000


def test_precision_and_recall_need_a_film_of_the_genre():
    members, fused, films = made(4)
    none = Films(films.ids, films.overviews, films.posters, 0 * films.labels, GENRES, "test")
    with pytest.raises(InputError, match="need films of War, but none of these carries it"):
        OperatingPointDisplay.from_contenders(contenders(members, fused, none), "War")


@pytest.mark.parametrize("names", [["a"], list("abcdefgh")])
def test_the_legend_covers_no_curve(names):
    members, fused, films = made(names=names)
    display = OperatingPointDisplay.from_contenders(contenders(members, fused, films), "Drama")
    display.figure_.draw_without_rendering()
    legend, axes = display.ax_.get_legend().get_window_extent(), display.ax_.get_window_extent()
    assert not legend.overlaps(axes) and legend.x1 <= display.figure_.bbox.x1


def test_of_many_members_the_best_have_colours_and_the_others_are_one_crowd():
    members, fused, films = made(names="abcdefgh")
    # The last two say what has nothing to do with the film.
    rng = np.random.default_rng(1)
    members[6:] = [replace(one, values=rng.random(one.values.shape)) for one in members[6:]]
    display = OperatingPointDisplay.from_contenders(contenders(members, fused, films), "Drama")
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert sorted(labels) == sorted(["2 other members", "prevalence", *"abcdef", "fused"])
    marked = {line.get_color() for line in display.ax_.lines if line.get_marker() != "None"}
    assert len(marked) == 7  # six members and the fusion
    display.figure_.savefig(io.BytesIO())


def test_groups_of_many_members_hold_each_film_once():
    members, fused, films = made(names="abcdefg")
    table = genre_outcomes(contenders(members, fused, films))
    counts = grouped_outcomes(table)
    assert list(counts.columns[:4]) == ["all right", SOME, ALONE, "all wrong"]
    assert counts.iloc[:, :-2].sum(axis=1).tolist() == films.labels.sum(axis=0).tolist()
    right = np.stack([one.values >= 0.5 for one in members]).sum(axis=0)
    assert counts[ALONE].tolist() == ((right == 1) & (films.labels == 1)).sum(axis=0).tolist()


def test_empty_tables_are_refused():
    with pytest.raises(InputError, match="needs a genre"):
        ReliabilityGridDisplay(pd.DataFrame({"genre": []})).plot()


def test_a_reliability_grid_asks_for_an_ax_that_it_can_divide():
    with pytest.raises(InputError, match="stands in a grid of subplots, got one placed by hand"):
        ReliabilityGridDisplay(pd.DataFrame({"genre": ["War"]})).plot(ax=Figure().add_axes((0, 0, 1, 1)))


def test_weights_of_members_that_never_went_together_are_refused():
    weights = pd.DataFrame({"pattern": ["a+b"], "genre": ["War"], "member": ["a"], "weight": [1.0]})
    assert pattern_weights(weights, ["b", "a"]).loc["War", "a"] == 1
    with pytest.raises(InputError, match="no weights for c; the fusion has some for a\\+b"):
        pattern_weights(weights, ["c"])


def test_a_column_of_the_confusion_sums_to_the_films_with_that_genre_on_top():
    _, fused, films = made()
    table = top_genre_confusion(fused, films)
    top = pd.Series(fused.values.argmax(axis=1)).value_counts().sort_index()
    np.testing.assert_allclose(table.sum(), top)
    assert NOTHING in table.index
    right = films.labels[np.arange(len(films)), fused.values.argmax(axis=1)].sum()
    assert sum(table.loc[genre, genre] for genre in table.columns) == right


def test_a_confusion_needs_a_film_that_is_present():
    _, fused, films = made(4)
    with pytest.raises(InputError, match="covers none of these films, so none has a most probable genre"):
        top_genre_confusion(fused.absent("fused"), films)


def test_an_inline_picture_is_the_same_each_time_well_formed_and_in_the_colours_of_the_page():
    first, again = (inline_svg(every_display()[0].figure_, "a", 'of "<War>"') for _ in range(2))
    assert first == again
    ElementTree.fromstring(first)
    assert "var(--m1)" in first and "#0072b2" not in first.lower()
    assert re.search(r' d="[^"]*\d\.\d\d ', first) and not re.search(r' d="[^"]*\.\d{3}', first)
    assert 'aria-label="of &quot;&lt;War&gt;&quot;"' in first


def test_ids_of_two_inline_pictures_differ():
    figure = every_display()[0].figure_
    one, other = (set(re.findall(r'\bid="([^"]+)"', inline_svg(figure, name, ""))) for name in "ab")
    assert one and not one & other
