"""Whatever layout a table has, it reads as the films that were written, or says why not: never as other films."""

import csv
import io
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.data import ReadingRules, read_films

GENRES = ["Action", "Comedy", "Drama", "Horror", "Sci-Fi", "War"]
NAMES = {
    "id": ["id", "Id", "movieId", "imdb_id", "ID ", "appid"],
    "overview": ["overview", "Plot", "Description", "synopsis", "Summary", "text"],
    "title": ["title", "Name", "Series_Title"],
    "genres": ["genres", "Genre", "GENRES", "listed_in"],
}
SPELLINGS = {
    "pipe": "|".join,
    "comma": ", ".join,
    "semicolon": "; ".join,
    "slash": "/".join,
    "list": lambda names: str(list(names)),
    "json": lambda names: json.dumps([{"id": place, "name": name} for place, name in enumerate(names)]),
    "dicts": lambda names: str([{"id": place, "name": name} for place, name in enumerate(names)]),
    "freebase": lambda names: json.dumps({f"/m/0{place}": name for place, name in enumerate(names)}),
    "small": lambda names: "|".join(names).lower(),
    "columns": None,
}
WORDS = st.text(st.sampled_from("abc ,;|\t\"'\n.:/\\{}[]-"), max_size=25).map(
    lambda text: " ".join(text.split())
)
JUNK = {
    "adult": lambda place: "False",
    "video": lambda place: str(place % 2),
    "runtime": lambda place: str(90 + place),
    "homepage": lambda place: "https://example.org/?a=1;2" if place % 2 else "",
    "cast": lambda place: "A. B., C; D|E",
}


@st.composite
def layouts(draw):
    """Films, and the bytes of a table of them in some layout."""
    films = draw(
        st.lists(
            st.tuples(WORDS, WORDS, st.lists(st.sampled_from(GENRES), unique=True, max_size=3)),
            min_size=2,
            max_size=8,
        )
    )
    films = [
        (f"tt{place:05}", title, f"Plot {place}, née {text}.", names)
        for place, (title, text, names) in enumerate(films)
    ]
    films += [
        ("tt9", "Last", "The last of them.", GENRES[:3]),
        ("tt99", "One more", "And one more.", GENRES[3:]),
    ]
    how = draw(st.sampled_from(sorted(SPELLINGS)))
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    names = {role: draw(st.sampled_from(choices)) for role, choices in NAMES.items()}
    columns = {
        names["id"]: [film for film, _, _, _ in films],
        names["title"]: [title for _, title, _, _ in films],
        names["overview"]: [overview for _, _, overview, _ in films],
    }
    if how == "columns":
        hot = {name: [str(int(name in genres)) for *_, genres in films] for name in GENRES}
    else:
        hot = {names["genres"]: [SPELLINGS[how](genres) for *_, genres in films]}
    junk = draw(st.lists(st.sampled_from(sorted(JUNK)), unique=True, max_size=3))
    blocks = [*({name: cells} for name, cells in columns.items()), hot]
    blocks += [{name: [JUNK[name](place) for place in range(len(films))]} for name in junk]
    table = {name: cells for block in draw(st.permutations(blocks)) for name, cells in block.items()}
    file = io.StringIO(newline="")
    above = draw(st.sampled_from(["", "My films" + end, f"sep={separator}{end}"]))
    if quoting == csv.QUOTE_NONE:  # as people write by hand: with nothing said of what a cell holds
        rows = [separator.join(row) for row in zip(*table.values(), strict=True)]
        file.write(end.join([separator.join(table), *rows, ""]))
    else:
        writer = csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return films, (above + file.getvalue()).encode(encoding), quoting == csv.QUOTE_NONE


@given(layouts())
@settings(max_examples=100)
def test_a_table_in_any_layout_reads_as_its_films_or_is_refused(tmp_path_factory, layout):
    films, content, unquoted = layout
    path = tmp_path_factory.mktemp("layout") / "films.csv"
    path.write_bytes(content)
    try:
        found, reading = read_films(path, rules=ReadingRules(placeholders=False))
    except InputError as error:
        assert unquoted or "may both hold" in str(error), content
        assert str(path) in str(error)
        return
    written = {
        film: (title, overview, {name.casefold() for name in genres})
        for film, title, overview, genres in films
    }
    read = {
        film: (title, overview, {name.casefold() for name in genres})
        for film, title, overview, genres in zip(
            found.ids, found.titles, found.overviews, found.genres.decode(found.labels), strict=True
        )
    }
    if unquoted:  # quotes and white space at the ends of cells are anyone's guess; films and genres are not
        assert read.keys() == written.keys()
        assert {film: one[2] for film, one in read.items()} == {film: one[2] for film, one in written.items()}
    else:
        assert read == written, reading


DAMAGE = st.sampled_from(["cut", "line break", "separator", "quote"])


@given(st.integers(0, 19), DAMAGE, st.integers(1, 12))
@example(3, "line break", 5)
def test_a_damaged_table_is_refused_or_reads_as_films_that_were_written(
    tmp_path_factory, place, damage, where
):
    rows = [
        f"tt{k:03},Plot {k} of a spy and his friends.,{'War|Drama' if k % 2 else 'War'}" for k in range(20)
    ]
    written = {row.split(",")[0]: row.split(",")[1] for row in rows}
    middle = rows[place].index("Plot") + where
    insert = {"cut": None, "line break": "\n", "separator": ",", "quote": '"'}[damage]
    rows[place] = rows[place][:middle] + ("" if insert is None else insert + rows[place][middle:])
    path = tmp_path_factory.mktemp("damaged") / "films.csv"
    path.write_text("\n".join(["id,overview,genres", *rows, ""]))
    for bad_rows in ("error", "skip"):
        try:
            films, reading = read_films(path, rules=ReadingRules(bad_rows=bad_rows))
        except InputError as error:
            assert bad_rows == "error" and f"line {place + 2}" in str(error)
            continue
        assert set(films.ids) <= set(written)
        assert len(films) + reading.repaired.get("bad rows left out", 0) in (20, 21)
        others = [film for film in films.ids if film != f"tt{place:03}"]
        assert {film: written[film] for film in others} == {
            film: text for film, text in zip(films.ids, films.overviews, strict=True) if film in others
        }
