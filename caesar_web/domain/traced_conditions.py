"""The condition that a stored trace is of, as far as it was reached: its rule may be gone."""

from typing import Any

from caesar_web.domain.conditions import SHAPES, Node
from caesar_web.domain.values import DEPTH_LIMIT


def condition_of(trace_json: Any) -> Node | None:
    """The nodes that were reached; None where that is no condition that can be read."""
    return _node(trace_json, DEPTH_LIMIT)


def _node(step: Any, deepest: int) -> Node | None:
    if not isinstance(step, dict) or not deepest:
        return None
    operator, arguments = step.get("operator"), step.get("arguments", [])
    shape = SHAPES.get(operator) if isinstance(operator, str) else None
    if shape is None or not isinstance(arguments, list) or len(arguments) != shape.arguments:
        return None
    if operator in ("lookup", "any", "all") and not isinstance(arguments[0], str):
        return None
    given = step.get("steps", [])
    steps = given if isinstance(given, list) else []
    nodes = [_node(inner, deepest - 1) for inner in steps[: shape.most]]
    operands = tuple(node for node in nodes if node is not None)
    if len(operands) < max(shape.fewest, len(nodes)):
        return None
    return Node(str(operator), tuple(arguments), operands)
