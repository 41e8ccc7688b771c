"""Any scikit-learn classifier of overviews or posters as a member."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from multigenre._checks import InputError, check_shape, some
from multigenre._clones import unfitted
from multigenre._files import reading, write_json
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.data import Films, GenreProbabilities, Genres, sigmoid
from multigenre.members._member import (
    has_modality,
    learned_ids,
    named_probabilities,
    read_facts,
    readable_films,
    screened,
)

if TYPE_CHECKING:
    from multigenre.networks import PosterCache


log = logging.getLogger("multigenre")

# What fitted pipelines hold besides plain values, arrays, universal functions of NumPy and SciPy, losses and the public
# estimators of scikit-learn, which skops trusts by name. All of these only keep numbers or compute with them: none
# opens a file, and none runs text. A name that another release of scikit-learn lacks does no harm here.
TRUSTED = (
    "numpy.dtype",
    *(
        f"scipy.sparse._{kind}.{kind}_{form}"
        for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
        for form in ("matrix", "array")
    ),
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)


class SklearnMember:
    """A scikit-learn classifier or pipeline as a member.

    It is given overviews as an array of str, or posters as uint8 pixels in 0..255, a row a poster: the pixels
    of (size, size, 3) one after another, where the size is that of the `PosterCache` (64: 12,288 columns).

    Its labels are a column of 0 and 1 for each genre that some training films carry and others do not. A
    classifier that takes only one column is fitted once for each genre (scikit-learn's `OneVsRestClassifier`);
    of a pipeline that is its last step, so what comes before is computed once.

    Parameters
    ----------
    name : str
    estimator : classifier or pipeline
        With ``predict_proba``, or with ``decision_function``: the sigmoid of its scores then stands for
        probabilities, to be calibrated by what comes after, as the late fusion does. It is cloned, never changed.
    modality : {"overview", "poster"}
    trusted : sequence of str
        Classes and functions by their full names that `save` and `load` let through besides `TRUSTED`, such as
        ``"mine.Stemmer"``: whoever wrote the file decides what is done with them, so name only what is harmless in
        any hands. For a bundle: ``GenreEnsemble.load(folder, members=[SklearnMember(name, trusted=[...])])``.

    Attributes
    ----------
    estimator_ : estimator or None
        Fitted; None where no genre tells the films apart.
    genres_, learned_ids_, history_
        See `multigenre.members.Member`.
    constant_genres_ : list of str
        Genres that no or every training film carries; they get their smoothed prevalence for every film.

    Raises
    ------
    InputError
        If the modality is another.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.naive_bayes import BernoulliNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from multigenre import Films
    >>> films = Films(["a", "b"], ["a funny cat", "a sad dog"], ["", ""], [[1, 0], [0, 1]], ["Comedy", "Drama"])
    >>> member = SklearnMember("overview-bayes", make_pipeline(CountVectorizer(), BernoulliNB())).fit(films)
    >>> member.predict(Films(["c"], ["a funny dog and cat"], [""])).values.round(1)
    array([[0.8, 0.2]], dtype=float32)
    """

    folds: int = 5
    history_: None = None

    def __init__(
        self,
        name: str,
        estimator: Any = None,
        *,
        modality: str = "overview",
        trusted: Sequence[str] = (),
    ):
        if modality not in ("overview", "poster"):
            raise InputError(f"{name} reads the overview or the poster, got modality={modality!r}.")
        if isinstance(trusted, str):
            raise InputError(f"{name} needs a list of names as trusted, got the single text {trusted!r}.")
        self.name, self.estimator, self.modality = name, estimator, modality
        self.trusted = tuple(trusted)

    def fit(
        self,
        train: Films,
        validation: Films | None = None,
        *,
        posters: PosterCache | None = None,
        folder: Pathlike | None = None,
        progress: Progress = no_progress,
    ) -> Self:
        """Learn from the films of ``train`` that have the modality; return self.

        Parameters
        ----------
        train : Films
        validation, folder, progress
            As every `Member` takes them; nothing is done with them.
        posters : PosterCache, optional
            Decoded posters to share with others.

        Raises
        ------
        InputError
            If no film can be read, or the classifier gives neither probabilities nor scores.
        """
        posters, films = self._screened(posters, train)
        films = readable_films(self, films)
        if self.estimator is None:
            raise InputError(f"{self.name} has no classifier; give one, or load what an earlier run saved.")
        estimator = _multi_label(self.estimator)
        if not (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
            raise InputError(
                f"{self.name} needs a classifier with predict_proba or decision_function, "
                f"got {type(self.estimator).__name__}; wrap it in CalibratedClassifierCV, or take one that has it."
            )
        support = films.labels.sum(axis=0, dtype=float)
        varied = (support > 0) & (support < len(films))
        self.genres_, self.learned_ids_ = films.genres, learned_ids(films)
        self.constant_genres_ = [genre for genre, here in zip(self.genres_, varied, strict=True) if not here]
        self._prevalence = np.where(varied, np.nan, (support + 0.5) / (len(films) + 1))
        self.estimator_ = None
        if varied.any():
            labels = films.labels[:, varied].astype(int)  # some classifiers write -1 for 0
            # To scikit-learn a single column is another kind of problem, whose answers have other shapes.
            labels = np.repeat(labels, 2, axis=1) if labels.shape[1] == 1 else labels
            self.estimator_ = estimator.fit(self._inputs(films, posters), labels)
        return self

    def predict(self, films: Films, *, posters: PosterCache | None = None) -> GenreProbabilities:
        """Return `GenreProbabilities` of all films; NaN for those that lack the modality."""
        posters, films = self._screened(posters, films)
        present = has_modality(self, films)
        values = np.tile(self._prevalence, (present.sum(), 1))
        if present.any() and self.estimator_ is not None:
            varied = np.isnan(self._prevalence)
            found = _probabilities(self.estimator_, self._inputs(films.take(present), posters))
            found = check_shape(found, (len(values), max(varied.sum(), 2)), f"Probabilities of {self.name}")
            values[:, varied] = found[:, : varied.sum()]
        return named_probabilities(self, films, present, values)

    def save(self, folder: Pathlike) -> None:
        """Write the fitted classifier with skops, which unlike pickle runs no code when it is read.

        Of a search around it all, the estimator that it found is kept: the rest says nothing of films.

        Raises
        ------
        InputError
            If skops is not installed, or the classifier holds a class or function that `load` would refuse.
        """
        folder, skops = Path(folder), _skops(self.name)
        path = folder / "estimator.skops"
        skops.dump(_found(self.estimator_), path)
        self._let_through(skops, path)
        constant = self._prevalence[~np.isnan(self._prevalence)].tolist()
        facts = {
            "modality": self.modality,
            "genres": list(self.genres_),
            "learned_ids": self.learned_ids_,
            "constant_genres": dict(zip(self.constant_genres_, constant, strict=True)),
        }
        write_json(facts, folder / "member.json")

    def load(self, folder: Pathlike) -> Self:
        """Read what `save` wrote; return self.

        Every class and function that the file names is compared with a closed list first: the public estimators of
        scikit-learn, what these hold once they are fitted (`TRUSTED`), and the member's ``trusted``. Nothing is made
        of a file that names another. Numbers inside it are believed, though, and those of trees and neighbours can
        be made such that scikit-learn reads outside its memory: load what comes from people you trust.

        Raises
        ------
        InputError
            If skops is not installed, or the file is broken or names a class or function that is not on the list.
        """
        folder, skops = Path(folder), _skops(self.name)
        facts = read_facts(folder / "member.json")
        path = folder / "estimator.skops"
        let_through = self._let_through(skops, path)
        with reading(path):
            self.estimator_ = skops.load(path, trusted=let_through)
        if not (self.estimator_ is None or isinstance(self.estimator_, BaseEstimator)):
            raise InputError(f"{path} must hold an estimator, got {type(self.estimator_).__name__}.")
        self.modality, self.genres_ = facts["modality"], Genres(facts["genres"])
        self.learned_ids_ = facts["learned_ids"]
        self.constant_genres_ = list(facts["constant_genres"])
        self._prevalence = np.array([facts["constant_genres"].get(genre, np.nan) for genre in self.genres_])
        return self

    def _let_through(self, skops, path):
        """Return the names in a file that skops does not trust by itself, all of them on our list, or raise."""
        with reading(path):
            names = skops.get_untrusted_types(file=path)  # makes nothing and imports nothing
        if unknown := sorted(set(names) - {*TRUSTED, *self.trusted}):
            raise InputError(
                f"{self.name} holds {some(unknown)}, which is not among the classes that are trusted in a file; "
                "if it is harmless whoever wrote the file, name it in SklearnMember(..., trusted=[...])."
            )
        return names

    def _screened(self, posters, films):
        """Return decoded posters, of the caller's size or 64, and films with unreadable ones missing."""
        return screened(self, posters, posters.size if posters is not None else 64, films)

    def _inputs(self, films, posters):
        if self.modality == "overview":
            return films.overviews
        return posters.pixels(films.posters).reshape(len(films), -1)


def _multi_label(estimator):
    """Return an unfitted copy that takes a table of labels."""
    copy = unfitted(estimator)
    # A search has no tags of its own for this; it is what refits the estimator that it holds.
    is_search = {"estimator", "refit"} <= set(copy.get_params(deep=False))
    tags = get_tags(copy.estimator if is_search else copy)
    if tags.target_tags.multi_output or (tags.classifier_tags and tags.classifier_tags.multi_label):
        return copy
    if isinstance(copy, Pipeline):
        return copy.set_params(**{copy.steps[-1][0]: OneVsRestClassifier(copy[-1])})
    return OneVsRestClassifier(copy)


def _found(estimator):
    """Return what a search found, or the estimator itself."""
    return getattr(estimator, "best_estimator_", estimator)


def _probabilities(estimator, inputs):
    """Return an array of shape (n_films, n_labels), float in [0, 1]."""
    if not hasattr(estimator, "predict_proba"):
        return sigmoid(estimator.decision_function(inputs))
    found = estimator.predict_proba(inputs)
    # Forests, neighbours and `MultiOutputClassifier` give a list: for each label, probabilities of 0 and of 1.
    return np.column_stack([label[:, 1] for label in found]) if isinstance(found, list) else found


def _skops(name):
    try:
        from skops import io  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            f"Saving or loading {name} needs the package skops; install it: pip install 'multigenre[sklearn]'."
        ) from error
    return io
