"""What a saved network says of itself, looked at before Keras makes it."""

import dataclasses
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import h5py

from multigenre._checks import InputError
from multigenre._files import reading
from multigenre._signatures import Pathlike
from multigenre.data import Genres

WEIGHTS = "model.weights.h5"
MOST_BESIDES = 2**20  # bytes of weights' names and places
MOST_CONFIG = 16 * 2**20  # bytes of what describes a model; names of genres take most of it


def check_model_file(path: Pathlike, model: type, design: Any) -> None:
    """Raise unless a ``.keras`` file describes a model of a class and design, and holds weights for just that.

    Keras makes what the description asks for before it looks at the weights: a table of 10^12 words, or another
    registered class.

    Parameters
    ----------
    path : path
    model : type
        `PosterCNN` or `OverviewLSTM`.
    design : PosterDesign or OverviewDesign
        Of the member.

    Raises
    ------
    InputError
        If the file is broken, or says otherwise; the message names the file.
    """
    path = Path(path)
    with reading(path), zipfile.ZipFile(path) as archive:
        if (size := archive.getinfo("config.json").file_size) > MOST_CONFIG:
            raise InputError(f"a description may have {MOST_CONFIG:,} bytes, got {size:,}.")
        config = json.loads(archive.read("config.json"))
        genres = _genres(config, model, design)
        needed = design.n_weights(len(genres))
        if (size := archive.getinfo(WEIGHTS).file_size) > 4 * needed + MOST_BESIDES:
            raise InputError(f"its design has {needed:,} weights, got {size:,} bytes of them.")
        with h5py.File(io.BytesIO(archive.read(WEIGHTS)), "r") as weights:
            found = _n_weights(weights)
    if found != needed:
        raise InputError(
            f"{path} holds {found:,} weights, but a {model.__name__} of its design has {needed:,} for "
            f"{len(genres)} genres."
        )


def _genres(config, model, design):
    """Return the genres of a description that is of the class and design."""
    kind = {"module": model.__module__, "class_name": model.__name__}
    kind |= {"registered_name": f"multigenre>{model.__name__}"}
    if any(config.get(name) != value for name, value in kind.items()):
        raise InputError(f"it must describe a {model.__name__}, got {config.get('class_name')}.")
    # What else Keras would act on: shapes to build for, and a class's own way to be built.
    if config.get("build_config") not in (None, {}, {"input_shape": None}):
        raise InputError("it must leave shapes to the design.")
    settings = config["config"]
    if type(design)(**settings["design"]) != design:
        raise InputError(
            f"its design is {settings['design']}, but the member's {dataclasses.asdict(design)}."
        )
    return Genres(settings["genres"])


def _n_weights(weights):
    """Return how many numbers the tables of a file of weights have, all of them in the file itself."""
    sizes = []

    def look(name, table):
        if isinstance(table, h5py.Dataset):
            if table.chunks or table.external or table.is_virtual:
                raise InputError(f"its weights {name} must lie in it as they are.")
            if table.dtype.kind == "f":  # those of dropout's generators are whole, and nobody's weights
                sizes.append(math.prod(table.shape))

    weights.visititems(look)
    return sum(sizes)
