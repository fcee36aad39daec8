"""What has failed, as both databases tell it; trying it again and leaving it, by ids alone."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from caesar_web.store import failure_statements as failures
from caesar_web.store.action_repeats import retry
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible
from tests.factories import LIONS, START, make_event, make_workflow
from tests.pipeline.steps import process, receive
from tests.pipeline.test_statements import counted
from tests.store.test_operation_statements import _MANY_ACTIONS
from tests.web.acting import add_action

pytestmark = pytest.mark.usefixtures("app")

LATER = START + timedelta(hours=1)


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    with db.session.begin():
        for id in (100, 200):
            make_workflow(db.session(), id, **LIONS)
    db.session.remove()


def add_run(identity: str, status: str = "failed", **over: Any) -> int:
    """Writes a run; gives its id."""
    at = dict.fromkeys(("created_at", "updated_at", "not_before", "progressed_at"), START)
    of = {"reducible_type": "Workflow", "reducible_id": 100, "options": {}}
    is_over = status in ("failed", "finished")
    with db.session.begin():
        values = {"finished_at": START if is_over else None, **of, **at, **over}
        run = Run(kind="backfill", identity=identity, status=status, **values)
        db.session.add(run)
        db.session.flush()
        return run.id


def set_aside(*ids: int, workflow: int = 100) -> None:
    """Classifications that could not be processed."""
    receive([make_event(id, subject=id, workflow=workflow) for id in ids])
    with db.session.begin():
        for id in ids:
            db.session.get_one(Classification, id).failed_reason = f"broken at {id}"


def test_failed_actions_that_nobody_has_seen_the_newest_first() -> None:
    add_action(1, status="failed", last_error="m" * 1000)
    add_action(2, status="completed")
    add_action(3, status="failed", workflow_id=200)
    add_action(4, status="failed", acknowledged_at=START)
    add_action(user=5, status="failed")
    with db.session.begin():
        newest, oldest = failures.failed_actions(db.session(), SUBJECT_ACTIONS)
        assert (newest.target_id, newest.reducible) == (3, Reducible("Workflow", 200))
        assert (oldest.what, oldest.at) == ("add_subject_to_set", START)
        assert oldest.message == "m" * failures.LONGEST_MESSAGE
        assert failures.failed_actions(db.session(), SUBJECT_ACTIONS, most=1) == [newest]
        (of_user,) = failures.failed_actions(db.session(), USER_ACTIONS)
        assert of_user.target_id == 5


def test_actions_are_tried_again_or_left_by_id_and_only_where_they_failed() -> None:
    first, second = (add_action(id, status="failed", attempts=9) for id in (1, 2))
    other = add_action(3, status="failed", workflow_id=200)
    done = add_action(4, status="completed")
    with db.session.begin():
        session = db.session()
        left = failures.acknowledge_actions(session, SUBJECT_ACTIONS, [second, done], now=LATER)
        assert left == Counter({100: 1})
        tried = failures.retry_actions(session, SUBJECT_ACTIONS, [first, other, done], now=LATER)
        assert tried == Counter({100: 1, 200: 1})
        assert failures.failed_actions(session, SUBJECT_ACTIONS) == []
    with db.session.begin():
        row = db.session.get_one(SubjectAction, first)
        assert (row.status, row.attempts, row.not_before) == ("pending", 0, LATER)
        assert db.session.get_one(SubjectAction, second).status == "failed"
        retry(db.session(), SUBJECT_ACTIONS, 100, [second], now=LATER)
    with db.session.begin():  # so that it is listed again where it fails again
        assert db.session.get_one(SubjectAction, second).acknowledged_at is None


def test_classifications_that_were_set_aside() -> None:
    set_aside(1, 2)
    set_aside(3, workflow=200)
    with db.session.begin():
        session = db.session()
        found = {(one.id, one.reducible.id, one.message) for one in failures.set_aside(session)}
        assert found == {(id, 200 if id == 3 else 100, f"broken at {id}") for id in (1, 2, 3)}
        assert len(failures.set_aside(session, most=2)) == 2
        assert failures.discard_set_aside(session, [2, 9]) == Counter({100: 1})
        assert failures.wait_again(session, [1, 2]) == Counter({100: 1})
    db.session.remove()
    assert process() == 1
    with db.session.begin():
        assert [one.id for one in failures.set_aside(db.session())] == [3]
        assert failures.wait_again(db.session(), [1]) == failures.discard_set_aside(
            db.session(), [1]
        )


def test_runs_that_failed_go_on_unless_the_same_is_at_work() -> None:
    first, second, seen = add_run("a", last_error="no"), add_run("b"), add_run("c")
    again, finished = add_run("b", "running"), add_run("d", "finished")
    with db.session.begin():
        session = db.session()
        ids = [first, second, again, finished]
        (left,) = failures.acknowledge_runs(session, [seen, finished], now=LATER)
        assert (left.id, left.status) == (seen, "failed")
        found = failures.failed_runs(session)
        assert [(one.id, one.message) for one in found] == [(second, None), (first, "no")]
        (resumed,) = failures.resume_runs(session, ids, now=LATER)
        assert (resumed.id, resumed.status, resumed.finished_at) == (first, "waiting", None)
        (still,) = failures.failed_runs(session)
        assert still.id == second


def test_of_two_that_failed_alike_one_goes_on() -> None:
    ids = [add_run("a"), add_run("a")]
    with db.session.begin():
        assert [run.id for run in failures.resume_runs(db.session(), ids, now=LATER)] == ids[1:]


def test_each_sort_is_one_statement() -> None:
    for subject in range(20):
        add_action(subject, status="failed")
    set_aside(1, 2, 3)
    add_run("a")
    with db.session.begin(), counted() as statements:
        session = db.session()
        failures.failed_actions(session, SUBJECT_ACTIONS)
        failures.failed_actions(session, USER_ACTIONS)
        failures.set_aside(session)
        failures.failed_runs(session)
        assert failures.names_of(session, [100, 999]) == {100: "Galaxies"}
    assert len([one for one in statements if "BEGIN" not in one]) == 5


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_failed_actions_are_found_by_their_index() -> None:
    with db.session.begin():
        db.session.execute(text(_MANY_ACTIONS))
        db.session.execute(text("ANALYZE subject_actions"))
        statement = failures._failed_actions(SUBJECT_ACTIONS).compile(db.engine)
        values = {"most": 5, "longest": 9}
        plan = db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", values)
        told = "\n".join(row[0] for row in plan)
    assert "subject_actions_unseen" in told
    assert "Seq Scan" not in told
