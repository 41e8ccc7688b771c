"""What reading noticed: what it repaired, counted, and what whoever reads should know, in sentences."""

from collections import Counter


class Notes:
    """Collects what is understood of a table while it is read.

    Parameters
    ----------
    facts : dict of str to str, optional
        What is known of the source: its format, encoding and separator.

    Examples
    --------
    >>> notes = Notes()
    >>> notes.repair("empty rows left out", 2)
    >>> notes.repair("empty rows left out", 0)
    >>> dict(notes.repaired)
    {'empty rows left out': 2}
    """

    def __init__(self, facts: dict[str, str] | None = None):
        self.facts: dict[str, str] = dict(facts or {})
        self.repaired: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.placeholders: Counter[str] = Counter()

    def repair(self, what: str, count: int) -> None:
        """Count what was repaired; nothing is noted of a count of 0."""
        if count:
            self.repaired[what] += int(count)

    def warn(self, sentence: str) -> None:
        """Note a sentence that whoever reads should know, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)
