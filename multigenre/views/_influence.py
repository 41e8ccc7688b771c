"""Pictures of what moved a genre, words and places of the poster, and of how scores fall as films get damaged.

Every function returns a `matplotlib.figure.Figure`, which `multigenre.views.save_figure` writes.
"""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from PIL import Image

from multigenre._checks import InputError, some
from multigenre.data import read_poster
from multigenre.views._drawing import BLUE, FONT, MARKS, VERMILLION, boxes_for_glyphs, literal, wrapped

INK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#e3e3e3"
# In inches from the top left, and points.
MARGIN, GAP, HEAD, FOOT, WIDTH, HEIGHT = 0.15, 0.18, 0.5, 0.42, 1.24, 1.86
TEXT, LINE, SIZE, SMALL, LINES = 4.6, 0.31, 9, 6.5, 6
MINUS = "\N{MINUS SIGN}"
CELLS = 16  # places a side of a map, which pixels are added up to: single ones are too small to read
MOST_FILMS, NUMBERED, STRONG = 4, 6, 0.5

METRICS = {
    "bce": "binary cross-entropy (lower is better)",
    "map_macro": "average precision, macro",
    "map_micro": "average precision, micro",
    "f1_micro": "micro-F1",
    "f1_macro": "macro-F1",
    "f1_samples": "samples-F1",
    "brier": "Brier score (lower is better)",
    "ece": "calibration error (lower is better)",
}
SETTINGS = {
    "poster noise": "standard deviation, of the full range",
    "poster blur": "standard deviation, of the width",
    "poster dark": "share of the way to black",
    "poster bright": "share of the way to white",
    "poster jpeg": "share of the JPEG quality lost",
    "poster crop": "cut off at each side",
    "poster missing": "share of films; members: on the others",
    "overview words": "first words kept",
    "overview missing": "share of films; members: on the others",
}


def influence_cards(films, words, maps, genre, *, contender="fused"):
    """Draw films with what moved one genre: the poster, the map over it in grey, and the overview's words.

    Blue with a plus speaks for the genre, orange with a minus against it, the fuller the more. Colours are relative to
    the strongest word, and the strongest place, of the film; the strongest words have their log-odds beneath.

    Parameters
    ----------
    films : Films
        1 to 4.
    words : DataFrame
        As `multigenre.analysis.word_influence` gives it for these films or more.
    maps : PosterMaps
        Of these films or more; larger than 16 places a side it is added up to 16 where it can be.
    genre : str
    contender : str
        Whose words.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are no films or more than 4, or the table or the maps are not about them, the genre or the contender.
    """
    if not 1 <= len(films) <= MOST_FILMS:
        raise InputError(f"influence_cards shows 1 to {MOST_FILMS} films, got {len(films)}.")
    if unknown := [film for film in films.ids if film not in maps.ids]:
        raise InputError(f"The maps of {maps.name} lack {some(unknown)}; give the maps of these films.")
    words = words[(words["genre"] == genre) & (words["contender"] == contender) & words["position"].notna()]
    told = set(words["film"])
    if unknown := [film for film in films.ids[films.has_overview] if film not in told]:
        raise InputError(
            f"The table has no words of {contender} on {genre} for {some(unknown)}; give that of these films."
        )
    places = maps.coarse(CELLS) if maps.values.shape[2] % CELLS == 0 else maps
    row_height = HEIGHT + 0.36
    left = MARGIN + 2 * (WIDTH + GAP)
    width, height = left + TEXT + MARGIN, HEAD + row_height * len(films) + FOOT
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for x, room, title in (
        (MARGIN, WIDTH, "poster"),
        (MARGIN + WIDTH + GAP, WIDTH, f"{genre}: {maps.name}"),
        (left, TEXT, f"{genre}: words, {contender}"),
    ):
        _write(
            axes,
            x,
            HEAD / 2,
            wrapped(title, room, lines=2, size=SIZE, weight="bold"),
            weight="bold",
            va="center",
        )
    for row, film in enumerate(films.ids):
        top = HEAD + row_height * row
        axes.hlines(top, MARGIN, width - MARGIN, color=PALE, linewidth=0.8)
        _write(axes, left, top + 0.1, film, color=GREY, fontsize=SMALL + 0.5)
        [at] = np.flatnonzero(maps.ids == film)
        _poster(axes, top + 0.18, films.posters[row], places.of(genre)[at])
        _words(axes, left, top + 0.32, words[words["film"] == film].sort_values("position"))
    note = (
        f"Blue and +: speaks for {genre}.  Orange and {MINUS}: against it.  The fuller the more, of the film's "
        "strongest.  Numbers: log-odds that it moved."
    )
    note = wrapped(note, width - 2 * MARGIN, lines=2, size=SMALL + 0.5)
    _write(axes, MARGIN, height - FOOT / 2, note, color=GREY, fontsize=SMALL + 0.5, va="center")
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="auto")
    return literal(figure)


def _poster(axes, top, path, values):
    """Draw the poster, and beside it in pale grey with its map (size, size)."""
    image = read_poster(path) if path else None
    if image is None:
        for left in (MARGIN, MARGIN + WIDTH + GAP):
            axes.add_patch(Rectangle((left, top), WIDTH, HEIGHT, facecolor=PALE, linewidth=0))
            _write(
                axes, left + WIDTH / 2, top + HEIGHT / 2, "no poster", color=GREY, ha="center", va="center"
            )
        return
    scale = min(WIDTH / image.width, HEIGHT / image.height)
    width, height = image.width * scale, image.height * scale
    image.thumbnail((400, 600), Image.Resampling.LANCZOS)
    boxes = [(x, x + width, top + height, top) for x in (MARGIN, MARGIN + WIDTH + GAP)]
    axes.imshow(image, extent=boxes[0], interpolation="lanczos", zorder=2)
    grey = 0.6 + 0.4 * np.asarray(image.convert("L"), float) / 255
    axes.imshow(grey, extent=boxes[1], cmap="gray", vmin=0, vmax=1, interpolation="lanczos", zorder=2)
    strength = np.nan_to_num(_relative(values))
    colours = np.where(strength[..., None] > 0, to_rgb(BLUE), to_rgb(VERMILLION))
    tint = np.dstack([colours, 0.85 * np.abs(strength)])
    axes.imshow(tint, extent=boxes[1], interpolation="nearest", zorder=3)
    cells, strongest = len(values), _signed(values.ravel()[np.abs(np.nan_to_num(values)).argmax()], 2)
    caption = f"strongest place: {strongest}"
    _write(axes, boxes[1][0], top + height + 0.04, caption, color=GREY, fontsize=SMALL)
    for line, column in np.argwhere(np.abs(strength) > STRONG):
        x = boxes[1][0] + (column + 0.5) * width / cells
        y = top + (line + 0.5) * height / cells
        sign = "+" if strength[line, column] > 0 else MINUS
        _write(axes, x, y, sign, color="white", weight="bold", ha="center", va="center", fontsize=SMALL)


def _words(axes, left, top, words):
    """Write the words one after another, tinted by how far each moved the genre."""
    if not len(words):
        _write(axes, left, top, "no overview", color=GREY, style="italic")
        return
    changes = words["change"].to_numpy(float, na_value=np.nan)
    strength = np.nan_to_num(_relative(changes))
    numbered = set(np.argsort(-np.abs(strength), kind="stable")[:NUMBERED]) & set(np.flatnonzero(strength))
    font, x, line = FontProperties(family=FONT, size=SIZE), 0.0, 0
    for place, word in enumerate(words["word"]):
        shown = wrapped(word, TEXT - 0.2, lines=1, size=SIZE)
        with boxes_for_glyphs():
            width = text_to_path.get_text_width_height_descent(shown, font, False)[0] / 72
        if x and x + width > TEXT:
            x, line = 0.0, line + 1
        y = top + line * LINE
        if line == LINES:
            _write(
                axes,
                left,
                y,
                f"… and {len(words) - place} more words",
                color=GREY,
                style="italic",
                fontsize=SMALL + 1,
            )
            return
        colour = BLUE if strength[place] > 0 else VERMILLION
        alpha = 0.55 * abs(strength[place])
        box = Rectangle(
            (left + x - 0.02, y - 0.02), width + 0.04, 0.17, facecolor=colour, alpha=alpha, linewidth=0
        )
        axes.add_patch(box)
        _write(axes, left + x, y, shown)
        if place in numbered:
            text = _signed(changes[place], 1)
            _write(
                axes,
                left + x + width / 2,
                y + 0.16,
                text,
                color=colour,
                ha="center",
                fontsize=SMALL,
                weight="bold",
            )
        x += width + 0.06


def _signed(value, digits):
    return f"{value:+.{digits}f}".replace("-", MINUS)


def _write(axes, x, y, text, *, va="top", **style):
    axes.text(x, y, text, va=va, zorder=4, **{"family": FONT, "fontsize": SIZE, "color": INK} | style)


def _relative(values):
    """Return values relative to the largest, in [-1, 1]; 0 where all are, NaN where not known."""
    largest = np.nanmax(np.abs(values), initial=0)
    return values / largest if largest > 0 else np.zeros_like(values)


def robustness_curves(table, *, metric="map_macro"):
    """Draw how one score falls with the damage, a panel a damage and a line a contender, with its intervals.

    Parameters
    ----------
    table : DataFrame
        As `multigenre.analysis.robustness_table` gives it.
    metric : str
        Of the table's.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the table has no such metric, or more members than can be told apart.
    """
    known = list(table["metric"].unique())
    if metric not in known:
        raise InputError(f"The table has the metrics {some(known, 9)}, got {metric!r}.")
    table = table[table["metric"] == metric]
    names = list(table["contender"].unique())
    members = [name for name in names if name not in ("prevalence", "fused")]
    if len(members) > len(MARKS):
        raise InputError(f"robustness_curves shows at most {len(MARKS)} members, got {len(members)}.")
    styles = {
        name: {"color": color, "marker": mark} for name, (color, mark) in zip(members, MARKS, strict=False)
    }
    styles["fused"] = {"color": "black", "marker": "D", "linewidth": 2}
    styles["prevalence"] = {"color": "0.45", "linestyle": "--"}
    damages = list(table["damage"].unique())
    columns = min(3, len(damages))
    rows = -(-len(damages) // columns)
    figure = Figure(figsize=(3.1 * columns + 0.5, 2.5 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.ravel()[len(damages) :]:
        axes.set_axis_off()
    for axes, damage in zip(panels.ravel(), damages, strict=False):
        here = table[table["damage"] == damage]
        for place, name in enumerate(names):
            one = here[here["contender"] == name].sort_values("level")
            value, low, high = (one[end].to_numpy(float, na_value=np.nan) for end in ("value", "low", "high"))
            # A little apart, so that intervals do not hide each other.
            x = one["level"].to_numpy(float) + 0.04 * (place - (len(names) - 1) / 2)
            style = {"linewidth": 1.3, "markersize": 4, "elinewidth": 0.8} | styles[name]
            axes.errorbar(x, value, np.clip([value - low, high - value], 0, None), label=name, **style)
        settings = here.drop_duplicates("level").sort_values("level")
        labels = [
            "as is" if level == 0 else f"{setting:g}"
            for level, setting in settings[["level", "setting"]].values
        ]
        axes.set_xticks(settings["level"], labels)
        axes.set_title(damage, loc="left", fontsize=10, fontweight="bold")
        axes.set_xlabel(SETTINGS.get(damage, ""), fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supylabel(METRICS.get(metric, metric), fontsize=10)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(names), 5), frameon=False)
    return literal(figure)
