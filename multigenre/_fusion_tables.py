"""What a fitted fusion holds, as tidy tables."""

import pandas as pd
from scipy.special import ndtri

CHOICES = ["pattern", "members", "fit", "C", "others_C", "films", "bce", "chosen"]
WEIGHTS = ["pattern", "genre", "member", "weight", "low", "high"]
OTHERS = ["pattern", "genre", "other", "weight"]


def choice_table(choices):
    """Return what was tried for each pattern of members, from the rows of `fit_patterns`."""
    return pd.DataFrame(choices, columns=CHOICES).astype({"C": float, "others_C": float})


def weight_table(stacks, genres, level):
    """Return the weights of stacks, a dict by names of members, with intervals at a level in (0, 1)."""
    reach, tables = ndtri(0.5 + level / 2), []
    for names, stack in stacks.items():
        rows = pd.MultiIndex.from_product([["(intercept)", *names], list(genres)], names=["member", "genre"])
        table = pd.DataFrame({"weight": stack.weights.T.ravel()}, rows).reset_index()
        error = reach * stack.errors.T.ravel()
        low, high = table["weight"] - error, table["weight"] + error
        tables.append(table.assign(pattern="+".join(names), low=low, high=high)[WEIGHTS])
    return pd.concat(tables, ignore_index=True)


def other_table(stacks, genres):
    """Return how each genre's log-odds follow the evidence for each other one, for stacks that see others."""
    tables = []
    for names, stack in stacks.items():
        if stack.others is not None:
            rows = pd.MultiIndex.from_product([list(genres)] * 2, names=OTHERS[1:3])
            table = pd.DataFrame({"weight": stack.others[:, 2:].ravel()}, rows).reset_index()
            tables.append(table.assign(pattern="+".join(names))[OTHERS])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=OTHERS)
