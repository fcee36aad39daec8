"""JSON values: what may be stored, when two are the same, how they read as text."""

import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

JSONValue: TypeAlias = "bool | int | float | str | list[JSONValue] | dict[str, JSONValue] | None"

DEPTH_LIMIT = 100
# Beyond this a whole number no longer fits a double, which is what JSON readers make of it.
LARGEST_WHOLE_NUMBER_BITS = 1023

_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class DomainError(Exception):
    """Something that the domain refuses; the text is for people."""


class Problem(NamedTuple):
    """One thing that is wrong with what somebody wrote, and where it stands."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"at {self.place}: {self.message}" if self.place else self.message


class InvalidConfiguration(DomainError):
    """Configuration that cannot be used; `problems` names every place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(map(str, self.problems)))


class Unstorable(DomainError):
    """A value that a database cannot hold."""


def is_number(value: object) -> bool:
    """True for whole and decimal numbers; true and false are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def bounded(number: int | float) -> int | float:
    """The number, or the largest one of its sign where it has grown beyond what JSON can carry."""
    largest = sys.float_info.max
    if -largest <= number <= largest:
        return number
    return -largest if number < 0 else largest


def is_blank(value: object) -> bool:
    """Null, false, whitespace, or an empty list or object; 0 is not blank."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is False or value == [] or value == {}


def kind_of(value: object) -> str:
    """What people call this kind of value."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true/false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def same(left: JSONValue, right: JSONValue) -> bool:
    """Equality of JSON: 1 equals 1.0, but true is not 1 and "3" is not 3."""
    # Python's equality allows more, so what it tells apart is apart, and it is fast.
    return left == right and _same_kinds(left, right)


def _same_kinds(left: JSONValue, right: JSONValue) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return all(map(_same_kinds, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return all(_same_kinds(left[key], right[key]) for key in left)
    return True


def as_text(value: JSONValue) -> str:
    """A value as an object's key: JSON knows only texts there, so answer 0 is "0"."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "+".join(sorted(map(as_text, value)))
    if isinstance(value, dict):
        return "+".join(f"{key}={as_text(value[key])}" for key in sorted(value))
    return str(value)


def whole_text_number(text: str) -> float | None:
    """The number that a text is from end to end, or None."""
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def leading_number(text: str) -> float:
    """The number that a text begins with; 0.0 where it begins with none."""
    found = _NUMBER.match(text.lstrip())
    return float(found.group()) if found else 0.0


def writable(value: Any) -> Any:
    """The same value with numbers that JSON cannot write (infinity, NaN) as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return [writable(member) for member in value]
    if isinstance(value, Mapping):
        return {key: writable(member) for key, member in value.items()}
    return value


def check_storable(value: Any, place: str = "") -> None:
    """Raises Unstorable, naming the place, on what a database cannot hold."""
    if not _is_storable(value, 0):
        _explain(value, place, 0)


def _is_storable(value: Any, depth: int) -> bool:
    """Without a place, because nearly all values are, and every event is full of them."""
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or not _SURROGATE.search(value))
    if isinstance(value, dict):
        if depth > DEPTH_LIMIT:
            return False
        for key, member in value.items():
            if not (_is_storable(key, depth) and _is_storable(member, depth + 1)):
                return False
        return True
    if isinstance(value, list):
        return depth <= DEPTH_LIMIT and all(_is_storable(member, depth + 1) for member in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or value.bit_length() <= LARGEST_WHOLE_NUMBER_BITS


def _explain(value: Any, place: str, depth: int) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise Unstorable(f"{place or 'text'} holds a NUL character")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise Unstorable(f"{place or 'text'} holds half of a surrogate pair")
    elif isinstance(value, dict):
        _check_depth(place, depth)
        for key, member in value.items():
            _explain(key, f"a key of {place or 'the object'}", depth)
            _explain(member, f"{place}.{key}" if place else key, depth + 1)
    elif isinstance(value, list):
        _check_depth(place, depth)
        for index, member in enumerate(value):
            _explain(member, f"{place}[{index}]", depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Unstorable(f"{place or 'number'} is not a finite number")
    elif isinstance(value, int) and value.bit_length() > LARGEST_WHOLE_NUMBER_BITS:
        raise Unstorable(f"{place or 'number'} is too large a number")


def _check_depth(place: str, depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise Unstorable(f"{place[:60]}... is nested more than {DEPTH_LIMIT} deep")


def is_older(version: str | None, minimum: str | None) -> bool:
    """Whether a workflow version is older than a minimum, number by number: 2.9 is before 2.10.

    A version that cannot be read counts as new enough, so that no classification is lost to it.
    """
    if not minimum or not version:
        return False
    try:
        return _version_numbers(version) < _version_numbers(minimum)
    except ValueError:
        return False


def _version_numbers(version: str) -> list[int]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:  # 2 and 2.0 are the same version
        numbers.pop()
    return numbers
