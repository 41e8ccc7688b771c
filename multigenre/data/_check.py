"""What whoever wants to train on a table should know first: what was understood, what is missing, what to do."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from multigenre._checks import some
from multigenre._signatures import Progress, no_progress
from multigenre.data._films import Films
from multigenre.data._posters import read_poster
from multigenre.data._reading import Reading
from multigenre.data._splits import near_duplicate_groups, shared_overviews

RARE, FEW = 10, 50  # films of a genre: below the first it cannot be learned, below the second hardly
LOOKED_AT = (32, 48)  # pixels: whether a poster can be decoded at all shows in few


def check_films(films: Films, reading: Reading, *, progress: Progress = no_progress) -> dict[str, Any]:
    """Return what `multigenre check` says of films, as plain values.

    Parameters
    ----------
    films : Films
    reading : Reading
        Of these films, both from `read_films`.
    progress : callable, optional
        Called with (what, posters done, posters in all).

    Returns
    -------
    dict of str to JSON-able
        ``films``; ``genres``, how many films have each, the commonest first; ``genres_a_film``, their mean;
        ``columns`` by role and ``why``, ``left_alone``; ``without_overview``, ``without_poster``,
        ``without_genres``; ``placeholders``; ``near_duplicates``, films that have one among the others;
        ``shared_overviews``; ``unreadable_posters``, ids; ``splits``, films of each role that the table fixes;
        ``repaired``, what to how often; ``warnings``, sentences; and what is known of the source, ``encoding`` and
        ``separator`` for texts.
    """
    support = {} if films.labels is None else films.genres.support(films.labels).to_dict()
    support = dict(sorted(support.items(), key=lambda pair: -pair[1]))
    groups = near_duplicate_groups(films.overviews, films.posters)
    many = np.bincount(groups)[groups] > 1 if len(groups) else np.zeros(0, bool)
    shared = shared_overviews(films.overviews)
    unreadable = _unreadable(films, progress)
    counts = films.summary()
    across = _across(groups, reading.splits)
    facts = {
        "films": len(films),
        "genres": support,
        "genres_a_film": round(float(counts.get("cardinality", 0)), 2),
        "columns": reading.columns,
        "why": reading.why,
        "left_alone": list(reading.left_alone),
        "without_overview": counts["without_overview"],
        "without_poster": counts["without_poster"],
        "without_genres": counts.get("without_genres", len(films)),
        "placeholders": reading.placeholders,
        "near_duplicates": int(many.sum()),
        "shared_overviews": shared,
        "unreadable_posters": unreadable,
        "splits": {} if reading.splits is None else _counted(reading.splits.to_numpy(object)),
        "repaired": reading.repaired,
    }
    if across:
        facts["near_duplicates_across_splits"] = across
    return facts | dict(reading.facts) | {"warnings": [*reading.warnings, *_sentences(facts, films)]}


def _across(groups, splits):
    """Return how many test films have a near-duplicate among the others, where the table fixes a split."""
    if splits is None:
        return 0
    tested = splits.to_numpy(object) == "test"
    return int(np.isin(groups[tested], groups[~tested]).sum())


def _counted(values):
    names, counts = np.unique(values.astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True) if name}


def _unreadable(films, progress):
    rows, lost = np.flatnonzero(films.has_poster), []
    with ThreadPoolExecutor() as pool:
        opened = pool.map(lambda row: read_poster(films.posters[row], size=LOOKED_AT) is not None, rows)
        for done, (row, fine) in enumerate(zip(rows, opened, strict=True), 1):
            if not fine:
                lost.append(str(films.ids[row]))
            if done % 100 == 0 or done == len(rows):
                progress("opening posters", done, len(rows))
    return lost


def _sentences(facts: Mapping[str, Any], films: Films) -> list[str]:
    """Return what else to know and what to do about it."""
    found, genres = [], facts["genres"]
    if films.labels is None:
        found.append(
            "The table has no genres: it can be predicted, not trained on; --columns genres=NAME says which column "
            "names them."
        )
    elif facts["without_genres"]:
        found.append(
            f"{facts['without_genres']} films have no genre: they teach that none applies; leave them out if that is "
            "not so."
        )
    none = [name for name, count in genres.items() if not count]
    rare = [name for name, count in genres.items() if 0 < count < RARE]
    if none:
        found.append(f"No film has {some(none, 6)}: nothing can be learned of them.")
    if rare:
        found.append(
            f"{len(rare)} of {len(genres)} genres have fewer than {RARE} films, too few to learn ({some(rare, 6)}): "
            "give more films, or merge or leave out genres with --map FILE."
        )
    if films.has_poster.any() and facts["without_overview"] == len(films):
        found.append(
            "No film has an overview: only posters are read; --columns overview=NAME says which column holds them."
        )
    elif facts["without_overview"]:
        nothing = int((~films.has_overview & ~films.has_poster).sum())
        said = (
            f"; {nothing} of them have no poster either" if nothing else ": they are read from their posters"
        )
        found.append(f"{facts['without_overview']} films have no overview{said}.")
    if not films.has_poster.any():
        found.append("No film has a poster: only overviews are read; --posters DIR says where posters lie.")
    if facts["unreadable_posters"]:
        lost = facts["unreadable_posters"]
        found.append(
            f"{len(lost)} posters cannot be opened ({some(lost)}) and count as missing: mend or remove them."
        )
    if facts["near_duplicates"]:
        found.append(
            f"{facts['near_duplicates']} films share their overview or poster with another: these go to one role "
            "together."
        )
    for text, count in list(facts["shared_overviews"].items())[:3]:
        found.append(
            f"{count} films have the overview {text[:60]!r}, which is no one's own: if it says that there is none, "
            "empty it."
        )
    if across := facts.get("near_duplicates_across_splits"):
        found.append(f"{across} test films of the table's split have a near-duplicate among the others.")
    if facts["splits"]:
        found.append(
            f"The column {facts['columns']['split']} says which films train and test: train --split "
            f"{facts['columns']['split']} keeps it."
        )
    return found
