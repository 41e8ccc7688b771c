import importlib.util
import json
import shutil
import subprocess
import sys

import pytest
from user_code import EXAMPLES, ROOT, code_of

import multigenre

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyright") is None, reason="pyright is not installed"
)
MISTAKES = [
    "multigenre.Films.read(1)",
    'multigenre.GenreEnsemble(presets="x")',
    "multigenre.PosterCNNN",
    "multigenre.search_films({}, 1)",
    'multigenre.LateFusion(method=2).fit("films")',
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What pyright says of a user's project, as (line, severity, message) by file."""
    folder = tmp_path_factory.mktemp("project")
    files = {"readme.py": code_of(ROOT / "README.md")}
    files["mistakes.py"] = "\n".join(["import multigenre", *MISTAKES])
    names = [f"reveal_type(multigenre.{name})" for name in multigenre.__all__]
    files["names.py"] = "\n".join(["import multigenre", *names])
    for name, code in files.items():
        (folder / name).write_text(code, encoding="utf-8")
    for path in EXAMPLES:
        shutil.copy(path, folder)
    # What a user has who sets nothing, but that the package is where this test found it.
    settings = {"extraPaths": [str(ROOT)], "reportUnusedExpression": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run([*command, "--project", str(folder)], capture_output=True, text=True)
    said = {name: [] for name in [*files, *(path.name for path in EXAMPLES)]}
    for one in json.loads(done.stdout)["generalDiagnostics"]:
        line = one["range"]["start"]["line"]
        said[one["file"].replace("\\", "/").split("/")[-1]].append((line, one["severity"], one["message"]))
    return said


@pytest.mark.parametrize("name", ["readme.py", *(path.name for path in EXAMPLES)])
def test_the_type_checker_finds_nothing_wrong_in_what_users_read(found, name):
    assert found[name] == []


def test_the_type_checker_finds_every_mistake_of_a_user(found):
    assert sorted({line for line, severity, _ in found["mistakes.py"] if severity == "error"}) == list(
        range(1, len(MISTAKES) + 1)
    )


def test_an_editor_sees_every_name_of_the_root_and_what_it_takes(found):
    assert len(found["names.py"]) == len(multigenre.__all__)
    assert not [message for _, _, message in found["names.py"] if "Unknown" in message]
