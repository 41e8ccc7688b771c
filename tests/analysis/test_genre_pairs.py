import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from multigenre._checks import InputError
from multigenre.analysis import co_occurrence
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.scores import contenders

GENRES = Genres(["Comedy", "Drama", "War"])


def case(labels, named, thresholds=None):
    labels, named = np.array(labels), np.array(named, float)
    ids = [f"tt{k}" for k in range(len(labels))]
    films = Films(ids, [""] * len(ids), [""] * len(ids), labels, GENRES, "test")
    values = np.where(np.isnan(named), np.nan, 0.2 + 0.6 * named)
    fused = GenreProbabilities(ids, GENRES, values, "fused", "test")
    return contenders([fused.absent("poster")], fused, films, thresholds)


def test_counts_and_lifts_are_worked_by_hand():
    labels = [[1, 1, 0]] * 3 + [[1, 0, 0]] * 3 + [[0, 1, 0]] * 2 + [[0, 0, 0]] * 2
    named = [[1, 1, 0]] * 6 + [[0, 1, 0]] * 2 + [[0, 0, 0]] * 2
    table = co_occurrence(case(labels, named))
    [row] = table.to_dict("records")  # War is on no film and named for none
    assert (row["genre"], row["other"], row["films"]) == ("Comedy", "Drama", 10)
    assert (row["carried"], row["named"]) == (3, 6)
    assert row["carried_expected"] == pytest.approx(3.0) and row["carried_lift"] == pytest.approx(1.0)
    assert row["named_expected"] == pytest.approx(4.8) and row["named_lift"] == pytest.approx(1.25)
    assert row["excess"] == pytest.approx(0.3) and row["p"] == pytest.approx(binomtest(3, 3).pvalue)
    # Agresti and Min: 3.5 only named, 0.5 only carried, of 12.
    middle, error = 3 / 12, np.sqrt((4 / 12 - (3 / 12) ** 2) / 12)
    assert [row["low"], row["high"]] == pytest.approx(
        [middle - 1.959964 * error, middle + 1.959964 * error], abs=1e-6
    )


@pytest.mark.parametrize(
    ("share_named", "share_carried", "verdict"),
    [(0.4, 0.2, "too often"), (0.1, 0.3, "too rarely"), (0, 0.2, "never"), (0.2, 0.2, "")],
)
def test_planted_pairs_get_their_verdict(share_named, share_carried, verdict):
    rng = np.random.default_rng(0)
    pairs = [
        np.repeat((rng.random(200) < share)[:, None], 2, axis=1) for share in (share_carried, share_named)
    ]
    if share_named == share_carried:
        pairs[1] = pairs[0]
    labels, named = (np.hstack([pair, np.zeros((200, 1))]).astype(int) for pair in pairs)
    named[:, 0] |= rng.random(200) < 0.1
    table = co_occurrence(case(labels, named))
    found = table[(table["genre"] == "Comedy") & (table["other"] == "Drama")]
    assert found["verdict"].tolist() == [verdict]
    assert (found["low"].item() <= found["excess"].item() <= found["high"].item()) or found[
        "named"
    ].item() == 0


def test_films_that_are_not_present_are_left_out_and_none_at_all_is_told():
    named = np.ones((4, 3))
    named[0] = np.nan
    table = co_occurrence(case(np.ones((4, 3), int), named))
    assert (table["films"] == 3).all() and (table["named_share"] == 1).all()
    with pytest.raises(InputError, match="fused covers none of these films"):
        co_occurrence(case(np.ones((4, 3), int), np.full((4, 3), np.nan)))


def test_thresholds_decide_what_is_named():
    table = co_occurrence(
        case(np.ones((4, 3), int), np.ones((4, 3)), {"fused": pd.Series(0.9, list(GENRES))})
    )
    assert (table["named"] == 0).all() and (table["carried"] == 4).all() and table["named_lift"].isna().all()
