"""Why a film is worth a look: what fusion rescued or broke, where all were right or wrong, whose labels to doubt."""

import numpy as np
import pandas as pd

from multigenre.analysis._outcomes import BROKEN, MISSING, RESCUED

REASONS = {
    "rescued": "rescued by fusion",
    "broken": "broken by fusion",
    "wrong": "everyone wrong",
    "suspect": "label suspect",
    "missing": "a member missing",
    "right": "everyone right",
}


def film_reasons(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return why each film is worth a look, a row a film, genre and kind.

    Parameters
    ----------
    tables : dict of str to DataFrame
        ``"films"`` and, with two members or more, ``"suspects"``, as `error_tables` returns them.

    Returns
    -------
    DataFrame
        ``film``, ``genre``, ``kind`` (of `REASONS`), ``text``, one sentence, and ``turn``, which says how many films of
        the same kind and genre are clearer. Rescued, broken and right are told of films that carry the genre.
    """
    table = tables["films"]
    names = [name.removesuffix(":named") for name in table.columns if name.endswith(":named")]
    said = np.stack([table[f"{name}:named"].to_numpy(bool, na_value=False) for name in names])
    probability = np.stack([table[f"{name}:probability"].to_numpy(float, na_value=np.nan) for name in names])
    (every, named), fused = (said[:-1], said[-1]), probability[-1]
    highest, lowest = np.fmax.reduce(probability[:-1]), np.fmin.reduce(probability[:-1])
    truth, complete = table["truth"].to_numpy(bool), (table["outcome"] != MISSING).to_numpy()
    rescued, broken = ((table["fusion"] == kind).to_numpy() for kind in (RESCUED, BROKEN))
    nobody, everyone = ~every.any(axis=0) & ~named, every.all(axis=0) & named
    kinds = [
        ("rescued", truth & rescued, fused, "Fusion found {genre}, which no member had found."),
        ("broken", truth & broken, highest - fused, "Fusion lost {genre}, which {finders} had found."),
        ("wrong", complete & truth & nobody, -fused, "Nobody found {genre}."),
        (
            "wrong",
            complete & ~truth & everyone,
            fused,
            "Everyone named {genre}, which the film does not carry.",
        ),
        ("missing", ~complete & truth, fused, "Not every member could read the film; it carries {genre}."),
        ("right", complete & truth & everyone, lowest, "Everyone found {genre}."),
    ]
    parts = []
    for kind, cells, clear, text in kinds:
        rows = np.flatnonzero(cells)
        some = table.iloc[rows]
        finders = every[:, rows] if "{finders}" in text else np.zeros((1, len(rows)), bool)
        found = {
            "film": some["film"].astype(str),
            "genre": some["genre"].astype(str),
            "kind": kind,
            "text": _sentences(text, some["genre"].cat, finders, names),
            "clear": clear[rows],
        }
        parts.append(pd.DataFrame(found))
    if "suspects" in tables:
        suspects = tables["suspects"]
        texts = np.where(
            suspects["label"] == 1,
            "All members doubt the label " + suspects["genre"] + ".",
            "All members think that the label " + suspects["genre"] + " is missing.",
        )
        rows = suspects[["film", "genre"]].assign(
            kind="suspect", text=texts, clear=-suspects["rank"].astype(float)
        )
        parts.append(rows)
    found = pd.concat(parts, ignore_index=True).sort_values("clear", ascending=False, kind="stable")
    return found.assign(turn=found.groupby(["kind", "genre"]).cumcount()).drop(columns="clear")


def _sentences(text, genres, finders, names):
    """Return a text for each row, (n_rows,): made once for each genre and set of finders (n_members, n_rows)."""
    sets, which = np.unique((1 << np.arange(len(finders))) @ finders, return_inverse=True)
    listed = [" and ".join(name for place, name in enumerate(names) if one >> place & 1) for one in sets]
    made = [text.format(genre=genre, finders=one) for genre in genres.categories for one in listed]
    return pd.Series(made, dtype=genres.categories.dtype).array[
        genres.codes.to_numpy(int) * len(listed) + which
    ]
