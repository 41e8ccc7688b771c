# %% [markdown]
# # Search for better settings
#
# KerasTuner looks for a poster network that fuses better with the words of the overview, on films that the library
# makes. The films are few and the network is small, so that this takes a minute; for your own films leave out what
# makes it so. Needs the extra `search`.

# %%
import tempfile
from pathlib import Path

from multigenre import LateFusion, OverviewTfidf, make_films
from multigenre.members import make_network, read_settings
from multigenre.scores import scores
from multigenre.search import FilmTrial, SearchPlan, poster_space, search

folder = Path(tempfile.mkdtemp())
films = make_films(400, genres=6, folder=folder / "posters", seed=0)
split = films.split({"train": 0.4, "validation": 0.2, "calibration": 0.2, "test": 0.2}, seed=0)

# %% A space is a function from KerasTuner's hyperparameters to settings. This one narrows the library's.


def small_poster_space(hp):
    """Return settings of a poster network that trains in seconds."""
    settings = poster_space(hp)
    settings["poster-cnn"]["design"] |= {"size": 32, "filters": [8, 16, 32], "dense": [64]}
    return settings


# %% Trials train on training films and are judged on validation films: here, by the loss of the fusion with the words.
words = OverviewTfidf().fit(split["train"])
trial = FilmTrial(split["train"], split["validation"], others=[words.predict(split["validation"])])
plan = SearchPlan(objective="fused-loss", strategy="random", trials=4, epochs=6)
table = search(small_poster_space, trial, folder / "search", plan=plan)

# %% The same search goes on where it ended, or where it was killed: three more trials.
plan = SearchPlan(objective="fused-loss", strategy="random", trials=7, epochs=6)
table = search(small_poster_space, trial, folder / "search", plan=plan)
columns = ["objective", "val-loss", "macro-map", "learning_rate", "batch_size", "rescale"]
print(table[columns].round(4).to_string())
print(f"The picture is {folder / 'search' / 'leaderboard.png'}.")

# %% The best settings against the reference's (trial 0), fused with the words, on films that the search never saw.
best = read_settings(folder / "search" / "best.json")["poster-cnn"]
reference = {**best, "rescale": False, "recipe": {"epochs": 6}}
for name, entry in {"reference": reference, "best": best}.items():
    members = [words, make_network("poster-cnn", entry).fit(split["train"], split["validation"])]
    calibration, test = (
        [member.predict(split[role]) for member in members] for role in ("calibration", "test")
    )
    fusion = LateFusion(method="stack").fit(calibration, split["calibration"])
    print(f"{name}: the fused loss is {scores(fusion.predict(test), split['test'])['bce']:.4f}")
