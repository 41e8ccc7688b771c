from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad_vec

from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, Genres, logits, sigmoid
from multigenre.fusion import BASE, METHODS, LateFusion, film_contributions
from multigenre.fusion._stacking import Stack, evidence

GENRES = Genres(["Comedy", "Drama", "War"])
PREVALENCE = pd.Series({"War": 0.05, "Comedy": 0.4, "Drama": 0.5})
NAMES = ("overview", "poster", "tfidf")


def made(n_films=200, seed=0, role="test", missing=0.2):
    rng = np.random.default_rng([seed, n_films])
    labels = (rng.random((n_films, 3)) < [0.4, 0.5, 0.1]).astype(np.uint8)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    members = []
    for name in NAMES:
        values = sigmoid((labels - 0.5) * 2 + rng.normal(size=labels.shape))
        values[rng.random(n_films) < missing] = np.nan
        members.append(GenreProbabilities(ids, GENRES, values, name, role))
    return members, Films(ids, blank, blank, labels, GENRES, role)


def wide(table, column="contribution"):
    """Contributions (n_films, n_genres, 1 + n_members)."""
    shape = (table["film"].nunique(), len(GENRES), -1)
    return table[column].to_numpy(float, na_value=np.nan).reshape(shape)


@pytest.mark.parametrize("method", METHODS)
def test_contributions_sum_to_the_fused_log_odds(method):
    fusion = LateFusion(method=method, C=1.0, others_C=0.3).fit(*made(role="calibration"))
    members, _ = made(60)
    total = np.nansum(wide(film_contributions(fusion, members, PREVALENCE)), axis=2)
    fused = fusion.predict(members)
    assert total[fused.present] == pytest.approx(logits(fused.values[fused.present]), abs=1e-7)


def test_a_stack_s_parts_are_weight_times_log_odds_from_the_prevalence():
    fusion = LateFusion(method="stack", C=1.0).fit(*made(role="calibration", missing=0))
    members, _ = made(5, missing=0)
    table = film_contributions(fusion, members, PREVALENCE)
    weights = fusion.stack_for(NAMES)[1].weights
    level = logits(PREVALENCE[list(GENRES)].to_numpy())
    for place, member in enumerate(members):
        assert wide(table)[:, :, 1 + place] == pytest.approx(
            weights[:, 1 + place] * (logits(member.values) - level)
        )
    assert wide(table)[:, :, 0] == pytest.approx(
        np.tile(weights[:, 0] + weights[:, 1:].sum(axis=1) * level, (5, 1))
    )
    assert (table["others"] == 0).all() and table["member"].unique().tolist() == [BASE, *NAMES]


def test_a_joint_stack_s_parts_are_integrated_gradients_found_by_quadrature():
    rng = np.random.default_rng(0)
    stack = Stack(
        rng.normal(size=(3, 4)),
        np.zeros((3, 4, 4)),
        np.hstack([rng.normal(size=(3, 2)), rng.normal(size=(3, 3))]),
        rng.normal(size=3),
    )
    fusion = LateFusion().fit_names(NAMES, GENRES)
    fusion._stacks = {NAMES: stack}
    members, _ = made(4, missing=0)
    table = film_contributions(fusion, members, PREVALENCE)
    start = np.tile(logits(PREVALENCE[list(GENRES)].to_numpy()), (3, 1))
    for film in range(4):
        end = np.stack([logits(member.values[film]) for member in members])

        def integrand(t, film_end=end):
            """Return the derivative of the fused log-odds by each input, times its run (n_genres, n_members)."""
            step, at = 1e-6, start + t * (film_end - start)
            slopes = np.empty((3, 3, 3))  # fused genre, member, genre
            for one in np.ndindex(3, 3):
                nudge = np.zeros((3, 3))
                nudge[one] = step
                change = stack.log_odds((at + nudge)[:, None]) - stack.log_odds((at - nudge)[:, None])
                slopes[:, one[0], one[1]] = change[0] / (2 * step)
            return (slopes * (film_end - start)).sum(axis=2)

        expected = quad_vec(integrand, 0, 1, epsabs=1e-8)[0]
        assert wide(table)[film, :, 1:] == pytest.approx(expected, abs=1e-5)
    # Through the genre itself: its slope, and its own evidence.
    weights, others = stack.weights[:, 1:], stack.others
    moves = np.stack([weights[:, k] * (logits(members[k].values) - start[0]) for k in range(3)])
    z0 = stack.weights[:, 0] + weights.sum(axis=1) * start[0]
    z1 = z0 + moves.sum(axis=0)
    slope = (evidence(z1, stack.usual) - evidence(z0, stack.usual)) / (z1 - z0)
    own = others[:, 1] * moves + np.diagonal(others[:, 2:]) * slope * moves
    assert wide(table, "own")[:, :, 1:] == pytest.approx(own.transpose(1, 2, 0))


def test_a_missing_member_has_no_part_and_a_film_that_nobody_reads_has_none_at_all():
    fusion = LateFusion(method="logit-mean").fit(*made(role="calibration"))
    members, _ = made(3, missing=0)
    gone = [
        np.array([[True], [False], [True]]),
        np.array([[False], [False], [True]]),
        np.array([[False], [False], [True]]),
    ]
    members = [
        replace(member, values=np.where(lost, np.nan, member.values), present=~lost[:, 0])
        for member, lost in zip(members, gone, strict=True)
    ]
    parts = wide(film_contributions(fusion, members, PREVALENCE))
    assert np.isnan(parts[0, :, 1]).all() and np.isfinite(parts[0][:, [0, 2, 3]]).all()
    assert np.isnan(parts[2]).all()


def test_members_that_say_the_prevalence_argue_for_nothing():
    fusion = LateFusion(C=1.0, others_C=0.3).fit(*made(role="calibration"))
    members, _ = made(2, missing=0)
    level = np.tile(PREVALENCE[list(GENRES)].to_numpy(), (2, 1))
    table = film_contributions(fusion, [replace(one, values=level) for one in members], PREVALENCE)
    assert wide(table)[:, :, 1:] == pytest.approx(0) and table["share"].isna().all()


def test_shares_are_of_what_members_moved_either_way():
    fusion = LateFusion(method="logit-mean").fit(*made(role="calibration"))
    table = film_contributions(fusion, made(10, missing=0)[0], PREVALENCE)
    shares = wide(table, "share")
    assert np.isnan(shares[:, :, 0]).all() and shares[:, :, 1:].sum(axis=2) == pytest.approx(1)
    parts = np.abs(wide(table))[0, 0, 1:]
    assert shares[0, 0, 1:] == pytest.approx(parts / parts.sum())


def test_a_genre_without_prevalence_is_named():
    fusion = LateFusion(method="mean").fit_names(NAMES, GENRES)
    with pytest.raises(InputError, match="Every genre needs a prevalence, but War has none"):
        film_contributions(fusion, made(2)[0], PREVALENCE.drop("War"))
