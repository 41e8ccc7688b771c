import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import multigenre

HEAVY = ["tensorflow", "keras", "sklearn", "pandas", "matplotlib"]


def loaded_by(code, heavy):
    """Return which of the packages a fresh interpreter has loaded after running the code."""
    code = f"import sys\n{code}\nprint(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_importing_the_library_loads_nothing_heavy():
    assert loaded_by("import multigenre", HEAVY) == []


FACES = sorted(path.parent.name for path in Path(multigenre.__file__).parent.glob("*/__init__.py"))


@pytest.mark.parametrize("room", FACES)
def test_the_face_of_a_room_loads_nothing_heavy_and_shows_what_it_promises(room):
    code = f"import multigenre.{room} as face; assert face.__all__ and set(dir(face)) == set(face.__all__)"
    assert loaded_by(code, HEAVY) == []
    face = importlib.import_module(f"multigenre.{room}")
    assert all(hasattr(face, name) for name in face.__all__)


def test_the_command_lines_help_loads_nothing_heavy():
    assert loaded_by("import multigenre.cli; multigenre.cli.main", HEAVY) == []


def test_listing_the_public_names_loads_nothing_heavy():
    assert loaded_by("import multigenre; assert 'PosterCNN' in dir(multigenre)", HEAVY) == []


@pytest.mark.parametrize(
    "name",
    [
        "Films",
        "GenreProbabilities",
        "Genres",
        "LateFusion",
        "ProbabilityCalibrator",
        "ThresholdCalibrator",
        "make_films",
    ],
)
def test_what_needs_no_keras_model_loads_no_tensorflow(name):
    assert loaded_by(f"from multigenre import {name}", ["tensorflow", "keras"]) == []


def test_the_probe_sees_what_is_loaded():
    assert loaded_by("import pandas", HEAVY) == ["pandas"]
