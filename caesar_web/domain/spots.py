"""A spot: a node in its place in a condition, with what its value may be there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from caesar_web.domain.certainty import Certain, certain
from caesar_web.domain.conditions import SHAPES, Node, write
from caesar_web.domain.evaluation import EvaluationError, evaluate
from caesar_web.domain.known import Known, KnownReducer, Seen
from caesar_web.domain.references import LookupKey, split_key
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.values import kind_of

ORDERINGS = frozenset({"lt", "lte", "gt", "gte"})
CALCULATIONS = frozenset("+-*/%")
NUMBER_CASTS = frozenset({"int", "to_i", "float", "to_f"})
LETTER_CASTS = frozenset({"upcase", "downcase"})
CLAUSES = frozenset({"and", "or", "not", "any", "all"})
NUMBER, TEXT, TRUTH = kind_of(0), kind_of(""), kind_of(True)

Kinds = frozenset[str]
_NO_DATA = ReductionScope({})
_KINDS: dict[str, Kinds] = {
    **dict.fromkeys(CALCULATIONS | NUMBER_CASTS, frozenset({NUMBER})),
    **dict.fromkeys(LETTER_CASTS, frozenset({TEXT})),
    **dict.fromkeys(ORDERINGS | CLAUSES | {"eq"}, frozenset({TRUTH})),
}


class Fix(NamedTuple):
    """What could stand in a node's place instead, as JSON, and what the button says."""

    label: str
    node: list[Any]


class Finding(NamedTuple):
    """What surprises at a spot, in plain words, and what could stand there instead."""

    message: str
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Spot:
    """A node where it stands: the node around it, and whether it sees only one entry."""

    node: Node
    known: Known
    path: tuple[int, ...] = ()
    parent: "Spot | None" = None
    in_entry: bool = False

    @property
    def operator(self) -> str:
        return self.node.operator

    @property
    def key(self) -> str:
        """What a lookup looks up, or any and all go through."""
        key: str = self.node.arguments[0]
        return key

    @property
    def split_key(self) -> LookupKey:
        return split_key(self.key, self.known.reducers or ())

    @property
    def reducer(self) -> KnownReducer | None:
        """The reducer that is looked at, where it is known."""
        name = self.split_key.reducer
        return None if name is None else (self.known.reducers or {}).get(name)

    @property
    def seen(self) -> Seen | None:
        """What a lookup found in the sample."""
        if self.operator != "lookup" or self.in_entry:
            return None
        return self.known.seen.get(self.key)

    @property
    def operands(self) -> list["Spot"]:
        return [self._operand(at) for at in range(len(self.node.operands))]

    def _operand(self, at: int) -> "Spot":
        path = (*self.path, 1 + SHAPES[self.operator].arguments + at)
        in_entry = self.in_entry or self.operator in ("any", "all")
        return Spot(self.node.operands[at], self.known, path, self, in_entry)

    def beside(self) -> "list[Spot]":
        """The neighbours among the operands of the node around it."""
        if self.parent is None:
            return []
        at = self.path[-1] - 1 - SHAPES[self.parent.operator].arguments
        last = len(self.parent.node.operands) - 1
        return [self.parent._operand(one) for one in (at - 1, at + 1) if 0 <= one <= last]

    @property
    def kinds(self) -> Kinds:
        """The kinds of value that it has, for a lookup where it finds one; none: not known."""
        if self.operator == "const":
            return frozenset({kind_of(self.node.arguments[0])})
        if self.operator != "lookup":
            return _KINDS[self.operator]
        if self.in_entry:
            return self._kinds_in_entry()
        if self.seen:
            return frozenset(self.seen.kinds)
        configured = self.reducer.kind(self.split_key.field) if self.reducer else None
        return frozenset({configured} if configured else ())

    def _kinds_in_entry(self) -> Kinds:
        if self.key == "value":
            return frozenset()
        return frozenset({TEXT if self.key == "key" else kind_of(self.node.arguments[1])})

    @property
    def likely_kinds(self) -> Kinds:
        """The same, where nothing is known of a lookup going by what stands for it."""
        return self.kinds or frozenset({kind_of(self.node.arguments[1])})

    def everywhere(self) -> Iterator["Spot"]:
        """This spot and all below it, in the order of the condition."""
        yield self
        for operand in self.operands:
            yield from operand.everywhere()

    def typical(self) -> Certain | None:
        """A value that behaves in a calculation or an order as all that it can have."""
        known = certain(self.node)
        if known:
            return None if known.error else known
        if self.kinds == {TRUTH}:
            return Certain(True)
        return Certain(1) if self.kinds == {NUMBER} else None

    def with_key(self, key: str) -> list[Any]:
        """Its JSON with another key."""
        return [self.operator, key, *write(self.node)[2:]]


def fails(operator: str, *values: Any) -> bool:
    """Whether an operator has no value for these."""
    try:
        evaluate(Node(operator, (), tuple(Node("const", (value,)) for value in values)), _NO_DATA)
    except EvaluationError:
        return True
    return False
