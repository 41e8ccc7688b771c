"""Films worth looking at, for a page: which ones, why, what everyone said of them, and what is true."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.analysis import REASONS, film_reasons
from multigenre.data import Films, read_poster
from multigenre.fusion import BASE, film_contributions
from multigenre.scores import Contenders
from multigenre.views._marks import marked_places, marked_words, pieces

if TYPE_CHECKING:
    from multigenre.ensemble import GenreEnsemble


SHOWN, QUALITY = (132, 198), 68  # pixels; of JPEG, 1 to 95

MOST_FILMS, MOST_LETTERS, TOP = 120, 700, 3
MOST_PLACES = 40  # posters whose places are asked for: each is predicted 25 times more


def thumbnail(path: Pathlike) -> str | None:
    """Return a poster as the ``data:`` address of a JPEG of at most 132 x 198 pixels; None if it cannot be read."""
    image = read_poster(path, size=SHOWN)
    if image is None:
        return None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def gallery(
    ensemble: GenreEnsemble,
    contenders: Contenders,
    films: Films,
    tables: dict[str, pd.DataFrame],
    *,
    most: int = MOST_FILMS,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Return the films of a gallery, with all that a page shows of them.

    Each kind of film takes turns, and within a kind each genre does, clearest film first, so that the gallery shows
    all kinds and genres. No film is picked for its looks.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    contenders : Contenders
        By ``ensemble.contenders``.
    films : Films
        The same, with their genres.
    tables : dict of str to DataFrame
        As it returns them.
    most : int
        Films to show.
    progress : callable, optional
        Called with (what, films done, films in all).

    Returns
    -------
    dict
        ``films``: a list of dicts, in the order of the table of films; ``kinds``: for each of `REASONS` its name, the
        films that are of it, and how many of them are shown; ``of``: films that there are. Plain values only. Each
        film says what moved its most probable genre: ``words``, and for the first 40 ``places``; see
        `marked_words` and `marked_places`.
    """
    found = film_reasons(tables)
    chosen = _chosen(found, most)
    rows = np.flatnonzero(np.isin(films.ids.astype(str), chosen))
    films, said = films.take(rows), contenders.take(rows)
    best = [top[0][0] for top in said.fused.top(1)]
    moving = marked_words(ensemble, films, best, progress=progress)
    first = np.flatnonzero(np.isin(films.ids.astype(str), chosen[:MOST_PLACES]))
    places = marked_places(ensemble, films.take(first), np.array(best)[first], progress=progress)
    where = dict(zip(first.tolist(), places, strict=True))
    moved = film_contributions(ensemble.fusion_, list(said.members), ensemble.prevalence_)
    moved = dict(list(moved.groupby(["film", "genre"], sort=False)))
    why = dict(list(found[found["film"].isin(chosen)].groupby("film", sort=False)))
    cards = []
    for row, film in enumerate(films.ids):
        marks = {"words": moving[row], "places": where.get(row)}
        cards.append(_card(row, films, said, why[film], moved) | marks)
        cards[-1]["overview"] = pieces(cards[-1]["overview"], moving[row])
        progress("gallery", row + 1, len(films))
    kinds = [
        {
            "kind": kind,
            "name": name,
            "films": int(found.loc[found["kind"] == kind, "film"].nunique()),
            "shown": sum(kind in card["kinds"] for card in cards),
        }
        for kind, name in REASONS.items()
    ]
    return {"films": cards, "kinds": kinds, "of": len(contenders.ids)}


def _chosen(found, most):
    """Return the ids of the films to show: kinds take turns, within each the genres do."""
    queues = [
        found[found["kind"] == kind].sort_values("turn", kind="stable")["film"].drop_duplicates().head(most)
        for kind in REASONS
    ]
    turns = pd.concat([queue.reset_index(drop=True) for queue in queues], axis=1)
    return list(dict.fromkeys(film for film in turns.to_numpy().ravel() if isinstance(film, str)))[:most]


def _card(row, films, said, why, moved):
    """Return all that a page shows of one film."""
    overview, genres = films.overviews[row], list(said.genres)
    columns = []
    for values, named, present, name in zip(said.values, said.named, said.present, said.names, strict=True):
        top = np.argsort(-values[row], kind="stable")[:TOP] if present[row] else []
        columns.append({"name": name, "top": [_said(one, row, values, named, said) for one in top]})
    best = columns[-1]["top"][0]["genre"]
    return {
        "id": str(films.ids[row]),
        "title": films.titles[row],
        "poster": thumbnail(films.posters[row]),
        "has_poster": bool(films.posters[row]),
        "overview": overview[:MOST_LETTERS],
        "letters_more": max(len(overview) - MOST_LETTERS, 0),
        "truth": list(films.genres.decode(films.labels[row : row + 1])[0]),
        "columns": columns,
        "why": why[["kind", "text"]].drop_duplicates().to_dict("records"),
        "pairs": [
            f"{genres.index(genre)}:{kind}" for genre, kind in zip(why["genre"], why["kind"], strict=True)
        ],
        "kinds": list(dict.fromkeys(why["kind"])),
        "best": best,
        "argued": _argued(moved.get((films.ids[row], best))),
    }


def _said(column, row, values, named, said):
    return {
        "genre": list(said.genres)[column],
        "value": float(values[row, column]),
        "true": bool(said.labels[row, column]),
        "named": bool(named[row, column]),
    }


def _argued(part):
    """Return what each member argued for, in log-odds and as a share, for the most probable genre of a film."""
    if part is None:
        return []
    part = part[(part["member"] != BASE) & part["contribution"].notna()]
    return [
        {
            "member": one.member,
            "log_odds": float(one.contribution),
            "share": None if one.share is pd.NA else float(one.share),
        }
        for one in part.itertuples()
    ]
