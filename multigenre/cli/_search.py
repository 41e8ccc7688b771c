"""The command ``search``, and the leaderboard that it prints."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

import multigenre
import multigenre.search
from multigenre._checks import InputError
from multigenre.cli._options import DEFAULT_SPLIT, FilmsTable, Seed, Split, parse_names
from multigenre.cli._reading import FilmsReader, reads_films
from multigenre.cli._terminal import console, output, progress_bars, quiet
from multigenre.search import run_workers

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10  # trials of the leaderboard on the terminal


@reads_films
def search(
    films: FilmsTable,
    reader: FilmsReader,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the search; the same command goes on there.")
    ],
    member: Annotated[
        str, typer.Option(help="poster-cnn, overview-lstm, fusion, thresholds, or ensemble for all of them.")
    ] = "overview-lstm",
    objective: Annotated[
        str,
        typer.Option(
            help="On validation films: val-loss, macro-map, macro-f1 (at cross-fitted thresholds), or fused-loss (of "
            "the fusion with --others)."
        ),
    ] = "val-loss",
    strategy: Annotated[
        str,
        typer.Option(help="random, bayesian or hyperband (with --epochs 10 to 26, 30 trials are a sweep)."),
    ] = "bayesian",
    trials: Annotated[int, typer.Option(help="At most, in all; the first is the reference.")] = 30,
    seeds_per_trial: Annotated[int, typer.Option(help="Runs of each trial; their mean counts.")] = 1,
    epochs: Annotated[
        int | None, typer.Option(help="The most of a trial; default: they are searched too.")
    ] = None,
    others: Annotated[
        str | None, typer.Option(help="Comma-separated members to fuse with; they are trained first, once.")
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes on this machine; 0: one, without KerasTuner's chief.")
    ] = 0,
    address: Annotated[
        str,
        typer.Option(
            help="Where the chief listens. The channel is not authenticated: keep it on this machine."
        ),
    ] = "127.0.0.1",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write logs to DIR/tensorboard.")
    ] = False,
    split: Split = DEFAULT_SPLIT,
    seed: Seed = 0,
) -> None:
    """Search for better settings on the train and validation films of FILMS, from the reference on.

    A search that was killed goes on when the same command is given again. Ends with leaderboard.csv, leaderboard.png
    and best.json in DIR; 'multigenre train --settings DIR/best.json' trains by them. Give train the same split and
    seed, so that its calibration and test films are ones that the search never saw.
    """
    _require_keras_tuner()
    with progress_bars() as progress:
        if workers:
            values = {
                "out": out, "member": member, "objective": objective, "strategy": strategy,
                "trials": trials, "seeds-per-trial": seeds_per_trial, "epochs": epochs, "others": others,
                "split": split, "seed": seed,
            }  # fmt: skip
            given = [
                part
                for name, value in values.items()
                if value is not None
                for part in (f"--{name}", str(value))
            ]
            command = [sys.executable, "-m", "multigenre", "search", str(films), *given, *reader.arguments()]
            command += ["--tensorboard"] * tensorboard
            options = {"workers": workers, "address": address, "progress": progress}
            run_workers(command, out, **options)
            table = multigenre.search.finish(out)
        else:
            table, shares = reader.read_split(films, split)
            roles = table.split(shares, seed=seed)
            plan = multigenre.search.SearchPlan(
                objective=objective,
                strategy=strategy,
                trials=trials,
                seeds_per_trial=seeds_per_trial,
                seed=seed,
                epochs=epochs,
                tensorboard=tensorboard,
            )
            options = {"member": member, "others": parse_names(others), "plan": plan}
            table = multigenre.search.search_films(roles, out, progress=progress, **options)
    print_leaderboard(table)
    console.print(f"leaderboard.csv, leaderboard.png and best.json are in {out}")


def print_leaderboard(table: "pd.DataFrame") -> None:
    """Print the best trials and the reference, with what differs from the reference."""
    name, failed = table.attrs["objective"], table["status"].tolist().count("failed")
    caption = f"{failed} of {len(table)} trials failed." if failed else None
    shown = Table(title=f"{len(table)} trials for {name}", box=SIMPLE, padding=(0, 1), caption=caption)
    for column in ("trial", name, "spread", "seconds"):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column("other than the reference")
    for number, row in table.to_dict("index").items():
        if row["status"] == "completed" and (len(shown.rows) < SHOWN or number == 0):
            spread = "-" if row["spread"] != row["spread"] else f"{row['spread']:.4f}"
            shown.add_row(
                str(number),
                f"{row['objective']:.4f}",
                spread,
                f"{row['seconds']:.0f}",
                _differences(table, number),
            )
    output.print(shown)


def _differences(table, number):
    """Return the hyperparameters of a trial that the reference has otherwise."""
    if number == 0 or 0 not in table.index:
        return "the reference" if number == 0 else ""
    found = []
    for name in table.attrs["hyperparameters"]:
        if name.startswith("tuner/") and name != "tuner/epochs":  # Hyperband's own
            continue
        value, usual = table.loc[number, name], table.loc[0, name]
        if value == value and value != usual:  # NaN: its condition does not hold
            found.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(found)


def _require_keras_tuner():
    try:
        with quiet():
            return multigenre.search.search_films
    except ModuleNotFoundError as error:
        if error.name not in ("keras_tuner", "tensorboard"):
            raise
        raise InputError(
            f"A search needs {error.name}, which is not installed: pip install 'multigenre[search]'."
        ) from None
