"""Pictures of made films: a palette and a motif by genre, and a title band."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIZE = (96, 144)  # width and height of a poster, px
# Drawn at twice the size and halved, which smooths edges; BAND is where the title band starts.
W, H, BAND = 192, 288, 234

# Top and bottom of the background, and the title's ink. The key "" is for no genre at all.
PALETTES = {
    "": [
        ((150, 160, 170), (95, 105, 125), (235, 230, 220)),
        ((190, 175, 165), (130, 110, 120), (250, 245, 235)),
        ((160, 175, 155), (100, 120, 115), (240, 240, 225)),
    ],
    "Action": [((40, 22, 20), (225, 95, 15), (255, 205, 50))],
    "Animation": [
        ((255, 205, 0), (255, 205, 0), (235, 30, 120)),
        ((0, 205, 120), (0, 205, 120), (255, 235, 0)),
        ((255, 70, 160), (255, 70, 160), (60, 255, 240)),
    ],
    "Comedy": [((255, 252, 240), (255, 228, 140), (225, 45, 60))],
    "Drama": [
        ((140, 128, 114), (62, 58, 62), (226, 216, 200)),
        ((112, 124, 140), (48, 54, 70), (222, 224, 230)),
        ((158, 124, 118), (70, 50, 58), (240, 220, 210)),
    ],
    "Family": [((140, 208, 250), (215, 240, 250), (35, 110, 70))],
    "Fantasy": [((48, 20, 92), (178, 96, 186), (255, 228, 150))],
    "Horror": [((6, 4, 6), (78, 6, 12), (205, 16, 22))],
    "Sci-Fi": [((4, 8, 36), (18, 66, 150), (140, 222, 255))],
    "Thriller": [((8, 26, 32), (28, 92, 96), (205, 228, 220))],
    "War": [((112, 116, 84), (66, 62, 44), (26, 26, 18))],
    "Western": [((246, 200, 120), (196, 104, 44), (74, 36, 16))],
}
# Left, up, right and down of a trunk from its foot, then of each arm's upright and the piece that joins it.
CACTUS = ((-6, 70, 6, -20), (-26, 40, -16, 14), (-26, 24, 0, 14), (16, 54, 26, 24), (0, 34, 26, 24))

ADJECTIVES = "LAST|LONG|QUIET|OTHER|BLUE|FIRST|LITTLE|SECOND|OPEN|LATE"
NOUNS = "ROAD|WINTER|HOUSE|RIVER|LETTER|SUMMER|STREET|GARDEN|MORNING|BRIDGE|ISLAND|DOOR"


def draw_poster(shown: Sequence[str] | np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Draw a poster.

    Parameters
    ----------
    shown : sequence of str
        The genres whose motifs are drawn; the last one sets the palette.
    rng : numpy.random.Generator

    Returns
    -------
    PIL.Image.Image
        RGB, `SIZE`.
    """
    palettes = PALETTES[shown[-1] if len(shown) else ""]
    colours = np.array(palettes[rng.integers(len(palettes))]) + rng.integers(-14, 15, (3, 3))
    top, bottom, ink = np.clip(colours, 0, 255)
    ramp = np.linspace(top, bottom, H).astype(np.uint8)
    image = Image.fromarray(np.repeat(ramp[:, None], W, axis=1))
    draw = ImageDraw.Draw(image, "RGBA")
    for genre in [genre for genre in MOTIFS if genre in shown] or [""]:
        MOTIFS.get(genre, _plain)(draw, rng)
    _title(draw, rng, tuple((bottom // 5).tolist()), tuple(np.maximum(ink, 190).tolist()))
    return image.reduce(2)


@lru_cache
def _font(size):
    return ImageFont.load_default(size)


def _title(draw, rng, paper, ink):
    """Draw the band with a made title and a credit."""
    adjective, noun = (words.split("|") for words in (ADJECTIVES, NOUNS))
    title = f"THE {adjective[rng.integers(len(adjective))]} {noun[rng.integers(len(noun))]}"
    draw.rectangle((0, BAND, W, H), fill=paper)
    size = next(size for size in (26, 23, 20, 17, 14) if _font(size).getlength(title) < W - 12)
    draw.text((W / 2, BAND + 22), title, font=_font(size), fill=ink, anchor="mm")
    draw.line((40, BAND + 39, W - 40, BAND + 39), fill=(*ink, 150))
    draw.text((W / 2, BAND + 46), "a made film", font=_font(10), fill=(*ink, 190), anchor="mm")


def _disc(draw, x, y, radius, fill):
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _star(draw, x, y, radii, n_points, fill, turn=0.0):
    """Draw a star whose corners lie at the two radii by turns."""
    angles = turn + np.arange(2 * n_points) * np.pi / n_points
    corners = np.tile(radii, n_points)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) + (x, y)
    draw.polygon(list(map(tuple, corners)), fill=fill)


def _plain(draw, rng):
    for x, y, radius in rng.integers((30, 40, 25), (W - 30, BAND - 40, 60), (3, 3)):
        _disc(draw, x, y, radius, (245, 240, 230, 60))


def _stars_and_planet(draw, rng):
    for x, y, size in rng.integers((0, 0, 1), (W, BAND, 3), (70, 3)):
        draw.rectangle((x, y, x + size, y + size), fill=(255, 255, 255, 220))
    x, y = rng.integers((110, 50), (150, 80))
    _disc(draw, x, y, 34, (60, 120, 200))
    _disc(draw, x - 9, y - 9, 22, (110, 175, 235))
    draw.ellipse((x - 58, y - 12, x + 58, y + 12), outline=(190, 230, 255), width=4)


def _desert(draw, rng):
    horizon = rng.integers(160, 178)
    _disc(draw, rng.integers(60, 130), horizon - 30, 40, (255, 236, 170))
    left = rng.integers(0, 100)
    mesa = [(left, horizon), (left + 14, horizon - 38), (left + 64, horizon - 38), (left + 84, horizon)]
    draw.polygon(mesa, fill=(150, 72, 34))
    draw.rectangle((0, horizon, W, BAND), fill=(122, 62, 26))
    x = rng.integers(24, 160)
    for left, up, right, down in CACTUS:
        draw.rounded_rectangle((x + left, horizon - up, x + right, horizon - down), 5, fill=(56, 34, 18))


def _battlefield(draw, rng):
    for x, y, radius in rng.integers((0, 120, 18), (W, 190, 40), (7, 3)):
        _disc(draw, x, y, radius, (40, 38, 30, 110))
    for x, y in rng.integers((20, 20), (150, 90), (3, 2)):
        draw.polygon([(x, y), (x + 30, y + 4), (x, y + 8)], fill=(26, 26, 18))
        draw.polygon([(x + 6, y - 12), (x + 16, y + 4), (x + 6, y + 20), (x + 10, y + 4)], fill=(26, 26, 18))
    draw.rectangle((0, 206, W, BAND), fill=(40, 38, 26))
    for x in range(0, W, 24):
        draw.line([(x, 196), (x + 24, 212), (x + 12, 190), (x, 212)], fill=(20, 20, 14), width=2)


def _castle(draw, rng):
    _disc(draw, 146, 48, 26, (255, 240, 190))
    for x, y in rng.integers((8, 8), (W - 8, 130), (14, 2)):
        _star(draw, x, y, (6, 2), 4, (255, 236, 170))
    x = rng.integers(20, 60)
    for left, top, width in ((0, 120, 24), (30, 90, 30), (66, 130, 24), (0, 165, 90)):
        draw.rectangle((x + left, top, x + left + width, BAND), fill=(38, 18, 66))
        if width < 90:
            roof = [(x + left - 5, top), (x + left + width / 2, top - 34), (x + left + width + 5, top)]
            draw.polygon(roof, fill=(90, 36, 120))


def _hill_and_house(draw, rng):
    draw.ellipse((-60, rng.integers(176, 190), W + 60, 330), fill=(96, 186, 84))
    x = rng.integers(20, 60)
    draw.rectangle((x, 150, x + 52, 196), fill=(255, 246, 226))
    draw.polygon([(x - 8, 152), (x + 26, 118), (x + 60, 152)], fill=(214, 72, 62))
    draw.rectangle((x + 20, 168, x + 34, 196), fill=(120, 74, 44))
    _disc(draw, 160, 34, 22, (255, 222, 84))


def _burst(draw, rng):
    x, y = rng.integers((70, 90), (122, 130))
    turn = rng.random()
    _star(draw, x, y, (104, 52), 13, (226, 78, 14), turn)
    _star(draw, x, y, (74, 38), 13, (255, 176, 30), turn)
    _star(draw, x, y, (42, 22), 13, (255, 244, 196), turn)
    for left in (-30, 10):
        slash = [(left, BAND), (left + 14, BAND), (left + 120, 0), (left + 112, 0)]
        draw.polygon(slash, fill=(16, 12, 12, 200))


def _eyes_and_tree(draw, rng):
    _disc(draw, rng.integers(40, 150), 56, 36, (168, 10, 16))
    draw.line([(0, BAND), (40, 150), (34, 90)], fill=(0, 0, 0), width=12)
    for end in rng.integers((4, 40), (130, 130), (8, 2)).tolist():
        draw.line([(38, 140), (44, 116), tuple(end)], fill=(0, 0, 0), width=4)
    x, y = rng.integers((100, 165), (150, 195))
    for side in (-1, 1):
        eye = [(x + 6 * side, y + 4), (x + 32 * side, y - 9), (x + 24 * side, y + 7)]
        draw.polygon(eye, fill=(255, 30, 24))


def _figures_in_rain(draw, rng):
    dark = (34, 32, 38)
    window = rng.integers(20, 110)
    for left, top in ((0, 0), (32, 0), (0, 44), (32, 44)):
        x, y = window + left, 46 + top
        draw.rectangle((x, y, x + 28, y + 40), fill=(240, 230, 215, 90))
    draw.rectangle((0, 216, W, BAND), fill=(38, 36, 40))
    places = rng.choice((40, 76, 116, 150), rng.integers(1, 4), replace=False)
    for x, top in zip(places, rng.integers(108, 136, len(places)), strict=True):
        draw.polygon([(x - 18, 218), (x - 13, top + 20), (x + 13, top + 20), (x + 18, 218)], fill=dark)
        draw.ellipse((x - 17, top + 12, x + 17, top + 40), fill=dark)
        _disc(draw, x, top, 13, dark)
    for x, y in rng.integers((0, 0), (W, 200), (30, 2)):
        draw.line((x, y, x - 3, y + 16), fill=(230, 230, 235, 110))


def _crosshair(draw, rng):
    for y in rng.integers(0, 40) + np.arange(0, 240, 48):
        draw.polygon([(0, y), (W, y - 60), (W, y - 48), (0, y + 12)], fill=(0, 10, 14, 120))
    x, y = rng.integers((60, 70), (132, 150))
    for radius in (46, 26):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(214, 236, 228), width=4)
    draw.line((x - 60, y, x + 60, y), fill=(214, 236, 228), width=3)
    draw.line((x, y - 60, x, y + 60), fill=(214, 236, 228), width=3)


def _creature(draw, rng):
    bright = [(255, 60, 60), (0, 190, 255), (255, 235, 0), (190, 60, 255), (60, 230, 80), (255, 130, 0)]
    bright = list(map(tuple, rng.permutation(bright).tolist()))
    for fill, (x, y) in zip(bright * 2, rng.integers((0, 0), (W, 120), (10, 2)), strict=False):
        _disc(draw, x, y, 12, fill)
    x = rng.integers(76, 116)
    draw.rounded_rectangle((x - 52, 112, x + 52, BAND + 40), 50, fill=bright[0])
    for eye in (x - 22, x + 22):
        _disc(draw, eye, 150, 20, (255, 255, 255))
        _disc(draw, eye + 4, 154, 9, (20, 20, 30))
    draw.chord((x - 24, 168, x + 24, 210), 0, 180, fill=(120, 10, 40))


def _confetti_and_smile(draw, rng):
    for x, y, hue in rng.integers((0, 0, 0), (W, BAND, 3), (46, 3)):
        draw.rectangle((x, y, x + 7, y + 4), fill=((230, 50, 70), (50, 140, 230), (70, 180, 90))[hue])
    x, y = rng.integers((50, 48), (142, 72))
    _disc(draw, x, y, 36, (255, 206, 40))
    for eye in (x - 12, x + 12):
        draw.ellipse((eye - 4, y - 17, eye + 4, y - 4), fill=(50, 34, 10))
    draw.chord((x - 23, y - 12, x + 23, y + 25), 0, 180, fill=(255, 255, 255), outline=(50, 34, 10), width=3)


# In drawing order: what lies behind comes first.
MOTIFS = {
    "Sci-Fi": _stars_and_planet,
    "Western": _desert,
    "War": _battlefield,
    "Fantasy": _castle,
    "Family": _hill_and_house,
    "Action": _burst,
    "Horror": _eyes_and_tree,
    "Drama": _figures_in_rain,
    "Thriller": _crosshair,
    "Animation": _creature,
    "Comedy": _confetti_and_smile,
}
