import gc
import logging
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.members import catalogue_probabilities, has_modality, one_ahead
from multigenre.members._member import named_probabilities
from multigenre.networks import PosterCache


class Reader:
    """A member without a network: its probabilities are the mean pixel, or the number of letters, of each film."""

    def __init__(self, name, modality, genres):
        self.name, self.modality, self.genres_ = name, modality, genres
        self.learned_ids_ = {"train": (), "validation": ()}

    def predict(self, films, *, posters=None):
        present = has_modality(self, films)
        if self.modality == "poster":
            values = posters.pixels(films.posters[present]).mean(axis=(1, 2, 3)) / 255
        else:
            values = np.array([len(overview) / 1000 for overview in films.overviews[present]])
        return named_probabilities(self, films, present, np.tile(values[:, None], len(self.genres_)))


@pytest.fixture
def films(made_films):
    """Eleven films, the second without a poster and the third without an overview."""
    films = made_films.take(np.arange(11))
    posters, overviews = films.posters.copy(), films.overviews.copy()
    posters[1] = overviews[2] = ""
    return replace(films, posters=posters, overviews=overviews)


@pytest.fixture
def members(films):
    pairs = (("looks", "poster"), ("stares", "poster"), ("reads", "overview"))
    return {name: Reader(name, modality, films.genres) for name, modality in pairs}


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("multigenre.members._predict.CHUNK", 2)


@pytest.fixture
def caches(monkeypatch):
    """Every cache that is made, with what it decoded, and how many there were at once."""
    made, alive, most = [], weakref.WeakSet(), []

    class Watched(PosterCache):
        def __init__(self):
            super().__init__()
            self.decoded = []
            made.append(self.decoded)
            alive.add(self)

        def _decode(self, paths, progress):
            gc.collect()
            most.append(len(alive))
            self.decoded += paths
            super()._decode(paths, progress)

    monkeypatch.setattr("multigenre.members._predict.PosterCache", Watched)
    return made, most


def with_broken_posters(films, folder, rows):
    posters = films.posters.copy()
    for row in rows:
        posters[row] = str(folder / f"{row}.jpg")
        Path(posters[row]).write_text("no picture")
    return replace(films, posters=posters)


def values(found):
    return {one.name: one.values for one in found}


def test_parts_of_a_catalogue_give_what_the_whole_gives_in_its_order(films, members, monkeypatch):
    whole = catalogue_probabilities(members, films)
    assert [one.name for one in whole] == ["looks", "stares", "reads"]
    monkeypatch.setattr("multigenre.members._predict.CHUNK", 3)
    parts = catalogue_probabilities(members, films)
    for one, other in zip(whole, parts, strict=True):
        assert list(other.ids) == list(films.ids) and other.role == one.role
        np.testing.assert_array_equal(other.values, one.values)
        np.testing.assert_array_equal(other.present, one.present)
    assert whole[0].present.tolist() == [True, False] + [True] * 9


def test_each_poster_is_decoded_once_for_all_members(films, members, caches, small_chunks):
    catalogue_probabilities(members, films)
    decoded = [path for paths in caches[0] for path in paths]
    assert sorted(decoded) == sorted(films.posters[films.has_poster])


def test_posters_in_memory_do_not_grow_with_the_catalogue(films, members, caches, small_chunks):
    catalogue_probabilities(members, films)
    # Those that members read, those being decoded, and those just read, for a moment.
    assert len(caches[0]) == 6 and max(caches[1]) <= 3


def test_members_that_read_no_posters_open_none(films, members, caches):
    films = replace(films, posters=["there-is-no-such.jpg"] * len(films))
    [found] = catalogue_probabilities({"reads": members["reads"]}, films, strict=True)
    assert found.present.sum() == 10 and caches[0] == [[]]


def test_unreadable_posters_are_named_once_with_their_number(films, members, tmp_path, small_chunks, caplog):
    broken = with_broken_posters(films, tmp_path, [3, 4, 10])
    with caplog.at_level(logging.WARNING, "multigenre"):
        found = values(catalogue_probabilities(members, broken))
    [message] = caplog.messages
    names = ", ".join(films.ids[[3, 4, 10]])
    assert message.startswith(
        f"3 posters cannot be read and count as missing: {names} ({films.ids[3]}: cannot"
    )
    assert np.isnan(found["looks"][[1, 3, 4, 10]]).all() and np.isfinite(found["looks"][[0, 5, 9]]).all()
    assert np.isfinite(found["reads"][[3, 4, 10]]).all()


def test_strict_refuses_an_unreadable_poster_in_any_part(films, members, tmp_path, small_chunks):
    broken = with_broken_posters(films, tmp_path, [10])
    with pytest.raises(InputError, match=f"1 posters cannot be read .{films.ids[10]}; .*mend or remove"):
        catalogue_probabilities(members, broken, strict=True)


def test_a_member_that_fails_for_some_films_is_not_present_for_those(films, members, small_chunks, caplog):
    expected = values(catalogue_probabilities(members, films))
    predict = members["stares"].predict

    def fail(part, **options):
        if films.ids[4] in part.ids:
            raise MemoryError("no room")
        return predict(part, **options)

    members["stares"].predict = fail
    found = catalogue_probabilities(members, films)
    assert caplog.text.count("stares failed and is left out of this prediction") == 1
    failed = np.isin(np.arange(11), [4, 5])[:, None]
    expected["stares"] = np.where(failed, np.nan, expected["stares"])
    for one in found:
        np.testing.assert_array_equal(one.values, expected[one.name])
    assert found[1].present.tolist() == [True, False, True, True, False, False] + [True] * 5


def test_a_catalogue_that_no_member_can_answer_is_an_error(films, members, caplog):
    for member in members.values():
        member.predict = None
    with pytest.raises(RuntimeError, match="Every member failed: looks, stares, reads"):
        catalogue_probabilities(members, films)


def test_no_films_get_no_probabilities(films, members):
    found = catalogue_probabilities(members, films.take([]))
    assert [one.values.shape for one in found] == [(0, 6)] * 3


def test_progress_counts_films(films, members, small_chunks):
    calls = []
    catalogue_probabilities(members, films, progress=lambda *call: calls.append(call))
    assert calls == [("predicting", done, 11) for done in (2, 4, 6, 8, 10, 11)]


@given(st.lists(st.integers(), min_size=1))
def test_working_ahead_changes_no_result_and_no_order(items):
    assert list(one_ahead(lambda item: 2 * item, items)) == [2 * item for item in items]


def test_the_next_is_worked_on_while_this_one_is_used():
    started = [threading.Event() for _ in range(4)]

    def work(item):
        started[item].set()
        return item

    for item in one_ahead(work, range(4)):
        if item < 3:
            assert started[item + 1].wait(10)
        assert not any(event.is_set() for event in started[item + 2 :])


def test_one_item_needs_no_thread():
    assert list(one_ahead(lambda item: threading.current_thread(), [1])) == [threading.current_thread()]


def test_an_error_ahead_comes_after_the_results_before_it():
    found = []
    with pytest.raises(ZeroDivisionError):
        for value in one_ahead(lambda item: 1 / item, [1, 2, 0, 4]):
            found.append(value)
    assert found == [1, 0.5]
