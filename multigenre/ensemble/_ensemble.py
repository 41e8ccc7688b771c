"""The whole of it: members, late fusion and thresholds that fit on films and predict genres by name."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from multigenre._checks import ROLES, InputError, check_same_genres, some
from multigenre._files import claim, reading
from multigenre._signatures import Pathlike, Progress, no_progress
from multigenre.calibration import ThresholdCalibrator
from multigenre.data import Films, GenreProbabilities, Genres
from multigenre.ensemble._bundle import described, estimator_of, read_documents, write_bundle
from multigenre.ensemble._fuse import ensemble_fusion, ensemble_thresholds, fit_fusion, fused_prediction
from multigenre.ensemble._held_out import fit_members, fusion_films, held_out_probabilities, refit_members
from multigenre.ensemble._manifest import PICTURES
from multigenre.ensemble._prediction import Prediction
from multigenre.fusion import LateFusion
from multigenre.members import (
    DEFAULT_SPLIT,
    catalogue_probabilities,
    descriptions,
    make_members,
    restored,
    role_of,
)
from multigenre.networks import PosterCache
from multigenre.scores import Contenders, contender_scores, contenders, genre_frame, prevalence_baseline

if TYPE_CHECKING:
    from multigenre.members import Member


log = logging.getLogger("multigenre")

SETTINGS = ("preset", "seed", "fusion", "thresholds", "refit", "settings")  # that a bundle keeps


class GenreEnsemble:
    """Members, the late fusion of their probabilities, and a threshold for each genre.

    Parameters
    ----------
    members : sequence of str or Member, optional
        Names as `make_member` takes them, or unfitted members of your own; default: those of the preset.
    preset : {"default", "reference", "tuned", "quick"}
        Which members train, and how: the library's best without anything pretrained, minutes on two cores; exactly the
        published report; the two networks as searches found them; or networks only long enough to prove the path.
    seed : int
        Of the split, the initial weights, dropout and the order of films.
    fusion : str or LateFusion
        A method of `LateFusion`, or one with settings of its own; it is cloned.
    thresholds : str or ThresholdCalibrator
        A strategy of `ThresholdCalibrator`, which then counts films as calibrated probabilities expect them (where
        the strategy allows it) and lets genres of fewer than 10 positive films share a cut; or a calibrator with
        settings of its own; it is cloned.
    refit : bool
        Train the networks again, once fusion and thresholds are fitted, on all films but the test films: for as many
        epochs as the validation films found best. It takes as long again.
    settings : dict, optional
        What `multigenre.members.read_settings` returned: of networks by name, ``"fusion"`` and ``"thresholds"``, in
        place of the preset's and of the defaults.

    Attributes
    ----------
    genres_ : Genres
    members_ : dict of str to Member
    fusion_ : LateFusion
    thresholds_ : dict of str to ThresholdCalibrator
        For each member, ``"prevalence"`` and ``"fused"``.
    prevalence_ : Series by genre name
        Of the training films.
    roles_ : Series of str by film id
        The split role of every film of the training table.
    metrics_ : dict
        Scores by role (``"test"``, ``"validation"``) and contender; see `evaluate`.
    descriptions_ : dict of str to str or None
        What makes each member again, see `multigenre.members.descriptions`.
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

    def __init__(
        self,
        members: Sequence[str | Member] | None = None,
        *,
        preset: str = "default",
        seed: int = 0,
        fusion: str | LateFusion = "joint-stack",
        thresholds: str | ThresholdCalibrator = "micro-macro",
        refit: bool = False,
        settings: dict[str, Any] | None = None,
    ):
        self.members, self.preset, self.seed = members, preset, seed
        self.fusion, self.thresholds, self.refit, self.settings = fusion, thresholds, refit, settings

    def fit(
        self,
        films: Films,
        *,
        split: dict[str, float] | pd.Series | None = None,
        folder: Pathlike | None = None,
        strict: bool = False,
        devices: Sequence[str] = (),
        progress: Progress = no_progress,
    ) -> Self:
        """Split the films, train every member, fit fusion and thresholds, and score what was not seen.

        Parameters
        ----------
        films : Films
            Whose genres are known.
        split : dict of str to float, or Series of str by film id, optional
            Share of the films for each role, or the role that a source fixes; see `Films.split`. Default: 0.7, 0.1,
            0.1, 0.1. Without validation films the last epoch is kept; without calibration films the fusion is a mean
            of log-odds, cut at 0.5.
        folder : path, optional
            Where unfinished work is kept: a run that was killed goes on from there when it is called again.
        strict : bool
            Refuse posters that cannot be read, instead of naming them and going on as if they were missing.
        devices : sequence of str
            Such as ``("GPU:0", "GPU:1")``, which then share each batch of the networks' training.
        progress : callable, optional
            Called with (what, number done, number in all).

        Returns
        -------
        GenreEnsemble
            This one.

        Raises
        ------
        InputError
            If the films have no genres, no member finds anything to learn from, a device is not there, or the folder
            holds another run.
        """
        if films.labels is None:
            raise InputError(
                "Training needs films whose genres are known, but this table has no genre columns."
            )
        if films.summary()["genres_with_films"] < 2:
            raise InputError("Training needs films of at least two genres, but these carry fewer.")
        split = DEFAULT_SPLIT if split is None else split
        fixed = isinstance(split, pd.Series)
        if not ((split == "train").any() if fixed else split.get("train")):
            raise InputError("Training needs a share of the films for the role train, got none.")
        how = {"preset": self.preset, "seed": self.seed, "settings": self.settings}
        members = make_members(self.members, devices=devices, **how)
        self.descriptions_ = descriptions(self.members, self.preset)
        posters = PosterCache()
        if any(member.modality == "poster" for member in members):
            films = posters.screen(films, strict=strict, progress=progress)
        roles = films.split(split, seed=self.seed)
        self.genres_, self.prevalence_ = films.genres, films.genres.prevalence(roles["train"].labels)
        self.roles_ = pd.concat(
            [pd.Series(part.role, index=part.ids, name="role") for part in roles.values()]
        )
        with tempfile.TemporaryDirectory(prefix="multigenre-") as temporary:
            folder = Path(folder or temporary)
            said = split.value_counts().to_dict() if fixed else split
            run = {"films": films.digest(), "split": said, "preset": self.preset, "seed": self.seed}
            claim(folder, run | ({"settings": self.settings} if self.settings else {}))
            options = {"posters": posters, "progress": progress}
            self.members_, apart = fit_members(members, films, roles, folder, seed=self.seed, **options)
            said = {
                role: held_out_probabilities(self.members_, apart, roles[role], posters)
                for role in ("validation", "calibration")
                if role in roles
            }
            self.fusion_, self.thresholds_ = self._fuse(apart, roles, said.get("calibration", []), progress)
            if self.refit:
                self.members_ = refit_members(self.members_, films, roles, folder, **options)
        if "test" in roles:
            said["test"] = held_out_probabilities(self.members_, apart, roles["test"], posters)
        self.films_, self.counts_ = roles, {role: part.summary() for role, part in roles.items()}
        reported = [role for role in ("test", "validation") if role in said]
        self.predictions_ = {role: self._prediction(said[role]) for role in reported}
        self.metrics_ = {role: self.score(self.predictions_[role], roles[role]) for role in reported}
        return self

    def _fuse(self, apart, roles, calibration, progress):
        """Return fusion and thresholds fitted on what members say of films that they did not see, if there are any."""
        modalities = {name: member.modality for name, member in self.members_.items()}
        if not calibration and (slow := [name for name in modalities if name not in apart]):
            log.warning(
                "Without calibration films for %s the fusion is a mean of log-odds, cut at 0.5 for every genre.",
                some(slow),
            )
            return LateFusion(method="logit-mean").fit_names(modalities, self.genres_), {}
        films, said = fusion_films(apart, roles, calibration)
        settings = self.settings or {}
        modalities = {one.name: modalities[one.name] for one in said}
        fusion = ensemble_fusion(settings.get("fusion", self.fusion), modalities, self.seed)
        calibrator = ensemble_thresholds(settings.get("thresholds", self.thresholds))
        how = {"prevalence": self.prevalence_, "seed": self.seed, "progress": progress}
        return fit_fusion(fusion, calibrator, said, films, **how)

    def _prediction(self, said):
        """Return the prediction that members' probabilities make."""
        return fused_prediction(self.fusion_, self.thresholds_.get("fused"), said, self.prevalence_)

    def cuts(self, *records: GenreProbabilities) -> dict[str, pd.DataFrame]:
        """Return the thresholds of a member, the fused prediction or the baseline, film by film.

        Parameters
        ----------
        *records : GenreProbabilities
            By their names: of members, ``"fused"``, or ``"prevalence"``.

        Returns
        -------
        dict of str to DataFrame (n_films, n_genres), float
            By name. 0.5 where no film was there to choose thresholds on.
        """
        return {
            one.name: self.thresholds_[one.name].cuts(one)
            if one.name in self.thresholds_
            else pd.DataFrame(0.5, pd.Index(one.ids, name="Id"), list(one.genres))
            for one in records
        }

    def _short_cuts(self, *records):
        """Return `cuts`, a Series by genre for those whose films are all cut alike.

        Of millions of films, a table would be larger than all the rest.
        """
        found = {}
        for one in records:
            calibrator = self.thresholds_.get(one.name)
            if calibrator is None:
                found[one.name] = pd.Series(0.5, list(one.genres))
            else:
                found[one.name] = calibrator.cuts(one) if calibrator.at_least_one else calibrator.thresholds_
        return found

    def contenders(self, prediction: Prediction, films: Films) -> Contenders:
        """Return everyone who predicted films that taught nothing here, cut as this ensemble cuts them.

        Parameters
        ----------
        prediction : Prediction
        films : Films
            The same films, with their genres.

        Returns
        -------
        Contenders
            A member that is present for none of the films is left out.

        Raises
        ------
        InputError
            As `multigenre.contenders`.
        """
        members = [one for one in prediction.members if one.present.any()]
        cuts = self._short_cuts(*members, prediction.fused)
        return contenders(members, prediction.fused, films, cuts)

    def predict(self, films: Films, *, strict: bool = False, progress: Progress = no_progress) -> Prediction:
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

        Raises
        ------
        InputError
            If films taught this ensemble more than their role says, a poster cannot be read and ``strict``, or a member
            refuses the films.
        """
        # One role for all members, though each knows only the films that it learned from.
        films = films.with_role(role_of(films, self._learned(films), "this ensemble"))
        return self._prediction(
            catalogue_probabilities(self.members_, films, strict=strict, progress=progress)
        )

    def _learned(self, films):
        """Return by role the ids of those films that this ensemble knows: of its test films, too."""
        roles = self.roles_.reindex(films.ids).dropna()
        if self.refit or any(member.folds for member in self.members_.values()):
            roles = roles.where(roles == "test", "train")  # where a member trained on all but the test films
        return {role: roles.index[roles == role] for role in roles.unique()}

    def unseen(self, films: Films) -> Films:
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

    def evaluate(
        self, films: Films, *, strict: bool = False, progress: Progress = no_progress
    ) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
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
            As `multigenre.scores.contender_scores`.
        by_genre : DataFrame
            As `multigenre.scores.genre_frame`.
        """
        if films.labels is None:
            raise InputError(
                "Evaluation needs films whose genres are known, but this table has no genre columns."
            )
        films = self.unseen(films.align(self.genres_))
        prediction = self.predict(films, strict=strict, progress=progress)
        return self.score(prediction, films), genre_frame(prediction, films)

    def score(self, prediction: Prediction, films: Films) -> dict[str, dict]:
        """Return the scores of a prediction: what `evaluate` does once it has predicted."""
        cuts = self._short_cuts(*prediction.members, prediction.fused)
        if (calibrator := self.thresholds_.get("prevalence")) is not None:
            cuts["prevalence"] = calibrator.thresholds_
            if calibrator.at_least_one:
                cuts |= self.cuts(prevalence_baseline(self.prevalence_, prediction.fused))
        return contender_scores(prediction, films, self.prevalence_, thresholds=cuts, seed=self.seed)

    def save(self, folder: Pathlike) -> None:
        """Write one folder that `load` reads: members, vocabulary, fusion, thresholds, names, settings, scores.

        Raises
        ------
        InputError
            If the folder is there and not empty.
        """
        settings = {name: getattr(self, name) for name in SETTINGS}
        about = {
            "members": {name: self.descriptions_.get(name) for name in self.members_},
            "settings": {
                name: described(one) if isinstance(one, BaseEstimator) else one
                for name, one in settings.items()
            },
            "genres": list(self.genres_),
            "prevalence": self.prevalence_.to_dict(),
            "counts": self.counts_,
        }
        documents = {
            "bundle": about,
            "metrics": self.metrics_,
            "fusion": self.fusion_.to_dict(),
            "thresholds": {name: one.to_dict() for name, one in self.thresholds_.items()},
            "films": self.roles_.to_dict(),
        }
        write_bundle(folder, documents, self.members_)

    @classmethod
    def load(cls, folder: Pathlike, *, members: Sequence[Member] = ()) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : path
        members : sequence of Member
            Unfitted ones in place of members of your own that the bundle cannot make: it holds what they learned.

        Raises
        ------
        InputError
            If the folder is no bundle, one of another release's format, or a file is missing, changed, broken or too
            large; or a member of your own is not given. The message names the file.

        Notes
        -----
        Nothing in a bundle is run as code, and all files are compared with the sizes and checksums of its
        ``manifest.json`` before any is opened. That tells what was damaged or changed since, not who made it: see
        `SklearnMember.load` for what a bundle of a stranger's can still do.
        """
        folder, ensemble = Path(folder), cls()
        documents = read_documents(folder)
        with reading(folder / "bundle.json"):
            ensemble._take_about(documents["bundle"])
        with reading(folder / "films.json"):
            ensemble.roles_ = pd.Series(documents["films"], name="role", dtype=object)
            if wrong := sorted(set(ensemble.roles_.map(str)) - set(ROLES)):
                raise InputError(f"films have one of the roles {', '.join(ROLES)}, got {some(wrong)}.")
        ensemble.metrics_ = documents["metrics"]
        with reading(folder / "fusion.json"):
            ensemble.fusion_ = LateFusion.from_dict(documents["fusion"])
            ensemble._check_genres(ensemble.fusion_.genres_, "fusion")
            if unknown := set(ensemble.fusion_.members_) - set(ensemble.descriptions_):
                raise InputError(f"The fusion is of members of the bundle, got {some(sorted(unknown))}.")
        with reading(folder / "thresholds.json"):
            ensemble.thresholds_ = {
                name: ThresholdCalibrator.from_dict(saved) for name, saved in documents["thresholds"].items()
            }
            for name, calibrator in ensemble.thresholds_.items():
                ensemble._check_genres(calibrator.genres_, f"thresholds of {name}")
                if calibrator.thresholds_.isna().any():
                    raise InputError(f"The thresholds of {name} must be numbers.")
        ensemble.members_ = {}
        for name, description in ensemble.descriptions_.items():
            member = restored(name, description, members, preset=ensemble.preset, seed=ensemble.seed)
            with reading(folder / name):
                ensemble.members_[name] = member.load(folder / name)
                ensemble._check_genres(member.genres_, name)
        return ensemble

    def _take_about(self, about):
        """Take what ``bundle.json`` says of names, settings and counts."""
        for name in SETTINGS:
            setting = about["settings"][name]
            made = isinstance(setting, dict) and "kind" in setting
            setattr(self, name, estimator_of(setting) if made else setting)
        self.descriptions_ = dict(about["members"])
        # What lies in the folder of pictures is in no manifest.
        if outside := [
            name for name in self.descriptions_ if Path(name).name != name or name in ("..", PICTURES)
        ]:
            raise InputError(f"A member lies in a folder of its own in the bundle, got {some(outside)}.")
        self.members = tuple(self.descriptions_)
        self.genres_, self.counts_ = Genres(about["genres"]), about["counts"]
        self.prevalence_ = pd.Series(about["prevalence"], name="prevalence", dtype=float)
        self._check_genres(Genres(self.prevalence_.index), "prevalence")

    def _check_genres(self, genres, whose):
        check_same_genres(self.genres_, genres, f"The bundle and its {whose}")
