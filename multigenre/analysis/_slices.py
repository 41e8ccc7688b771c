"""Scores of groups of films: by decade, by length, by what is missing, by any column of the user's."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from multigenre._checks import InputError, some
from multigenre.analysis._attributes import quantile_bins
from multigenre.analysis._intervals import f1_interval, wilson
from multigenre.scores import Contenders, losses

UNKNOWN, POOLED, EVERY = "(unknown)", "(few films)", "(all)"
LEVEL, MOST_VALUES = 0.95, 12


def slice_table(contenders: Contenders, attributes: pd.DataFrame, *, min_films: int = 30) -> pd.DataFrame:
    """Return every contender's scores by genre in each slice of the films.

    Parameters
    ----------
    contenders : Contenders
    attributes : DataFrame, indexed by film id
        One column a way to slice; see `multigenre.film_attributes`. Numbers of more than 12 values become the
        ranges of `quantile_bins`. Films that it lacks, or whose cell is empty, are ``"(unknown)"``.
    min_films : int
        Values of fewer films go together into ``"(few films)"``.

    Returns
    -------
    DataFrame, one row a slice, value, contender (the fused last) and genre (``"(all)"`` of them last)
        ``slice``, ``value``, ``contender``, ``genre``; ``films`` that the contender is present for and ``missing``,
        those that it is not; ``few``: fewer than ``min_films`` even so; ``support``; ``named``, share of films that
        the genre is named for; ``f1``, ``bce`` (nats); each with ``_low`` and ``_high``, 95 %. For ``"(all)"``,
        named and bce are means over genres, f1 is micro-averaged, and intervals are over films, whose genres go
        together. Scores are <NA> without films, f1 also where no film carries the genre. Wilson's interval for
        shares; f1 by way of hits among films carrying or named for the genre; Student's for bce.

    Raises
    ------
    InputError
        If the attributes name a film twice, or none of the films.
    """
    labels, rows = contenders.labels, []
    everyone = [losses(values, labels) for values in contenders.values]
    for name, values in _aligned(attributes, contenders.ids).items():
        grouped = _grouped(values, min_films)
        for code, value in enumerate(grouped.cat.categories):
            group = grouped.cat.codes.to_numpy() == code
            for one, contender in enumerate(contenders.names):
                here = group & contenders.present[one]
                table = _scores(
                    everyone[one][here], contenders.named[one][here], labels[here], contenders.genres
                )
                facts = {"slice": name, "value": value, "contender": contender, "genre": table.index}
                n_films = here.sum()
                counts = {"films": n_films, "missing": group.sum() - n_films, "few": n_films < min_films}
                rows.append(pd.concat([pd.DataFrame({**facts, **counts}, table.index), table], axis=1))
    return pd.concat(rows, ignore_index=True)


def _aligned(attributes, ids):
    """Return the attributes of these films, in their order."""
    attributes = pd.DataFrame(attributes)
    index = attributes.index.astype(str)
    if index.has_duplicates:
        raise InputError(
            f"Attributes need one row a film, but {some(index[index.duplicated()].unique())} came more than once."
        )
    if not index.isin(ids).any() or not len(attributes.columns):
        raise InputError(
            f"Attributes need a column and rows of these films ({some(ids)}), got the columns "
            f"{some(attributes.columns)} and the rows {some(index)}; index them by film id."
        )
    return attributes.set_axis(index).reindex(ids)


def _grouped(values, min_films):
    """Return values as a categorical Series, where those of few films, and those unknown, go together."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_VALUES:
        values = quantile_bins(values)
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = values.where(values.notna()).astype("category")
    order = [str(value) for value in values.cat.categories]
    # The last name is for code -1, of what is missing.
    named = pd.Series(np.array([*order, UNKNOWN], object)[values.cat.codes], values.index)
    counts = named.value_counts()
    few = counts.index[(counts < min_films) & (counts.index != UNKNOWN)]
    # One value alone is no pool.
    if len(few) > 1:
        named = named.where(~named.isin(few), POOLED)
    kept = [value for value in dict.fromkeys([*order, POOLED, UNKNOWN]) if (named == value).any()]
    return named.astype(pd.CategoricalDtype(kept))


def _scores(loss, named, labels, genres):
    """Return the scores of one contender on one group of films, by genre and for all of them."""
    n = len(loss)
    hits, union = (named & labels), (named | labels)
    count, shared, either, support = (cells.sum(axis=0) for cells in (named, hits, union, labels))
    nothing = np.full(len(genres), np.nan)
    found: dict[str, Any] = {
        "support": [*support, support.sum()],
        "named": [*(count / n if n else nothing), named.mean() if n else np.nan],
    }
    ends = np.append(wilson(count, n, LEVEL), _mean_interval(named.mean(axis=1)[:, None]), axis=1)
    found["named_low"], found["named_high"] = np.clip(ends, 0, 1)
    undefined = np.append(np.where(support > 0, 0, np.nan), 0 if support.any() else np.nan)
    either, shared = np.append(either, either.sum()), np.append(shared, shared.sum())
    share = np.divide(shared, either, out=np.full(len(either), np.nan), where=either > 0)
    effective = either.astype(float)
    effective[-1] = _effective(hits.sum(axis=1), union.sum(axis=1))
    found["f1"] = 2 * share / (1 + share) + undefined
    found["f1_low"], found["f1_high"] = f1_interval(share * effective, effective, LEVEL) + undefined
    found["bce"] = [*(loss.mean(axis=0) if n else nothing), loss.mean() if n else np.nan]
    found["bce_low"], found["bce_high"] = np.append(
        _mean_interval(loss), _mean_interval(loss.mean(axis=1)[:, None]), axis=1
    )
    kinds = dict.fromkeys(list(found)[1:], "Float64")
    return pd.DataFrame(found, pd.Index([*genres, EVERY])).astype(kinds)


def _mean_interval(values):
    """Return Student's interval (2, n_columns) of the means of values (n_films, n_columns), none below 0."""
    n = len(values)
    if n < 2:
        return np.full((2, values.shape[1]), np.nan)
    reach = student.ppf((1 + LEVEL) / 2, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return np.stack([np.maximum(values.mean(axis=0) - reach, 0), values.mean(axis=0) + reach])


def _effective(hits, union):
    """Return how many independent cells hits / union of films (n_films,) are worth, as genres of a film are not.

    That number has the binomial variance that the ratio has over films (linearised), and is at most the cells
    that there are.
    """
    cells, n = union.sum(), len(union)
    if n < 2 or not cells:
        return float(cells)
    share = hits.sum() / cells
    variance = n / (n - 1) * np.square(hits - share * union).sum() / cells**2
    return float(min(cells, share * (1 - share) / variance)) if variance > 0 else float(cells)
