"""What every benchmark says about where its numbers come from."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path


def machine():
    """Return processor, Python, library versions and the commit, as far as they can be found."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return {
        "cpu": f"{os.cpu_count()} x {names[0] if names else platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("tensorflow", "keras", "scikit-learn", "numpy")},
        "commit": git.stdout.strip(),
    }
