"""What may import what. A new module needs a rank here."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "multigenre"

ROOT = "__init__"

# A module imports only from ranks below its own, so equal ranks do not know of each other. Only the command
# line may use the root, whose names are imported when they are first used.
RANKS = {
    "_checks": 0,
    "_drawing": 0,
    "_files": 0,
    "_fusion_tables": 0,
    "_imputation": 0,
    "_intervals": 0,
    "_isotonic": 0,
    "_made_overviews": 0,
    "_made_posters": 0,
    "_seeds": 0,
    "_workers": 0,
    "inline_posters": 0,
    "search_logs": 0,
    "_checkpoint": 1,
    "_cuts": 1,
    "_inline_svg": 1,
    "_scoring": 1,
    "bundle": 1,
    "cli_options": 1,
    "designs": 1,
    "distributed_search": 1,
    "film_tables": 1,
    "findings": 1,
    "genres": 1,
    "losses": 1,
    "overview_prediction": 1,
    "pipeline": 1,
    "poster_changes": 1,
    "poster_colours": 1,
    "recurrent": 1,
    "search_spaces": 1,
    "splits": 1,
    "terminal": 1,
    "vector_cache": 1,
    "_contenders": 2,
    "_resampling": 2,
    "ensemble_selection": 2,
    "film_attributes": 2,
    "films": 2,
    "heads": 2,
    "heat_displays": 2,
    "influence_figures": 2,
    "poster_cache": 2,
    "poster_maps": 2,
    "probabilities": 2,
    "recipe": 2,
    "reliability": 2,
    "_bag_network": 3,
    "_margins": 3,
    "_newton": 3,
    "_paired": 3,
    "_records": 3,
    "co_occurrence": 3,
    "complementarity": 3,
    "f1_cuts": 3,
    "label_suspects": 3,
    "linear_heads": 3,
    "made_films": 3,
    "members": 3,
    "metrics": 3,
    "outcomes": 3,
    "overview": 3,
    "poster": 3,
    "poster_saliency": 3,
    "prediction": 3,
    "pretrained": 3,
    "slices": 3,
    "workspace": 3,
    "_fusion_inputs": 4,
    "_stacking": 4,
    "calibration": 4,
    "catalogue": 4,
    "cross_fitting": 4,
    "displays": 4,
    "embedding_member": 4,
    "evaluation": 4,
    "film_cards": 4,
    "given_member": 4,
    "leave_one_out": 4,
    "overview_bag": 4,
    "overview_tfidf": 4,
    "shards": 4,
    "sklearn_member": 4,
    "training": 4,
    "trust": 4,
    "_choice": 5,
    "_occlusion": 5,
    "_pattern_fits": 5,
    "_thumbnails": 5,
    "contributions": 5,
    "conversion": 5,
    "figures": 5,
    "held_out": 5,
    "out_of_core": 5,
    "report_facts": 5,
    "robustness": 5,
    "settings": 5,
    "_patterns": 6,
    "app_answers": 6,
    "app_figures": 6,
    "fusion_layer": 6,
    "poster_patches": 6,
    "presets": 6,
    "report_figures": 6,
    "search_results": 6,
    "threshold_reports": 6,
    "thresholds": 6,
    "word_influence": 6,
    "app_pictures": 7,
    "error_analysis": 7,
    "fused_thresholds": 7,
    "fusion": 7,
    "report_marks": 7,
    "app": 8,
    "ensemble_bundle": 8,
    "ensemble_fusion": 8,
    "report_gallery": 8,
    "search_objectives": 8,
    "ensemble": 9,
    "hypermodels": 9,
    "report": 9,
    "search_trials": 9,
    "ray_prediction": 10,
    "search_oracles": 10,
    "search_tuner": 10,
    "search": 11,
    "shard_prediction": 11,
    "film_search": 12,
    "shard_evaluation": 12,
    ROOT: 13,
    "cli_app": 14,
    "cli_report": 14,
    "cli_search": 14,
    "cli_shards": 14,
    "cli": 15,
    "__main__": 16,
}
TENSORFLOW = {
    "_checkpoint",
    "fusion_layer",
    "heads",
    "hypermodels",
    "losses",
    "out_of_core",
    "overview",
    "overview_prediction",
    "pipeline",
    "poster",
    "poster_cache",
    "poster_saliency",
    "pretrained",
    "recipe",
    "recurrent",
    "search_logs",
    "search_trials",
    "training",
}


OPTIONAL = {"jinja2", "gradio", "keras_hub", "keras_tuner", "ray", "skops"}  # packages that an extra installs


def modules(package):
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in package.glob("*.py")}


def imported(node):
    """Return the dotted names that an import statement or an import by name loads."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(level=0, module="multigenre", names=names):
            return [f"multigenre.{alias.name}" for alias in names]
        case ast.ImportFrom(level=0, module=module):
            return [module]
        case ast.ImportFrom(module=module, names=names):
            return [f"multigenre.{module or alias.name}" for alias in names]
        case ast.Call(func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module")):
            return [ast.unparse(node)]
        case _:
            return []


def unranked(package):
    """List modules without a rank, and ranks without a module."""
    return sorted(set(modules(package)) ^ set(RANKS))


def upward(package):
    """List imports that do not go to a lower rank."""
    return [
        f"{module} imports {name}"
        for module, tree in modules(package).items()
        for node in ast.walk(tree)
        for name in imported(node)
        if name.split(".")[0] == "multigenre"
        and RANKS.get(name.removeprefix("multigenre."), RANKS[ROOT]) >= RANKS.get(module, 0)
    ]


def hidden(package):
    """List imports anywhere but at the top of a module, but for optional packages."""
    return [
        f"{module} hides {name}"
        for module, tree in modules(package).items()
        if module != ROOT
        for node in ast.walk(tree)
        for name in imported(node)
        if node not in tree.body and name.split(".")[0] not in OPTIONAL
    ]


def heavy(package):
    """List imports of TensorFlow or Keras by modules that are not marked for it."""
    return [
        f"{module} imports {name}"
        for module, tree in modules(package).items()
        if module not in TENSORFLOW
        for node in ast.walk(tree)
        for name in imported(node)
        if name.split(".")[0] in ("tensorflow", "keras")
    ]


@pytest.mark.parametrize("rule", [unranked, upward, hidden, heavy])
def test_the_package_keeps_the_rule(rule):
    assert rule(PACKAGE) == []


@pytest.mark.parametrize("module", sorted(TENSORFLOW))
def test_a_module_marked_for_tensorflow_imports_it(module):
    names = [name.split(".")[0] for node in ast.walk(modules(PACKAGE)[module]) for name in imported(node)]
    assert {"tensorflow", "keras"} & set(names)


@pytest.fixture
def planted(tmp_path):
    """Plant one module with the given source in a package of empty modules, and return its folder."""

    def plant(module, source):
        for name in RANKS:
            (tmp_path / f"{name}.py").touch()
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        return tmp_path

    return plant


def test_a_module_without_a_rank_is_found(planted):
    assert unranked(planted("blending", "import numpy")) == ["blending"]


def test_a_rank_without_a_module_is_found(planted):
    package = planted("genres", "")
    (package / "genres.py").unlink()
    assert unranked(package) == ["genres"]


@pytest.mark.parametrize(
    "source",
    [
        "from multigenre.fusion import LateFusion",
        "from multigenre import fusion",
        "import multigenre.fusion",
        "from .fusion import LateFusion",
        "from . import fusion",
        "if True:\n    import multigenre.fusion",
    ],
)
def test_an_import_from_a_higher_rank_is_found(planted, source):
    assert upward(planted("genres", source)) == ["genres imports multigenre.fusion"]


def test_an_import_from_an_equal_rank_is_found(planted):
    assert RANKS["films"] == RANKS["probabilities"]
    found = upward(planted("films", "from multigenre.probabilities import logits"))
    assert found == ["films imports multigenre.probabilities"]


def test_an_import_from_a_lower_rank_is_allowed(planted):
    assert upward(planted("films", "from multigenre.genres import Genres")) == []


@pytest.mark.parametrize("source", ["import multigenre", "from multigenre import Films"])
def test_the_root_is_for_the_command_line_only(planted, source):
    assert upward(planted("cli", source)) == []
    assert len(upward(planted("films", source))) == 1


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("def f():\n    import numpy", "numpy"),
        ("class A:\n    def f(self):\n        from scipy import stats", "scipy"),
        ("def f():\n    return __import__('numpy')", "__import__('numpy')"),
        ("def f():\n    return importlib.import_module('numpy')", "importlib.import_module('numpy')"),
        ("try:\n    import numpy\nexcept ImportError:\n    pass", "numpy"),
    ],
)
def test_a_hidden_import_is_found(planted, source, name):
    assert hidden(planted("genres", source)) == [f"genres hides {name}"]


def test_an_optional_package_may_be_imported_where_it_is_needed(planted):
    assert hidden(planted("genres", "def f():\n    import skops.io")) == []


@pytest.mark.parametrize(
    "source", ["import tensorflow as tf", "from keras import layers", "import keras.ops"]
)
def test_tensorflow_in_a_module_not_marked_for_it_is_found(planted, source):
    [found] = heavy(planted("fusion", source))
    assert found.startswith("fusion imports ")
