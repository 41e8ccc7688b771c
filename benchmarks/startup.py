"""How long does the library take to start?

    python benchmarks/startup.py [--repeats 20] [--quick]

Bare Python, the import and the command's help start in turns, each in a fresh interpreter. Prints one JSON line:

- ``import_ms``: median of what ``python -c "import multigenre"`` takes longer than ``python -c pass``, pair by pair;
- ``help_ms``: median wall time of ``multigenre --help``, Python's own start included;
- ``python_ms``: the same of ``python -c pass``;
- ``modules``: how many modules the import loads beyond bare Python's; TensorFlow must not be among them;
- ``spread``: range of each; ``repeats``.

``--quick`` repeats ten times.
"""

import argparse
import json
import subprocess
import sys
from functools import partial

from machine import machine
from paired import in_turns

PROGRAMS = {
    "python_ms": ["-c", "pass"],
    "import_ms": ["-c", "import multigenre"],
    "help_ms": ["-m", "multigenre", "--help"],
}
COUNT = "import sys; before = set(sys.modules); import multigenre; print(*set(sys.modules) - before)"


def python(*arguments):
    """Run Python and return what it prints."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    modules = python("-c", COUNT).split()
    assert "tensorflow" not in modules and "keras" not in modules
    programs = {name: partial(python, *arguments) for name, arguments in PROGRAMS.items()}
    in_turns(programs, 1)  # reads the files
    table = 1000 * in_turns(programs, 10 if args.quick else args.repeats)
    table["import_ms"] -= table["python_ms"]
    result = {
        **table[["import_ms", "help_ms", "python_ms"]].median().round(1).to_dict(),
        "modules": len(modules),
        "spread": {name: [round(table[name].min(), 1), round(table[name].max(), 1)] for name in table},
        "repeats": len(table),
    }
    print(json.dumps(result | machine()))


if __name__ == "__main__":
    main()
