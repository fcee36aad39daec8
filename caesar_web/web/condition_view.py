"""A condition as its page shows it: every node with its fields, its buttons, and what is found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from types import MappingProxyType
from typing import Any, NamedTuple

from caesar_web.domain.condition_commands import command
from caesar_web.domain.condition_edits import JSONNode, node_at
from caesar_web.domain.condition_fields import TYPES, WHEN_MISSING, Typed, name_of, operands, typed
from caesar_web.domain.conditions import SHAPES, parse
from caesar_web.domain.diagnostics import Diagnostic
from caesar_web.domain.known import Known, Seen
from caesar_web.domain.pieces import sentence, valued
from caesar_web.domain.reading import WORDS, read_condition
from caesar_web.domain.spots import CALCULATIONS, LETTER_CASTS, NUMBER_CASTS, ORDERINGS
from caesar_web.domain.values import is_number

MOST_NODES = 200  # of a condition that is shown in fields
LONGEST_NAME = 160
MOST_VALUES = 3
MOST_OFFERED = 20
NO_ANSWERS: Mapping[str, str] = MappingProxyType({})
PREFERRED = ("gte", "lte", "gt", "lt", "eq")

KINDS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Groups", {"and": "all of", "or": "any of", "not": "not"}),
    ("Each answer", {"any": "for any answer in", "all": "for every answer in"}),
    ("Comparisons", {kind: WORDS[kind].words for kind in PREFERRED}),
    ("Values", {"lookup": "the value of", "const": "the constant"}),
    ("Calculations", {kind: f"calculate: {WORDS[kind].words}" for kind in "+-*/%"}),
    (
        "Conversions",
        {
            "to_f": "as a number",
            "to_i": "as a whole number",
            "float": "as a number (float)",
            "int": "as a whole number (int)",
            "upcase": "in capitals",
            "downcase": "in small letters",
        },
    ),
)
GROUPS = ("and", "or")


class Button(NamedTuple):
    """A button of a node: its sign, its whole name, and what it asks for."""

    sign: str
    label: str
    command: str


class Fix(NamedTuple):
    """A button that puts something else in a node's place."""

    label: str
    command: str


class Finding(NamedTuple):
    """What is found at a node: how much it matters, what it is, and what mends it."""

    level: str
    message: str
    fixes: tuple[Fix, ...]


@dataclass(frozen=True)
class Field:
    """A value in its two fields, as it is or as somebody typed it, and what is wrong with it."""

    name: str
    value: Typed
    problem: str | None = None


@dataclass(frozen=True)
class Part:
    """A node: `kind` is its operator, `sort` how it looks, `legend` where it stands."""

    name: str
    kind: str
    sort: str
    legend: str
    reading: str
    parts: tuple["Part", ...]
    buttons: tuple[Button, ...]
    adding: tuple[Button, ...]
    findings: tuple[Finding, ...]
    key: str | None = None
    value: Field | None = None
    missing: Field | None = None
    hint: str = ""
    in_entry: bool = False
    problems: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """What the parts of one condition have in common."""

    condition: JSONNode
    known: Known
    given: Mapping[str, str]
    problems: Mapping[str, str]
    diagnostics: Sequence[Diagnostic]


def shown(view: View) -> Part | None:
    """The whole condition as it is shown; None where it is too large for that."""
    if sum(1 for _ in _nodes(view.condition)) > MOST_NODES:
        return None
    return _part(view, (), "The condition", in_entry=False)


def suggestions(known: Known, answers: Mapping[str, str] = NO_ANSWERS) -> dict[str, str]:
    """The keys that can be looked up, each with the answer that it stands for and what is known."""
    found = {key: coverage(seen, known) for key, seen in known.seen.items()}
    for key, label in answers.items():
        found[key] = f"{label}; {found.get(key, 'nothing yet')}"
    for key, reducer in (known.reducers or {}).items():
        for field in sorted(reducer.fields or ()):
            found.setdefault(f"{key}.{field}" if field else key, "nothing yet")
    return dict(sorted(found.items()))


def coverage(seen: Seen, known: Known) -> str:
    """The type, in how many it is, and some of its values, in words."""
    kinds = " or ".join(sorted(seen.kinds))
    values = ", ".join(sentence(valued(value)) for value, _ in seen.values[:MOST_VALUES])
    words = f"{kinds} in {seen.count} of {known.sampled} {known.targets}"
    numbers = sorted(
        value for value, count in seen.values if is_number(value) for _ in range(count)
    )
    if len(set(numbers)) > MOST_VALUES:
        least, most, middle = map(_short, (numbers[0], numbers[-1], median_low(numbers)))
        return f"{words}: {least} to {most}, half up to {middle}"
    return f"{words}: {values}" if values else words


def _short(number: float) -> float:
    return number if isinstance(number, int) else float(f"{number:.4g}")


def usual_values(known: Known, node: JSONNode) -> tuple[str, ...]:
    """What a constant is usually compared with: the values of the lookup beside it."""
    keys = [one[1] for _, one in operands(node) if one[0] == "lookup"]
    seen = known.seen.get(keys[0]) if len(keys) == 1 else None
    values = [typed(value).text for value, _ in seen.values] if seen else []
    return tuple(sorted(values[:MOST_OFFERED]))


def _nodes(node: JSONNode) -> Iterator[JSONNode]:
    yield node
    for _, operand in operands(node):
        yield from _nodes(operand)


def _part(view: View, path: tuple[int, ...], legend: str, *, in_entry: bool) -> Part:
    node = node_at(view.condition, path)
    kind, name = node[0], name_of(path)
    below = operands(node)
    inner = in_entry or kind in ("any", "all")
    reading = shorten(read_condition(parse(node), in_entry=in_entry))
    return Part(
        name=name,
        kind=kind,
        sort=_sort(kind),
        legend=legend,
        reading=reading,
        parts=tuple(
            _part(view, (*path, at), _legend(kind, order, len(below)), in_entry=inner)
            for order, (at, _) in enumerate(below, start=1)
        ),
        buttons=tuple(_buttons(view.condition, path, reading)),
        adding=tuple(_adding(kind, path, reading)),
        findings=tuple(_findings(view.diagnostics, path)),
        key=node[1] if kind in ("lookup", "any", "all") else None,
        value=_field(view, name_of(path, "value"), node[1]) if kind == "const" else None,
        missing=_field(view, name_of(path, WHEN_MISSING), node[2]) if kind == "lookup" else None,
        hint=_hint(view.known, node[1]) if kind == "lookup" and not in_entry else "",
        in_entry=inner,
        problems=_problems_of(view.problems, path),
        usual=usual_values(view.known, node) if not inner else (),
    )


def shorten(words: str) -> str:
    """What names a part on its buttons; each of its parts has its own."""
    return words if len(words) <= LONGEST_NAME else f"{words[:LONGEST_NAME]}…"


def _sort(kind: str) -> str:
    if kind in GROUPS:
        return "group"
    if kind in ORDERINGS or kind == "eq":
        return "comparison"
    if kind in CALCULATIONS:
        return "calculation"
    if kind in NUMBER_CASTS | LETTER_CASTS:
        return "conversion"
    return {"any": "entries", "all": "entries"}.get(kind, kind)


def _legend(kind: str, order: int, of: int) -> str:
    if kind in GROUPS:
        return f"Condition {order} of {of} in “{'all' if kind == 'and' else 'any'} of”"
    return f"Value {order} of {of}" if of > 1 else "What it is about"


def _buttons(condition: JSONNode, path: tuple[int, ...], reading: str) -> Iterator[Button]:
    if not path:
        yield from _changing(condition, path, reading)
        return
    parent = node_at(condition, path[:-1])
    first = 1 + SHAPES[parent[0]].arguments
    if path[-1] > first:
        yield Button("↑", f"Move up: {reading}", command("up", path))
    if path[-1] < len(parent) - 1:
        yield Button("↓", f"Move down: {reading}", command("down", path))
    if len(parent) - first > SHAPES[parent[0]].fewest:
        yield Button("✕", f"Remove: {reading}", command("remove", path))
    if SHAPES[parent[0]].most is None:
        yield Button("duplicate", f"Duplicate: {reading}", command("copy", path))
    if parent[0] in (*GROUPS, "not", "any", "all"):
        yield from _changing(condition, path, reading)


def _changing(condition: JSONNode, path: tuple[int, ...], reading: str) -> Iterator[Button]:
    """For what is a condition of its own."""
    node = node_at(condition, path)
    denied = "no “not”" if node[0] == "not" else "not"
    yield Button(denied, f"{denied.capitalize()}: {reading}", command("not", path))
    for kind in GROUPS:
        words = "all of" if kind == "and" else "any of"
        yield Button(f"into “{words}”", f"Into “{words}”: {reading}", command("wrap", path, kind))
    in_group = bool(path) and node_at(condition, path[:-1])[0] in GROUPS
    if node[0] in GROUPS and len(node) > 1 and (in_group or len(node) == 2):
        yield Button("without the group", f"Without the group: {reading}", command("unwrap", path))


def _adding(kind: str, path: tuple[int, ...], reading: str) -> Iterator[Button]:
    sort = _sort(kind)
    if sort == "group":
        for what in ("condition", "group"):
            yield Button(f"+ {what}", f"Add a {what} to: {reading}", command("add", path, what))
    if sort in ("comparison", "calculation"):
        yield Button("+ value", f"Add a value to: {reading}", command("add", path, "value"))


def _findings(diagnostics: Iterable[Diagnostic], path: tuple[int, ...]) -> Iterator[Finding]:
    for one in diagnostics:
        if one.path == path:
            fixes = (Fix(fix.label, command("put", path, _json(fix.node))) for fix in one.fixes)
            yield Finding(one.level, one.message, tuple(fixes))


def _json(node: Any) -> str:
    return typed([node]).text[1:-1]


def _field(view: View, name: str, value: Any) -> Field:
    """As it was typed, where that was refused."""
    problem = view.problems.get(name)
    if problem is None:
        return Field(name, typed(value))
    kind = view.given.get(f"{name}-type", "")
    given = Typed(kind if kind in TYPES else "text", view.given.get(name, ""))
    return Field(name, given, problem)


def _problems_of(problems: Mapping[str, str], path: tuple[int, ...]) -> tuple[str, ...]:
    names = (name_of(path, aspect) for aspect in ("kind", "key"))
    return tuple(problems[name] for name in names if name in problems)


def _hint(known: Known, key: str) -> str:
    seen = known.seen.get(key)
    if seen:
        return coverage(seen, known)
    return f"nothing in the latest {known.sampled} {known.targets}" if known.sampled else ""
