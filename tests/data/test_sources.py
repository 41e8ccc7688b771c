"""Public layouts of this task, made anew: each reads as the films that were written."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from multigenre._checks import InputError
from multigenre.data import Films, ReadingRules, inline_content, is_source, open_poster, read_films


def named(films):
    return dict(zip(films.ids, films.genres.decode(films.labels), strict=True))


def picture(path, colour=(200, 10, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 12), colour).save(path)


@pytest.fixture
def mm_imdb(tmp_path):
    """MM-IMDb's folder, with one film that no split names and one without a poster."""
    facts = {
        "0068646": {
            "genres": ["Drama", "News"],
            "plot": ["First.", "A longer second."],
            "plot outline": "Short.",
        },
        "0111161": {"genres": ["Drama", "War"], "plot": ["Another."], "title": "Freed"},
        "0000001": {"genres": ["Film-Noir"], "plot outline": "Outline only."},
        "0000002": {"genres": [], "plot": ["Apart."]},
    }
    (tmp_path / "dataset").mkdir()
    for film, one in facts.items():
        (tmp_path / "dataset" / f"{film}.json").write_text(json.dumps(one))
        if film != "0000001":
            picture(tmp_path / "dataset" / f"{film}.jpeg")
    splits = {"train": ["0068646"], "dev": ["0111161"], "test": ["0000001"]}
    (tmp_path / "split.json").write_text(json.dumps(splits))
    return tmp_path


def test_mm_imdb_keeps_its_splits_its_genres_and_its_posters(mm_imdb):
    films, reading = read_films(mm_imdb)
    assert films.ids.tolist() == ["0068646", "0111161", "0000001", "0000002"]
    assert films.overviews.tolist() == ["First.", "Another.", "Outline only.", "Apart."]
    assert films.has_poster.tolist() == [True, True, False, True]
    assert named(films) == {
        "0068646": ("Drama",),
        "0111161": ("Drama", "War"),
        "0000001": ("Film-Noir",),
        "0000002": (),
    }
    assert reading.splits.tolist() == ["train", "validation", "test", ""]
    assert any("News (1 films) are none of the 23 genres" in sentence for sentence in reading.warnings)
    assert films.headings[1] == "Freed (0111161)"


@pytest.mark.parametrize(
    ("plots", "first"),
    [("first", "First."), ("longest", "A longer second."), ("all", "First. A longer second.")],
)
def test_which_of_several_plots_is_taken_can_be_said(mm_imdb, plots, first):
    assert Films.read(mm_imdb, rules=ReadingRules(plots=plots)).overviews[0] == first


def test_a_split_that_names_a_film_without_a_file_is_refused(mm_imdb):
    (mm_imdb / "dataset" / "0111161.json").unlink()
    with pytest.raises(InputError, match=r"split.json names 1 films without a file.*dataset/0111161.json"):
        Films.read(mm_imdb)


def test_mm_imdbs_hdf5_file_gives_posters_genres_and_splits_but_no_texts(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr("multigenre.data._mm_imdb.TRAIN", 2)
    monkeypatch.setattr("multigenre.data._mm_imdb.DEV", 3)
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 256, 160), dtype=np.uint8)
    with h5py.File(tmp_path / "multimodal_imdb.hdf5", "w") as file:
        file["images"] = images
        genres = file.create_dataset("genres", data=np.array([[1, 0], [1, 1], [0, 0], [0, 1]]))
        genres.attrs["target_names"] = np.array([b"Drama", b"Film-Noir"])
        file["imdb_ids"] = np.array([b"0068646", b"0111161", b"0000001", b"0000002"], "S7")
    films, reading = read_films(tmp_path / "multimodal_imdb.hdf5")
    assert named(films) == {
        "0068646": ("Drama",), "0111161": ("Drama", "Film-Noir"), "0000001": (), "0000002": ("Film-Noir",),
    }  # fmt: skip
    assert reading.splits.tolist() == ["train", "train", "validation", "test"]
    assert not films.has_overview.any()
    for poster, image in zip(films.posters, images, strict=True):
        assert inline_content(poster)
        assert np.array_equal(np.asarray(open_poster(poster)), np.moveaxis(image, 0, 2))


def test_an_hdf5_file_of_another_layout_is_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(
        InputError, match=r"holds images, genres and imdb_ids, but this lacks genres, imdb_ids"
    ):
        Films.read(tmp_path / "other.h5")


def test_jsonl_of_mmbt_and_mmf_reads_with_its_pictures_and_its_files_by_split(tmp_path):
    rows = {
        "train": [{"id": "0001", "text": "A spy.", "img": "img/1.png", "label": ["Action", "War"]}],
        "dev": [{"id": "0002", "text": "Love.", "img": "img/2.png", "label": ["Drama"]}],
        "test": [{"id": "0003", "text": "A war.", "img": "img/3.png", "label": ["War"]}],
    }
    for name, films in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in films))
        picture(tmp_path / films[0]["img"])
    films, reading = read_films(tmp_path)
    assert is_source(tmp_path)
    assert named(films) == {"0002": ("Drama",), "0003": ("War",), "0001": ("Action", "War")}
    assert dict(zip(films.ids, reading.splits, strict=True)) == {
        "0001": "train",
        "0002": "validation",
        "0003": "test",
    }
    assert films.has_poster.all()
    alone = Films.read(tmp_path / "train.jsonl")
    assert alone.overviews.tolist() == ["A spy."] and alone.has_poster.all()


def test_json_may_be_one_list_films_by_id_or_one_object_after_another(tmp_path):
    films = {"a": {"plot": "One.", "genres": ["War"]}, "b": {"plot": "Two.", "genres": ["Drama", "War"]}}
    rows = [{"id": film, **one} for film, one in films.items()]
    for text in (
        json.dumps(films),
        json.dumps(rows),
        json.dumps({"movies": rows}),
        "".join(map(json.dumps, rows)),
    ):
        (tmp_path / "films.json").write_text(text)
        found = Films.read(tmp_path / "films.json")
        assert named(found) == {"a": ("War",), "b": ("Drama", "War")}
        assert found.overviews.tolist() == ["One.", "Two."]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"id": 1}\n{"id": ', "cannot be read as JSON from its line 2 on"),
        ("[1, 2]", "holds an object for each film.* but its value 1 is none"),
        ("[]", "but this holds none"),
    ],
)
def test_json_that_holds_no_films_is_named(tmp_path, text, sentence):
    (tmp_path / "films.jsonl").write_text(text)
    with pytest.raises(InputError, match=sentence):
        Films.read(tmp_path / "films.jsonl")


def test_chu_and_guos_files_of_a_year_are_read_in_their_encodings_with_posters_by_year(tmp_path):
    one = (
        '{\n"_id": ObjectId("583a"),\n"imdbID": "tt0080684",\n"Title": "Amélie",\n"Genre": "Action, Drama",\n'
        '"Plot": "N/A"\n}\n'
    )
    other = '{"_id" : ObjectId("583b"), "imdbID": "tt0081505", "Title": "B", "Genre": "Horror", "Plot": "A hotel."}\n'
    (tmp_path / "groundtruth").mkdir()
    (tmp_path / "groundtruth" / "1980.txt").write_text(one + other, encoding="utf-16")
    (tmp_path / "groundtruth" / "1981.txt").write_text(
        other.replace("tt0081505", "tt0082971"), encoding="utf-8"
    )
    picture(tmp_path / "Movie_Poster_Dataset" / "1980" / "tt0080684.jpg")
    films = Films.read(tmp_path)
    assert named(films) == {
        "tt0080684": ("Action", "Drama"),
        "tt0081505": ("Horror",),
        "tt0082971": ("Horror",),
    }
    assert films.titles[0] == "Amélie" and films.overviews.tolist() == ["", "A hotel.", "A hotel."]
    assert films.has_poster.tolist() == [True, False, False]
    assert Films.read(tmp_path / "groundtruth").has_poster.tolist() == [True, False, False]


def test_a_folder_of_pictures_has_its_texts_and_facts_beside_them(tmp_path):
    for film in ("a", "b", "c"):
        picture(tmp_path / "1980" / f"{film}.png")
    (tmp_path / "1980" / "a.txt").write_text("A  plot.\n")
    (tmp_path / "1980" / "b.txt").write_text("Another plot.")
    (tmp_path / "1980" / "a.json").write_text('{"genres": ["War", "Drama"]}')
    (tmp_path / "1980" / "c.json").write_text('{"genres": ["War"], "title": "C"}')
    films, reading = read_films(tmp_path)
    assert films.overviews.tolist() == ["A plot.", "Another plot.", ""]
    assert films.has_poster.all() and films.titles.tolist() == ["", "", "C"]
    assert named(films) == {"a": ("Drama", "War"), "b": (), "c": ("War",)}
    assert reading.left_alone == ("folder",)


def test_a_table_in_a_folder_finds_the_pictures_beside_it(tmp_path):
    picture(tmp_path / "train" / "x.png")
    (tmp_path / "metadata.csv").write_text("file_name,text,label\ntrain/x.png,A plot.,Drama|War\n")
    films = Films.read(tmp_path)
    assert films.has_poster.all() and named(films) == {"1": ("Drama", "War")}


class Feature:
    def __init__(self, names):
        self.names = names


class Sequence:
    def __init__(self, feature):
        self.feature = feature


class Dataset:
    """What the library asks of a dataset of Hugging Face's."""

    def __init__(self, table, features):
        self.table, self.features = table, features

    def to_pandas(self):
        return self.table.copy()


def dataset(ids, labels):
    table = pd.DataFrame(
        {
            "id": ids,
            "text": [f"Plot {film}." for film in ids],
            "image": [{"bytes": b"GIF89a", "path": f"{film}.gif"} for film in ids],
            "labels": labels,
        }
    )
    return Dataset(table, {"labels": Sequence(Feature(["Drama", "War"])), "id": object()})


def test_datasets_give_names_for_numbered_classes_and_the_pictures_in_them():
    films, reading = read_films({"train": dataset(["a", "b"], [[0], [0, 1]]), "test": dataset(["c"], [[]])})
    assert named(films) == {"a": ("Drama",), "b": ("Drama", "War"), "c": ()}
    assert reading.splits.tolist() == ["train", "train", "test"]
    assert inline_content(films.posters[0]) == b"GIF89a"
    single = Dataset(
        pd.DataFrame({"text": ["A.", "B."], "label": [1, 0]}), {"label": Feature(["Drama", "War"])}
    )
    assert named(Films.from_frame(single)) == {"1": ("War",), "2": ("Drama",)}


def test_what_is_no_source_of_films_is_named(tmp_path):
    with pytest.raises(
        InputError, match="the table: films come from a path, a DataFrame or a dataset, got int"
    ):
        read_films(3)
    with pytest.raises(InputError, match="this is a folder without films"):
        Films.read(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id,overview\n1,A.\n")
    with pytest.raises(InputError, match=r"this folder holds a.csv, b.csv; give the path of one"):
        Films.read(tmp_path)
