import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from multigenre import scores as metrics
from multigenre._checks import InputError
from multigenre.data import Films, GenreProbabilities, Genres, logits, sigmoid
from multigenre.fusion import LateFusion
from multigenre.fusion._pattern_fits import FEW, Lessons
from multigenre.fusion._patterns import fit_greedy, fit_patterns, folds_of

GENRES = Genres(["Comedy", "Drama", "News", "War"])
METHODS = ("joint-stack", "stack", "greedy", "logit-mean", "mean")
STACKS = METHODS[:2]


def made(n_films=400, role="calibration", seed=0, names=("overview", "poster")):
    """Films, and members that each see the truth through their own noise; News has no film, War few."""
    rng = np.random.default_rng(seed)
    truth = np.array([-0.5, 0.3, -50, -4]) + 1.5 * rng.normal(size=(n_films, 4))
    labels = (rng.random(truth.shape) < sigmoid(truth)).astype(np.uint8)
    ids, blank = [f"{role}{film}" for film in range(n_films)], [""] * n_films
    seen = np.maximum(truth, -6)
    members = [
        GenreProbabilities(ids, GENRES, sigmoid(seen + rng.normal(size=seen.shape)), name, role)
        for name in names
    ]
    return members, Films(ids, blank, blank, labels, GENRES, role)


def without(member, rows):
    values = member.values.copy()
    values[rows] = np.nan
    return GenreProbabilities(member.ids, member.genres, values, member.name, member.role)


def test_separable_films_and_constant_members_give_finite_probabilities():
    ids, blank = [f"tt{film}" for film in range(40)], [""] * 40
    labels = np.tile([[0, 1], [1, 1]], (20, 1))
    films = Films(ids, blank, blank, labels, ["Drama", "War"], "calibration")
    sure = GenreProbabilities(ids, films.genres, np.where(labels == 1, 1.0, 0.0), "sure", "calibration")
    flat = GenreProbabilities(ids, films.genres, np.full((40, 2), 1e-9), "flat", "calibration")
    for C in (1e-3, 1.0, 1e3):
        fused = LateFusion(C=C).fit([sure, flat], films).predict([flat, sure])
        assert np.isfinite(fused.values).all() and ((fused.values > 0.5) == labels).all()


def test_means_by_hand():
    films = Films(["a"], [""], [""], [[1]], ["Drama"], "calibration")
    members = [
        GenreProbabilities(["a"], ["Drama"], [[p]], name, "calibration")
        for p, name in ((0.5, "x"), (0.9, "y"))
    ]
    assert LateFusion(method="mean").fit(members, films).predict(members).values[0, 0] == pytest.approx(0.7)
    # Odds 1 and 9 have the geometric mean 3.
    assert LateFusion(method="logit-mean").fit(members, films).predict(members).values[0, 0] == pytest.approx(
        0.75
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.sampled_from(["mean", "logit-mean"]))
def test_a_mean_lies_between_its_members(probabilities, method):
    films = Films(["a"], [""], [""], [[1]], ["Drama"], "calibration")
    members = [
        GenreProbabilities(["a"], ["Drama"], [[p]], f"m{k}", "calibration")
        for k, p in enumerate(probabilities)
    ]
    fused = LateFusion(method=method).fit(members, films).predict(members).values[0, 0]
    assert min(probabilities) - 1.1e-6 <= fused <= max(probabilities) + 1.1e-6


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_members_does_not_matter(method):
    members, films = made(names=("a", "b", "c"))
    test, _ = made(50, "test", names=("a", "b", "c"))
    fused = LateFusion(method=method).fit(members, films).predict(test)
    again = LateFusion(method=method).fit(members[::-1], films).predict([test[1], test[2], test[0]])
    assert (fused.values == again.values).all() and (fused.name, fused.role) == ("fused", "test")


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(rows=st.lists(st.integers(0, 49), min_size=1, unique=True))
def test_a_film_s_fused_probability_does_not_depend_on_the_other_films(method, rows):
    fusion = LateFusion(method=method).fit(*made())
    test = [without(member, [k, k + 7]) for k, member in enumerate(made(50, "test")[0])]
    whole = fusion.predict(test)
    part = fusion.predict([member.take(rows) for member in test])
    assert (part.values == whole.values[rows]).all() and part.ids.tolist() == whole.ids[rows].tolist()


def test_the_order_of_films_does_not_matter_to_what_is_learned():
    members, films = made()
    order = np.random.default_rng(0).permutation(400)
    fusion = LateFusion().fit(members, films)
    again = LateFusion().fit([member.take(order) for member in members], films.take(order))
    np.testing.assert_allclose(fusion.weights_["weight"], again.weights_["weight"], rtol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_missing_poster_falls_back_to_the_overview(method):
    members, films = made()
    fusion = LateFusion(method=method).fit(members, films)
    (overview, poster), _ = made(20, "test")
    alone = fusion.predict([overview])
    fused = fusion.predict([overview, without(poster, slice(0, 10))])
    assert (fused.values[:10] == alone.values[:10]).all() and (fused.values[10:] != alone.values[10:]).all()
    if method not in STACKS:
        np.testing.assert_allclose(alone.values, overview.values, atol=1e-6)


def test_each_pattern_is_fitted_on_films_that_have_some_of_its_members():
    (overview, poster), films = made()
    missing = [without(overview, slice(0, 100)), without(poster, slice(50, 150))]
    fusion = LateFusion(C=0.1, others_C=0.1).fit(missing, films)
    assert fusion.weights_["pattern"].unique().tolist() == ["overview", "poster", "overview+poster"]
    assert set(films.ids) - set(fusion.film_ids_) == set(films.ids[50:100])
    rows = np.r_[100:400]
    alone = LateFusion(C=0.1, others_C=0.1).fit([overview.take(rows)], films.take(rows)).choices_
    own = fusion.choices_.query("fit == 'overview'").iloc[: len(alone) - 1]
    assert own["films"].tolist() == [300, 300] == alone["films"].tolist()[1:]


def test_films_without_any_member_are_not_present():
    members, films = made()
    fusion = LateFusion().fit(members, films)
    fused = fusion.predict([without(member, [3]) for member in made(10, "test")[0]])
    assert np.flatnonzero(~fused.present).tolist() == [3] and np.isnan(fused.values[3]).all()


def test_more_than_five_members_are_stacked_in_the_patterns_that_were_seen():
    members, films = made(names="abcdef")
    members[0] = without(members[0], slice(0, 200))
    fusion = LateFusion(method="stack", C=0.1).fit(members, films)
    patterns = fusion.weights_["pattern"].unique().tolist()
    assert patterns == [*"abcdef", "b+c+d+e+f", "a+b+c+d+e+f"]
    test, _ = made(10, "test", names="abcdef")
    # a and c were never alone together: of two parts as large, the one of lower loss wins.
    table = fusion.choices_.query("chosen and pattern in ('a', 'c')").sort_values("bce")
    better = test["abc".index(table["pattern"].iloc[0])]
    assert (fusion.predict([test[0], test[2]]).values == fusion.predict([better]).values).all()


def test_a_member_that_no_calibration_film_has_is_taken_as_it_is():
    (overview, poster), films = made()
    fusion = LateFusion().fit([overview, without(poster, slice(None))], films)
    test, _ = made(10, "test")
    np.testing.assert_allclose(fusion.predict([test[1]]).values, test[1].values, atol=1e-6)
    assert (fusion.predict(test).values == fusion.predict([test[0]]).values).all()


def test_strengths_are_those_of_lowest_cross_validated_loss():
    members, films = made()
    fusion = LateFusion(C=(1e-3, 0.1), others_C=[0.01, 0.1]).fit(members, films)
    rows = fusion.choices_.query("pattern == 'overview+poster' and members == pattern").sort_values("bce")
    assert len(rows) == 2
    assert rows["C"].nunique() == 1 and rows["chosen"].tolist() == [True] + [False] * (len(rows) - 1)
    for C in (1e-3, 0.1):
        alone = LateFusion(method="stack", C=C).fit(members, films).choices_
        bce = alone.query("pattern == 'overview+poster' and members == pattern")["bce"].iloc[0]
        assert bce >= rows.loc[rows["others_C"].isna(), "bce"].iloc[0] - 1e-6
    for other in (0.01, 0.1):
        alone = LateFusion(C=rows["C"].iloc[0], others_C=other).fit(members, films).choices_
        bce = alone.query("pattern == 'overview+poster' and others_C.notna()")["bce"].iloc[0]
        assert bce >= rows.loc[rows["others_C"].notna(), "bce"].iloc[0] - 1e-6


def test_what_serves_a_pattern_is_never_worse_than_a_member_alone_on_held_out_films():
    members, films = made(300)
    rng = np.random.default_rng(1)
    noise = GenreProbabilities(films.ids, GENRES, rng.random((300, 4)), "noise", "calibration")
    choices = LateFusion().fit([*members, noise], films).choices_
    for _, tried in choices.groupby("pattern"):
        assert tried.loc[tried["chosen"], "bce"].tolist() == [tried["bce"].min()]
    assert choices.query("pattern == 'noise+poster'")["members"].isin(["poster", "noise+poster"]).any()


def test_a_pattern_with_few_films_leans_on_its_parts():
    (overview, poster), films = made(200)
    few = [overview, without(poster, slice(FEW - 1, None))]
    fusion = LateFusion(method="stack").fit(few, films)
    assert fusion.weights_["pattern"].unique().tolist() == ["overview", "poster"]
    test, _ = made(30, "test")
    assert (fusion.predict(test).values == fusion.predict(test[:1]).values).all()
    np.testing.assert_allclose(fusion.predict(test[1:]).values, test[1].values, atol=1e-6)
    # A member that knows nothing there keeps its weight of 0 where its films are enough to tell.
    useless = GenreProbabilities(films.ids, GENRES, np.full((200, 4), 0.5), "poster", "calibration")
    fusion = LateFusion(method="stack").fit([overview, without(useless, slice(FEW, None))], films)
    chosen = fusion.choices_.query("pattern == 'overview+poster' and chosen")["bce"].item()
    assert chosen == fusion.choices_.query("pattern == 'overview+poster'")["bce"].min()


def test_a_film_s_fold_does_not_depend_on_the_order_of_films():
    ids = np.array([f"tt{film}" for film in range(103)])
    fold = folds_of(ids, 0)
    order = np.random.default_rng(0).permutation(103)
    assert (folds_of(ids[order], 0) == fold[order]).all() and (folds_of(ids, 1) != fold).any()
    assert np.bincount(fold).tolist() == [21, 21, 21, 20, 20]


def drawn(seed):
    """Three members' probabilities (3, 120, 4) of films of which each lacks some, labels, and counts 1 to 3."""
    rng = np.random.default_rng(seed)
    members, films = made(120, seed=seed, names="abc")
    values = np.stack([without(member, rng.random(120) < 0.15).values for member in members])
    return values, films.labels, rng.integers(1, 4, 120)


@pytest.mark.parametrize("non_negative", [False, True])
@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000))
def test_a_film_that_weighs_a_whole_number_is_as_many_films(non_negative, seed):
    values, labels, counts = drawn(seed)
    fold, rows = np.arange(120) % 5, np.repeat(np.arange(120), counts)
    once, again = (
        fit_patterns(
            list("abc"),
            Lessons(logits(values[:, films]), labels[films], fold[films], weights),
            C=(0.01, 1.0),
            others_C=(0.01, 0.3),
            non_negative=non_negative,
        )
        for films, weights in ((slice(None), counts.astype(float)), (rows, np.ones(len(rows))))
    )
    for name, stack in again[0].items():
        assert (once[0][name].others is None) == (stack.others is None)
        for what in ("weights", "others", "usual", "loss"):
            if getattr(stack, what) is not None:
                found, expected = getattr(once[0][name], what), getattr(stack, what)
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(once[0][name].errors, stack.errors, rtol=1e-6, equal_nan=True)
    one, other = (pd.DataFrame(choices).drop(columns="films") for _, choices, _ in (once, again))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_greedy_selection_counts_a_film_as_often_as_it_weighs(seed):
    values, labels, counts = drawn(seed)
    rows = np.repeat(np.arange(120), counts)
    once = fit_greedy(list("abc"), values, labels, counts.astype(float))
    again = fit_greedy(list("abc"), values[:, rows], labels[rows], np.ones(len(rows)))
    for name, stack in again.items():
        np.testing.assert_allclose(once[name].weights, stack.weights)


@pytest.mark.parametrize("method", METHODS)
def test_a_film_of_weight_0_is_as_absent_and_weights_of_1_are_as_none(method):
    members, films = made(200)
    members[1] = without(members[1], slice(0, 40))
    weights = np.random.default_rng(0).integers(0, 3, 200) * 0.7
    rows = np.flatnonzero(weights)
    fits = [
        (members, films, weights),
        ([member.take(rows) for member in members], films.take(rows), weights[rows]),
        (members, films, np.ones(200)),
        (members, films, None),
    ]
    zero, absent, ones, none = (
        LateFusion(method=method).fit(seen, known, sample_weight=weight).to_dict()
        for seen, known, weight in fits
    )
    assert zero == absent and ones == none
    assert zero["stacks"] != none["stacks"] or method in ("mean", "logit-mean")


def test_a_film_that_no_member_reads_teaches_nothing_and_moves_no_fold():
    members, films = made(200)
    members = [without(member, slice(50, 60)) for member in members]
    rows = np.r_[:50, 60:200]
    fusion = LateFusion(C=(0.01, 1.0), others_C=0.1)
    some = clone(fusion).fit([member.take(rows) for member in members], films.take(rows))
    assert fusion.fit(members, films).to_dict() == some.to_dict()


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (np.ones(49), r"sample_weight must have shape \(50,\), got \(49,\)"),
        (np.r_[-1.0, np.ones(49)], "LateFusion.fit needs finite weights of 0 or more, got -1.0, 1.0"),
        (np.r_[np.inf, np.ones(49)], "LateFusion.fit needs finite weights of 0 or more, got 1.0, inf"),
        (np.zeros(50), "LateFusion.fit needs a film whose weight is above 0, got none among 50"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights, sentence):
    with pytest.raises(InputError, match=sentence):
        LateFusion().fit(*made(50), sample_weight=weights)


def test_greedy_weights_are_the_same_for_all_genres_and_sum_to_one():
    members, films = made(200)
    weights = LateFusion(method="greedy").fit(members, films).weights_.query("pattern == 'overview+poster'")
    wide = weights.pivot(index="genre", columns="member", values="weight")
    assert (wide["(intercept)"] == 0).all() and wide.nunique().max() == 1
    np.testing.assert_allclose(wide.sum(axis=1), 1)


@pytest.mark.parametrize("non_negative", [False, True])
def test_a_member_that_is_wrong_gets_a_weight_below_zero_unless_that_is_ruled_out(non_negative):
    (overview, poster), films = made()
    wrong = GenreProbabilities(films.ids, GENRES, 1 - poster.values, "poster", "calibration")
    table = LateFusion(C=0.1, non_negative=non_negative).fit([overview, wrong], films).weight_table()
    found = table.query("pattern == 'overview+poster' and member == 'poster' and genre == 'Drama'")
    assert (found["weight"].item() >= 0) == non_negative


def test_a_weight_lies_in_its_interval_and_a_higher_level_is_wider():
    fusion = LateFusion(method="stack", C=0.1).fit(*made())
    wide, narrow = fusion.weight_table(level=0.99), fusion.weight_table(level=0.5)
    assert ((wide["low"] < narrow["low"]) & (narrow["low"] < narrow["weight"])).all()
    assert ((wide["high"] > narrow["high"]) & (narrow["high"] > narrow["weight"])).all()
    assert fusion.weights_.equals(wide[["pattern", "genre", "member", "weight"]])


def test_other_weights_name_both_genres():
    members, films = made()
    table = LateFusion(C=0.1, others_C=0.1).fit(members, films).other_weights()
    assert table.columns.tolist() == ["pattern", "genre", "other", "weight"]
    assert (table.groupby("pattern").size() == 16).all()
    assert LateFusion(method="stack", C=0.1).fit(members, films).other_weights().empty


@pytest.mark.parametrize("method", METHODS)
def test_fusing_complementary_members_beats_both(method):
    members, films = made(2000)
    test, test_films = made(2000, "test", seed=1)
    fused = metrics.scores(LateFusion(method=method).fit(members, films).predict(test), test_films)
    for member in test:
        alone = metrics.scores(member, test_films)
        assert fused["bce"] < alone["bce"] and fused["map_macro"] > alone["map_macro"]


def test_a_stack_mends_a_member_that_is_wrong_about_its_own_certainty():
    (member, _), films = made(2000)
    test, test_films = made(2000, "test", seed=1)

    def overconfident(one):
        return GenreProbabilities(one.ids, GENRES, sigmoid(3 * logits(one.values) + 1), "poster", one.role)

    fused = LateFusion().fit([overconfident(member)], films).predict([overconfident(test[0])])
    mended, honest = metrics.scores(fused, test_films)["bce"], metrics.scores(test[0], test_films)["bce"]
    assert mended < honest + 0.002 < metrics.scores(overconfident(test[0]), test_films)["bce"]


def test_predictions_for_the_fitted_films_are_marked_and_cannot_be_reported():
    members, films = made(role="out-of-fold")
    films = films.with_role("train")
    fused = LateFusion().fit(members, films).predict(members)
    assert fused.role == "calibration"
    with pytest.raises(InputError, match="A report needs films"):
        metrics.scores(fused, films.with_role(None))


def test_patterns_that_are_wanted_get_weights_beside_single_members_and_those_that_films_have():
    members, films = made()
    everyone = [
        *members,
        GenreProbabilities(films.ids, GENRES, members[0].values ** 2, "square", members[0].role),
    ]
    fusion = LateFusion(C=0.1, others_C=0.1, patterns=[["poster", "square"]]).fit(everyone, films)
    patterns = ["overview", "poster", "square", "poster+square", "overview+poster+square"]
    assert list(fusion.weights_["pattern"].unique()) == patterns
    assert fusion.stack_for(["poster", "square"])[0] == ("poster", "square")
    assert fusion.stack_for(["overview", "square"])[0] in [("overview",), ("square",)]
    whole = LateFusion(C=0.1, others_C=0.1).fit(everyone, films)
    assert len(whole.weights_["pattern"].unique()) == 7


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame])
def test_arrays_by_name_are_fused_as_records_are(kind):
    members, films = made()
    arrays = {member.name: kind(member.to_frame()) for member in members}
    labels = kind(pd.DataFrame(films.labels, index=films.ids, columns=list(GENRES)))
    fusion = LateFusion(method="stack", C=0.1).fit(arrays, labels)
    named = LateFusion(method="stack", C=0.1).fit(members, films)
    test, _ = made(30, "test", seed=1)
    found = fusion.predict({member.name: kind(member.to_frame()) for member in test})
    assert list(fusion.genres_) == (list(GENRES) if kind is pd.DataFrame else ["0", "1", "2", "3"])
    np.testing.assert_allclose(found.values, named.predict(test).values)


def test_a_pattern_of_unknown_members_is_refused():
    members, films = made()
    with pytest.raises(
        InputError, match="A pattern names members that are there, overview, poster, got sound"
    ):
        LateFusion(patterns=[["sound"]]).fit(members, films)


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_fusion_is_the_same_after_json(method):
    members, films = made()
    fusion = LateFusion(method=method, C=2.0).fit(members, films)
    again = LateFusion.from_dict(json.loads(json.dumps(fusion.to_dict(), allow_nan=False)))
    test, _ = made(20, "test")
    pd.testing.assert_frame_equal(again.choices_, fusion.choices_)
    pd.testing.assert_frame_equal(again.weight_table(), fusion.weight_table())
    for some in (test, test[:1]):
        assert (again.predict(some).values == fusion.predict(some).values).all()
    assert again.weights_.equals(fusion.weights_) and again.to_dict() == fusion.to_dict()
    expected = {"C": 2.0, "method": method, "non_negative": False, "others_C": "cv", "patterns": None}
    expected["seed"] = 0
    assert clone(fusion).get_params() == again.get_params() == expected


def test_names_are_enough_for_a_mean():
    test, _ = made(20, "test")
    fusion = LateFusion(method="mean").fit_names(["poster", "overview"], GENRES)
    assert (fusion.predict(test).values == (test[0].values + test[1].values) / 2).all()


def test_float32_members_are_fused_in_float32_to_the_same_numbers():
    members, films = made()
    fusion = LateFusion().fit(members, films)
    test, _ = made(50, "test")
    small = [GenreProbabilities(m.ids, GENRES, m.values.astype(np.float32), m.name, m.role) for m in test]
    fused = fusion.predict(small)
    assert fused.values.dtype == np.float32
    np.testing.assert_allclose(fused.values, fusion.predict(test).values, atol=1e-5)


@pytest.mark.parametrize("role", ["train", "validation", "test", None])
def test_films_that_a_member_saw_or_reports_use_cannot_fit_a_fusion(role):
    members, films = made(role="calibration" if role is None else role)
    members[1] = GenreProbabilities(films.ids, GENRES, members[1].values, "poster", role)
    members[0] = GenreProbabilities(films.ids, GENRES, members[0].values, "overview", "out-of-fold")
    sentence = (
        f"LateFusion.fit needs films no member trained on, kept for fitting, got role={role!r} from poster"
    )
    with pytest.raises(InputError, match=sentence):
        LateFusion().fit(members, films)


def test_bad_input_is_refused_in_one_sentence():
    members, films = made(50)
    with pytest.raises(
        InputError, match="is one of joint-stack, stack, greedy, logit-mean, mean, got 'vote'"
    ):
        LateFusion(method="vote").fit(members, films)
    for C in (0, -1.0, "many", (), (0.1, np.inf)):
        with pytest.raises(InputError, match="needs C to be 'cv' or one or more numbers above 0, got "):
            LateFusion(C=C).fit(members, films)
    with pytest.raises(InputError, match="needs others_C to be 'cv' or one or more numbers above 0, got 0"):
        LateFusion(others_C=0).fit(members, films)
    with pytest.raises(InputError, match="a list of one or more"):
        LateFusion().fit([], films)
    with pytest.raises(InputError, match="distinct names, got poster, poster"):
        LateFusion().fit([members[1], members[1]], films)
    with pytest.raises(InputError, match="same 50 films in the same order"):
        LateFusion().fit([members[0], members[1].take(slice(None, None, -1))], films)
    fusion = LateFusion().fit(members, films)
    test, _ = made(10, "test", names=("overview", "poster", "trailer"))
    with pytest.raises(InputError, match="fitted on overview, poster, got trailer as well"):
        fusion.predict(test)
    with pytest.raises(InputError, match="overview and poster must be about the same films"):
        fusion.predict([test[0], test[1].take(slice(1, None))])
    with pytest.raises(InputError, match="one role, got 'test' and 'validation'"):
        fusion.predict(
            [test[0], GenreProbabilities(test[1].ids, GENRES, test[1].values, "poster", "validation")]
        )
    with pytest.raises(InputError, match="their order differs"):
        fusion.predict([GenreProbabilities(["a"], list(GENRES)[::-1], [[0.5] * 4], "poster")])
    with pytest.raises(InputError, match="needs 'members', which is not there"):
        LateFusion.from_dict(LateFusion(method="mean").get_params())
    members[1] = GenreProbabilities(films.ids, GENRES, members[1].values, "poster", "out-of-fold")
    assert LateFusion(method="mean").fit(members, films).predict(members).role == "calibration"
    with pytest.raises(ValueError, match="not fitted yet"):
        LateFusion().predict(test)


def test_held_out_probabilities_are_those_of_a_stack_that_was_fitted_without_the_film():
    members, films = made(600)
    fusion = LateFusion(C=0.1, others_C=0.1).fit(members, films)
    [chosen] = fusion.choices_.query("pattern == 'overview+poster' and chosen").itertuples()
    assert chosen.fit == "overview+poster"
    again = clone(fusion).set_params(method="stack" if np.isnan(chosen.others_C) else "joint-stack")
    fold, found = folds_of(films.ids, fusion.seed), fusion.held_out_
    assert found.role == "out-of-fold" and list(found.ids) == list(films.ids)
    for one in (0, 3):
        rest, held = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        again.fit([member.take(rest) for member in members], films.take(rest))
        expected = again.predict([member.take(held) for member in members]).values
        np.testing.assert_allclose(found.values[held], expected, atol=2e-3)
        assert np.abs(found.values[held] - fusion.predict(members).values[held]).max() > 5e-3


def test_films_of_too_few_for_a_stack_are_held_out_as_they_are_predicted():
    members, films = made(FEW - 1)
    fusion = LateFusion().fit(members, films)
    np.testing.assert_allclose(fusion.held_out_.values, fusion.predict(members).values)


def test_films_that_lack_a_member_are_held_out_by_the_stack_that_serves_them():
    members, films = made(400)
    members[0] = without(members[0], np.arange(100))
    fusion = LateFusion().fit(members, films)
    far = np.abs(fusion.held_out_.values - fusion.predict(members).values)
    assert np.isfinite(far).all() and far[:100].mean() < 0.05 and far[:100].max() > 0


def test_only_a_stack_holds_films_out():
    members, films = made(60)
    for method in METHODS:
        assert (LateFusion(method=method).fit(members, films).held_out_ is not None) is (method in STACKS)
