"""Labels that the members agree are wrong: where a second look at the table of films pays first."""

import numpy as np
import pandas as pd

from multigenre._checks import InputError
from multigenre.scores import Contenders

ROUNDING = 1e-9  # a member that says the same of all films is not confident of any


def label_suspects(contenders: Contenders, *, most: int = 100, min_members: int = 2) -> pd.DataFrame:
    """Return the films and genres whose label all members are confident is wrong, most suspect first.

    A member is confident that a film carries a genre when its probability is above the mean of those that it gives
    to the films labelled with it; confident that it does not, when the probability is below the mean of
    those labelled without. So members need no calibration, and a rare genre's low probabilities are no evidence.

    Parameters
    ----------
    contenders : Contenders
        Its members are asked, not the fused prediction, of films that taught none of them: a member repeats the labels
        that it learned.
    most : int
        Rows to return.
    min_members : int
        Members that are present for the film at the least; all of them must be confident.

    Returns
    -------
    DataFrame, one row a film and genre
        ``rank`` (from 1), ``film`` (id), ``genre``, ``label`` (0: the genre seems missing; 1: it seems wrong),
        ``members`` (present, all confident), ``self_confidence``: the members' mean probability of the label as it
        is; ``usual``: the mean of what they give to films so labelled; ``shortfall``, usual minus self-confidence,
        which ranks the rows: a rare genre's low probabilities are usual. ``.attrs["found"]``: how many there are in
        all.

    Raises
    ------
    InputError
        If there are fewer than ``min_members`` members.

    References
    ----------
    Northcutt, Jiang, Chuang (2021), "Confident learning: estimating uncertainty in dataset labels", JAIR 70:
    section 3.1, the means as thresholds; 3.2, self-confidence as the order, here less the class's mean. Each genre
    is a problem of two classes.

    Examples
    --------
    >>> from multigenre import Films, GenreProbabilities, Genres, contenders
    >>> ids, genres, blank = ["tt1", "tt2", "tt3", "tt4"], Genres(["War"]), [""] * 4
    >>> films = Films(ids, blank, blank, [[1], [1], [0], [0]], genres, "test")
    >>> poster = GenreProbabilities(ids, genres, [[0.9], [0.7], [0.9], [0.1]], "poster", "test")
    >>> overview = GenreProbabilities(ids, genres, [[0.6], [0.8], [0.8], [0.1]], "overview", "test")
    >>> fused = GenreProbabilities(ids, genres, [[0.8], [0.7], [0.9], [0.1]], "fused", "test")
    >>> table = label_suspects(contenders([poster, overview], fused, films))
    >>> table[["film", "genre", "label", "self_confidence", "usual"]].round(3)
      film genre  label  self_confidence  usual
    0  tt3   War      0             0.15  0.525
    """
    members = contenders.members
    if min_members < 1 or len(members) < min_members:
        raise InputError(
            f"Label suspects need members to agree, at least 1 and min_members={min_members}, got {len(members)}."
        )
    labels, present, values = contenders.labels, contenders.present[:-1], contenders.values[:-1]
    own = np.where(labels, values, 1 - values)  # probability of the label as it is
    usual = np.stack([_class_means(one, labels) for one in own])
    # Of the other label: what those that have it are given.
    needed = np.stack([_class_means(one, labels, of_other=True) for one in own])
    confident = (1 - own > needed + ROUNDING) | ~present[:, :, None]
    film, genre = np.nonzero(confident.all(axis=0) & (present.sum(axis=0) >= min_members)[:, None])
    # NaN where not present, so means are over those that are.
    mine, theirs = np.nanmean([own[:, film, genre], usual[:, film, genre] + 0 * own[:, film, genre]], axis=1)
    table = pd.DataFrame(
        {
            "film": contenders.ids[film],
            "genre": np.array(list(contenders.genres), object)[genre],
            "label": labels[film, genre].astype(np.uint8),
            "members": present.sum(axis=0)[film],
            "self_confidence": mine,
            "usual": theirs,
            "shortfall": theirs - mine,
        }
    )
    table = table.sort_values("shortfall", ascending=False, kind="stable", ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table.attrs["found"] = len(table)
    return table.head(most)


def _class_means(own, labels, *, of_other=False):
    """Return the mean probability of each cell's label, or of the other, over the films that have it.

    Infinite where no film that is present has that label: nothing says what would be usual.
    """
    here, means = ~np.isnan(own), []
    for label in (False, True):
        cells = here & (labels == label)
        count, total = cells.sum(axis=0), np.where(cells, own, 0).sum(axis=0)
        means.append(np.divide(total, count, out=np.full(len(count), np.inf), where=count > 0))
    return np.where(labels ^ of_other, means[1], means[0])
