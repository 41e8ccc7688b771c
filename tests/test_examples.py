import ast
import importlib
import re
import subprocess
import sys

import pytest
from user_code import DOCUMENTS, EXAMPLES, ROOT, code_of

import multigenre


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs_on_made_films(path):
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "fused" in done.stdout


def test_fusing_and_calibrating_takes_less_than_forty_lines_of_code():
    [path] = [path for path in EXAMPLES if path.stem == "fuse_and_calibrate"]
    code = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) < 40


def imported(code):
    """Return (module, name) of what code imports from the package; the name is None where it is the module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, one.name) for one in node.names)
        elif isinstance(node, ast.Import):
            yield from ((one.name, None) for one in node.names)


@pytest.mark.parametrize("path", [*EXAMPLES, *DOCUMENTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_users_read_imports_from_the_root_what_it_has_and_else_from_the_face_of_a_room(path):
    for module, name in imported(code_of(path)):
        if module.split(".")[0] == "multigenre":
            assert "._" not in module, f"{module} is private"
            assert name is None or name in importlib.import_module(module).__all__
            assert module == "multigenre" or name not in multigenre.__all__, f"the root has {name}"


def test_what_documents_name_is_in_a_face():
    named = {name for path in DOCUMENTS for name in re.findall(r"`(multigenre(?:\.\w+)+)`", path.read_text())}
    for name in named:
        module, _, attribute = name.rpartition(".")
        assert attribute in importlib.import_module(module).__all__, name
    assert "multigenre.networks.BidirectionalLSTM" in named
