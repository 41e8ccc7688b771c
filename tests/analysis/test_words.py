import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multigenre.analysis import word_influence
from multigenre.data import Films, GenreProbabilities, logits, make_films, sigmoid
from multigenre.fusion import LateFusion
from multigenre.members import EmbeddingMember, OverviewMember, OverviewTfidf
from multigenre.members._colours import poster_features
from multigenre.networks import OverviewDesign, Recipe

WEIGHTS = {"blood": (2.0, -1.0), "love": (-0.5, 3.0)}


class Adder:
    """A member whose log-odds are sums of weights of the words it finds, an intercept first."""

    name, modality, genres_ = "adder", "overview", ("Horror", "Romance")
    intercept = np.array([-2.0, -1.0])

    def predict(self, films, *, posters=None):
        sums = [
            self.intercept + sum(np.array(WEIGHTS.get(word, (0, 0))) for word in text.split())
            for text in films.overviews
        ]
        values = np.where(films.has_overview[:, None], sigmoid(sums), np.nan)
        return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)


def films_of(*overviews):
    return Films([f"tt{place}" for place in range(len(overviews))], overviews, [""] * len(overviews))


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return make_films(100, genres=5, folder=tmp_path_factory.mktemp("posters"), missing_overviews=0.05)


@pytest.fixture(scope="module")
def tfidf(films):
    return OverviewTfidf(C=4.0).fit(films)


@pytest.fixture(scope="module")
def members(films, tfidf):
    colours = EmbeddingMember("poster-colours", poster_features, modality="poster", C=1.0).fit(films)
    design = OverviewDesign(embedding=8, units=(6, 4), dense=8)
    lstm = OverviewMember(Recipe(epochs=2, learning_rate=1e-2), design=design).fit(films)
    return {member.name: member for member in (colours, lstm, tfidf)}


@given(st.lists(st.sampled_from(["blood", "love", "and", "love,"]), min_size=2, max_size=8))
@example(["love"] * 8)
def test_a_linear_member_s_words_move_what_their_weights_say(words):
    table = word_influence({"adder": Adder()}, films_of(" ".join(words)))
    weights = np.array([WEIGHTS.get(word, (0, 0)) for word in words])
    whole, most = Adder.intercept + weights.sum(axis=0), np.log(1e6 - 1)  # log-odds are cut at those of 1e-6
    expected = (np.clip(whole, -most, most) - np.clip(whole - weights, -most, most)).ravel().tolist()
    assert table["change"].tolist() == pytest.approx(expected, abs=1e-6)
    assert table["word"].tolist() == [word for word in words for _ in range(2)]
    assert table["position"].tolist() == [place for place in range(len(words)) for _ in range(2)]
    assert table["genre"].tolist() == ["Horror", "Romance"] * len(words)
    assert set(table["film"]) == {"tt0"} and set(table["contender"]) == {"adder"}


def test_films_without_an_overview_have_no_row_and_the_rest_keep_their_names():
    table = word_influence({"adder": Adder()}, films_of("", "blood and love", ""))
    assert table["film"].unique().tolist() == ["tt1"] and len(table) == 6
    assert word_influence({"adder": Adder()}, films_of("", "")).empty


def test_the_only_word_of_an_overview_is_compared_with_the_prevalence_or_with_nothing():
    prevalence = pd.Series({"Romance": 0.3, "Horror": 0.1})
    known = word_influence({"adder": Adder()}, films_of("blood"), prevalence=prevalence)
    assert known["change"].tolist() == pytest.approx([0 - logits(0.1), -2 - logits(0.3)])
    assert word_influence({"adder": Adder()}, films_of("blood"))["change"].isna().all()


def test_words_of_a_network_move_what_predicting_without_them_says(films, members):
    lstm, few = members["overview-lstm"], films.take(np.arange(4))
    table = word_influence({"overview-lstm": lstm}, few)
    words = few.overviews[2].split()
    without = Films(["new"], [" ".join(words[:3] + words[4:])], [""])
    values = [lstm.predict(Films(["old"], [few.overviews[2]], [""])).values, lstm.predict(without).values]
    rows = table[(table["film"] == few.ids[2]) & (table["position"] == 3)]
    assert rows["change"].tolist() == pytest.approx(
        (logits(values[0].astype(float)) - logits(values[1].astype(float)))[0], abs=1e-5
    )
    assert (rows["word"] == words[3]).all()


def test_the_fused_change_is_the_fusion_of_members_that_all_lost_the_word(films, members):
    fusion = LateFusion(method="logit-mean").fit_names(members, films.genres)
    few = films.take(films.has_overview).take(np.arange(3))
    table = word_influence(members, few, fusion=fusion)
    assert table["contender"].unique().tolist() == ["overview-lstm", "overview-tfidf", "fused"]
    wide = table.pivot_table(
        index=["film", "position", "genre"], columns="contender", values="change"
    ).astype(float)
    # A third each, and the poster's third does not move.
    expected = (wide["overview-lstm"] + wide["overview-tfidf"]) / 3
    assert wide["fused"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-4)


def test_a_lost_overview_leaves_the_fusion_to_the_poster(films, members):
    fusion = LateFusion(method="logit-mean").fit_names(members, films.genres)
    film = Films(["tt1"], ["Murder"], films.posters[films.has_poster][:1])
    table = word_influence(members, film, fusion=fusion)
    poster, lstm, tfidf = (
        logits(member.predict(film).values.astype(float))[0] for member in members.values()
    )
    changes = table.groupby("contender")["change"].apply(list)
    assert changes["fused"] == pytest.approx((poster + lstm + tfidf) / 3 - poster, abs=1e-4)
    assert table.loc[table["contender"] != "fused", "change"].isna().all()
