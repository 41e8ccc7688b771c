"""The command line, and its commands ``train``, ``predict``, ``evaluate`` and ``demo``."""

import contextlib
import logging
import os
import shlex
import shutil
import sys
import tempfile
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import multigenre
import multigenre.data
import multigenre.ensemble
import multigenre.members
import multigenre.scores
import multigenre.views
from multigenre._checks import InputError
from multigenre._files import replacing, write_json
from multigenre.cli._check import check
from multigenre.cli._options import (
    DEFAULT_SPLIT,
    Actors,
    BundleFolder,
    Engine,
    EngineOption,
    FilmsTable,
    ScoringEngine,
    Seed,
    Split,
    Strict,
    parse_names,
)
from multigenre.cli._reading import FilmsReader, reads_films
from multigenre.cli._search import search
from multigenre.cli._shards import convert, run_evaluate_shards, run_predict_shards
from multigenre.cli._terminal import (
    Notes,
    console,
    ensemble_class,
    print_scores,
    print_winners,
    progress_bars,
)
from multigenre.cli._views import app as open_app
from multigenre.cli._views import report

# TensorFlow's notes while it starts are of no use here; whoever wants them sets the variable.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

app = typer.Typer(
    help="Read films' genres from their posters and overviews, fuse the two, and say how far to trust them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
DEMO_SPLIT = {"train": 0.6, "validation": 0.1, "calibration": 0.15, "test": 0.15}


class Preset(StrEnum):
    """How members train."""

    reference = "reference"
    default = "default"
    tuned = "tuned"
    quick = "quick"


@app.command()
@reads_films
def train(
    films: FilmsTable,
    reader: FilmsReader,
    out: Annotated[Path, typer.Option(metavar="BUNDLE", help="Folder to write; it must not exist yet.")],
    members: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated: poster-cnn, poster-colours, overview-lstm, overview-bag, overview-tfidf, "
            "overview-embedding=PRESET, poster-embedding=PRESET (a KerasHub preset or folder), given=FILE (a table of "
            "probabilities made elsewhere). Default: the preset's."
        ),
    ] = None,
    preset: Annotated[
        Preset,
        typer.Option(
            help="reference: the published report to the letter; default: the best without anything "
            "pretrained, minutes on two cores; tuned: the two networks as searches found them; quick: only proves "
            "the path."
        ),
    ] = Preset.default,
    split: Split = DEFAULT_SPLIT,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="best.json of 'multigenre search', in place of the preset's settings."
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="Train the networks again on all films but the test films, once all else is fitted.",
        ),
    ] = False,
    devices: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated, such as GPU:0,GPU:1, which share each batch of a network's training."
        ),
    ] = None,
    seed: Seed = 0,
    strict: Strict = False,
) -> None:
    """Train members on FILMS, fit fusion and thresholds, and write one BUNDLE that predicts.

    A run that was killed goes on where it was when the same command is given again.
    """
    multigenre.ensemble.check_free(out)
    table, shares = reader.read_split(films, split)
    options = {"preset": preset.value, "seed": seed, "refit": refit}
    if settings:
        options["settings"] = multigenre.members.read_settings(settings)
    ensemble = ensemble_class()(parse_names(members) or None, **options)
    _train(ensemble, table, out, split=shares, strict=strict, devices=parse_names(devices))
    if "test" in ensemble.films_:
        where = shlex.join([str(out), str(films), *reader.arguments()])
        line = f"Where each member is right: multigenre report {where} --out report.html"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
@reads_films
def predict(
    bundle: BundleFolder,
    films: FilmsTable,
    reader: FilmsReader,
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV to write.")],
    with_members: Annotated[
        bool, typer.Option("--with-members", help="Add each member's probabilities as MEMBER:GENRE columns.")
    ] = False,
    strict: Strict = False,
    engine: EngineOption = Engine.local,
    actors: Actors = None,
) -> None:
    """Predict the genres of FILMS with a BUNDLE; the table needs no genre columns.

    Writes Id, the named genres (joined by |), and one column of fused probabilities a genre.
    """
    if not out.parent.is_dir():
        raise InputError(f"There is no folder {out.parent} to write {out.name} into; make it first.")
    if _in_shards(films, engine, strict):
        options = {"engine": engine.value, "actors": actors, "with_members": with_members}
        run_predict_shards(bundle, films, out, reader, **options)
        return
    table = reader.read(films, labelled=False)
    ensemble = ensemble_class().load(bundle)
    with progress_bars() as progress:
        prediction = ensemble.predict(table, strict=strict, progress=progress)
    _write_csv(prediction.to_frame(with_members=with_members), out, index=False)
    console.print(f"{len(table)} films predicted: {out}")


@app.command()
@reads_films
def evaluate(
    bundle: BundleFolder,
    films: FilmsTable,
    reader: FilmsReader,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for metrics.json, metrics.csv and genres.csv.")
    ],
    strict: Strict = False,
    engine: ScoringEngine = Engine.local,
    actors: Actors = None,
) -> None:
    """Score a BUNDLE on FILMS whose genres are known; films that taught it something are left out."""
    if _in_shards(films, engine, strict):
        options = {"engine": engine.value, "actors": actors}
        found, by_genre = run_evaluate_shards(bundle, films, out / "predictions", reader, **options)
    else:
        table = reader.read(films)
        ensemble = ensemble_class().load(bundle)
        with progress_bars() as progress:
            found, by_genre = ensemble.evaluate(table, strict=strict, progress=progress)
    out.mkdir(parents=True, exist_ok=True)
    write_json({"test": found}, out / "metrics.json", indent=1)
    _write_csv(multigenre.scores.scores_frame(found), out / "metrics.csv")
    _write_csv(by_genre, out / "genres.csv")
    print_scores(found, f"{found['fused']['n_films']} films that {bundle.name} never saw")
    console.print(f"metrics.json, metrics.csv and genres.csv are in {out}")


@app.command()
def demo(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the films, the bundle and the pictures there.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="400 films instead of 1,500.")] = False,
    seed: Seed = 0,
) -> None:
    """Make films, train on them, and show where posters win, where words win, and what fusion adds."""
    with contextlib.ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="multigenre-")))
        multigenre.ensemble.check_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        films = multigenre.make_films(400 if quick else 1500, folder=folder / "posters", seed=seed)
        _write_csv(films.to_frame(), folder / "films.csv", index=False)
        console.print(f"Made {len(films)} films with {len(films.genres or ())} genres.")
        ensemble = ensemble_class()(preset="quick", seed=seed)
        _train(ensemble, films, folder / "bundle", split=DEMO_SPLIT, strict=True)
        print_winners(multigenre.scores.genre_frame(ensemble.predictions_["test"], ensemble.films_["test"]))
        if out is None:
            console.print("Give --out DIR to keep the films, the bundle and its pictures.")


app.command()(check)
app.command()(report)
app.command()(search)
app.command()(convert)
app.command("app")(open_app)


def _train(ensemble, films, out, **options):
    """Fit, save and draw; what was unfinished is removed once the bundle is there."""
    work = out.with_name(out.name + ".unfinished")
    with progress_bars() as progress:
        ensemble.fit(films, folder=work, progress=progress, **options)
    ensemble.save(out)
    shutil.rmtree(work, ignore_errors=True)
    figures = out / "figures"
    figures.mkdir()
    for name, member in ensemble.members_.items():
        if member.history_ is not None:
            curves = multigenre.views.training_curves(member.history_, title=name)
            multigenre.views.save_figure(curves, figures / f"training-{name}.png")
    if "test" in ensemble.films_:
        prediction = ensemble.predictions_["test"]
        cards = multigenre.views.film_cards(ensemble.films_["test"], [*prediction.members, prediction.fused])
        multigenre.views.save_figure(cards, figures / "test-films.png")
    for role, found in list(ensemble.metrics_.items())[:1]:  # the test films, where there are any
        what = "nothing was fitted to" if role == "test" else "are predicted out of fold"
        if role == "validation" and any(not member.folds for member in ensemble.members_.values()):
            what = "chose the epochs: no report of skill"
        print_scores(found, f"{found['fused']['n_films']} {role} films, which {what}")
    console.print(f"The bundle is in {out}; its pictures in {figures}.")


def _in_shards(films, engine, strict):
    """Return whether films are predicted shard by shard, where posters were checked by 'convert'."""
    found = engine is Engine.ray or (films.is_dir() and not multigenre.data.is_source(films))
    if found and strict:
        raise InputError("--strict is for a table and the local engine; 'convert --strict' checks shards.")
    return found


def _write_csv(table, path, **options):
    with replacing(path) as partial:
        table.to_csv(partial, **options)


def main() -> None:
    """Run the command line: exit code 0, 1 for a failure, 2 for bad usage or bad input."""
    log = logging.getLogger("multigenre")
    log.addHandler(Notes())
    log.setLevel(logging.INFO)
    try:
        app()
    except InputError as error:
        console.print(f"multigenre: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
