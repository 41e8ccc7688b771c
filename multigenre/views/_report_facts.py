"""What the page of a report says, as plain values: no drawing and no HTML, so that each can be tested."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from multigenre.analysis import BROKEN, MISSING, RESCUED, SURE, findings
from multigenre.views._displays import ALONE, SOME, grouped_outcomes, outcome_groups, outcome_members

if TYPE_CHECKING:
    from multigenre.ensemble import GenreEnsemble


TOLD = ("modality_left_out", "modality_trust", "left_out", "trust", "headroom", "outcomes", "pairs", "slices")
# Better is lower, and how a sentence calls the metric.
METRICS = {"bce": "loss", "map_macro": "mAP", "f1_macro": "macro-F1", "f1_micro": "micro-F1"}
SETS = {
    "positives": "films that carry it",
    "predictions": "films that anyone names it for",
    "false alarms": "films that anyone names it for, though they do not carry it",
}
MOST_ROWS = 40  # of tables of pairs and suspects

NOT_NAMES = ("genre", "support", "prevalence")


def report_facts(ensemble: GenreEnsemble, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return what a page says of an ensemble.

    Parameters
    ----------
    ensemble : GenreEnsemble
        Fitted or loaded.
    tables : dict of str to DataFrame
        As `multigenre.analysis.error_tables` gives them.

    Returns
    -------
    dict
        ``members`` (``name``, ``modality``, ``read``: whether it could read any film), ``headline`` (sentences),
        ``clear`` and ``unclear`` (sentences of `findings`), ``summary`` (rows), ``genres`` (a dict each, most
        frequent first), ``groups`` (name and style of the parts of bars; ``by_modality``: and what the bars of the
        table of genres compare), ``without_film`` (names of genres), ``pairs``, ``slices``, ``thresholds``,
        ``suspects`` (rows) and counts of those that are left out. Plain values; None for what is not defined.
    """
    shown = list(dict.fromkeys(tables["scores"]["contender"]))
    words = names_in_words(ensemble, shown[:-1])
    told = findings({name: told_of(tables, name, words) for name in TOLD if name in tables}, words=words)
    by_modality = "modality_outcomes" in tables
    support = tables["average_precision"].set_index("genre")["support"]
    order = support[support > 0].sort_values(ascending=False, kind="stable").index
    numbers = {genre: number for number, genre in enumerate(ensemble.genres_)}
    pairs = tables["pairs"][tables["pairs"]["verdict"] != ""]
    suspects = tables.get("suspects", pd.DataFrame(columns=["film", "genre"]))
    slices = tables["slices"][tables["slices"]["genre"] == "(all)"]
    parts = _by_genre(
        tables | {name: told_of(tables, name, words) for name in ("left_out",) if name in tables}
    )
    return {
        "members": [
            {"name": name, "modality": member.modality, "read": name in shown}
            for name, member in ensemble.members_.items()
        ],
        "by_modality": by_modality,
        "groups": styles(outcome_members(tables["modality_outcomes" if by_modality else "outcomes"])),
        "headline": [_minus(sentence) for sentence in headline(tables)],
        "clear": [_minus(one.sentence) for one in told if one.certain],
        "unclear": [_minus(one.sentence) for one in told if not one.certain],
        "summary": plain(tables["summary"]),
        "genres": [_genre(genre, numbers[genre], tables, parts) for genre in order],
        "without_film": list(support.index[support == 0]),
        "pairs": plain(pairs.head(MOST_ROWS)),
        "pairs_more": max(len(pairs) - MOST_ROWS, 0),
        "slices": plain(slices),
        "thresholds": _thresholds(tables),
        "suspects": plain(suspects.head(MOST_ROWS)),
        "suspects_more": max(suspects.attrs.get("found", len(suspects)) - MOST_ROWS, 0),
    }


def names_in_words(ensemble: GenreEnsemble, names: Iterable[str]) -> dict[str, str]:
    """Return what sentences call members, and modalities that several of them read: the poster or the overview.

    Returns
    -------
    dict of str to str
        A member is called so where it alone reads the modality.
    """
    readers, found = {}, {}
    for name in names:
        readers.setdefault(ensemble.members_[name].modality, []).append(name)
    for kind in {"poster", "overview"} & set(readers):
        word = f"the {kind} ({' + '.join(readers[kind])})"
        if len(readers[kind]) == 1:
            found[readers[kind][0]] = word
        found.setdefault(kind, word)
    return found


def told_of(tables: dict[str, pd.DataFrame], name: str, words: dict[str, str]) -> pd.DataFrame:
    """Return the table that sentences are told of: who alone reads a modality is told once, as that modality."""
    table = tables[name]
    if "modality_left_out" not in tables:
        return table
    if name == "left_out":
        return table[~table["member"].isin(list(words))]
    if name == "trust":
        is_fused = table["contender"] == table["contender"].iloc[-1]
        return table[is_fused | ~table["best"].isin(list(words))]
    return table


def styles(members: Sequence[str]) -> list[dict[str, str]]:
    """Return the names of the parts of bars, from right to wrong, and the page's class of each."""
    grey = {SOME: "p-several", ALONE: "p-m1"}
    places = {f"{name} only": f"p-m{number}" for number, name in enumerate(members, start=1)}
    first, *_, last = names = list(outcome_groups(members))
    return [
        {"name": name, "style": {first: "p-right", last: "p-wrong", **grey, **places}[name]} for name in names
    ]


def headline(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Return one or two sentences: how many films, and whether the fusion is better than its best member.

    A difference is clear where its 95 % interval leaves out 0.
    """
    table = tables["summary"].set_index("name")
    films = int(table["n_films"].loc["fused"])
    difference = tables["difference"].set_index("metric")
    if not len(difference):
        return [f"{films} films, which this ensemble never saw, tell what follows."]
    member = difference["member"].iloc[0]
    kinds = {"better": [], "worse": [], "unclear": []}
    for metric, name in METRICS.items():
        value, low, high = (difference[end].loc[metric] for end in ("value", "low", "high"))
        if value is None or pd.isna(value) or pd.isna(low):
            continue
        sign = -1 if metric == "bce" else 1
        kind = (
            "better"
            if min(sign * low, sign * high) > 0
            else "worse"
            if max(sign * low, sign * high) < 0
            else "unclear"
        )
        kinds[kind].append(f"{name} ({value:+.3f}, {low:+.3f} to {high:+.3f})")
    parts = [f"clearly {kind} in {', '.join(kinds[kind])}" for kind in ("better", "worse") if kinds[kind]]
    if kinds["unclear"]:
        parts.append(f"not clearly different in {', '.join(kinds['unclear'])}")
    return [
        f"On {films} films that nothing was fitted to, fusion is {'; '.join(parts)}, against {member}, the member of "
        "lowest loss."
    ]


def plain(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return a table as a list of dicts of plain values, None for what is missing."""
    columns = {
        name: [
            None if pd.isna(value) else value.item() if isinstance(value, np.generic) else value
            for value in values
        ]
        for name, values in table.items()
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def bar(counts: pd.Series, style: dict[str, str]) -> dict[str, Any]:
    """Return one row of `grouped_outcomes` as a bar: its parts, with style, counts and shares of the whole."""
    whole = int(counts.iloc[:-2].sum())
    parts = [
        {"name": name, "style": style[str(name)], "films": int(films), "share": films / whole if whole else 0}
        for name, films in counts.iloc[:-2].items()
        if films or name != MISSING
    ]
    return {"films": whole, "parts": parts, "rescued": int(counts[RESCUED]), "broken": int(counts[BROKEN])}


def verdict(row: dict[str, Any], prefix: str = "") -> str:
    """Return in words whether a gain is clear: its interval leaves out 0 and its adjusted p-value is at most 0.05."""
    low, high, p = (row[f"{prefix}{name}"] for name in ("low", "high", "p_bh"))
    if low is None or p is None:
        return "too few films"
    if p <= SURE and low > 0:
        return "clearly better"
    if p <= SURE and high < 0:
        return "clearly worse"
    return "not clearly different"


def _minus(sentence):
    """Return a sentence with true minus signs before numbers."""
    return re.sub(r"(?<![\w-])-(?=\d)", "−", sentence)


def _by_genre(tables):
    """Return what every genre's section needs, grouped once: dicts by genre."""
    grouped: dict[str, Any] = {
        name: {genre: plain(rows) for genre, rows in tables[name].groupby("genre", sort=False)}
        for name in (
            "scores",
            "trust",
            "headroom",
            "left_out",
            "modality_left_out",
            "suspects",
            "member_pairs",
        )
        if name in tables
    }
    grouped["average_precision"] = {row["genre"]: row for row in plain(tables["average_precision"])}
    for name in ("outcomes", "modality_outcomes"):
        if name in tables:
            style = {part["name"]: part["style"] for part in styles(outcome_members(tables[name]))}
            grouped[name] = {
                of: {
                    genre: bar(counts, style | {MISSING: "p-missing"})
                    for genre, counts in grouped_outcomes(tables[name], of).iterrows()
                }
                for of in SETS
            }
    return grouped


def _thresholds(tables):
    """Return rows of genres that a film carries, most frequent first."""
    if "thresholds" not in tables:
        return []
    table = tables["thresholds"]
    return plain(table[table["support"] > 0].sort_values("support", ascending=False, kind="stable"))


def _genre(genre, number, tables, parts):
    """Return what the section of a genre says."""
    trust = [{**row, "verdict": verdict(row, "f1_")} for row in parts["trust"].get(genre, [])]
    left_out = [
        {**row, "verdict": verdict(row)}
        for row in parts.get("left_out", {}).get(genre, [])
        if row["fitted"] and row["metric"] == "average_precision"
    ]
    pairs = tables["pairs"][tables["pairs"]["verdict"] != ""]
    pairs = pairs[(pairs["genre"] == genre) | (pairs["other"] == genre)]
    precision = {
        name: value for name, value in parts["average_precision"][genre].items() if name not in NOT_NAMES
    }
    known = {name: value for name, value in precision.items() if value is not None and name != "fused"}
    return {
        "name": genre,
        "number": number,
        "support": parts["average_precision"][genre]["support"],
        "prevalence": parts["average_precision"][genre]["prevalence"],
        "average_precision": precision,
        "best": max(known, key=known.__getitem__) if known else None,
        "bars": {of: parts["outcomes"][of][genre] for of in SETS},
        "found": parts.get("modality_outcomes", parts["outcomes"])["positives"][genre],
        "scores": parts["scores"][genre],
        "trust": trust,
        "fused_verdict": trust[-1]["verdict"] if trust else "",
        "headroom": parts["headroom"][genre][0],
        "left_out": left_out,
        "by_modality": [
            {**row, "verdict": verdict(row)}
            for row in parts.get("modality_left_out", {}).get(genre, [])
            if row["fitted"] and row["metric"] == "average_precision"
        ],
        "member_pairs": parts.get("member_pairs", {}).get(genre, []),
        "pairs": [
            {**row, "with": row["other"] if row["genre"] == genre else row["genre"]} for row in plain(pairs)
        ],
        "suspects": parts.get("suspects", {}).get(genre, [])[:5],
        "suspects_in_all": len(parts.get("suspects", {}).get(genre, [])),
    }
