"""What does it cost when posters and overviews are missing, and who copes with it best?

    python benchmarks/missing.py FILMS --posters DIR [--members A,B] [--share 0.3] [--poster-only TABLE] [--quick]

Removes that share of posters and of overviews at random, from training and test films alike, trains the members once
a fold (outer cross-validation; members that train in seconds) and fuses the same held-out probabilities in five ways:

- ``ours``: `LateFusion` as `GenreEnsemble` uses it;
- ``zero``: the same method, with log-odds of 0 for a member that has nothing to read;
- ``mean``: the same, with the member's mean log-odds for the genre;
- ``dropped``: the same, learned from complete films only; it can say no more than prevalence of the others;
- ``best member``: the member of lowest loss among those that are present, with its own calibration
  (`ProbabilityCalibrator`).

Prints one JSON line: for ``all`` test films, ``complete`` ones, those with ``posters`` only and ``overviews`` only,
each way's ``bce``, ``map_macro``, ``map_micro``, ``f1_micro``, ``f1_macro``, ``f1_samples`` with 95 % intervals, and
those of ``ours`` minus each other way. With ``--poster-only``, a table of other films without overviews, the same for
these, by members and fusion of the last fold. ``--quick`` uses 400 films that the library makes, in two folds.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from machine import machine

from multigenre import Films, LateFusion, ProbabilityCalibrator, make_films
from multigenre._files import claim
from multigenre.data import folds_of_films
from multigenre.ensemble import ensemble_thresholds, fit_members, fusion_films, held_out_probabilities
from multigenre.fusion import out_of_fold
from multigenre.members import make_members
from multigenre.networks import PosterCache
from multigenre.scores import METRICS, intervals, resample

MEMBERS = ["poster-colours", "overview-bag", "overview-tfidf"]


def removed(films, share, seed):
    """Return the films without some posters and some overviews."""
    rng = np.random.default_rng(seed)
    posters, overviews = (rng.random(len(films)) < share for _ in range(2))
    return replace(
        films,
        posters=np.where(posters, "", films.posters),
        overviews=np.where(overviews, "", films.overviews),
    )


def filled(members, level):
    """Return members that are present everywhere, with ``level`` (n_genres,) where they were not."""
    return [
        replace(one, values=np.where(one.present[:, None], one.values, of), present=None)
        for one, of in zip(members, level, strict=True)
    ]


def ways(evidence, films, said, prevalence, seed):
    """Yield (name, probabilities, named genres) of the test films."""
    levels = {
        "zero": [np.full(len(prevalence), 0.5)] * len(said),
        "mean": [
            1 / (1 + np.exp(-np.nanmean(np.log(one.values / (1 - one.values)), axis=0)))
            for one in clipped(evidence)
        ],
    }
    complete = np.all([one.present for one in evidence], axis=0)
    for name in ("ours", "zero", "mean", "dropped"):
        known, new, taught = evidence, said, films
        if name in levels:
            known, new = filled(evidence, levels[name]), filled(said, levels[name])
        if name == "dropped":
            known, taught = [one.take(complete) for one in evidence], films.take(complete)
        fusion = LateFusion(seed=seed).fit(known, taught)
        cuts = ensemble_thresholds("micro-macro").fit(out_of_fold(fusion, known, taught, seed=seed), taught)
        fused = fusion.predict(new)
        labels = cuts.predict(fused).to_numpy(bool)
        here = fused.present[:, None]
        if name == "dropped":
            here = here & np.all([one.present for one in said], axis=0)[:, None]
        yield (
            name,
            np.where(here, fused.values, prevalence),
            np.where(here, labels, prevalence >= cuts.thresholds_.to_numpy()),
        )
    yield "best member", *best_member(evidence, films, said, prevalence)


def clipped(members):
    """Return members whose probabilities are not 0 or 1."""
    return [replace(one, values=np.clip(one.values, 1e-6, 1 - 1e-6)) for one in members]


def best_member(evidence, films, said, prevalence):
    """Return probabilities and named genres: of the members that a film has, the one that is best on its own."""
    found = []
    for known, new in zip(evidence, said, strict=True):
        here = known.present
        calibrator = ProbabilityCalibrator().fit(known.take(here), films.take(here))
        mended = calibrator.transform(known.take(here))
        cuts = ensemble_thresholds("micro-macro").fit(mended, films.take(here))
        losses = -np.log(np.where(films.labels[here] == 1, mended.values, 1 - mended.values)).mean()
        new = calibrator.transform(new)
        found.append((losses, new.present, new.values, np.asarray(cuts.predict(new), bool)))
    shape = (len(said[0]), len(prevalence))
    values, labels = np.broadcast_to(prevalence, shape).copy(), np.zeros(shape, bool)
    for _, here, mine, named in sorted(found, key=lambda one: -one[0]):
        values[here], labels[here] = mine[here], named[here]
    return values, labels


def one_fold(films, test_rows, args, folder, posters):
    """Return every way's values and labels of a fold, and a function that gives them for other films."""
    rest, test = films.take(~test_rows), films.take(test_rows).with_role("test")
    roles = {"train": rest.with_role("train")}
    folder.mkdir(parents=True, exist_ok=True)
    claim(folder, {"share": args.share, "seed": args.seed})
    members = make_members(args.members, seed=args.seed)
    trained, apart = fit_members(members, rest, roles, folder, seed=args.seed, posters=posters)
    learned, evidence = fusion_films(apart, roles, ())
    prevalence = rest.genres.prevalence(rest.labels).to_numpy()

    def answer(some_films):
        said = held_out_probabilities(trained, apart, some_films, posters)
        return {name: rows for name, *rows in ways(evidence, learned, said, prevalence, args.seed)}

    return answer(test), answer


def scores_of(found, labels):
    """Return each way's scores with intervals, and those of ours minus each other way."""
    samples = dict(zip(found, resample(list(found.values()), labels, 1000, 0), strict=True))
    minus = {f"ours minus {name}": samples["ours"] - one for name, one in samples.items() if name != "ours"}
    tables = {name: intervals(one, 0.95) for name, one in (samples | minus).items()}
    return {
        name: {metric: [float(number) for number in table.loc[metric]] for metric in METRICS}
        for name, table in tables.items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--members", type=lambda text: text.split(","), default=MEMBERS)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--poster-only")
    parser.add_argument(
        "--work", help="keep trained members in this folder, and do not train again those there"
    )
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        posters = PosterCache()
        if args.quick or not args.films:
            whole, args.folds = make_films(400, folder=temporary, seed=0), 2
        else:
            whole = Films.read(args.films, posters=args.posters)
        films = removed(posters.screen(whole), args.share, args.seed)
        fold, run = folds_of_films(whole, args.folds, seed=args.seed), {}
        for one in range(args.folds):
            folder = Path(args.work or temporary) / f"fold{one}"
            found, answer = one_fold(films, fold == one, args, folder, posters)
            for name, (values, labels) in found.items():
                kept = run.setdefault(
                    name, (np.full(films.labels.shape, np.nan), np.zeros(films.labels.shape, bool))
                )
                kept[0][fold == one], kept[1][fold == one] = values, labels
        groups = {
            "all": np.ones(len(films), bool),
            "complete": films.has_poster & films.has_overview,
            "posters": films.has_poster & ~films.has_overview,
            "overviews": films.has_overview & ~films.has_poster,
        }
        facts = {"benchmark": "missing", "members": args.members, "share": args.share, "folds": args.folds}
        facts |= {"films": {name: int(rows.sum()) for name, rows in groups.items()}}
        for name, rows in groups.items():
            facts[name] = scores_of(
                {way: (v[rows], n[rows]) for way, (v, n) in run.items()}, films.labels[rows]
            )
        if args.poster_only:
            more = Films.read(args.poster_only, posters=args.posters, genres=films.genres).with_role("test")
            more = posters.screen(more)
            facts["films"]["poster_only"] = len(more)
            facts["poster_only"] = scores_of(answer(more), more.labels)
    print(json.dumps(facts | machine()))


if __name__ == "__main__":
    main()
