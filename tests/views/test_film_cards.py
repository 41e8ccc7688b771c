import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, Genres, make_films
from multigenre.members import OverviewTfidf
from multigenre.views import choose_films, film_cards, save_figure
from multigenre.views._drawing import boxes_for_glyphs

GENRES = Genres(["Action", "Comedy", "Drama", "Horror", "Romance", "War"])
NAMES = ["poster-cnn", "overview-lstm", "fused"]


def films_of(*names, **changes):
    ids = [f"tt{row}" for row in range(len(names))]
    facts = {"overviews": ["A plot."] * len(names), "posters": [""] * len(names), "role": "test"} | changes
    return Films(ids, labels=GENRES.encode(names), genres=GENRES, **facts)


def found(films, name, tops, role="test"):
    """Return probabilities whose three most probable genres of each film are these; None: nothing to read."""
    values = np.full((len(films), len(GENRES)), 0.01)
    for row, top in zip(values, tops, strict=True):
        row[:] = np.nan if top is None else row
        row[[GENRES.column(genre) for genre in top or ()]] = (0.75, 0.5, 0.25)[: len(top or ())]
    return GenreProbabilities(films.ids, GENRES, values, name, role)


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.fixture
def five():
    """Five films, one for each question of `choose_films`, and an unremarkable one before them."""
    action_war, wrong = ["Action", "War", "Drama"], ["Comedy", "Romance", "Horror"]
    films = films_of(*[["Action", "War"]] * 6)
    tops = {
        "poster-cnn": [action_war, wrong, action_war, ["Action", *wrong[:2]], wrong, action_war],
        "overview-lstm": [action_war, action_war, wrong, ["War", *wrong[:2]], wrong, action_war],
        "fused": [action_war, action_war, action_war, action_war, wrong, ["Action", *wrong[:2]]],
    }
    return films, [found(films, name, tops[name]) for name in NAMES]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    films = make_films(60, folder=tmp_path_factory.mktemp("posters"))
    parts = films.split({"train": 0.7, "test": 0.3})
    return parts["test"], [OverviewTfidf().fit(parts["train"]).predict(parts["test"])]


def test_one_film_is_chosen_for_each_question(five):
    assert choose_films(*five, n=5).tolist() == [2, 1, 3, 4, 5]


def test_four_films_are_chosen_unless_told_otherwise(five):
    assert choose_films(*five).tolist() == [2, 1, 3, 4]


def test_no_film_is_chosen_twice_and_all_come_where_there_are_too_few(five):
    assert sorted(choose_films(*five, n=99)) == list(range(6))


def test_the_first_of_equal_films_is_chosen():
    films = films_of(*[["War"]] * 4)
    equal = [found(films, name, [["War"]] * 4) for name in NAMES]
    assert choose_films(films, equal).tolist() == [0, 1, 2, 3]


def test_films_without_a_genre_or_a_modality_are_chosen_last():
    films = films_of([], ["War"], ["War"], ["War"])
    tops = [["Action"], None, ["War"], ["War"]]
    assert choose_films(films, [found(films, "poster-cnn", tops)], n=2).tolist() == [2, 3]


def test_where_all_err_a_film_of_more_genres_comes_first():
    films = films_of(["War"], ["War"], ["War", "Drama"], ["Comedy"])
    member = found(films, "poster-cnn", [["Action", "Romance", "Horror"]] * 3 + [["Comedy"]])
    right, wrong, all_err = choose_films(films, [member], n=3)
    assert (right, wrong, all_err) == (3, 0, 2)


def test_a_card_names_each_members_top_three_and_the_truth(five):
    films, probabilities = five
    texts = words(film_cards(films, probabilities, rows=[3]))
    assert {"overview", *NAMES, "tt3", "A plot.", "no poster", "truth", "Action, War"} <= set(texts)
    assert texts.count("✓ Action") == texts.count("✓ War") == 2
    assert texts.count("Comedy") == texts.count("Romance") == 2
    assert texts.count("0.75") == texts.count("0.50") == texts.count("0.25") == 3


def test_a_true_genre_is_marked_by_a_tick_and_in_bold_too(five):
    marked = {"✓ Action": "bold", "✓ War": "bold", "Drama": "normal"}
    texts = film_cards(*five, rows=[0]).findobj(Text)
    assert {text.get_text(): text.get_weight() for text in texts if text.get_text() in marked} == marked


def test_long_genre_names_fit_and_longer_ones_keep_their_start():
    genres = ["Documentary", "Reality-TV", "Autobiographical"]
    films = Films(["tt0"], [""], [""], [[1, 1, 1]], genres, "test")
    texts = words(film_cards(films, [GenreProbabilities(["tt0"], films.genres, [[0.3, 0.2, 0.1]], "fused")]))
    assert {"✓ Documentary", "✓ Reality-TV"} <= set(texts)
    assert any(text.startswith("✓ Autobio") and text.endswith("…") for text in texts)


def test_bars_are_as_long_as_the_probabilities(five):
    films, [member, *_] = five
    axes = film_cards(films, [member], rows=[0]).axes[0]
    *_, track1, bar1, track2, bar2, track3, bar3 = axes.patches
    lengths = [bar.get_width() / track1.get_width() for bar in (bar1, bar2, bar3)]
    assert np.allclose(lengths, [0.75, 0.5, 0.25])
    assert track1.get_width() == track2.get_width() == track3.get_width()


def test_a_member_with_nothing_to_read_says_so():
    films = films_of(["War"], overviews=[""])
    lacking = [found(films, name, [None]) for name in ("poster-cnn", "overview-lstm", "mine")]
    texts = words(film_cards(films, lacking))
    assert {"no poster:\nnothing to read", "no overview:\nnothing to read", "nothing to read"} <= set(texts)
    assert {"no poster", "no overview"} <= set(texts)


def test_a_film_of_no_genre_has_the_truth_none():
    films = films_of([])
    assert "none" in words(film_cards(films, [found(films, "fused", [["War"]])]))


def test_long_overviews_end_in_an_ellipsis():
    films = films_of(["War"], ["War"], overviews=["I am " * 31, "I am " * 30])
    texts = words(film_cards(films, [found(films, "fused", [["War"]] * 2)]))
    long, whole = [" ".join(text.split()) for text in texts if text.startswith("I am")]
    assert sorted([long, whole], key=len) == ["I am " * 29 + "I am", "I am " * 29 + "I am…"]


@pytest.mark.parametrize(
    "overview",
    ["$\\frac{ costs $5, or $$10 $", "東京で" * 200, "W" * 900, "😀 Ünïcödé \u202e <b>&amp;</b>\n\n{} %s"],
)
def test_hostile_text_is_drawn_as_it_is_and_stays_in_its_column(tmp_path, overview):
    films = films_of(["War"], overviews=[overview])
    member = found(films, "$x_$ and a name that is far too long", [["War"]])
    figure = film_cards(films, [member])
    start = overview.split()[0][:3]
    text = next(text for text in figure.findobj(Text) if text.get_text().startswith(start))
    column = next(text for text in figure.findobj(Text) if text.get_text().startswith("$x_$"))
    assert text.get_text().count("\n") < 10
    with boxes_for_glyphs():
        assert text.get_window_extent().x1 <= column.get_window_extent().x0
    save_figure(figure, tmp_path / "cards.png")


def test_nothing_leaves_the_picture_of_one_member():
    films = films_of(list(GENRES))
    figure = film_cards(films, [found(films, "fused", [["War"]])])
    figure.draw_without_rendering()
    edge = figure.bbox
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        assert not text.get_text() or (edge.x0 <= box.x0 and box.x1 <= edge.x1)


def test_posters_are_drawn_in_their_shape_and_unreadable_ones_are_missing(tmp_path):
    Image.new("RGB", (90, 60), "red").save(tmp_path / "wide.jpg")
    Image.new("CMYK", (60, 90)).save(tmp_path / "tall.jpg")
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "wide.jpg").read_bytes()[:200])
    (tmp_path / "text.png").write_text("no picture")
    posters = [tmp_path / name for name in ("wide.jpg", "tall.jpg", "broken.jpg", "text.png", "gone.jpg")]
    films = films_of(*[["War"]] * 5, posters=posters)
    figure = film_cards(films, [found(films, "fused", [["War"]] * 5)], rows=range(5))
    shapes = [image.get_window_extent() for image in figure.axes[0].images]
    assert np.allclose([shape.width / shape.height for shape in shapes], [1.5, 2 / 3])
    assert words(figure).count("no poster") == 3


def test_made_films_are_drawn_with_their_posters(made, tmp_path):
    films, probabilities = made
    figure = film_cards(films, probabilities)
    save_figure(figure, tmp_path / "cards.png")
    assert len(figure.axes[0].images) == 4
    with Image.open(tmp_path / "cards.png") as image:
        assert image.size == tuple(int(150 * inches) for inches in figure.get_size_inches())


def test_real_films_are_drawn(real_films, tmp_path):
    films = Films.read(real_films / "films.csv", posters=real_films / "posters")
    films = films.take(range(6)).with_role("test")
    prevalence = np.tile(films.genres.prevalence(films.labels), (6, 1))
    member = GenreProbabilities(films.ids, films.genres, prevalence, "prevalence", "test")
    figure = film_cards(films, [member], rows=range(6))
    save_figure(figure, tmp_path / "cards.png")
    assert len(figure.axes[0].images) == 6


@pytest.mark.parametrize("role", ["train", "validation", "calibration"])
def test_films_that_something_learned_from_are_no_examples(role):
    films = films_of(["War"], role=role)
    for seen in (films, films.with_role(None)):
        learned = [found(films, "fused", [["War"]], role=role)]
        with pytest.raises(InputError, match=f"got role='{role}' with fused; pass the test split"):
            film_cards(seen, learned)
        with pytest.raises(InputError, match="only where nothing learned from them"):
            choose_films(seen, learned)


def test_films_from_elsewhere_are_shown():
    films = films_of(["War"], role=None)
    assert film_cards(films, [found(films, "fused", [["War"]], role=None)]).axes


def test_probabilities_of_other_films_are_refused(five):
    films, probabilities = five
    with pytest.raises(InputError, match="same films"):
        film_cards(films.take([0, 1]), probabilities)


def test_at_least_one_member_is_needed(five):
    with pytest.raises(InputError, match="probabilities of at least one member, got none"):
        film_cards(five[0], [])


@pytest.mark.parametrize("rows", [[], [0] * 7, [[0]]])
def test_one_to_six_films_are_shown(five, rows):
    with pytest.raises(InputError, match="shows 1 to 6 films, got rows of shape"):
        film_cards(*five, rows=rows)


@pytest.mark.parametrize("rows", [[6], [-1], [0.5], [True]])
def test_rows_are_positions(five, rows):
    with pytest.raises(InputError, match="rows must be positions from 0 to 5, got"):
        film_cards(*five, rows=rows)
