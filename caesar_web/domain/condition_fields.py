"""A condition as the fields of a form: each node's kind, key and typed values, and back."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caesar_web.domain.condition_edits import ImpossibleEdit, JSONNode, changed
from caesar_web.domain.conditions import SHAPES, InvalidCondition, parse
from caesar_web.domain.values import is_number

Path = tuple[int, ...]

TYPES = {
    "text": "text",
    "number": "number",
    "truth": "true or false",
    "nothing": "nothing",
    "json": "list or object (JSON)",
}
WHEN_MISSING = "missing"

_EXAMPLES = {"number": "0", "truth": "true", "json": "[]"}
_LEAVES = ("const", "lookup")
_UNFIT = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")  # what the field of a page may not keep


class Typed(NamedTuple):
    """A value as its two fields: one of TYPES, and the text."""

    type: str
    text: str


@dataclass(frozen=True)
class Loss:
    """What another kind would have no place for; the condition is as it was, until told to."""

    path: Path
    kind: str
    lost: tuple[Any, ...]


@dataclass(frozen=True)
class Applied:
    """A condition with what was typed; `problems` are by the names of fields."""

    condition: JSONNode
    problems: dict[str, str] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)


def name_of(path: Path, aspect: str = "") -> str:
    """The name of a node's field; without an aspect, of the node."""
    name = "c" + "".join(f".{index}" for index in path)
    return f"{name}:{aspect}" if aspect else name


def typed(value: Any) -> Typed:
    """A value as it stands in its fields."""
    if value is None:
        return Typed("nothing", "")
    if isinstance(value, bool):
        return Typed("truth", json.dumps(value))
    if isinstance(value, str) and not _UNFIT.search(value):
        return Typed("text", value)
    return Typed("number" if is_number(value) else "json", json.dumps(value, ensure_ascii=False))


def value_of(given: Typed) -> Any:
    """The value that two fields stand for. Raises ValueError with a sentence for people."""
    if given.type == "nothing":
        return None
    if given.type == "text":
        return given.text
    text = given.text.strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = ...
    if given.type == "number" and not is_number(value):
        raise ValueError(f"“{text:.40}” is not a number. For text, choose the type text.")
    if given.type == "truth" and not isinstance(value, bool):
        raise ValueError("Choose true or false.")
    if value is ...:
        raise ValueError("This is not JSON.")
    return value


def fields(condition: JSONNode) -> dict[str, str]:
    """The fields of a whole condition, as its form has them."""
    return dict(_fields(condition, ()))


def _fields(node: JSONNode, path: Path) -> Iterator[tuple[str, str]]:
    yield name_of(path, "kind"), node[0]
    if node[0] == "const":
        yield from _typed_fields(node[1], name_of(path, "value"))
    elif SHAPES[node[0]].arguments:
        yield name_of(path, "key"), node[1]
    if node[0] == "lookup":
        yield from _typed_fields(node[2], name_of(path, WHEN_MISSING))
    for at, operand in operands(node):
        yield from _fields(operand, (*path, at))


def _typed_fields(value: Any, name: str) -> Iterator[tuple[str, str]]:
    yield f"{name}-type", typed(value).type
    yield name, typed(value).text


def operands(node: JSONNode) -> list[tuple[int, JSONNode]]:
    """The operands of a node, each with its index."""
    first = 1 + SHAPES[node[0]].arguments
    return list(enumerate(node[first:], start=first))


def applied(
    condition: JSONNode, given: Mapping[str, str], arguments: Mapping[str, list[Any]]
) -> Applied:
    """The condition with its fields as they are given; what is not given stays.

    A node that nobody touched is the very same list, so that its text can stay. `arguments` are
    those of a node that becomes another kind.
    """
    result = Applied(condition)
    edited = _applied(condition, (), given, arguments, result)
    try:
        parse(edited)
    except InvalidCondition as problem:
        result.problems.setdefault(name_of(problem.path[:-1], "value"), problem.message)
        edited = condition
    return Applied(edited, result.problems, result.losses)


def _applied(
    node: JSONNode,
    path: Path,
    given: Mapping[str, str],
    arguments: Mapping[str, list[Any]],
    result: Applied,
) -> JSONNode:
    inner = [
        _applied(operand, (*path, at), given, arguments, result) for at, operand in operands(node)
    ]
    own = _arguments(node, path, given, result.problems)
    untouched = all(map(_is, own, node[1:])) and all(map(_is, inner, node[1 + len(own) :]))
    edited = node if untouched else [node[0], *own, *inner]
    kind = given.get(name_of(path, "kind"), node[0])
    if kind == node[0]:
        return edited
    try:
        turned, lost = changed(edited, (), kind, arguments=arguments.get(kind, ()))
    except ImpossibleEdit as problem:
        result.problems[name_of(path, "kind")] = f"This cannot become that: {problem}."
        return edited
    if lost and not (kind in _LEAVES and node[0] in _LEAVES):
        result.losses.append(Loss(path, kind, lost))
        return edited
    return turned


def _arguments(
    node: JSONNode, path: Path, given: Mapping[str, str], problems: dict[str, str]
) -> list[Any]:
    """The plain arguments of a node, those that nobody touched the very same."""
    if node[0] == "const":
        return [_value(node[1], name_of(path, "value"), given, problems)]
    if not SHAPES[node[0]].arguments:
        return []
    name = name_of(path, "key")
    key = given.get(name, node[1])
    if not key:
        problems[name] = "Say what to look up."
        key = node[1]
    own = [node[1] if key == node[1] else key]
    if node[0] == "lookup":
        own.append(_value(node[2], name_of(path, WHEN_MISSING), given, problems))
    return own


def _value(old: Any, name: str, given: Mapping[str, str], problems: dict[str, str]) -> Any:
    before = typed(old)
    now = Typed(given.get(f"{name}-type", before.type), given.get(name, before.text))
    if now == before:
        return old
    try:
        return value_of(_as_of_new_type(now, before))
    except ValueError as problem:
        problems[name] = str(problem)
        return old


def _as_of_new_type(now: Typed, before: Typed) -> Typed:
    """With a text that the new type can have, where only the type has been changed."""
    if now.type == before.type or now.text != before.text or now.type not in _EXAMPLES:
        return now
    try:
        fits = typed(value_of(now)).type == now.type
    except ValueError:
        fits = False
    return now if fits else Typed(now.type, _EXAMPLES[now.type])


def _is(one: Any, other: Any) -> bool:
    return one is other
