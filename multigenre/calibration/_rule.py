"""How a calibrator chooses: which genres get a cut of their own, how films are counted, how far all cuts move."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from multigenre._checks import InputError
from multigenre.calibration._calibration import apply_maps, fit_maps
from multigenre.calibration._cuts import SCORES, TINY, Ranking, check_strategy, ranking, search
from multigenre.data import logits, sigmoid

LIMIT = 1e-12  # far below any cut that matters
ENOUGH = 50_000  # films that three numbers a genre are learned from; more would only take longer
C = 0.1  # prior variance of a genre's map around the one that all genres share


def margins(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Return log-odds above those of the cut, like ``values``; -inf where a cut above 1 names no film."""
    above = logits(values.astype(float), LIMIT) - logits(cuts, LIMIT)
    return np.where(cuts > 1, -np.inf, above)


def shifted(cuts: np.ndarray, shift: float) -> np.ndarray:
    """Return the cuts with ``shift`` added to their log-odds; those above 1 stay."""
    if shift == 0:
        return cuts
    return np.where(cuts > 1, cuts, sigmoid(logits(cuts, LIMIT) + shift))


def cardinality_shift(
    values: np.ndarray, labels: np.ndarray, cuts: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Return what to add to the log-odds of all cuts to name as many genres as these films carry, or nearly.

    Parameters
    ----------
    values : ndarray of shape (n_films, n_genres), float in [0, 1]
    labels : ndarray of shape (n_films, n_genres), 0 or 1
    cuts : ndarray of shape (n_genres,), float
    weights : ndarray of shape (n_films,), optional

    Returns
    -------
    float
        Between the last pair of film and genre that is named and the first that is not.
    """
    weights = np.ones(len(values)) if weights is None else weights
    above = margins(values, cuts).ravel()
    order = np.argsort(-above, kind="stable")
    above, named = above[order], np.cumsum(np.repeat(weights, values.shape[1])[order])
    ends = np.flatnonzero((above > np.append(above[1:], -np.inf)) & np.isfinite(above))
    if not len(ends):
        return 0.0
    last = ends[np.argmin(np.abs(named[ends] - weights @ labels.sum(axis=1)))]
    below = above[last + 1] if last + 1 < len(above) else -np.inf
    return float(above[last] - min(above[last] - below, 1.0) / 2)


@dataclass(frozen=True)
class Ready:
    """What does not hang on how often films are drawn: rankings by genre and of all pairs, and `redrawing`."""

    rankings: dict[int, Ranking]
    pairs: Ranking | None
    redraw: Callable[[np.ndarray], np.ndarray] | None


@dataclass(frozen=True)
class Rule:
    """The settings of a `ThresholdCalibrator` that say how its cuts are chosen.

    Raises
    ------
    InputError
        If one is unknown, or they do not go together.
    """

    strategy: str
    level: float | None
    min_positives: int
    counts: str

    def __post_init__(self):
        object.__setattr__(self, "level", check_strategy(self.strategy, self.level))
        if self.counts not in ("observed", "expected"):
            raise InputError(f"Films are counted as observed or expected, got counts={self.counts!r}.")
        if self.counts == "expected" and self.strategy == "scut-fbr":
            raise InputError("Strategy 'scut-fbr' asks what films left out carry; pass counts='observed'.")

    def own(self, labels: np.ndarray) -> np.ndarray:
        """Return which genres get a cut of their own, (n_genres,) bool."""
        enough = labels.sum(axis=0, dtype=int) >= max(self.min_positives, 1)
        return enough & (self.strategy not in ("shared", "half"))

    def gains(self, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return how far each film carries each genre, (n_films, n_genres): its label, or `expected_labels`."""
        searched = self.strategy not in ("shared", "half")
        return expected_labels(values, labels) if searched and self.counts == "expected" else labels

    def cuts(
        self,
        values: np.ndarray,
        labels: np.ndarray,
        gains: np.ndarray,
        *,
        weights: np.ndarray | None = None,
        draws: np.ndarray | None = None,
        ready: Ready | None = None,
    ) -> np.ndarray:
        """Return the cuts, (n_genres, n_resamples) float64.

        A genre without a cut of its own gets the best for all pairs of film and genre, by the strategy's
        measure or, where that needs several genres, by F1. It counts labels always: there are enough.

        Parameters
        ----------
        values : ndarray of shape (n_films, n_genres), float in [0, 1]
        labels : ndarray of shape (n_films, n_genres), 0 or 1
        gains : ndarray of shape (n_films, n_genres)
            What `gains` returned for all the films.
        weights : ndarray of shape (n_films,), optional
            How much each film counts.
        draws : ndarray of shape (n_films, n_resamples), int, optional
            How often each film was drawn; default: once, in one resample.
        ready : Ready, optional
            What `ready` returned for all the films, where there are more draws than these.
        """
        n_films, n_genres = values.shape
        cuts = np.full((n_genres, 1 if draws is None else draws.shape[1]), 0.5)
        if self.strategy == "half":
            return cuts
        if weights is not None:
            weights = weights[:, None] * (1.0 if draws is None else draws)
        elif draws is not None:
            weights = draws.astype(float)
        own = self.own(labels)
        if draws is not None and ready is None:
            ready = self.ready(values, labels, gains)
        if own.any():
            if draws is not None and ready is not None and ready.redraw is not None:
                gains = ready.redraw(draws)
            ranked = ready.rankings if ready else {}
            columns = (
                (values[:, genre], gains[:, genre], ranked.get(genre))
                for genre in np.flatnonzero(own).tolist()
            )
            cuts[own] = search(columns, self.strategy, self.level, weights=weights)
        if not own.all():
            film = None if weights is None else np.repeat(np.arange(n_films), n_genres)
            measure = self.strategy if self.strategy in SCORES else "f1"
            pairs = [(values.ravel(), labels.ravel(), ready.pairs if ready else None)]
            cuts[~own] = search(pairs, measure, self.level, weights=weights, film=film)
        return cuts

    def ready(self, values: np.ndarray, labels: np.ndarray, gains: np.ndarray) -> Ready:
        """Return what `cuts` of any draws of these films need; parameters as for it."""
        if self.strategy == "half":
            return Ready({}, None, None)
        own = self.own(labels)
        rankings = {
            genre: ranking(values[:, genre], gains[:, genre]) for genre in np.flatnonzero(own).tolist()
        }
        redraw = None if gains is labels else redrawing(values, labels, gains)
        return Ready(rankings, None if own.all() else ranking(values.ravel(), labels.ravel()), redraw)

    def sources(
        self,
        values: np.ndarray,
        labels: np.ndarray,
        gains: np.ndarray,
        cuts: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return where each of the cuts (n_genres,) comes from: see `ThresholdCalibrator.sources_`."""
        own = self.own(labels)
        sources = np.full(len(cuts), "fixed" if self.strategy == "half" else "shared", dtype=object)
        sources[own] = "own"
        sources[own & ~(values >= cuts).any(axis=0)] = "withheld"
        if self.strategy == "precision":
            named = (values >= cuts) * (1.0 if weights is None else weights[:, None])
            hits = (named * gains).sum(axis=0)
            sources[own & (hits / np.maximum(named.sum(axis=0), TINY) < self.level)] = "unreached"
        return sources


def expected_labels(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probability of each genre by a beta map of its column, shrunk towards the one that all share.

    Parameters
    ----------
    values : ndarray of shape (n_films, n_genres), float in [0, 1]
    labels : ndarray of shape (n_films, n_genres), 0 or 1

    Returns
    -------
    ndarray of shape (n_films, n_genres), float64
        See `fit_maps`.
    """
    step = -(-len(values) // ENOUGH)
    return apply_maps(values, fit_maps(values[::step], labels[::step], C=C))


def redrawing(
    values: np.ndarray, labels: np.ndarray, expected: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Return what moves `expected_labels` to resamples, each genre's map by one Newton step.

    Parameters
    ----------
    values, labels : as for `expected_labels`
    expected : ndarray of shape (n_films, n_genres), float64
        What that returned.

    Returns
    -------
    callable
        From how often each film was drawn, int (n_films, n_resamples), to what the labels are expected to be, float64
        (n_films, n_genres, n_resamples).

    References
    ----------
    Davison and Hinkley (1997), "Bootstrap methods and their application", section 2.7: linear approximation.
    """
    clipped = np.clip(values.astype(float).T, 1e-6, 1 - 1e-6)
    rising = np.stack([np.log(clipped), -np.log1p(-clipped)], axis=2)
    rising -= rising.mean(axis=1, keepdims=True)
    design = np.concatenate([rising, np.ones_like(rising[..., :1])], axis=2)
    curvature = (design * (expected * (1 - expected)).T[..., None]).mT @ design + np.eye(3) / C
    slopes = (design * (labels - expected).T[..., None]).mT
    log_odds = logits(expected.T, 1e-12)[..., None]

    def redrawn(draws):
        moved = design @ np.linalg.solve(curvature, slopes @ (draws - 1.0))
        return np.moveaxis(sigmoid(log_odds + moved), 0, 1)

    return redrawn
