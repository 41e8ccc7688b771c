"""What tables of errors say, in plain sentences, each true of its table and no surer than its intervals."""

from typing import NamedTuple

import pandas as pd

from multigenre._checks import InputError, some

SURE = 0.05  # adjusted p-values above it are not clear
MOST = 3  # genres to name in a sentence


class Finding(NamedTuple):
    """A ``sentence``, the ``table`` and ``genres`` it is about, and ``certain``: not only that nothing is."""

    sentence: str
    table: str
    genres: tuple
    certain: bool = True


def findings(tables: dict[str, pd.DataFrame], *, words: dict[str, str] | None = None) -> list[Finding]:
    """Return what the tables say, in sentences for the head of a report.

    A difference is told, as clear, only where its 95 % interval leaves out 0 and its p-value, adjusted for the
    number of genres, is at most 0.05; where none is, a sentence says so. Counts are told as counts of these films.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Some of ``"left_out"`` (from `multigenre.analysis.leave_one_out`), ``"trust"``
        (`multigenre.analysis.trust_table`), ``"headroom"`` (`multigenre.analysis.headroom`), ``"outcomes"``
        (`multigenre.analysis.genre_outcomes`), ``"pairs"`` (`multigenre.analysis.co_occurrence`), ``"slices"``
        (`multigenre.analysis.slice_table`); and of ``"modality_left_out"`` and ``"modality_trust"``, the same two
        tables where all members that read one modality are one contender.
    words : dict of str to str, optional
        What sentences call contenders, such as ``{"poster-cnn": "the poster"}``. Default: their names.

    Returns
    -------
    list of Finding
        Of modalities, and then in the order of the tables above. A difference's ``genres`` are all that it is clear
        for, not only those named.

    Raises
    ------
    InputError
        If a table is none of these.
    """
    if unknown := sorted(set(tables) - set(TELLERS)):
        raise InputError(f"Findings are told of {some(TELLERS, most=9)}, got {some(unknown)}.")
    there = [name for name in TELLERS if name in tables and len(tables[name])]
    return [finding for name in there for finding in TELLERS[name](tables[name], words or {})]


def _left_out(table, words):
    told, neither = [], []
    unasked = list(dict.fromkeys(table.loc[~table["fitted"], "member"]))
    table = table[table["fitted"] & (table["metric"] == "average_precision")]
    for member, rows in table.groupby("member", sort=False):
        name, sure = _first(member, words), False
        for verb, side in (("adds to", 1), ("harms", -1)):
            if len(found := _clear(rows, "", side)):
                text = f"{name} clearly {verb} {_genres(found, '', 'average precision')}."
                told.append(Finding(text, "left_out", tuple(found["genre"])))
                sure = True
        if not sure:
            neither.append(member)
    if neither:
        text = f"{_none_of(neither, words)} the fusion clearly in any genre."
        told.append(Finding(text, "left_out", (), False))
    if unasked:
        named = _listed([words.get(member, member) for member in unasked])
        text = f"What {named} would be missed for one by one is not known: the fusion has no weights for the rest."
        told.append(Finding(text, "left_out", (), False))
    return told


def _none_of(members, words):
    """Return the start of a sentence that says of all of them that leaving one out changes nothing."""
    if len(members) == 1:
        return f"{_first(members[0], words)} neither adds to nor harms"
    named = [words.get(member, member) for member in members]
    if len(named) == 2:
        return f"Left out alone, neither {named[0]} nor {named[1]} adds to or harms"
    return f"Left out alone, none of {_listed(named)} adds to or harms"


def _modality_left_out(table, words):
    return [finding._replace(table="modality_left_out") for finding in _left_out(table, words)]


def _decided(table, words, what):
    """Tell which of the contenders, but for the fused one, decides a genre."""
    told, members = [], table[table["contender"] != table["contender"].iloc[-1]]
    behind = _clear(members, "f1_", -1)
    # Genres where all other members are clearly behind, by the one that is the least.
    others = members["genre"].value_counts()
    decided = behind[behind["genre"].map(behind["genre"].value_counts()) == behind["genre"].map(others)]
    nearest = decided.sort_values("f1_gain", ascending=False, kind="stable").drop_duplicates("genre")
    for member, rows in nearest.groupby("best", sort=False):
        ahead = pd.DataFrame(
            {
                "genre": rows["genre"],
                "gain": -rows["f1_gain"],
                "low": -rows["f1_high"],
                "high": -rows["f1_low"],
            }
        ).sort_values("gain", ascending=False, kind="stable")
        text = f"{_first(member, words)} clearly decides {_genres(ahead, '', f'F1 over the next {what}')}."
        told.append(Finding(text, "trust", tuple(ahead["genre"])))
    if len(members) and not len(nearest):
        text = f"No {what} is clearly ahead of the others in any of {members['genre'].nunique()} genres."
        told.append(Finding(text, "trust", (), False))
    return told


def _modality_trust(table, words):
    return [finding._replace(table="modality_trust") for finding in _decided(table, words, "modality")]


def _trust(table, words):
    told, fused = _decided(table, words, "member"), table[table["contender"] == table["contender"].iloc[-1]]
    for verb, side in (("beats", 1), ("is worse than", -1)):
        if len(found := _clear(fused, "f1_", side)):
            text = f"Fusion clearly {verb} the best single member in {_genres(found, 'f1_', 'F1')}."
            told.append(Finding(text, "trust", tuple(found["genre"])))
    if not len(_clear(fused, "f1_", 1)) and not len(_clear(fused, "f1_", -1)):
        text = f"Fusion is neither clearly better nor worse than the best single member in any of {len(fused)} genres."
        told.append(Finding(text, "trust", (), False))
    return told


def _headroom(table, words):
    row = table.iloc[-1]
    if row[["captured", "captured_low", "captured_high"]].isna().any():
        return []
    share, low, high = (f"{100 * row[name]:.0f}" for name in ("captured", "captured_low", "captured_high"))
    way = "from each genre's best member to an oracle that knows which member to trust"
    interval = f"{share} % of the way, 95 % interval {low} to {high} %, macro F1"
    if row["captured_low"] > 0:
        return [Finding(f"Fusion clearly gets nearer, {way} ({interval}).", "headroom", ())]
    if row["captured_high"] < 0:
        return [Finding(f"Fusion clearly falls back on the way {way} ({interval}).", "headroom", ())]
    return [Finding(f"Fusion does not clearly get nearer, {way} ({interval}).", "headroom", (), False)]


def _outcomes(table, words):
    told, counts = [], table[table["of"] == "positives"]
    for outcome, verb in (
        ("rescued by fusion", "found {} that no member had found"),
        ("broken by fusion", "lost {} that a member had found"),
    ):
        rows = counts[(counts["outcome"] == outcome) & (counts["films"] > 0)]
        rows = rows.sort_values("films", ascending=False, kind="stable").head(MOST)
        if len(rows):
            listed = _listed(
                [f"{row.films} of {row.of_films} {row.genre} films" for row in rows.itertuples()]
            )
            told.append(Finding(f"Fusion {verb.format(listed)}.", "outcomes", tuple(rows["genre"])))
    # Losing films is the price of dropping false alarms, so one is not told without the other.
    alarms = table[(table["of"] == "false alarms") & ~table["outcome"].isin(NOT_ALARMS)]
    named, dropped = alarms["films"].sum(), alarms["fused_right"].sum()
    if named:
        text = f"Of {named} genres that a member named wrongly, fusion dropped {dropped}."
        told.append(Finding(text, "outcomes", ()))
    return told


def _pairs(table, words):
    told = []
    for verdict in ("too often", "never", "too rarely"):
        for row in table[table["verdict"] == verdict].head(1).itertuples():
            how = {
                "never": "are never named together, though",
                "too often": f"are clearly named together too often: on {row.named} films, while",
                "too rarely": f"are clearly named together too rarely: on {row.named} films, while",
            }[verdict]
            text = f"{row.genre} and {row.other} {how} {row.carried} of {row.films} carry both."
            told.append(Finding(text, "pairs", (row.genre, row.other)))
    return told


def _slices(table, words):
    told, fused = [], table["contender"].iloc[-1]
    rows = table[(table["contender"] == fused) & (table["genre"] == "(all)") & ~table["few"]]
    rows = rows[~rows["value"].isin(["(few films)", "(unknown)"]) & rows["f1_low"].notna()]
    for name, values in rows.groupby("slice", sort=False):
        values = values.sort_values("f1", kind="stable")
        worst, best = values.iloc[0], values.iloc[-1]
        if worst["f1_high"] < best["f1_low"]:
            ends = [
                f"{one['value']} ({one['f1']:.2f}, {one['f1_low']:.2f} to {one['f1_high']:.2f})"
                for one in (worst, best)
            ]
            text = f"By {name}, the fused micro-F1 is clearly lower for {ends[0]} than for {ends[1]}."
            told.append(Finding(text, "slices", ()))
    return told


NOT_ALARMS = ("right", "both right", "all right", "a member missing", "rescued by fusion", "broken by fusion")
TELLERS = {
    "modality_left_out": _modality_left_out,
    "modality_trust": _modality_trust,
    "left_out": _left_out,
    "trust": _trust,
    "headroom": _headroom,
    "outcomes": _outcomes,
    "pairs": _pairs,
    "slices": _slices,
}


def _clear(rows, prefix, side):
    """Return the rows whose gain is clearly above 0 (side 1) or below (side -1), the largest first."""
    end = rows[f"{prefix}low"] if side > 0 else -rows[f"{prefix}high"]
    sure = (rows[f"{prefix}p_bh"].le(SURE) & end.gt(0)).fillna(False).astype(bool)
    return rows[sure].sort_values(f"{prefix}gain", ascending=side < 0, kind="stable")


def _genres(rows, prefix, unit):
    """Return the first genres of rows with their gains and intervals, and how many there are where more."""
    named = [
        f"{row['genre']} ({row[f'{prefix}gain']:+.2f}, {row[f'{prefix}low']:+.2f} to {row[f'{prefix}high']:+.2f})"
        for _, row in rows.head(MOST).iterrows()
    ]
    listed = f"{_listed(named)}, in {unit}"
    return listed if len(rows) <= MOST else f"{len(rows)} genres, above all {listed}"


def _listed(parts):
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _first(member, words):
    """Return what a sentence that starts with a member calls it: words with a capital, a name as it is."""
    word = words.get(member)
    return f"{word[0].upper()}{word[1:]}" if word else member
