"""How good is every calibration, fusion and threshold strategy on films that taught nothing? By outer cross-validation.

    python benchmarks/quality.py FILMS --posters DIR [--members A,B] [--folds 5] [--seeds 0 1 2] [--out FILE]

Every film is tested once a seed: the films are divided in folds, the members train on the other folds (once a fold,
whatever is then fused), and all that is fitted is fitted on their held-out probabilities, as `GenreEnsemble` does it.
Prints one JSON line; with ``--out FILE.json`` it is written there, and a table beside it (``FILE.md``), after each
fold. A row a contender:

- ``prevalence``; each member raw, and ``calibrated`` (`ProbabilityCalibrator`, ``auto``);
- ``fusion ...``: each method of `LateFusion`; these three kinds at the default thresholds of `GenreEnsemble`;
- ``thresholds ...``: the default fusion under each strategy of `ThresholdCalibrator`.

``bce``, ``map_macro``, ``map_micro``, ``f1_micro``, ``f1_macro``, ``f1_samples``, ``brier``, ``ece``: mean over
seeds, with 95 % intervals over films drawn again; ``minus_best`` and ``minus_tfidf``: the paired difference to the
best single member (lowest ``bce`` raw) and to ``overview-tfidf``; ``sd``: of the seeds' scores. A seed draws the
folds, the weights and the order. Members that do not train in seconds get a part of the films for their epochs and
for calibration, as in ``multigenre train``. ``--quick`` uses 400 films that the library makes, two folds and members
that train in seconds.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from efficientnet import efficientnet_member
from machine import machine

from multigenre import Films, ProbabilityCalibrator, make_films
from multigenre._files import claim
from multigenre.data import folds_of_films
from multigenre.ensemble import (
    ensemble_fusion,
    ensemble_thresholds,
    fit_members,
    fusion_films,
    held_out_probabilities,
)
from multigenre.fusion import METHODS, held_out
from multigenre.members import make_members
from multigenre.networks import PosterCache
from multigenre.scores import METRICS, intervals, prevalence_baseline, resample, with_prevalence

SHARES = {"train": 0.8, "validation": 0.1, "calibration": 0.1}
STRATEGIES = {
    "f1": {},
    "f1, observed counts": {"strategy": "f1", "counts": "observed"},
    "f1, no floor": {"strategy": "f1", "counts": "observed", "min_positives": 1},
    "f-beta 2": {"strategy": "f-beta", "level": 2},
    "precision 0.5": {"strategy": "precision", "level": 0.5},
    "recall 0.5": {"strategy": "recall", "level": 0.5},
    "cost 2": {"strategy": "cost", "level": 2},
    "joint-micro": {},
    "micro-macro": {},
    "smoothed-f1": {},
    "scut-fbr": {"counts": "observed"},
    "shared": {},
    "half": {},
    "micro-macro, at least one": {"strategy": "micro-macro", "at_least_one": True},
    "micro-macro, cardinality": {"strategy": "micro-macro", "match_cardinality": True},
}


def contenders(members, apart, roles, posters, seed):
    """Yield (name, probabilities, named genres) of the test films for every contender, from trained members."""
    test = roles["test"]
    said = held_out_probabilities(members, apart, test, posters)
    calibration = ()
    if "calibration" in roles:
        calibration = held_out_probabilities(members, apart, roles["calibration"], posters)
    films, evidence = fusion_films(apart, roles, calibration)
    prevalence = films.genres.prevalence(roles["train"].labels)

    def named(probabilities, unseen, thresholds):
        return np.asarray(thresholds.fit(unseen, films).predict(probabilities), bool)

    for probabilities, unseen in (
        (prevalence_baseline(prevalence, test), prevalence_baseline(prevalence, films)),
        *zip(said, evidence, strict=True),
    ):
        yield (
            probabilities.name,
            probabilities,
            named(probabilities, unseen, ensemble_thresholds("micro-macro")),
        )
    for probabilities, unseen in zip(said, evidence, strict=True):
        there = unseen.present
        calibrator = ProbabilityCalibrator().fit(unseen.take(there), films.take(there))
        mended = calibrator.transform(probabilities)
        cuts = ensemble_thresholds("micro-macro").fit(
            calibrator.transform(unseen.take(there)), films.take(there)
        )
        yield f"{probabilities.name}, calibrated", mended, np.asarray(cuts.predict(mended), bool)
    modalities = {name: member.modality for name, member in members.items()}
    for method in METHODS:
        fusion = ensemble_fusion(method, modalities, seed).fit(evidence, films)
        unseen, fused = held_out(fusion, evidence, films, seed=seed), fusion.predict(said)
        yield f"fusion {method}", fused, named(fused, unseen, ensemble_thresholds("micro-macro"))
        if method == METHODS[0]:
            for name, settings in STRATEGIES.items():
                cuts = ensemble_thresholds("micro-macro").set_params(**{"strategy": name, **settings})
                yield f"thresholds {name}", fused, named(fused, unseen, cuts)


def test_one_fold(films, test_rows, members, folder, posters, seed):
    """Train the members without a fold of the films; return its rows of every contender and the seconds."""
    rest, test = films.take(~test_rows), films.take(test_rows).with_role("test")
    slow = any(not member.folds for member in members)
    roles = rest.split(SHARES, seed=seed) if slow else {"train": rest.with_role("train")}
    folder.mkdir(parents=True, exist_ok=True)
    claim(folder, {"films": len(films), "seed": seed})
    start = time.perf_counter()
    trained = fit_members(members, rest, roles, folder, seed=seed, posters=posters)
    seconds = time.perf_counter() - start
    found, prevalence = {}, films.genres.prevalence(roles["train"].labels)
    for name, probabilities, labels in contenders(*trained, roles | {"test": test}, posters, seed):
        # Who has nothing to read says the prevalence.
        found[name] = with_prevalence(probabilities, prevalence).values, labels
    return found, seconds


def table_of(labels, runs, replicates):
    """Return a row for each contender, from a dict (values, labels named) of each seed."""
    names = list(runs[0])
    samples = dict.fromkeys(names, 0.0)
    values = {name: [] for name in names}
    for run in runs:
        # The same draws of films for every contender and seed, so that differences are paired.
        for name, drawn in zip(names, resample(list(run.values()), labels, replicates, seed=0), strict=True):
            samples[name] = samples[name] + drawn / len(runs)
            values[name].append(drawn[0])
    singles = [name for name in names if f"{name}, calibrated" in names]
    best = min(singles, key=lambda name: samples[name][0][METRICS.index("bce")])
    rows = {}
    for name in names:
        rows[name] = plain(intervals(samples[name], 0.95))
        spread = np.std(values[name], axis=0, ddof=1) if len(runs) > 1 else np.full(len(METRICS), np.nan)
        rows[name]["sd"] = {
            metric: None if np.isnan(one) else float(one) for metric, one in zip(METRICS, spread, strict=True)
        }
        for key, peer in (("minus_best", best), ("minus_tfidf", "overview-tfidf")):
            if peer in samples and peer != name:
                rows[name][key] = plain(intervals(samples[name] - samples[peer], 0.95))
    return {"best_member": best, "rows": rows}


def plain(table):
    """Return rows of a table of intervals as lists."""
    return {
        metric: [float(number) for number in row]
        for metric, row in zip(table.index, table.to_numpy(), strict=True)
    }


def markdown(rows):
    """Return the table as people read it."""
    shown = [metric for metric in METRICS if metric != "brier"]
    lines = ["| | " + " | ".join(shown) + " | loss minus best member |", "| --- " * (len(shown) + 2) + "|"]
    for name, row in rows.items():
        cells = ["{:.4f} [{:.4f}, {:.4f}]".format(*row[metric]) for metric in shown]
        difference = row.get("minus_best", {}).get("bce")
        cells.append("{:+.4f} [{:+.4f}, {:+.4f}]".format(*difference) if difference else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--members", type=lambda text: text.split(","))
    parser.add_argument(
        "--efficientnet",
        action="store_true",
        help="a frozen ImageNet network as a member; see efficientnet.py",
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument(
        "--work", help="keep trained members in this folder, and do not train again those there"
    )
    parser.add_argument("--out", help="write the JSON line to this file as well, and a table beside it")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if args.quick or not args.films:
            films = make_films(400, folder=temporary, seed=0)
            args.members = args.members or ["overview-tfidf", "poster-colours"]
            args.folds, args.seeds, args.replicates = 2, args.seeds[:1], 100
        else:
            films = Films.read(args.films, posters=args.posters)
        posters = PosterCache()
        films = posters.screen(films)
        work, runs, seconds = Path(args.work or temporary), [], []
        for seed in args.seeds:
            fold, run = folds_of_films(films, args.folds, seed=seed), {}
            for one in range(args.folds):
                members = make_members(args.members, preset=args.preset, seed=seed)
                if args.efficientnet:
                    members.append(efficientnet_member(work / "vectors"))
                folder = work / f"seed{seed}-fold{one}"
                found, took = test_one_fold(films, fold == one, members, folder, posters, seed)
                seconds.append(round(took, 1))
                for name, (values, labels) in found.items():
                    whole = run.setdefault(
                        name, (np.full(films.labels.shape, np.nan), np.zeros(films.labels.shape, bool))
                    )
                    whole[0][fold == one], whole[1][fold == one] = values, labels
            runs.append(run)
            if args.out:
                write(args, films, runs, seconds)
        print(write(args, films, runs, seconds))


def write(args, films, runs, seconds):
    """Return the JSON line; write it and the table where ``--out`` says."""
    found = table_of(films.labels, runs, args.replicates)
    facts = {"benchmark": "quality", "members": args.members, "preset": args.preset, "folds": args.folds}
    facts |= {"efficientnet": args.efficientnet, "seeds": args.seeds[: len(runs)], "n_films": len(films)}
    facts["training_seconds"] = seconds
    line = json.dumps(facts | found | machine())
    if args.out:
        path = Path(args.out)
        path.write_text(line + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(markdown(found["rows"]), encoding="utf-8")
    return line


if __name__ == "__main__":
    main()
