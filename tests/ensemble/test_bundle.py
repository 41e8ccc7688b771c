import hashlib
import io
import json
import shutil
import zipfile
from importlib.metadata import version

import h5py
import keras
import numpy as np
import pytest

from multigenre._checks import InputError
from multigenre.ensemble import GenreEnsemble, check_free, read_documents
from multigenre.ensemble._archives import check_archive
from multigenre.ensemble._bundle import DOCUMENTS, FORMAT, write_bundle
from multigenre.ensemble._manifest import write_manifest
from multigenre.members import OverviewMember, OverviewTfidf, PosterMember
from multigenre.networks import OverviewDesign, Recipe


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
        f"{n}.json" for n in (*DOCUMENTS, "manifest")
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


@pytest.mark.parametrize("text", [None, "{", "[1]", "{}", '{"format": "x"}', f'{{"format": {FORMAT}}}'])
def test_another_folder_is_no_bundle(tmp_path, text):
    if text is not None:
        (tmp_path / "bundle.json").write_text(text)
    with pytest.raises(InputError, match="is not a bundle that multigenre wrote"):
        read_documents(tmp_path)


@pytest.fixture(scope="module")
def trained(made_films, tmp_path_factory):
    """A bundle of a network, of words and of a fusion that learned from films."""
    folder = tmp_path_factory.mktemp("trained") / "bundle"
    member = OverviewMember(
        Recipe(epochs=1, batch_size=32),
        name="lstm",
        design=OverviewDesign(max_tokens=50, embedding=4, units=[3], dense=5),
    )
    ensemble = GenreEnsemble([member, "overview-tfidf"]).fit(made_films)
    ensemble.save(folder)
    return folder, member


@pytest.fixture
def bundle(trained, tmp_path):
    """A copy of it to break, and how to load it."""
    folder, member = trained
    shutil.copytree(folder, tmp_path / "bundle")
    return tmp_path / "bundle", lambda: GenreEnsemble.load(tmp_path / "bundle", members=[member])


def resigned(folder, name):
    """State a file's size and checksum anew, whatever is in it."""
    path = folder / "manifest.json"
    manifest, content = json.loads(path.read_text()), (folder / name).read_bytes()
    manifest["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(manifest))


def test_a_manifest_says_the_size_and_sha256_of_every_file(bundle):
    folder, load = bundle
    files = json.loads((folder / "manifest.json").read_text())["files"]
    there = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert sorted(files) == sorted(path.relative_to(folder).as_posix() for path in there)
    for path in there:
        content = path.read_bytes()
        expected = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        assert files[path.relative_to(folder).as_posix()] == expected
    (folder / "figures").mkdir()
    (folder / "figures" / "drawn-later.png").write_bytes(b"a picture")
    assert list(load().members_) == ["lstm", "overview-tfidf"]


@pytest.mark.parametrize(
    "name",
    ["bundle.json", "thresholds.json", "lstm/model.keras", "overview-tfidf/tfidf.npz", "lstm/history.csv"],
)
@pytest.mark.parametrize("change", ["longer", "one bit", "missing"])
def test_a_changed_or_missing_file_is_named(bundle, name, change):
    folder, load = bundle
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    match change:
        case "longer":
            (folder / name).write_bytes((folder / name).read_bytes() + b" ")
        case "one bit":
            (folder / name).write_bytes(content)
        case "missing":
            (folder / name).unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.") if name != "bundle.json" else "bundle"):
        load()


def test_a_file_that_was_not_saved_is_named(bundle):
    folder, load = bundle
    (folder / "lstm" / "more.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"holds lstm/more\.npz, which was not saved with it; remove"):
        load()
    (folder / "lstm" / "more.npz").unlink()
    (folder / "gone").symlink_to(folder / "nowhere")
    with pytest.raises(InputError, match="holds gone, which was not saved with it"):
        load()
    with pytest.raises(InputError, match="holds gone, which is no file"):
        write_manifest(folder)


def test_a_bundle_without_a_manifest_or_with_half_a_one_is_refused(bundle):
    folder, load = bundle
    path = folder / "manifest.json"
    for text in ("{}", '{"files": []}', '{"files": {"bundle.json": 1}}'):
        path.write_text(text)
        with pytest.raises(
            InputError, match=r"manifest\.json is no manifest: it must say the size and checksum"
        ):
            load()
    path.unlink()
    with pytest.raises(
        InputError, match=r"is not a bundle that multigenre wrote \(it lacks manifest\.json\)"
    ):
        load()


def test_a_bundle_of_too_many_bytes_is_refused(bundle, monkeypatch):
    monkeypatch.setattr("multigenre.ensemble._manifest.MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"bytes, more than the 1,000 that a bundle may have"):
        bundle[1]()


NESTED = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "cannot be read"),
        ("null", "a document is an object with names, got NoneType"),
        ("{}", "lacks|needs"),
        (f'{{"members": {NESTED}}}', "may be nested 32 deep, got 5001"),
        ('{"a": NaN}', "numbers must be finite, got NaN"),
        ('{"a": 1e999}', "numbers must be finite, got 1e999"),
        (
            '{"members": [[1]], "genres": 3, "fused": [], "settings": {"seed": {"kind": "os"}}}',
            "cannot be read|lacks|needs|must",
        ),
    ],
)
@pytest.mark.parametrize("name", ["fusion.json", "overview-tfidf/tfidf.json", "lstm/member.json"])
def test_a_document_that_was_made_to_fit_the_manifest_is_refused_by_name(bundle, name, text, what):
    folder, load = bundle
    (folder / name).write_text(text)
    resigned(folder, name)
    with pytest.raises(InputError, match=what) as refused:
        load()
    assert name.partition("/")[0] in str(refused.value)
    assert "\n" not in str(refused.value)


def fewer_weights(facts):
    for stack in facts["stacks"]:
        stack["errors"] = None
        stack["coefficients"].pop()


def no_weights(facts):
    facts["stacks"][0]["coefficients"][0][0] = None


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("bundle.json", lambda facts: facts.pop("members"), "cannot be read .it lacks 'members'"),
        ("bundle.json", lambda facts: facts["prevalence"].popitem(), "prevalence must name the same genres"),
        ("bundle.json", lambda facts: facts["genres"].pop(), "prevalence must name the same genres"),
        ("bundle.json", lambda facts: facts["settings"].update(fusion={"kind": "os"}), "cannot be read"),
        ("films.json", lambda facts: facts.update(one=["test"]), "films have one of the roles"),
        ("fusion.json", fewer_weights, "Weights of a stack must have shape"),
        ("fusion.json", no_weights, "Weights of a stack must be finite numbers"),
        ("fusion.json", lambda facts: facts["members"].append("more"), "of members of the bundle, got more"),
        (
            "thresholds.json",
            lambda facts: facts["fused"]["thresholds"].popitem(),
            "thresholds of fused must name the same genres",
        ),
        (
            "thresholds.json",
            lambda facts: facts["fused"]["thresholds"].update(dict.fromkeys(facts["fused"]["thresholds"])),
            "thresholds of fused must be numbers",
        ),
    ],
)
def test_documents_that_contradict_each_other_are_refused_by_name(bundle, name, change, what):
    folder, load = bundle
    facts = json.loads((folder / name).read_text())
    change(facts)
    (folder / name).write_text(json.dumps(facts))
    resigned(folder, name)
    with pytest.raises(InputError, match=rf"{name.replace('.', '[.]')}.*{what}"):
        load()


@pytest.mark.parametrize("place", ["a/b", "..", "../elsewhere", "figures"])
def test_a_member_outside_the_bundle_is_not_opened(bundle, place):
    folder, load = bundle
    about = json.loads((folder / "bundle.json").read_text())
    about["members"] = {place: "overview-tfidf"}
    (folder / "bundle.json").write_text(json.dumps(about))
    resigned(folder, "bundle.json")
    with pytest.raises(
        InputError, match=r"bundle\.json: A member lies in a folder of its own in the bundle, got"
    ):
        load()


def arrays_of(path):
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda found: found | {"idf": found["idf"][1:]}, "idf must have shape"),
        (
            lambda found: found | {"coefficients": found["coefficients"][:, 1:]},
            "coefficients must have shape",
        ),
        (
            lambda found: found | {"intercept": found["intercept"] * np.nan},
            "intercept must hold finite numbers",
        ),
        (lambda found: found | {"intercept": np.array(["a"])}, "intercept must be numbers in 1 direction"),
        (lambda found: {"idf": found["idf"]}, "cannot be read"),
    ],
)
def test_numbers_of_another_shape_or_kind_are_refused_by_name(bundle, change, what):
    folder, load = bundle
    path = folder / "overview-tfidf" / "tfidf.npz"
    np.savez(path, **change(arrays_of(path)))
    write_manifest(folder)
    with pytest.raises(InputError, match=rf"tfidf\.npz.*{what}"):
        load()


@pytest.mark.parametrize("lost", ["genre", "word"])
def test_names_that_no_longer_fit_the_numbers_are_refused(bundle, lost):
    folder, load = bundle
    path = folder / "overview-tfidf" / "tfidf.json"
    facts = json.loads(path.read_text())
    (facts["genres"] if lost == "genre" else facts["vocabularies"][0]).pop()
    path.write_text(json.dumps(facts))
    write_manifest(folder)
    with pytest.raises(InputError, match=r"tfidf\.npz: (idf|coefficients) must have shape"):
        load()


def zipped(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as file:
        file.write(content)


def npy(header, content=b""):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("idf.npy", bytes(80 * 2**20), r"would unpack to 83,886,080 bytes, and may to 67,108,864"),
        (
            "idf.npy",
            npy({"descr": "<f8", "fortran_order": False, "shape": (10**12,)}, bytes(8)),
            r"holds idf\.npy, whose header speaks of 8,000,000,000,000 bytes where 8 are",
        ),
        (
            "idf.npy",
            npy({"descr": "|O", "fortran_order": False, "shape": (1,)}, b"\x80\x04K\x01."),
            r"holds Python objects in idf\.npy, where only numbers may be",
        ),
        ("idf.npy", b"nothing", "cannot be read"),
        ("inner.npz", b"no archive", "cannot be read"),
    ],
)
@pytest.mark.parametrize("kind", [".npz", ".keras", ".skops"])
def test_an_archive_that_is_larger_than_it_looks_or_no_array_is_refused_unopened(
    tmp_path, kind, name, content, what
):
    path = tmp_path / f"any{kind}"
    zipped(path, name, content)
    with pytest.raises(InputError, match=rf"any\{kind}.*{what}"):
        check_archive(path)


def test_archives_within_an_archive_count_with_it(tmp_path):
    inner = tmp_path / "inner.npz"
    zipped(inner, "a.bin", bytes(40 * 2**20))
    path = tmp_path / "outer.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "1.npz")
    check_archive(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(inner, "2.npz")
    with pytest.raises(InputError, match=r"outer\.skops would unpack to 41,943,040 bytes, and may to 2"):
        check_archive(path)


def test_usual_archives_and_other_files_pass(tmp_path):
    np.savez_compressed(
        tmp_path / "zeros.npz", many=np.zeros(10**6), text=np.array(["a", "bc"]), one=np.float32(1)
    )
    check_archive(tmp_path / "zeros.npz")
    (tmp_path / "notes.txt").write_text("no archive")
    check_archive(tmp_path / "notes.txt")


def rewritten(path, change):
    """Write a .keras file again with other contents, a dict of names to bytes."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(contents).items():
            archive.writestr(name, content)


def described_as(**changes):
    def change(contents):
        config = json.loads(contents["config.json"])
        design = config["config"]["design"]
        for name, value in changes.items():
            where = design if name in design else config["config"] if name in config["config"] else config
            where[name] = value
        return contents | {"config.json": json.dumps(config).encode()}

    return change


def weights_of(change):
    def changed(contents):
        file = io.BytesIO(contents["model.weights.h5"])
        with h5py.File(file, "r+") as weights:
            change(weights)
        return contents | {"model.weights.h5": file.getvalue()}

    return changed


def one_number_more(weights):
    weights["layers/dense/vars"]["2"] = np.zeros(1, np.float32)


def never_written(weights):
    weights.create_dataset("layers/dense/vars/2", (10**9,), "f4", chunks=(1000,))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (described_as(max_tokens=10**12), "its design is"),
        (
            described_as(class_name="Dense", registered_name=None),
            "it must describe a OverviewLSTM, got Dense",
        ),
        (described_as(module="os"), "it must describe a OverviewLSTM"),
        (described_as(build_config={"input_shape": [10**9]}), "it must leave shapes to the design"),
        (described_as(genres=[]), "Genres needs at least one name"),
        (
            described_as(genres=["one"]),
            "holds [0-9,]+ weights, but a OverviewLSTM of its design has [0-9,]+ for 1 gen",
        ),
        (described_as(genres=3), "cannot be read"),
        (weights_of(one_number_more), "holds 6?[0-9,]+ weights, but a OverviewLSTM of its design has"),
        (weights_of(never_written), "must lie in it as they are"),
        (
            lambda contents: contents | {"model.weights.h5": bytes(2**21)},
            r"its design has [0-9,]+ weights, got 2,097",
        ),
        (lambda contents: contents | {"model.weights.h5": b"x"}, "cannot be read"),
        (lambda contents: {"config.json": contents["config.json"]}, "it lacks"),
    ],
)
def test_a_model_that_is_not_the_members_is_refused_before_keras_makes_it(bundle, change, what, monkeypatch):
    folder, load = bundle
    rewritten(folder / "lstm" / "model.keras", change)
    write_manifest(folder)
    monkeypatch.setattr(keras.models, "load_model", None)  # it is not even asked
    with pytest.raises(InputError, match=rf"model\.keras.*{what}"):
        load()


def test_a_table_of_10_to_the_12_rows_that_the_member_asks_for_too_is_not_made(bundle):
    folder, load = bundle
    rewritten(folder / "lstm" / "model.keras", described_as(max_tokens=10**12))
    path = folder / "lstm" / "member.json"
    facts = json.loads(path.read_text())
    facts["design"]["max_tokens"] = 10**12
    path.write_text(json.dumps(facts))
    write_manifest(folder)
    with pytest.raises(
        InputError, match=r"model\.keras holds [0-9,]+ weights, but a OverviewLSTM of its design has 4,"
    ):
        load()


def test_fewer_words_than_the_network_was_saved_with_are_refused(bundle):
    folder, load = bundle
    name = "assets/layers/text_vectorization/_lookup_layer/vocabulary.txt"

    def change(contents):
        return contents | {name: b"\n".join(contents[name].split(b"\n")[:-3])}

    rewritten(folder / "lstm" / "model.keras", change)
    with pytest.raises(InputError, match=r"model\.keras is not as it was saved; copy the whole bundle again"):
        load()
