"""What surprises in values that are looked up: those that do not fit where they stand."""

from typing import Any

from caesar_web.domain.conditions import Node, write
from caesar_web.domain.evaluation import evaluate
from caesar_web.domain.pieces import named, sentence, valued
from caesar_web.domain.reading import WORDS
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.spots import (
    CALCULATIONS,
    LETTER_CASTS,
    NUMBER,
    NUMBER_CASTS,
    ORDERINGS,
    TEXT,
    Finding,
    Fix,
    Spot,
    fails,
)
from caesar_web.domain.values import kind_of, leading_number, whole_text_number

SHOWN = 3


def found_fails(spot: Spot) -> Finding | None:
    seen = spot.seen
    if seen is None:
        return None
    bad: list[tuple[Any, int]] = [
        (value, count) for value, count in seen.values if _problem(spot, value)
    ]
    # Of lists and objects only the number is known, but they all do the same.
    composed: list[Any] = [[], {}]
    bad += [
        (value, seen.kinds[kind_of(value)])
        for value in composed
        if kind_of(value) in seen.kinds and _problem(spot, value)
    ]
    if not bad:
        return None
    kinds = " or ".join(dict.fromkeys(kind_of(value) for value, _ in bad))
    message = (
        f"{_name(spot.key)} is {kinds} in {_of_sampled(spot, sum(count for _, count in bad))}"
        f"{_such_as([value for value, _ in bad if value not in composed])}: "
        f"it {_problem(spot, bad[0][0])}, so that the rule fails there."
    )
    fix = Fix("Read it as a number", ["to_f", write(spot.node)])
    return Finding(message, (fix,) if _can_be_read(spot) else ())


def _can_be_read(spot: Spot) -> bool:
    """Whether all that was found fits once it is read as a number."""
    if spot.seen is None or not spot.seen.kinds.keys() <= {NUMBER, TEXT}:
        return False
    values = [value for value, _ in spot.seen.values]
    numbers = [leading_number(one) if isinstance(one, str) else one for one in values]
    return not any(_problem(spot, number) for number in numbers)


def fallback_fails(spot: Spot) -> Finding | None:
    if spot.operator != "lookup" or spot.node.arguments[1] is None:
        return None
    return _fallback_problem(spot)


def nothing_when_missing(spot: Spot) -> Finding | None:
    if spot.operator != "lookup" or spot.node.arguments[1] is not None:
        return None
    return _fallback_problem(spot)


def _fallback_problem(spot: Spot) -> Finding | None:
    fallback = spot.node.arguments[1]
    problem = _problem(spot, fallback)
    if problem is None or (spot.in_entry and spot.key == "key"):  # every entry has one
        return None
    missing = spot.known.sampled - (spot.seen.count if spot.seen else 0)
    counted = f" ({_of_sampled(spot, missing)})" if spot.known.sampled and not spot.in_entry else ""
    shown = kind_of(fallback)
    shown = shown if fallback is None else f"{shown}, {_value(fallback)}"
    message = (
        f"The default is {shown}: it {problem}, so that the rule fails where "
        f"{_name(spot.key)} is missing{counted}."
    )
    fixes = (
        Fix(f"Use {_value(value)} when it is missing", ["lookup", spot.key, value])
        for value in (0, "")
        if _problem(spot, value) is None
    )
    return Finding(message, tuple(fixes))


def _problem(spot: Spot, value: Any) -> str | None:
    """Why the operator around a lookup has no value where this one is found."""
    if spot.parent is None:
        return None
    operator = spot.parent.operator
    if operator in CALCULATIONS and fails("+", value):
        return "cannot be calculated with"
    if operator in NUMBER_CASTS | LETTER_CASTS and fails(operator, value):
        return f"cannot be written {WORDS[operator].words}"
    for beside in spot.beside() if operator in ORDERINGS else ():
        other = beside.typical()
        if other is None or kind_of(other.value) not in (NUMBER, TEXT):
            continue  # unknown, or told of at the comparison
        if fails(operator, value, other.value):  # on whichever side
            return f"cannot be ordered beside {kind_of(other.value)}"
    return None


def read_in_part(spot: Spot) -> Finding | None:
    if spot.seen is None or not spot.parent or spot.parent.operator not in NUMBER_CASTS:
        return None
    odd = [
        (value, count)
        for value, count in spot.seen.values
        if isinstance(value, str) and whole_text_number(value) is None
    ]
    if not odd:
        return None
    read = [f"{_value(one)} as {_cast(spot.parent.operator, one)}" for one, _ in odd[:SHOWN]]
    counted = _of_sampled(spot, sum(count for _, count in odd))
    message = f"{_name(spot.key)} is no number in {counted}; of such a text the beginning is read"
    return Finding(f"{message}, or 0: {', '.join(read)}.")


def _cast(operator: str, text: str) -> str:
    return _value(evaluate(Node(operator, (), (Node("const", (text,)),)), ReductionScope({})))


def _name(key: str) -> str:
    return sentence(named(key))


def _value(value: Any) -> str:
    return sentence(valued(value))


def _such_as(values: list[Any]) -> str:
    return f" (such as {', '.join(map(_value, values[:SHOWN]))})" if values else ""


def _of_sampled(spot: Spot, count: int) -> str:
    return f"{count} of {spot.known.sampled} {spot.known.targets}"
