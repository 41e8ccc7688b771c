"""What the benchmarks of the overview network train: overviews, labels, and the library's own program."""

import numpy as np
from plain_keras import BATCH, compiled

from multigenre import Films, OverviewLSTM
from multigenre.networks import ArrayBatches, overview_lengths, training_dataset


def made_overviews(lengths=None, n_genres=25):
    """Return overviews of drawn words and drawn labels; of 2,000 films unless given the number of words of each.

    Without it, half of the overviews have at most 25 words, and all have at most 68, as real ones do.
    """
    rng = np.random.default_rng(0)
    if lengths is None:
        lengths = np.clip(rng.lognormal(np.log(25), 0.4, 2000).astype(int), 1, 68)
    overviews = [" ".join(f"word{rank}" for rank in rng.zipf(1.3, length)) for length in lengths]
    return np.array(overviews, object), (rng.random((len(lengths), n_genres)) < 0.1).astype("uint8")


def read_overviews(path=None):
    """Return the overviews and labels of a table of films, or made ones where there is none."""
    if path is None:
        return made_overviews()
    films = Films.read(path)
    return films.overviews, films.labels


def our_model(overviews, n_genres):
    """Return the library's OverviewLSTM, compiled, with the vocabulary of ``overviews``."""
    model = OverviewLSTM([f"genre {column}" for column in range(n_genres)], seed=0)
    model.adapt(overviews)
    return compiled(model)


def our_batches(overviews, labels):
    """Return the library's batches, by length."""
    lengths = overview_lengths(overviews)
    return training_dataset(ArrayBatches(overviews, labels, lengths=lengths), batch_size=BATCH, seed=0)
