import functools

import numpy as np
import pytest

from multigenre._checks import InputError
from multigenre.members import VectorCache
from multigenre.members import _vector_cache as vector_cache


class Counting:
    """Gives a text's length and letters, a poster's mean and size; remembers what it was asked for."""

    name = "counting"

    def __init__(self):
        self.asked = []

    def __call__(self, items):
        self.asked.append(len(items))
        if isinstance(items, list):
            return np.array([[len(text), text.count("a")] for text in items])
        return np.stack([items.mean(axis=(1, 2, 3)), items.std(axis=(1, 2, 3))], axis=1)


def ids(items):
    return [f"tt{i}" for i in range(len(items))]


def of(cache, texts):
    return cache.vectors(texts, ids=ids(texts))


def test_vectors_come_in_the_order_of_the_items_as_float32():
    found = of(VectorCache(Counting()), ["aa", "b", "banana"])
    np.testing.assert_array_equal(found, [[2, 2], [1, 0], [6, 3]])
    assert found.dtype == np.float32


def test_each_distinct_item_is_embedded_once():
    embed = Counting()
    cache = VectorCache(embed)
    np.testing.assert_array_equal(of(cache, ["a", "b", "a"]), [[1, 1], [1, 0], [1, 1]])
    of(cache, ["b", "c", "c"])
    of(cache, ["c", "a"])
    assert embed.asked == [2, 1]


def test_posters_are_told_apart_by_a_single_pixel():
    embed, posters = Counting(), np.zeros((3, 8, 8, 3), np.uint8)
    posters[2, 7, 7, 2] = 1
    cache = VectorCache(embed)
    found = of(cache, posters)
    assert embed.asked == [2] and found[2, 0] > found[1, 0] == found[0, 0]
    np.testing.assert_array_equal(of(cache, posters[::-1]), found[::-1])


def test_vectors_on_disk_serve_another_cache_but_not_for_changed_texts_or_another_embedder(tmp_path):
    first = of(VectorCache(Counting(), folder=tmp_path), ["a", "bb"])
    embed = Counting()
    again = VectorCache(embed, folder=tmp_path)
    np.testing.assert_array_equal(of(again, ["bb", "a"]), first[::-1])
    assert embed.asked == []
    of(again, ["a", "bb "])
    assert embed.asked == [1]
    other = Counting()
    other.name = "another"
    of(VectorCache(other, folder=tmp_path), ["a", "bb"])
    assert other.asked == [2]
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz"}


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_cache, "CHUNK", 2)
    texts = ["a", "b", "c", "d", "e"]

    class Killed(Counting):
        def __call__(self, items):
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().__call__(items)

    with pytest.raises(KeyboardInterrupt):
        of(VectorCache(Killed(), folder=tmp_path), texts)
    embed = Counting()
    of(VectorCache(embed, folder=tmp_path), texts)
    assert embed.asked == [1]


def test_vectors_beyond_the_limit_are_computed_again_and_right():
    embed = Counting()
    cache = VectorCache(embed, memory_limit=16)
    of(cache, ["a", "b"])
    np.testing.assert_array_equal(of(cache, ["ccc", "a"]), [[3, 0], [1, 1]])
    np.testing.assert_array_equal(of(cache, ["ccc", "b"]), [[3, 0], [1, 0]])
    assert embed.asked == [2, 1, 1]


def test_progress_counts_items_while_some_are_computed(monkeypatch):
    monkeypatch.setattr(vector_cache, "CHUNK", 2)
    cache, calls = VectorCache(Counting()), []
    for _ in range(2):
        cache.vectors(["a", "b", "c"], ids=ids("abc"), progress=lambda what, *call: calls.append(call))
    assert calls == [(2, 3), (3, 3)]


def test_no_items_have_no_vectors():
    assert of(VectorCache(Counting()), []).shape == (0, 0)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[1.0]], r"2 vectors of numbers for 2 films, \(n_films, length\), got \(1, 1\)"),
        ([1.0, 2.0], r"got \(2,\)"),
        ([[], []], r"got \(2, 0\)"),
        ([["1"], ["2"]], r"got \(2, 1\)"),
        ([[1.0], [1.0, 2.0]], "but failed: "),
        ([[1.0], [np.nan]], "all finite, but gave NaN or infinity for tt1"),
        ([[1e300], [0.0]], "NaN or infinity for tt0"),
        ([[np.inf], [np.nan]], "NaN or infinity for tt0, tt1"),
    ],
)
def test_what_is_no_vector_of_numbers_is_named(vectors, message):
    def broken(texts):
        return vectors

    with pytest.raises(InputError, match=f"broken must give .*{message}"):
        of(VectorCache(broken), ["a", "b"])


def test_vectors_of_two_lengths_are_named():
    def growing(texts):
        return np.ones((len(texts), len(texts)))

    cache = VectorCache(growing)
    of(cache, ["a"])
    with pytest.raises(InputError, match="growing must be of one length, got 1, 2 numbers"):
        of(cache, ["a", "b", "c"])


def test_an_embedder_whose_vectors_are_kept_needs_a_name_of_its_own(tmp_path):
    for embed in (lambda texts: texts, functools.partial(len)):
        VectorCache(embed)
        with pytest.raises(InputError, match="give the embedder an attribute `name`"):
            VectorCache(embed, folder=tmp_path)


def test_a_damaged_file_is_named(tmp_path):
    of(VectorCache(Counting(), folder=tmp_path), ["a"])
    [path] = tmp_path.iterdir()
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=rf"{path.name} holds no saved vectors \(.*\); remove it."):
        of(VectorCache(Counting(), folder=tmp_path), ["a"])
