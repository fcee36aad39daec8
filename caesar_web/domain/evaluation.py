"""Evaluating a condition: its value, and a trace that says how every node came to its own."""

import math
import operator as python
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from typing import Any

from caesar_web.domain.conditions import Node
from caesar_web.domain.scope import EntryScope, Scope
from caesar_web.domain.values import (
    LARGEST_WHOLE_NUMBER_BITS,
    DomainError,
    is_number,
    kind_of,
    leading_number,
    same,
    whole_text_number,
    writable,
)

TRACED_ENTRIES = 20  # of one any or all; a trace is for reading

_WHOLE_NUMBER = re.compile(r"\s*([+-]?\d{1,300})", re.ASCII)


class EvaluationError(DomainError):
    """A condition that has no value for these data; the text is for the author of the rule."""


Visit = Callable[[Node, Scope], Any]
Evaluate = Callable[[Node, Scope, Visit], Any]


@dataclass(frozen=True)
class Trace:
    """A node with the value or the error that it came to, and the nodes visited on the way.

    `used_fallback` is for lookups; `entry` is the key of the entry that it was evaluated for,
    right inside any or all. Nodes that were not reached are not among the steps.
    """

    node: Node
    value: Any = None
    error: str | None = None
    steps: tuple["Trace", ...] = ()
    used_fallback: bool = False
    entry: str | None = None


def evaluate(node: Node, scope: Scope) -> Any:
    """The value of a condition. Raises EvaluationError and nothing else."""
    return _EVALUATE[node.operator](node, scope, evaluate)


def holds(value: Any) -> bool:
    """Only null and false are false: 0 and "" count as true."""
    return value is not None and value is not False


def trace(node: Node, scope: Scope) -> Trace:
    """The same evaluation, step by step; an error is part of the trace."""
    steps: list[Trace] = []

    def visit(operand: Node, inner: Scope) -> Any:
        step = trace(operand, inner)
        if node.operator in ("any", "all") and isinstance(inner, EntryScope):
            step = replace(step, entry=inner.key)
        if len(steps) == TRACED_ENTRIES and len(node.operands) == 1:
            steps.pop()  # of many entries the last visited one decided
        steps.append(step)
        if step.error is not None:
            raise EvaluationError(step.error)
        return step.value

    used_fallback = node.operator == "lookup" and scope.find(node.arguments[0]) is None
    try:
        value = _EVALUATE[node.operator](node, scope, visit)
    except EvaluationError as problem:
        return Trace(node, None, str(problem), tuple(steps), used_fallback)
    return Trace(node, value, None, tuple(steps), used_fallback)


def trace_as_json(step: Trace) -> dict[str, Any]:
    """A trace as it is stored with an action."""
    written: dict[str, Any] = {"operator": step.node.operator}
    if step.entry is not None:
        written["entry"] = step.entry
    if step.node.arguments:
        written["arguments"] = list(step.node.arguments)
    written["value"] = writable(step.value)
    if step.error is not None:
        written["error"] = step.error
    if step.used_fallback:
        written["used_fallback"] = True
    if step.steps:
        written["steps"] = [trace_as_json(inner) for inner in step.steps]
    return written


def _const(node: Node, scope: Scope, visit: Visit) -> Any:
    return node.arguments[0]


def _lookup(node: Node, scope: Scope, visit: Visit) -> Any:
    key, fallback = node.arguments
    found = scope.find(key)
    return fallback if found is None else found


def _comparison(holds_for: Callable[[Any, Any], bool]) -> Evaluate:
    def compare(node: Node, scope: Scope, visit: Visit) -> bool:
        values = [visit(operand, scope) for operand in node.operands]
        return all(holds_for(*pair) for pair in pairwise(values))

    return compare


def _ordering(holds_for: Callable[[Any, Any], bool]) -> Evaluate:
    return _comparison(lambda left, right: holds_for(*_comparable(left, right)))


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Two numbers or two texts; a text that is wholly a number is one beside a number."""
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    numbers = [whole_text_number(one) if isinstance(one, str) else one for one in (left, right)]
    if not all(map(is_number, numbers)):
        raise EvaluationError(f"cannot order {_shown(left)} and {_shown(right)}")
    return numbers[0], numbers[1]


def _and(node: Node, scope: Scope, visit: Visit) -> bool:
    return all(holds(visit(operand, scope)) for operand in node.operands)


def _or(node: Node, scope: Scope, visit: Visit) -> bool:
    return any(holds(visit(operand, scope)) for operand in node.operands)


def _not(node: Node, scope: Scope, visit: Visit) -> bool:
    return not holds(visit(node.operands[0], scope))


def _over_entries(combine: Callable[[Any], bool]) -> Evaluate:
    def over(node: Node, scope: Scope, visit: Visit) -> bool:
        entries = scope.entries(node.arguments[0])
        # Sorted, because a database does not keep the order of an object's keys.
        inner = (EntryScope(key, entries[key]) for key in sorted(entries))
        return combine(holds(visit(node.operands[0], entry)) for entry in inner)

    return over


def _arithmetic(calculate: Callable[[Any, Any], Any]) -> Evaluate:
    def fold(node: Node, scope: Scope, visit: Visit) -> Any:
        values = [visit(operand, scope) for operand in node.operands]
        for value in values:
            if not is_number(value):
                raise EvaluationError(f"{node.operator} needs numbers, not {_shown(value)}")
        return reduce(
            lambda total, value: _within_reach(calculate(total, value)), map(_within_reach, values)
        )

    return fold


def _within_reach(number: Any) -> Any:
    """Whole numbers beyond any decimal one become infinity, so that no later step can fail."""
    if isinstance(number, int) and number.bit_length() > LARGEST_WHOLE_NUMBER_BITS:
        return math.inf if number > 0 else -math.inf
    return number


def _divide(left: Any, right: Any) -> float:
    if right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return float(left) / float(right)


def _remainder(left: Any, right: Any) -> Any:
    if right == 0:
        raise EvaluationError("% by zero")
    return left % right


def _of_text(transform: Callable[[str], str]) -> Evaluate:
    def change(node: Node, scope: Scope, visit: Visit) -> str:
        value = visit(node.operands[0], scope)
        if not isinstance(value, str):
            raise EvaluationError(f"{node.operator} needs text, not {_shown(value)}")
        return transform(value)

    return change


def _to_f(node: Node, scope: Scope, visit: Visit) -> Any:
    value = visit(node.operands[0], scope)
    if isinstance(value, str):
        return leading_number(value)
    if is_number(value):
        return value
    raise EvaluationError(f"{node.operator} needs text or a number, not {_shown(value)}")


def _to_i(node: Node, scope: Scope, visit: Visit) -> int:
    value = visit(node.operands[0], scope)
    if isinstance(value, str):
        found = _WHOLE_NUMBER.match(value)
        return int(found.group(1)) if found else 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise EvaluationError(f"{node.operator} needs text or a whole number, not {_shown(value)}")


def _shown(value: Any) -> str:
    kind = kind_of(value)
    return kind if value is None else f"{kind} ({value!r:.40})"


_EVALUATE: Mapping[str, Evaluate] = {
    "const": _const,
    "lookup": _lookup,
    "lt": _ordering(python.lt),
    "lte": _ordering(python.le),
    "gt": _ordering(python.gt),
    "gte": _ordering(python.ge),
    "eq": _comparison(same),
    "and": _and,
    "or": _or,
    "not": _not,
    "any": _over_entries(any),
    "all": _over_entries(all),
    "+": _arithmetic(python.add),
    "-": _arithmetic(python.sub),
    "*": _arithmetic(python.mul),
    "/": _arithmetic(_divide),
    "%": _arithmetic(_remainder),
    "upcase": _of_text(str.upper),
    "downcase": _of_text(str.lower),
    "int": _to_i,
    "to_i": _to_i,
    "float": _to_f,
    "to_f": _to_f,
}
