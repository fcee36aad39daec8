"""Conditions: from JSON to a tree and exactly back, with the place in every error."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caesar_web.domain.conditions import SHAPES, InvalidCondition, parse, write
from tests.domain.making import golden_cases
from tests.domain.strategies import conditions, json_values, scalars


@pytest.mark.parametrize("case", golden_cases("condition_errors"))
def test_what_is_wrong_and_where(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidCondition) as caught:
        parse(case["condition"])
    assert list(caught.value.path) == case["path"]
    assert str(caught.value).startswith(case["begins"])
    assert len(str(caught.value)) > len("at condition: ")
    assert str(caught.value).endswith(caught.value.message)


@pytest.mark.parametrize("case", golden_cases("conditions"))
def test_golden_conditions_come_back_as_they_were(case: dict[str, Any]) -> None:
    assert json.dumps(write(parse(case["condition"]))) == json.dumps(case["condition"])


@given(conditions)
@example(["int", ["const", 1.0]])
@example(["to_i", ["const", 1]])
@example(["float", ["to_f", ["const", {"b": 1, "a": -0.0}]]])
@example(["and", ["or"], ["and"]])
@example(["const", ["const", ["not"]]])
def test_what_is_written_is_what_was_read(condition: Any) -> None:
    assert json.dumps(write(parse(condition))) == json.dumps(condition)


def _nearly(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    operators = st.sampled_from([*SHAPES, "xor", "AND", "", None, 1])
    return st.tuples(operators, st.lists(inner, max_size=3)).map(
        lambda drawn: [drawn[0], *drawn[1]]
    )


nearly_conditions = st.recursive(scalars | conditions, _nearly, max_leaves=8)


@given(nearly_conditions | json_values())
def test_any_json_is_a_condition_or_says_where_it_is_not(drawn: Any) -> None:
    try:
        read = parse(drawn)
    except InvalidCondition as problem:
        place = drawn
        for index in problem.path:
            place = place[index]
        return
    assert json.dumps(write(read)) == json.dumps(drawn)


def _nested(depth: int) -> list[Any]:
    condition: list[Any] = ["const", 1]
    for _ in range(depth):
        condition = ["not", condition]
    return condition


def test_conditions_may_be_nested_as_deep_as_anyone_builds_them() -> None:
    assert write(parse(_nested(50))) == _nested(50)


def test_a_condition_without_end_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidCondition, match="deep") as caught:
        parse(_nested(20_000))
    assert set(caught.value.path) == {1}


@pytest.mark.parametrize("value", ["a\0b", "\ud800", float("nan"), float("inf"), ["x", "\udfff"]])
@pytest.mark.parametrize("condition", [["const"], ["lookup", "counts.LION"]])
def test_what_no_database_can_hold_is_refused(condition: list[Any], value: Any) -> None:
    with pytest.raises(InvalidCondition) as caught:
        parse(["not", [*condition, value]])
    assert caught.value.path == (1, len(condition))


def test_a_key_that_no_database_can_hold_is_refused() -> None:
    with pytest.raises(InvalidCondition) as caught:
        parse(["lookup", "a\0b", 0])
    assert caught.value.path == (1,)


def test_reading_does_not_touch_what_it_reads() -> None:
    condition: list[Any] = ["and", ["lookup", "r.x", {"a": [1]}], ["const", [2]]]
    before = json.dumps(condition)
    with contextlib.suppress(InvalidCondition):
        write(parse(condition)).append("more")
    assert json.dumps(condition) == before
