import json

import pandas as pd
import pytest

from multigenre._files import replacing, replacing_folder, write_json, write_text


def test_a_file_is_replaced_once_it_is_written(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old", encoding="utf-8")
    with replacing(path) as partial:
        partial.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new" and list(tmp_path.iterdir()) == [path]


def test_what_could_not_be_written_whole_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="disk full"), replacing(path) as partial:
        partial.write_text("ne", encoding="utf-8")
        raise OSError("disk full")
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_no_part_of_a_folder_of_parquet(tmp_path):
    table = pd.DataFrame({"Id": ["a"]})
    table.to_parquet(tmp_path / "part-0.parquet")
    killed = replacing(tmp_path / "part-1.parquet")
    killed.__enter__().write_bytes(b"half of it")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path), table)
    killed.gen.close()


@pytest.mark.parametrize("empty_one_is_there", [False, True])
def test_a_folder_is_there_once_it_is_full(empty_one_is_there, tmp_path):
    path = tmp_path / "folder"
    (tmp_path / "folder.partial").mkdir()
    (tmp_path / "folder.partial" / "left by a kill").touch()
    if empty_one_is_there:
        path.mkdir()
    with replacing_folder(path) as partial:
        (partial / "one").touch()
        assert not path.exists() or not list(path.iterdir())
    assert [file.name for file in path.iterdir()] == ["one"] and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_could_not_be_filled_goes_and_a_full_one_stays(tmp_path):
    path = tmp_path / "folder"
    with pytest.raises(OSError, match="disk full"), replacing_folder(path):
        raise OSError("disk full")
    assert not list(tmp_path.iterdir())
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(OSError, match="not empty"), replacing_folder(path):
        pass
    assert [file.name for file in path.iterdir()] == ["old"] and list(tmp_path.iterdir()) == [path]


def test_texts_and_plain_values_are_written_as_they_are(tmp_path):
    write_text("Ein Wort\r\n…", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes().decode() == "Ein Wort\r\n…"
    write_json({"one": 1.5}, tmp_path / "a.json", indent=1)
    assert json.loads((tmp_path / "a.json").read_text()) == {"one": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(float("nan"), tmp_path / "a.json", allow_nan=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.txt"]
