"""Runs as the caller: who may, what the trail tells of it, and the bells that are rung."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from caesar_web.access import configuring, running
from caesar_web.access.permissions import NotSignedIn
from caesar_web.access.running import NoSuchRun, OtherNumber
from caesar_web.domain.documents import read_document
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import run_orders
from caesar_web.pipeline.run_orders import Over, Scope
from caesar_web.store.activity import AuditEntry, SubjectAction
from caesar_web.store.db import db
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.factories import START, make_event
from tests.people import ALICE, bearer
from tests.pipeline.reading import rows, values
from tests.pipeline.running import state
from tests.pipeline.steps import receive
from tests.standin.server import StandinServer
from tests.web.running import OF_PROJECT, OF_WORKFLOW, add_run, add_withheld

pytestmark = NO_OTHER_DATABASE

BACKFILL = run_orders.order("backfill", OF_WORKFLOW, Scope())
OF_ANOTHER = Reducible("Workflow", 200)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was rung for, when no transaction was open."""
    rings: list[tuple[str, int]] = []

    def ring(of: str) -> Any:
        def heard(_: str, id: int, **more: Any) -> None:
            assert not db.session().in_transaction()
            rings.append((of, id))

        return heard

    for name in ("run", "actions", "classifications"):
        monkeypatch.setattr(queues, f"ring_{name}", ring(name))
    return rings


@pytest.fixture(autouse=True)
def as_alice(app: Flask, standin: StandinServer) -> Iterator[None]:
    with app.test_request_context(headers=bearer(standin, ALICE)):
        yield
        tasks.panoptes().close()


@contextmanager
def told() -> Iterator[list[tuple[str, str | None, int | None]]]:
    """What the trail tells of what is within: the action, about what, of which workflow."""
    seen = len(values(AuditEntry.id))
    entries: list[Any] = []
    yield entries
    columns = (AuditEntry.id, AuditEntry.action, AuditEntry.about, AuditEntry.workflow_id)
    entries += [row[1:] for row in rows(*columns)[seen:]]
    db.session.remove()


def test_started_stopped_and_taken_up_again(rung: list[tuple[str, int]]) -> None:
    words = "Backfill, run {}: all subjects of the workflow"
    with told() as entries:
        run_id = running.start(BACKFILL).run_id
        assert running.start(BACKFILL) == (run_id, False)
        assert running.stop(OF_WORKFLOW, run_id) == "cancelled"
        assert running.stop(OF_WORKFLOW, run_id) is None
        assert running.go_on(OF_WORKFLOW, run_id) == (run_id, True)
        assert running.go_on(OF_WORKFLOW, run_id) == (run_id, False)
        running.stop(OF_WORKFLOW, run_id)
        again = running.again(OF_WORKFLOW, run_id)
        assert again.is_new
        assert running.go_on(OF_WORKFLOW, run_id) == (again.run_id, False)
    about = words.format(run_id)
    assert entries == [
        ("started a run", about, 100),
        ("stopped a run", about, 100),
        ("let a run go on", about, 100),
        ("stopped a run", about, 100),
        ("started a run", words.format(again.run_id), 100),
    ]
    assert (state(run_id).started_by, state(run_id).started_by_id) == ("alice", ALICE)
    assert rung == [("run", run_id)] * 4 + [("run", again.run_id)] * 2


def test_one_that_is_carried_on_stops_after_its_step(rung: list[tuple[str, int]]) -> None:
    later = datetime.now(UTC) + timedelta(minutes=1)
    run_id = add_run(BACKFILL, status="running", not_before=later)
    assert running.stop(OF_WORKFLOW, run_id) == "stopping"


def test_a_project_in_the_trail_is_no_workflow(rung: list[tuple[str, int]]) -> None:
    with told() as entries:
        running.start(run_orders.order("rereduce", OF_PROJECT, Scope()))
    assert [(action, workflow_id) for action, _, workflow_id in entries] == [
        ("started a run", None)
    ]
    assert values(AuditEntry.project_id)[-1] == 10


def test_what_is_over_does_not_go_on_and_what_is_lost_does(rung: list[tuple[str, int]]) -> None:
    done = add_run(BACKFILL, status="finished", finished_at=START)
    with pytest.raises(Over):
        running.go_on(OF_WORKFLOW, done)
    lost = add_run(BACKFILL, status="running", not_before=START, done=7)
    assert running.go_on(OF_WORKFLOW, lost) == (lost, True)
    run = state(lost)
    assert (run.status, run.done, run.options["resumed"]["done"]) == ("waiting", 7, 7)


def test_the_same_again_is_the_same(rung: list[tuple[str, int]]) -> None:
    scope = Scope(subject_ids=[3, 1, 2, 3], check="last", reducer_key="counts")
    order = run_orders.order("rereduce", OF_WORKFLOW, scope, acts=True, rate=5)
    first = running.start(order).run_id
    running.stop(OF_WORKFLOW, first)
    running.go_on(OF_WORKFLOW, first)
    running.stop(OF_WORKFLOW, first)
    with tasks.transaction() as session:
        assert run_orders.again(session, session.get_one(Run, first)) == order
    assert order.targets == [1, 2, 3]


@pytest.mark.parametrize("reducible", [OF_ANOTHER, OF_PROJECT])
def test_no_id_of_another_leads_to_a_run(rung: list[tuple[str, int]], reducible: Reducible) -> None:
    run_id = add_run(BACKFILL, status="cancelled", finished_at=START)
    for change in (running.stop, running.go_on, running.again):
        with pytest.raises(NoSuchRun):
            change(reducible, run_id)
        with pytest.raises(NoSuchRun):
            change(OF_WORKFLOW, 2**70)
    with pytest.raises(NoSuchRun):
        running.apply(200, run_id, number=0)
    assert rung == []


def test_what_was_withheld_is_done_once_and_no_more_than_agreed(
    rung: list[tuple[str, int]],
) -> None:
    run_id = add_run(BACKFILL, status="running")
    add_withheld(run_id)
    with pytest.raises(OtherNumber):  # it is not over
        running.apply(100, run_id, number=5)
    with tasks.transaction() as session:
        run = session.get_one(Run, run_id)
        run.status, run.finished_at = "finished", START
    with pytest.raises(OtherNumber):
        running.apply(100, run_id, number=4)
    assert values(SubjectAction.id) == []
    with told() as entries:
        assert running.apply(100, run_id, number=5) == 5
    assert rung == [("actions", 100)]
    assert entries == [
        (
            "did what a run withheld",
            f"Backfill, run {run_id}: all subjects of the workflow, 5 actions",
            100,
        )
    ]
    assert state(run_id).applied_at is not None
    with pytest.raises(OtherNumber):
        running.apply(100, run_id, number=5)
    assert running.apply(100, run_id, number=0) == 0


def test_resuming_a_workflow_rings_for_what_was_kept(rung: list[tuple[str, int]]) -> None:
    configuring.apply(100, read_document({"status": "paused"}))
    receive([make_event(1)])
    configuring.apply(100, read_document({"status": "active"}))
    (run_id,) = values(Run.id)
    assert rung == [("classifications", 100), ("run", run_id)]


def test_nobody_starts_nothing(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(NotSignedIn):
        running.start(BACKFILL)
    assert values(Run.id) == []
