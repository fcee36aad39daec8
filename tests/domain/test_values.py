"""JSON values: what may be stored, when two are the same, how they read as text."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caesar_web.domain.values import (
    Unstorable,
    check_storable,
    is_blank,
    is_older,
    same,
    whole_text_number,
    writable,
)
from tests.domain.strategies import json_values, scalars, texts

anything = st.recursive(
    scalars
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["\0", "a\0", "\ud800", "\udfff"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.sampled_from(["\0", "\udc00"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _can_be_held(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and value == value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_can_be_held(one) for pair in value.items() for one in pair)
    return all(map(_can_be_held, value)) if isinstance(value, list) else True


@given(anything)
@example("\U0001f981")
@example({"a": [{"b": float("nan")}]})
@example(["?"])
def test_exactly_what_a_database_cannot_hold_is_refused(value: Any) -> None:
    if _can_be_held(value):
        check_storable(value)
    else:
        with pytest.raises(Unstorable):
            check_storable(value)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"annotations": [{"value": "a\0b"}]}, "annotations[0].value"),
        ({"metadata": {"x": [1, float("inf")]}}, "metadata.x[1]"),
        ({"metadata": {"x": {"\ud800": 1}}}, "metadata.x"),
        ([["\udfff"]], "[0][0]"),
    ],
)
def test_the_reason_names_the_place(value: Any, place: str) -> None:
    with pytest.raises(Unstorable) as caught:
        check_storable(value)
    assert place in str(caught.value)


def _deep(depth: int, *, as_list: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if as_list else {"a": value}
    return value


@pytest.mark.parametrize("as_list", [True, False])
def test_too_deep_is_refused_and_deep_is_not(*, as_list: bool) -> None:
    check_storable(_deep(50, as_list=as_list))
    for depth in (150, 100_000):
        with pytest.raises(Unstorable, match="deep") as caught:
            check_storable(_deep(depth, as_list=as_list))
        assert len(str(caught.value)) < 200


def test_a_whole_number_that_no_decimal_one_reaches_is_as_good_as_infinite() -> None:
    check_storable(2**200)
    with pytest.raises(Unstorable):
        check_storable(10**400)


@given(anything)
def test_writable_is_strict_json_and_leaves_the_rest_alone(value: Any) -> None:
    written = writable(value)
    json.dumps(written, allow_nan=False)
    if _can_be_held(value):
        assert written == value


@given(json_values(), json_values())
def test_sameness_is_that_of_json(left: Any, right: Any) -> None:
    assert same(left, json.loads(json.dumps(left)))
    assert same(left, right) == same(right, left)


@pytest.mark.parametrize("value", [None, False, "", " ", "\t\n", [], {}])
def test_blank(value: Any) -> None:
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, 0.0, True, "0", "x", [None], [0], {"a": None}])
def test_not_blank(value: Any) -> None:
    assert not is_blank(value)


versions = st.lists(st.integers(0, 200), min_size=1, max_size=2)


@given(versions, versions)
@example([2, 9], [2, 10])
@example([2, 10], [2, 9])
@example([2], [2, 0])
def test_versions_compare_number_by_number(version: list[int], minimum: list[int]) -> None:
    older, newest = ([*numbers, 0][:2] for numbers in (version, minimum))
    dotted = (".".join(map(str, numbers)) for numbers in (version, minimum))
    assert is_older(*dotted) == (older < newest)


@pytest.mark.parametrize("text", ["5", "-3", "2.5", "0", "007"])
def test_texts_that_are_wholly_numbers(text: str) -> None:
    assert whole_text_number(text) == float(text)


@pytest.mark.parametrize(
    "text", ["", " ", "five", "5 lions", "5.5.5", "1_000", "nan", "inf", "0x10"]
)
def test_texts_that_are_not(text: str) -> None:
    assert whole_text_number(text) is None
