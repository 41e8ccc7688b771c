"""An ensemble of the two reference members that nobody trained, and the same networks in plain Keras.

How long a network takes does not depend on what it learned.
"""

import numpy as np
from plain_keras import overview_lstm, poster_cnn

from multigenre import Films, GenreEnsemble, make_films
from multigenre.members import PRESETS

MEMBERS = ("poster-cnn", "overview-lstm")
PRESETS["untrained"] = {"members": MEMBERS, **{name: {"recipe": {"epochs": 0}} for name in MEMBERS}}


def read_films(path, posters, *, made, folder):
    """Return films that have both poster and overview, from a table or, without one, so many made in a folder."""
    films = Films.read(path, posters=posters) if path else make_films(made, genres=16, folder=folder)
    return films.take(films.has_poster & films.has_overview)


def untrained_ensemble(films, folder):
    """Return an ensemble, loaded from the bundle that it writes into a folder, with the words of some films."""
    ensemble = GenreEnsemble(preset="untrained").fit(films, split={"train": 0.5, "calibration": 0.5})
    lstm = ensemble.members_["overview-lstm"].model_
    # An untrained network says the same of every film; larger weights make it tell them apart.
    lstm.set_weights([2 * weight for weight in lstm.get_weights()])
    ensemble.save(folder)
    return GenreEnsemble.load(folder)


def plain_models(ensemble):
    """Return the plain poster and overview networks with an ensemble's vocabulary and weights."""
    cnn, lstm = (ensemble.members_[name].model_ for name in MEMBERS)
    words, n_genres = np.array(lstm.vocabulary[2:], object), len(ensemble.genres_)
    models = poster_cnn(n_genres), overview_lstm(words, n_genres)
    models[1].layers[0].set_vocabulary(lstm.vocabulary)
    for plain, ours in zip(models, (cnn, lstm), strict=True):
        plain.set_weights(ours.get_weights())
    return models
