"""What is kept while a workflow is paused: a run follows it from when it is resumed."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import read_document
from caesar_web.jobs import running, tasks
from caesar_web.pipeline import configuring
from caesar_web.pipeline.configuring import Change
from caesar_web.pipeline.targets import Author
from caesar_web.store.configuration import Revision
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.runs import Run
from tests.factories import LIONS, SEALER, make_event, make_workflow
from tests.pipeline.reading import values
from tests.pipeline.running import begin, make_due, state, take_steps
from tests.pipeline.steps import process, receive


@pytest.fixture
def paused(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **LIONS, status="paused")
    db.session.remove()


def change() -> Change:
    def transaction() -> AbstractContextManager[Session]:
        return tasks.transaction()

    author = Author("alice", 2, lambda _: True, is_admin=False)
    return Change(author, datetime.now(UTC), tasks.panoptes(), SEALER, transaction)


def give(status: str, **more: Any) -> bool:
    changed = configuring.configure(change(), 100, read_document({"status": status, **more}))
    db.session.remove()
    return changed


def runs() -> list[tuple[str, int, str]]:
    """The kind of each run, how much it follows, and how it fares."""
    found = db.session.scalars(select(Run).order_by(Run.id)).all()
    rows = [(run.kind, run.options["kept"], run.status) for run in found]
    db.session.remove()
    return rows


def test_a_run_follows_it(paused: None) -> None:
    receive([make_event(id, subject=id) for id in range(1, 8)])
    give("active")
    assert runs() == [("kept", 7, "waiting")]
    (run_id,) = values(Run.id)
    assert (state(run_id).started_by, state(run_id).started_by_id) == ("alice", 2)
    assert state(run_id).acts
    receive([make_event(id, subject=id) for id in (20, 21)])  # live, and not kept
    take_steps(run_id)
    run = state(run_id)
    assert (run.status, run.done, run.total) == ("finished", 7, 7)


@pytest.mark.parametrize("status", ["paused", "halted"])
def test_none_where_nothing_is_kept_or_it_does_not_go_on(paused: None, status: str) -> None:
    give("active")
    give(status)
    receive([make_event(1)])
    give(status, public_extracts=True)
    assert runs() == []


def test_none_where_it_was_active_already(paused: None) -> None:
    give("active")
    receive([make_event(1)])
    give("active", public_extracts=True)
    assert runs() == []


def test_also_where_it_was_halted_in_between(paused: None) -> None:
    receive([make_event(1)])
    give("halted")
    give("active")
    assert runs() == [("kept", 1, "waiting")]


def test_also_where_an_older_revision_is_restored(paused: None) -> None:
    give("active")
    give("paused")
    receive([make_event(1)])
    revisions = db.session.scalars(select(Revision)).all()
    active = [one.id for one in revisions if (one.after or {})["status"] == "active"]
    db.session.remove()
    assert configuring.restore(change(), 100, active[-1])
    db.session.remove()
    assert runs() == [("kept", 1, "waiting")]


def test_resumed_twice_each_is_counted_once(paused: None) -> None:
    receive([make_event(id, subject=1) for id in range(1, 7)])
    give("active")
    (run_id,) = values(Run.id)
    process()
    receive([make_event(id, subject=2) for id in range(10, 13)])
    held = running.claim(run_id)
    give("paused")
    receive([make_event(id, subject=3) for id in range(20, 24)])
    give("active")
    assert runs() == [("kept", 6 + 3 + 4, "running")]
    assert held is not None
    _, status = running.take_step(held)  # with what this worker knew before
    assert (status, state(run_id).done) == ("running", 6)
    process()
    make_due(run_id)
    assert take_steps(run_id) == "finished"
    assert (state(run_id).done, state(run_id).total) == (13, 13)


def test_what_another_run_has_brought_is_not_counted(paused: None) -> None:
    receive([make_event(id, subject=id) for id in (1, 2)])
    other = begin("backfill").run_id
    with db.session.begin():
        db.session.get_one(Classification, 2).run_id = other
    db.session.remove()
    give("active")
    (kept,) = [run for run in db.session.scalars(select(Run)) if run.kind == "kept"]
    assert kept.options["kept"] == 1
