"""Intervals of many films without drawing them again: how far each film moves a score, and normal draws from that.

A score is a function of how often each film comes. Its derivatives where each comes once, the influence values of the
infinitesimal jackknife, say by how much scores of resamples vary (Jaeckel 1972, "The infinitesimal jackknife", Bell
Laboratories; Efron 1982, "The jackknife, the bootstrap and other resampling plans", SIAM, chapter 6).

The calibration error has a corner wherever a bin's probabilities are true, and those of a good forecast nearly are. So
normal draws are of the sums in the bins, on which films act in a straight line, and the error is that of each draw.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from multigenre._threads import blocks, side_by_side, summed
from multigenre.scores._rates import BINS, losses, mean_losses, named_counts, rates, rates_of_counts
from multigenre.scores._sorted import (
    FILMS,
    Cuts,
    bin_gaps,
    bin_starts,
    cell_keys,
    genre_cuts,
    micro_cuts,
    ranked_scores,
)

DRAWS = 14  # doublings: 16,384 draws, spread so evenly that their quantiles have next to no chance in them
BINNED = 1 << 17  # films that tell how much sums in bins vary: of more, as many that lie evenly among them

Side = tuple[np.ndarray, np.ndarray]  # values and what is named, each (n_films, n_genres)


def influence_samples(sides: Sequence[Side], labels: np.ndarray, seed: int) -> np.ndarray:
    """Return `METRICS` (n_sides, 1 + 16384, n_metrics): of the films as they are, then draws like those of resamples.

    The same films move all sides, so draws go in pairs.
    """
    n_films = len(labels)
    scores, moves, edges, gaps = zip(*(_side(*side, labels) for side in sides), strict=True)
    smooth = summed(lambda films: _squares(moves, films), blocks(n_films, FILMS))
    drawn = _normal(smooth, seed).reshape(-1, len(sides), len(scores[0]) - 1) / n_films
    drawn = np.stack(scores)[:, None, :-1] + drawn.swapaxes(0, 1)
    sample = np.arange(0, n_films, -(-n_films // BINNED))

    def binned(part):
        rows = sample[part]
        residuals = [
            _residuals(values[rows], labels[rows], mine)
            for (values, _), mine in zip(sides, edges, strict=True)
        ]
        residuals = np.concatenate(residuals, axis=1)
        return np.vstack([residuals.T @ residuals, residuals.sum(axis=0)])

    *products, sums = summed(binned, blocks(len(sample), FILMS >> 2)).astype(float) * (n_films / len(sample))
    spread = np.array(products) - np.outer(sums, sums) / n_films
    sums = np.ravel(gaps) + _normal(spread, seed + 1)
    errors = np.abs(sums).reshape(len(sums), len(sides), -1).sum(axis=2).T / labels.size
    samples = np.concatenate([drawn, errors[:, :, None]], axis=2)
    return np.concatenate([np.stack(scores)[:, None], samples], axis=1)


def genre_influence_samples(sides: Sequence[Side], labels: np.ndarray, seed: int) -> np.ndarray:
    """Return `GENRE_METRICS` (n_sides, n_metrics, 1 + 16384, n_genres), drawn as `influence_samples` draws them.

    Draws go in pairs within a genre; those of two genres know nothing of each other.
    """

    def drawn(genre):
        columns = slice(genre, genre + 1)
        parts = [_genre(values[:, columns], named[:, genre], labels[:, columns]) for values, named in sides]
        scores, moves = (np.stack(one) for one in zip(*parts, strict=True))
        spread = moves.reshape(-1, len(labels)) @ moves.reshape(-1, len(labels)).T
        draws = _normal(spread, seed + genre).reshape(-1, *scores.shape) / len(labels)
        return np.concatenate([scores[None], scores + draws])

    return np.stack(side_by_side(drawn, range(labels.shape[1])), axis=-1).transpose(1, 2, 0, 3)


def _side(values, named, labels):
    """Return scores, their moves, and the bins of one side.

    Returns
    -------
    scores : ndarray of shape (n_metrics,)
        `METRICS`.
    moves : ndarray of shape (n_films, n_metrics - 1), float32
        Derivatives of all but the calibration error by how often a film comes, times the number of films.
    edges : ndarray of shape (n_genres, BINS - 1)
        `cell_keys` from which on cells lie in each bin but the first.
    gaps : ndarray of shape (n_genres, BINS)
        Summed probability minus positives.
    """
    n_films, keys = len(labels), cell_keys(values, labels)
    average_precision, ece = ranked_scores(keys, BINS)
    counts, (film_f1, *_) = named_counts(named, labels)
    live, cells, f1 = counts[2] > 0, np.maximum(counts[1] + counts[2], 1), rates_of_counts(*counts)[2]
    share = live / max(live.sum(), 1)  # of each genre in a macro average
    bce, brier = (one.mean() for one in mean_losses(values, labels))
    micro, f1_micro = micro_cuts(keys), rates_of_counts(*counts.sum(axis=1))[2]
    macro = (np.where(live, average_precision, 0) * share).sum(), (f1 * share).sum()
    means = bce, macro[0], micro.average_precision(), f1_micro, macro[1]
    scores = np.array([*means, film_f1 / n_films, brier, ece.mean()])
    scores[1:5] = np.where(live.any(), scores[1:5], np.nan)
    moves = np.empty((n_films, len(scores) - 1), np.float32)

    def fill(films):
        name, label = named[films], labels[films] != 0
        hit, either = (name & label).astype(float), name.astype(float) + label
        moves[films, 0] = losses(values[films], label).mean(axis=1) - bce
        moves[films, 3] = (2 * hit - f1_micro * either).sum(axis=1) * (n_films / max(counts[1:].sum(), 1))
        moves[films, 4] = n_films * (hit @ (2 * share / cells) - either @ (f1 * share / cells))
        moves[films, 5] = rates(name, label, axis=1)[2] - scores[5]
        moves[films, 6] = np.square(values[films] - label, dtype=float).mean(axis=1) - brier

    side_by_side(fill, blocks(n_films, FILMS))

    def ranked(genre):
        order = np.argsort(cell_keys(values[:, genre, None], labels[:, genre, None])[0])
        found = np.empty((n_films, 2))
        found[order, 0] = precision_moves(genre_cuts(keys[genre]), keys[genre]) * (n_films * share[genre])
        found[order, 1] = precision_moves(micro, keys[genre]) * n_films
        return found

    moves[:, 1:3] = summed(ranked, range(len(keys)))
    last = np.iinfo(keys.dtype).max
    edges = [[one[at] if at < n_films else last for at in bin_starts(one, BINS)] for one in keys]
    edges = np.array(edges, keys.dtype) >> 1 << 1  # whether they carry the genre or not
    return scores, moves, edges, np.stack([bin_gaps(one, BINS) for one in keys])


def precision_moves(cuts: Cuts, cells: np.ndarray) -> np.ndarray:
    """Return the derivatives of average precision by how often each cell comes, (n_cells,).

    With weights w, average precision is A = sum w_i H_i / N_i over the P positives i, divided by P, where H_i and N_i
    weigh the positives and all cells from i's probability up. Cell k is in H_i and N_i of all i that are no more
    probable than it, and if it is positive in P and the sum too, so that its derivative is

        (y_k (H_k / N_k - A + sum 1 / N_i) - sum H_i / N_i^2) / P

    with sums over the positives i that are no more probable than k.

    Parameters
    ----------
    cuts : Cuts
        Of these cells or of more.
    cells : ndarray of shape (n_cells,)
        `cell_keys`, best sorted, which is much faster.
    """
    if not len(cuts.value):
        return np.zeros(len(cells))
    precision = cuts.hits / cuts.reached
    gain, loss = (np.append(0, np.cumsum(cuts.found * one / cuts.reached)) for one in (1, precision))
    above = np.searchsorted(cuts.value, cells, "right")  # cuts that the cell is at or over
    carries, moves = np.flatnonzero(cells & 1), -loss[above]
    above = above[carries]
    moves[carries] += precision[above - 1] - cuts.average_precision() + gain[above]
    return moves / cuts.hits[0]


def _genre(value, named, label):
    """Return `GENRE_METRICS` of one genre's column (n_metrics,), and their moves (n_metrics, n_films)."""
    cells = cell_keys(value, label)[0]
    order = np.argsort(cells)
    cells, label, n_films = cells[order], label[:, 0] != 0, len(label)
    cuts, hits, either = genre_cuts(cells), np.count_nonzero(named & label), named.astype(float) + label
    loss, total = losses(value[:, 0], label), max(either.sum(), 1)
    scores = np.array([2 * hits / total, cuts.average_precision(), loss.mean()])
    if not label.any():
        scores[0] = np.nan
    moves = np.empty((3, n_films))
    moves[0] = (2 * (named & label) - 2 * hits / total * either) * (n_films / total)
    moves[1, order] = precision_moves(cuts, cells) * n_films
    moves[2] = loss - scores[2]
    return scores, moves


def _squares(moves, films):
    """Return the products of all sides' moves, summed over some films."""
    here = np.concatenate([one[films] for one in moves], axis=1, dtype=float)
    return here.T @ here


def _residuals(values, labels, edges):
    """Return what films add to the gaps of the bins, (n_films, n_genres * BINS) float32."""
    n_films, n_genres = values.shape
    keys, bins = (
        cell_keys(values, labels),
        np.repeat(np.arange(n_genres) * BINS, n_films).reshape(n_genres, -1),
    )
    for edge in edges.T:
        bins += keys >= edge[:, None]
    residuals = np.zeros((n_films, n_genres * BINS), np.float32)
    residuals[np.arange(n_films), bins] = (values - labels).T
    return residuals


def _normal(spread, seed):
    """Return normal draws (2^`DRAWS`, n) around 0 whose covariances are ``spread`` (n, n)."""
    variance, axes = np.linalg.eigh(spread)
    even = qmc.Sobol(len(spread), rng=seed).random_base2(DRAWS)
    # Never 0 or 1, whose normal quantiles are infinite.
    return ndtri(np.clip(even, 1e-12, 1 - 1e-12)) @ (axes * np.sqrt(np.maximum(variance, 0))).T
