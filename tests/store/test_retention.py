"""What is too old is removed a little at a time, and what waits never is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.jobs import tasks
from caesar_web.store import retention
from caesar_web.store.activity import AuditEntry
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification, RejectedEvent
from caesar_web.store.results import Extract
from caesar_web.store.runs import Run, RunFile
from tests.factories import make_event, make_workflow
from tests.pipeline.reading import values
from tests.pipeline.running import begin
from tests.pipeline.steps import process, receive

AGE = timedelta(days=90)


@pytest.fixture
def ten(app: Flask) -> None:
    """Ten classifications, of which the third waits and the fifth was set aside."""
    with db.session.begin():
        make_workflow(db.session(), extractors_config={"survey": {"type": "survey"}})
    receive([make_event(id, subject=id) for id in range(1, 11)])
    process()
    change(3, processed_at=None)
    change(5, processed_at=None, failed_reason="it was ill")


def change(id: int, **columns: Any) -> None:
    with db.session.begin():
        db.session.execute(update(Classification).where(Classification.id == id).values(**columns))
    db.session.remove()


def grow_old(*ids: int) -> None:
    for id in ids:
        change(id, received_at=datetime.now(UTC) - AGE - timedelta(hours=1))


def test_old_classifications_go_and_what_waits_stays(ten: None) -> None:
    grow_old(*range(1, 8))
    tasks.purge_classifications(AGE)
    assert values(Classification.id) == [3, 8, 9, 10]
    assert len(values(Extract.id)) == 10


def test_a_little_at_a_time(ten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    grow_old(*range(1, 9))
    left = []
    for _ in range(5):
        tasks.purge_classifications(AGE)
        left.append(values(Classification.id))
    assert left[0] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert left[1] == [3, 7, 8, 9, 10]
    assert left[2] == left[4] == [3, 9, 10]


def test_nothing_goes_before_its_time(ten: None) -> None:
    tasks.purge_classifications(AGE)
    assert len(values(Classification.id)) == 10


@pytest.mark.parametrize(
    ("days", "left"),
    [
        (6, [1, 1, 1, 1]),
        (8, [1, 0, 1, 1]),
        (31, [1, 0, 0, 1]),
        (91, [0, 0, 0, 1]),
        (401, [0, 0, 0, 0]),
    ],
)
def test_the_rest(app: Flask, days: int, left: list[int]) -> None:
    """Runs that are over, their files, rejected events, the trail."""
    run_id = begin("import", file=("a.csv", b"x")).run_id
    other = begin("import", about="not over", file=("b.csv", b"y")).run_id
    now = datetime.now(UTC)
    with db.session.begin():
        db.session.execute(update(Run).where(Run.id == run_id).values(finished_at=now))
        db.session.add(RejectedEvent(reason="bad", event="{}", received_at=now))
        db.session.add(AuditEntry(actor="alice", action="looked", created_at=now))
    with db.session.begin():
        retention.purge(db.session(), now=now + timedelta(days=days))
    db.session.remove()
    kept = [
        len(values(Run.id, Run.id != other)),
        len(values(RunFile.run_id, RunFile.run_id != other)),
        len(values(RejectedEvent.id)),
        len(values(AuditEntry.id)),
    ]
    assert kept == left
    assert (values(Run.id, Run.id == other), values(RunFile.run_id)[-1]) == ([other], other)
