import numpy as np
import pytest

from multigenre import make_films
from multigenre._checks import InputError
from multigenre.data import Films
from multigenre.members import OverviewMember, PosterMember
from multigenre.networks import OverviewDesign, PosterDesign, Recipe
from multigenre.shards import _train as out_of_core
from multigenre.shards import convert, fit_from_shards, read_shards
from multigenre.shards._train import ShardSource

DESIGNS = {
    "poster-cnn": PosterDesign(size=16, filters=(4, 4), dense=(8,)),
    "overview-lstm": OverviewDesign(max_tokens=300, embedding=8, units=(8,), dense=8),
}
NAMES = sorted(DESIGNS)


def member(name, *, seed=0, epochs=2):
    kind = {"poster-cnn": PosterMember, "overview-lstm": OverviewMember}[name]
    return kind(Recipe(epochs, batch_size=16, learning_rate=1e-2), seed=seed, design=DESIGNS[name])


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posters")
    return make_films(150, genres=6, folder=folder, missing_posters=0.1, missing_overviews=0.1)


@pytest.fixture(scope="module")
def shards(films, tmp_path_factory):
    """Training films in four shards of three row groups or fewer, validation films in one."""
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("multigenre.shards._format.GROUP", 12)
        convert(films.take(range(120)), folder / "train", shard_films=33)
        convert(films.take(range(120, 150)), folder / "validation")
    return folder


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(out_of_core, "GROUP", 12)


def batches(name, shards, seed=None, window=40):
    rng = None if seed is None else np.random.default_rng(seed)
    return list(ShardSource(member(name), shards / "train", window=window).batches(16, rng))


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_every_film_comes_once_in_batches_of_which_one_is_not_full(name, films, shards, seed):
    found = batches(name, shards, seed)
    train = films.take(range(120))
    has = train.has_poster if name == "poster-cnn" else train.has_overview
    assert [len(labels) for _, labels in found] == [16] * (has.sum() // 16) + [has.sum() % 16]
    labels = np.concatenate([labels for _, labels in found])
    assert sorted(map(tuple, labels)) == sorted(map(tuple, train.labels[has]))


def test_overviews_keep_their_labels(films, shards):
    expected = {text: tuple(row) for text, row in zip(films.overviews, films.labels, strict=True)}
    for overviews, labels in batches("overview-lstm", shards, 0):
        assert [expected[text] for text in overviews] == list(map(tuple, labels))


def test_without_a_generator_films_keep_the_order_of_the_shards(films, shards):
    overviews = np.concatenate([overviews for overviews, _ in batches("overview-lstm", shards)])
    train = films.take(range(120))
    assert overviews.tolist() == train.overviews[train.has_overview].tolist()


def test_films_of_all_shards_meet_in_the_first_window(films, shards):
    where = {text: row // 33 for row, text in enumerate(films.overviews)}
    shards_met = {
        where[text] for overviews, _ in batches("overview-lstm", shards, 1)[:2] for text in overviews
    }
    assert len(shards_met) >= 3


def test_no_more_than_a_window_is_read_at_once(shards, monkeypatch):
    sizes, read = [], ShardSource._read

    def counted(*arguments):
        found = read(*arguments)
        sizes.append(len(found[0]))
        return found

    monkeypatch.setattr(ShardSource, "_read", counted)
    batches("overview-lstm", shards, 0, window=24)
    assert max(sizes) <= 24 and len(sizes) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_a_member_from_shards_learns_and_is_the_same_for_the_same_seed(name, films, shards):
    one, again = (
        fit_from_shards(member(name), shards / "train", shards / "validation", window=40) for _ in range(2)
    )
    assert one.history_["loss"].iloc[-1] < one.history_["loss"].iloc[0]
    assert one.history_["val_loss"].notna().all()
    test = films.take(range(120, 150)).with_role("validation")
    np.testing.assert_array_equal(one.predict(test).values, again.predict(test).values)


def test_the_seed_and_the_epoch_draw_the_order_of_films(shards):
    def first(seed, epoch):
        return batches("overview-lstm", shards, [seed, epoch])[0][0].tolist()

    assert first(0, 0) == first(0, 0)
    assert first(0, 0) != first(1, 0) != first(0, 1)


def test_the_vocabulary_is_that_of_the_training_films_in_memory(films, shards):
    found = fit_from_shards(member("overview-lstm", epochs=1), shards / "train")
    train = films.take(range(120))
    expected = member("overview-lstm").new_model(train.genres, train.overviews)
    assert found.model_.vocabulary == expected.vocabulary


def test_a_member_from_shards_knows_whom_it_has_seen(films, shards, tmp_path):
    found = fit_from_shards(member("poster-cnn", epochs=1), shards / "train", shards / "validation")
    assert found.learned_ids_["train"] == tuple(films.ids[:120])
    assert found.learned_ids_["validation"] == tuple(films.ids[120:])
    found.save(tmp_path)
    loaded = PosterMember(Recipe(1)).load(tmp_path)
    with pytest.raises(InputError, match="test films .* were train films of poster-cnn"):
        loaded.predict(films.take([0]).with_role("test"))


def test_a_killed_run_goes_on_as_if_it_had_not_been(films, shards, tmp_path):
    def killed(what, done, total):
        if done > total * 0.6:
            raise KeyboardInterrupt

    whole = fit_from_shards(member("poster-cnn"), shards / "train")
    with pytest.raises(KeyboardInterrupt):
        fit_from_shards(member("poster-cnn"), shards / "train", folder=tmp_path, progress=killed)
    resumed = fit_from_shards(member("poster-cnn"), shards / "train", folder=tmp_path)
    np.testing.assert_allclose(resumed.history_, whole.history_, rtol=1e-6)


def test_predicting_what_was_read_from_shards_is_predicting_the_films(films, shards):
    found = fit_from_shards(member("poster-cnn", epochs=1), shards / "train")
    read = Films.concatenate(list(read_shards(shards / "validation")))
    expected = found.predict(films.take(range(120, 150))).values
    np.testing.assert_allclose(found.predict(read).values, expected, atol=1e-6)


def test_a_film_must_not_train_and_validate(shards):
    with pytest.raises(InputError, match="Training learned from 120 of these films"):
        fit_from_shards(member("poster-cnn"), shards / "train", shards / "train")


def test_shards_without_genres_do_not_train(films, tmp_path):
    convert(Films(films.ids, films.overviews, films.posters), tmp_path)
    with pytest.raises(InputError, match="Training needs films whose genres are known, but the shards in"):
        fit_from_shards(member("poster-cnn"), tmp_path)


def test_shards_without_the_modality_do_not_train(films, tmp_path):
    convert(films.without_posters(films.ids), tmp_path)
    with pytest.raises(
        InputError, match="poster-cnn needs films with posters, but none of the training films has one"
    ):
        fit_from_shards(member("poster-cnn"), tmp_path)
