"""What people paste where a condition belongs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.pasted import corrected
from tests.domain.strategies import conditions

LION = ["gte", ["lookup", "counts.LION", 0], ["const", 5]]
RULE = {"id": 7, "condition": LION, "row_order": 1, "workflow_id": 3}


@pytest.mark.parametrize(
    "text",
    [
        "['gte', ['lookup', 'counts.LION', 0], ['const', 5]]",
        '["gte", ["lookup", “counts.LION”, 0], ["const", 5]]',
        '[:gte, [:lookup, "counts.LION", 0], [:const, 5]]',
        '["gte", ["lookup", "counts.LION", 0,], ["const", 5],]',
        json.dumps(RULE),
        json.dumps([RULE]),
        json.dumps({"subject_rule": RULE}),
        json.dumps({"subject_rule": {"condition_string": json.dumps(LION)}}),
        json.dumps({"if": LION, "then": []}),
        json.dumps(json.dumps(LION)),
    ],
)
def test_what_is_meant_is_recognised(text: str) -> None:
    found = corrected(text)
    assert found is not None
    assert found.condition == LION


def test_nothing_is_written_as_ruby_does() -> None:
    found = corrected("['eq', ['lookup', 'a.b', nil], ['const', 'it\\'s \"so\"']]")
    assert found is not None
    assert found.condition == ["eq", ["lookup", "a.b", None], ["const", 'it\'s "so"']]


def test_a_default_may_still_be_missing() -> None:
    found = corrected("['gte', ['lookup', 'counts.LION'], ['const', 5]]")
    assert found is not None
    assert found.condition == ["gte", ["lookup", "counts.LION"], ["const", 5]]


@pytest.mark.parametrize("text", ["", "lion >= 5", "[", "{}", "[1, 2]", '{"condition": 5}', "nil"])
def test_what_nobody_can_tell(text: str) -> None:
    assert corrected(text) is None


@given(conditions)
def test_what_is_right_is_not_corrected(condition: list[Any]) -> None:
    assert corrected(json.dumps(condition)) is None


@given(st.text(max_size=60))
def test_nothing_fails(text: str) -> None:
    corrected(text)
    corrected(f"['const', '{text}']")
