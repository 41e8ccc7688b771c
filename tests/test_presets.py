import pytest

from multigenre._checks import InputError
from multigenre.members import OverviewTfidf
from multigenre.presets import DEFAULT_SPLIT, MEMBERS, PRESETS, make_member, member_names
from multigenre.training import KerasMember, Recipe


def test_the_reference_is_the_reports_recipe():
    assert member_names("reference") == ("poster-cnn", "overview-lstm")
    report = {"batch_size": 64, "learning_rate": 1e-4, "constant_epochs": 10, "decay": 0.01, "patience": None}
    for name, epochs in (("poster-cnn", 40), ("overview-lstm", 20)):
        member = make_member(name, preset="reference", seed=7)
        assert isinstance(member, KerasMember) and (member.name, member.seed) == (name, 7)
        assert member.recipe == Recipe(epochs=epochs, **report)
        assert member.rescale is False  # pixels in 0..255


@pytest.mark.parametrize("preset", ["default", "quick"])
def test_other_presets_train_every_member_on_pixels_from_0_to_1(preset):
    assert member_names(preset) == MEMBERS
    for name in MEMBERS:
        assert make_member(name, preset=preset).name == name
    assert make_member("poster-cnn", preset=preset).rescale
    assert isinstance(make_member("overview-tfidf", preset=preset), OverviewTfidf)


def test_every_preset_can_train_every_member():
    for preset in PRESETS:
        assert [make_member(name, preset=preset).name for name in MEMBERS] == list(MEMBERS)


def test_the_quick_preset_is_quick():
    assert all(PRESETS["quick"][name].epochs <= 12 for name in ("poster-cnn", "overview-lstm"))


def test_members_asked_for_come_before_the_presets():
    assert member_names("quick", ["overview-tfidf", "poster-cnn"]) == ("overview-tfidf", "poster-cnn")


def test_the_default_split_has_every_role():
    assert sum(DEFAULT_SPLIT.values()) == pytest.approx(1) and all(DEFAULT_SPLIT.values())


@pytest.mark.parametrize(
    ("preset", "members", "sentence"),
    [
        ("best", None, "A preset is one of reference, default, quick, got 'best'."),
        ("quick", ["poster"], "Members are some of .*, each once, got poster."),
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
