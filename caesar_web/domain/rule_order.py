"""Rules beside each other: those that can never run, and those that only stop others."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from caesar_web.domain.certainty import certain
from caesar_web.domain.conditions import Node, write
from caesar_web.domain.evaluation import holds
from caesar_web.domain.rules import Rule


class RuleDiagnostic(NamedTuple):
    """What surprises in the order of rules; `position` counts from 0."""

    position: int
    kind: str
    message: str
    level: str = "warning"


def unused_rules(rules: Sequence[Rule], rules_applied: str) -> list[RuleDiagnostic]:
    """The rules that certainly never run, or that do nothing but stop those after them."""
    if rules_applied == "no_rules":
        return []
    found = [_unused(rules, position, rules_applied) for position in range(len(rules))]
    return [diagnostic for diagnostic in found if diagnostic]


def _unused(rules: Sequence[Rule], position: int, rules_applied: str) -> RuleDiagnostic | None:
    rule, name = rules[position], f"R{position + 1}"
    if not _can_hold(rule.condition):
        return RuleDiagnostic(position, "never_matches", f"{name} can never run: it never matches.")
    if rules_applied != "first_matching_rule":
        return None
    for at, earlier in enumerate(rules[:position], start=1):
        if _always_holds(earlier.condition):
            return _shadowed(position, f"R{at} always matches first")
        if _as_written(earlier.condition) == _as_written(rule.condition):
            return _shadowed(position, f"R{at} has the same condition and comes first")
    if rule.effects or position == len(rules) - 1:
        return None
    message = f"{name} does nothing, but where it matches, the rules after it are not checked."
    return RuleDiagnostic(position, "no_effects", message)


def _shadowed(position: int, reason: str) -> RuleDiagnostic:
    message = f"R{position + 1} can never run: {reason}."
    return RuleDiagnostic(position, "shadowed", message)


def _always_holds(condition: Node) -> bool:
    known = certain(condition)
    return known is not None and known.error is None and holds(known.value)


def _can_hold(condition: Node) -> bool:
    known = certain(condition)
    return known is None or (known.error is None and holds(known.value))


def _as_written(condition: Node) -> str:
    return json.dumps(write(condition), sort_keys=True)
