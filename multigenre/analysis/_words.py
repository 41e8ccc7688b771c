"""Which words moved each genre: each word left out in turn, and for `OverviewTfidf` an account that adds up."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack
from scipy.stats import t as student

from multigenre._checks import InputError
from multigenre.analysis._occlusion import moved_log_odds
from multigenre.fusion import BASE
from multigenre.members import OverviewTfidf

LEVEL = 0.95


def word_influence(members, films, *, fusion=None, prevalence=None):
    """Return how far each word of the overviews moved each genre, found by leaving it out.

    A word is what stands between spaces. The members that read overviews predict each film once more without each
    of its words; with a fusion, all of them lose the word at once, and the other members say what they say.

    Parameters
    ----------
    members : dict of str to Member
        Fitted, as `GenreEnsemble.members_`.
    films : Films
        A few: there is a row for each word, genre and member, and a prediction for each word.
    fusion : LateFusion, optional
        Fitted on these members; adds ``"fused"``.
    prevalence : Series by genre name, optional
        Of the training films; what is said of a film that has nothing left to read, as in `GenreEnsemble`.

    Returns
    -------
    DataFrame, one row a member (``"fused"`` last), film, word and genre
        ``contender``, ``film`` (id), ``position`` (from 0), ``word``, ``genre``, ``change``: log-odds with the word
        less log-odds without it, so that a word that speaks for the genre is positive. Films without an overview
        have no row. Where the overview's only word leaves a member with nothing to read, ``change`` is from the
        prevalence, or <NA> where none is given.

    Raises
    ------
    InputError
        If no member reads overviews, or members and fusion do not fit together.

    References
    ----------
    Li, Monroe, Jurafsky (2016), "Understanding neural networks through representation erasure", arXiv:1612.08220.

    Examples
    --------
    >>> from multigenre import Films
    >>> plots = ["a dark night", "a dark house", "a sunny night", "a sunny house"]
    >>> labels = [[1, 0], [1, 0], [0, 1], [0, 1]]
    >>> member = OverviewTfidf(C=10.0).fit(Films("abcd", plots, [""] * 4, labels, ["Horror", "Comedy"]))
    >>> table = word_influence({member.name: member}, Films(["new"], ["In the dark house"], [""]))
    >>> table[table["genre"] == "Horror"].set_index("word")["change"].round(1).to_dict()
    {'In': 0.0, 'the': 0.0, 'dark': 1.6, 'house': -0.7}
    """
    overviews = [overview.split() for overview in films.overviews]
    places = [(film, place) for film, words in enumerate(overviews) for place in range(len(words))]
    variants = [
        (film, " ".join(overviews[film][:place] + overviews[film][place + 1 :])) for film, place in places
    ]
    options = {"modality": "overview", "fusion": fusion, "prevalence": prevalence}
    genres, moved = moved_log_odds(members, films, variants, **options)
    ids = [films.ids[film] for film, _ in places]
    words = [overviews[film][place] for film, place in places]
    positions = [place for _, place in places]
    return pd.concat(
        [_table(name, ids, positions, words, genres, changes) for name, changes in moved.items()],
        ignore_index=True,
    )


def genre_words(table, *, min_films=3):
    """Return which words moved a genre over many films: means of what they did in each.

    Parameters
    ----------
    table : DataFrame
        As `word_influence` or `tfidf_words` gives it.
    min_films : int
        Words of fewer films are left out.

    Returns
    -------
    DataFrame, one row a contender, genre and word, of a genre the greatest mean first
        ``contender``, ``genre``, ``word`` (lower case, without punctuation around it), ``films``, ``change`` (the mean
        over films of the word's sum in each), ``low``, ``high`` (Student's 95 % interval; <NA> for one film).
    """
    table = table[table["position"].notna() & table["change"].notna()]
    plain = table["word"].str.lower().str.replace(r"^\W+|\W+$", "", regex=True)
    table = table.assign(word=plain, change=table["change"].astype(float))[plain != ""]
    keys = ["contender", "genre", "word"]
    a_film = table.groupby([*keys, "film"], sort=False)["change"].sum()
    found = a_film.groupby(keys, sort=False).agg(["size", "mean", "std"]).reset_index()
    found = found[found["size"] >= min_films].rename(columns={"size": "films", "mean": "change"})
    reach = (
        student.ppf((1 + LEVEL) / 2, found["films"].clip(lower=2) - 1) * found["std"] / found["films"] ** 0.5
    )
    found = found.assign(low=found["change"] - reach, high=found["change"] + reach).drop(columns="std")
    order = {"by": ["contender", "genre", "change"], "ascending": [True, True, False]}
    found = found.sort_values(**order, kind="stable", ignore_index=True)
    return found.astype(dict.fromkeys(["change", "low", "high"], "Float64"))


def tfidf_terms(member, films):
    """Return what each term adds to the log-odds of each genre: its coefficient times its TF-IDF.

    Parameters
    ----------
    member : OverviewTfidf
        Fitted.
    films : Films
        A few: there is a row for each term and genre.

    Returns
    -------
    DataFrame, one row a film, term and genre
        ``film``, ``term`` (a word or a pair; a piece of a word has a space where the word begins or ends), ``genre``,
        ``tfidf``, ``coefficient``, ``change`` (their product). The first term of a film is ``"(base)"``, the
        intercept: changes sum to the log-odds. Films without an overview have no row.
    """
    _check_tfidf(member)
    names = np.concatenate([each.get_feature_names_out() for each in member._vectorizers])
    tables = []
    for film, overview in zip(films.ids, films.overviews, strict=True):
        if not overview:
            continue
        row = _features(member, overview)
        tfidf = np.append(1.0, row.data)
        coefficients = np.vstack([member._intercept, member._coefficients[:, row.indices].T])
        terms = [BASE, *names[row.indices]]
        table = _table(
            member.name, [film] * len(terms), [None] * len(terms), terms, member.genres_, coefficients
        )
        table = table.rename(columns={"word": "term", "change": "coefficient"})
        table["tfidf"] = np.repeat(tfidf, len(member.genres_))
        tables.append(table.assign(change=table["coefficient"] * table["tfidf"]))
    columns = ["film", "term", "genre", "tfidf", "coefficient", "change"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def tfidf_words(member, films):
    """Return `tfidf_terms` carried over to the words of the overviews, an account that still adds up.

    What a term adds is shared equally by the places where it stands, and what a pair adds there by its two words.
    Unlike `word_influence` this leaves nothing out, so no word takes another's weight, and nothing is lost.

    Parameters
    ----------
    member, films
        As for `tfidf_terms`.

    Returns
    -------
    DataFrame
        As `word_influence` gives it. The first word of a film is ``"(base)"``, the intercept, without a position: the
        changes of a film and genre sum to the member's log-odds.
    """
    _check_tfidf(member)
    tables = []
    for film, overview in zip(films.ids, films.overviews, strict=True):
        words = overview.split()
        shares = hstack([_shares(each, words) for each in member._vectorizers], "csr")
        if words:
            changes = shares.multiply(_features(member, overview).toarray()) @ member._coefficients.T
            changes = np.vstack([member._intercept, changes])
            positions = [None, *range(len(words))]
            ids = [film] * len(positions)
            tables.append(_table(member.name, ids, positions, [BASE, *words], member.genres_, changes))
    tables = tables or [_table(member.name, [], [], [], member.genres_, [])]
    return pd.concat(tables, ignore_index=True)


def _shares(vectorizer, words):
    """Return how much of each term stands at each word, (n_words, n_terms); the columns of terms here sum to 1."""
    if vectorizer.analyzer == "char_wb":
        analyse = vectorizer.build_analyzer()
        spans = [((place,), term) for place, word in enumerate(words) for term in analyse(word)]
    else:
        # The vectorizer's own steps, a word at a time: no token goes over a space.
        lower, tokens = vectorizer.build_preprocessor(), vectorizer.build_tokenizer()
        stop = vectorizer.get_stop_words() or ()
        kept = [
            (at, token) for at, word in enumerate(words) for token in tokens(lower(word)) if token not in stop
        ]
        spans = [((at,), token) for at, token in kept]
        spans += [((at, then), f"{one} {two}") for (at, one), (then, two) in pairwise(kept)]
    spans = [(places, term) for places, term in spans if term in vectorizer.vocabulary_]
    times = Counter(term for _, term in spans)
    cells = [
        (1 / (times[term] * len(places)), place, vectorizer.vocabulary_[term])
        for places, term in spans
        for place in places
    ]
    values, rows, columns = zip(*cells, strict=True) if cells else ((), (), ())
    return csr_array((values, (rows, columns)), shape=(len(words), len(vectorizer.vocabulary_)))


def _features(member, overview):
    return hstack([each.transform([overview]) for each in member._vectorizers], "csr")


def _check_tfidf(member):
    if not isinstance(member, OverviewTfidf) or not hasattr(member, "genres_"):
        raise InputError(
            f"An account by coefficients needs a fitted OverviewTfidf, got {getattr(member, 'name', member)!r}; "
            "word_influence takes any member."
        )


def _table(name, ids, positions, words, genres, changes):
    """Return the tidy table of changes (n_words, n_genres)."""
    n_genres = len(genres)
    return pd.DataFrame(
        {
            "contender": pd.Series([name] * len(ids) * n_genres, dtype=str),
            "film": np.repeat(np.array(ids, object), n_genres),
            "position": pd.array(positions, "Int64").repeat(n_genres),
            "word": np.repeat(np.array(words, object), n_genres),
            "genre": np.tile(np.array(list(genres), object), len(ids)),
            "change": pd.array(np.asarray(changes, float).ravel(), "Float64"),
        }
    )
