"""Members that someone writes who has read nothing but the documentation of `Member`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from multigenre import GenreEnsemble, GenreProbabilities, Genres, InputError, Member, PosterCache, make_films

SPLIT = {"train": 0.5, "calibration": 0.25, "test": 0.25}


class Brightness:
    """How often films with a poster as bright carry each genre; training chooses how many levels to tell apart."""

    modality, folds, history_ = "poster", 3, None

    def __init__(self, name, levels=None):
        self.name, self.levels = name, levels

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=lambda *said: None):
        films, brightness = self._read(train, posters)
        films = films.take(films.has_poster)
        if not len(films):
            raise InputError(f"{self.name} needs films with posters, got none; give some.")
        self.levels_ = self.levels or (4 if len(films) > 100 else 2)
        self.genres_, self.learned_ids_ = films.genres, {"train": tuple(films.ids), "validation": ()}
        self.rates_ = np.tile((films.labels.sum(axis=0) + 0.5) / (len(films) + 1), (self.levels_, 1))
        for level in range(self.levels_):
            labels = films.labels[self._level(brightness) == level]
            self.rates_[level] = (labels.sum(axis=0) + self.rates_[level]) / (len(labels) + 1)
            progress(self.name, level + 1, self.levels_)
        return self

    def settled(self):
        return Brightness(self.name, self.levels_)

    def predict(self, films, *, posters=None):
        films, brightness = self._read(films, posters)
        values = np.full((len(films), len(self.genres_)), np.nan)
        values[films.has_poster] = self.rates_[self._level(brightness)]
        return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)

    def save(self, folder):
        facts = {
            "genres": list(self.genres_),
            "learned_ids": self.learned_ids_,
            "rates": self.rates_.tolist(),
        }
        (Path(folder) / "brightness.json").write_text(json.dumps(facts), encoding="utf-8")

    def load(self, folder):
        facts = json.loads((Path(folder) / "brightness.json").read_text(encoding="utf-8"))
        self.genres_, self.learned_ids_ = Genres(facts["genres"]), facts["learned_ids"]
        self.rates_ = np.array(facts["rates"])
        self.levels_ = len(self.rates_)
        return self

    def _read(self, films, posters):
        """Return the films, without the posters that cannot be read, and the brightness of the others' posters."""
        if posters is None:
            posters = PosterCache()
            films = posters.screen(films)
        pixels = posters.pixels(films.posters[films.has_poster])
        return films, pixels.mean(axis=(1, 2, 3)) / 256

    def _level(self, brightness):
        return (brightness * self.levels_).astype(int)


class Archive:
    """Whoever looks films up by their ids: it has something to say of half of them, and the same of each."""

    modality, folds, history_ = "given", 2, None

    def __init__(self, name):
        self.name = name

    def fit(self, train, validation=None, *, posters=None, folder=None, progress=None):
        self.genres_, self.learned_ids_ = train.genres, {"train": (), "validation": ()}
        return self

    def knows(self, films):
        return np.array([int(film[-1]) % 2 == 0 for film in films.ids], bool)

    def predict(self, films, *, posters=None):
        values = np.where(self.knows(films)[:, None], np.full(len(self.genres_), 0.25), np.nan)
        return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)

    def save(self, folder):
        (Path(folder) / "genres.json").write_text(json.dumps(list(self.genres_)), encoding="utf-8")

    def load(self, folder):
        self.genres_ = Genres(json.loads((Path(folder) / "genres.json").read_text(encoding="utf-8")))
        self.learned_ids_ = {"train": (), "validation": ()}
        return self


def own() -> list[Member]:
    return [Brightness("brightness"), Archive("archive")]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """160 films, the first with a poster that cannot be read."""
    folder = tmp_path_factory.mktemp("posters")
    films = make_films(160, genres=4, folder=folder, seed=5)
    (folder / "broken.jpg").write_text("no picture")
    return replace(films, posters=[str(folder / "broken.jpg"), *films.posters[1:]])


@pytest.fixture(scope="module")
def ensemble(films):
    return GenreEnsemble([*own(), "overview-tfidf"], preset="quick").fit(films, split=SPLIT)


def test_members_of_ones_own_are_fitted_and_predict_beside_those_of_the_library(ensemble, films):
    assert list(ensemble.members_) == ["brightness", "archive", "overview-tfidf"]
    learned = {*films.ids[1:]} - {*ensemble.films_["test"].ids}
    assert {*ensemble.members_["brightness"].learned_ids_["train"]} == learned
    bright, archive, _ = ensemble.predict(films).members
    assert bright.present.tolist() == [False] + [True] * 159
    np.testing.assert_array_equal(archive.present, ensemble.members_["archive"].knows(films))
    assert ensemble.metrics_["test"]["brightness"]["n_films"] == len(ensemble.films_["test"])


def test_copies_that_predict_out_of_fold_have_the_settings_that_training_chose(films, monkeypatch):
    levels, fit = [], Brightness.fit
    monkeypatch.setattr(
        Brightness, "fit", lambda self, *a, **k: (fit(self, *a, **k), levels.append(self.levels_))[0]
    )
    GenreEnsemble([Brightness("brightness")]).fit(films, split=SPLIT)
    assert levels == [4] * 4  # of all 119 films, and of 80 or so


def test_saved_and_loaded_they_give_the_same_numbers(ensemble, films, tmp_path):
    ensemble.save(tmp_path / "bundle")
    with pytest.raises(InputError, match="brightness is a member of your own; pass it, unfitted"):
        GenreEnsemble.load(tmp_path / "bundle")
    loaded = GenreEnsemble.load(tmp_path / "bundle", members=own())
    expected, found = (one.predict(films).to_frame(with_members=True) for one in (ensemble, loaded))
    assert found.equals(expected)


def test_films_that_taught_it_are_no_test_films(ensemble):
    with pytest.raises(InputError, match="80 of the test films .* were train films of this ensemble"):
        ensemble.predict(ensemble.films_["train"].with_role("test"))


def test_a_member_alone_screens_its_posters_itself(films):
    member = Brightness("brightness").fit(films.take(range(80)))
    assert len(member.learned_ids_["train"]) == 79
    assert member.predict(films.take(range(80, 160))).present.all()
