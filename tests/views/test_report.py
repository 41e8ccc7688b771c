import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from report_films import GENRE, HOSTILE, hostile_films, quick_ensemble

from multigenre import Films
from multigenre._checks import InputError
from multigenre.analysis import REASONS, error_tables, poster_looks
from multigenre.shards import convert, read_shards
from multigenre.views import check_path, report, report_facts
from multigenre.views._gallery import gallery, thumbnail
from multigenre.views._report import number, p_value, signed, write_tables
from multigenre.views._report_facts import headline, names_in_words, plain, styles, told_of, verdict


class Page(HTMLParser):
    """A page's elements, and the text that a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.scripts, self._script = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._script = tag == "script"

    def handle_data(self, data):
        (self.scripts if self._script else self.text).append(data)

    def handle_endtag(self, tag):
        self._script = False


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return hostile_films(tmp_path_factory.mktemp("posters"))


@pytest.fixture(scope="module")
def ensemble(films):
    return quick_ensemble(films)


@pytest.fixture(scope="module")
def written(films, ensemble, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    extras = {"Robustness <b>": pd.DataFrame({"damage": ["<i>"], "loss": [0.25]}), "Curves": Figure()}
    return path, report(ensemble, films, path, extras=extras)


@pytest.fixture(scope="module")
def page(written):
    return written[0].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables(ensemble):
    return error_tables(ensemble, ensemble.predictions_["test"], ensemble.films_["test"], replicates=50)


def test_texts_of_films_are_shown_and_never_run(page):
    seen = Page(page)
    assert [tag for tag, _ in seen.elements].count("script") == 1
    assert HOSTILE in " ".join("".join(seen.text).split())
    assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)
    assert GENRE in "".join(seen.text) and "{{ 7 * 7 }}" in "".join(seen.text)
    assert not [attributes for tag, attributes in seen.elements if tag == "img" and attributes["src"] == "x"]


def test_films_to_look_at_and_labels_to_doubt_are_called_by_title_and_id(page, films, tables):
    seen, titles = " ".join("".join(Page(page).text).split()), dict(zip(films.ids, films.titles, strict=True))
    doubted = tables["suspects"]["film"].iloc[0]
    assert (
        seen.count(f"{titles[doubted]} {doubted}".strip()) >= 3
    )  # in its genre's section, the gallery, the table
    shown = [film for film in films.ids if f"{titles[film]} {film}" in seen and titles[film]]
    assert shown and all(HOSTILE in titles[film] for film in shown)


def test_only_the_script_of_the_page_may_run(page):
    seen = Page(page)
    policy = next(attributes["content"] for _, attributes in seen.elements if "http-equiv" in attributes)
    digest = base64.b64encode(hashlib.sha256("".join(seen.scripts).encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"script-src 'sha256-{digest}'" in policy


def test_a_page_asks_nothing_of_the_network(page):
    addresses = [
        value
        for _, attributes in Page(page).elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action")
    ]
    assert addresses and all(value.startswith(("#", "data:image/jpeg;base64,")) for value in addresses)
    assert "url(http" not in page and "@import" not in page


def test_a_page_is_the_same_each_time(films, ensemble, tmp_path):
    texts = []
    for name in ("a.html", "b.html"):
        report(ensemble, films, tmp_path / name)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_only_films_never_seen_are_shown_and_the_others_are_counted(page, films, ensemble):
    shown = set(re.findall(r"<h3>(made-\d+)</h3>", page))
    assert shown and shown <= set(ensemble.films_["test"].ids)
    left_out = len(films) - len(ensemble.films_["test"])
    assert f"{left_out} others were left out" in page


def test_every_label_names_its_control_and_every_id_comes_once(page):
    elements = Page(page).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [
        attributes[name]
        for _, attributes in elements
        for name in ("for", "aria-labelledby")
        if name in attributes
    ]
    assert named and set(named) <= set(ids)
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    links = [attributes["href"][1:] for tag, attributes in elements if tag == "a"]
    assert set(links) <= set(ids)


def test_extras_are_shown_and_escaped(page):
    seen = "".join(Page(page).text)
    assert "Robustness <b>" in seen and "<i>" in seen and "0.250" in seen and "Curves" in seen


def test_extras_of_another_kind_are_refused(films, ensemble, tmp_path):
    with pytest.raises(InputError, match="Extras of a report are figures or tables, but notes is neither"):
        report(ensemble, films, tmp_path / "a.html", extras={"notes": "text"})
    assert not list(tmp_path.iterdir())


def test_tables_are_written_for_machines(written, tmp_path):
    _, tables = written
    write_tables(tables, tmp_path / "tables.json")
    write_tables(tables, tmp_path / "tables")
    found = json.loads((tmp_path / "tables.json").read_text(encoding="utf-8"))
    assert set(found) == set(tables) == {path.stem for path in (tmp_path / "tables").iterdir()}
    again = pd.read_csv(tmp_path / "tables" / "outcomes.csv")
    assert again["films"].tolist() == tables["outcomes"]["films"].tolist()
    assert [row["films"] for row in found["outcomes"]] == again["films"].tolist()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_report_without_a_place_or_a_format_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"NAME.html, as NAME.json or into a folder of CSV tables, got 'a.pdf'"
    ):
        check_path(tmp_path / "a.pdf")
    with pytest.raises(InputError, match="There is no folder .* to write a.html into"):
        check_path(tmp_path / "none" / "a.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is in the way of the report"):
        check_path(tmp_path / "file")
    with pytest.raises(InputError, match=r"Tables are written as NAME.json or into a folder, got 'a.html'"):
        write_tables({}, tmp_path / "a.html")


def test_a_report_needs_films_whose_genres_are_known(films, ensemble, tmp_path):
    unlabelled = type(films)(films.ids, films.overviews, films.posters)
    with pytest.raises(InputError, match="A report needs films whose genres are known"):
        report(ensemble, unlabelled, tmp_path / "a.html")


def test_the_headline_is_true_of_its_table():
    table = {"summary": pd.DataFrame({"name": ["fused"], "n_films": [40]})}
    rows = [
        ("bce", "tfidf", -0.02, -0.03, -0.01),
        ("map_macro", "tfidf", -0.1, -0.2, -0.01),
        ("f1_macro", "tfidf", 0.1, -0.1, 0.2),
        ("f1_micro", "tfidf", None, None, None),
    ]
    table["difference"] = pd.DataFrame(rows, columns=["metric", "member", "value", "low", "high"])
    assert headline(table) == [
        "On 40 films that nothing was fitted to, fusion is clearly better in loss (-0.020, -0.030 to -0.010); clearly "
        "worse in mAP (-0.100, -0.200 to -0.010); not clearly different in macro-F1 (+0.100, -0.100 to +0.200), "
        "against tfidf, the member of lowest loss."
    ]
    table["difference"] = table["difference"].head(0)
    assert headline(table) == ["40 films, which this ensemble never saw, tell what follows."]


def test_a_verdict_needs_both_an_interval_and_a_p_value():
    assert verdict({"low": 0.1, "high": 0.3, "p_bh": 0.01}) == "clearly better"
    assert verdict({"low": -0.3, "high": -0.1, "p_bh": 0.01}) == "clearly worse"
    assert verdict({"low": 0.1, "high": 0.3, "p_bh": 0.2}) == "not clearly different"
    assert verdict({"low": -0.1, "high": 0.3, "p_bh": 0.01}) == "not clearly different"
    assert verdict({"low": None, "high": None, "p_bh": None}) == "too few films"


def test_a_p_value_is_never_told_as_nothing():
    assert p_value(0.0) == "< 0.001" and p_value(0.0123) == "0.012" and p_value(None) == "–"


def test_a_member_that_alone_reads_the_poster_is_called_so(ensemble):
    words = names_in_words(ensemble, list(ensemble.members_))
    assert words["poster-colours"] == words["poster"] == "the poster (poster-colours)"
    several = SimpleNamespace(members_={name: SimpleNamespace(modality="overview") for name in "ab"})
    assert names_in_words(several, ["a", "b"]) == {"overview": "the overview (a + b)"}


def test_facts_are_plain_values(ensemble, tables):
    facts = report_facts(ensemble, tables)
    json.dumps(facts, allow_nan=False)
    assert [genre["support"] for genre in facts["genres"]] == sorted(
        (genre["support"] for genre in facts["genres"]), reverse=True
    )
    assert facts["clear"] or facts["unclear"]


def test_bars_of_a_genre_hold_every_film_once(ensemble, tables):
    for genre in report_facts(ensemble, tables)["genres"]:
        bar = genre["bars"]["positives"]
        assert sum(part["films"] for part in bar["parts"]) == bar["films"] == genre["support"]


def test_plain_values_have_none_for_what_is_missing():
    table = pd.DataFrame({"a": pd.array([1.5, pd.NA], "Float64"), "b": [np.nan, 2.0]})
    assert plain(table) == [{"a": 1.5, "b": None}, {"a": None, "b": 2.0}]


def test_a_gallery_shows_every_kind_that_there_is_and_counts_the_rest(ensemble, tables):
    everyone = ensemble.contenders(ensemble.predictions_["test"], ensemble.films_["test"])
    said = (ensemble, everyone, ensemble.films_["test"], tables)
    few = gallery(*said, most=12)
    assert len(few["films"]) == 12
    for kind in few["kinds"]:
        assert kind["shown"] <= kind["films"]
        assert kind["shown"] > 0 or kind["films"] == 0
    assert {kind["kind"] for kind in few["kinds"]} == set(REASONS)


def test_words_and_places_of_a_film_are_told_of_its_most_probable_genre(ensemble, tables):
    prediction, films = ensemble.predictions_["test"], ensemble.films_["test"]
    shown = gallery(ensemble, ensemble.contenders(prediction, films), films, tables, most=10)["films"]
    for card in shown:
        overview = films.overviews[list(films.ids).index(card["id"])]
        assert "".join(piece["text"] for piece in card["overview"]) == overview[:700]
        marked = {piece["text"] for piece in card["overview"] if piece["change"] is not None}
        assert marked <= {word["word"] for word in card["words"]} <= set(overview.split())
        assert card["best"] == card["columns"][-1]["top"][0]["genre"]
    assert any(card["words"] for card in shown) and any(card["places"] for card in shown)


def test_a_member_that_alone_reads_a_modality_is_told_once(tables):
    words = {"poster-colours": "the poster", "poster": "the poster"}
    many = tables | {"modality_left_out": tables["left_out"]}
    assert set(told_of(many, "left_out", words)["member"]) == {"overview-tfidf"}
    rows = told_of(many, "trust", words)
    assert (rows.loc[rows["contender"] != "fused", "best"] == "overview-tfidf").all()
    assert (rows["contender"] == "fused").sum() == (tables["trust"]["contender"] == "fused").sum()
    assert told_of(tables, "left_out", words) is tables["left_out"]


def test_parts_of_bars_have_one_style_each():
    names = ["poster", "overview"]
    assert styles(names) == [
        {"name": "both right", "style": "p-right"},
        {"name": "poster only", "style": "p-m1"},
        {"name": "overview only", "style": "p-m2"},
        {"name": "both wrong", "style": "p-wrong"},
    ]
    for members in (["a"], list("abc"), list("abcdefgh")):
        found = [part["style"] for part in styles(members)]
        assert len(found) == len(set(found)) and set(found) <= {
            "p-right", "p-wrong", "p-several", *(f"p-m{n}" for n in range(1, 7))
        }  # fmt: skip


def test_no_number_is_a_zero_below_zero():
    assert signed(-0.001) == "+0.00" and number(-0.001) == "0.00" and signed(-0.01) == "−0.01"


def test_a_film_is_shown_with_what_is_true_of_it(ensemble, tables):
    prediction, films = ensemble.predictions_["test"], ensemble.films_["test"]
    for card in gallery(ensemble, ensemble.contenders(prediction, films), films, tables, most=5)["films"]:
        row = list(films.ids).index(card["id"])
        assert tuple(card["truth"]) == films.genres.decode(films.labels[[row]])[0]
        top = prediction.fused.take([row]).top(3)[0]
        assert [(said["genre"], said["value"]) for said in card["columns"][-1]["top"]] == top
        assert (card["poster"] is None) == (films.posters[row] == "")


def test_a_poster_that_cannot_be_read_has_no_thumbnail_and_no_look(films, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no poster")
    assert thumbnail(str(broken)) is None and thumbnail("") is None
    looks = poster_looks(films)
    assert looks["poster brightness"].isna().tolist() == (~films.has_poster).tolist()
    assert looks["poster brightness"].dropna().between(0, 1).all()


def test_films_from_shards_have_their_pictures_brightness_and_titles(ensemble, films, tmp_path):
    unseen = films.take(np.isin(films.ids, ensemble.films_["test"].ids))
    convert(unseen, tmp_path / "shards")
    inside = Films.concatenate(list(read_shards(tmp_path / "shards")))
    assert all(poster.startswith("data:") for poster in inside.posters[inside.has_poster])
    pages = {}
    for name, some_films in (("files", unseen), ("shards", inside)):
        tables = report(ensemble, some_films, tmp_path / f"{name}.html")
        pages[name] = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert "poster brightness" in set(tables["slices"]["slice"])
    assert pages["shards"].count("<img src=") == pages["files"].count("<img src=") > 20
    assert "The Film 1" in pages["shards"] and pages["shards"] == pages["files"]


def test_a_card_has_the_title_beside_the_id(ensemble, tables):
    prediction, films = ensemble.predictions_["test"], ensemble.films_["test"]
    cards = gallery(ensemble, ensemble.contenders(prediction, films), films, tables, most=20)["films"]
    titles = dict(zip(films.ids, films.titles, strict=True))
    assert all(card["title"] == titles[card["id"]] for card in cards) and any(card["title"] for card in cards)
