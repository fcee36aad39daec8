"""Annotations as the stream sends them, grouped by task."""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caesar_web.domain.annotations import by_task
from caesar_web.domain.values import DomainError
from tests.domain.making import golden_cases
from tests.domain.strategies import json_values, scalars


@pytest.mark.parametrize("case", golden_cases("annotations"))
def test_annotations_by_task(case: dict[str, Any]) -> None:
    grouped = by_task(case["annotations"])
    assert grouped == case["by_task"]
    assert list(grouped) == list(case["by_task"])


def _annotations_like(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    task = st.sampled_from(["T0", "T1", "", None, 3])
    annotation = st.fixed_dictionaries({}, optional={"task": task, "value": values, "x": scalars})
    return st.lists(annotation | values, max_size=3)


def _nested(depth: int) -> list[Any]:
    annotations: list[Any] = [{"task": "T0", "value": 1}]
    for _ in range(depth):
        annotations = [{"task": "T9", "value": annotations}]
    return annotations


@given(st.recursive(scalars, _annotations_like, max_leaves=12) | json_values())
@example("T0")
@example({"T0": []})
@example([None])
@example([{"value": 1}])
@example([{"task": ["T0"], "value": 1}])
def test_whatever_a_stream_sends_is_grouped_or_refused(sent: Any) -> None:
    with contextlib.suppress(DomainError):
        grouped = by_task(sent)
        assert all(one["task"] == task for task, ones in grouped.items() for one in ones)


def test_combos_nested_without_end_are_refused() -> None:
    with pytest.raises(DomainError, match="deep"):
        by_task(_nested(5_000))


def test_combos_may_be_nested_as_deep_as_anyone_builds_them() -> None:
    assert by_task(_nested(20)) == {"T0": [{"task": "T0", "value": 1}]}
