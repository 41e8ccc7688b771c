import os
from pathlib import Path

import pytest
from hypothesis import settings

from multigenre import make_films

# No deadline for one example: how long it takes says more about the machine than about the code.
# The gate draws the same examples every time; a developer's runs look further.
settings.register_profile(
    "multigenre", deadline=None, max_examples=50, derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("multigenre")


@pytest.fixture(scope="session")
def real_films():
    """The folder of real films, for tests that need them."""
    folder = Path(os.environ.get("MULTIGENRE_FILMS", Path(__file__).parents[2] / "shared" / "films"))
    if not (folder / "films.csv").is_file():
        pytest.skip("no real films: set MULTIGENRE_FILMS to a folder with films.csv and posters/")
    return folder


@pytest.fixture(scope="session")
def made_films(tmp_path_factory):
    """120 films of 6 genres that the library made, each with poster and overview."""
    return make_films(120, genres=6, folder=tmp_path_factory.mktemp("made-posters"))


@pytest.fixture(scope="session")
def train(made_films):
    """80 of the made films to train on."""
    return made_films.take(range(80)).with_role("train")


@pytest.fixture(scope="session")
def test_films(made_films):
    """The other 40."""
    return made_films.take(range(80, 120)).with_role("test")
