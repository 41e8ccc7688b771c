import keras_tuner
import pytest

from multigenre import GenreEnsemble, LateFusion, ThresholdCalibrator
from multigenre._checks import InputError
from multigenre.calibration._rule import Rule
from multigenre.ensemble._fuse import MIN_POSITIVES
from multigenre.members import DESIGNS, make_network
from multigenre.networks import Recipe
from multigenre.search import space_of
from multigenre.search._spaces import SPACES


def defaults(name):
    """The settings and the hyperparameters of a space, all at their default."""
    hp = keras_tuner.HyperParameters()
    return SPACES[name](hp), hp


def drawn_values(name, seed):
    """Hyperparameters drawn at random, as an oracle of KerasTuner draws them."""
    oracle = keras_tuner.oracles.RandomSearchOracle(objective=keras_tuner.Objective("loss", "min"), seed=seed)
    oracle.hyperparameters = defaults(name)[1]
    return oracle._random_values()


def drawn(name, seed):
    """The settings of hyperparameters drawn at random."""
    hp = defaults(name)[1].copy()
    hp.values = drawn_values(name, seed)
    return SPACES[name](hp)


@pytest.mark.parametrize(("name", "epochs"), [("poster-cnn", 40), ("overview-lstm", 20)])
def test_the_default_of_every_hyperparameter_is_the_references(name, epochs):
    [(found, entry)] = defaults(name)[0].items()
    assert found == name
    member = make_network(name, entry)
    assert member.design == DESIGNS[name]()
    assert member.recipe == Recipe(epochs=epochs)
    assert getattr(member, "rescale", False) is False


def test_the_defaults_of_fusion_and_thresholds_are_the_ensembles():
    usual = LateFusion(method=GenreEnsemble().fusion).get_params()
    assert LateFusion(**defaults("fusion")[0]["fusion"]).get_params() == usual
    found = ThresholdCalibrator(**defaults("thresholds")[0]["thresholds"])
    usual = ThresholdCalibrator(
        strategy=GenreEnsemble().thresholds, min_positives=MIN_POSITIVES, counts="expected", level=0.7
    )
    assert found.get_params() == usual.get_params()


def test_the_space_of_the_ensemble_is_that_of_its_parts_with_their_names():
    settings, hp = defaults("ensemble")
    assert settings == {
        name: part for space in SPACES if space != "ensemble" for name, part in defaults(space)[0].items()
    }
    assert {one.name.split("/")[0] for one in hp.space} == SPACES.keys() - {"ensemble"}


@pytest.mark.parametrize("name", SPACES)
def test_whatever_is_drawn_makes_members_fusions_and_thresholds(name):
    for seed in range(1, 40):
        for part, entry in drawn(name, seed).items():
            if part == "fusion":
                LateFusion(**entry)
            elif part == "thresholds":
                asked = ThresholdCalibrator(**entry)
                Rule(asked.strategy, asked.level, asked.min_positives, asked.counts)  # it says what cannot be
            else:
                make_network(part, entry)


def test_what_hangs_on_a_choice_is_searched_only_with_it():
    _, hp = defaults("overview-lstm")
    assert hp.is_active("decay")
    hp.values["rate_rule"] = "constant"
    recipe = SPACES["overview-lstm"](hp)["overview-lstm"]["recipe"]
    assert not hp.is_active("decay")
    assert Recipe(**recipe).rate(19) == Recipe(**recipe).rate(0) == 1e-4


def test_an_unknown_space_is_refused():
    with pytest.raises(InputError, match="What is searched is one of poster-cnn, .*, got 'tfidf'."):
        space_of("tfidf")


@pytest.mark.parametrize("name", SPACES)
def test_settings_are_the_same_on_the_other_side_of_the_channel(name):
    for seed in range(1, 10):
        hp = defaults(name)[1].copy()
        hp.values = drawn_values(name, seed)
        sent = keras_tuner.HyperParameters.from_proto(hp.to_proto())
        assert SPACES[name](hp) == SPACES[name](sent)
