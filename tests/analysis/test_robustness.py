from copy import copy

import numpy as np
import pytest
from PIL import Image

from multigenre._checks import InputError
from multigenre.analysis import damaged, robustness_table
from multigenre.analysis._robustness import DAMAGES
from multigenre.data import Films, make_films
from multigenre.ensemble import GenreEnsemble
from multigenre.fusion import LateFusion
from multigenre.members import EmbeddingMember, OverviewTfidf
from multigenre.members._colours import poster_features
from multigenre.scores import METRICS, bootstrap_scores, paired_interval, prevalence_baseline, scores

SPLIT = {"train": 0.5, "calibration": 0.2, "test": 0.3}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    lacking = {"missing_posters": 0.1, "missing_overviews": 0.1}
    return make_films(150, genres=5, folder=tmp_path_factory.mktemp("posters"), **lacking)


@pytest.fixture(scope="module")
def ensemble(films):
    colours = EmbeddingMember("poster-colours", poster_features, modality="poster", C=1.0)
    return GenreEnsemble([colours, OverviewTfidf(C=4.0)], fusion="stack").fit(films, split=SPLIT)


@pytest.fixture(scope="module")
def test_films(ensemble):
    return ensemble.films_["test"]


@pytest.fixture(scope="module")
def table(ensemble, test_films):
    damages = {"poster noise": (0.1, 0.6), "poster missing": (1.0,), "overview words": (1000, 2)}
    return robustness_table(ensemble, test_films, damages=damages, replicates=20, seed=5)


def rows(table, damage, level, contender):
    here = table[(table["damage"] == damage) & (table["level"] == level) & (table["contender"] == contender)]
    return here.set_index("metric")


def test_level_0_is_the_plain_scores_exactly(ensemble, test_films, table):
    plain, _ = ensemble.evaluate(test_films)
    said = ensemble.predict(test_films)
    everyone = {one.name: one for one in (*said.members, said.fused)}
    for damage in table["damage"].unique():
        for contender in ("poster-colours", "overview-tfidf", "fused"):
            found = rows(table, damage, 0, contender)
            cuts = ensemble.cuts(everyone[contender])[contender]
            exact = bootstrap_scores(everyone[contender], test_films, cuts, replicates=20, seed=5)
            assert found[["value", "low", "high"]].equals(exact)
            assert found["value"].tolist() == pytest.approx([plain[contender][metric] for metric in METRICS])
            assert (found["films"] == plain[contender]["n_films"]).all()
            assert (found["missing"] == plain[contender]["n_not_present"]).all()
            assert (found["change"] == 0).all() and found["setting"].isna().all()


def test_scores_changes_and_intervals_are_those_of_the_damaged_films(ensemble, test_films, table, tmp_path):
    worse = damaged(test_films, "poster noise", 0.6, folder=tmp_path, seed=5)
    now, plain = (ensemble.predict(films).members[0] for films in (worse, test_films))
    cuts = ensemble.thresholds_["poster-colours"].thresholds_
    found = rows(table, "poster noise", 2, "poster-colours")
    expected = bootstrap_scores(now, test_films, cuts, replicates=20, seed=5)
    change = paired_interval(now, plain, test_films, cuts, replicates=20, seed=5)
    assert found[["value", "low", "high"]].to_numpy(float) == pytest.approx(expected.to_numpy(float))
    assert found[["change", "change_low", "change_high"]].to_numpy(float) == pytest.approx(
        change.to_numpy(float)
    )
    fused = rows(table, "poster noise", 2, "fused")
    said = ensemble.predict(worse)
    at_cuts = scores(said.fused, test_films, ensemble.cuts(said.fused)["fused"])
    assert fused["value"].tolist() == pytest.approx([at_cuts[metric] for metric in METRICS])
    assert fused.loc["bce", "change"] != 0 and (found["setting"] == 0.6).all()


def test_who_reads_something_else_is_not_touched_and_the_prevalence_never(ensemble, test_films, table):
    for damage, level, contender in (
        ("poster noise", 2, "overview-tfidf"),
        ("overview words", 2, "poster-colours"),
    ):
        found, plain = rows(table, damage, level, contender), rows(table, damage, 0, contender)
        assert found["value"].equals(plain["value"]) and (found["change"] == 0).all()
    baseline = scores(prevalence_baseline(ensemble.prevalence_, test_films), test_films)
    for _, found in table[table["contender"] == "prevalence"].groupby(["damage", "level"]):
        assert found.set_index("metric").loc["bce", "value"] == pytest.approx(baseline["bce"])


def test_without_posters_their_member_has_no_score_and_the_fusion_goes_on(test_films, table):
    found = rows(table, "poster missing", 1, "poster-colours")
    assert found[["value", "low", "change", "change_high"]].isna().all(axis=None)
    assert (found["films"] == 0).all() and (found["missing"] == len(test_films)).all()
    fused = rows(table, "poster missing", 1, "fused")
    assert fused["value"].notna().all() and (fused["films"] == len(test_films)).all()


def test_where_nothing_is_left_to_read_the_fusion_says_the_prevalence(films):
    words = GenreEnsemble([OverviewTfidf(C=4.0)], fusion="stack").fit(films, split=SPLIT)
    settings = {"overview missing": (1.0,)}
    table = robustness_table(words, words.films_["test"], damages=settings, replicates=5)
    fused, baseline = (rows(table, "overview missing", 1, name)["value"] for name in ("fused", "prevalence"))
    assert fused[["bce", "map_macro", "brier"]].to_numpy(float) == pytest.approx(
        baseline[["bce", "map_macro", "brier"]].to_numpy(float)
    )


def test_an_overview_that_is_short_enough_is_as_it_was(table):
    for contender in ("overview-tfidf", "fused"):
        kept, cut = (rows(table, "overview words", level, contender) for level in (1, 2))
        assert (kept["change"] == 0).all() and kept["value"].equals(
            rows(table, "overview words", 0, contender)["value"]
        )
        assert cut.loc["bce", "change"] > 0


def test_levels_settings_and_counts_are_told_in_order(ensemble, test_films):
    told = []
    damages = {"overview words": (9, 4, 1)}
    table = robustness_table(
        ensemble, test_films, damages=damages, replicates=5, progress=lambda *what: told.append(what)
    )
    assert told == [("damaging films", done, 3) for done in (1, 2, 3)]
    settings = table.drop_duplicates("level").set_index("level")["setting"]
    assert settings.isna().tolist() == [True, False, False, False] and settings[1:].tolist() == [9, 4, 1]
    assert table["contender"].unique().tolist() == ["prevalence", "poster-colours", "overview-tfidf", "fused"]


def test_a_member_that_fails_on_damaged_films_is_absent_there(ensemble, test_films, caplog):
    class Fragile(OverviewTfidf):
        def predict(self, films, *, posters=None):
            if max(map(len, films.overviews)) < 30:
                raise RuntimeError("too short")
            return super().predict(films)

    fragile = copy(ensemble.members_["overview-tfidf"])
    fragile.__class__, fragile.name = Fragile, "fragile"
    both = copy(ensemble)
    both.members_ = ensemble.members_ | {"fragile": fragile}
    both.fusion_, both.thresholds_ = (
        LateFusion(method="logit-mean").fit_names(both.members_, ensemble.genres_),
        {},
    )
    table = robustness_table(both, test_films, damages={"overview words": (1,)}, replicates=5)
    assert rows(table, "overview words", 0, "fragile")["value"].notna().all()
    assert rows(table, "overview words", 1, "fragile")["value"].isna().all()
    assert rows(table, "overview words", 1, "overview-tfidf")["value"].notna().all()
    assert "fragile failed and is left out" in caplog.text


def test_films_that_taught_the_ensemble_are_left_out(ensemble, films, test_films):
    settings = {"overview words": (3,)}
    table = robustness_table(ensemble, films, damages=settings, replicates=5)
    assert (table["films"] + table["missing"] == len(test_films)).all()


def test_the_same_films_are_damaged_alike_whatever_goes_with_them(films, tmp_path):
    few = films.take(films.has_poster).take(np.arange(6))
    posters = {}
    for place, (seed, part) in enumerate([(0, few), (0, few.take([3])), (1, few.take([3]))]):
        (tmp_path / str(place)).mkdir()
        found = damaged(part, "poster noise", 0.1, folder=tmp_path / str(place), seed=seed)
        row = found.ids.tolist().index(few.ids[3])
        with Image.open(found.posters[row]) as image:
            posters[place] = np.asarray(image)
    assert (posters[0] == posters[1]).all() and (posters[0] != posters[2]).any()


def test_films_that_miss_something_still_do_at_greater_shares(films, tmp_path):
    half, most, every = (
        damaged(films, "overview missing", share, folder=tmp_path).has_overview for share in (0.5, 0.8, 1.0)
    )
    assert not (most & ~half).any() and not every.any()
    assert half.sum() == pytest.approx(films.has_overview.sum() / 2, abs=20)
    other = damaged(films, "overview missing", 0.5, folder=tmp_path, seed=1)
    assert (other.has_overview != half).any() and other.posters.tolist() == films.posters.tolist()


def test_the_first_words_are_kept(tmp_path):
    films = Films(["a", "b", "c"], ["one two three", "one", ""], [""] * 3)
    kept = damaged(films, "overview words", 2, folder=tmp_path)
    assert kept.overviews.tolist() == ["one two", "one", ""]


def test_every_damage_can_be_done_to_any_film(films, tmp_path):
    few = films.take(np.arange(8))
    for damage, settings in DAMAGES.items():
        found = damaged(few, damage, settings[-1], folder=tmp_path)
        assert found.ids.tolist() == few.ids.tolist()
        changed = (found.posters != few.posters) | (found.overviews != few.overviews)
        assert changed.any() and not (changed & ~few.has_poster & ~few.has_overview).any()


def test_damages_that_are_not_known_or_that_nobody_reads_are_told(films, ensemble, test_films, tmp_path):
    with pytest.raises(InputError, match="A damage is one of poster noise, .*, got 'poster sepia'"):
        damaged(films, "poster sepia", 0.1, folder=tmp_path)
    with pytest.raises(
        InputError, match="Damages are those of DAMAGES that some member reads, got poster sepia"
    ):
        robustness_table(ensemble, test_films, damages={"poster sepia": (1,)})
