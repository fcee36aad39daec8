"""Edits of a condition's JSON: each gives another one, in which all the rest is as written."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from caesar_web.domain.conditions import SHAPES, Shape
from caesar_web.domain.values import DomainError

JSONNode = list[Any]
Path = Sequence[int]


class ImpossibleEdit(DomainError):
    """An edit that would not leave a condition; the text is for people."""


class Changed(NamedTuple):
    """A condition after a change of kind, and what did not fit the new kind, as it was written."""

    condition: JSONNode
    lost: tuple[Any, ...]


def node_at(condition: JSONNode, path: Path) -> JSONNode:
    """The node to which a path leads. Raises ImpossibleEdit, as all others here."""
    node = condition
    for index in path:
        if not 1 + _shape(node).arguments <= index < len(node):
            raise ImpossibleEdit("there is no such part of the condition")
        node = node[index]
    return node


def replaced(condition: JSONNode, path: Path, node: JSONNode) -> JSONNode:
    """With this node in place of the one there."""
    return _spliced(condition, path, [node])


def wrapped(condition: JSONNode, path: Path, operator: str) -> JSONNode:
    """With the node as the operand of a new one, such as `and` (all of) or `or` (any of)."""
    if operator not in SHAPES or SHAPES[operator].arguments:
        raise ImpossibleEdit(f"nothing can be wrapped in {operator}")
    return replaced(condition, path, [operator, node_at(condition, path)])


def unwrapped(condition: JSONNode, path: Path) -> JSONNode:
    """With the node's operands in its place: one anywhere, several only in a group."""
    node = node_at(condition, path)
    operands = _operands(node)
    if _shape(node).arguments or not operands:
        raise ImpossibleEdit("there is nothing in it to keep")
    if len(operands) > 1 and not _is_in_group(condition, path):
        raise ImpossibleEdit("it has several parts, and there is room for one")
    return _spliced(condition, path, operands)


def duplicated(condition: JSONNode, path: Path) -> JSONNode:
    """With a copy of the node after it."""
    node = node_at(condition, path)
    if not path or _shape(node_at(condition, path[:-1])).most is not None:
        raise ImpossibleEdit("there is room for one only")
    return _spliced(condition, path, [node, deepcopy(node)])


def negated(condition: JSONNode, path: Path) -> JSONNode:
    """With `not` around the node, or taken away where it is one."""
    node = node_at(condition, path)
    return replaced(condition, path, node[1] if node[0] == "not" else ["not", node])


def removed(condition: JSONNode, path: Path) -> JSONNode:
    """Without the node."""
    node_at(condition, path)
    if not path:
        raise ImpossibleEdit("a condition cannot be empty")
    parent = node_at(condition, path[:-1])
    if len(_operands(parent)) <= _shape(parent).fewest:
        raise ImpossibleEdit(f"{parent[0]} {_shape(parent).usage}")
    return _spliced(condition, path, [])


def inserted(condition: JSONNode, path: Path, node: JSONNode) -> JSONNode:
    """With a new node at a place among operands; what stands there follows it."""
    if not path:
        raise ImpossibleEdit("there is room for one only")
    parent, index = node_at(condition, path[:-1]), path[-1]
    shape = _shape(parent)
    if shape.most is not None or not 1 + shape.arguments <= index <= len(parent):
        raise ImpossibleEdit("there is no room for it")
    return replaced(condition, path[:-1], [*parent[:index], node, *parent[index:]])


def moved(condition: JSONNode, path: Path, step: int) -> JSONNode:
    """With the node and its neighbour in each other's place: -1 is up, 1 is down."""
    if not path or step not in (-1, 1):
        raise ImpossibleEdit("it cannot move there")
    index = path[-1]
    here, there = (node_at(condition, [*path[:-1], at]) for at in (index, index + step))
    exchanged = replaced(condition, path, there)
    return replaced(exchanged, [*path[:-1], index + step], here)


def changed(
    condition: JSONNode, path: Path, operator: str, *, arguments: Sequence[Any] = ()
) -> Changed:
    """With another operator for the node, which keeps the arguments and operands that fit.

    `arguments` are for an operator that needs other ones than the node has. A constant or lookup
    becomes the first operand where the new kind has operands.
    """
    if operator not in SHAPES:
        raise ImpossibleEdit(f"{operator!r:.60} is no operator")
    node, shape = node_at(condition, path), SHAPES[operator]
    kept = _kept_arguments(node, operator) or list(arguments)
    if len(kept) != shape.arguments:
        raise ImpossibleEdit(f"{operator} {shape.usage}")
    is_leaf = _shape(node).most == 0
    takes_leaf = is_leaf and shape.most != 0
    operands = [node] if takes_leaf else _operands(node)
    fitting = operands[: shape.most]
    if len(fitting) < shape.fewest:
        raise ImpossibleEdit(f"{operator} {shape.usage}")
    old = [] if takes_leaf else node[1 : 1 + _shape(node).arguments]
    lost = old[len(_kept_arguments(node, operator)) :] + operands[len(fitting) :]
    return Changed(replaced(condition, path, [operator, *kept, *fitting]), tuple(lost))


def _kept_arguments(node: JSONNode, operator: str) -> list[Any]:
    """Kinds with the same arguments keep them all; from a lookup, any and all take nothing."""
    is_same_sort = {node[0], operator} <= {"any", "all"} or node[0] == operator
    return list(node[1 : 1 + _shape(node).arguments]) if is_same_sort else []


def _shape(node: JSONNode) -> Shape:
    return SHAPES[node[0]]


def _operands(node: JSONNode) -> list[JSONNode]:
    return node[1 + _shape(node).arguments :]


def _is_in_group(condition: JSONNode, path: Path) -> bool:
    return bool(path) and node_at(condition, path[:-1])[0] in ("and", "or")


def _spliced(condition: JSONNode, path: Path, nodes: list[JSONNode]) -> JSONNode:
    """With these nodes in place of the one there."""
    node_at(condition, path)
    if not path:
        (only,) = nodes
        return only
    index = path[0]
    if len(path) == 1:
        return [*condition[:index], *nodes, *condition[index + 1 :]]
    inner = _spliced(condition[index], path[1:], nodes)
    return [*condition[:index], inner, *condition[index + 1 :]]
