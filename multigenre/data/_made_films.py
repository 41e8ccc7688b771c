"""`make_films`: posters drawn and overviews written from labels, so that the truth is known."""

from pathlib import Path

import numpy as np
from scipy.special import ndtri

from multigenre._checks import InputError
from multigenre._files import replacing
from multigenre._signatures import Pathlike
from multigenre.data._films import Films
from multigenre.data._genres import Genres
from multigenre.data._made_overviews import write_overview
from multigenre.data._made_posters import draw_poster

# Where each genre of a made film shows: sixteen genres of real films, the first `N_GENRES` by default.
GENRE_CUES = {
    "Drama": "both",
    "Comedy": "both",
    "Action": "both",
    "Romance": "overview",
    "Horror": "poster",
    "Thriller": "both",
    "Crime": "overview",
    "Sci-Fi": "poster",
    "Animation": "poster",
    "Family": "both",
    "Sport": "overview",
    "Western": "poster",
    "Music": "overview",
    "War": "poster",
    "Fantasy": "both",
    "Mystery": "overview",
}
# On what share of films each genre is, before films of no genre get one.
SHARES = {
    "Drama": 0.50,
    "Comedy": 0.40,
    "Action": 0.22,
    "Romance": 0.21,
    "Horror": 0.15,
    "Thriller": 0.19,
    "Crime": 0.18,
    "Sci-Fi": 0.11,
    "Animation": 0.08,
    "Family": 0.11,
    "Sport": 0.03,
    "Western": 0.02,
    "Music": 0.03,
    "War": 0.03,
    "Fantasy": 0.08,
    "Mystery": 0.07,
}
N_GENRES = 12

# Correlations of the normal variables whose upper tails are the labels; pairs not named are independent.
PAIRS = {
    ("Drama", "Comedy"): -0.45,
    ("Drama", "Romance"): 0.25,
    ("Comedy", "Romance"): 0.25,
    ("Drama", "Horror"): -0.35,
    ("Drama", "Animation"): -0.3,
    ("Comedy", "Thriller"): -0.4,
    ("Action", "Thriller"): 0.4,
    ("Action", "Sci-Fi"): 0.35,
    ("Action", "Romance"): -0.3,
    ("Horror", "Thriller"): 0.35,
    ("Crime", "Thriller"): 0.3,
    ("Comedy", "Animation"): 0.25,
    ("Animation", "Family"): 0.75,
    ("Comedy", "Family"): 0.25,
    ("Horror", "Family"): -0.3,
}

SHOWN = 0.8  # chance that a genre shows where it can
FALSE_CUE = 0.25  # chance, times the genre's share, that it shows on a film that is not of it


def make_films(
    n_films: int = 1500,
    *,
    genres: int | None = None,
    folder: Pathlike,
    seed: int = 0,
    missing_posters: float = 0.0,
    missing_overviews: float = 0.0,
) -> Films:
    """Make films with a known truth: draw their posters and write their overviews from their genres.

    `GENRE_CUES` says where each genre shows: in the poster, in the overview, or in both. It shows there with
    probability 0.8, and now and then a genre shows that the film is not of, so that no classifier is perfect
    and fusing the two modalities wins. Genres are as unequal and as correlated as on real films: about 2.25 a
    film, Drama on half of the films, Western on one in fifty, Animation mostly with Family.

    Each film has its own generator, so the first films are the same however many are made.

    Parameters
    ----------
    n_films : int
    genres : int, optional
        How many genres, 2 to 16, the first of `GENRE_CUES`. Default 12.
    folder : path
        Where posters go, as ``ID.jpg``, 96 x 144 px, RGB; made if needed.
    seed : int
        The same seed gives the same films, to the byte.
    missing_posters, missing_overviews : float
        Shares of films without one; no film lacks both.

    Returns
    -------
    Films
        With ids ``made-0001``, ``made-0002``, ... and no split role.

    Raises
    ------
    InputError
        If ``n_films`` or ``genres`` is out of range, a missing share is negative or they sum to more than 1.

    Examples
    --------
    >>> import tempfile
    >>> films = make_films(3, folder=tempfile.mkdtemp())
    >>> films.genres.decode(films.labels)
    [('Animation', 'Horror'), ('Drama',), ('Comedy', 'Drama')]
    >>> GENRE_CUES["Animation"], GENRE_CUES["Comedy"]
    ('poster', 'both')
    """
    n_genres = N_GENRES if genres is None else genres
    if n_films < 1:
        raise InputError(f"make_films needs n_films of at least 1, got {n_films}.")
    if not 2 <= n_genres <= len(GENRE_CUES):
        raise InputError(f"make_films knows 2 to {len(GENRE_CUES)} genres, got genres={genres}.")
    if min(missing_posters, missing_overviews) < 0 or missing_posters + missing_overviews > 1:
        raise InputError(
            "missing_posters and missing_overviews must be shares that sum to at most 1, "
            f"got {missing_posters} and {missing_overviews}."
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    known = np.array(list(GENRE_CUES)[:n_genres])
    cues = np.array([GENRE_CUES[name] for name in known])
    shares = np.array([SHARES[name] for name in known])
    mixing = np.linalg.cholesky(_correlations()[:n_genres, :n_genres])

    ids, overviews, posters, rows = [], [], [], []
    for number in range(1, n_films + 1):
        rng = np.random.default_rng([seed, number])
        luck = rng.random()
        margins = mixing @ rng.standard_normal(n_genres) + ndtri(shares)
        labels = margins > min(0, margins.max() - 1e-9)  # a film of no genre takes the one it is nearest to
        chance = np.where(labels, SHOWN, FALSE_CUE * shares)
        on_poster = known[(rng.random(n_genres) < chance) & (cues != "overview")]
        in_words = known[(rng.random(n_genres) < chance) & (cues != "poster")]

        ids.append(f"made-{number:04d}")
        rows.append(labels)
        overview, poster = write_overview(in_words, rng), folder / f"{ids[-1]}.jpg"
        overviews.append("" if luck > 1 - missing_overviews else overview)
        posters.append("" if luck < missing_posters else str(poster))
        if posters[-1]:
            _save(draw_poster(on_poster, rng), poster)

    order = np.argsort(known)
    return Films(
        ids=np.array(ids, dtype=object),
        overviews=np.array(overviews, dtype=object),
        posters=np.array(posters, dtype=object),
        labels=np.array(rows, np.uint8)[:, order],
        genres=Genres(known[order]),
    )


def _correlations():
    """Return the correlations of all genres' normal variables, shape (n_genres, n_genres)."""
    column = {name: place for place, name in enumerate(GENRE_CUES)}
    correlations = np.eye(len(GENRE_CUES))
    for (one, other), value in PAIRS.items():
        correlations[column[one], column[other]] = correlations[column[other], column[one]] = value
    return correlations


def _save(image, path):
    with replacing(path) as partial:
        image.save(partial, "JPEG", quality=85)
