"""What every benchmark says about where its numbers come from."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def device():
    """Return the name of the GPU that TensorFlow uses, or CPU."""
    config = sys.modules["tensorflow"].config if "tensorflow" in sys.modules else None
    gpus = config.list_physical_devices("GPU") if config else []
    return config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"


def machine():
    """Return processor, GPU, Python, library versions and the commit, as far as they can be found."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return {
        "cpu": f"{os.cpu_count()} x {names[0] if names else platform.machine()}",
        "device": device(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("tensorflow", "keras", "scikit-learn", "numpy")},
        "commit": git.stdout.strip(),
    }
