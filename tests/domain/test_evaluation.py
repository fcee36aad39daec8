"""What conditions mean: their values, their errors, and the trace that explains them."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caesar_web.domain.conditions import parse
from caesar_web.domain.evaluation import EvaluationError, evaluate, holds, trace, trace_as_json
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.values import DEPTH_LIMIT, writable
from tests.domain.making import exactly, golden_cases, make_scope
from tests.domain.strategies import conditions, scopes


@pytest.mark.parametrize("case", golden_cases("conditions", "value"))
def test_values(case: dict[str, Any]) -> None:
    value = evaluate(parse(case["condition"]), make_scope(case))
    assert exactly(value) == exactly(case["value"])


@pytest.mark.parametrize("case", golden_cases("conditions", "not_finite"))
def test_values_that_are_not_finite(case: dict[str, Any]) -> None:
    node, scope = parse(case["condition"]), make_scope(case)
    assert str(evaluate(node, scope)) == case["not_finite"]
    assert isinstance(trace_as_json(trace(node, scope))["value"], str)


@pytest.mark.parametrize("case", golden_cases("conditions", "error"))
def test_errors(case: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError):
        evaluate(parse(case["condition"]), make_scope(case))


@pytest.mark.parametrize("case", golden_cases("conditions", "holds_on"))
def test_patterns(case: dict[str, Any]) -> None:
    node = parse(case["condition"])
    assert [holds(evaluate(node, make_scope(on))) for on in case["holds_on"]] == [True] * len(
        case["holds_on"]
    )
    assert [holds(evaluate(node, make_scope(on))) for on in case["does_not_hold_on"]] == [
        False
    ] * len(case["does_not_hold_on"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), (False, False), (True, True), (0, True), (0.0, True), ("", True), ([], True)],
)
def test_only_null_and_false_are_false(value: Any, *, expected: bool) -> None:
    assert holds(value) is expected


NOWHERE = ReductionScope({})
INFINITY: list[Any] = ["/", ["const", 1], ["const", 0]]
LARGE: list[Any] = ["const", 2**1000]


def _outcome(condition: Any, scope: ReductionScope) -> tuple[str | None, str | None]:
    """The value as text, so that NaN equals NaN and true is not 1; or the error."""
    try:
        value = evaluate(parse(condition), scope)
    except EvaluationError as problem:
        return None, str(problem)
    return json.dumps(writable(value)), None


@given(conditions, scopes)
@example(["*", LARGE, LARGE, ["const", -1.5]], NOWHERE)
@example(["+", ["*", LARGE, LARGE], ["const", 1]], NOWHERE)
@example(["/", LARGE, ["const", 3]], NOWHERE)
@example(["%", INFINITY, ["const", 3]], NOWHERE)
@example(["-", INFINITY, INFINITY], NOWHERE)
@example(["/", INFINITY, ["const", 0]], NOWHERE)
@example(["lt", ["-", INFINITY, INFINITY], ["const", 3]], NOWHERE)
@example(["eq", ["-", INFINITY, INFINITY], ["const", 3]], NOWHERE)
@example(["to_i", ["const", "9" * 5000]], NOWHERE)
@example(["to_f", ["const", "9" * 5000]], NOWHERE)
@example(["lt", ["const", 1], ["const", "9" * 5000]], NOWHERE)
@example(["to_i", INFINITY], NOWHERE)
@example(["lookup", "." * 5000, 0], NOWHERE)
@example(["lookup", "r" + "[" * 5000 + "]" * 5000, 0], NOWHERE)
def test_a_trace_comes_to_what_evaluation_comes_to(condition: Any, scope: ReductionScope) -> None:
    step = trace(parse(condition), scope)
    value = None if step.error is not None else json.dumps(writable(step.value))
    assert (value, step.error) == _outcome(condition, scope)


@given(conditions, scopes)
def test_a_trace_is_strict_json(condition: Any, scope: ReductionScope) -> None:
    written = trace_as_json(trace(parse(condition), scope))
    assert json.loads(json.dumps(written, allow_nan=False)) == written


@given(conditions, scopes)
def test_errors_say_something_to_the_author(condition: Any, scope: ReductionScope) -> None:
    _, error = _outcome(condition, scope)
    assert error is None or (error and len(error) < 200)


@given(conditions, scopes, st.randoms(use_true_random=False))
def test_the_order_of_an_object_s_keys_changes_nothing(
    condition: Any, scope: ReductionScope, random: Any
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(one) for one in value] if isinstance(value, list) else value

    moved = ReductionScope(
        shuffled(scope.reductions), scope.subject_id, scope.metadata and shuffled(scope.metadata)
    )
    here, there = (_outcome(condition, one) for one in (scope, moved))
    assert (here[0] and json.loads(here[0])) == (there[0] and json.loads(there[0]))
    assert (here[1] is None) == (there[1] is None)


@pytest.mark.parametrize("operator", ["and", "or", "not", "eq", "+", "to_f"])
def test_a_deep_condition_can_be_evaluated_and_traced(operator: str) -> None:
    condition: list[Any] = ["const", 1]
    for _ in range(DEPTH_LIMIT - 1):
        condition = [operator, condition]
    node = parse(condition)
    assert trace(node, NOWHERE).value == evaluate(node, NOWHERE)


def test_a_trace_shows_every_step_and_leaves_out_what_was_not_reached() -> None:
    node = parse(
        [
            "or",
            ["gte", ["lookup", "counts.LION", 0], ["const", 5]],
            ["eq", ["lookup", "counts.BIRD", 7], ["const", 7]],
            ["upcase", ["const", 5]],
        ]
    )
    step = trace(node, ReductionScope({"counts": {"_default": {"LION": 3}}}))
    assert step.value is True
    assert [inner.value for inner in step.steps] == [False, True]
    lion, five = step.steps[0].steps
    assert (lion.value, lion.used_fallback) == (3, False)
    assert (five.value, five.used_fallback) == (5, False)
    bird = step.steps[1].steps[0]
    assert (bird.value, bird.used_fallback) == (7, True)


def test_a_trace_shows_where_an_error_began() -> None:
    node = parse(["and", ["const", True], ["not", ["upcase", ["lookup", "counts.LION", 0]]]])
    step = trace(node, ReductionScope({"counts": {"_default": {"LION": 3}}}))
    reached, failed = step.steps
    assert reached.error is None
    assert step.error == failed.error == failed.steps[0].error is not None
    assert failed.steps[0].steps[0].value == 3


def test_a_null_value_counts_as_a_default_that_was_used() -> None:
    scope = ReductionScope({"counts": {"_default": {"LION": None, "BIRD": 0}}})
    assert trace(parse(["lookup", "counts.LION", 0]), scope).used_fallback
    assert not trace(parse(["lookup", "counts.BIRD", 0]), scope).used_fallback


def test_the_trace_of_many_entries_stays_short_and_shows_the_one_that_decided() -> None:
    counts = {f"species{number:04}": number for number in range(1000)}
    node = parse(["any", "counts", ["gte", ["lookup", "value", 0], ["const", 999]]])
    step = trace(node, ReductionScope({"counts": {"_default": counts}}))
    assert step.value is True
    assert len(step.steps) < 100
    assert step.steps[-1].value is True
