import importlib
import inspect
from functools import cached_property
from pathlib import Path

import pytest

import multigenre

FACES = sorted(
    ".".join(["multigenre", *path.parent.relative_to(Path(multigenre.__file__).parent).parts])
    for path in Path(multigenre.__file__).parent.rglob("__init__.pyi")
)


def own_functions(shown):
    """Return the functions of this library that a public name offers: itself, or a class's public methods."""
    if inspect.isfunction(shown):
        return [shown]
    found = []
    for kind in inspect.getmro(shown) if inspect.isclass(shown) else ():
        if kind.__module__.startswith("multigenre."):
            for name, made in vars(kind).items():
                if name in ("__init__", "__call__") or not name.startswith("_"):
                    made = made.fget if isinstance(made, property) else made
                    made = made.func if isinstance(made, cached_property) else made
                    made = getattr(made, "__func__", made)
                    if inspect.isfunction(made) and made.__module__ != "typing":  # which gives protocols one
                        found.append(made)
    return found


def bare(function):
    """Return which parameters, or the return, of a function have no hint."""
    signature = inspect.signature(function)
    names = [
        name
        for place, (name, one) in enumerate(signature.parameters.items())
        if one.annotation is one.empty and not (place == 0 and name in ("self", "cls"))
    ]
    if signature.return_annotation is signature.empty and function.__name__ != "__init__":
        names.append("return")
    return names


def test_a_signature_without_hints_is_seen():
    class Half:
        def method(self, given: int, other=1, *rest, **more) -> int: ...

        @property
        def size(self): ...

    Half.__module__ = "multigenre.half"
    method, size = own_functions(Half)
    assert bare(method) == ["other", "rest", "more"]
    assert bare(size) == ["return"]


@pytest.mark.parametrize("face", FACES)
def test_every_parameter_and_return_of_a_public_function_or_method_has_a_hint(face):
    face = importlib.import_module(face)
    functions = [one for name in face.__all__ for one in own_functions(getattr(face, name))]
    assert functions
    assert {f"{one.__module__}.{one.__qualname__}": bare(one) for one in functions if bare(one)} == {}
