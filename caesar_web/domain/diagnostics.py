"""Diagnostics: what surprises people in a condition, told before it is saved."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

from caesar_web.domain import found_diagnostics as found
from caesar_web.domain import key_diagnostics as keys
from caesar_web.domain import operator_diagnostics as operators
from caesar_web.domain.condition_edits import ImpossibleEdit, node_at
from caesar_web.domain.conditions import InvalidCondition, Node
from caesar_web.domain.known import Known
from caesar_web.domain.spots import Finding, Fix, Spot

MOST_DIAGNOSTICS = 100

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Diagnostic:
    """What surprises at one node: `kind` is its row in the table, `path` leads to the node.

    An error fails for some data, or always. Each of `fixes` could stand in the node's place.
    """

    kind: str
    level: Level
    path: tuple[int, ...]
    message: str
    fixes: tuple[Fix, ...] = ()


class Row(NamedTuple):
    """One row of the table: how much it matters, and what finds it at a spot."""

    level: Level
    find: Callable[[Spot], Finding | None]


DIAGNOSTICS: dict[str, Row] = {
    "always_fails": Row("error", operators.always_fails),
    "found_fails": Row("error", found.found_fails),
    "fallback_fails": Row("error", found.fallback_fails),
    "nothing_when_missing": Row("error", found.nothing_when_missing),
    "counts_as_true": Row("warning", operators.counts_as_true),
    "ordered_as_text": Row("warning", operators.ordered_as_text),
    "never_equal": Row("warning", operators.never_equal),
    "true_of_nothing": Row("warning", operators.true_of_nothing),
    "too_few_operands": Row("warning", operators.too_few_operands),
    "read_in_part": Row("warning", found.read_in_part),
    "outside_entry": Row("warning", keys.outside_entry),
    "never_of_users": Row("warning", keys.never_of_users),
    "unknown_key": Row("warning", keys.unknown_key),
    "several_subgroups": Row("warning", keys.several_subgroups),
    "never_seen": Row("note", keys.never_seen),
    "counts_marks": Row("note", keys.counts_marks),
    "rival_answers": Row("note", keys.rival_answers),
    "winner_votes": Row("note", keys.winner_votes),
}


def diagnose(node: Node, known: Known) -> list[Diagnostic]:
    """What surprises in a condition, in its order; of very much the first only."""
    everything = (
        Diagnostic(kind, row.level, spot.path, finding.message, finding.fixes)
        for spot in Spot(node, known).everywhere()
        for kind, row in DIAGNOSTICS.items()
        if (finding := row.find(spot))
    )
    return list(islice(everything, MOST_DIAGNOSTICS))


def refusal(condition: Any, problem: InvalidCondition) -> Diagnostic:
    """Why a condition cannot be read; for a lookup without a fallback, with what to add."""
    try:
        node = node_at(condition, problem.path)
    except (ImpossibleEdit, KeyError, TypeError, IndexError):
        node = None
    fixes: tuple[Fix, ...] = ()
    if isinstance(node, list) and len(node) == 2 and node[0] == "lookup":
        fixes = tuple(
            Fix(f"Use {words} when it is missing", [*node, value]) for words, value in _ADDED
        )
    advice = " Add a default for when it is missing." if fixes else ""
    return Diagnostic("refused", "error", problem.path, f"{problem.message}.{advice}", fixes)


_ADDED = (("0", 0), ("empty text", ""))
