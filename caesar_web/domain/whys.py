"""Why a condition came to its value: every node with what it says, also those not reached."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Literal

from caesar_web.domain.conditions import Node
from caesar_web.domain.evaluation import holds, trace, trace_as_json
from caesar_web.domain.pieces import sentence, valued
from caesar_web.domain.reading import read_condition
from caesar_web.domain.scope import Scope
from caesar_web.domain.spots import CALCULATIONS, CLAUSES, NUMBER_CASTS, ORDERINGS

LONGEST_VALUE = 200

Mark = Literal["yes", "no", "error", "value", "not reached"]

_ANSWERS = ORDERINGS | CLAUSES | {"eq"}  # what they come to is always yes or no
_NUMBERS = CALCULATIONS | NUMBER_CASTS


@dataclass(frozen=True)
class Why:
    """A node of a condition in words, and what it came to.

    `mark` is yes or no where it matters only whether the node holds. `entry` is the key of the
    entry that it was evaluated for, right inside any and all.
    """

    words: str
    value: str = ""
    mark: Mark = "not reached"
    used_fallback: bool = False
    error: str | None = None
    steps: tuple["Why", ...] = ()
    entry: str | None = None


def explained(condition: Node, scope: Scope) -> Why:
    """Why a condition comes to its value for one subject or user."""
    return from_json(condition, trace_as_json(trace(condition, scope)))


def from_json(condition: Node, trace_json: Any) -> Why:
    """The same from a stored trace; what in it does not fit the condition was not reached."""
    return _why(condition, trace_json, is_clause=True, in_entry=False)


def _why(node: Node, step: Any, *, is_clause: bool, in_entry: bool) -> Why:
    words = read_condition(node, in_entry=in_entry)
    reached = _fitting(node, step)
    inner_clause = node.operator in CLAUSES
    inner_entry = in_entry or node.operator in ("any", "all")
    steps = tuple(
        _why(operand, inner, is_clause=inner_clause, in_entry=inner_entry)
        for operand, inner in _operands(node, reached)
    )
    if reached is None:
        return Why(words, steps=steps)
    error, entry = _text(reached.get("error")), _text(reached.get("entry"))
    if error is not None:
        return Why(words, "", "error", reached.get("used_fallback") is True, error, steps, entry)
    value = reached.get("value")
    answers = is_clause or node.operator in _ANSWERS
    mark: Mark = ("yes" if holds(value) else "no") if answers else "value"
    shown = _shown(node, value)
    return Why(words, shown, mark, reached.get("used_fallback") is True, None, steps, entry)


def _fitting(node: Node, step: Any) -> dict[str, Any] | None:
    """The step, where it is one of this node."""
    fits = (
        isinstance(step, dict)
        and step.get("operator") == node.operator
        and step.get("arguments", []) == list(node.arguments)
        and ("value" in step or "error" in step)
    )
    return step if fits else None


def _operands(node: Node, reached: dict[str, Any] | None) -> Iterator[tuple[Node, Any]]:
    """Each operand with its step, and for any and all one for each entry that was reached."""
    given = (reached or {}).get("steps")
    steps = given if isinstance(given, list) else []
    if node.operator in ("any", "all"):
        return zip(repeat(node.operands[0]), steps or [None], strict=False)
    padded: Iterable[Any] = chain(steps, repeat(None))
    return zip(node.operands, padded, strict=False)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _shown(node: Node, value: Any) -> str:
    if node.operator in _NUMBERS and isinstance(value, str):
        return value  # a number that JSON cannot write, as infinity
    try:
        text = sentence(valued(value))
    except (RecursionError, ValueError):  # deeper or longer than anything that we store
        return "too large to show"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
