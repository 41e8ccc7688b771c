import numpy as np
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.analysis._occlusion import moved_log_odds
from multigenre.data import Films, GenreProbabilities, Genres, logits, sigmoid
from multigenre.fusion import LateFusion

GENRES = Genres(["Comedy", "War"])
FILMS = Films(["tt1", "tt2"], ["two words", "one"], ["", "poster.jpg"])


class Counter:
    """A member whose log-odds are the length of what it reads, for War halved; it notes the ids it was asked about."""

    def __init__(self, name, modality):
        self.name, self.modality, self.asked = name, modality, []

    def predict(self, films, *, posters=None):
        self.asked.append(list(films.ids))
        read = films.overviews if self.modality == "overview" else films.ids
        lengths = np.array([len(text) for text in read], float)
        values = np.where(lengths[:, None] > 0, sigmoid(lengths[:, None] * [1, 0.5]), np.nan)
        return GenreProbabilities(films.ids, GENRES, values, self.name, films.role)


def test_a_change_is_of_the_log_odds_with_less_those_without():
    variants = [(1, "o"), (0, "two")]
    genres, moved = moved_log_odds({"a": Counter("a", "overview")}, FILMS, variants, modality="overview")
    assert genres == GENRES and list(moved) == ["a"]
    assert moved["a"] == pytest.approx(np.array([[2, 1], [6, 3]]))


def test_the_fused_change_is_of_members_that_change_together_while_others_stay():
    members = {"a": Counter("a", "overview"), "b": Counter("b", "overview"), "ids": Counter("ids", "given")}
    fusion = LateFusion(method="logit-mean").fit_names(members, GENRES)
    _, moved = moved_log_odds(members, FILMS, [(0, "two")], modality="overview", fusion=fusion)
    assert list(moved) == ["a", "b", "fused"]
    assert moved["fused"] == pytest.approx(2 / 3 * moved["a"])
    # Members that look films up by id are asked for the films, those that read for films under other names.
    assert members["ids"].asked == [["tt1", "tt2"]]
    assert not set(members["a"].asked[0]) & set(FILMS.ids)


def test_who_has_nothing_left_to_read_says_the_prevalence_where_it_is_known():
    members = {"a": Counter("a", "overview")}
    prevalence = pd.Series({"War": 0.1, "Comedy": 0.4})
    _, known = moved_log_odds(members, FILMS, [(1, "")], modality="overview", prevalence=prevalence)
    _, unknown = moved_log_odds(members, FILMS, [(1, "")], modality="overview")
    assert known["a"][0] == pytest.approx([3 - logits(0.4), 1.5 - logits(0.1)])
    assert np.isnan(unknown["a"]).all()


def test_a_genre_without_prevalence_is_named():
    with pytest.raises(InputError, match="Every genre needs a prevalence, but War has none"):
        moved_log_odds(
            {"a": Counter("a", "overview")},
            FILMS,
            [],
            modality="overview",
            prevalence=pd.Series({"Comedy": 0.4}),
        )


def test_without_a_variant_there_is_no_row():
    _, moved = moved_log_odds({"a": Counter("a", "overview")}, FILMS, [], modality="overview")
    assert moved["a"].shape == (0, 2)


def test_members_that_read_something_else_are_told():
    with pytest.raises(InputError, match=r"None of the members \(a\) reads the poster; give one that does"):
        moved_log_odds({"a": Counter("a", "overview")}, FILMS, [], modality="poster")
