"""Prediction on a Ray cluster: films are read, predicted and handed back as a stream, by actors that hold a bundle."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from multigenre._checks import InputError
from multigenre._signatures import Pathlike
from multigenre.ensemble import GenreEnsemble
from multigenre.shards._format import SOURCE, named_tables, table_films, with_name

READING = 0.5  # processors of a task that reads; other than an actor's, so that Ray does not join the two
BATCH = 1024  # films that an actor gets at once: 10 to 100 MB of posters


class GenrePredictor:
    """Predicts tables of films with a bundle that is loaded once: for `map_batches` of a Ray dataset, or by itself.

    Parameters
    ----------
    bundle : path
    with_members : bool
        Add each member's probabilities, in columns named ``MEMBER:GENRE``.
    threads : int, optional
        Of TensorFlow; default: as many as the machine has processors. One that has computed before keeps its own.

    Examples
    --------
    >>> films = ray.data.read_parquet("films/")  # doctest: +SKIP
    >>> films.map_batches(  # doctest: +SKIP
    ...     GenrePredictor, fn_constructor_args=["bundle"], batch_format="pyarrow", batch_size=1024, num_cpus=1
    ... ).write_parquet("genres/")
    """

    def __init__(self, bundle: Pathlike, *, with_members: bool = False, threads: int | None = None):
        if threads is not None:
            os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
            os.environ.setdefault("TF_NUM_INTEROP_THREADS", str(threads))
        self.ensemble, self.with_members = GenreEnsemble.load(bundle), with_members

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the genres and probabilities of films.

        Parameters
        ----------
        table : pyarrow.Table
            As `table_films` takes it; any column ``path`` comes back.

        Returns
        -------
        pyarrow.Table
            As `multigenre.ensemble.Prediction.to_frame`, one row a film.
        """
        prediction = self.ensemble.predict(table_films(table))
        found = pa.Table.from_pandas(
            prediction.to_frame(with_members=self.with_members), preserve_index=False
        ).replace_schema_metadata(None)
        return found.append_column(SOURCE, table[SOURCE]) if SOURCE in table.column_names else found


def ray_predictions(
    bundle: Pathlike,
    parts: dict[str, Pathlike | pa.Table],
    *,
    actors: int | None = None,
    with_members: bool = False,
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the name of each part and the predictions of some of its films, in any order.

    An actor that dies is started again, and Ray gives the films that it had to another.

    Parameters
    ----------
    bundle : path
        That every machine of the cluster can read.
    parts : dict of str to path or pyarrow.Table
        Shards, or tables with the columns of one; either all paths or all tables.
    actors : int, optional
        Each takes one processor of the cluster's account and one bundle's memory, and computes with as many threads
        as there are processors to an actor. Default: one less than the cluster has processors.
    with_members : bool

    Yields
    ------
    str, pyarrow.Table
        The table as `GenrePredictor` gives it.

    Raises
    ------
    InputError
        If Ray is not installed, or the actors leave no processor to read with.
    """
    try:
        import ray  # noqa: PLC0415
        import ray.data  # noqa: PLC0415
        import ray.exceptions  # noqa: PLC0415
    except ModuleNotFoundError:
        message = "Prediction with Ray needs Ray, which is not installed: pip install 'multigenre[ray]'."
        raise InputError(message) from None
    with _cluster(ray):
        processors = int(ray.cluster_resources().get("CPU", 0))
        actors = _actors(actors, processors)
        settings = ray.data.DataContext.get_current().copy()
        settings.enable_progress_bars = settings.print_on_execution_start = False
        with ray.data.DataContext.current(settings):
            films = _dataset(ray.data, parts).map_batches(
                GenrePredictor,
                fn_constructor_args=[str(Path(bundle).resolve())],  # actors work elsewhere
                fn_constructor_kwargs={"with_members": with_members, "threads": processors // actors},
                batch_format="pyarrow",
                batch_size=BATCH,
                compute=ray.data.ActorPoolStrategy(size=actors),
                num_cpus=1,
            )
        try:
            tables: Iterable[Any] = films.iter_batches(batch_size=None, batch_format="pyarrow")
            for table in tables:
                for name in table[SOURCE].unique().to_pylist():
                    rows = pc.equal(table[SOURCE], name)  # pyright: ignore[reportAttributeAccessIssue]  # made at import
                    yield name, table.filter(rows).drop_columns(SOURCE)
        except ray.exceptions.RayTaskError as error:
            refused = _cause(error, InputError)
            raise refused or error from None


def _dataset(data, parts):
    """Return a Ray dataset of films with the name of their part."""
    tables = [with_name(part, name) for name, part in parts.items() if isinstance(part, pa.Table)]
    if tables:
        return data.from_arrow(tables)
    # Ray's own reader of Parquet fails now and then where aiohttp is not installed (Ray 2.60).
    shards = [{SOURCE: name, "file": str(path)} for name, path in parts.items()]
    items = data.from_items(shards, override_num_blocks=len(shards))
    return items.map_batches(named_tables, batch_size=1, num_cpus=READING)


def _actors(actors, processors):
    """Return the number of actors that leaves a processor to read with; without one a job waits for ever."""
    most = processors - 1
    if most < 1:
        raise InputError(
            f"Ray needs two processors, one to read and one to predict, but the cluster has {processors}."
        )
    if actors is None:
        return most
    if not 1 <= actors <= most:
        raise InputError(
            f"A cluster of {processors} processors has room for 1 to {most} actors, since reading needs one too, "
            f"got actors={actors}."
        )
    return actors


@contextlib.contextmanager
def _cluster(ray):
    """Use the cluster that the caller or RAY_ADDRESS names, else one of this machine that ends with the job."""
    mine = not ray.is_initialized()
    if mine:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster reports to Ray's makers otherwise
        logging.getLogger("ray.data").setLevel(logging.WARNING)
        ray.init(include_dashboard=False, logging_level=logging.WARNING)
    try:
        yield
    finally:
        if mine:
            ray.shutdown()


def _cause(error, kind):
    """Return the first of an error and its causes that is of a kind, or None."""
    while error is not None and not isinstance(error, kind):
        error = getattr(error, "cause", None) or error.__cause__
    return error
