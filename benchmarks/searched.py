"""Are the networks that a search found better than the reference's, on films that the search never saw?

    python benchmarks/searched.py FILMS --posters DIR --settings best.json [best.json ...] [--seeds 0 1 2] [--out FILE]

The films are split once, as ``multigenre search --seed 0`` splits them. Networks train on the training and validation
films of that split with the reference's settings and with those of each file, once a seed (initial weights, dropout,
order of films); calibration and test films, which no search reads, are what is scored. Prints one JSON line: for each
network and, where both networks have settings, their late fusion, ``reference`` and ``searched``: ``bce`` as it comes,
``calibrated`` (the fusion of this member alone) and ``map_macro``, ``map_micro``, and ``f1_macro`` at cross-fitted
thresholds; mean and standard deviation over seeds, and the mean difference. Calibration, fusion and thresholds
are fitted in five folds of the films that are scored. ``--quick`` uses 200 films that the library makes, and
the networks of the preset ``quick`` as the reference.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from machine import machine
from over_seeds import mean_and_sd

from multigenre import Films, LateFusion, make_films
from multigenre._files import claim
from multigenre.ensemble import fitted
from multigenre.fusion import out_of_fold
from multigenre.members import DEFAULT_SPLIT, make_member, make_network, read_settings
from multigenre.networks import PosterCache
from multigenre.scores import scores
from multigenre.search import cross_fitted_f1


def measured(members, films):
    """Return scores of one network, or of the fusion of several, on films that taught it nothing."""
    apart = [replace(one, role="out-of-fold") for one in members]
    fusion = LateFusion(method="stack" if len(apart) == 1 else "joint-stack")
    fused = replace(out_of_fold(fusion, apart, films.with_role("calibration")), role="validation")
    raw = scores(replace(members[0], role="test"), films) if len(members) == 1 else {"bce": None}
    found = scores(replace(fused, role="test"), films)
    return {
        "bce": raw["bce"],
        "calibrated": found["bce"],
        "map_macro": raw.get("map_macro", found["map_macro"]),
        "map_micro": raw.get("map_micro", found["map_micro"]),
        "f1_macro": cross_fitted_f1(fused, films.with_role("validation")),
    }


def summary(runs):
    """Return mean and standard deviation over seeds by contender and way, and the difference of the means."""
    found = {}
    for name, ways in runs[0].items():
        table = {
            way: {
                metric: mean_and_sd(values)
                for metric in ways[way]
                if None not in (values := [run[name][way][metric] for run in runs])
            }
            for way in ways
        }
        difference = {
            metric: table["searched"][metric][0] - table["reference"][metric][0]
            for metric in table["reference"]
        }
        found[name] = table | {"searched minus reference": difference}
    return found


def one_seed(roles, unseen, settings, seed, folder, posters, preset="reference"):
    """Train every network both ways with a seed; return `measured` by contender and way."""
    said = {}
    for way in ("reference", "searched"):
        for name, entry in settings.items():
            place = folder / f"{way}-{name}-seed{seed}"
            claim(place, {"settings": entry if way == "searched" else preset, "seed": seed})
            member = make_member(name, preset=preset, seed=seed)
            if way == "searched":
                member = make_network(name, entry, seed=seed)
            member = fitted(member, roles, place, posters=posters)
            said[way, name] = member.predict(unseen, posters=posters)
    contenders = {name: [name] for name in settings}
    if len(settings) > 1:
        contenders["fused"] = list(settings)
    return {
        name: {way: measured([said[way, one] for one in of], unseen) for way in ("reference", "searched")}
        for name, of in contenders.items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("films", nargs="?")
    parser.add_argument("--posters")
    parser.add_argument("--settings", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--work", help="keep trained networks in this folder, and do not train again those there"
    )
    parser.add_argument("--out", help="write the JSON line to this file as well, after every seed")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        posters = PosterCache()
        if args.quick or not args.films:
            films, args.seeds = make_films(200, folder=temporary, seed=0), args.seeds[:1]
            settings = {"overview-lstm": {"recipe": {"epochs": 1}, "design": {"units": [8], "embedding": 8}}}
        else:
            films = posters.screen(Films.read(args.films, posters=args.posters))
            settings = {}
            for path in args.settings:
                settings |= read_settings(path)
        roles = films.split(DEFAULT_SPLIT, seed=0)
        unseen = Films.concatenate([roles["calibration"], roles["test"]]).with_role("test")
        runs = []
        options = {"posters": posters, "preset": "quick" if args.quick else "reference"}
        for seed in args.seeds:
            runs.append(one_seed(roles, unseen, settings, seed, Path(args.work or temporary), **options))
            facts = {"benchmark": "searched", "settings": settings, "seeds": args.seeds[: len(runs)]}
            facts |= {"n_films": len(unseen), "scores": summary(runs), "runs": runs}
            line = json.dumps(facts | machine())
            if args.out:
                Path(args.out).write_text(line + "\n", encoding="utf-8")
        print(line)


if __name__ == "__main__":
    main()
