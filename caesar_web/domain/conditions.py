"""Conditions: from JSON to a tree of nodes and exactly back, with the place in every error."""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caesar_web.domain.values import DEPTH_LIMIT, DomainError, Unstorable, check_storable, kind_of


class InvalidCondition(DomainError):
    """A condition that cannot be read: `path` leads to the place, `message` says what is wrong."""

    def __init__(self, path: tuple[int, ...], message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(f"at condition{''.join(f'[{index}]' for index in path)}: {message}")


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: its plain arguments (a constant's value, a lookup's key) and its operands."""

    operator: str
    arguments: tuple[Any, ...] = ()
    operands: tuple["Node", ...] = field(default=())


class Shape(NamedTuple):
    """What may follow an operator: so many plain arguments, then operands."""

    arguments: int
    fewest: int
    most: int | None
    usage: str


_ONE = "takes exactly one operand"
_SOME = "takes one or more operands"
_ANY = "takes operands"

SHAPES: dict[str, Shape] = {
    "const": Shape(1, 0, 0, "takes exactly one value"),
    "lookup": Shape(2, 0, 0, "needs a key and a fallback"),
    **dict.fromkeys(("lt", "lte", "gt", "gte", "eq"), Shape(0, 1, None, _SOME)),
    **dict.fromkeys(("and", "or"), Shape(0, 0, None, _ANY)),
    "not": Shape(0, 1, 1, _ONE),
    **dict.fromkeys(("any", "all"), Shape(1, 1, 1, "needs a reducer and one operand")),
    **dict.fromkeys(("+", "-", "*", "/", "%"), Shape(0, 1, None, _SOME)),
    **dict.fromkeys(("upcase", "downcase", "int", "to_i", "float", "to_f"), Shape(0, 1, 1, _ONE)),
}


def parse(condition: Any) -> Node:
    """The tree of a condition's JSON. Raises InvalidCondition."""
    return _parse(condition, ())


def parse_text(text: str) -> Node | None:
    """The tree of a condition as it is stored, as JSON text; None where it cannot be read."""
    try:
        return parse(json.loads(text))
    except (InvalidCondition, ValueError, RecursionError):
        return None


def write(node: Node) -> list[Any]:
    """The JSON of a tree: for what `parse` made, exactly the JSON that it was made of."""
    return [node.operator, *node.arguments, *map(write, node.operands)]


def _parse(condition: Any, path: tuple[int, ...]) -> Node:
    if not isinstance(condition, list):
        raise InvalidCondition(path, f"must be a list [operator, ...], not {kind_of(condition)}")
    if not condition:
        raise InvalidCondition(path, "is empty; it must begin with an operator")
    if len(path) >= DEPTH_LIMIT:
        raise InvalidCondition(path, f"is nested more than {DEPTH_LIMIT} deep")
    operator = condition[0]
    if not isinstance(operator, str) or operator not in SHAPES:
        known = ", ".join(SHAPES)
        raise InvalidCondition((*path, 0), f"{operator!r:.60} is no operator; known: {known}")
    shape = SHAPES[operator]
    operands = condition[1 + shape.arguments :]
    too_many = shape.most is not None and len(operands) > shape.most
    if len(condition) - 1 < shape.arguments + shape.fewest or too_many:
        raise InvalidCondition(path, f"{operator} {shape.usage}")
    arguments = tuple(condition[1 : 1 + shape.arguments])
    _check_arguments(operator, arguments, path)
    first = 1 + shape.arguments
    return Node(
        operator,
        arguments,
        tuple(_parse(operand, (*path, first + at)) for at, operand in enumerate(operands)),
    )


def _check_arguments(operator: str, arguments: tuple[Any, ...], path: tuple[int, ...]) -> None:
    if operator in ("lookup", "any", "all"):
        key = arguments[0]
        what = "the key" if operator == "lookup" else "the reducer"
        if not isinstance(key, str) or not key:
            raise InvalidCondition((*path, 1), f"{what} must be text, not {kind_of(key)}")
    for at, argument in enumerate(arguments, start=1):
        try:
            check_storable(argument)
        except Unstorable as problem:
            raise InvalidCondition((*path, at), str(problem)) from None
