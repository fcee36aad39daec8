"""Taking in: each event stands alone, and each version of a classification counts once."""

import json
import math
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func

from caesar_web.store.configuration import Workflow
from caesar_web.store.db import Base, db
from caesar_web.store.inbox import Classification, RejectedEvent, Subject
from caesar_web.store.results import Extract, SubjectReduction
from tests.factories import JSON, START, copied, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive

ADDRESS = "203.0.113.7"
SURVEY: JSON = {
    "extractors_config": {"survey": {"type": "survey", "if_missing": "ignore"}},
    "reducers_config": {"counts": {"type": "stats"}},
}


@pytest.fixture
def workflow(app: Flask) -> int:
    with db.session.begin():
        return make_workflow(db.session(), **SURVEY).id


def nested(depth: int) -> Any:
    value: Any = {"user_ip": ADDRESS}
    for _ in range(depth):
        value = {"user_ip": value, "value": [value]} if depth < 9 else {"value": value}
    return value


def of(data: JSON, **linked: Any) -> JSON:
    """An event with other data; a member of `linked` takes the place of what was there."""
    event = make_event(5, choice="lion")
    return {**event, "data": {**event["data"], **data}, **linked}


def links(**over: Any) -> JSON:
    return {"links": {**make_event(5)["data"]["links"], **over}}


def metadata_of_subject(value: Any) -> JSON:
    return make_event(5, subject_metadata={"value": value})


MALFORMED: dict[str, tuple[Any, str]] = {
    "a text": ("an event", "not an object"),
    "a list": ([make_event(5)], "not an object"),
    "no data": ({"source": "panoptes", "type": "classification"}, "data must be an object"),
    "no links": (of({"links": None}), "data.links must be an object"),
    "no workflow": (of(links(workflow=None)), "data.links.workflow must be an id"),
    "an id of letters": (of({"id": "five"}), "data.id must be an id"),
    "an id of an object": (of({"id": {"user_ip": ADDRESS}}), "data.id must be an id"),
    "a wide id": (of({"id": str(2**63)}), "63 bits"),
    "a very wide id": (of({"id": 10**400}), "63 bits"),
    "a long id": (of({"id": "5" * 5000}), "data.id must be an id"),
    "a negative id": (of({"id": -5}), "63 bits"),
    "a wide user": (of(links(user=2**63)), "63 bits"),
    "a wide subject": (of(links(subjects=[str(2**64)])), "must be an id"),
    "a wide linked subject": (
        of({}, linked={"subjects": [{"id": 2**63, "metadata": {}}]}),
        "linked.subjects[0].id",
    ),
    "another project": (of(links(project="11")), "workflow 100 belongs to project 10"),
    "no subject": (of(links(subjects=[])), "names no subject"),
    "no time": (of({"created_at": None}), "data.created_at must be a time"),
    "an odd time": (of({"updated_at": "yesterday"}), "data.updated_at must be a time"),
    "an odd metadata": (of({"metadata": ["no", "object"]}), "data.metadata must be an object"),
    "odd annotations": (of({"annotations": "lion"}), "annotations"),
    "NUL": (of({"annotations": [{"task": "T0", "value": "a\0b"}]}), "NUL"),
    "NUL in a key": (of({"metadata": {"a\0b": 1}}), "NUL"),
    "NUL in the version": (of({"workflow_version": "1\0", "metadata": {}}), "NUL"),
    "NUL of a subject": (metadata_of_subject("\0"), "NUL"),
    "half a surrogate": (of({"metadata": {"name": "\ud800"}}), "surrogate"),
    "half a surrogate in a key": (metadata_of_subject({"\udfff": 1}), "surrogate"),
    "infinity": (of({"annotations": [{"task": "T0", "value": math.inf}]}), "finite"),
    "no number": (metadata_of_subject(math.nan), "finite"),
    "too large": (of({"metadata": {"value": 10**400}}), "too large"),
    "too deep": (of({"metadata": {"value": nested(110)}}), "nested"),
    "very deep": (of({"annotations": [{"task": "T0", "value": nested(900)}]}), "nested"),
}


def test_what_is_malformed_is_kept_alone_with_its_reason(workflow: int) -> None:
    events = []
    for at, (malformed, _) in enumerate(MALFORMED.values(), 101):
        events += [make_event(at, choice="lion"), malformed]
    taken = receive(events)
    assert (taken.kept, taken.rejected, taken.skipped) == (len(MALFORMED), len(MALFORMED), 0)
    assert process() == len(MALFORMED)
    kept = rows(RejectedEvent.reason, RejectedEvent.event, by=RejectedEvent.id)
    reasons = {reason for reason, _ in kept}
    for name, (_, expected) in MALFORMED.items():
        assert any(expected in reason for reason in reasons), (name, reasons)
    for reason, event in kept:
        assert event.isascii()
        assert ADDRESS not in reason + event, reason
        assert json.loads(event)


def test_no_address_of_a_volunteer_is_anywhere_in_the_database(workflow: int) -> None:
    one = make_event(
        1,
        annotations=[{"task": "T0", "value": [{"choice": "lion", "user_ip": ADDRESS}]}],
        metadata={"user_ip": ADDRESS, "deep": [nested(3)]},
        subject_metadata={"user_ip": ADDRESS},
    )
    receive([one, of({"id": "five"}), of({"metadata": {"user_ip": ADDRESS, "\0": 1}})])
    process()
    found = [
        repr(row)
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(table.select())
    ]
    db.session.rollback()
    assert len(found) > 8
    assert [row for row in found if ADDRESS in row or "user_ip" in row] == []


def test_what_is_not_ours_is_skipped(workflow: int) -> None:
    event = make_event(1)
    others = [
        {**event, "source": "talk"},
        {**event, "type": "subject"},
        {"source": "panoptes", "type": "user"},
        {},
        make_event(2, workflow=999),
    ]
    taken = receive(others)
    assert (taken.kept, taken.rejected, taken.workflows) == (0, 0, set())
    assert values(Classification.id) == values(RejectedEvent.id) == []


def test_an_event_of_a_workflow_that_is_not_here_is_not_looked_at(workflow: int) -> None:
    assert receive([{**of({"id": "five"} | links(workflow="999"))}]).rejected == 0


def test_a_workflow_just_added_takes_the_next_event(app: Flask) -> None:
    assert receive([make_event(1, choice="lion")]).kept == 0
    with db.session.begin():
        make_workflow(db.session(), **SURVEY)
    assert receive([make_event(2, choice="lion")]).workflows == {100}
    assert process() == 1
    assert values(Extract.classification_id) == [2]


def set_status(status: str) -> None:
    with db.session.begin():
        db.session.get_one(Workflow, 100).status = status
    db.session.remove()


def test_a_halted_workflow_ignores_and_a_resumed_one_takes_the_next_event(workflow: int) -> None:
    set_status("halted")
    assert receive([make_event(1)]).kept == 0
    set_status("active")
    assert receive([make_event(2)]).kept == 1
    assert values(Classification.id) == [2]


def test_a_paused_workflow_keeps_and_processes_after_it_resumes(workflow: int) -> None:
    set_status("paused")
    taken = receive([make_event(1, choice="lion")])
    assert (taken.kept, taken.workflows) == (1, set())
    assert process() == 0
    assert values(Extract.id) == []
    set_status("active")
    assert process() == 1
    assert values(SubjectReduction.data) == [{"lion": 1}]


def test_what_a_classification_says(workflow: int) -> None:
    event = make_event(1, subject=70, choice="lion", workflow_version="3.4", gold_standard=True)
    event["data"]["metadata"] = {}
    event["data"]["links"]["subjects"] = ["70", "71"]
    event["linked"]["subjects"].append({"id": "71", "metadata": {"a": 1}})
    receive([event])
    columns = ("subject_id", "user_id", "workflow_version", "gold_standard", "lane")
    found = rows(*(getattr(Classification, name) for name in columns))
    assert found == [(70, None, "3.4", True, 6)]
    assert rows(Subject.id, Subject.metadata_) == [(70, {}), (71, {"a": 1})]


def test_a_subject_of_which_nothing_is_told(workflow: int) -> None:
    silent, null = make_event(1, subject=70), make_event(2, subject=71)
    del silent["linked"]
    null["linked"]["subjects"][0]["metadata"] = None
    receive([silent, null])
    assert rows(Subject.id, Subject.metadata_) == [(70, {}), (71, {})]
    receive([make_event(3, subject=70, subject_metadata={"a": 1})])
    assert rows(Subject.id, Subject.metadata_) == [(70, {"a": 1}), (71, {})]
    receive([{**make_event(4, subject=70), "linked": {"subjects": []}}])
    assert rows(Subject.id, Subject.metadata_) == [(70, {"a": 1}), (71, {})]


def told(id: int, value: int, updated_at: str, *, training: bool = False) -> JSON:
    metadata = {"value": value, "#training_subject": training}
    event = make_event(id, subject_metadata=metadata)
    event["linked"]["subjects"][0]["updated_at"] = updated_at
    return event


def test_subject_metadata_are_refreshed_by_newer_ones_only(workflow: int) -> None:
    def stored() -> list[tuple[Any, bool]]:
        return [(row[0]["value"], row[1]) for row in rows(Subject.metadata_, Subject.is_training)]

    receive([told(1, 1, "2026-01-02T00:00:00Z")])
    receive([told(2, 2, "2026-01-01T00:00:00Z"), told(3, 3, "2026-01-02T00:00:00Z")])
    assert stored() == [(1, False)]
    later = told(4, 4, "2026-01-03T12:00:00+02:00", training=True)
    receive([told(5, 5, "2026-01-03T09:00:00Z"), later, told(6, 6, "2026-01-03T08:00:00Z")])
    assert stored() == [(4, True)]


def lions(*, changed: float = 0, choice: str = "lion", **over: Any) -> JSON:
    return make_event(5, choice=choice, changed=changed, **over)


def extracted() -> list[Any]:
    return values(Extract.data, by=Extract.id)


def test_of_one_id_in_a_request_the_latest_version_counts(workflow: int) -> None:
    receive([lions(changed=1, choice="gnu"), lions(changed=2, choice="zebra"), lions()])
    assert process() == 1
    assert extracted() == [{"zebra": 1}]


def test_the_same_event_again_does_nothing(workflow: int) -> None:
    receive([lions()])
    taken = receive([copied(lions()), copied(lions())])
    assert taken.workflows == set()
    assert process() == 1
    assert receive([copied(lions())]).workflows == set()
    assert process() == 0


def test_a_later_version_takes_the_place_of_the_earlier(workflow: int) -> None:
    receive([lions(), make_event(6, choice="gnu")])
    process()
    (id, _) = values(Extract.id)
    assert receive([lions(changed=10, choice="zebra")]).workflows == {100}
    assert process() == 1
    assert rows(Extract.id, Extract.data) == [(id, {"zebra": 1}), (id + 1, {"gnu": 1})]
    assert values(SubjectReduction.data) == [{"zebra": 1, "gnu": 1}]
    receive([lions(changed=5)])  # older, and late
    assert process() == 0
    assert extracted() == [{"zebra": 1}, {"gnu": 1}]


def test_a_later_version_before_the_earlier_was_processed(workflow: int) -> None:
    receive([lions()])
    receive([lions(changed=10, choice="zebra")])
    receive([lions(changed=5)])
    assert process() == 1
    assert extracted() == [{"zebra": 1}]


def test_a_version_that_gives_no_data_takes_the_extract_away(app: Flask) -> None:
    question = {"type": "question", "if_missing": "reject"}
    counts = {"type": "stats", "filters": {"extractor_keys": "answer"}}
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"who": {"type": "who"}, "answer": question},
            reducers_config={"counts": counts},
        )
    receive([lions()])
    process()
    assert values(SubjectReduction.reducer_key) == ["counts"]
    receive([lions(changed=1, annotations=[])])
    assert process() == 1
    assert values(Extract.extractor_key) == ["who"]
    assert values(SubjectReduction.reducer_key) == []
    assert rows(Workflow.extracts_count, Workflow.subject_reductions_count) == [(1, 0)]
    receive([lions(changed=2, annotations=[{"task": "T0", "value": 3}])])
    process()
    assert values(SubjectReduction.data) == [{"3": 1}]
    assert rows(Workflow.extracts_count, Workflow.subject_reductions_count) == [(2, 1)]


def test_a_version_that_moves_to_another_subgroup_leaves_no_row_behind(app: Flask) -> None:
    place = {"type": "pluck_field", "field_map": {"name": "$.metadata.place"}}
    grouping = {"field_name": "place.name"}
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"place": place},
            reducers_config={"visits": {"type": "count", "grouping": grouping}},
        )
    receive([lions(metadata={"place": "north"}), make_event(6, metadata={"place": "east"})])
    process()
    receive([lions(changed=1, metadata={"place": "south"})])
    process()
    assert sorted(values(SubjectReduction.subgroup)) == ["east", "south"]


def test_the_order_is_that_of_creation_then_of_ids(workflow: int) -> None:
    receive([make_event(3, at=5), make_event(1, at=9), make_event(4, at=5), make_event(2, at=5)])
    receive([make_event(9, at=1)])
    assert values(Classification.id, by=Classification.position) == [2, 3, 4, 1, 9]


def test_wide_numbers_and_texts_are_kept_exactly(workflow: int) -> None:
    metadata = {"wide": 2**70, "text": "ünïcödé \U0001f981 \u2028", "small": 1e-300, "list": [[]]}
    receive([make_event(2**63 - 1, at=1, metadata=metadata)])
    assert rows(Classification.id, Classification.metadata_) == [(2**63 - 1, metadata)]
    assert values(Classification.created_at)[0] > START
    kind_of = func.jsonb_typeof if db.engine.dialect.name == "postgresql" else func.json_type
    assert values(kind_of(Classification.metadata_)) == ["object"]  # not the text of JSON
