# %% [markdown]
# # The reference, reproduced
#
# Usage: `python examples/reproduce_reference.py FILMS POSTERS [OUT]` trains both classifiers exactly as the report
# specifies (0..255 inputs, 40 and 20 epochs; about ten minutes on two cores). Without arguments it trains for a few
# epochs on films that the library makes. It draws the curves that the report draws, and films with their truth by
# name. Unlike the report's, these films are test films, and the losses have a baseline beside them.

# %%
import sys
import tempfile
from pathlib import Path

from multigenre import (
    Films,
    GenreEnsemble,
    OverviewMember,
    PosterMember,
    film_cards,
    make_films,
    save_figure,
    scores_frame,
    training_curves,
)

out = Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp())
out.mkdir(parents=True, exist_ok=True)
if len(sys.argv) > 2:
    films, preset = Films.read(sys.argv[1], posters=sys.argv[2]), "reference"
else:
    films, preset = make_films(300, folder=out / "posters", seed=0), "quick"
print(films.summary())

# %% Two members, fused; films that train, choose, calibrate and report are different films.
ensemble = GenreEnsemble(["poster-cnn", "overview-lstm"], preset=preset, seed=0).fit(films)
networks = [one for one in ensemble.members_.values() if isinstance(one, PosterMember | OverviewMember)]
for member in networks:
    print(f"{member.name}: {member.model_.count_params():,} parameters")

# %% Loss, precision and recall by epoch, training beside validation.
for member in networks:
    save_figure(training_curves(member.history_, title=member.name), out / f"training-{member.name}.png")

# %% What the report lacks: who knows nothing but how common each genre is, on the same test films.
columns = ["bce", "bce_low", "bce_high", "map_macro", "f1_micro", "f1_macro"]
print(scores_frame(ensemble.metrics_["test"])[columns].round(4))

# %% Films with their poster, overview, each member's three most probable genres, and the truth.
prediction = ensemble.predictions_["test"]
cards = film_cards(ensemble.films_["test"], [*prediction.members, prediction.fused])
save_figure(cards, out / "test-films.png")
print("Pictures are in", out)
