# %% [markdown]
# # Fuse and calibrate, with numbers from anywhere
#
# Fusion and thresholds need only named probabilities of films that no member trained on. Here two members are
# trained on films that the library makes; probabilities from any other model work the same way.

# %%
import tempfile

from multigenre import (
    GenreProbabilities,
    LateFusion,
    OverviewTfidf,
    PosterMember,
    Recipe,
    ThresholdCalibrator,
    make_films,
)
from multigenre.scores import prevalence_baseline, score_table

folder = tempfile.mkdtemp()
films = make_films(400, folder=folder, seed=0)
split = films.split({"train": 0.5, "validation": 0.1, "calibration": 0.2, "test": 0.2}, seed=0)

# %% Members learn from the training films; validation films choose the epoch.
words = OverviewTfidf().fit(split["train"])
poster = PosterMember(Recipe(epochs=8, learning_rate=1e-3)).fit(split["train"], split["validation"])

# %% Fusion and thresholds learn from the calibration films, and only from them.
calibration = [member.predict(split["calibration"]) for member in (words, poster)]
fusion = LateFusion(method="stack").fit(calibration, split["calibration"])
thresholds = ThresholdCalibrator(strategy="f1").fit(fusion.predict(calibration), split["calibration"])
print(
    fusion.weights_.query("pattern == 'overview-tfidf+poster-cnn'").pivot(
        index="genre", columns="member", values="weight"
    )
)

# %% The report is about test films, which nothing was fitted to.
test = [member.predict(split["test"]) for member in (words, poster)]
contenders = [prevalence_baseline(split["train"], split["test"]), *test, fusion.predict(test)]
print(
    score_table(contenders, split["test"], thresholds.thresholds_)[
        ["bce", "map_macro", "f1_macro", "f1_micro"]
    ].round(3)
)

# %% Probabilities made elsewhere are members too: give them ids, genre names and their split role.
elsewhere = GenreProbabilities(test[0].ids, films.genres, test[0].values ** 0.5, "elsewhere", role="test")
print(elsewhere.top(2)[0], films.genres.decode(thresholds.predict(fusion.predict(test)))[0])
