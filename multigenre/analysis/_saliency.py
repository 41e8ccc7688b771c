"""Which pixels of a poster moved each genre: integrated gradients, and a check that the maps mean anything.

Integrated gradients, not Grad-CAM (Selvaraju et al. 2017, ICCV): `PosterCNN` flattens its last convolution into dense
layers, which weigh each place on its own, and Grad-CAM's one weight a channel, averaged over places, is not what such a
network computes. Its maps have 8 x 8 cells and no unit. Integrated gradients are in log-odds, pixel by pixel, and add
up; they agree with what covering patches does (`multigenre.poster_patches`), and Grad-CAM here hardly does.
"""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.stats import spearmanr

from multigenre._checks import InputError, some
from multigenre.analysis._places import PosterMaps
from multigenre.data import Genres
from multigenre.networks import PosterCache, readable_posters

GREY = 127.5  # neither the night of a Horror film nor the white of a Comedy


def integrated_gradients(member, films, genres, *, posters=None, baseline=GREY, steps=64):
    """Return how far each pixel moved the log-odds of genres on the way from a blank poster to this one.

    The gradient of the log-odds, averaged over posters from the baseline to the film's, times how far each pixel goes;
    channels are summed. A map sums to the log-odds of the poster less those of the baseline, but for the error
    of so many steps: the network has kinks.

    Parameters
    ----------
    member : KerasMember
        Fitted, ``"poster-cnn"``; or any with a ``model_`` of posters whose last layer is a dense sigmoid.
    films : Films
    genres : sequence of str
        Which ones; time grows with their number.
    posters : PosterCache, optional
        Decoded posters to share with others.
    baseline : float in [0, 255], or array of shape (size, size, 3)
        The blank poster: grey, or another level, or such as the mean of the training posters.
    steps : int
        On the way; midpoints are taken.

    Returns
    -------
    PosterMaps
        Of the network's size, 64 places a side.

    Raises
    ------
    InputError
        If the member is no such network, a genre is unknown, or the baseline or the steps are out of range.

    References
    ----------
    Sundararajan, Taly, Yan (2017), "Axiomatic attribution for deep networks", ICML.
    """
    return _maps(member, _gradients(_model(member)), films, genres, posters, baseline, steps)


def _maps(member, gradients, films, genres, posters, baseline, steps):
    """Return the `PosterMaps` by the gradients of the member's network, or of one with other weights."""
    size, baseline = member.model_.input_shape[1], np.asarray(baseline, np.float32)
    if baseline.shape not in ((), (size, size, 3)) or not (0 <= baseline.min() <= baseline.max() <= 255):
        raise InputError(
            f"A baseline is a number from 0 to 255, or pixels of shape {(size, size, 3)}, got {some(baseline.ravel())} "
            f"of shape {baseline.shape}."
        )
    if steps < 1:
        raise InputError(f"Integrated gradients need steps of at least 1, got {steps}.")
    posters = posters if posters is not None and posters.size == size else PosterCache(size)
    films = readable_posters(films, posters)
    columns = [member.genres_.column(genre) for genre in genres]
    values = np.full((len(films), len(columns), size, size), np.nan)
    way = (np.arange(steps, dtype=np.float32) + 0.5)[:, None, None, None] / steps
    for row in np.flatnonzero(films.has_poster):
        run = posters.pixels(films.posters[[row]])[0].astype(np.float32) - baseline
        batch = tf.constant(baseline + way * run)
        for place, column in enumerate(columns):
            mean = gradients(batch, tf.constant(column)).numpy().mean(axis=0)
            values[row, place] = (run * mean).sum(axis=2)
    return PosterMaps(films.ids, Genres(genres), values, member.name)


def _model(member):
    """Return the member's network, or raise if it is none that can be looked into."""
    model = getattr(member, "model_", None)
    head = model.layers[-1] if isinstance(model, keras.Model) else None
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.sigmoid:
        raise InputError(
            f"Gradients need a fitted network of posters that ends in a dense sigmoid layer, got {member.name}; "
            "`patch_influence` takes any member."
        )
    if len(model.input_shape) != 4:
        raise InputError(
            f"Gradients are taken by pixels, but the network of {member.name} reads {model.input_shape[1:]}; "
            "give one of posters."
        )
    return model


def _gradients(model):
    """Return a function from posters and a column to the gradient of each poster's log-odds by its pixels.

    Log-odds are taken before the sigmoid, whose ends have no gradient in float32.
    """
    head = model.layers[-1]
    features = keras.Model(model.inputs, head.input)

    @tf.function(autograph=False)
    def gradients(batch, column):
        with tf.GradientTape() as tape:
            tape.watch(batch)
            log_odds = tf.linalg.matmul(features(batch, training=False), head.kernel) + head.bias
            total = tf.reduce_sum(tf.gather(log_odds, column, axis=1))
        return tape.gradient(total, batch)

    return gradients


def randomisation_check(member, films, genres, *, posters=None, steps=32, seed=0):
    """Return how alike maps stay while the network forgets what it learned, from its last layer to its first.

    A map that shows what the network learned must change with its weights; one that only traces the poster's edges does
    not. Layer by layer, from the head down and keeping what was dealt before, the weights of each tensor are
    dealt anew among their places: they are as large as before, and mean nothing.

    Parameters
    ----------
    member, films, genres, posters, steps
        As for `integrated_gradients`.
    seed : int
        Of the deals.

    Returns
    -------
    DataFrame, one row a layer, film with a poster, and genre
        ``layer``, the last one that was dealt anew, from the head down; ``film``; ``genre``; ``correlation``,
        Spearman's, of the map with that of the trained network, pixel by pixel; ``correlation_of_sizes``, of their
        absolute values. Near 0: the map depends on what was learned. <NA> where a map is the same everywhere.

    References
    ----------
    Adebayo et al. (2018), "Sanity checks for saliency maps", NeurIPS: cascading randomisation.
    """
    trained, rng, rows = _model(member), np.random.default_rng(seed), []
    model = type(trained).from_config(trained.get_config())
    for ours, theirs in zip(model.layers, trained.layers, strict=True):
        ours.set_weights(theirs.get_weights())
    options = {"posters": posters, "baseline": GREY, "steps": steps}
    known, gradients = integrated_gradients(member, films, genres, **options), _gradients(model)
    for layer in reversed([layer for layer in model.layers if layer.get_weights()]):
        layer.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in layer.get_weights()])
        found = _maps(member, gradients, films, genres, **options)
        for film, genre in np.argwhere(~np.isnan(known.values[:, :, 0, 0])):
            one, other = known.values[film, genre].ravel(), found.values[film, genre].ravel()
            rows.append(
                (
                    layer.name,
                    known.ids[film],
                    known.genres.names[genre],
                    _alike(one, other),
                    _alike(abs(one), abs(other)),
                )
            )
    columns = ["layer", "film", "genre", "correlation", "correlation_of_sizes"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(columns[3:], "Float64"))


def _alike(one, other):
    """Return Spearman's correlation, NaN where one of the two does not vary."""
    return spearmanr(one, other).statistic if np.ptp(one) > 0 and np.ptp(other) > 0 else np.nan
