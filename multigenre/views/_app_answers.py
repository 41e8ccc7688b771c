"""What an ensemble answers about one film: its genres, who said what, and what leaving one out would change."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from multigenre._checks import InputError, some
from multigenre._signatures import Pathlike
from multigenre.data import Films, GenreProbabilities, inline_poster, open_poster
from multigenre.fusion import film_contributions

if TYPE_CHECKING:
    from multigenre.ensemble import GenreEnsemble, Prediction


FILM = "your film"  # the id of the one film


class FilmAnswer(NamedTuple):
    """What an ensemble answers about one film.

    ``film``: the `Films` of it. ``genres``: those named, a tuple of str. ``sentences``: the same and what else there is
    to know, a tuple of str. Three tables: ``probabilities`` (see `probability_table`), ``left_out`` (see
    `left_out_table`) and ``contributions`` (see `multigenre.fusion.film_contributions`).
    """

    film: Films
    genres: tuple[str, ...]
    sentences: tuple[str, ...]
    probabilities: pd.DataFrame
    left_out: pd.DataFrame
    contributions: pd.DataFrame


def film_answer(
    ensemble: GenreEnsemble, poster: Pathlike | np.ndarray | None = None, overview: str | None = ""
) -> FilmAnswer:
    """Return what an ensemble answers about one film.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    poster, overview
        As for `one_film`.

    Returns
    -------
    FilmAnswer

    Raises
    ------
    InputError
        As `one_film`.
    """
    film = one_film(poster, overview)
    prediction = ensemble.predict(film)
    left_out = left_out_table(ensemble, prediction)
    return FilmAnswer(
        film,
        prediction.genre_names()[0],
        tuple(_sentences(ensemble, film, prediction) + left_out_sentences(left_out)),
        probability_table(ensemble, prediction),
        left_out,
        film_contributions(ensemble.fusion_, list(prediction.members), ensemble.prevalence_),
    )


def one_film(poster: Pathlike | np.ndarray | None = None, overview: str | None = "") -> Films:
    """Return `Films` of one film.

    Parameters
    ----------
    poster : path, or array of shape (height, width, 3), uint8 in 0..255, or None
        An image file goes to the members as it is, so that they see what they see in a folder of posters.
    overview : str
        ``""`` or None where there is none.

    Returns
    -------
    Films
        Its id is ``"your film"``.

    Raises
    ------
    InputError
        If there is neither, or the poster cannot be read.
    """
    film = Films([FILM], [overview or ""], [_readable(poster)])
    if not (film.has_poster | film.has_overview).any():
        raise InputError("There is nothing to read yet; give a poster, an overview, or both.")
    return film


def _readable(poster):
    """Return a poster as `Films` take it, ``""`` for none; raise if it cannot be decoded."""
    if isinstance(poster, np.ndarray):
        if poster.dtype != np.uint8 or poster.ndim != 3 or poster.shape[2] != 3 or not poster.size:
            raise InputError(
                "A poster's pixels must be uint8 in 0..255 of shape (height, width, 3), "
                f"got {poster.dtype} of shape {poster.shape}."
            )
        file = io.BytesIO()
        Image.fromarray(poster).save(file, "png")
        return inline_poster(file.getvalue())
    if not poster:
        return ""
    try:
        open_poster(poster)
    except Exception as error:  # a damaged file can raise nearly anything in a decoder
        reason = str(error).replace(str(poster), "").strip(" :'\"") or type(error).__name__
        raise InputError(
            f"The poster {Path(poster).name} cannot be read as an image ({reason}); give a JPEG, PNG or WebP file."
        ) from error
    return str(poster)


def probability_table(ensemble: GenreEnsemble, prediction: Prediction) -> pd.DataFrame:
    """Return the probability of each genre by the fusion and by each member.

    Parameters
    ----------
    ensemble : GenreEnsemble
    prediction : Prediction
        Of one film.

    Returns
    -------
    DataFrame, one row a contender (``"fused"`` first) and genre
        ``contender``, ``genre``, ``probability`` (<NA> where the member had nothing to read), ``threshold``, ``named``:
        whether the contender alone would name the genre.
    """
    genres, tables = list(prediction.fused.genres), []
    cuts = ensemble.cuts(*prediction.members, prediction.fused)
    for one in (prediction.fused, *prediction.members):
        threshold = cuts[one.name].to_numpy()[0]
        facts = {
            "contender": one.name,
            "genre": genres,
            "probability": pd.array(one.values[0], "Float64"),
            "threshold": threshold,
            "named": one.values[0] >= threshold,
        }
        tables.append(pd.DataFrame(facts))
    return pd.concat(tables, ignore_index=True)


def left_out_table(ensemble: GenreEnsemble, prediction: Prediction) -> pd.DataFrame:
    """Return what the fusion would say if a modality, or one of several members that read it, were missing.

    Without them the fusion does, and is cut, as for films that lack them. What would leave nothing to fuse is not
    asked, nor what would leave members for which the fusion has no weights: it would use fewer of them.

    Parameters
    ----------
    ensemble : GenreEnsemble
    prediction : Prediction
        Of one film.

    Returns
    -------
    DataFrame, one row a thing left out and genre
        ``left_out``: a modality or the name of a member; ``members``: those missing, joined by ``+``; ``genre``;
        ``probability`` with all, ``without``; ``named`` with all, ``named_without``.
    """
    present = [member for member in prediction.members if member.present[0]]
    readers = defaultdict(list)
    for member in present:
        readers[ensemble.members_[member.name].modality].append(member.name)
    asked = dict(readers) | {name: [name] for names in readers.values() if len(names) > 1 for name in names}
    asked = {what: names for what, names in asked.items() if _can_go(ensemble.fusion_, present, names)}
    columns = ["left_out", "members", "genre", "probability", "without", "named", "named_without"]
    if not asked:
        return pd.DataFrame(columns=columns)
    rest = [_left_out(member, asked) for member in present]
    without = ensemble.fusion_.predict(rest)
    cuts = ensemble.cuts(without)["fused"]
    facts = [
        np.repeat(list(asked), len(without.genres)),
        np.repeat(["+".join(names) for names in asked.values()], len(without.genres)),
        np.tile(list(without.genres), len(asked)),
        np.tile(prediction.fused.values[0].astype(float), len(asked)),
        without.values.astype(float).ravel(),
        np.tile(prediction.labels.to_numpy(bool)[0], len(asked)),
        (without.values >= np.asarray(cuts)).ravel(),
    ]
    return pd.DataFrame(dict(zip(columns, facts, strict=True)))


def _can_go(fusion, present, names):
    """Return whether something is left, and the fusion uses all of that."""
    rest = [member.name for member in present if member.name not in names]
    return bool(rest) and fusion.uses_all(rest)


def _left_out(member, asked):
    """Return a member's probabilities of one film once for each thing left out, NaN where it is the member."""
    missing = np.array([member.name in names for names in asked.values()])
    values = np.where(missing[:, None], np.nan, member.values)
    return GenreProbabilities(list(asked), member.genres, values, member.name)


def left_out_sentences(table: pd.DataFrame) -> list[str]:
    """Return a sentence for each thing left out of `left_out_table`: which genres come and go."""
    sentences = []
    for what, rows in table.groupby("left_out", sort=False):
        lost = rows["genre"][rows["named"] & ~rows["named_without"]]
        gained = rows["genre"][~rows["named"] & rows["named_without"]]
        changes = [f"{some(lost, most=9)} would not be named"] if len(lost) else []
        changes += [f"{some(gained, most=9)} would be named"] if len(gained) else []
        said = " and ".join(changes) or "the same genres would be named"
        the = "the " if what in ("poster", "overview") else ""
        sentences.append(f"Without {the}{what}, {said}.")
    return sentences


def _sentences(ensemble, film, prediction):
    """Return what was named, and which members had nothing to say and why."""
    genres = prediction.genre_names()[0]
    found = [f"Named: {some(genres, most=len(genres))}."]
    if not genres:
        [[(genre, value)]] = prediction.fused.top(1)
        found = [f"No genre reaches its threshold; the most probable is {genre}, at {value:.2f}."]
    heard = {member.name for member in prediction.members if member.present[0]}
    if not heard:
        found.append(
            "No member could read what was given: these are the genres' shares of the training films."
        )
    here = {"poster": film.has_poster[0], "overview": film.has_overview[0]}
    silent = defaultdict(list)
    for name, member in ensemble.members_.items():
        if name not in heard:
            reason = "had nothing to say" if here.get(member.modality) else "had nothing to read"
            silent[reason, member.modality].append(name)
    for (reason, modality), names in silent.items():
        missing = f", as there is no {modality}" if modality in here and not here[modality] else ""
        found.append(f"{some(names, most=len(names))} {reason}{missing}.")
    return found


def marked_words(table: pd.DataFrame, genre: str, *, contender: str = "fused") -> list[tuple[str, float]]:
    """Return the words of one overview in order, each with how far it moved a genre.

    Parameters
    ----------
    table : DataFrame
        As `multigenre.analysis.word_influence` gives it, of one film.
    genre : str
    contender : str

    Returns
    -------
    list of (str, float)
        The word and its change in log-odds; 0 where that is not known.
    """
    rows = table[(table["genre"] == genre) & (table["contender"] == contender)].sort_values("position")
    changes = rows["change"].astype(float).fillna(0.0)
    return list(zip(rows["word"], changes, strict=True))
