"""Rules: which of them match, in their order, without one's error stopping another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caesar_web.domain.conditions import Node
from caesar_web.domain.effects import Effect
from caesar_web.domain.evaluation import EvaluationError, evaluate, holds
from caesar_web.domain.scope import Scope

RULES_APPLIED = ("all_matching_rules", "first_matching_rule", "no_rules")


@dataclass(frozen=True)
class Rule:
    """A configured rule: a condition and what follows from it."""

    id: int
    condition: Node
    effects: tuple[Effect, ...]


class Failure(NamedTuple):
    """A rule whose condition has no value for these data."""

    rule: Rule
    message: str


class Checked(NamedTuple):
    """The rules that had a value, those of them that match, and those that had none."""

    evaluated: list[Rule]
    matching: list[Rule]
    failures: list[Failure]


def check(rules: Sequence[Rule], scope: Scope, *, rules_applied: str) -> Checked:
    """Checks the rules in their order; a rule that cannot be evaluated does not match."""
    checked = Checked([], [], [])
    if rules_applied == "no_rules":
        return checked
    for rule in rules:
        try:
            matches = holds(evaluate(rule.condition, scope))
        except EvaluationError as problem:
            checked.failures.append(Failure(rule, str(problem)))
            continue
        checked.evaluated.append(rule)
        if matches:
            checked.matching.append(rule)
            if rules_applied == "first_matching_rule":
                break
    return checked
