"""Why a condition came to its value, node by node, also from a trace that was stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from caesar_web.domain.conditions import Node, parse
from caesar_web.domain.evaluation import EvaluationError, evaluate, holds, trace, trace_as_json
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.whys import LONGEST_VALUE, Why, explained, from_json
from tests.domain.making import golden_cases, make_scope
from tests.domain.strategies import conditions, json_values, scopes


def lines(why: Why, depth: int = 0) -> Iterator[str]:
    """Mark, entry, words and what it came to."""
    entry = f"[{why.entry}] " if why.entry is not None else ""
    came_to = f"! {why.error}" if why.error else why.value
    missing = " (missing)" if why.used_fallback else ""
    yield f"{'  ' * depth}{why.mark} | {entry}{why.words} | {came_to}{missing}"
    for step in why.steps:
        yield from lines(step, depth + 1)


@pytest.mark.parametrize("case", golden_cases("whys"))
def test_whys(case: dict[str, Any]) -> None:
    assert list(lines(explained(parse(case["condition"]), make_scope(case)))) == case["lines"]


@given(conditions, scopes)
def test_the_mark_says_what_evaluation_says(condition: Any, scope: ReductionScope) -> None:
    node = parse(condition)
    try:
        expected = "yes" if holds(evaluate(node, scope)) else "no"
    except EvaluationError:
        expected = "error"
    assert explained(node, scope).mark == expected


@given(conditions, scopes)
def test_every_node_is_there(condition: Any, scope: ReductionScope) -> None:
    node = parse(condition)

    def covers(why: Why, of: Node) -> bool:
        if of.operator in ("any", "all"):
            return bool(why.steps) and all(covers(step, of.operands[0]) for step in why.steps)
        pairs = zip(why.steps, of.operands, strict=True)
        return all(covers(step, operand) for step, operand in pairs)

    assert covers(explained(node, scope), node)


@given(conditions, scopes)
def test_a_stored_trace_says_the_same(condition: Any, scope: ReductionScope) -> None:
    node = parse(condition)
    stored = json.loads(json.dumps(trace_as_json(trace(node, scope))))
    assert from_json(node, stored) == explained(node, scope)


@given(conditions, json_values())
def test_whatever_is_stored_can_be_shown(condition: Any, stored: Any) -> None:
    node = parse(condition)
    for broken in (stored, {"operator": node.operator, "value": stored, "steps": stored}):
        assert from_json(node, broken).words


@pytest.mark.parametrize(
    "broken",
    [None, 5, [], {}, {"operator": "or", "value": True}, {"operator": "and"}, {"operator": []}],
)
def test_what_does_not_fit_the_condition_was_not_reached(broken: Any) -> None:
    why = from_json(parse(["and", ["const", True]]), broken)
    assert (why.mark, why.steps[0].mark) == ("not reached", "not reached")


def test_of_many_entries_the_last_step_names_the_one_that_decided() -> None:
    scope = ReductionScope({"counts": {"_default": {f"k{at:02}": at for at in range(50)}}})
    why = explained(parse(["any", "counts", ["eq", ["lookup", "value", 0], ["const", 40]]]), scope)
    assert (why.mark, why.steps[-1].entry, why.steps[-1].mark) == ("yes", "k40", "yes")


def test_long_values_are_cut() -> None:
    why = explained(parse(["const", "a" * 5000]), ReductionScope({}))
    assert len(why.value) == LONGEST_VALUE + 1
