"""Default mode: step by step, in any order of arrival, what all at once would give."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.classification import Group
from caesar_web.domain.filters import Filters
from caesar_web.domain.folds import Options, Reduced
from caesar_web.domain.grouping import Grouping, GroupingFailed
from caesar_web.domain.reducers import ReducerType
from caesar_web.domain.series import DefaultSeries, Reducer
from tests.domain.making import START, make_groups
from tests.domain.strategies import appending_filters, deliveries, filters, subjects

Line = list[Any]
Classifications = Iterable[dict[str, Any]]


class Listing:
    """A reducer that lists every extract it is given, so that no difference goes unnoticed."""

    def resume(self, options: Options, stored: Reduced) -> list[Line]:
        return list(stored.data or [])

    def add(self, options: Options, state: list[Line], group: Group) -> list[Line]:
        return [*state, *([one.classification_id, one.extractor_key, one.data] for one in group[2])]

    def result(self, options: Options, state: list[Line]) -> Reduced:
        return Reduced(state or None, None)


LISTING = ReducerType((), Listing())
groupings = st.sampled_from([Grouping(), Grouping("a", "g"), Grouping("b", "g")])


def make_group(one: dict[str, Any]) -> Group:
    """The group of a delivery; without extracts it says that the classification has none left."""
    return next(iter(make_groups([one])), Group(START, one["id"], ()))


def oracle(reducer: Reducer, classifications: Classifications, training: Any) -> dict[str, Any]:
    """The specification read aloud: sort, group, filter, list."""
    subgroups: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(classifications, key=lambda one: (one["at"], one["id"])):
        data = one["extracts"].get(reducer.grouping.extractor_key) or {}
        named = "_default" if reducer.grouping.extractor_key is None else data.get("g")
        if one["extracts"] and named is not None:
            subgroups.setdefault(str(named), []).append(one)
    reduced = {
        name: _let_through(reducer.filters, ones, training) for name, ones in subgroups.items()
    }
    return {
        name: [[one["id"], key, data] for one in ones for key, data in one["extracts"].items()]
        for name, ones in reduced.items()
        if ones
    }


def _let_through(
    wanted: Filters, ones: list[dict[str, Any]], training: Any
) -> list[dict[str, Any]]:
    pairs = [(one["user"], one["subject"]) for one in ones]
    kept = []
    for at, one in enumerate(ones):
        extracts = {
            key: data
            for key, data in one["extracts"].items()
            if (not wanted.extractor_keys or key in wanted.extractor_keys)
            and (wanted.empty_extracts == "keep_all" or data)
        }
        rivals = {"keep_first": pairs[:at], "keep_last": pairs[at + 1 :], "keep_all": []}
        is_repeat = one["user"] is not None and pairs[at] in rivals[wanted.repeated_classifications]
        is_wanted = {
            "ignore_training": True,
            "training_only": one["subject"] in training,
            "experiment_only": one["subject"] not in training,
        }[wanted.training_behavior]
        if extracts and is_wanted and not is_repeat:
            kept.append(one | {"extracts": extracts})
    start, end = (
        position + len(kept) if position < 0 else position
        for position in (wanted.start, wanted.end)
    )
    return kept[start : end + 1] if start >= 0 and end >= 0 else []


def shown(series: DefaultSeries) -> dict[str, Any]:
    """What would be stored: reductions without data are not."""
    return {name: reduced.data for name, reduced in series.results.items() if not reduced.is_empty}


@given(
    filters | appending_filters,
    groupings,
    deliveries(),
    st.integers(0, 4),
    st.frozensets(subjects),
)
def test_after_every_arrival_it_is_as_if_all_had_been_reduced_at_once(
    wanted: Filters,
    grouping: Grouping,
    arrivals: list[dict[str, Any]],
    stored: int,
    training: frozenset[int],
) -> None:
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, grouping=grouping)
    current = {one["id"]: one for one in arrivals[:stored]}
    series = DefaultSeries(reducer, make_groups(current.values()), training=training)
    for one in arrivals[stored:]:
        current[one["id"]] = one
        series.arrive(make_group(one))
        assert shown(series) == oracle(reducer, current.values(), training)


@given(filters, groupings, deliveries(), st.data())
def test_replacing_a_classification_is_never_having_had_the_old_one(
    wanted: Filters, grouping: Grouping, arrivals: list[dict[str, Any]], data: st.DataObject
) -> None:
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, grouping=grouping)
    newest = list({one["id"]: one for one in arrivals}.values())
    replaced, plain = DefaultSeries(reducer, []), DefaultSeries(reducer, [])
    for one in arrivals:
        replaced.arrive(make_group(one))
    for one in data.draw(st.permutations(newest)):
        plain.arrive(make_group(one))
    assert shown(replaced) == shown(plain)


@given(filters, deliveries())
def test_while_a_classification_lacks_its_subgroup_there_is_an_error(
    wanted: Filters, arrivals: list[dict[str, Any]]
) -> None:
    grouping = Grouping("a", "g", strict=True)
    reducer = Reducer(1, "r", LISTING, {}, filters=wanted, grouping=grouping)
    series = DefaultSeries(reducer, [])
    current: dict[int, dict[str, Any]] = {}
    for one in arrivals:
        current[one["id"]] = one
        lacking = [
            other
            for other in current.values()
            if other["extracts"] and (other["extracts"].get("a") or {}).get("g") is None
        ]
        if lacking:
            with pytest.raises(GroupingFailed):
                series.arrive(make_group(one))
        else:
            series.arrive(make_group(one))
            assert shown(series) == oracle(reducer, current.values(), frozenset())


@pytest.mark.parametrize("last", [1, 3, 5])
def test_one_that_comes_late_takes_its_place_in_time(last: int) -> None:
    arrivals = [{"id": id_, "at": id_, "extracts": {"a": {"x": id_}}} for id_ in range(1, 6)]
    reducer = Reducer(1, "r", LISTING, {}, filters=Filters(end=2))
    series = DefaultSeries(reducer, [])
    for one in sorted(arrivals, key=lambda one: one["id"] == last):
        series.arrive(make_group(one))
    assert [line[0] for line in series.results["_default"].data] == [1, 2, 3]


def test_a_subgroup_that_nothing_is_left_of_says_so() -> None:
    reducer = Reducer(1, "r", LISTING, {}, grouping=Grouping("a", "g"))
    first = {"id": 1, "extracts": {"a": {"g": "red"}}}
    series = DefaultSeries(reducer, [])
    assert series.arrive(make_group(first)) == {"red"}
    assert series.arrive(make_group({"id": 1, "extracts": {"a": {"g": "blue"}}})) == {"red", "blue"}
    assert series.results["red"].is_empty
    assert series.results["blue"].data == [[1, "a", {"g": "blue"}]]
