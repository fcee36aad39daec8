"""Running mode: every extract is counted once, whatever is delivered twice or cut into turns."""

import contextlib
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caesar_web.domain.filters import Filters
from caesar_web.domain.folds import Reduced
from caesar_web.domain.grouping import Grouping, GroupingFailed
from caesar_web.domain.series import Counted, Reducer, RunningSeries
from tests.domain.making import exactly, make_groups, through_json
from tests.domain.strategies import deliveries, filled_data, growing_deliveries, subjects
from tests.domain.test_reducers import REDUCER_OF, make_reducer
from tests.domain.test_series_default import LISTING, groupings, make_group

Delivery = dict[str, Any]

running_filters = st.builds(
    Filters,
    extractor_keys=st.sampled_from([(), ("a",), ("a", "c")]),
    empty_extracts=st.sampled_from(["keep_all", "ignore_empty"]),
    repeated_classifications=st.sampled_from(["keep_first", "keep_all"]),
    training_behavior=st.sampled_from(["ignore_training", "training_only", "experiment_only"]),
)
cuts = st.sets(st.integers(0, 8))
ALL_AT_ONCE: set[int] = set()


def reduced(
    reducer: Reducer, arrivals: list[Delivery], cuts: set[int], *, training: Any = ()
) -> dict[str, Reduced]:
    """The reductions after turns that begin at `cuts`, with only JSON kept between them.

    Empty reductions are not kept, nor what they have counted; a turn is given all that came before.
    """
    stored: dict[str, Reduced] = {}
    counted: list[Counted] = []
    for start, end in pairwise(sorted({0, len(arrivals), *cuts})):
        history = make_groups({one["id"]: one for one in arrivals[:start]}.values())
        series = RunningSeries(reducer, stored, counted, history=history, training=training)
        for one in arrivals[start:end]:
            with contextlib.suppress(GroupingFailed):  # recorded, and the others go on
                series.arrive(make_group(one))
        stored |= {
            name: Reduced(*through_json(found))
            for name, found in series.results.items()
            if not found.is_empty
        }
        counted += [
            Counted(*through_json(one)) for one in series.newly_counted if one.subgroup in stored
        ]
    return stored


def lines(stored: dict[str, Reduced]) -> list[Any]:
    """What LISTING has listed over all subgroups."""
    return [line for name in sorted(stored) for line in stored[name].data or []]


def counted_once(wanted: Filters, arrivals: list[Delivery], training: Any) -> list[Any]:
    """The specification read aloud, for one subgroup: each extract counts when it first can."""
    listed: list[Any] = []
    pairs: set[Any] = set()
    for one in arrivals:
        pair = (one["user"], one["subject"])
        before = {key for id_, key, _ in listed if id_ == one["id"]}
        is_repeat = one["user"] is not None and pair in pairs and not before
        is_training = one["subject"] in training
        unwanted = {"training_only": not is_training, "experiment_only": is_training}
        if unwanted.get(wanted.training_behavior) or (
            is_repeat and wanted.repeated_classifications == "keep_first"
        ):
            continue
        fresh = [
            [one["id"], key, data]
            for key, data in one["extracts"].items()
            if key not in before
            and (not wanted.extractor_keys or key in wanted.extractor_keys)
            and (wanted.empty_extracts == "keep_all" or data)
        ]
        listed += fresh
        pairs |= {pair} if fresh else set()
    return listed


@given(running_filters, growing_deliveries(), cuts, st.frozensets(subjects))
def test_every_extract_counts_once_however_the_work_is_cut(
    wanted: Filters, arrivals: list[Delivery], cuts: set[int], training: frozenset[int]
) -> None:
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, is_running=True)
    found = reduced(reducer, arrivals, cuts, training=training)
    assert lines(found) == counted_once(wanted, arrivals, training)


@given(running_filters, groupings, deliveries(), cuts, st.booleans())
def test_how_the_work_is_cut_changes_nothing(
    wanted: Filters, grouping: Grouping, arrivals: list[Delivery], cuts: set[int], strict: bool
) -> None:
    grouping = Grouping(grouping.extractor_key, grouping.field, strict)
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, grouping=grouping, is_running=True)
    found = reduced(reducer, arrivals, cuts)
    assert found == reduced(reducer, arrivals, ALL_AT_ONCE)
    identities = [(id_, key) for id_, key, _ in lines(found)]
    assert len(identities) == len(set(identities))


# Not empty: what an empty reduction has counted is not kept, so that it begins again.
@settings(max_examples=40)
@given(growing_deliveries(data=filled_data), cuts)
def test_no_type_notices_how_the_work_is_cut(arrivals: list[Delivery], cuts: set[int]) -> None:
    for type_name, reducer in REDUCER_OF.items():
        running = replace(reducer, is_running=True)
        at_once = reduced(running, arrivals, ALL_AT_ONCE)
        again = reduced(running, [*arrivals, *arrivals], cuts)
        assert exactly(reduced(running, arrivals, cuts)) == exactly(at_once), type_name
        assert exactly(again) == exactly(at_once), type_name


def _of(id_: int, *, user: int | None = 7, **extracts: Any) -> Delivery:
    return {"id": id_, "at": id_, "user": user, "extracts": extracts}


@pytest.mark.parametrize("cuts", [set(), {1}, {1, 2, 3}])
def test_the_first_of_a_volunteer_is_kept_over_all_turns(cuts: set[int]) -> None:
    reducer = make_reducer("stats", is_running=True)
    arrivals = [_of(1, a={"x": 1}), _of(2, a={"x": 10}), _of(3, user=8, a={"x": 100})]
    assert reduced(reducer, arrivals, cuts)["_default"].data == {"x": 101}


@pytest.mark.parametrize("cuts", [set(), {1}])
def test_a_late_extract_of_a_counted_classification_is_no_repeat(cuts: set[int]) -> None:
    reducer = make_reducer("count", is_running=True)
    arrivals = [_of(1, a={"x": 1}), _of(1, a={"x": 1}, b={"y": 1})]
    assert reduced(reducer, arrivals, cuts)["_default"].data == {
        "classifications": 1,
        "extracts": 2,
    }


@pytest.mark.parametrize("cuts", [set(), {1}])
def test_a_changed_classification_is_not_counted_twice(cuts: set[int]) -> None:
    reducer = make_reducer("stats", is_running=True)
    arrivals = [_of(1, a={"LION": 1}), _of(1, a={"BIRD": 1})]
    assert reduced(reducer, arrivals, cuts)["_default"].data == {"LION": 1}


def test_a_classification_that_moves_to_another_subgroup_is_not_counted_there_again() -> None:
    reducer = Reducer(1, "r", LISTING, {}, grouping=Grouping("a", "g"), is_running=True)
    arrivals = [_of(1, a={"g": "red"}), _of(1, a={"g": "blue"})]
    assert lines(reduced(reducer, arrivals, {1})) == [[1, "a", {"g": "red"}]]


def test_an_earlier_one_that_lacks_its_subgroup_costs_none_of_the_others() -> None:
    grouping = Grouping("a", "g", strict=True)
    reducer = Reducer(1, "r", LISTING, {}, grouping=grouping, is_running=True)
    lacking, red, later = _of(1, a={}), _of(2, user=8, a={"g": "red"}), _of(3, a={"g": "red"})
    series = RunningSeries(reducer, {}, [], history=make_groups([lacking, red]))
    assert series.arrive(make_group(later)) == {"red"}
    assert [line[0] for line in lines(series.results)] == [2, 3]
    with pytest.raises(GroupingFailed):
        series.arrive(make_group(lacking))


def test_only_subgroups_with_something_new_are_among_the_results() -> None:
    reducer = make_reducer("stats", is_running=True)
    stored = {"_default": Reduced({"x": 1}, None)}
    counted = [Counted("_default", 1, 10, "a", 7, 1)]
    series = RunningSeries(reducer, stored, counted)
    series.arrive(make_group(_of(1, a={"x": 1})))
    assert series.results == {}
    assert series.newly_counted == []
