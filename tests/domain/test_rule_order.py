"""Rules that never run, and rules that only stop others: told only where it is certain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.conditions import parse
from caesar_web.domain.effects import Effect
from caesar_web.domain.rule_order import unused_rules
from caesar_web.domain.rules import RULES_APPLIED, Rule, check
from caesar_web.domain.scope import ReductionScope
from tests.domain.strategies import conditions, scopes

RETIRE = Effect(1, 1, "retire_subject", {"reason": "blank"})
ENOUGH = ["gte", ["lookup", "r.x", 0], ["const", 5]]
ALWAYS = ["const", True]


def make_rules(*rows: tuple[Any, bool]) -> list[Rule]:
    """Rules of a condition, and whether they have an effect."""
    return [
        Rule(number, parse(condition), (RETIRE,) if acts else ())
        for number, (condition, acts) in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(ENOUGH, False), (ALWAYS, True)], {0: ("no_effects", "the rules after it")}),
        ([(ALWAYS, True), (ENOUGH, False)], {1: ("shadowed", "R1 always matches first")}),
        (
            [(["and"], True), (ENOUGH, True), (["not", ENOUGH], True)],
            {1: ("shadowed", "R2 can never run: R1"), 2: ("shadowed", "R3 can never run: R1")},
        ),
        ([(ENOUGH, True), (ENOUGH, True)], {1: ("shadowed", "R1 has the same condition")}),
        ([(["const", 1], True), (ENOUGH, True)], {1: ("shadowed", "R1 always matches first")}),
        ([(["const", False], False), (ENOUGH, True)], {0: ("never_matches", "R1 can never run")}),
        ([(["+", ["const", "a"]], True), (ENOUGH, True)], {0: ("never_matches", "never matches")}),
        # The first operand may fail, and then the rule does not match.
        ([(["or", ["upcase", ENOUGH], ALWAYS], True), (ENOUGH, True)], {}),
        ([(["or", ALWAYS, ENOUGH], True), (ENOUGH, True)], {1: ("shadowed", "R1 always")}),
        # to_i takes 1 and fails of 1.0, so that those are not the same condition.
        ([(["eq", ["to_i", ["lookup", "r.x", value]], ENOUGH], True) for value in (1.0, 1)], {}),
        ([(ENOUGH, True), (ENOUGH, False)], {1: ("shadowed", "R1")}),
        ([(ENOUGH, True)], {}),
        ([(ENOUGH, False)], {}),
        ([], {}),
    ],
)
def test_what_is_told_under_first_matching_rule(rows: Any, told: Any) -> None:
    found = unused_rules(make_rules(*rows), "first_matching_rule")
    assert {one.position: one.kind for one in found} == {at: kind for at, (kind, _) in told.items()}
    assert all(told[one.position][1] in one.message for one in found)


def test_under_all_matching_rules_no_rule_stops_another() -> None:
    rules = make_rules((ALWAYS, True), (ENOUGH, False), (["const", None], True))
    assert [one.kind for one in unused_rules(rules, "all_matching_rules")] == ["never_matches"]
    assert unused_rules(rules, "no_rules") == []


@given(st.lists(conditions, max_size=4), scopes, st.sampled_from(RULES_APPLIED))
def test_what_never_runs_does_not(
    drawn: list[Any], scope: ReductionScope, rules_applied: str
) -> None:
    rules = make_rules(*((condition, True) for condition in [*drawn, *drawn[:1]]))
    matching = check(rules, scope, rules_applied=rules_applied).matching
    for one in unused_rules(rules, rules_applied):
        assert one.kind in ("never_matches", "shadowed")
        assert rules[one.position] not in matching
