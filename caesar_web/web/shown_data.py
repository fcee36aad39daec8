"""Data as pages show them: short, and so that a text is never taken for a number."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from caesar_web.domain.values import kind_of, whole_text_number

LONGEST = 300
HIDDEN = ("#", "//")  # how names begin that Zooniverse keeps from volunteers


class Field(NamedTuple):
    """A field of a subject's metadata: `address` is its value where that leads somewhere."""

    name: str
    value: str
    kind: str
    is_hidden: bool
    address: str | None


def in_short(data: Any, *, most: int) -> str:
    """Data on one line; what is longer is cut."""
    if isinstance(data, Mapping):
        words = ", ".join(f"{name}: {_as_json(value)}" for name, value in data.items())
    else:
        words = "" if data is None else _as_json(data)
    words = words or "nothing"
    return words if len(words) <= most else f"{words[:most]}…"


def fields(metadata: Mapping[str, Any]) -> list[Field]:
    """A subject's metadata in their order."""
    return [_field(name, value) for name, value in metadata.items()]


def _field(name: str, value: Any) -> Field:
    is_text = isinstance(value, str)
    is_address = is_text and len(value) <= LONGEST and value.startswith(("https://", "http://"))
    return Field(
        _cut(name),
        "nothing" if value is None else _cut(value if is_text else _as_json(value)),
        _kind(value),
        name.startswith(HIDDEN),
        value if is_address else None,
    )


def _cut(text: str) -> str:
    """The beginning of a text, which says how long the whole is."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _kind(value: Any) -> str:
    if isinstance(value, str) and whole_text_number(value) is not None:
        return "text, a number"
    return kind_of(value)


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):  # deeper or longer than anything that we store
        return "too large to show"
