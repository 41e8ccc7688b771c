import pytest

from multigenre._checks import InputError
from multigenre.members import make_network, read_settings, write_settings
from multigenre.networks import PosterDesign, Recipe

SETTINGS = {
    "poster-cnn": {
        "rescale": True,
        "design": {"size": 32, "filters": [4, 8]},
        "recipe": {"epochs": 3, "patience": None},
    },
    "fusion": {"method": "mean"},
}


def test_settings_come_back_from_their_file_and_make_the_member(tmp_path):
    write_settings(SETTINGS, tmp_path / "best.json")
    assert read_settings(tmp_path / "best.json") == SETTINGS
    member = make_network("poster-cnn", SETTINGS["poster-cnn"], seed=7)
    assert (member.recipe, member.design) == (Recipe(epochs=3), PosterDesign(size=32, filters=(4, 8)))
    assert (member.seed, member.rescale) == (7, True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "best.json holds no settings"),
        ("[]", "best.json holds no settings: it must map members to their settings."),
        ('{"svm": {}}', "Settings are of poster-cnn, overview-lstm, fusion and thresholds, got 'svm'."),
        ('{"poster-cnn": {}}', "Settings of poster-cnn need a recipe with a number of epochs."),
        ('{"poster-cnn": {"recipe": {"epochs": 1, "rate": 2}}}', "Settings of poster-cnn cannot be used"),
        ('{"poster-cnn": {"recipe": {"epochs": 1}, "sizes": 2}}', "cannot be used (there is no sizes)."),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_one_sentence(text, sentence, tmp_path):
    (tmp_path / "best.json").write_text(text)
    with pytest.raises(InputError) as error:
        read_settings(tmp_path / "best.json")
    assert sentence in str(error.value)
