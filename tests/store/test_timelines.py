"""What became of a subject or user is read on both databases, in order, and of one workflow."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from caesar_web.store import timelines
from caesar_web.store.action_pages import Act
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT, USER
from caesar_web.store.results import Extract
from caesar_web.store.timelines import MOST_EVENTS, MOST_EXTRACTS, Classified, Extracted
from tests.factories import LIONS, START, make_event, make_workflow
from tests.pipeline.steps import process, receive

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def workflows(app: Flask) -> None:
    """Users 1 to 5 have seen a lion in subject 7; in workflow 200 they have seen it once more."""
    with db.session.begin():
        make_workflow(db.session(), 100, **LIONS)
        make_workflow(db.session(), 200, project_id=20, **LIONS)
    receive(make_event(id, subject=7, user=id, choice="lion") for id in range(1, 6))
    receive([make_event(6, subject=7, user=1, choice="lion", workflow=200, project=20)])
    process(100)
    process(200)


def _act(effect_id: int, seconds: int, **over: Any) -> SubjectAction:
    at = NOW + timedelta(seconds=seconds)
    times = {"created_at": at, "updated_at": at, "not_before": at}
    given = {"workflow_id": 100, "subject_id": 7, "effect_type": "external", "config": {}, **over}
    return SubjectAction(rule_id=9, effect_id=effect_id, effect_revision=1, **given, **times)


def _ids(found: timelines.Timeline) -> list[tuple[str, int | None]]:
    return [(type(one).__name__, one.id) for one in found.events]


def test_the_newest_is_first(workflows: None) -> None:
    with reading() as session:
        of_subject = timelines.timeline(session, 100, SUBJECT, 7)
        of_user = timelines.timeline(session, 100, USER, 1)
        nothing = timelines.timeline(session, 100, SUBJECT, 8)
    assert _ids(of_subject) == [("Act", 1), *(("Classified", id) for id in (5, 4, 3, 2, 1))]
    assert _ids(of_user) == [("Classified", 1)]
    one = of_user.events[0]
    assert isinstance(one, Classified)
    assert (one.subject_id, one.user_id, one.version, one.is_waiting) == (7, 1, "1.1", False)
    assert one.extracts == (Extracted("survey", {"lion": 1}),)
    assert (nothing.events, nothing.is_cut) == ([], False)


def test_what_was_pushed_in_has_no_classification_here(workflows: None) -> None:
    times = {"created_at": START, "updated_at": START, "classification_at": NOW}
    with db.session.begin():
        for number in range(MOST_EXTRACTS + 2):
            place = {"workflow_id": 100, "subject_id": 7, "user_id": 8, "classification_id": 50}
            db.session.add(Extract(extractor_key=f"e{number}", data=number, **place, **times))
        predicted = {"workflow_id": 100, "subject_id": 7, "extractor_key": "ml", "data": {}}
        db.session.add(Extract(**predicted, **times))
    with reading() as session:
        found = timelines.timeline(session, 100, SUBJECT, 7).events
        of_user = timelines.timeline(session, 100, USER, 8).events
    pushed, prediction = of_user[0], next(one for one in found if one.id is None)
    assert isinstance(pushed, Classified)
    assert [one.data for one in pushed.extracts] == [0, 1, 2]
    assert (pushed.id, pushed.more, pushed.at) == (50, 2, NOW)
    assert pushed in found
    assert isinstance(prediction, Classified)
    assert prediction.extracts == (Extracted("ml", {}),)


def test_there_may_be_more(workflows: None) -> None:
    with db.session.begin():
        db.session.add_all(_act(effect_id, at) for at in range(MOST_EVENTS) for effect_id in (7, 8))
        db.session.add(_act(7, 0, workflow_id=200))
        db.session.add(_act(7, 0, subject_id=8, status="failed"))
    with reading() as session:
        found = timelines.timeline(session, 100, SUBJECT, 7)
        latest = timelines.latest_acts(session, 100, SUBJECT, [7, 8])
    assert found.is_cut
    assert len(found.events) == MOST_EVENTS
    assert all(isinstance(one, Act) for one in found.events)
    assert [(one.target_id, one.effect_type) for one in latest] == [
        (7, "retire_subject"),
        (7, "external"),
        (7, "external"),
        (8, "external"),
    ]
    assert latest[1].created_at == NOW + timedelta(seconds=MOST_EVENTS - 1)


def test_reductions_and_counts(workflows: None) -> None:
    with reading() as session:
        (reduction,) = timelines.reductions(session, 100, SUBJECT, 7)
        assert timelines.reductions(session, 100, USER, 1) == []
        counts = timelines.classification_counts(session, 100, [7, 8])
        assert timelines.metadata(session, 7) == timelines.metadata(session, 8) == {}
    assert (reduction.reducer_key, reduction.data) == ("counts", {"lion": 5})
    assert counts == {7: 5}
