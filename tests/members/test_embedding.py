from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from multigenre._checks import InputError
from multigenre.data import Films, near_duplicate_groups, stratified_split
from multigenre.ensemble._held_out import out_of_fold_member
from multigenre.members import EmbeddingMember, choose_C
from multigenre.networks import PosterCache

WORDS = ("love", "murder", "war", "laugh", "ghost", "the")


class WordCounts:
    name = "word-counts"

    def __init__(self):
        self.asked = 0

    def __call__(self, overviews):
        self.asked += len(overviews)
        return np.array([[text.lower().count(word) for word in (*WORDS, "")] for text in overviews])


def mean_colours(posters):
    return posters.mean(axis=(1, 2))


def overview_member(embed=None, **options):
    return EmbeddingMember("counts", embed or WordCounts(), modality="overview", **options)


@pytest.mark.parametrize("standardise", [True, False])
def test_probabilities_are_those_of_scikit_learn_on_the_vectors(train, test_films, standardise):
    values = overview_member(C=2.0, standardise=standardise).fit(train).predict(test_films).values
    for genre, labels in enumerate(train.labels.T):
        # scikit-learn's scaler does not divide by the root of the number of columns: C takes its place.
        steps = [StandardScaler(), LogisticRegression(C=2.0 / 7, tol=1e-8)]
        oracle = make_pipeline(*steps) if standardise else LogisticRegression(C=2.0, tol=1e-8, max_iter=5000)
        oracle.fit(WordCounts()(train.overviews), labels)
        expected = oracle.predict_proba(WordCounts()(test_films.overviews))[:, 1]
        np.testing.assert_allclose(values[:, genre], expected, atol=1e-3)


def test_posters_are_embedded_as_decoded_pixels(train, test_films):
    posters = PosterCache()
    member = EmbeddingMember("colours", mean_colours, modality="poster", C=1.0).fit(train, posters=posters)
    values = member.predict(test_films, posters=posters).values
    posters.load(np.concatenate([train.posters, test_films.posters]))
    columns = [mean_colours(posters.pixels(films.posters)) for films in (train, test_films)]
    scaler = StandardScaler().fit(columns[0])
    for genre, labels in enumerate(train.labels.T):
        oracle = LogisticRegression(C=1 / 3, tol=1e-8).fit(scaler.transform(columns[0]), labels)
        expected = oracle.predict_proba(scaler.transform(columns[1]))[:, 1]
        np.testing.assert_allclose(values[:, genre], expected, atol=1e-3)


def test_an_embedder_gets_posters_of_the_size_that_it_asks_for(train):
    sizes = []

    class Large:
        poster_size = 96

        def __call__(self, posters):
            sizes.append((posters.shape[1:], posters.dtype))
            return posters.mean(axis=(1, 2))

    for posters in (None, PosterCache(), PosterCache(96)):
        EmbeddingMember("large", Large(), modality="poster", C=1.0).fit(train, posters=posters)
    assert sizes == [((96, 96, 3), np.dtype(np.uint8))] * 3


def test_C_is_chosen_on_folds_of_the_training_films_that_keep_near_duplicates_together(train):
    member = overview_member(C=(0.01, 0.1, 1.0), standardise=False).fit(train)
    fold = stratified_split(
        train.labels, near_duplicate_groups(train.overviews, train.posters), np.full(5, 0.2)
    )
    chosen, table = choose_C(WordCounts()(train.overviews), train.labels, (0.01, 0.1, 1.0), fold=fold)
    assert chosen == member.C_
    np.testing.assert_array_equal(member.C_table_, table)
    assert overview_member(C=0.5).fit(train).C_table_ is None


def test_copies_share_the_vectors_so_that_each_film_is_embedded_once(train):
    embed = WordCounts()
    member = overview_member(embed, C=1.0)
    found = out_of_fold_member(member, train, folds=member.folds)
    member.fit(train)
    assert found.present.all() and member.folds == 5
    assert embed.asked == len(set(train.overviews))


def test_a_settled_copy_keeps_the_C_that_was_chosen(train):
    embed = WordCounts()
    member = overview_member(embed, C=(0.01, 1.0)).fit(train)
    again = member.settled().fit(train)
    assert again.C == again.C_ == member.C_ and again.C_table_ is None and member.C == (0.01, 1.0)
    assert embed.asked == len(set(train.overviews))
    assert overview_member(C=(0.01, 1.0)).settled().C == (0.01, 1.0)


def test_few_films_take_the_first_C(train):
    assert overview_member(C=(0.3, 1.0)).fit(train.take([0, 1, 2])).C_ == 0.3


def test_vectors_kept_in_a_folder_serve_the_next_run(train, tmp_path):
    embed = WordCounts()
    first, again = (overview_member(embed, C=1.0, cache=tmp_path).fit(train) for _ in range(2))
    assert embed.asked == len(set(train.overviews))
    np.testing.assert_array_equal(again.predict(train).values, first.predict(train).values)


def test_columns_that_do_not_vary_say_nothing(train, test_films):
    def constant(overviews):
        return np.column_stack([WordCounts()(overviews), np.full(len(overviews), 7.1)])

    def other_constant(overviews):
        return np.column_stack([WordCounts()(overviews), np.full(len(overviews), 1e6)])

    member = overview_member(constant, C=1.0).fit(train)
    values = member.predict(test_films).values
    member._vectors.embed = other_constant
    member._vectors._vectors.clear()
    np.testing.assert_allclose(member.predict(test_films).values, values, atol=1e-6)
    blind = overview_member(lambda texts: np.ones((len(texts), 2)), C=1.0).fit(train)
    np.testing.assert_allclose(
        blind.predict(test_films).values, np.tile(train.labels.mean(axis=0), (40, 1)), atol=1e-3
    )


def test_films_without_the_modality_are_not_present_and_teach_nothing(train, test_films):
    blank = replace(test_films, overviews=["", *test_films.overviews[1:]])
    member = overview_member(C=1.0).fit(train)
    found = member.predict(blank)
    assert not found.present[0] and found.present[1:].all()
    np.testing.assert_array_equal(found.values[1:], member.predict(test_films).values[1:])
    assert not member.predict(replace(test_films, overviews=[""] * 40)).present.any()
    half = replace(train, overviews=np.where(np.arange(80) < 40, train.overviews, ""))
    assert overview_member(C=1.0).fit(half).learned_ids_ == {"train": tuple(train.ids[:40]), "validation": ()}


def test_a_poster_that_cannot_be_read_is_missing_and_named(train, tmp_path, caplog):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    films = replace(train, posters=[str(broken), *train.posters[1:]])
    member = EmbeddingMember("colours", mean_colours, modality="poster", C=1.0).fit(films)
    assert member.learned_ids_["train"] == tuple(train.ids[1:]) and train.ids[0] in caplog.text
    assert not member.predict(films).present[0]


def test_a_changed_poster_file_is_embedded_anew(train, tmp_path):
    path = tmp_path / "poster.png"
    films, found = Films(["new"], [""], [str(path)]), []
    member = EmbeddingMember("colours", mean_colours, modality="poster", C=1.0, cache=tmp_path / "cache")
    member.fit(train)
    for colour in ("red", "blue"):
        Image.new("RGB", (64, 64), colour).save(path)
        found.append(member.predict(films).values)
    assert (found[0] != found[1]).any()


def test_what_is_saved_gives_the_same_numbers_without_pickle(train, test_films, tmp_path):
    member = overview_member().fit(train)
    member.save(tmp_path)
    loaded = overview_member().load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(test_films).values, member.predict(test_films).values)
    assert (loaded.C_, loaded.genres_, loaded.learned_ids_) == (
        member.C_,
        train.genres,
        member.learned_ids_,
    )
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}


def test_progress_tells_of_vectors_folds_and_genres(train):
    calls = []
    overview_member(C=(0.5, 1.0)).fit(train, progress=lambda *call: calls.append(call))
    assert calls[0] == ("counts, vectors", 80, 80)
    assert calls[1] == ("counts", 1, 30) and calls[-1] == ("counts", 6, 6)


def test_what_cannot_be_used_is_named(train, test_films, tmp_path):
    with pytest.raises(InputError, match=r"^counts reads the overview or the poster, got modality='sound'"):
        EmbeddingMember("counts", WordCounts(), modality="sound")
    with pytest.raises(InputError, match=f"NaN or infinity for {train.ids[0]}, {train.ids[1]}, .* more"):
        overview_member(lambda texts: np.full((len(texts), 2), np.nan)).fit(train)
    with pytest.raises(InputError, match="counts learns from films whose genres are known"):
        overview_member().fit(replace(train, labels=None, genres=None))
    member = overview_member(C=1.0).fit(train)
    member.save(tmp_path)
    shorter = overview_member(lambda texts: np.ones((len(texts), 3)))
    with pytest.raises(InputError, match="learned from overviews by the embedder word-counts, but .* same"):
        shorter.load(tmp_path)
    shorter.embed.name = "word-counts"
    other = overview_member(shorter.embed).load(tmp_path)
    with pytest.raises(InputError, match="learned from vectors of 7 numbers, but word-counts now gives 3"):
        other.predict(test_films)
