import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from multigenre._checks import InputError
from multigenre.networks import (
    ArrayBatches,
    OverviewLSTM,
    PosterCache,
    epoch_batches,
    overview_lengths,
    predict_batches,
    training_dataset,
)


@given(
    n_films=st.integers(1, 700),
    batch_size=st.integers(1, 20),
    seed=st.integers(0, 1000),
    grouped=st.booleans(),
)
def test_an_epoch_has_every_film_once_and_one_batch_that_is_not_full(n_films, batch_size, seed, grouped):
    lengths = np.random.default_rng(seed).integers(1, 80, n_films) if grouped else None
    batches = epoch_batches(n_films, batch_size, np.random.default_rng(seed), lengths)
    assert sorted(np.concatenate(batches)) == list(range(n_films))
    sizes = sorted(map(len, batches))
    assert len(sizes) == -(-n_films // batch_size) and sizes[1:] == [batch_size] * (len(sizes) - 1)


@given(seed=st.integers(0, 1000))
def test_films_of_like_length_share_a_batch_and_batches_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 80, 512)
    batches = epoch_batches(512, 16, rng, lengths)
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 15  # a run is 8 batches, so one spans about 79 / 8; it would be 70 with any films
    longest = [lengths[batch].max() for batch in batches]
    assert longest != sorted(longest)


@given(seed=st.integers(0, 1000), grouped=st.booleans())
def test_a_film_meets_other_films_in_the_next_epoch(seed, grouped):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 10, 256) if grouped else None
    first, second = (
        {film: set(batch) for batch in epoch_batches(256, 16, rng, lengths) for film in batch}
        for _ in range(2)
    )
    shared = np.mean([len(first[film] & second[film]) - 1 for film in range(256)])
    assert shared < 10  # of 15; with one length in nine alike, about 9 batches' worth of films can meet


def read(dataset):
    return [(list(inputs), labels.tolist()) for inputs, labels in dataset.as_numpy_iterator()]


def epochs_of(n_epochs=2, lengths=None, **options):
    """Read epochs of a dataset of 10 numbered films in batches of 4."""
    numbers = np.arange(10, dtype=np.uint8)
    source = ArrayBatches(numbers, numbers[:, None] % 2, lengths=lengths)
    dataset = training_dataset(source, batch_size=4, **options)
    return [np.concatenate([inputs for inputs, _ in read(dataset)]).tolist() for _ in range(n_epochs)]


def test_every_epoch_has_an_order_of_its_own_that_the_seed_gives_again():
    first, second = epochs_of(seed=3)
    assert first != second and sorted(first) == sorted(second) == list(range(10))
    assert epochs_of(seed=3) == [first, second] and epochs_of(seed=4)[0] != first


def test_the_epochs_number_decides_the_order():
    first, second = epochs_of(seed=3)
    assert epochs_of(seed=3, epoch=lambda: 1) == [second, second]
    numbers = iter([1, 0])
    assert epochs_of(seed=3, epoch=lambda: next(numbers)) == [second, first]


def test_without_a_seed_the_order_is_the_callers_or_by_length():
    assert epochs_of() == [list(range(10))] * 2
    assert epochs_of(lengths=np.arange(10)[::-1]) == [list(range(10))[::-1]] * 2


def test_labels_stay_with_their_film_and_the_number_of_batches_is_known():
    numbers = np.arange(10)
    dataset = training_dataset(
        ArrayBatches(numbers.astype(np.uint8), numbers[:, None] % 2), batch_size=4, seed=0
    )
    assert dataset.cardinality() == 3
    for inputs, labels in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(inputs % 2, labels[:, 0])


def test_overviews_and_posters_keep_their_types(made_films):
    films = made_films.take(np.arange(12))
    words, labels = next(iter(training_dataset(ArrayBatches(films.overviews, films.labels), batch_size=5)))
    assert words.dtype == tf.string and words[0] == films.overviews[0] and labels.dtype == tf.uint8
    cache = PosterCache()
    cache.load(films.posters)
    pixels, _ = next(
        iter(training_dataset(ArrayBatches(cache.select(films.posters), films.labels), batch_size=5))
    )
    assert pixels.dtype == tf.uint8 and pixels.shape == (5, 64, 64, 3)
    np.testing.assert_array_equal(pixels, cache.pixels(films.posters[:5]))


def test_inputs_and_labels_must_be_of_the_same_films():
    with pytest.raises(InputError, match="a row of labels for each film, got 0 films and 3 rows"):
        ArrayBatches(np.empty((0, 2)), np.empty((3, 1)))


def test_no_film_makes_no_dataset():
    with pytest.raises(InputError, match="Training needs films, got none"):
        training_dataset(ArrayBatches(np.empty((0, 2)), np.empty((0, 1))))


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=40),
    batch_size=st.integers(1, 50),
    grouped=st.booleans(),
)
def test_predictions_come_in_the_callers_order_whatever_the_batches(lengths, batch_size, grouped):
    inputs = np.arange(len(lengths), dtype=np.float32)[:, None]
    values = predict_batches(
        lambda batch: batch * 2, inputs, batch_size=batch_size, lengths=np.array(lengths) if grouped else None
    )
    np.testing.assert_array_equal(values, inputs * 2)


def test_a_film_gets_the_same_numbers_whoever_it_is_batched_with(made_films):
    films = made_films.take(np.arange(20))
    model = OverviewLSTM(["A", "B"], seed=0)
    model.adapt(films.overviews)
    predict = tf.function(
        lambda batch: model(batch, training=False), input_signature=[tf.TensorSpec((None,), tf.string)]
    )
    lengths = overview_lengths(films.overviews)
    assert lengths[0] == len(films.overviews[0].split()) and len(set(lengths)) > 1
    together = predict_batches(predict, films.overviews)
    for options in ({"batch_size": 1}, {"batch_size": 7}, {"batch_size": 7, "lengths": lengths}):
        np.testing.assert_allclose(predict_batches(predict, films.overviews, **options), together, atol=1e-6)
