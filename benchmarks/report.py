"""How long does a report of a large catalogue take beyond prediction, and how much memory and page?

    python benchmarks/report.py [--films 100000] [--genres 25] [--quick]

Four members answer from probabilities that are drawn, one of the poster and three of the overview, so that modalities
are told apart too; nothing trains but the fusion and the thresholds, on 1,500 films. Of the films 5 % have no poster
and 3 % no overview; posters are 500 JPEG files of 128 x 192 pixels that films share, so every film's is decoded but the
disk is spared. Each size is measured in a fresh process. Prints one JSON line:

- ``seconds``: of `multigenre.report`, the page written, less ``predict_seconds``, of `GenreEnsemble.predict` within it;
- ``peak_mb``, ``start_mb``: peak resident memory, in MB of a million bytes, after the report, and before it, when films
  and ensemble are there (Linux only);
- ``page_mb``: the page's size;
- ``growth``: ``seconds`` again for a tenth of the films, and for these films and four times the genres; and how many
  times longer ten times the films take, and four times the genres;
- ``films``, ``genres``.

``--quick`` takes 2,000 films and 6 genres, and leaves growth out.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from fresh_process import in_fresh_process, peak_mb
from machine import machine
from PIL import Image

from multigenre import Films, GenreEnsemble, GenreProbabilities, Genres, make_films, report
from multigenre.data import sigmoid

MODALITIES = {
    "poster-a": "poster",
    "overview-b": "overview",
    "overview-c": "overview",
    "overview-d": "overview",
}
TAUGHT, POSTERS, SIZE = 1500, 500, (128, 192)
WITHOUT = {"poster": 0.05, "overview": 0.03}
PLOTS = [
    "A {} that nobody wanted finds its way home, and a {} waits there.",
    "When the {} is gone, two sisters and their {} begin to ask why.",
    "Years later the {} comes back to the town where every {} was lost, and nothing is as it was.",
]
WORDS = (
    "dog",
    "war",
    "house",
    "letter",
    "king",
    "train",
    "song",
    "river",
    "ghost",
    "wedding",
    "murder",
    "robot",
)


class Drawn:
    """A member that answers from drawn probabilities, as if it read its modality.

    A film that they do not name, such as one without some word, is answered as one of those that they do.
    """

    folds, history_ = 5, None

    def __init__(self, name, rows, values):
        self.name, self.modality, self.rows, self.values = name, MODALITIES[name], rows, values

    def fit(self, train, validation=None, **_):
        """Learn nothing but the names of the genres."""
        self.genres_, self.learned_ids_ = train.genres, {"train": (), "validation": ()}
        return self

    def save(self, folder):
        """Keep nothing: no bundle of this ensemble is loaded."""

    def predict(self, films, *, posters=None):
        """Return the drawn probabilities of the films that have the modality."""
        here = films.has_poster if self.modality == "poster" else films.has_overview
        rows = [self.rows.get(film, place % len(self.rows)) for place, film in enumerate(films.ids)]
        values = np.where(here[:, None], self.values[rows], np.float32(np.nan))
        return GenreProbabilities(films.ids, self.genres_, values, self.name, films.role)


def drawn(folder, n_films, n_genres):
    """Return the films, those that teach first, and the members."""
    rng, shape = np.random.default_rng(0), (n_films + TAUGHT, n_genres)
    truth = 1.5 * rng.standard_normal(shape, np.float32) + np.linspace(0, -6, n_genres, dtype=np.float32)
    labels = rng.random(shape, np.float32) < sigmoid(truth)
    ids = [f"film {row}" for row in range(len(truth))]
    made = make_films(POSTERS, folder=folder).posters
    for poster in made:
        with Image.open(poster) as image:
            image.resize(SIZE).save(poster, quality=90)
    posters = np.where(rng.random(len(ids)) < WITHOUT["poster"], "", np.resize(made, len(ids)))
    overviews = [
        "" if luck < WITHOUT["overview"] else f"Case {row}. {PLOTS[row % 3].format(*rng.choice(WORDS, 2))}"
        for row, luck in enumerate(rng.random(len(ids)))
    ]
    films = Films(ids, overviews, posters, labels, Genres([f"genre {number}" for number in range(n_genres)]))
    rows = {film: row for row, film in enumerate(ids)}
    members = [
        Drawn(name, rows, sigmoid(truth + (1 + place / 4) * rng.standard_normal(shape, np.float32)))
        for place, name in enumerate(MODALITIES)
    ]
    return films, members


def measured(n_films, n_genres):
    """Return seconds, memory and the page's size of one report."""
    with tempfile.TemporaryDirectory() as folder:
        films, members = drawn(Path(folder) / "posters", n_films, n_genres)
        ensemble = GenreEnsemble(members).fit(films.take(np.arange(TAUGHT)))
        films, spent = films.take(np.arange(TAUGHT, len(films))), []
        predict = ensemble.predict

        def timed(*arguments, **options):
            start = time.perf_counter()
            found = predict(*arguments, **options)
            spent.append(time.perf_counter() - start)
            return found

        ensemble.predict = timed
        page, start_mb, start = Path(folder) / "report.html", peak_mb(), time.perf_counter()
        report(ensemble, films, page)
        whole = time.perf_counter() - start
        return {
            "seconds": round(whole - sum(spent), 2),
            "predict_seconds": round(sum(spent), 2),
            "peak_mb": peak_mb(),
            "start_mb": start_mb,
            "page_mb": round(page.stat().st_size / 1e6, 2),
        }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int)
    parser.add_argument("--genres", type=int)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    n_films = args.films or (2000 if args.quick else 100_000)
    n_genres = args.genres or (6 if args.quick else 25)
    found = in_fresh_process(measured, n_films, n_genres)
    if not args.quick:
        few = in_fresh_process(measured, n_films // 10, n_genres)["seconds"]
        wide = in_fresh_process(measured, n_films // 10, 4 * n_genres)["seconds"]
        found["growth"] = {
            "tenth_of_films_seconds": few,
            "and_four_times_the_genres_seconds": wide,
            "films_x10": round(found["seconds"] / few, 2),
            "genres_x4": round(wide / few, 2),
        }
    result = {"benchmark": "report", **found, "films": n_films, "genres": n_genres}
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
