"""Events that were refused, tried again: what fits goes in, the rest stays with its new reason."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.pipeline.ingest import Replayed, replay
from caesar_web.store import rejected_statements as rejected
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification, RejectedEvent
from tests.factories import LIONS, START, make_event, make_workflow
from tests.pipeline.steps import receive

LATER = START + timedelta(days=1)


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), 100, project_id=11, **LIONS)
    db.session.remove()


def _rows() -> dict[int, str]:
    with db.session.begin():
        rows = db.session.scalars(select(RejectedEvent).order_by(RejectedEvent.id))
        return {row.id: row.reason for row in rows}


def _replay(*ids: int) -> Replayed:
    with db.session.begin():
        done = replay(db.session(), ids, now=LATER)
    db.session.remove()
    return done


def _move_workflow() -> None:
    """To the project that the events name."""
    with db.session.begin():
        db.session.get_one(Workflow, 100).project_id = 10


def test_what_fits_now_goes_in_and_out_of_the_table() -> None:
    receive([make_event(1), make_event(2), None])
    never, refused, also = _rows()
    _move_workflow()
    done = _replay(refused, also, never)
    assert (done.taken.kept, done.taken.rejected, done.gone) == (2, 1, 2)
    assert done.taken.workflows == {100}
    assert _rows() == {never: "the event is not an object"}
    with db.session.begin():
        assert set(db.session.scalars(select(Classification.id))) == {1, 2}


def test_only_those_that_are_named() -> None:
    receive([make_event(1), make_event(2)])
    first, second = _rows()
    _move_workflow()
    assert _replay(first).gone == 1
    assert list(_rows()) == [second]
    assert _replay(first) == Replayed(_replay().taken, 0)


def test_what_is_refused_again_stays_with_the_reason_of_now() -> None:
    receive([make_event(1)])
    ((id, before),) = _rows().items()
    with db.session.begin():
        db.session.get_one(Workflow, 100).project_id = 12
        received_at = db.session.get_one(RejectedEvent, id).received_at
    done = _replay(id)
    assert (done.taken.kept, done.taken.rejected, done.gone) == (0, 1, 0)
    assert _rows()[id] == before.replace("project 11", "project 12") != before
    with db.session.begin():
        assert db.session.get_one(RejectedEvent, id).received_at == received_at


def test_what_no_workflow_wants_any_more_goes() -> None:
    receive([make_event(1)])
    with db.session.begin():
        db.session.get_one(Workflow, 100).status = "halted"
    done = _replay(*_rows())
    assert (done.taken.kept, done.taken.skipped, done.gone) == (0, 1, 1)
    assert _rows() == {}


def test_what_cannot_be_read_harms_no_other() -> None:
    with db.session.begin():
        for text in ("{", "[" * 100_000):
            db.session.add(RejectedEvent(reason="odd", event=text, received_at=START))
    receive([make_event(1)])
    _move_workflow()
    done = _replay(*_rows())
    assert (done.taken.kept, done.taken.rejected) == (1, 2)
    assert set(_rows().values()) == {"the event is not an object"}


def test_looking_through_them() -> None:
    receive([make_event(1), None])
    with db.session.begin():
        session = db.session()
        newest, oldest = rejected.newest(session)
        assert newest.id > oldest.id
        assert rejected.newest(session, most=1) == [newest]
        shown = rejected.shown(session, [oldest.id])
        assert shown[oldest.id].length == len(shown[oldest.id].text)
        assert rejected.named(session, [oldest.id, 999]) == [oldest]
        assert rejected.remove(session, [oldest.id, 999]) == 1
        assert rejected.newest(session) == [newest]
