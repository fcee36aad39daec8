"""Causes: what messages of failures have in common, without the ids and numbers in them."""

import re
from hashlib import sha256

LONGEST = 300
NO_MESSAGE = "no message"
ABSENT = "…"

_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
# Numbers of their own: T0 is a name. The status of an answer is no id, and tells causes apart.
_NUMBER = re.compile(r"(?<![\w.])(?<!status )(?<!HTTP )[-+]?\d[\d,.:]*(?<=\d)(?!\w)")


def cause_of(message: str | None) -> str:
    """What failures of the same kind say alike."""
    text = " ".join((message or "").split())[: 2 * LONGEST]
    alike = _NUMBER.sub(ABSENT, _ID.sub(ABSENT, text))
    return alike[:LONGEST] or NO_MESSAGE


def key_of(*parts: str) -> str:
    """A short name of a cause, for addresses."""
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
