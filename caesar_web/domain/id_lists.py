"""Lists of ids as people paste them, or as spreadsheets write them."""

import re

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import DomainError

MOST_IDS = 100_000
SHOWN = 40  # characters of what cannot be read

_BETWEEN = re.compile(r"[\s,;]+")
_HEADER = re.compile(r"[A-Za-z_ #\"']+")  # "subject_id", "Subject ID"


class BadList(DomainError):
    """Not a list of ids. The text says in which line, and why."""


def read_ids(text: str) -> list[int]:
    """The ids in a text, each once, in its order. Raises BadList.

    They stand in lines, or between commas and spaces. Empty lines and a heading are left out.
    """
    found: dict[int, None] = {}
    is_first = True
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        words = [word for word in _BETWEEN.split(line) if word.strip("\"'")]
        if words and is_first and _HEADER.fullmatch(line.strip()):
            words = []
            is_first = False
        for word in words:
            is_first = False
            found[_id(word, number)] = None
        if len(found) > MOST_IDS:
            raise BadList(f"There are more than {MOST_IDS:,} ids.")
    return list(found)


def decoded(body: bytes) -> str:
    """A file as text, as spreadsheets and editors write it. Raises BadList."""
    is_wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return body.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise BadList("This is not a text file.") from None


def _id(word: str, line: int) -> int:
    try:
        return panoptes_id(word.strip("\"'"))
    except Unreadable:
        shown = word if len(word) <= SHOWN else f"{word[:SHOWN]}…"
        raise BadList(f"Line {line}: {shown} is not an id.") from None
