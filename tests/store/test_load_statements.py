"""Which workflow has how much to do, as both databases tell it, bounded."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from caesar_web.store import load_statements as load
from caesar_web.store.activity import Light
from caesar_web.store.configuration import Extractor, Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.load_statements import Latest, Waits
from tests.factories import LIONS, START, make_event, make_workflow
from tests.pipeline.steps import process, receive
from tests.pipeline.test_statements import counted
from tests.store.test_failure_statements import add_run
from tests.store.test_operation_statements import _MANY_CLASSIFICATIONS, _classify

pytestmark = pytest.mark.usefixtures("app")

LATER = START + timedelta(hours=1)


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    with db.session.begin():
        for id, project_id in ((100, 10), (200, 20), (300, 20), (400, 30)):
            make_workflow(db.session(), id, project_id=project_id, **LIONS)
    db.session.remove()


def test_what_waits_and_what_was_processed_of_each_workflow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with db.session.begin():
        for id, minutes in ((1, 9), (2, 3), (65, 5)):
            _classify(id, minutes=minutes)
        _classify(3, minutes=1, workflow_id=200)
        _classify(4, workflow_id=200, processed_at=LATER)
        _classify(5, workflow_id=200, processed_at=START)
        _classify(6, workflow_id=300, failed_reason="broken")
    with db.session.begin():
        session = db.session()
        assert load.waiting(session) == {
            100: Waits(3, START + timedelta(minutes=3)),
            200: Waits(1, START + timedelta(minutes=1)),
        }
        since = START + timedelta(minutes=30)
        assert load.latest(session, since=since) == {
            100: Latest(3, 0),
            200: Latest(3, 1),
            300: Latest(1, 0),
        }
        monkeypatch.setattr(load, "LATEST_CLASSIFICATIONS", 3)
        assert sum(one.number for one in load.latest(session, since=since).values()) == 3


def test_workflows_with_their_queues_and_their_projects() -> None:
    with db.session.begin():
        db.session.get_one(Workflow, 200).custom_queue_name = "gold"
        at = {"created_at": START, "updated_at": START}
        db.session.add(Project(id=20, custom_queue_name="silver", **at))
    with db.session.begin():
        found = load.owners(db.session(), [100])
    told = [(one.id, one.own_queue, one.project_queue) for one in found]
    assert told == [(100, None, None), (200, "gold", "silver"), (300, None, "silver")]


def test_lights_that_fail_by_the_key_of_what_they_belong_to() -> None:
    with db.session.begin():
        extractor = db.session.query(Extractor).filter_by(workflow_id=100).one()
        rows = [
            ("extractor", str(extractor.id), "x.x", 100),
            ("extractor", "999", "xx", 100),  # which is gone
            ("host", "api.example.org", "xx", None),
            ("reducer", "1", "..", 100),
        ]
        for kind, name, outcomes, id in rows:
            given = {"kind": kind, "name": name, "outcomes": outcomes, "workflow_id": id}
            db.session.add(Light(**given, failing_since=START, updated_at=START))
    with db.session.begin():
        found = load.failing_lights(db.session())
        told = [(one.light.kind, one.key, one.workflow_name) for one in found]
    assert told == [("extractor", "survey", "Galaxies"), ("host", None, None)]


def test_runs_that_go_on_and_those_that_failed_lately() -> None:
    waiting, failed = add_run("a", "waiting"), add_run("b")
    of = {"reducible_type": "Project", "reducible_id": 77}
    add_run("c", "finished")
    add_run("d", acknowledged_at=START)
    add_run("e", finished_at=START - timedelta(days=30))
    lost = add_run("f", "running", not_before=START - timedelta(days=1), **of)
    with db.session.begin():
        session = db.session()
        unfinished = [(one.run.id, one.name) for one in load.unfinished_runs(session)]
        assert unfinished == [(lost, None), (waiting, "Galaxies")]
        assert [one.run.id for one in load.runs_that_failed(session, now=LATER)] == [failed]


def test_the_number_of_statements_is_fixed() -> None:
    receive([make_event(id, choice="lion") for id in range(1, 8)])
    process()
    receive([make_event(id) for id in range(8, 50)])
    with db.session.begin(), counted() as statements:
        session = db.session()
        waits = load.waiting(session)
        load.owners(session, waits.keys() | load.latest(session, since=START).keys())
        load.failing_lights(session)
        load.unfinished_runs(session)
        load.runs_that_failed(session, now=LATER)
    assert waits[100].number == 42
    assert len([one for one in statements if "BEGIN" not in one]) == 6


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_statement_reads_all_classifications() -> None:
    with db.session.begin():
        db.session.execute(text(_MANY_CLASSIFICATIONS))
        db.session.execute(text("ANALYZE classifications"))
        session = db.session()
        of = session.connection()
        bounds = {"most_lanes": 5, "most_in_a_lane": 5}
        waiting = of.exec_driver_sql(f"EXPLAIN {load._WAITING.compile(db.engine)}", bounds)
        told = "\n".join(row[0] for row in waiting)
        newest = "SELECT workflow_id, processed_at FROM classifications"
        latest = of.exec_driver_sql(f"EXPLAIN {newest} ORDER BY position DESC LIMIT 5")
        told += "\n".join(row[0] for row in latest)
    assert "Seq Scan on classifications" not in told
