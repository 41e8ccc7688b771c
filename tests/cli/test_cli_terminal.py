import logging
import os
import sys

import pandas as pd
import pytest

from multigenre.cli._terminal import Notes, print_scores, print_winners, progress_bars, quiet

SCORES = {"bce": 0.25, "map_macro": 0.5, "f1_macro": 0.4, "f1_micro": 0.6}
NOTHING = dict.fromkeys(SCORES)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")


def test_scores_are_shown_with_their_intervals_and_undefined_ones_as_a_dash(capsys):
    intervals = {"bce": [0.2, 0.3], "map_macro": [0.4, 0.6]}
    unknown = {"bce": [None, None], "map_macro": [None, None]}
    print_scores(
        {"fused": {**SCORES, "intervals": intervals}, "poster": {**NOTHING, "intervals": unknown}}, "Scores"
    )
    fused, poster = capsys.readouterr().out.split("fused")[1].split("poster")
    assert fused.split() == ["0.250", "0.200-0.300", "0.500", "0.400-0.600", "0.400", "0.600"]
    assert poster.split()[:6] == ["-"] * 6


def test_winners_are_shown_by_genre_without_genres_that_no_film_carries(capsys):
    table = pd.DataFrame(
        {"support": [3, 0], "poster": [0.5, pd.NA], "words": [0.25, pd.NA], "fused": [0.75, pd.NA]},
        index=["Horror [x]", "News"],
    )
    print_winners(table)
    shown = capsys.readouterr().out
    assert shown.split("Horror [x]")[1].split()[:5] == ["3", "0.50", "0.25", "0.75", "+0.25"]
    assert "News" not in shown


def test_each_thing_has_one_bar_that_ends_full(capsys):
    with progress_bars() as progress:
        for epoch in (1, 2):
            progress(f"poster-cnn, epoch {epoch} of 2", epoch, 2)
        progress("predicting", 5, 5)
    shown = capsys.readouterr().err
    assert shown.count("100%") == 2 and "poster-cnn, epoch 2 of 2" in shown and "predicting" in shown


def test_notes_are_shown_as_they_are(capsys):
    log = logging.Logger("films")
    log.addHandler(Notes())
    log.warning("%s cannot be read", "[bold]a.jpg")
    assert "[bold]a.jpg cannot be read" in capsys.readouterr().err


def test_quiet_hides_what_other_languages_write_but_not_afterwards(capfd):
    with quiet():
        os.write(2, b"noise")
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


def test_an_error_while_quiet_is_not_lost():
    with pytest.raises(ImportError, match="no such thing"), quiet():
        raise ImportError("no such thing")
