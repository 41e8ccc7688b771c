"""Films and a quick ensemble for tests of reports."""

from dataclasses import replace

import numpy as np

from multigenre import GenreEnsemble, Genres, make_films

# What a page must show and never run.
HOSTILE = (
    'A <script>window.ran = 1</script> & </script></ul><img src=x onerror="window.ran = 2"> {{ 7 * 7 }} -->'
)
GENRE = '<b onclick="ran()">Drama & "more"'


def hostile_films(folder, n_films=320):
    """Return made films, two of six genres in one modality only, some without it, with texts that look like HTML."""
    films = make_films(n_films, genres=6, folder=folder, missing_posters=0.1, missing_overviews=0.1)
    names = [GENRE if name == "Drama" else name for name in films.genres]
    overviews = [f"{text} {HOSTILE}" if text else "" for text in films.overviews]
    titles = [f"The Film {row} {HOSTILE}" if row % 2 else "" for row in range(len(films))]
    return replace(films, genres=Genres(names), overviews=np.array(overviews, object), titles=titles)


def quick_ensemble(films):
    """Return an ensemble of two members that train in seconds."""
    shares = {"train": 0.6, "calibration": 0.1, "test": 0.3}
    return GenreEnsemble(["poster-colours", "overview-tfidf"], seed=0).fit(films, split=shares)
