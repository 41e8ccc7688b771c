import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores import contenders

GENRES, IDS, BLANK = Genres(["Comedy", "War"]), ["tt1", "tt2", "tt3"], [""] * 3
FILMS = Films(IDS, BLANK, BLANK, [[1, 0], [1, 1], [0, 0]], GENRES, "test")
VALUES = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.5]])


def said(name, values=VALUES, role="test"):
    return GenreProbabilities(IDS, GENRES, values, name, role)


def test_a_missing_film_is_named_for_nothing_and_leaves_the_complete_films():
    poster = said("poster", np.where([[False], [True], [False]], np.nan, VALUES))
    found = contenders([poster, said("overview")], said("fused"), FILMS)
    assert found.names == ("poster", "overview", "fused")
    assert found.named[0].tolist() == [[True, False], [False, False], [False, True]]
    assert found.complete.tolist() == [True, False, True]


def test_each_contender_is_cut_at_its_own_thresholds():
    cuts = {"poster": pd.Series({"War": 0.05, "Comedy": 0.95})}
    found = contenders([said("poster")], said("fused"), FILMS, cuts)
    assert found.named[:, 0].tolist() == [[False, True], [True, False]]


def test_the_best_member_has_the_highest_f1_and_the_first_wins_ties():
    found = contenders([said("poster"), said("overview", FILMS.labels * 1.0)], said("fused"), FILMS)
    assert found.best_members().tolist() == [1, 1]
    found = contenders([said("poster"), said("overview")], said("fused"), FILMS)
    assert found.best_members().tolist() == [0, 0]


@pytest.mark.parametrize("role", ["train", "validation", "calibration", "out-of-fold"])
def test_films_that_taught_something_are_refused(role):
    with pytest.raises(InputError, match=f"needs films that taught nothing.*got role='{role}' from poster"):
        contenders([said("poster", role=role)], said("fused"), FILMS.with_role(None))
    if role != "out-of-fold":
        with pytest.raises(InputError, match=f"got role='{role}' from poster"):
            contenders([said("poster", role=None)], said("fused"), FILMS.with_role(role))


def test_bad_names_and_no_member_are_told():
    with pytest.raises(InputError, match="at least one member beside the fused"):
        contenders([], said("fused"), FILMS)
    with pytest.raises(InputError, match="need distinct names, got fused, fused"):
        contenders([said("fused")], said("fused"), FILMS)
    with pytest.raises(InputError, match="Thresholds are for words, but the contenders are poster, fused"):
        contenders([said("poster")], said("fused"), FILMS, {"words": None})


def test_thresholds_of_the_record_name_what_the_record_names():
    cuts = {"poster": pd.Series({"War": 0.05, "Comedy": 0.95})}
    found = contenders([said("poster")], said("fused"), FILMS, cuts)
    for one, named in zip(found.records, found.named, strict=True):
        table = found.thresholds[one.name]
        assert table.index.tolist() == IDS and table.columns.tolist() == list(GENRES)
        assert (one.to_frame().ge(table).to_numpy() == named).all()
