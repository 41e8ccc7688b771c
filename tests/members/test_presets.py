from pathlib import Path

import keras_tuner
import pandas as pd
import pytest

from multigenre._checks import InputError
from multigenre.members import (
    DEFAULT_SPLIT,
    PRESETS,
    EmbeddingMember,
    GivenMember,
    OverviewBag,
    OverviewMember,
    OverviewTfidf,
    PosterMember,
    descriptions,
    make_member,
    make_members,
    make_network,
    restored,
)
from multigenre.members._presets import MEMBERS, member_names
from multigenre.networks import Recipe
from multigenre.search._spaces import SPACES


def test_the_reference_is_the_reports_recipe():
    assert member_names("reference") == ("poster-cnn", "overview-lstm")
    report = {"batch_size": 64, "learning_rate": 1e-4, "constant_epochs": 10, "decay": 0.01, "patience": None}
    for name, epochs in (("poster-cnn", 40), ("overview-lstm", 20)):
        member = make_member(name, preset="reference", seed=7)
        assert isinstance(member, (PosterMember, OverviewMember)) and (member.name, member.seed) == (name, 7)
        assert member.recipe == Recipe(epochs=epochs, **report)
        assert name == "overview-lstm" or member.rescale is False  # pixels in 0..255


@pytest.mark.parametrize("preset", ["default", "tuned", "quick"])
def test_other_presets_train_networks_on_pixels_from_0_to_1(preset):
    assert set(member_names(preset)) <= set(MEMBERS)
    assert make_member("poster-cnn", preset=preset).rescale


@pytest.mark.parametrize("name", ["poster-cnn", "overview-lstm"])
def test_the_tuned_preset_is_the_first_of_the_leaderboard(name):
    hp, searches = keras_tuner.HyperParameters(), Path(__file__).parents[2] / "benchmarks" / "searches"
    hp.values = pd.read_csv(searches / f"{name}.csv").astype(object).iloc[0].dropna().to_dict()
    found, tuned = make_network(name, SPACES[name](hp)[name]), make_member(name, preset="tuned")
    assert (tuned.design, getattr(tuned, "rescale", None)) == (found.design, getattr(found, "rescale", None))
    epochs = hp.values["epochs-run"]  # Hyperband says how many
    assert tuned.recipe.epochs == epochs
    rates = [[member.recipe.rate(epoch) for epoch in range(epochs)] for member in (tuned, found)]
    assert rates[0] == pytest.approx(rates[1], rel=1e-4)
    what = ("batch_size", "loss", "label_smoothing", "patience")
    assert [getattr(tuned.recipe, one) for one in what] == [getattr(found.recipe, one) for one in what]


def test_the_reference_and_the_default_preset_can_train_every_member_by_name():
    kinds = [PosterMember, EmbeddingMember, OverviewMember, OverviewBag, OverviewTfidf]
    for preset in PRESETS:
        assert [type(make_member(name, preset=preset)) for name in MEMBERS] == kinds


def test_members_may_be_made_of_a_file(tmp_path):
    member = make_member(f"given={tmp_path / 'critics.csv'}")
    assert isinstance(member, GivenMember) and member.name == "critics"


def test_members_given_as_objects_are_copied():
    mine = OverviewTfidf("words", C=2.0)
    [copied, other] = make_members([mine, "overview-bag"], seed=4)
    assert copied is not mine and (copied.name, copied.C) == ("words", 2.0) and other.seed == 4


def test_members_are_distinct_and_unfitted():
    with pytest.raises(InputError, match="Members need distinct names, got overview-tfidf, overview-tfidf"):
        make_members(["overview-tfidf", OverviewTfidf()])
    fitted = OverviewTfidf()
    fitted.learned_ids_ = {}
    with pytest.raises(InputError, match="overview-tfidf is fitted already; give an unfitted member"):
        make_members([fitted])


def test_devices_are_those_of_every_network():
    both = ["GPU:0", "GPU:1"]
    cnn, _, lstm = make_members(["poster-cnn", "overview-tfidf", "overview-lstm"], devices=both)
    assert cnn.devices == lstm.devices == ("GPU:0", "GPU:1")
    with pytest.raises(InputError, match="Devices share the training of networks, but words is none"):
        make_members([OverviewTfidf("words")], devices=both)


def test_what_a_bundle_says_makes_the_members_again():
    members = ["poster-cnn", "given=tables/critics.csv", OverviewTfidf("words")]
    said = descriptions(members, "quick")
    assert said == {
        "poster-cnn": "poster-cnn",
        "critics": "given=tables/critics.csv",
        "words": "OverviewTfidf",
    }
    again = [restored(name, what, (), preset="quick", seed=1) for name, what in said.items()]
    assert [(type(one), one.name) for one in again] == [
        (PosterMember, "poster-cnn"), (GivenMember, "critics"), (OverviewTfidf, "words"),
    ]  # fmt: skip


def test_the_quick_preset_is_quick():
    assert all(PRESETS["quick"][name]["recipe"]["epochs"] <= 12 for name in ("poster-cnn", "overview-lstm"))


def test_members_asked_for_come_before_the_presets():
    assert member_names("quick", ["overview-tfidf", "poster-cnn"]) == ("overview-tfidf", "poster-cnn")


def test_the_default_split_has_every_role():
    assert sum(DEFAULT_SPLIT.values()) == pytest.approx(1) and all(DEFAULT_SPLIT.values())


@pytest.mark.parametrize(
    ("preset", "members", "sentence"),
    [
        ("best", None, "A preset is one of reference, default, tuned, quick, got 'best'."),
        ("quick", ["poster"], "Members are some of .*, each once, got poster."),
        ("quick", ["given"], "Members are some of .*given=FILE, each once, got given."),
        ("quick", ["poster-cnn", "poster-cnn"], "each once, got poster-cnn, poster-cnn."),
    ],
)
def test_unknown_names_are_refused(preset, members, sentence):
    with pytest.raises(InputError, match=sentence):
        member_names(preset, members)


def test_an_unknown_member_or_preset_is_not_made():
    with pytest.raises(InputError, match="got poster-gpt"):
        make_member("poster-gpt")
    with pytest.raises(InputError, match="got 'best'"):
        make_member("overview-tfidf", preset="best")
