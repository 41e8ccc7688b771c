import json
from importlib.metadata import version

import numpy as np
import pytest

from multigenre._checks import InputError
from multigenre.ensemble import check_free, read_documents
from multigenre.ensemble._bundle import DOCUMENTS, FORMAT, write_bundle
from multigenre.members import OverviewTfidf, PosterMember
from multigenre.networks import Recipe


@pytest.fixture
def documents():
    return {name: {"what": name, "number": 0.1, "nothing": None} for name in DOCUMENTS}


class Broken:
    def save(self, folder):
        (folder / "half.json").write_text("{")
        raise OSError("no space left on device")


@pytest.fixture(scope="module")
def members(made_films):
    films = made_films.take(np.arange(24))
    return {
        "overview-tfidf": OverviewTfidf().fit(films),
        "poster-cnn": PosterMember(Recipe(epochs=1, batch_size=24)).fit(films),
    }


def test_what_is_written_is_read(documents, members, made_films, tmp_path):
    folder = tmp_path / "a" / "bundle"
    write_bundle(folder, documents, members)
    found = read_documents(folder)
    assert list(found) == list(DOCUMENTS)
    about = found["bundle"]
    assert about.pop("format") == FORMAT and about.pop("versions")["keras"] == version("keras")
    assert found == documents
    loaded = OverviewTfidf().load(folder / "overview-tfidf").predict(made_films)
    np.testing.assert_array_equal(loaded.values, members["overview-tfidf"].predict(made_films).values)
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_no_file_is_a_pickle(documents, members, tmp_path):
    write_bundle(tmp_path / "bundle", documents, members)
    files = [path for path in (tmp_path / "bundle").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".npz", ".keras", ".csv"}
    for path in files:
        assert not path.read_bytes().startswith(b"\x80")  # how every pickle since protocol 2 starts
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as saved:
                assert [saved[name].dtype.kind for name in saved.files] == ["f"] * len(saved.files)
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))


def test_a_member_that_cannot_be_saved_leaves_nothing(documents, tmp_path):
    with pytest.raises(OSError, match="no space"):
        write_bundle(tmp_path / "bundle", documents, {"broken": Broken()})
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_is_no_plain_json_leaves_nothing(documents, tmp_path):
    documents["metrics"]["bce"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_bundle(tmp_path / "bundle", documents, {})
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_beside_does_not_get_in(documents, tmp_path):
    (tmp_path / "bundle.partial" / "old").mkdir(parents=True)
    write_bundle(tmp_path / "bundle", documents, {})
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == sorted(
        f"{n}.json" for n in DOCUMENTS
    )
    assert not (tmp_path / "bundle.partial").exists()


def test_an_empty_folder_is_free_whatever_it_is_called(documents, tmp_path, monkeypatch):
    (tmp_path / "bundle").mkdir()
    monkeypatch.chdir(tmp_path)
    write_bundle("bundle", documents, {})
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    write_bundle("link", documents, {})
    assert read_documents("bundle") == read_documents("elsewhere")


def test_a_place_that_is_taken_is_refused_and_left_alone(documents, tmp_path):
    (tmp_path / "full").mkdir()
    file = tmp_path / "full" / "notes.txt"
    file.write_text("mine")
    for taken in (tmp_path / "full", file, file / "below"):
        with pytest.raises(InputError, match="already exists; choose another place or remove it first"):
            check_free(taken)
        with pytest.raises(InputError, match="already exists"):
            write_bundle(taken, documents, {})
    assert file.read_text() == "mine"
    assert check_free(tmp_path / "new" / "bundle") is None and not (tmp_path / "new").exists()


@pytest.mark.parametrize(("step", "what"), [(1, "newer; please upgrade"), (-1, "older; please train again")])
def test_a_bundle_of_another_format_is_refused(documents, tmp_path, step, what):
    write_bundle(tmp_path / "bundle", documents, {})
    path = tmp_path / "bundle" / "bundle.json"
    about = json.loads(path.read_text()) | {"format": FORMAT + step, "versions": {"multigenre": "9.1"}}
    path.write_text(json.dumps(about))
    (tmp_path / "bundle" / "fusion.json").unlink()  # whatever it is made of by then
    with pytest.raises(InputError, match=rf"was written by multigenre 9\.1, which is {what}"):
        read_documents(tmp_path / "bundle")


@pytest.mark.parametrize("text", [None, "{", "[1]", "{}", '{"format": "x"}', '{"format": 4}'])
def test_another_folder_is_no_bundle(tmp_path, text):
    if text is not None:
        (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(InputError, match="is not a bundle that multigenre wrote"):
        read_documents(tmp_path)
