"""The summary_stats reducer against Python's own statistics."""

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.folds import NOTHING
from caesar_web.domain.series import Reducer
from tests.domain.making import make_groups
from tests.domain.test_reducers import EVERY_OPERATION, folded, make_reducer

numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000).map(lambda value: round(value, 3))


def close_to(value: float) -> Any:
    return pytest.approx(value, rel=1e-6, abs=1e-6)


def summarized(reducer: Reducer, values: list[Any]) -> dict[str, Any]:
    groups = make_groups(
        {"id": id_, "at": id_, "extracts": {"e": {"x": value}}}
        for id_, value in enumerate(values, start=1)
    )
    data: dict[str, Any] = folded(reducer, groups, NOTHING).data
    return data


@given(st.lists(numbers, min_size=2, max_size=12))
def test_they_agree_with_the_textbook(values: list[float]) -> None:
    found = summarized(
        make_reducer("summary_stats", {"summarize_field": "x", "operations": EVERY_OPERATION}),
        values,
    )
    mean = statistics.fmean(values)
    assert found["count"] == len(values)
    assert (found["min"], found["max"], found["first"]) == (min(values), max(values), values[0])
    assert found["sum"] == close_to(sum(values))
    assert found["mean"] == close_to(mean)
    assert found["median"] == close_to(statistics.median(values))
    assert found["mode"] == min(statistics.multimode(values))
    squares = sum((value - mean) ** 2 for value in values)
    assert found["sse"] == close_to(squares)
    assert found["variance"] == close_to(statistics.variance(values))
    assert found["stdev"] ** 2 == close_to(found["variance"])


@pytest.mark.parametrize("operation", EVERY_OPERATION)
def test_one_operation_alone_gives_what_it_gives_among_all(operation: str) -> None:
    values = [4, "2", 9.5, None, 2, "many"]
    alone = make_reducer("summary_stats", {"summarize_field": "x", "operations": operation})
    together = make_reducer(
        "summary_stats", {"summarize_field": "x", "operations": EVERY_OPERATION}
    )
    assert summarized(alone, values) == {operation: summarized(together, values)[operation]}


def test_numbers_that_grow_beyond_everything_stay_numbers() -> None:
    reducer = make_reducer("summary_stats", {"summarize_field": "x", "operations": EVERY_OPERATION})
    found = summarized(reducer, [1e308, 1e308, -1e308, 10**300, "1e999"])
    assert all(abs(value) < float("inf") for value in found.values())
