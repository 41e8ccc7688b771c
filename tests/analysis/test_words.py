import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from multigenre._checks import InputError
from multigenre.analysis import word_influence
from multigenre.analysis._words import genre_words, tfidf_terms, tfidf_words
from multigenre.data import Films, GenreProbabilities, logits, make_films, sigmoid
from multigenre.fusion import BASE, LateFusion
from multigenre.members import EmbeddingMember, KerasMember, OverviewTfidf
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
    lstm = KerasMember("overview-lstm", Recipe(epochs=2, learning_rate=1e-2), design=design).fit(films)
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


@pytest.mark.parametrize("characters", [False, True])
def test_an_account_by_coefficients_sums_to_the_log_odds(films, characters):
    member = OverviewTfidf(C=4.0, characters=characters).fit(films)
    few = films.take(np.arange(20))
    here = few.take(few.has_overview)
    features = np.hstack([each.transform(here.overviews).toarray() for each in member._vectorizers])
    expected = (features @ member._coefficients.T + member._intercept).ravel()
    for table in (tfidf_words(member, few), tfidf_terms(member, few)):
        assert table.groupby(["film", "genre"], sort=False)["change"].sum().tolist() == pytest.approx(
            expected
        )
        assert table["film"].unique().tolist() == here.ids.tolist()
    assert sigmoid(expected) == pytest.approx(member.predict(here).values.ravel(), abs=1e-6)


def test_a_term_s_coefficient_is_scikit_learn_s_for_the_genre_it_names(films, tfidf):
    few = films.take(films.has_overview).take([0])
    table = tfidf_terms(tfidf, few)
    [vectorizer] = tfidf._vectorizers
    here = films.take(films.has_overview)
    model = LogisticRegression(C=4.0, solver="liblinear", dual=True, random_state=0, max_iter=1000)
    model.fit(vectorizer.transform(here.overviews), here.labels[:, here.genres.column("Drama")])
    weights = dict(zip(vectorizer.get_feature_names_out(), model.coef_[0], strict=True))
    rows = table[(table["genre"] == "Drama") & (table["term"] != BASE)]
    assert rows["coefficient"].tolist() == pytest.approx([weights[term] for term in rows["term"]], abs=1e-6)
    assert rows["change"].tolist() == pytest.approx((rows["tfidf"] * rows["coefficient"]).tolist())
    assert (table.loc[table["term"] == BASE, "tfidf"] == 1).all()


def test_a_pair_is_shared_by_its_two_words_and_a_word_by_its_places():
    texts = ["blood moon", "blood moon", "quiet the blood moon", "quiet", "quiet blood"]
    films = Films(
        list("abcde"), texts, [""] * 5, [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], ["Horror", "Drama"]
    )
    member = OverviewTfidf(C=1.0).fit(films)
    film = films_of("Blood, of the moon. BLOOD!")
    terms = tfidf_terms(member, film).query("genre == 'Horror'").set_index("term")["change"]
    words = tfidf_words(member, film).query("genre == 'Horror'")
    assert words["word"].tolist() == [BASE, "Blood,", "of", "the", "moon.", "BLOOD!"]
    assert words["position"].tolist() == [pd.NA, 0, 1, 2, 3, 4]
    # Stop words do not part a pair; "moon blood" is no pair that was learned.
    expected = [
        terms[BASE],
        terms["blood"] / 2 + terms["blood moon"] / 2,
        0,
        0,
        terms["moon"] + terms["blood moon"] / 2,
        terms["blood"] / 2,
    ]
    assert words["change"].tolist() == pytest.approx(expected)


def test_overviews_of_unknown_words_have_only_their_base(tfidf):
    table = tfidf_words(tfidf, films_of("Xyzzy plugh", ""))
    assert table.groupby("word", sort=False)["change"].apply(lambda of: (of != 0).any()).tolist() == [
        True,
        False,
        False,
    ]
    assert tfidf_words(tfidf, films_of("")).empty and tfidf_terms(tfidf, films_of("")).empty


def test_words_over_many_films_are_means_of_sums_with_student_s_interval():
    table = word_influence(
        {"adder": Adder()}, films_of("Love love and", "love and", "“love!” and", "blood and")
    )
    found = genre_words(table, min_films=3).set_index(["genre", "word"])
    assert found.loc[("Romance", "love"), "films"] == 3
    # Written otherwise, the adder does not know the word.
    changes = np.array([3.0, 3.0, 0.0])
    row = found.loc[("Romance", "love")]
    assert row["change"] == pytest.approx(changes.mean(), abs=1e-6)
    half = 4.302653 * changes.std(ddof=1) / np.sqrt(3)
    assert [row["low"], row["high"]] == pytest.approx([2 - half, 2 + half], abs=1e-5)
    assert "blood" not in found.index.get_level_values("word")
    assert found.loc["Horror"].index.tolist() == ["and", "love"]  # the greatest first


def test_a_word_of_one_film_has_no_interval_and_the_base_is_no_word(tfidf, films):
    found = genre_words(tfidf_words(tfidf, films.take(films.has_overview).take([0])), min_films=1)
    assert found[["low", "high"]].isna().all(axis=None) and found["change"].notna().all()
    assert not found["word"].str.contains("base").any() and set(found["films"]) == {1}


def test_words_that_show_a_genre_move_it_most(films, tfidf):
    known = films.take(films.has_overview)
    found = genre_words(word_influence({tfidf.name: tfidf}, known.take(np.arange(60))), min_films=4)
    drama = found[found["genre"] == "Romance"]
    assert drama["low"].iloc[0] > 0


def test_an_account_of_another_member_is_refused(members):
    with pytest.raises(
        InputError, match="needs a fitted OverviewTfidf, got 'overview-lstm'; word_influence takes"
    ):
        tfidf_words(members["overview-lstm"], films_of("a"))
    with pytest.raises(InputError, match="needs a fitted OverviewTfidf, got 'overview-tfidf'"):
        tfidf_terms(OverviewTfidf(), films_of("a"))
