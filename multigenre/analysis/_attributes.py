"""What else is known of films, to slice errors by: length, what is missing, decade, how the poster looks."""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, ReadingRules, film_table, read_poster

DATES = ("year", "date", "release", "released")  # columns whose years are shown as decades
CHUNK = 128  # posters looked at together
LOOKED_AT = (48, 72)  # pixels of a poster
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of red, green and blue, ITU-R BT.709


def overview_words(films: Films) -> pd.Series:
    """Return how many words each overview has, a Series of Int64 by film id; <NA> without overview."""
    words = [len(overview.split()) or pd.NA for overview in films.overviews]
    return pd.Series(words, films.ids, "Int64", name="overview_words")


def modalities(films: Films) -> pd.Series:
    """Return what each film has, by film id: ``"both"``, ``"no poster"``, ``"no overview"`` or ``"neither"``."""
    names = np.array(["neither", "no overview", "no poster", "both"], object)
    return pd.Series(names[films.has_poster + 2 * films.has_overview], films.ids, name="modalities")


def decades(years: pd.Series) -> pd.Series:
    """Return the decade of years, numbers or texts that hold one, such as ``"1990s"``; <NA> where there is none.

    Parameters
    ----------
    years : Series by film id

    Returns
    -------
    Series of string, of the same index, named ``"decade"``

    Examples
    --------
    >>> decades(pd.Series(["1994", "(2001)", None], ["tt1", "tt2", "tt3"])).tolist()
    ['1990s', '2000s', <NA>]
    """
    found = [re.search(r"(?<!\d)(1[89]|20)\d\d(?!\d)", str(year)) for year in years]
    names = [f"{match.group()[:3]}0s" if match else pd.NA for match in found]
    return pd.Series(names, years.index, "string", name="decade")


def poster_looks(films: Films, *, progress: Progress = no_progress) -> pd.DataFrame:
    """Return how bright and how colourful the posters of films are, looked at in 48 x 72 pixels.

    Parameters
    ----------
    films : Films
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    DataFrame of float, indexed by film id
        ``poster brightness`` and ``poster colourfulness``, see `multigenre.analysis.poster_look`; NaN
        without a poster that can be read.
    """
    parts = [films.posters[start : start + CHUNK] for start in range(0, len(films), CHUNK)]
    looks, done = [np.empty((0, 2))], 0
    with ThreadPoolExecutor() as pool:
        for part in pool.map(_looks, parts):
            looks.append(part)
            done += len(part)
            progress("posters", done, len(films))
    return pd.DataFrame(np.concatenate(looks), films.ids, ["poster brightness", "poster colourfulness"])


def _looks(posters):
    """Return the looks of some posters' files, (n_posters, 2): of no more than memory should hold at once."""
    found = {row: image for row, path in enumerate(posters) if (image := _small(path)) is not None}
    looks = np.full((len(posters), 2), np.nan)
    if found:
        looks[list(found)] = poster_look(np.stack(list(found.values())), posters[list(found)]).to_numpy()
    return looks


def _small(path):
    image = read_poster(path, size=(300, 450))
    return None if image is None else np.asarray(image.resize(LOOKED_AT))


def poster_look(posters: np.ndarray, ids: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """Return how bright and how colourful posters are.

    Parameters
    ----------
    posters : ndarray of shape (n_films, height, width, 3), uint8
        Decoded, red, green, blue.
    ids : sequence of str, length n_films

    Returns
    -------
    DataFrame of float, indexed by film id
        ``brightness``, the mean luma, 0 for black and 1 for white. ``colourfulness``, Hasler and Suesstrunk's M3: 0
        for greys, about 15 for slightly, 45 for quite and 109 for extremely colourful pictures.

    Raises
    ------
    InputError
        If the posters are not such an array, or there are not as many ids.

    References
    ----------
    Hasler and Suesstrunk (2003), "Measuring colourfulness in natural images", SPIE 5007, section 7.

    Examples
    --------
    >>> red_and_white = np.array([[[[255, 0, 0], [255, 255, 255]]]], np.uint8)
    >>> poster_look(red_and_white, ["tt1"]).round(3)
         brightness  colourfulness
    tt1       0.606        185.314
    """
    posters = np.asarray(posters)
    if posters.ndim != 4 or posters.shape[3] != 3 or posters.dtype != np.uint8 or 0 in posters.shape[1:]:
        raise InputError(
            "Posters must be a uint8 array of shape (n_films, height, width, 3), "
            f"got {posters.dtype} of shape {posters.shape}."
        )
    if len(ids) != len(posters):
        raise InputError(f"Each poster needs its film's id, got {len(posters)} posters and {len(ids)} ids.")
    rows = []
    for start in range(0, max(len(posters), 1), CHUNK):
        pixels = posters[start : start + CHUNK].astype(np.float32)
        red, green, blue = np.moveaxis(pixels, 3, 0)
        opponents = np.stack([red - green, (red + green) / 2 - blue])
        spread = np.hypot(*opponents.std(axis=(2, 3), dtype=float))
        distance = np.hypot(*opponents.mean(axis=(2, 3), dtype=float))
        brightness = (pixels @ LUMA).mean(axis=(1, 2), dtype=float) / 255
        rows.append(np.stack([brightness, spread + 0.3 * distance], axis=1))
    return pd.DataFrame(np.concatenate(rows), list(ids), ["brightness", "colourfulness"])


def read_attributes(
    path: Pathlike,
    names: Sequence[str],
    *,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    rules: ReadingRules | None = None,
) -> pd.DataFrame | None:
    """Return columns of a table of films to slice by, indexed by film id; None without names.

    Years and dates become decades.

    Parameters
    ----------
    path : path
    names : sequence of str
        Columns to slice by.
    columns, rules
        As `multigenre.data.Films.read` takes them, so that films have the same ids.

    Raises
    ------
    InputError
        If the table has no such column.
    """
    if not names:
        return None
    try:
        table = film_table(path, columns=columns, rules=rules)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if unknown := [name for name in names if name not in table]:
        raise InputError(f"{path} has no column {some(unknown)}; it has {some(table.columns, most=40)}.")
    found = {}
    for name in names:
        values = table[name].astype(object).replace("", None)
        numbers = pd.to_numeric(values, errors="coerce")
        # A table in CSV holds texts; a column is of numbers if every filled cell is one.
        values = numbers if (numbers.notna() == values.notna()).all() else values
        found[name] = decades(values) if name.lower() in DATES else values
    return pd.DataFrame(found)


def quantile_bins(values: pd.Series, bins: int = 4) -> pd.Series:
    """Return numbers as ranges that hold about equal numbers of films, named ``"low to high"`` in their order.

    Parameters
    ----------
    values : Series of numbers by film id
        NaN and <NA> stay missing.
    bins : int

    Returns
    -------
    Series of ordered categorical, of the same index and name
        Each range is named by the least and greatest value in it, rounded to two digits of what all of them span,
        or more where that would not tell ranges apart. Ties share a range, so there may be fewer.

    Raises
    ------
    InputError
        If there is no bin.

    Examples
    --------
    >>> quantile_bins(pd.Series([1, 2, 3, 40]), 2).tolist()
    ['1 to 2', '1 to 2', '3 to 40', '3 to 40']
    """
    if bins < 1:
        raise InputError(f"Ranges of {values.name} need at least one bin, got {bins}.")
    numbers = values.astype("Float64").to_numpy(float, na_value=np.nan)
    known = np.isfinite(numbers)
    cuts = np.quantile(numbers[known], np.arange(1, bins) / bins) if known.any() else []
    place = np.where(known, np.searchsorted(cuts, numbers, side="left"), -1)
    ends = {
        one: (numbers[place == one].min(), numbers[place == one].max()) for one in np.unique(place[known])
    }
    span = np.ptp(numbers[known]) if known.any() else 0
    # Two digits of the span tell ranges apart, but for ones that are very unequal.
    digits = max(0, 1 - int(np.floor(np.log10(span)))) if span else 4
    for exact in range(digits, digits + 4):
        names = {one: _range(*pair, exact) for one, pair in ends.items()}
        if len(set(names.values())) == len(names):
            break
    kept = list(dict.fromkeys(names.values()))
    codes = np.full(bins + 1, -1)  # the last for what is missing, whose place is -1
    codes[list(names)] = [kept.index(name) for name in names.values()]
    return pd.Series(
        pd.Categorical.from_codes(codes[place], pd.Index(kept), ordered=True), values.index, name=values.name
    )


def _range(least, most, digits):
    """Return a range in words, without zeros at the end; a range of one value is that."""
    least, most = (
        # 0 is added so that nothing rounds to a zero below 0.
        f"{round(end, digits) + 0.0:.{digits or 1}f}".rstrip("0").rstrip(".")
        for end in (least, most)
    )
    return least if least == most else f"{least} to {most}"
