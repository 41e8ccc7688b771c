import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.data import near_duplicate_groups, stratified_split
from multigenre.data._splits import check_shares

SHARES = [(1.0,), (0.5, 0.5), (0.7, 0.1, 0.1, 0.1), (0.8, 0.15, 0.05)]


@st.composite
def grouped_films(draw):
    n_films = draw(st.integers(1, 60))
    labels = draw(
        st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=n_films, max_size=n_films)
    )
    groups = draw(st.lists(st.integers(0, draw(st.integers(0, 80))), min_size=n_films, max_size=n_films))
    return np.array(labels), np.array(groups)


def imbalanced_labels(n_films, seed=0):
    """Labels as unequal as those of real films: genres on 50 % down to 0.5 % of them, and one on none."""
    rng = np.random.default_rng(seed)
    return (rng.random((n_films, 6)) < [0.5, 0.4, 0.2, 0.05, 0.005, 0]).astype(np.uint8)


def strays(labels, part, shares):
    """Films of each genre that each part has too many or too few."""
    held = np.array([labels[part == k].sum(axis=0, dtype=int) for k in range(len(shares))])
    return np.abs(held - np.outer(shares, labels.sum(axis=0)))


@given(grouped_films(), st.sampled_from(SHARES), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_groups_are_never_cut_and_no_part_grows_by_more_than_the_largest_group(films, shares, seed):
    labels, groups = films
    part = stratified_split(labels, groups, shares, seed=seed)
    assert all(len(np.unique(part[groups == group])) == 1 for group in np.unique(groups))
    sizes = np.bincount(part, minlength=len(shares))
    assert sizes.sum() == len(labels)
    assert (sizes < np.multiply(shares, len(labels)) + np.bincount(groups).max()).all()


@given(st.integers(1, 200), st.sampled_from(SHARES), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_sizes_are_within_one_film_of_the_shares_where_films_have_no_duplicates(n_films, shares, seed):
    for labels in (None, imbalanced_labels(n_films, seed)):
        part = stratified_split(labels, np.arange(n_films), shares, seed=seed)
        sizes = np.bincount(part, minlength=len(shares))
        assert (np.abs(sizes - np.multiply(shares, n_films)) < 1).all()


@pytest.mark.parametrize("shares", SHARES[1:])
def test_genres_keep_their_shares_far_better_than_in_a_random_split(shares):
    labels = imbalanced_labels(2000)
    groups = np.arange(2000)
    groups[:100] //= 2
    stratified = strays(labels, stratified_split(labels, groups, shares), shares)
    at_random = [
        strays(labels, stratified_split(None, groups, shares, seed=seed), shares) for seed in range(20)
    ]
    assert stratified.max() < 4
    assert stratified.mean() < 0.25 * np.mean(at_random)


def test_a_rare_genre_reaches_the_larger_parts_first():
    labels = imbalanced_labels(500)
    labels[:, 5] = 0
    labels[100:103, 5] = 1
    for seed in range(5):
        part = stratified_split(labels, np.arange(500), [0.7, 0.2, 0.1], seed=seed)
        assert np.bincount(part[100:103], minlength=3).tolist() == [2, 1, 0]


def test_one_seed_gives_one_split_and_another_seed_another():
    labels = imbalanced_labels(300)
    first, again, other = (
        stratified_split(labels, np.arange(300), [0.5, 0.5], seed=seed) for seed in (3, 3, 4)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_films_without_labels_are_split_at_random():
    together = [
        np.array_equal(*stratified_split(None, np.arange(2), [0.5, 0.5], seed=seed).reshape(2, 1))
        for seed in range(20)
    ]
    first = [stratified_split(None, np.arange(2), [0.5, 0.5], seed=seed)[0] for seed in range(20)]
    assert not any(together)
    assert 0 < sum(first) < 20


def test_overviews_that_differ_in_case_punctuation_or_space_are_near_duplicates():
    overviews = ["The story of", "the  story of...", "THE STORY\nOF", "The stories of"]
    assert near_duplicate_groups(overviews, [""] * 4).tolist() == [0, 0, 0, 1]


def test_missing_overviews_and_those_without_a_word_link_no_films():
    assert near_duplicate_groups(["", "", "...", "?"], [""] * 4).tolist() == [0, 1, 2, 3]


def test_films_are_linked_through_others_by_overview_and_poster(tmp_path):
    for name, content in {"a": b"same", "b": b"same", "c": b"four", "d": b"longer"}.items():
        (tmp_path / name).write_bytes(content)
    posters = [str(tmp_path / "a"), str(tmp_path / "b"), "", str(tmp_path / "c"), str(tmp_path / "d")]
    groups = near_duplicate_groups(["One.", "Two.", "two", "Three.", "one"], posters)
    assert groups.tolist() == [0, 0, 0, 1, 0]


def test_empty_and_absent_posters_link_no_films(tmp_path):
    for name in "ab":
        (tmp_path / name).touch()
    posters = [str(tmp_path / name) for name in "abcd"]
    assert near_duplicate_groups([""] * 4, posters).tolist() == [0, 1, 2, 3]


def test_a_poster_is_read_once_and_again_when_it_changes(tmp_path, monkeypatch):
    posters = [str(tmp_path / name) for name in "abc"]
    for path, content in zip(posters, (b"one", b"one", b"two"), strict=True):
        Path(path).write_bytes(content)
    read, reads = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda path: (reads.append(path.name), read(path))[1])
    for _ in range(2):
        assert near_duplicate_groups([""] * 3, posters).tolist() == [0, 0, 1]
    # In other company too: what a file holds does not depend on the table.
    assert near_duplicate_groups([""] * 2, posters[1:]).tolist() == [0, 1]
    assert reads == ["a", "b", "c"]
    Path(posters[1]).write_bytes(b"two")
    os.utime(posters[1], ns=(1, 1))
    assert near_duplicate_groups([""] * 3, posters).tolist() == [0, 1, 1]
    assert reads == ["a", "b", "c", "b"]


def test_posters_that_cannot_be_read_link_no_films(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    assert near_duplicate_groups(["", ""], [str(tmp_path / name) for name in "ab"]).tolist() == [0, 1]


@given(st.lists(st.sampled_from(["", "a", "A", "b", "c.", "c"]), max_size=12))
def test_films_share_a_group_exactly_when_their_folded_overviews_agree(overviews):
    groups = near_duplicate_groups(overviews, [""] * len(overviews))
    for i, one in enumerate(overviews):
        for j, other in enumerate(overviews):
            same = i == j or (one != "" and one.casefold().strip(".") == other.casefold().strip("."))
            assert (groups[i] == groups[j]) == same
    assert len(np.unique(groups)) == groups.max(initial=-1) + 1


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ({"train": 0.5, "dev": 0.5}, "Films are split into train, validation, calibration, test, got .* dev"),
        ({"train": 0.5, "test": 0.4}, "sum to 1, got train=0.5, test=0.4"),
        ({"train": 1.5, "test": -0.5}, "0 or more and sum to 1, got train=1.5, test=-0.5"),
        ({"train": float("nan")}, "0 or more and sum to 1, got train=nan"),
        ({}, "got none"),
    ],
)
def test_shares_that_split_nothing_sensible_are_refused(shares, sentence):
    with pytest.raises(InputError, match=sentence):
        check_shares(shares)
