"""The steps of a reduction: why extracts fell out, in agreement with what the engine makes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.classification import Extract
from caesar_web.domain.filters import Filters, read_filters
from caesar_web.domain.grouping import Grouping, GroupingFailed, read_grouping
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.reduction_steps import Steps, explain, with_results
from caesar_web.domain.series import DefaultSeries, Reducer, RunningSeries
from tests.domain.making import golden_cases, make_extracts, make_groups
from tests.domain.strategies import appending_filters, deliveries, filters, subjects
from tests.domain.test_series_default import LISTING

groupings = st.sampled_from([Grouping(), Grouping("a", "g"), Grouping("b", "g", strict=True)])


def make_reducer(config: dict[str, Any]) -> Reducer:
    return Reducer(
        1,
        "r",
        REDUCERS[config["type"]],
        {},
        read_filters(config.get("filters"), place="", problems=[]),
        read_grouping(config.get("grouping"), place="", problems=[]),
        is_running=config.get("is_running", False),
    )


@pytest.mark.parametrize("case", golden_cases("reduction_steps"))
def test_steps(case: dict[str, Any]) -> None:
    extracts = make_extracts(case["classifications"])
    steps = explain(
        make_reducer(case["reducer"]), extracts, training=frozenset(case.get("training", ()))
    )
    fallen = {
        one.name: [
            [step.words, sorted({extract.classification_id or 0 for extract in step.extracts})]
            for step in one.fallen
        ]
        for one in steps.subgroups
    }
    assert fallen == case["fallen"]
    assert {one.name: one.data for one in steps.subgroups} == case["data"]
    unplaced = [[one.group.classification_id, one.words] for one in steps.unplaced]
    assert unplaced == case.get("unplaced", [])
    assert steps.error == case.get("error")
    left_out = {one.name: one.left_out for one in steps.subgroups if one.left_out}
    assert left_out == case.get("left_out", {})


def test_what_came_from_elsewhere_is_put_beside_its_subgroup() -> None:
    config = {"type": "rectangle", "filters": {"extractor_keys": ["a"]}}
    extracts = make_extracts([{"id": 1, "at": 1, "extracts": {"a": {}, "b": {}}}])
    steps = explain(make_reducer(config), extracts)
    (before,) = steps.subgroups
    (after,) = with_results(steps, {"_default": {"frame0": {}}, "gone": 1}).subgroups
    assert (before.data, after.data) == (None, {"frame0": {}})
    assert (before.is_made_elsewhere, after.is_made_elsewhere) == (False, True)
    assert (after.kept, after.fallen) == (before.kept, before.fallen)
    assert with_results(steps, {}).subgroups[0].reduced.is_empty


def listed(extracts: tuple[Extract, ...]) -> list[list[Any]]:
    return [[one.classification_id, one.extractor_key, one.data] for one in extracts]


def extracts_of(arrivals: list[dict[str, Any]]) -> list[Extract]:
    return make_extracts({one["id"]: one for one in arrivals}.values())


def check_that_all_is_told(steps: Steps, extracts: list[Extract]) -> None:
    """Each extract is kept, or fell out once, or has no subgroup."""
    told = [extract.id for one in steps.subgroups for extract in one.kept]
    told += [
        extract.id for one in steps.subgroups for step in one.fallen for extract in step.extracts
    ]
    told += [extract.id for one in steps.unplaced for extract in one.group.extracts]
    assert sorted(told) == sorted(extract.id for extract in extracts)


@given(filters | appending_filters, groupings, deliveries(), st.frozensets(subjects))
def test_in_default_mode_it_agrees_with_the_engine(
    wanted: Filters, grouping: Grouping, arrivals: list[dict[str, Any]], training: frozenset[int]
) -> None:
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, grouping=grouping)
    extracts = extracts_of(arrivals)
    steps = explain(reducer, extracts, training=training)
    check_that_all_is_told(steps, extracts)
    series = DefaultSeries(reducer, [], training=training)
    error = None
    try:
        for group in make_groups({one["id"]: one for one in arrivals}.values()):
            series.arrive(group)
    except GroupingFailed as problem:
        error = str(problem)
    assert steps.error == error
    if error is not None:
        return
    assert {one.name: one.reduced for one in steps.subgroups} == series.results
    assert {one.name: listed(one.kept) for one in steps.subgroups} == {
        name: reduced.data or [] for name, reduced in series.results.items()
    }


@given(filters, groupings, deliveries(), st.frozensets(subjects))
def test_in_running_mode_it_agrees_with_the_engine(
    wanted: Filters, grouping: Grouping, arrivals: list[dict[str, Any]], training: frozenset[int]
) -> None:
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, grouping=grouping, is_running=True)
    extracts = extracts_of(arrivals)
    steps = explain(reducer, extracts, training=training)
    check_that_all_is_told(steps, extracts)
    groups = make_groups({one["id"]: one for one in arrivals}.values())
    series = RunningSeries(reducer, {}, (), history=groups[:-1], training=training)
    for group in groups[-1:]:
        try:
            series.arrive(group)
        except GroupingFailed:
            assert steps.unplaced
    assert {one.name: one.reduced for one in steps.subgroups if one.kept} == series.results
    counted = {one.extract_id for one in series.newly_counted}
    assert {extract.id for one in steps.subgroups for extract in one.kept} == counted
