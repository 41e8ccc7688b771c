"""What a member is, and the member that needs no neural network: TF-IDF and logistic regression."""

import json
import logging
from pathlib import Path
from typing import Protocol

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from multigenre._checks import InputError, check_unseen, some
from multigenre.genres import Genres
from multigenre.probabilities import GenreProbabilities, sigmoid

log = logging.getLogger("multigenre")


class Member(Protocol):
    """A classifier of one modality: it fits on films and gives named probabilities of other films.

    Attributes
    ----------
    name : str
        As in tables, for example ``"poster-cnn"``.
    modality : str
        ``"poster"`` or ``"overview"``.
    genres_ : Genres
    learned_ids_ : dict of str to tuple of str
        The films that trained it (``"train"``) and those that chose its epoch (``"validation"``).
    history_ : pandas.DataFrame or None
        Loss, precision and recall by epoch, for members that train by epochs.
    """

    name: str
    modality: str

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
        """Learn from the films of ``train`` that have the modality; return self."""

    def predict(self, films, *, posters=None):
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality."""

    def save(self, folder):
        """Write what was learned into an empty folder, without pickle."""

    def load(self, folder):
        """Read what `save` wrote; return self."""


def has_modality(member, films):
    """Return which films have what the member reads: shape (n_films,), bool."""
    return films.has_poster if member.modality == "poster" else films.has_overview


def readable_films(member, films):
    """Return the films that a member can learn from.

    Raises
    ------
    InputError
        If there is none.
    """
    if films.labels is None:
        raise InputError(f"{member.name} learns from films whose genres are known, got films without genres.")
    readable = films.take(has_modality(member, films))
    if not len(readable):
        raise InputError(
            f"{member.name} needs films with {member.modality}s, but none of {len(films)} has one; "
            "give others or leave this member out."
        )
    return readable


def learned_ids(train, validation):
    """Return the ids that `Member.learned_ids_` holds, or raise if a film is to train and to validate."""
    if validation is not None:
        check_unseen(validation.ids, train.ids, "Training")
    return {
        "train": tuple(train.ids),
        "validation": tuple(validation.ids) if validation is not None else (),
    }


def role_of(films, member):
    """Return the role that these films have for a member, whatever they are called.

    Raises
    ------
    InputError
        If films that trained the member, or chose its epoch, come under another role.
    """
    for role in ("train", "validation"):
        both = sorted(set(films.ids) & set(member.learned_ids_[role]))
        if films.role == role or (both and films.role is None):
            return role
        if both:
            raise InputError(
                f"{len(both)} of the {films.role} films ({some(both)}) were {role} films of {member.name}; "
                "use films that it never saw."
            )
    return films.role


def named_probabilities(member, films, present, values):
    """Return `GenreProbabilities` from the values of the films that are present."""
    everywhere = np.full((len(films), len(member.genres_)), np.nan, np.float32)
    everywhere[present] = values
    role = role_of(films, member)
    return GenreProbabilities(films.ids, member.genres_, everywhere, member.name, role, present)


def member_probabilities(members, films, posters=None):
    """Return the probabilities of every member; one that fails is left out, and named in the log.

    Parameters
    ----------
    members : dict of str to Member
    films : Films
    posters : PosterCache, optional

    Returns
    -------
    list of GenreProbabilities

    Raises
    ------
    InputError
        If a member refuses the films.
    RuntimeError
        If every member fails.
    """
    found, error = [], None
    for name, member in members.items():
        try:
            found.append(member.predict(films, posters=posters))
        except InputError:
            raise
        except Exception as failure:  # one member's failure is no reason to say nothing
            log.exception("%s failed and is left out of this prediction.", name)
            error = failure
    if not found:
        raise RuntimeError(f"Every member failed: {some(members, most=9)}.") from error
    return found


class OverviewTfidf:
    """TF-IDF of words and word pairs, a logistic regression a genre: a second of training, hard to beat.

    Parameters
    ----------
    name : str
    C : float
        Inverse strength of the L2 penalty of scikit-learn's `LogisticRegression`.

    Attributes
    ----------
    genres_, learned_ids_, history_
        See `Member`.
    constant_genres_ : list of str
        Genres that no or every training film carries; they get their smoothed prevalence for every film.
    """

    modality = "overview"
    history_ = None

    def __init__(self, name="overview-tfidf", *, C=3.0):
        self.name, self.C = name, C

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
        """Learn from the films of ``train`` that have an overview; nothing else is needed here."""
        films = readable_films(self, train)
        self.genres_, self.learned_ids_ = films.genres, learned_ids(films, None)
        self._vectorizer = _vectorizer()
        try:
            features = self._vectorizer.fit_transform(films.overviews)
        except ValueError as error:
            raise InputError(
                f"{self.name} found no word that two of {len(films)} overviews share; give more films."
            ) from error
        n_films, n_genres = films.labels.shape
        support = films.labels.sum(axis=0, dtype=float)
        smoothed = (support + 0.5) / (n_films + 1)
        self._intercept = np.log(smoothed) - np.log1p(-smoothed)
        self._coefficients = np.zeros((n_genres, features.shape[1]))
        varied = np.flatnonzero((support > 0) & (support < n_films))
        for done, genre in enumerate(varied, start=1):
            # liblinear's dual solver: several times faster than the default on few films and many words.
            model = LogisticRegression(C=self.C, solver="liblinear", dual=True, random_state=0, max_iter=1000)
            model.fit(features, films.labels[:, genre])
            self._coefficients[genre], self._intercept[genre] = model.coef_[0], model.intercept_[0]
            if progress:
                progress(self.name, done, len(varied))
        self.constant_genres_ = [name for i, name in enumerate(self.genres_) if i not in varied]
        return self

    def predict(self, films, *, posters=None):
        """Return `GenreProbabilities` of all films; NaN for those without an overview."""
        present = films.has_overview
        values = np.empty((0, len(self.genres_)))
        if present.any():
            values = sigmoid(
                self._vectorizer.transform(films.overviews[present]) @ self._coefficients.T + self._intercept
            )
        return named_probabilities(self, films, present, values)

    def save(self, folder):
        """Write the vocabulary as JSON and the numbers as ``.npz``."""
        folder = Path(folder)
        words = self._vectorizer.get_feature_names_out().tolist()
        facts = {
            "C": self.C,
            "genres": list(self.genres_),
            "learned_ids": self.learned_ids_,
            "constant_genres": self.constant_genres_,
            "words": words,
        }
        (folder / "tfidf.json").write_text(json.dumps(facts), encoding="utf-8")
        np.savez_compressed(
            folder / "tfidf.npz",
            idf=self._vectorizer.idf_,
            coefficients=self._coefficients,
            intercept=self._intercept,
        )

    def load(self, folder):
        """Read what `save` wrote; return self."""
        folder = Path(folder)
        facts = json.loads((folder / "tfidf.json").read_text(encoding="utf-8"))
        self.C, self.genres_ = facts["C"], Genres(facts["genres"])
        self.learned_ids_ = {role: tuple(ids) for role, ids in facts["learned_ids"].items()}
        self.constant_genres_ = facts["constant_genres"]
        self._vectorizer = _vectorizer(vocabulary=facts["words"])
        with np.load(folder / "tfidf.npz", allow_pickle=False) as file:
            self._vectorizer.idf_ = file["idf"]
            self._coefficients, self._intercept = file["coefficients"], file["intercept"]
        return self


def _vectorizer(vocabulary=None):
    return TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2 if vocabulary is None else 1,
        sublinear_tf=True,
        stop_words="english",
        vocabulary=vocabulary,
    )
