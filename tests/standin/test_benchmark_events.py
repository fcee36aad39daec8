"""The events of the benchmark are those that were announced, and the same each time."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from caesar_web.standin.benchmark_events import deep, wide
from caesar_web.standin.stream_events import Event
from tests.standin.test_volunteers import check_metadata, moment


@pytest.mark.parametrize(("made", "subjects"), [(wide, 1_000), (deep, 20)])
def test_ten_thousand_classifications_over_so_many_subjects(
    made: Callable[[int], Iterator[list[Event]]], subjects: int
) -> None:
    batches = list(made(1))
    assert [len(batch) for batch in batches] == [100] * 100
    events = [event["data"] for batch in batches for event in batch]
    looks = Counter(data["links"]["subjects"][0] for data in events)
    assert set(looks.values()) == {10_000 // subjects}
    assert {(data["links"]["project"], data["links"]["workflow"]) for data in events} == {
        ("20", "200")
    }
    users = Counter(data["links"]["user"] for data in events)
    assert 1_900 < users.pop(None) < 2_100
    assert len(users) == 400
    assert len({data["metadata"]["session"] for data in events}) == 500
    assert len({data["id"] for data in events}) == 10_000
    times = [data["created_at"] for data in events]
    assert times == sorted(times)
    for data in events[::50]:
        created = moment(data["created_at"])
        check_metadata(data["metadata"], version=data["workflow_version"], created=created)


@pytest.mark.parametrize("made", [wide, deep])
def test_a_seed_repeats(made: Callable[[int], Iterator[list[Event]]]) -> None:
    first = next(made(1))
    assert next(made(1)) == first
    assert next(made(2)) != first
