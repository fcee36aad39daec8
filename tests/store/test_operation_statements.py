"""What operators watch, as both databases tell it, in so many statements and no more."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update

from caesar_web.store import operation_statements as operation
from caesar_web.store.activity import Freeze, Light
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.operation_statements import Counted, Numbers, Unfinished, Waiting
from caesar_web.store.runs import Run
from tests.factories import LIONS, START, make_event, make_workflow
from tests.pipeline.steps import process, receive
from tests.pipeline.test_statements import counted
from tests.web.acting import add_action

pytestmark = pytest.mark.usefixtures("app")

GOLD, PAUSED = 200, 300
LATER = START + timedelta(hours=1)


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    with db.session.begin():
        for id in (100, GOLD, PAUSED):
            make_workflow(db.session(), id, **LIONS)
        _set(GOLD, custom_queue_name="gold")
    db.session.remove()


def _set(workflow_id: int, **values: Any) -> None:
    db.session.execute(update(Workflow).where(Workflow.id == workflow_id).values(**values))


def _classify(id: int, *, minutes: int = 0, **over: Any) -> None:
    """A classification that came in so many minutes after the start, and waits."""
    known = {"workflow_id": 100, "subject_id": id, "lane": id % 64, "position": id, **over}
    shown = {"annotations": {}, "metadata_": {}, "project_id": 10, "is_backfilled": False}
    at = dict.fromkeys(("created_at", "updated_at"), START)
    received = START + timedelta(minutes=minutes)
    db.session.add(Classification(id=id, received_at=received, **{**at, **shown, **known}))


def _run(kind: str, status: str, identity: str) -> None:
    at = dict.fromkeys(("created_at", "updated_at", "not_before", "progressed_at"), START)
    of = {"reducible_type": "Workflow", "reducible_id": 100, "options": {}}
    db.session.add(Run(kind=kind, status=status, identity=identity, **of, **at))


def test_what_waits_by_queue_and_its_oldest() -> None:
    with db.session.begin():
        for id, minutes in ((1, 9), (2, 3), (3, 5), (65, 1)):
            _classify(id, minutes=minutes)
        _classify(66, minutes=0, is_backfilled=True)
        _classify(67, minutes=0, processed_at=LATER)
        _classify(68, minutes=0, failed_reason="broken")
        _classify(70, minutes=2, workflow_id=GOLD)
        _classify(71, minutes=2, workflow_id=PAUSED)
        _set(PAUSED, status="paused")
    with db.session.begin():
        found = operation.waiting(db.session())
    ago = {n: START + timedelta(minutes=n) for n in range(10)}
    assert sorted(found, key=str) == sorted(
        [
            Waiting(None, "active", False, 4, ago[3]),  # 65 has come behind 1, as its position says
            Waiting(None, "active", True, 1, ago[0]),
            Waiting(None, "paused", False, 1, ago[2]),
            Waiting("gold", "active", False, 1, ago[2]),
        ],
        key=str,
    )
    assert all(isinstance(one.is_backfilled, bool) for one in found)


def test_nothing_waits() -> None:
    with db.session.begin():
        found = operation.operation(db.session(), now=START)
    assert not any((found.waiting, found.unfinished, found.latest_actions, found.runs))
    assert found.red_lights == {}
    assert found.numbers == Numbers(0, 0, 0)
    assert found.totals == {"extracts": 0, "reductions": 0, "actions": 0}


def test_numbers_end_at_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with db.session.begin():
        for id in range(1, 30):
            _classify(id, lane=id % 2)
            _classify(id + 100, failed_reason="broken")
    for subject in range(5):
        add_action(subject, status="failed")
    for bound in ("MOST_IN_A_LANE", "MOST_ACTIONS", "MOST_SET_ASIDE"):
        monkeypatch.setattr(operation, bound, 3)
    with db.session.begin():
        session = db.session()
        assert [one.number for one in operation.waiting(session)] == [6]
        assert [one.number for one in operation.unfinished_actions(session, now=START)] == [3]
        assert [one.number for one in operation.latest_actions(session)] == [3]
        assert operation.numbers(session).set_aside == 3
        monkeypatch.setattr(operation, "MOST_LANES", 1)
        assert [one.number for one in operation.waiting(session)] == [3]


def test_actions_that_are_not_over_or_have_failed() -> None:
    add_action(1, status="completed")
    add_action(2, status="failed")
    add_action(3, status="pending", not_before=START)
    add_action(4, status="pending", not_before=START - timedelta(minutes=5))
    add_action(5, status="pending", not_before=LATER)
    add_action(user=6, status="pending", not_before=START)
    add_action(7, status="pending", not_before=START, workflow_id=PAUSED)
    with db.session.begin():
        _set(PAUSED, status="halted")
    with db.session.begin():
        found = operation.unfinished_actions(db.session(), now=START)
        latest = operation.latest_actions(db.session())
    assert found == [
        Unfinished("add_subject_to_set", "failed", 1, 0, None),
        Unfinished("add_subject_to_set", "pending", 4, 2, START - timedelta(minutes=5)),
        Unfinished("promote_user", "pending", 1, 1, START),
    ]
    assert latest == [
        Counted("add_subject_to_set", "completed", 1),
        Counted("add_subject_to_set", "failed", 1),
        Counted("add_subject_to_set", "pending", 4),
        Counted("promote_user", "pending", 1),
    ]


def test_lights_are_red_where_nothing_goes_well() -> None:
    red, some = "xxx", "x.x"
    rows = [
        ("extractor", "1", red),
        ("extractor", "2", some),
        ("extractor", "999", red),  # which is gone
        ("reducer", "1", ""),
        ("host", "api.example.org", red),
    ]
    with db.session.begin():
        for kind, name, outcomes in rows:
            db.session.add(Light(kind=kind, name=name, outcomes=outcomes, updated_at=START))
    with db.session.begin():
        assert operation.red_lights(db.session()) == {"extractor": 1, "host": 1}


def test_runs_by_kind_and_state_and_the_other_numbers() -> None:
    with db.session.begin():
        _run("backfill", "waiting", "a")
        _run("backfill", "waiting", "b")
        _run("export", "done", "c")
        _classify(1, failed_reason="broken")
        of = {"reducible_type": "Workflow", "frozen_by": "ann", "created_at": START}
        db.session.add(Freeze(reducible_id=100, **of))
    receive([None])
    with db.session.begin():
        found = operation.operation(db.session(), now=START)
    assert found.runs == [Counted("backfill", "waiting", 2), Counted("export", "done", 1)]
    assert found.numbers == Numbers(set_aside=1, rejected=1, freezes=1)


def test_the_number_of_statements_is_fixed() -> None:
    receive([make_event(id, choice="lion") for id in range(1, 8)])
    process()
    receive([make_event(id) for id in range(8, 50)])
    with db.session.begin(), counted() as statements:
        found = operation.operation(db.session(), now=LATER)
    assert found.totals["extracts"] == 7
    assert sum(one.number for one in found.waiting) == 42
    assert len([one for one in statements if "BEGIN" not in one]) == 7


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_statement_reads_a_whole_table() -> None:
    with db.session.begin():
        db.session.execute(text(_MANY_CLASSIFICATIONS))
        db.session.execute(text(_MANY_ACTIONS))
        for table in ("classifications", "subject_actions"):
            db.session.execute(text(f"ANALYZE {table}"))
    for statement in (operation._WAITING, operation._UNFINISHED, operation._LATEST):
        bounds = dict.fromkeys(("most", "most_lanes", "most_in_a_lane"), 5)
        compiled = statement.compile(db.engine)
        values = {name: {**bounds, "now": START}[name] for name in compiled.params}
        with db.engine.connect() as connection:
            plan = "\n".join(
                row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}", values)
            )
        assert "Seq Scan on classifications" not in plan
        assert "Seq Scan on subject_actions" not in plan


_MANY_CLASSIFICATIONS = """INSERT INTO classifications (id, project_id, workflow_id, subject_id,
    annotations, metadata, created_at, updated_at, received_at, position, lane, is_backfilled,
    is_changed, processed_at)
    SELECT id, 10, 100, id, '{}', '{}', now(), now(), now(), id, id % 64, false, false,
    CASE WHEN id < 9000 THEN now() END FROM generate_series(1, 10000) AS id"""
_MANY_ACTIONS = """INSERT INTO subject_actions (workflow_id, rule_id, effect_id, effect_revision,
    effect_type, config, status, not_before, created_at, updated_at, subject_id)
    SELECT 100, 1, 1, 1, 'retire_subject', '{}',
    CASE WHEN id < 9000 THEN 'completed' ELSE 'pending' END, now(), now(), now(), id
    FROM generate_series(1, 10000) AS id"""
