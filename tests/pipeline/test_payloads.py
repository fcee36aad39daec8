"""What external effects will send: one reduction each, as it was when its rule decided."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from caesar_web.domain.classification import timestamp
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction
from tests.factories import JSON, make_event, make_workflow
from tests.pipeline.reading import by_first, rows, values
from tests.pipeline.steps import process, receive

SURVEY: JSON = {"survey": {"type": "survey", "if_missing": "ignore"}}
PLACE: JSON = {"place": {"type": "pluck_field", "field_map": {"name": "$.metadata.place"}}}
STATS: JSON = {"type": "stats"}
ALWAYS = ["const", True]
SUBJECT_METADATA = {"#filename": "a.jpg", "#training_subject": False}

Configure = Callable[..., None]


@pytest.fixture
def configure(app: Flask) -> Configure:
    """A workflow with these reducers, and a rule that always sends the reductions of `sent`."""

    def configure(reducers: JSON, *sent: str, extractors: JSON = SURVEY) -> None:
        effects = [send(key) for key in sent]
        with db.session.begin():
            make_workflow(
                db.session(),
                extractors_config=extractors,
                reducers_config=reducers,
                rules_config=[{"if": ALWAYS, "then": effects}],
            )
        db.session.remove()

    return configure


def send(reducer_key: str) -> JSON:
    return {
        "action": "external",
        "url": "https://kade.example.org/reductions/galaxies",
        "reducer_key": reducer_key,
    }


def lion(id: int, **over: Any) -> JSON:
    return make_event(id, choice="lion", subject_metadata=SUBJECT_METADATA, **over)


def payloads() -> list[Any]:
    return values(SubjectAction.payload, by=SubjectAction.id)


def datas() -> list[Any]:
    return [payload["data"] for payload in payloads()]


def test_the_shape_that_receivers_read(configure: Configure) -> None:
    configure({"counts": STATS}, "counts")
    receive([lion(1)])
    process()
    ((id, made),) = rows(SubjectReduction.id, SubjectReduction.created_at)
    assert payloads() == [
        {
            "id": id,
            "reducible": {"id": 100, "type": "Workflow"},
            "data": {"lion": 1},
            "subject": {
                "id": 1,
                "metadata": SUBJECT_METADATA,
                "created_at": "2026-01-01T00:00:00.000Z",
                "updated_at": "2026-01-01T00:00:00.000Z",
            },
            "reducer_key": "counts",
            "created_at": timestamp(made),
            "updated_at": timestamp(made),
        }
    ]


def test_each_match_sends_what_there_was_then(configure: Configure) -> None:
    running = {**STATS, "reduction_mode": "running_reduction"}
    configure({"counts": STATS, "running": running}, "counts", "running")
    receive([lion(1), lion(2), lion(3, subject=2)])
    process()
    receive([lion(4)])
    process()
    assert datas() == [{"lion": lions} for lions in (1, 1, 2, 2, 1, 1, 3, 3)]
    written = {
        (subject, key): (id, timestamp(made), timestamp(changed))
        for subject, key, id, made, changed in rows(
            SubjectReduction.subject_id,
            SubjectReduction.reducer_key,
            SubjectReduction.id,
            SubjectReduction.created_at,
            SubjectReduction.updated_at,
        )
    }
    for payload in payloads():
        id, made, changed = written[payload["subject"]["id"], payload["reducer_key"]]
        assert (payload["id"], payload["created_at"]) == (id, made)
        is_newest = payload["data"] == {"lion": 3} or payload["subject"]["id"] == 2
        assert (payload["updated_at"] == changed) is is_newest
        assert (payload["updated_at"] == made) is (payload["data"] != {"lion": 3})


def test_what_did_not_change_keeps_its_moment(configure: Configure) -> None:
    first = {**STATS, "filters": {"from": 0, "to": 0}}
    configure({"counts": STATS, "first": first}, "first")
    for id in (1, 2):
        receive([lion(id)])
        process()
    earlier, later = payloads()
    assert earlier == later


def test_of_several_subgroups_the_default_one_is_sent(configure: Configure) -> None:
    grouped = {**STATS, "grouping": {"field_name": "place.name"}}
    configure({"places": grouped}, "places", extractors=SURVEY | PLACE)
    for id, place in ((1, "a"), (2, "_default"), (3, "b")):
        receive([lion(id, metadata={"place": place})])
    process()
    assert [payload and payload["data"].get("lion") for payload in payloads()] == [None, 1, 1]


def test_a_subject_without_that_reduction_sends_nothing(configure: Configure) -> None:
    training = {**STATS, "filters": {"training_behavior": "training_only"}}
    configure({"counts": STATS, "training": training}, "training", "counts", "no such reducer")
    receive([lion(1)])
    process()
    assert [payload and payload["data"] for payload in payloads()] == [None, {"lion": 1}, None]


def test_what_came_and_went_within_a_turn_was_sent_with_an_id(configure: Configure) -> None:
    last = {"type": "first_extract", "filters": {"from": -1}}
    configure({"last": last, "counts": STATS}, "last")
    receive([lion(1), make_event(2, annotations=[])])
    process()
    payload, without = payloads()
    assert payload["data"] == {"lion": 1}
    assert without is None
    kept = by_first(SubjectReduction.id, SubjectReduction.reducer_key)
    assert list(kept.values()) == ["counts"]
    assert payload["id"] > 0
    assert payload["id"] not in kept
