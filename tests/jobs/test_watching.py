"""The watch over workflows: alarms are raised, told once, and cleared when the cause is gone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from caesar_web.jobs import tasks, watching
from caesar_web.standin.seed_tasks import GALAXY
from caesar_web.store.activity import Alarm, Light, SubjectAction
from caesar_web.store.configuration import Extractor, SubjectRule, SubjectRuleEffect, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract
from tests.conftest import plain_config
from tests.factories import make_workflow
from tests.people import application, at_panoptes
from tests.standin.server import StandinServer

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=20)
RULE = {
    "if": ["gte", ["lookup", "counts.0", 0], ["const", 9]],
    "then": [{"action": "retire_subject"}],
}
DOCUMENT: dict[str, Any] = {
    "extractors_config": {"T0": {"type": "question"}},
    "reducers_config": {"counts": {"type": "stats"}},
    "rules_config": [RULE],
}


@pytest.fixture
def app(database_url: str, standin: StandinServer) -> Iterator[Flask]:
    """Workflow 100, whose rule is old and whose extracts are an hour old."""
    webhook = f"{standin.url}/hook/alarms"
    config = plain_config(database_url=database_url, http_to_loopback=True, alarm_webhook=webhook)
    with application(at_panoptes(config, standin)) as app, app.app_context():
        with db.session.begin():
            make_workflow(db.session(), 100, **DOCUMENT)
        with db.session.begin():
            for table in (SubjectRule, SubjectRuleEffect):
                db.session.execute(update(table).values(updated_at=LONG_AGO))
        add_extracts(120)
        yield app


def add_extracts(
    number: int, *, at: datetime = NOW - timedelta(hours=1), answer: str = "0"
) -> None:
    with db.session.begin():
        known = db.session.scalars(select(Extract.classification_id)).all()
        first = 1 + max((id for id in known if id), default=0)
        for id in range(first, first + number):
            row = Extract(
                classification_id=id,
                classification_at=at,
                extractor_key="T0",
                workflow_id=100,
                project_id=10,
                subject_id=70,
                data={answer: 1},
                created_at=at,
                updated_at=at,
            )
            db.session.add(row)
    db.session.remove()


def look() -> dict[str, str]:
    watching.look_at(100, waits=False)
    with db.session.begin():
        rows = db.session.scalars(select(Alarm).filter_by(cleared_at=None))
        found = {row.kind: row.message for row in rows}
    db.session.remove()
    return found


def test_a_rule_that_never_fired_until_it_does(app: Flask) -> None:
    found = look()
    assert list(found) == ["never_fired"]
    assert found["never_fired"].startswith("Rule 1 has never done anything")
    assert look() == found
    with db.session.begin():
        rule = db.session.scalars(select(SubjectRule)).one()
        effect = rule.effects[0]
        action = SubjectAction(
            workflow_id=100,
            rule_id=rule.id,
            effect_id=effect.id,
            effect_revision=1,
            occurrence=0,
            effect_type=effect.action,
            config={},
            subject_id=70,
            not_before=NOW,
            created_at=NOW,
            updated_at=NOW,
        )
        db.session.add(action)
    db.session.remove()
    assert look() == {}


@pytest.mark.parametrize("change", [{"status": "paused"}, {"rules_applied": "no_rules"}])
def test_rules_that_are_not_applied_need_not_fire(app: Flask, change: dict[str, str]) -> None:
    table = SubjectRule if "status" in change else Workflow
    with db.session.begin():
        db.session.execute(update(table).values(change))
    db.session.remove()
    assert look() == {}


def test_answers_that_panoptes_does_not_have(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_extracts(3, answer="7")
    assert "task T0 in Zooniverse does not have now: 7." in look()["unknown_answer"]
    standin.fail("^/api/workflows", status=503, message="busy", times=-1)
    assert "unknown_answer" not in look()  # it is not known then
    standin.lift_faults()
    monkeypatch.delitem(GALAXY, "T0")
    assert "to task T0, which the workflow" in look()["unknown_answer"]


def test_lights_that_are_red(app: Flask) -> None:
    with db.session.begin():
        id = str(db.session.scalars(select(Extractor.id)).one())
        now = {"updated_at": NOW, "failing_since": NOW}
        of = {"kind": "extractor", "name": id, "workflow_id": 100}
        db.session.add(Light(**of, outcomes="xxx", failures=3, last_error="It is ill", **now))
        gone = {"kind": "extractor", "name": "999", "workflow_id": 100}
        db.session.add(Light(**gone, outcomes="xxx", failures=3, **now))
        host = {"kind": "host", "name": tasks.panoptes_host(), "held_until": NOW}
        db.session.add(Light(**host, outcomes="...xxxx", failures=4, **now))
    db.session.remove()
    look()
    rows = db.session.scalars(select(Alarm).filter_by(kind="red_light").order_by(Alarm.name))
    messages = [row.message for row in rows]
    db.session.remove()
    assert messages == [
        "Extractor T0 fails: all of the last 3 failed. The last error: It is ill",
        f"{tasks.panoptes_host()}, which effects call, fails: the last 4 calls failed.",
    ]


def test_silence(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.session.begin():
        db.session.execute(update(Extract).values(created_at=NOW - timedelta(days=2)))
    db.session.remove()
    assert "No classification has come in since" in look()["silent"]
    watching.look_at(100, waits=True)
    assert "silent" not in {row.kind for row in open_alarms()}


def open_alarms() -> list[Alarm]:
    rows = list(db.session.scalars(select(Alarm).filter_by(cleared_at=None)))
    db.session.remove()
    return rows


def test_each_alarm_is_told_once_and_anew_when_it_comes_back(
    app: Flask, standin: StandinServer
) -> None:
    standin.answer_hook("alarms", status=503)
    watching.look_around()
    watching.tell()
    standin.answer_hook("alarms", status=200)
    before = len(standin.hooks())
    for _ in range(2):
        watching.tell()
    (hook,) = standin.hooks()[before:]
    body = json.loads(hook["body"])
    assert (body["workflow_id"], body["kind"]) == (100, "never_fired")
    assert body["text"] == f"Workflow 100: {body['message']}"
    for status, kinds in (("paused", []), ("active", ["never_fired"])):
        with db.session.begin():
            values = {"status": status, "updated_at": LONG_AGO}
            db.session.execute(update(SubjectRule).values(values))
        db.session.remove()
        assert list(look()) == kinds
    watching.tell()
    assert len(standin.hooks()) == before + 2


def test_every_workflow_is_looked_at_once_an_hour(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(watching, "look_at", lambda id, *, waits: seen.append(id))
    monkeypatch.setattr(watching, "WORKFLOWS_AT_ONCE", 2)
    with db.session.begin():
        for id in (101, 102, 103):
            make_workflow(db.session(), id)
        db.session.execute(update(Workflow).where(Workflow.id == 102).values(status="paused"))
    db.session.remove()
    for _ in range(5):
        watching.look_around()
    assert seen == [100, 101, 103]
    monkeypatch.setattr(watching, "ROUND_SECONDS", 0.0)
    watching.look_around()
    assert seen == [100, 101, 103, 100, 101]


def test_where_nobody_is_to_be_told_nobody_is(app: Flask, standin: StandinServer) -> None:
    app.extensions["caesar_config"] = replace(app.extensions["caesar_config"], alarm_webhook="")
    watching.look_around()
    assert [row.kind for row in open_alarms()] == ["never_fired"]
    assert standin.hooks() == []


def test_what_is_gone_meanwhile_is_not_watched(app: Flask) -> None:
    watching.look_at(999, waits=False)
    assert open_alarms() == []
