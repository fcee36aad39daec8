"""Reducers: what each type makes of extracts, in both modes and however the work is cut."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.classification import Group
from caesar_web.domain.folds import NOTHING, Reduced
from caesar_web.domain.options import read_options
from caesar_web.domain.reducers import REDUCERS, read_reducer_options
from caesar_web.domain.series import Counted, DefaultSeries, Reducer, RunningSeries
from caesar_web.domain.services import is_called, queue_of, service_of
from caesar_web.domain.summary_stats import OPERATIONS
from caesar_web.domain.values import Problem
from tests.domain.making import exactly, golden_cases, make_groups, refused_places, through_json
from tests.domain.strategies import json_values


def make_reducer(
    type_name: str, config: dict[str, Any] | None = None, *, is_running: bool = False
) -> Reducer:
    problems: list[Problem] = []
    reducer_type = REDUCERS[type_name]
    options = read_options(reducer_type.options, config or {}, place="config", problems=problems)
    assert problems == []
    return Reducer(1, "r", reducer_type, options, is_running=is_running)


def case_groups(case: dict[str, Any]) -> list[Group]:
    """The classifications of a case in the order of their delivery."""
    alone = [
        {"id": id_, "at": id_, "extracts": {"e": data}}
        for id_, data in enumerate(case.get("extracts", []), start=1)
    ]
    groups = {one.classification_id: one for one in make_groups(case.get("classifications", alone))}
    return [groups[id_] for id_ in case.get("deliver", groups)]


def assert_reduced(reduced: Reduced, case: dict[str, Any]) -> None:
    if case.get("writes_nothing"):
        assert reduced.is_empty
    else:
        assert not reduced.is_empty
        assert exactly(reduced.data) == exactly(case["data"])


@pytest.mark.parametrize("case", golden_cases("reducers", "data", "writes_nothing"))
def test_default_mode_all_at_once(case: dict[str, Any]) -> None:
    groups = case_groups(case)
    history = {one.classification_id: one for one in groups[:-1]}.values()
    series = DefaultSeries(make_reducer(case["type"], case.get("config")), history)
    series.arrive(groups[-1])
    assert_reduced(series.results["_default"], case)


@pytest.mark.parametrize("case", golden_cases("reducers", "data", "writes_nothing"))
def test_default_mode_one_at_a_time(case: dict[str, Any]) -> None:
    series = DefaultSeries(make_reducer(case["type"], case.get("config")), [])
    for group in case_groups(case):
        series.arrive(group)
    assert_reduced(series.results["_default"], case)


@pytest.mark.parametrize("case", golden_cases("reducers", "data", "writes_nothing"))
def test_running_mode_each_classification_a_turn_of_its_own(case: dict[str, Any]) -> None:
    reducer = make_reducer(case["type"], case.get("config"), is_running=True)
    stored = NOTHING
    counted: list[Counted] = []
    for group in case_groups(case):
        series = RunningSeries(reducer, {"_default": stored}, counted)
        series.arrive(group)
        stored = Reduced(*through_json(series.results.get("_default", stored)))
        counted += series.newly_counted
    assert_reduced(stored, case)


@pytest.mark.parametrize("case", golden_cases("reducers", "refused"))
def test_refused_options(case: dict[str, Any]) -> None:
    problems: list[Problem] = []
    read_reducer_options(
        case["type"], case["config"], is_running=False, place="config", problems=problems
    )
    assert refused_places(problems) == case["refused"]


EVERY_OPERATION = tuple(OPERATIONS)
EVERY_TYPE: dict[str, dict[str, Any]] = {
    "consensus": {"ignore_empty_extracts": True},
    "count": {},
    "stats": {},
    "summary_stats": {"summarize_field": "x", "operations": EVERY_OPERATION},
    "first_extract": {},
    "unique_count": {"field": "x"},
    "votes": {"answers": {"cat": ["LION", "x"]}, "first": 3, "weight_field": "skill"},
    "swap_skill": {"positive": ["LION"], "gold_positive": ["1"]},
    "swap": {"positive": ["LION"], "negative": ["BIRD"], "initial_positive": 0.9, "experts": [1]},
    "placeholder": {},
    "external": {},
    "sqs": {"queue_name": "galaxies"},
    "rectangle": {},
    "aggregation": {"name": "question_reducer"},
}
REDUCER_OF = {
    type_name: make_reducer(type_name, config) for type_name, config in EVERY_TYPE.items()
}

odd_data = st.one_of(
    st.dictionaries(st.sampled_from(["x", "LION", "BIRD", ""]), json_values(max_leaves=3)),
    json_values(max_leaves=4),
)
histories = st.lists(
    st.dictionaries(st.sampled_from(["e", "f"]), odd_data, min_size=1), min_size=1, max_size=5
).map(
    lambda drawn: make_groups(
        {"id": id_, "at": id_, "user": id_ % 3 or None, "extracts": extracts}
        for id_, extracts in enumerate(drawn, start=1)
    )
)


def folded(reducer: Reducer, groups: Iterable[Group], stored: Reduced = NOTHING) -> Reduced:
    state = reducer.type.fold.resume(reducer.options, stored)
    for group in groups:
        state = reducer.type.fold.add(reducer.options, state, group)
    return reducer.type.fold.result(reducer.options, state)


def test_every_type_takes_part() -> None:
    assert EVERY_TYPE.keys() == REDUCERS.keys()


@given(histories, st.sets(st.integers(0, 5)))
def test_a_fold_in_any_chunks_gives_the_same(groups: list[Group], cuts: set[int]) -> None:
    for type_name, reducer in REDUCER_OF.items():
        stored = NOTHING
        for start, end in pairwise(sorted({0, len(groups), *cuts})):
            stored = Reduced(*through_json(folded(reducer, groups[start:end], stored)))
        at_once = through_json(folded(reducer, groups))
        assert (type_name, exactly(stored)) == (type_name, exactly(at_once))


@given(histories)
def test_a_result_does_not_change_when_the_fold_goes_on(groups: list[Group]) -> None:
    for reducer in REDUCER_OF.values():
        fold, options = reducer.type.fold, reducer.options
        state = fold.resume(options, NOTHING)
        results = []
        for group in groups:
            state = fold.add(options, state, group)
            reduced = fold.result(options, state)
            results.append((reduced, exactly(reduced)))
        assert all(exactly(reduced) == then for reduced, then in results)


@given(odd_data, odd_data, histories)
def test_a_stored_reduction_of_any_shape_is_gone_on_from(
    data: Any, store: Any, groups: list[Group]
) -> None:
    for reducer in REDUCER_OF.values():
        through_json(folded(reducer, groups, Reduced(data, store)))


voting = st.fixed_dictionaries(
    {"answers": st.sampled_from([{}, {"cats": ["LION", "x"]}])},
    optional={"first": st.integers(1, 4), "last": st.integers(1, 4), "weight_field": st.just("s")},
)


@given(voting, histories)
def test_votes_are_the_same_in_both_modes(config: dict[str, Any], groups: list[Group]) -> None:
    default = DefaultSeries(make_reducer("votes", config), [])
    running = RunningSeries(make_reducer("votes", config, is_running=True), {}, [])
    for group in groups:
        default.arrive(group)
        running.arrive(group)
        assert exactly(default.results) == exactly(running.results)


@pytest.mark.parametrize("data", [None, {}, ""])
def test_empty_data_are_not_written(data: Any) -> None:
    assert Reduced(data, {"some": "store"}).is_empty


@pytest.mark.parametrize("data", [0, {"x": 0}, {"": 1}, "dispatched"])
def test_other_data_are(data: Any) -> None:
    assert not Reduced(data, None).is_empty


@pytest.mark.parametrize(
    ("type_name", "config", "queue", "service"),
    [
        ("external", {"url": "https://sqs:8443/reduce"}, "", "sqs:8443"),
        ("external", {}, "", ""),
        ("sqs", {"queue_name": "galaxies"}, "galaxies", "sqs:galaxies"),
        ("sqs", {"queue_name": "a", "queue_url": "https://a.example/1/b"}, None, "sqs:b"),
    ],
)
def test_who_is_asked(type_name: str, config: Any, queue: str | None, service: str) -> None:
    reducer = make_reducer(type_name, config)
    assert queue_of(reducer) == (config["queue_url"] if queue is None else queue)
    assert service_of(reducer) == service
    assert is_called(reducer) is bool(service)
