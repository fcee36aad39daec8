"""What the buttons of a condition's form do, as texts: verb, path, and what else it takes."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from caesar_web.domain import condition_edits as edits
from caesar_web.domain.condition_edits import ImpossibleEdit, JSONNode
from caesar_web.domain.conditions import SHAPES, InvalidCondition, parse

Path = tuple[int, ...]


class Edited(NamedTuple):
    """A condition after a command: where to go on from there, and what to say of it."""

    condition: JSONNode
    focus: Path
    said: str


def command(verb: str, path: Sequence[int], argument: str = "") -> str:
    """The text of a command, as a button sends it."""
    return ":".join([verb, ".".join(map(str, path)), argument])


def carry_out(condition: JSONNode, text: str, *, new: JSONNode) -> Edited:
    """The condition after a command; `new` is a comparison to begin with.

    Raises ImpossibleEdit, with a sentence for people.
    """
    verb, _, rest = text.partition(":")
    place, _, argument = rest.partition(":")
    try:
        path = tuple(int(index) for index in place.split(".") if index)
        act = _VERBS[verb]
    except (ValueError, KeyError):
        raise ImpossibleEdit("this page does not know that button") from None
    return act(condition, path, argument, new)


Act = Callable[[JSONNode, Path, str, JSONNode], Edited]


def _add(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    """At the end of a group, or as one more value of a comparison or calculation."""
    added = {
        "condition": new,
        "group": [_OTHER.get(edits.node_at(condition, path)[0], "and"), new],
        "value": ["const", 0],
    }.get(argument)
    if added is None:
        raise ImpossibleEdit("this page does not know what to add")
    place = (*path, len(edits.node_at(condition, path)))
    return Edited(edits.inserted(condition, place, added), place, f"Added a {argument}.")


def _remove(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    left = edits.removed(condition, path)
    has_next = path[-1] < len(edits.node_at(left, path[:-1]))
    return Edited(left, path if has_next else path[:-1], "Removed.")


def _move(step: int) -> Act:
    def act(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
        moved = edits.moved(condition, path, step)
        parent = edits.node_at(moved, path[:-1])
        before = SHAPES[parent[0]].arguments
        at = path[-1] + step
        said = f"Moved to {at - before} of {len(parent) - 1 - before}."
        return Edited(moved, (*path[:-1], at), said)

    return act


def _copy(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    following = (*path[:-1], path[-1] + 1) if path else ()
    return Edited(edits.duplicated(condition, path), following, "Duplicated.")


def _negate(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    was = edits.node_at(condition, path)[0] == "not"
    return Edited(edits.negated(condition, path), path, "No longer “not”." if was else "Now “not”.")


def _wrap(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    return Edited(edits.wrapped(condition, path, argument), path, "Put into a group.")


def _unwrap(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    return Edited(edits.unwrapped(condition, path), path, "Taken out of its group.")


def _change(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    """Another kind, whatever that loses: the page has said what."""
    changed, _ = edits.changed(condition, path, argument, arguments=_arguments_of(argument, new))
    return Edited(changed, path, "Changed.")


def _put(condition: JSONNode, path: Path, argument: str, new: JSONNode) -> Edited:
    """What a fix or a near miss offers in a node's place."""
    try:
        node = json.loads(argument)
        parse(node)
    except (ValueError, RecursionError, InvalidCondition):
        raise ImpossibleEdit("what this button offers cannot be read") from None
    return Edited(edits.replaced(condition, path, node), path, "Changed.")


def default_arguments(new: JSONNode) -> dict[str, list[Any]]:
    """What a node has that becomes another kind, after the example of a new comparison."""
    return {kind: _arguments_of(kind, new) for kind in SHAPES if SHAPES[kind].arguments}


def _arguments_of(kind: str, new: JSONNode) -> list[Any]:
    (_, key, fallback) = new[1]
    examples = {"const": [0], "lookup": [key, fallback]}
    reducer = key.partition(".")[0]
    return examples.get(kind, [reducer] if SHAPES.get(kind, SHAPES["and"]).arguments else [])


_OTHER = {"and": "or", "or": "and"}
_VERBS: dict[str, Act] = {
    "add": _add,
    "remove": _remove,
    "up": _move(-1),
    "down": _move(1),
    "copy": _copy,
    "not": _negate,
    "wrap": _wrap,
    "unwrap": _unwrap,
    "change": _change,
    "put": _put,
}
