"""References: which reductions and metadata a condition looks at, and renaming them in it."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from caesar_web.domain.conditions import SHAPES, Node
from caesar_web.domain.known import Known

_SUBJECT = "subject."


class LookupKey(NamedTuple):
    """A lookup's key in its parts; `reducer` is None for what a subject itself has."""

    reducer: str | None
    subgroup: str | None
    field: str


def split_key(key: str, reducers: Collection[str] = ()) -> LookupKey:
    """The parts of a key, with the same meaning as in a scope; `reducers` are those that exist."""
    if key.startswith(_SUBJECT):
        return LookupKey(None, None, key.removeprefix(_SUBJECT))
    reducer, _, field = key.partition(".")
    opened = key.find("[")
    if reducer not in reducers and opened > 0:
        for closed in (at for at, character in enumerate(key) if character == "]"):
            rest = key[closed + 1 :]
            if closed > opened and (not rest or rest[0] == "."):
                return LookupKey(key[:opened], key[opened + 1 : closed], rest[1:])
    return LookupKey(reducer, None, field)


def references(node: Node) -> set[str]:
    """The keys that a condition looks up, and those whose entries it goes through."""
    if node.operator == "lookup":
        return {node.arguments[0]}
    if node.operator in ("any", "all"):  # inside, there are only the key and value of an entry
        return {node.arguments[0]}
    return set().union(*map(references, node.operands))


def stale(keys: Iterable[str], known: Known) -> set[str]:
    """Those keys whose reducer is not, or no longer, configured."""
    if known.reducers is None:
        return set()
    named = {key: split_key(key, known.reducers).reducer for key in keys}
    return {key for key, name in named.items() if name is not None and name not in known.reducers}


def missing_extractors(known: Known) -> dict[str, set[str]]:
    """For each reducer that looks at extractors which are not configured: their keys."""
    if known.reducers is None or known.extractors is None:
        return {}
    missing = {key: one.extractor_keys - known.extractors for key, one in known.reducers.items()}
    return {key: set(absent) for key, absent in missing.items() if absent}


def renamed(condition: list[Any], old: str, new: str) -> list[Any]:
    """A condition's JSON with another name for a reducer, and otherwise as it was written."""
    operator, *rest = condition
    if operator in ("lookup", "any", "all"):
        return [operator, _renamed_key(rest[0], old, new), *rest[1:]]
    count = SHAPES[operator].arguments
    operands = [renamed(operand, old, new) for operand in rest[count:]]
    return [operator, *rest[:count], *operands]


def _renamed_key(key: str, old: str, new: str) -> str:
    return new + key.removeprefix(old) if split_key(key).reducer == old else key
