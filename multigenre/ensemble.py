"""The whole of it: members, late fusion and thresholds that fit on films and predict genres by name."""

import logging
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from multigenre._checks import ROLES, InputError, check_same_genres, some
from multigenre.bundle import read_documents, write_bundle
from multigenre.catalogue import catalogue_probabilities
from multigenre.cross_fitting import out_of_fold
from multigenre.evaluation import contender_scores, genre_frame
from multigenre.fusion import LateFusion
from multigenre.genres import Genres
from multigenre.members import has_modality, member_probabilities
from multigenre.metrics import prevalence_baseline
from multigenre.poster_cache import PosterCache, readable_posters
from multigenre.prediction import Prediction
from multigenre.presets import DEFAULT_SPLIT, make_member, member_names
from multigenre.probabilities import GenreProbabilities
from multigenre.thresholds import ThresholdCalibrator
from multigenre.workspace import claim, fitted

log = logging.getLogger("multigenre")

# A cut of its own for a genre that fewer calibration films carry costs many false alarms and finds little:
# on the reference's films micro-F1 rises from 0.37 to 0.47 with this, and macro-F1 stays at 0.24.
MIN_POSITIVES = 10


class GenreEnsemble:
    """Members, the late fusion of their probabilities, and a threshold for each genre.

    Parameters
    ----------
    members : sequence of str, optional
        Of ``"poster-cnn"``, ``"overview-lstm"`` and ``"overview-tfidf"``; default: those of the preset.
    preset : {"default", "reference", "quick"}
        How the members train: the library's best in about 15 minutes on two cores; exactly the published report;
        or only long enough to prove the path.
    seed : int
        Of the split, the initial weights, dropout and the order of films.
    fusion : {"stack", "mean", "logit-mean"}
        See `LateFusion`.
    thresholds : {"f1", "shared", "half"}
        See `ThresholdCalibrator`.

    Attributes
    ----------
    genres_ : Genres
    members_ : dict of str to Member
    fusion_ : LateFusion
    thresholds_ : dict of str to ThresholdCalibrator
        For ``"fused"``, each member and ``"prevalence"``.
    prevalence_ : Series by genre name
        Of the training films.
    roles_ : Series of str by film id
        The split role of every film of the training table.
    metrics_ : dict
        Scores by role (``"test"``, ``"validation"``) and contender; see `evaluate`.
    films_ : dict of str to Films
        The films of each role, after `fit` only: they are not saved.
    predictions_ : dict of str to Prediction
        Of the test and validation films, after `fit` only.

    Examples
    --------
    >>> ensemble = GenreEnsemble(preset="quick").fit(films)  # doctest: +SKIP
    >>> ensemble.predict(new_films).genre_names()  # doctest: +SKIP
    [('Comedy', 'Drama'), ('Horror',)]
    """

    def __init__(self, members=None, *, preset="default", seed=0, fusion="stack", thresholds="f1"):
        self.members, self.preset, self.seed = members, preset, seed
        self.fusion, self.thresholds = fusion, thresholds

    def fit(self, films, *, split=None, folder=None, strict=False, progress=None):
        """Split the films, train every member, fit fusion and thresholds, and score what was not seen.

        Parameters
        ----------
        films : Films
            Whose genres are known.
        split : dict of str to float, optional
            Share of the films for each role; see `Films.split`. Default: 0.7, 0.1, 0.1, 0.1. Without validation
            films the last epoch is kept; without calibration films the fusion is a mean of log-odds, cut at 0.5.
        folder : path, optional
            Where unfinished work is kept: a run that was killed goes on from there when it is called again.
        strict : bool
            Refuse posters that cannot be read, instead of naming them and going on as if they were missing.
        progress : callable, optional
            Called with (what, number done, number in all).

        Returns
        -------
        GenreEnsemble
            This one.

        Raises
        ------
        InputError
            If the films have no genres, no member finds anything to learn from, or the folder holds another run.
        """
        if films.labels is None:
            raise InputError(
                "Training needs films whose genres are known, but this table has no genre columns."
            )
        if films.summary()["genres_with_films"] < 2:
            raise InputError("Training needs films of at least two genres, but these carry fewer.")
        names = member_names(self.preset, self.members)
        members = [make_member(name, preset=self.preset, seed=self.seed) for name in names]
        split = DEFAULT_SPLIT if split is None else split
        if not split.get("train"):
            raise InputError("Training needs a share of the films for the role train, got none.")
        posters = PosterCache()
        if any(member.modality == "poster" for member in members):
            films = readable_posters(films, posters, strict=strict, progress=progress)
        roles = films.split(split, seed=self.seed)
        self.genres_ = films.genres
        self.prevalence_ = films.genres.prevalence(roles["train"].labels)
        self.roles_ = pd.concat(
            [pd.Series(part.role, index=part.ids, name="role") for part in roles.values()]
        )
        with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary:
            folder = Path(folder or temporary)
            table = films.to_frame().assign(poster=films.posters)
            digest = f"{len(films)} films, {pd.util.hash_pandas_object(table).sum() & 0xFFFFFFFF:08x}"
            claim(folder, {"films": digest, "split": split, "preset": self.preset, "seed": self.seed})
            self.members_ = {}
            for member in members:
                if has_modality(member, roles["train"]).any():
                    done = fitted(member, roles, folder, posters=posters, progress=progress)
                    self.members_[member.name] = done
                else:
                    log.warning(
                        "%s is left out: training films come without %ss.", member.name, member.modality
                    )
        if not self.members_:
            raise InputError(
                f"No film has what {some(names)} read; give posters, overviews or other members."
            )
        self.films_ = roles
        found = {
            role: member_probabilities(self.members_, part, posters)
            for role, part in roles.items()
            if role != "train"
        }
        self._fit_fusion(roles.get("calibration"), found.get("calibration"))
        self.predictions_ = {
            role: self._prediction(roles[role], found[role])
            for role in ("test", "validation")
            if role in roles
        }
        self.metrics_ = {
            role: self._scores(prediction, roles[role]) for role, prediction in self.predictions_.items()
        }
        self.counts_ = {role: part.summary() for role, part in roles.items()}
        return self

    def _fit_fusion(self, films, members):
        """Fit fusion and thresholds on the calibration films, where there are any."""
        if films is None:
            log.warning(
                "Without calibration films the fusion is a mean of log-odds, cut at 0.5 for every genre."
            )
            self.fusion_ = LateFusion(method="logit-mean").fit_names(list(self.members_), self.genres_)
            self.thresholds_ = {}
            return
        self.fusion_ = LateFusion(method=self.fusion).fit(members, films)
        held_out = out_of_fold(self.fusion_, members, films, seed=self.seed)
        baseline = prevalence_baseline(self.prevalence_, films)
        self.thresholds_ = {
            contender.name: ThresholdCalibrator(strategy=self.thresholds, min_positives=MIN_POSITIVES).fit(
                contender, films
            )
            for contender in (baseline, *members, held_out)
            if contender.present.any()
        }

    def _prediction(self, films, members):
        """Fuse; a film that no member can read gets the training films' prevalence, and is counted."""
        fused = self.fusion_.predict(members)
        if not fused.present.all():
            nothing = ~fused.present
            log.warning(
                "%d films have nothing that a member can read (%s); they get each genre's prevalence.",
                nothing.sum(),
                some(films.ids[nothing]),
            )
            values = np.where(nothing[:, None], self.prevalence_.to_numpy(), fused.values)
            fused = GenreProbabilities(fused.ids, fused.genres, values, fused.name, fused.role)
        if "fused" in self.thresholds_:
            labels = self.thresholds_["fused"].predict(fused)
        else:
            labels = (fused.to_frame() >= 0.5).astype(np.uint8)
        return Prediction(fused, tuple(members), labels)

    def predict(self, films, *, strict=False, progress=None):
        """Return the genres and probabilities of any films, in their order.

        Memory does not grow with the number of films, but for the films and the result themselves.

        Parameters
        ----------
        films : Films
            Their genres need not be known.
        strict : bool
            Refuse posters that cannot be read, instead of naming them and going on as if they were missing.
        progress : callable, optional
            Called with (what, films done, films in all).

        Returns
        -------
        Prediction
        """
        rows = self.roles_.index.get_indexer(films.ids)
        if films.role is None and (rows >= 0).any():
            # One role for all members, though each knows only the films that it learned from.
            films = films.with_role(min(self.roles_.iloc[rows[rows >= 0]], key=ROLES.index))
        return self._prediction(
            films, catalogue_probabilities(self.members_, films, strict=strict, progress=progress)
        )

    def unseen(self, films):
        """Return those of the films that trained, chose, or calibrated nothing here.

        Raises
        ------
        InputError
            If there is none.
        """
        seen = self.roles_.index[self.roles_ != "test"]
        rows = ~np.isin(films.ids.astype(str), seen.to_numpy(str))
        if not rows.any():
            raise InputError(f"All {len(films)} films taught this ensemble something; a report needs others.")
        if not rows.all():
            log.warning("%d films that taught this ensemble something are left out.", (~rows).sum())
        return films.take(rows)

    def evaluate(self, films, *, strict=False, progress=None):
        """Score the ensemble, its members and the prevalence baseline on films that it never saw.

        Parameters
        ----------
        films : Films
            Whose genres are known. Those that taught the ensemble something are left out, see `unseen`.
        strict, progress
            As in `predict`.

        Returns
        -------
        scores : dict of str to dict
            As `multigenre.evaluation.contender_scores`.
        by_genre : DataFrame
            As `multigenre.evaluation.genre_frame`.
        """
        if films.labels is None:
            raise InputError(
                "Evaluation needs films whose genres are known, but this table has no genre columns."
            )
        films = self.unseen(films.align(self.genres_))
        prediction = self.predict(films, strict=strict, progress=progress)
        return self._scores(prediction, films), genre_frame(prediction, films)

    def _scores(self, prediction, films):
        cuts = {name: calibrator.thresholds_ for name, calibrator in self.thresholds_.items()}
        return contender_scores(prediction, films, self.prevalence_, thresholds=cuts, seed=self.seed)

    def save(self, folder):
        """Write one folder that `load` reads: members, vocabulary, fusion, thresholds, names, settings, scores.

        Raises
        ------
        InputError
            If the folder is there and not empty.
        """
        settings = {name: getattr(self, name) for name in ("preset", "seed", "fusion", "thresholds")}
        documents = {
            "bundle": {
                "members": list(self.members_),
                "settings": settings,
                "genres": list(self.genres_),
                "prevalence": self.prevalence_.to_dict(),
                "counts": self.counts_,
            },
            "metrics": self.metrics_,
            "fusion": self.fusion_.to_dict(),
            "thresholds": {name: calibrator.to_dict() for name, calibrator in self.thresholds_.items()},
            "films": self.roles_.to_dict(),
        }
        write_bundle(folder, documents, self.members_)

    @classmethod
    def load(cls, folder):
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the folder is no bundle, or one of a newer release.
        """
        documents = read_documents(folder)
        facts = documents["bundle"]
        ensemble = cls(tuple(facts["members"]), **facts["settings"])
        ensemble.genres_, ensemble.counts_ = Genres(facts["genres"]), facts["counts"]
        ensemble.prevalence_ = pd.Series(facts["prevalence"], name="prevalence")
        ensemble.metrics_ = documents["metrics"]
        ensemble.roles_ = pd.Series(documents["films"], name="role", dtype=object)
        ensemble.fusion_ = LateFusion.from_dict(documents["fusion"])
        ensemble.thresholds_ = {
            name: ThresholdCalibrator.from_dict(saved) for name, saved in documents["thresholds"].items()
        }
        ensemble.members_ = {
            name: make_member(name, preset=ensemble.preset, seed=ensemble.seed).load(Path(folder) / name)
            for name in facts["members"]
        }
        for member in ensemble.members_.values():
            check_same_genres(ensemble.genres_, member.genres_, f"The bundle and its {member.name}")
        return ensemble
