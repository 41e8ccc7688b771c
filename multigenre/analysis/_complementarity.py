"""How far members err on different films, and how much of what that allows the fusion reaches."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from multigenre.analysis._intervals import FEW, wilson
from multigenre.scores import Contenders, bounds, f1_of, live_mean, sampled


def member_pairs(contenders: Contenders, *, level: float = 0.95) -> pd.DataFrame:
    """Return how two members' rights and wrongs go together, on the films that carry each genre.

    True negatives are left out: nearly all films lack a genre and nearly all members see that, so they would make any
    two members alike.

    Parameters
    ----------
    contenders : Contenders
        The fused prediction is not compared.
    level : float in (0, 1)

    Returns
    -------
    DataFrame, one row a genre and pair of members
        ``genre``, ``first``, ``second``, ``films`` (that carry the genre and that both are present for), and of these
        ``both_right``, ``first_only``, ``second_only``, ``both_wrong``. ``q``: Yule's Q, 1 where members are right on
        the same films, 0 where independent, -1 where each is right where the other is wrong; <NA> where undefined.
        ``disagreement``: share where one alone is right; ``double_fault``: share where both are wrong. Each with
        ``_low`` and ``_high``: Wilson's, for Q by way of the logarithm of the odds ratio with 1/2 added to each count,
        widened to hold a Q that is 1 or -1.

    References
    ----------
    Kuncheva and Whitaker (2003), "Measures of diversity in classifier ensembles and their relationship with the
    ensemble accuracy", Machine Learning 51. Haldane (1956), "The estimation and significance of the logarithm of a
    ratio of frequencies", Annals of Human Genetics 20: the 1/2.
    """
    tables = []
    for first, second in combinations(range(len(contenders.members)), 2):
        carried = contenders.labels & (contenders.present[first] & contenders.present[second])[:, None]
        one, other = contenders.named[first], contenders.named[second]
        counts = np.stack(
            [
                (carried & right).sum(axis=0)
                for right in (one & other, one & ~other, ~one & other, ~one & ~other)
            ]
        )
        names = {"first": contenders.names[first], "second": contenders.names[second]}
        tables.append(pd.DataFrame({"genre": list(contenders.genres), **names, **_pair(counts, level)}))
    columns = ["genre", "first", "second"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _pair(counts, level):
    """Return the columns of a pair of members from counts (4, n_genres)."""
    both, first, second, neither = counts
    films, undefined = counts.sum(axis=0), np.full(len(both), np.nan)
    with_, against = both * neither, first * second
    q = np.divide(with_ - against, with_ + against, out=undefined.copy(), where=with_ + against > 0)
    a, b, c, d = counts + 0.5
    middle, half = np.log(a * d / (b * c)), ndtri((1 + level) / 2) * np.sqrt((1 / (counts + 0.5)).sum(axis=0))
    # Q is (ratio - 1) / (ratio + 1) of the odds ratio.
    low, high = np.tanh((middle - half) / 2), np.tanh((middle + half) / 2)
    columns = {"q": (q, np.fmin(low, q) + 0 * q, np.fmax(high, q) + 0 * q)}
    for name, hits in (("disagreement", first + second), ("double_fault", neither)):
        share = np.divide(hits, films, out=undefined.copy(), where=films > 0)
        columns[name] = (share, *wilson(hits, films, level))
    table = {
        "films": films,
        "both_right": both,
        "first_only": first,
        "second_only": second,
        "both_wrong": neither,
    }
    for name, parts in columns.items():
        for end, values in zip(("", "_low", "_high"), parts, strict=True):
            table[name + end] = pd.array(values, "Float64")
    return table


def headroom(contenders: Contenders, *, replicates: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return the F1 of the best member, the fusion and an oracle, and how much of the way the fusion goes.

    The oracle knows which member to trust for each film and genre: it is wrong only where all of them are.

    Parameters
    ----------
    contenders : Contenders
    replicates : int
        How many times films are drawn for the intervals; the best member is chosen again each time.
    seed : int

    Returns
    -------
    DataFrame, one row a genre, and last ``"(macro)"``, of the mean F1 over the genres that a film carries
        ``genre``, ``films`` (that everyone is present for), ``support``, ``best_member`` (<NA> for the mean, which
        is of the best member of each genre), ``best_f1``, ``fused_f1``, ``oracle_f1``, ``gain`` (fused minus best),
        ``gain_low``, ``gain_high``, ``captured`` (gain over oracle minus best; <NA> where the oracle is no better),
        ``captured_low``, ``captured_high``: 95 %, <NA> where fewer than 10 films carry the genre. The best member
        is chosen on the films that are scored, which flatters it a little, so gain and captured are, if anything,
        too low.

    """
    found = contenders.take(contenders.complete)
    labels, named = found.labels, found.named
    oracle = np.where(labels, named[:-1].any(axis=0), named[:-1].all(axis=0))
    everyone = np.concatenate([named, oracle[None]])
    # Films by genre, carried and of each contender hits and named; sums of whole numbers are exact in single precision.
    kinds, shape = [labels, *(everyone & labels), *everyone], labels.shape
    cells = np.concatenate(kinds, axis=1, dtype=np.float32 if len(labels) < 2**24 else np.float64)

    def score(weights):
        counts = (weights.T.astype(cells.dtype) @ cells).reshape(-1, len(kinds), shape[1]).swapaxes(0, 1)
        carried, hits, predicted = counts[0], counts[1 : len(everyone) + 1], counts[len(everyone) + 1 :]
        pairs = zip(hits, predicted, strict=True)
        return np.stack([f1_of(np.stack([*pair, carried]).astype(float)) for pair in pairs])

    samples = sampled(score, len(labels), replicates, seed)
    samples = np.concatenate([samples, live_mean(samples)[:, :, None]], axis=2)
    best = samples[:-2].max(axis=0)
    best[:, -1] = live_mean(best[:, :-1])  # the mean of each genre's best, not the best mean
    gain, room = samples[-2] - best, samples[-1] - best
    captured = np.divide(gain, room, out=np.full(gain.shape, np.nan), where=room > 1e-12)
    support = labels.sum(axis=0)
    named_best = np.array(found.names, object)[found.best_members()]
    named_best[support == 0] = None
    table = {
        "genre": [*found.genres, "(macro)"],
        "films": len(labels),
        "support": [*support, support.sum()],
        "best_member": [*named_best, None],
        "best_f1": best[0],
        "fused_f1": samples[-2, 0],
        "oracle_f1": samples[-1, 0],
    }
    for name, sample in (("gain", gain), ("captured", captured)):
        low, high = np.where(np.append(support, FEW) >= FEW, bounds(sample[0], sample[1:]), np.nan)
        table |= {name: sample[0], f"{name}_low": low, f"{name}_high": high}
    kinds = dict.fromkeys(list(table)[4:], "Float64")
    return pd.DataFrame(table).astype({"best_member": "string", **kinds})
