import json

import numpy as np
import pytest

from multigenre import make_films
from multigenre._files import claim
from multigenre.ensemble import fitted
from multigenre.members import OverviewTfidf


def test_a_folder_is_claimed_once_and_by_the_same_run_again(tmp_path):
    claim(tmp_path / "run", {"seed": 0})
    claim(tmp_path / "run", {"seed": 0})
    with pytest.raises(ValueError, match="holds an unfinished run with seed=0, not 1"):
        claim(tmp_path / "run", {"seed": 1})
    assert json.loads((tmp_path / "run" / "run.json").read_text())["seed"] == 0


def test_a_member_that_was_finished_is_read_not_trained_again(tmp_path, monkeypatch):
    films = make_films(80, folder=tmp_path / "posters", seed=0)
    claim(tmp_path / "run", {})
    first = fitted(OverviewTfidf(), {"train": films.with_role("train")}, tmp_path / "run")
    monkeypatch.setattr(OverviewTfidf, "fit", lambda *_, **__: pytest.fail("trained again"))
    again = fitted(OverviewTfidf(), {"train": films.with_role("train")}, tmp_path / "run")
    np.testing.assert_allclose(again.predict(films).values, first.predict(films).values, atol=1e-12)


def test_a_member_that_was_half_saved_is_trained_again(tmp_path):
    films = make_films(80, folder=tmp_path / "posters", seed=0)
    (tmp_path / "overview-tfidf.done.partial").mkdir()
    (tmp_path / "overview-tfidf.done.partial" / "tfidf.json").write_text("{")
    fitted(OverviewTfidf(), {"train": films.with_role("train")}, tmp_path)
    assert (tmp_path / "overview-tfidf.done").is_dir() and not (
        tmp_path / "overview-tfidf.done.partial"
    ).exists()
