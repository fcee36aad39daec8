"""Events of the stream: what stands in them, and that a bad one is rejected and nothing worse."""

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.domain.classification import timestamp
from caesar_web.domain.events import Arrival, Rejected, read_event, workflow_of
from caesar_web.domain.values import check_storable
from tests.domain.making import golden, golden_cases
from tests.domain.strategies import json_values


def make_event(**data: Any) -> dict[str, Any]:
    """The golden event with other members in its data."""
    event: dict[str, Any] = copy.deepcopy(golden("events")[0]["event"])
    event["data"] |= data
    return event


@pytest.mark.parametrize("case", golden_cases("events"))
def test_what_stands_in_an_event(case: dict[str, Any]) -> None:
    assert workflow_of(case["event"]) == case["arrival"]["workflow_id"]
    arrival = read_event(case["event"])
    found = arrival._asdict() | {
        "created_at": timestamp(arrival.created_at),
        "updated_at": timestamp(arrival.updated_at),
    }
    assert {name: found[name] for name in case["arrival"]} == case["arrival"]
    (subject,) = case["event"]["linked"]["subjects"]
    assert arrival.subjects[0].metadata == subject["metadata"]
    assert arrival.metadata == case["event"]["data"]["metadata"]
    assert case["event"]["data"]["user_ip"] not in repr(arrival)


def test_a_volunteer_without_an_account_is_anonymous() -> None:
    links = make_event()["data"]["links"]
    absent = {name: link for name, link in links.items() if name != "user"}
    assert read_event(make_event(links=links | {"user": None})).user_id is None
    assert read_event(make_event(links=absent)).user_id is None


def test_the_first_subject_counts() -> None:
    links = make_event()["data"]["links"] | {"subjects": ["8", "7"]}
    assert read_event(make_event(links=links)).subject_id == 8


def test_the_version_of_the_metadata_comes_before_the_other() -> None:
    both = make_event(workflow_version="1.1", metadata={"workflow_version": "2.10"})
    assert read_event(both).workflow_version == "2.10"
    assert read_event(make_event(workflow_version="1.1", metadata={})).workflow_version == "1.1"


@pytest.mark.parametrize("kind", [{"source": "talk"}, {"type": "comment"}])
def test_other_events_are_none_of_ours(kind: dict[str, str]) -> None:
    assert workflow_of(make_event() | kind) is None


def _deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "bad",
    ["a\0b", "\ud800", float("nan"), float("inf"), ["\udfff"], {"\0": 1}, _deep(5_000)],
    ids=["NUL", "half a pair", "NaN", "infinity", "in a list", "as a key", "too deep"],
)
def test_what_a_database_cannot_hold_is_rejected_with_the_reason(bad: Any) -> None:
    in_subject = make_event()
    in_subject["linked"]["subjects"][0]["metadata"]["x"] = bad
    for event in (
        make_event(annotations=[{"task": "T0", "value": bad}]),
        make_event(metadata={"x": bad}),
        in_subject,
    ):
        with pytest.raises(Rejected, match=r"\w+ \w+"):
            read_event(event)


def test_so_is_a_version_that_it_cannot_hold() -> None:
    with pytest.raises(Rejected):
        read_event(make_event(workflow_version="1.1\0", metadata={}))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    members: Any = value.items() if isinstance(value, dict) else enumerate(value)
    inner = [
        place
        for key, member in members
        for place in (
            _places(member, (*path, key)) if isinstance(member, dict | list) else [(*path, key)]
        )
    ]
    return [path, *inner] if path else inner


PLACES = _places(make_event())


@given(st.lists(st.tuples(st.sampled_from(PLACES), json_values()), min_size=1, max_size=3))
def test_whatever_stands_in_an_event_it_is_taken_or_rejected(changes: list[Any]) -> None:
    event = make_event()
    for path, value in changes:
        place: Any = event
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
    with contextlib.suppress(Rejected):
        if workflow_of(event) is not None:
            _assert_storable(read_event(event))


def _assert_storable(arrival: Arrival) -> None:
    check_storable([arrival.annotations, arrival.metadata, arrival.workflow_version])
    check_storable([subject.metadata for subject in arrival.subjects])
    assert all(0 < id_ < 2**63 for id_ in (arrival.id, arrival.subject_id, arrival.user_id or 1))
    json.dumps(arrival.annotations, allow_nan=False)
