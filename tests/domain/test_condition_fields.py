"""A condition in the fields of a form, and back."""

import json
from typing import Any

import pytest
from hypothesis import given

from caesar_web.domain.condition_fields import Typed, applied, fields, typed, value_of
from tests.domain.strategies import conditions, json_values

CONDITION = ["and", ["gte", ["lookup", "counts.0", 0], ["const", 3]], ["const", True]]
KINDS: dict[str, list[Any]] = {
    "lookup": ["counts.1", 0],
    "const": [0],
    **{kind: ["counts"] for kind in ("any", "all")},
}


def edited(**given: str) -> Any:
    names = {name.replace("_", "."): text for name, text in given.items()}
    return applied(CONDITION, {**fields(CONDITION), **names}, KINDS)


@given(conditions)
def test_unchanged_fields_leave_the_very_same_condition(condition: list[Any]) -> None:
    read = applied(condition, fields(condition), KINDS)
    assert read.condition is condition
    assert (read.problems, read.losses) == ({}, [])


@given(json_values())
def test_every_value_has_fields_that_mean_it(value: Any) -> None:
    assert json.dumps(value_of(typed(value))) == json.dumps(value)


@given(json_values())
def test_no_value_has_what_the_field_of_a_page_would_change(value: Any) -> None:
    assert not {"\n", "\r"} & set(typed(value).text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, Typed("number", "0")),
        ("0", Typed("text", "0")),
        (1.0, Typed("number", "1.0")),
        (True, Typed("truth", "true")),
        (None, Typed("nothing", "")),
        ("", Typed("text", "")),
        ("a\nb", Typed("json", '"a\\nb"')),
        ([1], Typed("json", "[1]")),
    ],
)
def test_types_are_told_apart(value: Any, expected: Typed) -> None:
    assert typed(value) == expected


def test_a_number_is_typed() -> None:
    read = edited(**{"c_1_2:value": "7"})
    assert read.condition == ["and", ["gte", ["lookup", "counts.0", 0], ["const", 7]], CONDITION[2]]
    assert read.condition[2] is CONDITION[2]


def test_what_is_no_number_is_said_at_its_field_and_changes_nothing() -> None:
    read = edited(**{"c_1_2:value": "many"})
    assert list(read.problems) == ["c.1.2:value"]
    assert "not a number" in read.problems["c.1.2:value"]
    assert read.condition is CONDITION


def test_another_type_alone_takes_the_text_along_where_it_can() -> None:
    assert edited(**{"c_1_2:value-type": "text"}).condition[1][2] == ["const", "3"]
    assert edited(**{"c_2:value-type": "number"}).condition[2] == ["const", 0]
    assert edited(**{"c_2:value-type": "nothing"}).condition[2] == ["const", None]


def test_a_key_must_be_given() -> None:
    read = edited(**{"c_1_1:key": ""})
    assert list(read.problems) == ["c.1.1:key"]
    assert read.condition is CONDITION


def test_another_kind_keeps_what_fits() -> None:
    assert edited(**{"c:kind": "or"}).condition == ["or", *CONDITION[1:]]
    assert edited(**{"c_1_2:kind": "lookup"}).condition[1][2] == ["lookup", "counts.1", 0]
    assert edited(**{"c_1_2:kind": "to_f"}).condition[1][2] == ["to_f", ["const", 3]]


def test_another_kind_that_would_lose_something_says_what_and_waits() -> None:
    read = edited(**{"c:kind": "not"})
    assert read.condition is CONDITION
    (loss,) = read.losses
    assert (loss.path, loss.kind, loss.lost) == ((), "not", (["const", True],))


def test_a_kind_that_is_none() -> None:
    read = edited(**{"c_1:kind": "maybe"})
    assert list(read.problems) == ["c.1:kind"]
    assert read.condition is CONDITION
