"""`OverviewBag`: small networks over bags of words and of character n-grams, the best member that reads words alone."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from multigenre._checks import InputError
from multigenre._files import write_json
from multigenre._seeds import child_seeds
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.members._bag_network import BagNetwork, train_network
from multigenre.members._member import (
    learned_ids,
    named_probabilities,
    read_arrays,
    read_facts,
    readable_films,
)

if TYPE_CHECKING:
    from multigenre.networks import PosterCache


# Words as they are, and runs of three to five characters within words, for endings and for names nobody else has.
WORDS = {"stop_words": "english", "min_df": 2}
CHARACTERS = {"analyzer": "char_wb", "ngram_range": (3, 5), "min_df": 5}
READS = (WORDS, CHARACTERS)
# TF-IDF has unit length; twice as long, a step of Adam, whose length is given, moves the sums twice as far.
SCALE = np.float32(2)


class OverviewBag:
    """The mean log-odds of small networks over TF-IDF of words and character n-grams.

    A network sums an embedding for each word and n-gram, rectifies the sums and ends in a sigmoid a genre
    (`BagNetwork` has the sources). Dropout hides 88 % of all words and n-grams, other ones
    at every step, so that each learns to do without the rest; it, not the number of epochs, keeps the networks from
    learning the films by heart.

    Parameters
    ----------
    name : str
    n_networks : int
        Networks that differ in their seed only.
    n_units : int
        Width of the hidden layer of each.
    epochs : int
        Times that a network sees every film.
    seed : int, optional
        Of the initial weights, the order of films and dropout; None draws one.

    Attributes
    ----------
    genres_, learned_ids_, history_
        See `Member`; there is no history.
    constant_genres_ : list of str
        Genres that no or every training film carries; they get their smoothed prevalence for every film.
    """

    modality: str = "overview"
    folds: int = 5
    history_: None = None

    def __init__(
        self,
        name: str = "overview-bag",
        *,
        n_networks: int = 3,
        n_units: int = 128,
        epochs: int = 30,
        seed: int = 0,
    ):
        self.name, self.seed = name, seed
        self.n_networks, self.n_units, self.epochs = n_networks, n_units, epochs

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Learn from the films of ``train`` that have an overview; ``validation`` is not used, for epochs are fixed.

        ``progress`` is called with the name, the epochs done and all epochs of all networks.
        """
        for setting in ("n_networks", "n_units", "epochs"):
            if getattr(self, setting) < 1:
                raise InputError(f"{self.name} needs {setting} of at least 1, got {getattr(self, setting)}.")
        films = readable_films(self, train)
        self.genres_, self.learned_ids_ = films.genres, learned_ids(films)
        self._vectorizers = [_vectorizer(settings) for settings in READS]
        try:
            features = self._features(films.overviews, "fit_transform")
        except ValueError as error:
            raise InputError(
                f"{self.name} found no word that two of {len(films)} overviews share, or no three characters that "
                "five share; give more films."
            ) from error
        support = films.labels.sum(axis=0, dtype=float)
        intercepts = np.log(support + 0.5) - np.log(len(films) - support + 0.5)
        varied = (support > 0) & (support < len(films))
        self.constant_genres_ = [name for name, known in zip(self.genres_, varied, strict=True) if not known]

        done = count(1)

        def after_epoch():
            progress(self.name, next(done), self.n_networks * self.epochs)

        networks = []
        for seed in child_seeds(self.seed, self.n_networks):
            rng = np.random.default_rng(seed)
            network = BagNetwork.start(features.shape[1], self.n_units, intercepts[varied], rng)  # pyright: ignore[reportOptionalSubscript]  # SciPy has no types
            labels = films.labels[:, varied]
            train_network(network, features, labels, epochs=self.epochs, rng=rng, after_epoch=after_epoch)
            networks.append(network)
        self._network = BagNetwork.side_by_side(networks).widen(varied, intercepts)
        return self

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return `GenreProbabilities` of all films; NaN for those without an overview."""
        present = films.has_overview
        values = np.empty((0, len(self.genres_)))
        if present.any():
            values = sigmoid(self._network.log_odds(self._features(films.overviews[present])))
        return named_probabilities(self, films, present, values)

    def save(self, folder: Pathlike) -> None:
        """Write the vocabulary as JSON and the numbers as ``.npz``."""
        folder = Path(folder)
        facts = {
            "genres": list(self.genres_),
            "learned_ids": self.learned_ids_,
            "constant_genres": self.constant_genres_,
            "settings": {name: getattr(self, name) for name in ("n_networks", "n_units", "epochs", "seed")},
            "vocabularies": [each.get_feature_names_out().tolist() for each in self._vectorizers],
        }
        write_json(facts, folder / "bag.json")
        idf = np.concatenate([each.idf_ for each in self._vectorizers])
        np.savez(folder / "bag.npz", idf=idf, **self._network._asdict())

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote; return self."""
        folder = Path(folder)
        facts = read_facts(folder / "bag.json")
        self.genres_, self.constant_genres_ = Genres(facts["genres"]), facts["constant_genres"]
        self.learned_ids_ = facts["learned_ids"]
        for name in ("n_networks", "n_units", "epochs", "seed"):
            setattr(self, name, facts["settings"][name])
        vocabularies = facts["vocabularies"]
        self._vectorizers = [_vectorizer(*each) for each in zip(READS, vocabularies, strict=True)]
        n_genres, n_words = len(self.genres_), sum(map(len, vocabularies))
        n_units = self.n_networks * self.n_units
        shapes = {
            "embeddings": (n_words, n_units),
            "offsets": (n_units,),
            "weights": (n_units, n_genres),
            "intercepts": (n_genres,),
        }
        arrays = read_arrays(folder / "bag.npz", {**shapes, "idf": (n_words,)})
        self._network = BagNetwork(*(arrays[name] for name in BagNetwork._fields))
        parts = np.split(arrays["idf"], [len(vocabularies[0])])
        for vectorizer, idf in zip(self._vectorizers, parts, strict=True):
            vectorizer.idf_ = idf
        return self

    def _features(self, overviews, how="transform"):
        """Return the features of overviews: sparse of shape (n_films, n_features), float32."""
        parts = [getattr(vectorizer, how)(overviews) for vectorizer in self._vectorizers]
        return sparse.hstack(parts, format="csr") * SCALE


def _vectorizer(settings, vocabulary=None):
    if vocabulary is not None:
        settings = settings | {"vocabulary": vocabulary, "min_df": 1}
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **settings)  # pyright: ignore[reportArgumentType]  # read from its default
