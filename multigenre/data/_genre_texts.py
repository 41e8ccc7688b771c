"""Genres as cells name them: lists, JSON, Python text, dictionaries, or names joined by a mark."""

import ast
import json
import re
import unicodedata
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from multigenre._checks import InputError, some
from multigenre.data._notes import Notes
from multigenre.data._texts import NO_GENRE, is_placeholder

# Marks between genres, those first that names themselves hold least.
MARKS = ("|", ";", "、", "，", "•", "·", "\n", "\t", ",", "/", " - ", "+")
IN_NAMES = (
    "/",
    " - ",
    "+",
)  # Sci-Fi/Fantasy may be one name: these split only what is found without them too
NAMED_BY = (
    "name",
    "genre",
    "label",
    "title",
    "description",
    "value",
    "tag",
)  # keys of a dictionary that is a genre
# Names that genres of films, books and games commonly have: where a table itself does not say what is a genre.
COMMON = frozenset({
    "action", "adventure", "animation", "anime", "arts", "biography", "business", "casual", "children",
    "children's", "childrens", "classics", "comedy", "comics", "contemporary", "cooking", "crime", "cult", "disaster",
    "documentary", "drama", "education", "erotic", "erotica", "family", "fantasy", "fiction", "film-noir", "film noir",
    "game-show", "gothic", "graphic novels", "historical", "historical fiction", "history", "horror", "humor", "imax",
    "indie", "kids", "literature", "magic", "martial arts", "massively multiplayer", "memoir", "music", "musical",
    "mystery", "nature", "news", "noir", "nonfiction", "non-fiction", "novels", "paranormal", "parody", "philosophy",
    "picture books", "platformer", "poetry", "politics", "psychology", "puzzle", "racing", "reality", "reality-tv",
    "religion", "rock", "romance", "romantic comedy", "rpg", "role-playing", "satire", "sci-fi", "sci-fi & fantasy",
    "science", "science fiction", "science-fiction", "shooter", "short", "short stories", "simulation", "slasher",
    "soap", "spirituality", "sport", "sports", "spy", "strategy", "superhero", "supernatural", "suspense", "talk",
    "talk-show", "thriller", "travel", "true crime", "tv movie", "vampires", "war", "western", "young adult", "zombie",
})  # fmt: skip


def folded(name: str) -> str:
    r"""Return what spellings of one genre share: without case, in composed letters, with single spaces.

    >>> folded("Com\u0065\u0301die\u00a0 Noire") == folded("comédie noire")
    True
    """
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def genre_names(
    values: Iterable[object],
    ids: Sequence[str] | np.ndarray,
    notes: Notes,
    *,
    apart: str | None = None,
    placeholders: bool = True,
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Return the genre names of each distinct cell, and which of these each film has.

    Parameters
    ----------
    values : iterable, length n_films
        Texts, lists, arrays, dictionaries or numbers; None and NaN where missing.
    ids : sequence of str, length n_films
        Name films in errors.
    notes : Notes
    apart : str, optional
        The mark between names. Default: found in the cells.
    placeholders : bool
        Whether cells such as ``(no genres listed)`` name no genre.

    Returns
    -------
    names : list of tuple of str, length n_cells
    codes : ndarray of shape (n_films,), int
        From 0 to n_cells - 1.

    Raises
    ------
    InputError
        If a cell cannot be read as names of genres.
    """
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.StringDtype):
        codes, distinct = pd.factorize(values.fillna(""))
        distinct = distinct.tolist()
    else:
        keys = np.empty(len(ids), object)
        keys[:] = [_key(value) for value in values]
        codes, distinct = pd.factorize(keys)
    counts = np.bincount(codes, minlength=len(distinct)).tolist()
    names: list = [None] * len(distinct)
    joined = {}
    for place, cell in enumerate(distinct):
        if isinstance(cell, tuple):
            names[place] = cell
            continue
        text = cell.strip()
        if not text or (placeholders and is_placeholder(text)):
            if text:
                notes.placeholders[text] += counts[place]
            names[place] = ()
        elif apart is None and text[0] in "[{(" and (found := listed(text)) is not None:
            names[place] = found
        elif apart is None and text[0] in "[{":
            film = ids[int((codes == place).argmax())]
            raise InputError(
                f"the genres of film {film} must be a list such as ['Comedy', 'Drama'], got {text[:80]!r}."
            )
        else:
            joined[place] = text
    split = _splitter(joined.values(), [counts[place] for place in joined], notes, apart)
    for place, text in joined.items():
        names[place] = split(text)
    return [_kept(found, counts[place], notes, placeholders) for place, found in enumerate(names)], codes


def _key(value):
    """Return a cell as a text, or as a tuple of names where it is more than one."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray, dict)):
        return tuple(_flat(value))
    return "" if pd.isna(value) else _number(value)


def _number(value):
    return str(int(value)) if isinstance(value, (float, np.floating)) and value == int(value) else str(value)


def _flat(value):
    """Yield the names in a value of lists, dictionaries, texts and numbers."""
    if isinstance(value, (str, bytes)):
        yield value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    elif isinstance(value, dict):
        yield from _of_dictionary(value)
    elif isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        for one in value:
            yield from _flat(one)
    elif value is not None and not pd.isna(value):
        yield _number(value)


def _of_dictionary(value):
    by = next((key for key in value if str(key).casefold() in NAMED_BY), None)
    if by is not None:
        yield from _flat(value[by])
    elif all(isinstance(name, str) for name in value.values()):  # as Freebase writes them: by its own id
        yield from value.values()
    else:  # what each name is worth, as Steam counts tags: votes, or true and false
        yield from (str(name) for name, worth in value.items() if worth)


def listed(text: str) -> tuple[str, ...] | None:
    """Return the names in a list that is written as text, or None where it is none."""
    if re.search(
        r"""['"]\s+['"]""", text
    ):  # as NumPy prints arrays; Python would join 'A' 'B' to the one name AB
        pattern = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
        if not re.sub(pattern, "", text[1:-1]).strip(" \n,"):
            return tuple(one or other for one, other in re.findall(pattern, text))
    for read in (json.loads, python_value):
        try:
            return tuple(_flat(read(text)))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    if re.fullmatch(r"\[[^\[\]{}'\"]*\]", text):  # [Drama, War], without quotes
        return tuple(text[1:-1].split("," if "," in text or ";" not in text else ";"))
    return None


def python_value(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of backslashes that mean nothing
        return ast.literal_eval(text)


def _splitter(texts: Iterable[str], counts, notes, apart) -> Callable[[str], tuple[str, ...]]:
    """Return what splits joined names: the marks are chosen from all the cells of a column together."""
    texts = list(texts)
    if apart is not None:
        return lambda text: tuple(text.split(apart))
    cells = Counter(dict(zip(texts, counts, strict=True)))
    marked = {mark: sum(count for text, count in cells.items() if mark in text) for mark in MARKS}
    any_mark = sum(count for text, count in cells.items() if any(mark in text for mark in MARKS))
    # One odd cell does not choose for the others.
    may_be = [mark for mark in MARKS if mark not in IN_NAMES and marked[mark]]
    first = next((mark for mark in may_be if marked[mark] >= 0.01 * any_mark), None)
    if first is not None:
        notes.facts["genres_apart"] = first
    parts = {text: text.split(first) if first else [text] for text in texts}
    others = [mark for mark in MARKS if mark != first and marked[mark]]
    if not others:
        return lambda text: tuple(parts[text])
    in_cells = defaultdict(set)  # the cells in which what may be a name stands alone, or between any marks
    pieces = re.compile("|".join(map(re.escape, MARKS)))
    for text in texts:
        for piece in pieces.split(text):
            in_cells[folded(piece)].add(text)
    whole, split = Counter(), Counter()

    def split_more(part: str) -> list[str]:
        more = [part]
        for mark in others:
            more = [piece for one in more for piece in _split_if(one, mark)]
        return more

    def _split_if(part, mark):
        pieces = [folded(piece) for piece in part.split(mark)]
        if len(pieces) < 2 or is_placeholder(part):
            return [part]
        # A name of its own where its pieces are found nowhere else.
        if all(not piece or piece in COMMON or len(in_cells[piece]) > 1 for piece in pieces):
            split[mark] += 1
            return part.split(mark)
        whole[part.strip()] += 1
        return [part]

    found = {text: tuple(piece for part in parts[text] for piece in split_more(part)) for text in texts}
    if split and first is None:
        notes.facts["genres_apart"] = split.most_common(1)[0][0]
    if whole:
        names = some([repr(name) for name, _ in whole.most_common()])
        notes.warn(
            f"{len(whole)} genres hold a mark that joins others ({names}): they are taken as one name each; say "
            "--genres-apart MARK to split them, or --map FILE to rename them."
        )
    return found.__getitem__


def _kept(found, count, notes, placeholders):
    names = tuple(dict.fromkeys(" ".join(name.split()) for name in found if name.strip()))
    if not placeholders:
        return names
    # Alone in a list, unknown says that there is none; beside others it may be a name.
    empty = NO_GENRE if len(names) == 1 else {"nan", "none", "null", r"\n", "<na>", "(no genres listed)"}
    for name in names:
        if name.casefold() in empty:
            notes.placeholders[name] += count
    return tuple(name for name in names if name.casefold() not in empty)
