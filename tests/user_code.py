"""What a user reads as code: the examples, and the Python of the documents."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md")])


def code_of(path):
    """Return the Python of an example, or of the blocks of a document."""
    text = path.read_text(encoding="utf-8")
    return (
        text if path.suffix == ".py" else "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.S | re.M))
    )
