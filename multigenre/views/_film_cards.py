"""A few films as a picture: poster, overview, each member's most probable genres, and the truth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from multigenre._checks import InputError, check_truth, some
from multigenre.data import Films, GenreProbabilities, read_poster
from multigenre.views._drawing import BLUE, FONT, literal, wrapped

INK, GREY, PALE, BAND = "#1a1a1a", "#6b6b6b", "#e3e3e3", "#f1f6fb"

# In inches from the top left; 8 points stay legible when four columns of genres are shown 900 pixels wide.
MARGIN, GAP, HEAD, FOOT, CARD, ROW = 0.12, 0.2, 0.36, 0.3, 1.45, 1.68
POSTER, OVERVIEW, GENRES, SIZE = 0.97, 2.4, 1.34, 8
MOST_FILMS, MOST_WORDS, MOST_LINES, TOP = 6, 60, 10, 3


def choose_films(films: Films, probabilities: list[GenreProbabilities], *, n: int = 4) -> np.ndarray:
    """Choose films that show where each member is right, where fusing helped, and where nothing did.

    A film is judged by how many of its genres are among the three that a member finds most probable. One film
    each, in this order, and again from the start when ``n`` asks for more:

    1. the first member finds most more than any other member;
    2. another member finds most more than the first;
    3. the fused probabilities find most more than the best member or, where they never do, than the members'
       mean (where there are some named ``"fused"``);
    4. all err: the best of them finds least, of most genres;
    5. the best member finds most more than the fused probabilities: fusing lost it.

    The first film in the order of the table wins ties, so no film is picked for its looks. Films without a
    genre, or that a member cannot read, come only when no other film is left.

    Parameters
    ----------
    films : Films
        With genres; of the test split, or films from elsewhere.
    probabilities : list of GenreProbabilities
        Of these films, by each member, and by ``"fused"``.
    n : int
        How many films; all, where there are fewer.

    Returns
    -------
    ndarray of int
        Positions in ``films``, in the order above.

    Raises
    ------
    InputError
        If the films, or the probabilities of them, come from films that something learned from, or they are
        not about the same films and genres.
    """
    _check_examples(films, probabilities)
    found = np.array([_found(one, films.labels) for one in probabilities])
    fused = np.array([one.name == "fused" for one in probabilities])
    members = found[~fused] if (~fused).any() else found
    first, others, best = members[0], members[1:].max(axis=0, initial=0), members.max(axis=0)
    # Tenths decide only between films that are equal in whole genres.
    missed = np.minimum(films.labels.sum(axis=1, dtype=int), TOP) / 10 - found.max(axis=0)
    questions = [first - others, others - first, missed]
    if fused.any():
        gain = found[fused][0] - best + (found[fused][0] - members.mean(axis=0)) / 10
        questions = [*questions[:2], gain, missed, -gain]
    fair = films.labels.any(axis=1) & np.all([one.present for one in probabilities], axis=0)

    chosen = []
    for turn in range(min(n, len(films))):
        order = np.lexsort((-questions[turn % len(questions)], ~fair))
        chosen.append(next(row for row in order if row not in chosen))
    return np.array(chosen, int)


def film_cards(
    films: Films, probabilities: list[GenreProbabilities], *, rows: Sequence[int] | np.ndarray | None = None
) -> Figure:
    """Draw a few films: poster, overview, and the three genres that each member finds most probable.

    A true genre is in bold with a tick; all true genres stand beneath. A poster that is missing or cannot be
    decoded is an empty frame, and a member without anything to read says so.

    Parameters
    ----------
    films : Films
        With genres; of the test split, or films from elsewhere.
    probabilities : list of GenreProbabilities
        Of these films, by each member, and by ``"fused"``; one column each, in this order.
    rows : sequence of int, optional
        Positions of 1 to 6 films. Default: `choose_films`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        As `choose_films`, and if ``rows`` are not 1 to 6 positions of films.
    """
    _check_examples(films, probabilities)
    rows = np.asarray(choose_films(films, probabilities) if rows is None else rows)
    if rows.ndim != 1 or not 1 <= len(rows) <= MOST_FILMS:
        raise InputError(f"film_cards shows 1 to {MOST_FILMS} films, got rows of shape {rows.shape}.")
    if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(films):
        raise InputError(f"rows must be positions from 0 to {len(films) - 1}, got {some(rows, MOST_FILMS)}.")

    words_left = MARGIN + POSTER + GAP
    lefts = words_left + OVERVIEW + GAP + (GENRES + GAP) * np.arange(len(probabilities))
    width, height = lefts[-1] + GENRES + GAP / 2, HEAD + ROW * len(rows) + FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    _heading(axes, words_left, OVERVIEW, "overview")
    for left, one in zip(lefts, probabilities, strict=True):
        _heading(axes, left, GENRES, one.name)
        if one.name == "fused":
            _bar(axes, left - GAP / 2, 0, GENRES + GAP, height - FOOT, BAND)
    tops = HEAD + ROW * np.arange(len(rows))
    axes.hlines(tops, MARGIN, width - MARGIN, color=PALE, linewidth=0.8)
    for top, row in zip(tops + (ROW - CARD) / 2, rows, strict=True):
        film = films.take([row])
        true = film.genres.decode(film.labels)[0]
        _poster(axes, MARGIN, top, film.posters[0])
        heading = wrapped(film.headings[0], OVERVIEW, lines=1, size=SIZE - 1)
        _write(axes, words_left, top, heading, color=GREY, fontsize=SIZE - 1)
        _overview(axes, words_left, top + 0.16, film.overviews[0])
        for left, one in zip(lefts, probabilities, strict=True):
            _most_probable(axes, left, top, one.take([row]), true)
        truth, room = ", ".join(true) or "none", width - lefts[0] - 0.5
        truth = wrapped(truth, room, lines=2, size=SIZE, weight="bold")
        _write(axes, lefts[0], top + CARD, "truth" + "\n" * truth.count("\n"), color=GREY, va="bottom")
        _write(axes, lefts[0] + 0.4, top + CARD, truth, weight="bold", va="bottom")
    note = "The three most probable genres, with their probabilities.  ✓ and bold: a true genre of the film."
    note = wrapped(note, width - words_left - MARGIN, lines=2, size=SIZE - 1)
    _write(axes, words_left, height - FOOT / 2, note, color=GREY, va="center", fontsize=SIZE - 1)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return literal(figure)


def _check_examples(films, probabilities):
    """Raise unless these are probabilities of these films, and nothing learned from the films."""
    if not len(probabilities):
        raise InputError("Films are shown with the probabilities of at least one member, got none.")
    for one in probabilities:
        check_truth(one, films, "A picture of films")
        for role in (films.role, one.role):
            if role in ("train", "validation", "calibration"):
                raise InputError(
                    f"Films are shown as examples only where nothing learned from them, got role={role!r} "
                    f"with {one.name}; pass the test split."
                )


def _found(one, labels):
    """Return how many genres of each film are among its three most probable: (n_films,), 0 if not present."""
    top = np.argsort(-one.values, axis=1, kind="stable")[:, :TOP]
    return np.where(one.present, np.take_along_axis(labels, top, axis=1).sum(axis=1, dtype=int), 0)


def _heading(axes, left, width, name):
    text = wrapped(name, width, lines=2, size=SIZE, weight="bold")
    _write(axes, left, HEAD / 2, text, weight="bold", va="center", color=BLUE if name == "fused" else INK)


def _poster(axes, left, top, path):
    """Draw a poster, fitted into its place, or a frame that says that there is none."""
    image = read_poster(path, size=(300, 450))
    if image is None:
        _bar(axes, left, top, POSTER, CARD, PALE)
        _write(axes, left + POSTER / 2, top + CARD / 2, "no poster", color=GREY, ha="center", va="center")
        return
    width, height = np.array(image.size) * min(POSTER / image.width, CARD / image.height)
    left += (POSTER - width) / 2
    axes.imshow(image, extent=(left, left + width, top + height, top), interpolation="lanczos", zorder=2)


def _overview(axes, left, top, overview):
    words = overview.split()
    text = " ".join(words[:MOST_WORDS]) + ("…" if len(words) > MOST_WORDS else "")
    style = {"color": INK} if words else {"color": GREY, "style": "italic"}
    text = wrapped(text or "no overview", OVERVIEW, lines=MOST_LINES, size=SIZE)
    _write(axes, left, top, text, linespacing=1.25, **style)


def _most_probable(axes, left, top, one, true):
    """Draw one member's three most probable genres of one film, those that are true marked."""
    if not one.present[0]:
        reasons = {"poster": "no poster:\n", "overview": "no overview:\n"}
        text = reasons.get(one.name.split("-")[0], "") + "nothing to read"
        _write(axes, left, top, text, color=GREY, style="italic", linespacing=1.3)
        return
    for name, value in one.top(TOP)[0]:
        right = name in true
        style = {"color": BLUE, "weight": "bold"} if right else {"color": INK, "weight": "normal"}
        text = f"✓ {name}" if right else name
        text = wrapped(text, GENRES - 0.34, lines=1, size=SIZE, weight=style["weight"])
        _write(axes, left, top, text, **style)
        _write(axes, left + GENRES, top, f"{value:.2f}", ha="right", **style)
        _bar(axes, left, top + 0.17, GENRES, 0.08, PALE)
        _bar(axes, left, top + 0.17, GENRES * value, 0.08, BLUE if right else GREY)
        top += 0.4


def _bar(axes, left, top, width, height, color):
    axes.add_patch(Rectangle((left, top), width, height, facecolor=color, linewidth=0))


def _write(axes, x, y, text, *, va="top", **style):
    axes.text(x, y, text, va=va, zorder=3, **{"family": FONT, "fontsize": SIZE, "color": INK} | style)
