# %% [markdown]
# # Predict the genres of one film
#
# Usage: `python examples/predict_one_film.py BUNDLE POSTER "OVERVIEW"`, where BUNDLE is what `multigenre train` wrote.
# Without arguments, a small ensemble is trained on films that the library makes.

# %%
import sys
import tempfile

from multigenre import Films, GenreEnsemble, make_films

if len(sys.argv) == 4:
    ensemble = GenreEnsemble.load(sys.argv[1])
    film = Films(["my film"], [sys.argv[3]], [sys.argv[2]])
else:
    films = make_films(300, folder=tempfile.mkdtemp(), seed=0)
    ensemble = GenreEnsemble(preset="quick").fit(films)
    film = ensemble.films_["test"].take([0])

# %% One film or a million: the same call. An empty poster or overview counts as missing.
prediction = ensemble.predict(film)
print("Genres:", ", ".join(prediction.genre_names()[0]) or "none reaches its threshold")
for probabilities in (*prediction.members, prediction.fused):
    named = ", ".join(f"{name} {p:.2f}" for name, p in probabilities.top(3)[0]) or "nothing to read"
    print(f"{probabilities.name:15} {named}")

# %% The same film without its poster, and without its overview.
for what, part in (
    ("overview only", Films(film.ids, film.overviews, [""])),
    ("poster only", Films(film.ids, [""], film.posters)),
):
    print(f"{what:15}", ", ".join(f"{name} {p:.2f}" for name, p in ensemble.predict(part).fused.top(3)[0]))
