"""In which encoding a file's text is: said by its first bytes, valid UTF-8, or found by charset-normalizer."""

import codecs
import re
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from charset_normalizer import from_bytes

from multigenre._checks import InputError, some

BLOCK = 2**20  # bytes looked at together
SAMPLE = 2**16  # bytes of lines beyond ASCII that the detector is shown
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What people's tables are written in, the commonest first: the detector tells some of its forty others from these by
# one letter.
LATIN = ["cp1252", "cp1250", "cp1254", "latin_1"]
OTHERS = ["cp1251", "cp1253", "koi8_r", "shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"]


class Encoding(NamedTuple):
    """An encoding by the name that Python knows it by, how it was found, and how bytes that are not in it are read."""

    name: str
    why: str
    errors: str = "strict"
    replaced: int = 0


def find_encoding(opened: Callable[[], BinaryIO], said: str | None = None) -> Encoding:
    """Return the encoding of a file's text.

    Parameters
    ----------
    opened : callable
        Gives the file's bytes from the start, as a stream.
    said : str, optional
        Taken as it is. Bytes that are no UTF-8 are then replaced by U+FFFD, if it says UTF-8.

    Raises
    ------
    InputError
        If there is no such encoding, the text is not in it, most lines are UTF-8 but some are not, or none fits.

    Examples
    --------
    >>> import io
    >>> find_encoding(lambda: io.BytesIO("Amélie, née à Paris".encode("cp1252"))).name
    'cp1252'
    """
    if said is not None:
        return _as_said(opened, said)
    with opened() as file:
        start = file.read(BLOCK)
    for mark, name in MARKS:
        if start.startswith(mark):
            return Encoding(name, "its first bytes say so")
    if b"\0" in start[:4096]:
        return _wide(start)
    if _is_valid(opened, "utf-8"):
        return Encoding("utf-8", "every byte is")
    return _detected(opened)


def _as_said(opened, said):
    try:
        name = codecs.lookup(said).name
    except LookupError:
        raise InputError(f"there is no encoding {said}; give one such as utf-8, cp1252 or utf-16.") from None
    if name == "utf-8":  # with the mark that a spreadsheet writes, or not
        replaced = 0 if _is_valid(opened, "utf-8") else _replaced(opened)
        return Encoding("utf-8-sig", "as said", "replace", replaced)
    if not _is_valid(opened, name):
        raise InputError(f"the text is not in the encoding {said} throughout; give another with --encoding.")
    return Encoding(name, "as said")


def _is_valid(opened, name):
    decoder = codecs.getincrementaldecoder(name)()
    with opened() as file:
        try:
            while block := file.read(BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True


def _replaced(opened):
    decoder, replaced = codecs.getincrementaldecoder("utf-8")("replace"), 0
    with opened() as file:
        while block := file.read(BLOCK):
            replaced += decoder.decode(block).count("\ufffd")
    return replaced + decoder.decode(b"", final=True).count("\ufffd")


def _wide(start):
    """Return which UTF-16 has these bytes, where ASCII leaves every other byte empty, and no mark stands first."""
    even, odd = start[:4096:2].count(0), start[1:4096:2].count(0)
    length = min(len(start), 4096) / 2
    if max(even, odd) > 0.5 * length and min(even, odd) < 0.1 * length:
        return Encoding("utf-16-le" if odd > even else "utf-16-be", "every other byte is empty")
    raise InputError("its bytes are no text (some are 0); give a table as text, or as Parquet.")


def _detected(opened):
    """Return the encoding of a file that is not UTF-8."""
    sample, wrong, right, bad_sequences, good_sequences = [], [], 0, 0, 0
    with opened() as file:
        for number, line in enumerate(file, 1):
            if line.isascii():
                continue
            if sum(map(len, sample)) < SAMPLE:
                sample.append(line)
            try:
                good_sequences += len(re.findall(r"[^\x00-\x7f]", line.decode("utf-8")))
                right += 1
            except UnicodeDecodeError:
                wrong.append(number)
                text = line.decode("utf-8", "replace")
                bad_sequences += text.count("\ufffd")
                good_sequences += len(re.findall(r"[^\x00-\x7f\ufffd]", text))
    # Text in another encoding is UTF-8 by chance only, so what is UTF-8 for the most part is damaged UTF-8.
    if good_sequences > bad_sequences:
        raise InputError(
            f"its text is UTF-8, but for line {some(wrong)}: correct them, or say --encoding utf-8 to read what is "
            "not UTF-8 as \ufffd."
        )
    text = b"".join(sample)
    # In Latin letters the others stand alone among ASCII; in Cyrillic, Greek or Chinese whole words are beyond it.
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", text)]
    likely = LATIN if sum(run > 2 for run in runs) < 0.2 * len(runs) else [*OTHERS, *LATIN]
    matches = from_bytes(text, cp_isolation=likely, enable_fallback=False)
    # Encodings that differ in letters which do not occur here give one match; the commonest names it.
    names = [
        (round(match.chaos, 2), -round(match.coherence, 1), likely.index(name), name)
        for match in matches
        for name in match.could_be_from_charset
        if name in likely
    ]
    if not names and likely is LATIN and _is_valid(opened, "cp1252"):
        return Encoding("cp1252", "it is not UTF-8, and this is the commonest of its kind")
    if not names:
        raise InputError(
            "the text is in no encoding that charset-normalizer finds; save it as UTF-8, or say --encoding NAME."
        )
    name = min(names)[-1]
    if not _is_valid(opened, name):
        raise InputError(
            f"the text looks like {name} but is not throughout; save it as UTF-8, or say --encoding NAME."
        )
    return Encoding(name, "found by charset-normalizer, for it is not UTF-8")
