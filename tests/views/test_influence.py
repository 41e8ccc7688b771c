import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from multigenre._checks import InputError
from multigenre.analysis._places import PosterMaps
from multigenre.data import Films
from multigenre.views import BLUE, VERMILLION, save_figure
from multigenre.views._drawing import MARKS
from multigenre.views._influence import influence_cards, robustness_curves

MINUS = "\N{MINUS SIGN}"


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def word_table(words, changes, film="tt1", contender="fused"):
    return pd.DataFrame(
        {
            "contender": contender,
            "film": film,
            "position": pd.array(range(len(words)), "Int64"),
            "word": words,
            "genre": "Horror",
            "change": pd.array(changes, "Float64"),
        }
    )


@pytest.fixture
def films(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)).save(tmp_path / "a.png")
    return Films(["tt1", "tt2"], ["A $killer$ loves", ""], [str(tmp_path / "a.png"), ""])


@pytest.fixture
def maps():
    values = np.full((2, 1, 2, 2), np.nan)
    values[0, 0] = [[0.5, -2.0], [0.0, 1.5]]
    return PosterMaps(["tt1", "tt2"], ["Horror"], values, "poster-cnn")


def test_words_are_tinted_by_what_they_moved_and_the_strongest_are_numbered(films, maps):
    words = word_table(["A", "$killer$", "loves"], [0.0, 2.0, -1.0])
    figure = influence_cards(films, words, maps, "Horror")
    assert {"A", "$killer$", "loves", "+2.0", f"{MINUS}1.0", "tt1", "tt2"} <= set(texts(figure))
    assert "+0.0" not in texts(figure)
    boxes = [
        box for box in figure.axes[0].patches if isinstance(box, Rectangle) and box.get_alpha() is not None
    ]
    assert [box.get_alpha() for box in boxes] == pytest.approx([0, 0.55, 0.275])
    assert [to_rgb(box.get_facecolor()) for box in boxes[1:]] == [to_rgb(BLUE), to_rgb(VERMILLION)]
    assert {"Horror: words, fused", "Horror:\nposter-cnn"} <= set(texts(figure))


def test_strong_places_have_a_sign_and_the_strongest_its_log_odds(films, maps):
    words = word_table(["A", "$killer$", "loves"], [0.0, 2.0, -1.0])
    figure = influence_cards(films, words, maps, "Horror")
    signs = [text for text in texts(figure) if text in ("+", MINUS)]
    assert signs == [MINUS, "+"] and f"strongest place: {MINUS}2.00" in texts(figure)
    _, _, tint = figure.axes[0].images
    alpha = np.asarray(tint.get_array())[..., 3]
    assert alpha == pytest.approx(0.85 * np.array([[0.25, 1], [0, 0.75]]))


def test_a_film_without_poster_or_overview_says_so(films, maps, tmp_path):
    figure = influence_cards(films.take([1]), word_table([], []), maps, "Horror")
    assert texts(figure).count("no poster") == 2 and "no overview" in texts(figure)
    save_figure(figure, tmp_path / "card.png")
    assert (tmp_path / "card.png").stat().st_size > 5000


def test_words_and_places_that_moved_nothing_or_are_not_known_have_no_tint(films, maps):
    still = PosterMaps(maps.ids, maps.genres, np.zeros((2, 1, 2, 2)), "poster-cnn")
    for change in (0.0, pd.NA):
        film = Films(["tt1"], ["Zombies"], films.posters[:1])
        figure = influence_cards(film, word_table(["Zombies"], [change]), still, "Horror")
        assert "Zombies" in texts(figure) and not {"+", MINUS} & set(texts(figure))
        boxes = [box for box in figure.axes[0].patches if box.get_alpha() is not None]
        assert [box.get_alpha() for box in boxes] == [0]


def test_a_long_overview_says_how_many_words_are_left_out(films, maps):
    words = [f"word{place}" for place in range(200)]
    film = Films(["tt1"], [" ".join(words)], films.posters[:1])
    figure = influence_cards(film, word_table(words, np.linspace(-1, 1, 200)), maps, "Horror")
    shown = sum(text in words for text in texts(figure))
    assert f"… and {200 - shown} more words" in texts(figure) and shown > 30


def test_pixels_are_added_up_to_places_that_can_be_seen(films):
    values = np.ones((1, 1, 64, 64))
    film = films.take([0])
    maps = PosterMaps(["tt1"], ["Horror"], values, "poster-cnn")
    figure = influence_cards(film, word_table(["A"], [1.0]), maps, "Horror")
    assert figure.axes[0].images[2].get_array().shape[:2] == (16, 16)
    assert "strongest place: +16.00" in texts(figure)


def test_what_is_not_about_the_films_is_refused(films, maps):
    words = word_table(["A"], [1.0])
    with pytest.raises(InputError, match="influence_cards shows 1 to 4 films, got 0"):
        influence_cards(films.take([]), words, maps, "Horror")
    with pytest.raises(InputError, match="The maps of poster-cnn lack tt3; give the maps of these films"):
        influence_cards(Films(["tt3"], [""], [""]), words, maps, "Horror")
    with pytest.raises(
        InputError, match="no words of overview-lstm on Horror for tt1; give that of these films"
    ):
        influence_cards(films, words, maps, "Horror", contender="overview-lstm")
    with pytest.raises(InputError, match="'War' is not one of the 1 genres"):
        influence_cards(films.take([1]), words, maps, "War")


def scores_table(damages=("poster noise", "overview words"), contenders=("prevalence", "poster", "fused")):
    rows = [
        (damage, level, pd.NA if level == 0 else level / 10, contender, metric, 0.5 - 0.1 * level, place)
        for damage in damages
        for level in range(3)
        for place, contender in enumerate(contenders)
        for metric in ("bce", "map_macro")
    ]
    table = pd.DataFrame(
        rows, columns=["damage", "level", "setting", "contender", "metric", "value", "place"]
    )
    table.loc[(table["contender"] == "poster") & (table["level"] == 2), "value"] = np.nan
    return table.assign(low=table["value"] - 0.05, high=table["value"] + 0.02).astype({"setting": "Float64"})


def test_curves_have_a_panel_a_damage_and_a_line_a_contender(tmp_path):
    figure = robustness_curves(scores_table())
    assert isinstance(figure, Figure)
    assert [axes.get_title("left") for axes in figure.axes] == ["poster noise", "overview words"]
    for axes in figure.axes:
        lines = [container.lines[0] for container in axes.containers]
        assert [container.get_label() for container in axes.containers] == ["prevalence", "poster", "fused"]
        assert np.nan_to_num(lines[1].get_ydata()).tolist() == pytest.approx([0.5, 0.4, 0])
        assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == 3
        assert [label.get_text() for label in axes.get_xticklabels()] == ["as is", "0.1", "0.2"]
        segment = axes.containers[2].lines[2][0].get_segments()[1]
        assert segment[:, 1].tolist() == pytest.approx([0.35, 0.42])
    assert "average precision, macro" in texts(figure)
    assert "first words kept" in texts(figure)
    save_figure(figure, tmp_path / "curves.png")


def test_panels_without_a_damage_are_left_out():
    figure = robustness_curves(
        scores_table(("poster noise", "poster blur", "poster dark", "poster crop")), metric="bce"
    )
    assert sum(axes.axison for axes in figure.axes) == 4 and len(figure.axes) == 6
    assert "binary cross-entropy (lower is better)" in texts(figure)


def test_curves_of_what_the_table_lacks_are_refused():
    with pytest.raises(InputError, match="The table has the metrics bce, map_macro, got 'f1_micro'"):
        robustness_curves(scores_table(), metric="f1_micro")
    names = [f"member {place}" for place in range(len(MARKS) + 1)]
    with pytest.raises(InputError, match="robustness_curves shows at most 6 members, got 7"):
        robustness_curves(scores_table(contenders=names))
