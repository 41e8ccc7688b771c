import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.analysis import label_suspects
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.scores import contenders


def case(labels, said, role="test"):
    labels = np.array(labels)
    ids, genres = (
        [f"tt{k}" for k in range(len(labels))],
        Genres(["Comedy", "Drama", "War"][: labels.shape[1]]),
    )
    films = Films(ids, [""] * len(ids), [""] * len(ids), labels, genres, role)
    members = [GenreProbabilities(ids, genres, values, f"member{k}", role) for k, values in enumerate(said)]
    return contenders(members, GenreProbabilities(ids, genres, said[0], "fused", role), films)


def made(n_films=400, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random((n_films, 3)) < [0.5, 0.4, 0.05]).astype(int)
    said = [sigmoid((labels - 0.5) * 6 - [0, 0, 2] + rng.normal(size=labels.shape)) for _ in range(2)]
    return labels, said


def test_one_suspect_is_worked_by_hand():
    # Member 0: carriers are given 0.9 and 0.5, so 0.7 is needed; the others 0.8 and 0.2.
    labels = [[1], [1], [0], [0]]
    said = [[[0.9], [0.5], [0.8], [0.2]], [[0.6], [0.6], [0.7], [0.1]]]
    [row] = label_suspects(case(labels, said)).to_dict("records")
    assert (row["rank"], row["film"], row["genre"], row["label"], row["members"]) == (
        1,
        "tt2",
        "Comedy",
        0,
        2,
    )
    assert row["self_confidence"] == pytest.approx((0.2 + 0.3) / 2)
    assert row["usual"] == pytest.approx(((0.2 + 0.8) / 2 + (0.3 + 0.9) / 2) / 2)
    assert row["shortfall"] == pytest.approx(row["usual"] - row["self_confidence"])


def brute_force(labels, said, min_members):
    """Suspects cell by cell, as (film, genre) with their shortfall."""
    found = {}
    for film, genre in np.ndindex(*labels.shape):
        label, here = labels[film, genre], [one for one in said if not np.isnan(one[film, genre])]
        if len(here) < min_members:
            continue
        gaps = []
        for one in here:
            value, read = one[:, genre], ~np.isnan(one[:, genre])
            own = value if label else 1 - value
            same, other = read & (labels[:, genre] == label), read & (labels[:, genre] != label)
            needed = (1 - own)[other].mean() if other.any() else np.inf
            if not 1 - own[film] > needed + 1e-9:
                break
            gaps.append((own[same].mean(), own[film]))
        else:
            found[f"tt{film}", genre] = np.mean([usual - mine for usual, mine in gaps])
    return found


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_suspects_are_those_of_a_loop_over_cells(seed, min_members):
    rng = np.random.default_rng(seed)
    labels, said = rng.integers(0, 2, (12, 2)), rng.random((3, 12, 2))
    said[rng.random((3, 12)) < 0.2] = np.nan
    everyone = case(labels, said)
    table = label_suspects(everyone, min_members=min_members)
    expected = brute_force(labels, said, min_members)
    found = {(row.film, everyone.genres.column(row.genre)): row.shortfall for row in table.itertuples()}
    assert found == pytest.approx(expected) and table.attrs["found"] == len(expected)
    assert (np.diff(table["shortfall"]) <= 0).all()


def test_suspects_are_planted_mistakes_and_most_of_them():
    labels, said = made()
    wrong = np.random.default_rng(1).choice(400, 20, replace=False)
    given_labels = labels.copy()
    given_labels[wrong, 0] = 1 - given_labels[wrong, 0]
    table = label_suspects(case(given_labels, said))
    planted = {(f"tt{film}", "Comedy") for film in wrong}
    found = set(zip(table["film"], table["genre"], strict=True))
    assert found <= planted and len(found) >= 12


def test_a_rare_genre_s_low_probabilities_are_no_suspicion():
    labels, said = made()
    table = label_suspects(case(labels, said), most=10)
    assert (table["genre"] == "War").sum() <= 3


def test_members_that_say_the_same_of_all_films_suspect_none():
    assert len(label_suspects(case([[1], [0], [0]], [np.full((3, 1), 0.3)] * 2))) == 0


def test_a_genre_that_no_film_carries_has_no_suspects():
    assert len(label_suspects(case([[0], [0]], [[[0.9], [0.1]]] * 2))) == 0


def test_too_few_members_and_films_that_taught_are_told():
    with pytest.raises(InputError, match="at least 1 and min_members=2, got 1"):
        label_suspects(case([[1], [0]], [[[0.9], [0.1]]]))
    with pytest.raises(InputError, match="needs films that taught nothing"):
        label_suspects(case([[1], [0]], [[[0.9], [0.1]]] * 2, role="train"))


def test_suspects_and_their_order_are_cleanlab_s():
    cleanlab = pytest.importorskip("cleanlab", reason="no cleanlab to compare with")
    labels, said = made()
    flipped = labels ^ (np.random.default_rng(2).random(labels.shape) < 0.05)
    table = label_suspects(case(flipped, said[:1]), min_members=1, most=len(labels))
    for column, genre in enumerate(["Comedy", "Drama", "War"]):
        label, both = flipped[:, column], np.stack([1 - said[0][:, column], said[0][:, column]], axis=1)
        _, theirs = cleanlab.count.compute_confident_joint(
            label, both, calibrate=False, return_indices_of_off_diagonals=True
        )
        ours = table[table["genre"] == genre].assign(place=lambda rows: rows["film"].str[2:].astype(int))
        # They leave out films that are as usual for both labels, and likelier for the one that they have.
        likelier = both[ours["place"], ours["label"]] > both[ours["place"], 1 - ours["label"]]
        assert set(ours["place"][~likelier]) <= set(theirs) <= set(ours["place"]) and len(theirs)
        quality = cleanlab.rank.get_label_quality_scores(label, both, method="self_confidence")
        for _, rows in ours.groupby("label"):
            assert (np.diff(quality[rows["place"]]) >= 0).all()
