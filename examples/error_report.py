# %% [markdown]
# # Where each member is right
#
# An ensemble learns from films that the library makes, where the truth is known: Horror shows in posters alone, Romance
# in overviews alone, Comedy in both. The tables of errors say so, genre by genre and with intervals, and the report
# is one page that tells it to others.

# %%
import tempfile

from multigenre import GenreEnsemble, make_films, report
from multigenre.views import report_facts

films = make_films(500, genres=6, folder=tempfile.mkdtemp(), seed=0)
ensemble = GenreEnsemble(["poster-colours", "overview-tfidf"]).fit(films, split={"train": 0.7, "test": 0.3})

# %% The report is about the films that taught nothing, here the test films; the others are left out.
folder = tempfile.mkdtemp()
tables = report(ensemble, films, f"{folder}/report.html")
print(f"{folder}/report.html")

# %% What it leads with, in sentences that are true of the tables.
print(*report_facts(ensemble, tables)["clear"], sep="\n")

# %% One genre in tables: who found the films that carry it, whom to trust, and what each member adds to the fusion.
genre = "Horror"
outcomes = tables["outcomes"].query("genre == @genre and of == 'positives'")
print(outcomes[["outcome", "films", "of_films", "share", "low", "high"]].round(2))
trust = tables["trust"].query("genre == @genre")
print(trust[["contender", "best", "f1", "f1_gain", "f1_low", "f1_high", "f1_p_bh"]].round(3))
gains = tables["left_out"].query("genre == @genre and metric == 'average_precision'")
print(gains[["member", "value", "without", "gain", "low", "high", "p_bh"]].round(3))
