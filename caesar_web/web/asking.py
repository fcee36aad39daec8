"""Asking before much is done at once: how many, which exactly, and what was there when listed."""

from dataclasses import dataclass
from datetime import datetime

from flask import request
from werkzeug.exceptions import BadRequest

from caesar_web.domain.events import LARGEST_ID


@dataclass(frozen=True)
class Asked:
    """What somebody is asked: to how many it is done, what it does, and what says yes.

    `listed` is how many there were on the page from which they come.
    """

    title: str
    cause: str
    yes: str
    does: str
    number: int
    listed: int
    address: str
    back: str
    fields: tuple[tuple[str, str], ...]


def these(number: int) -> str:
    """So many, as a button says it."""
    return f"these {number:,}" if number > 1 else "this one"


def ids(*, most: int, are_numbers: bool = True) -> list[str]:
    """The ids in the form that was sent. Raises BadRequest where they are none."""
    given = [one for one in request.form.get("ids", "").split(",") if one]
    is_id = _is_number if are_numbers else _is_short
    if not 0 < len(given) <= most or not all(map(is_id, given)):
        raise BadRequest
    return given


def listed(otherwise: int) -> int:
    """How many the page has listed from which the form was sent."""
    given = request.form.get("number", "")
    return int(given) if _is_number(given) else otherwise


def was_there(id: str, at: datetime | None) -> bool:
    """Whether it can have been on the page from which the form was sent, by its id and moment."""
    seen, highest = _moment(request.form.get("seen", "")), request.form.get("highest", "")
    if seen is not None and at is not None and at > seen:
        return False
    return not (_is_number(id) and _is_number(highest)) or int(id) <= int(highest)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LARGEST_ID


def _is_short(text: str) -> bool:
    return text.isascii() and text.isprintable() and len(text) <= 100


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
