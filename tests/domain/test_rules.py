"""Rules: which of them match, in their order, without one's error stopping another."""

from typing import Any

import pytest

from caesar_web.domain.conditions import parse
from caesar_web.domain.rules import RULES_APPLIED, Rule, check
from tests.domain.making import golden, golden_cases, make_scope


@pytest.mark.parametrize("case", golden_cases("rules"))
def test_which_rules_match(case: dict[str, Any]) -> None:
    rules = [
        Rule(number, parse(condition), effects=()) for number, condition in enumerate(case["rules"])
    ]
    checked = check(rules, make_scope(case), rules_applied=case["rules_applied"])
    assert [rule.id for rule in checked.matching] == case["matching"]
    assert [failure.rule.id for failure in checked.failures] == case["failing"]
    assert all(failure.message for failure in checked.failures)


def test_every_way_of_applying_rules_has_a_golden_case() -> None:
    assert {case["rules_applied"] for case in golden("rules")} == set(RULES_APPLIED)
