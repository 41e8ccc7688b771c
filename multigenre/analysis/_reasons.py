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
    *members, fused = (name.removesuffix(":named") for name in table.columns if name.endswith(":named"))
    named = {name: table[f"{name}:named"].fillna(False).astype(bool) for name in (*members, fused)}
    probability = {name: table[f"{name}:probability"].astype(float) for name in (*members, fused)}
    every, truth = pd.DataFrame({name: named[name] for name in members}), table["truth"]
    highest = pd.DataFrame({name: probability[name] for name in members}).max(axis=1)
    lowest = pd.DataFrame({name: probability[name] for name in members}).min(axis=1)
    complete = table["outcome"] != MISSING
    genre = table["genre"].astype(str)
    finders = every.apply(lambda row: " and ".join(row.index[row]), axis=1) if len(every) else ""
    kinds = [
        (
            "rescued",
            truth & (table["fusion"] == RESCUED),
            probability[fused],
            "Fusion found " + genre + ", which no member had found.",
        ),
        (
            "broken",
            truth & (table["fusion"] == BROKEN),
            highest - probability[fused],
            "Fusion lost " + genre + ", which " + finders + " had found.",
        ),
        (
            "wrong",
            complete & truth & ~every.any(axis=1) & ~named[fused],
            -probability[fused],
            "Nobody found " + genre + ".",
        ),
        (
            "wrong",
            complete & ~truth & every.all(axis=1) & named[fused],
            probability[fused],
            "Everyone named " + genre + ", which the film does not carry.",
        ),
        (
            "missing",
            ~complete & truth,
            probability[fused],
            "Not every member could read the film; it carries " + genre + ".",
        ),
        (
            "right",
            complete & truth & every.all(axis=1) & named[fused],
            lowest,
            "Everyone found " + genre + ".",
        ),
    ]
    parts = [
        pd.DataFrame(
            {"film": table["film"].astype(str), "genre": genre, "kind": kind, "text": text, "clear": clear}
        )[rows]
        for kind, rows, clear, text in kinds
    ]
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
