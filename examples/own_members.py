# %% [markdown]
# # Members of your own
#
# A member is anything that fits on films and gives named probabilities. Here a scikit-learn pipeline reads the words,
# vectors that a function computes describe the poster, and a table brings numbers that were made elsewhere. Each
# trains in seconds, so it trains on all films but the test films, and the fusion learns from what copies of it
# say about films that they did not see.

# %%
import tempfile

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline

from multigenre import EmbeddingMember, GenreEnsemble, GivenMember, SklearnMember, make_films, scores_frame

films = make_films(300, folder=tempfile.mkdtemp(), seed=0)

# %% Any classifier or pipeline of scikit-learn; one that takes a single label is fitted once a genre.
words = SklearnMember("overview-bayes", make_pipeline(TfidfVectorizer(binary=True, min_df=2), BernoulliNB()))


# %% Any vectors: a frozen network's, or as here the mean colour of each quarter of the poster.
def quarters(posters):
    n, size = posters.shape[:2]
    return posters.reshape(n, 2, size // 2, 2, size // 2, 3).mean(axis=(2, 4)).reshape(n, 12)


colours = EmbeddingMember("poster-quarters", quarters, modality="poster")

# %% Numbers made elsewhere, here by a critic who half knows the truth, and of a third of the films says nothing.
# You vouch that these films did not teach such numbers; the library cannot see it.
rng = np.random.default_rng(0)
opinions = np.clip(rng.normal(0.3 + 0.2 * films.labels, 0.15), 0.01, 0.99)
table = pd.DataFrame(opinions, index=films.ids, columns=list(films.genres))
critic = GivenMember("critic", table.loc[rng.random(len(films)) < 2 / 3])

# %% The fusion finds out whom to trust, for each pattern of members that a film has.
ensemble = GenreEnsemble([words, colours, critic]).fit(films, split={"train": 0.7, "test": 0.3})
print(scores_frame(ensemble.metrics_["test"])[["bce", "map_macro", "f1_micro", "n_films"]].round(3))
print(ensemble.fusion_.weight_table().pivot_table("weight", "pattern", "member").round(2))
