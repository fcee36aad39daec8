"""What may take long is done beside a worker's jobs, which do not wait for it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from caesar_web.config import Config
from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.jobs.aside import MOST, Aside
from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.store.activity import Light, SubjectAction
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.jobs.running import eventually
from tests.pipeline.test_actions import RETIRED, SUBJECTS, decide, sent, states
from tests.pipeline.test_hosts_away import CALL, MANY, UNANSWERED, payload
from tests.standin.server import StandinServer

SECONDS = 30.0


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture
def aside(app: Flask) -> Iterator[Aside]:
    aside = app.extensions["caesar_aside"] = Aside(app)
    yield aside
    aside.finish(SECONDS)
    panoptes().close()


class Silent:
    """A service that fails once, and then does not answer until it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = Event()

    def post(self, *_: Any, **__: Any) -> None:
        self.asked += 1
        if self.asked == 1:
            raise UNANSWERED
        if not self.may_answer.wait(SECONDS):
            raise ExternalError("nobody let it answer", permanent=True)


def test_a_service_that_does_not_answer_keeps_no_other_action_waiting(
    app: Flask, aside: Aside, standin: StandinServer
) -> None:
    silent = Silent()
    app.extensions["caesar_parts"] = {GuardedClient: silent}
    decide(CALL, subjects=MANY)
    payload({})
    perform(100)
    eventually(lambda: silent.asked == 2)
    hold_back_what_failed()  # or its retry is due by itself where this takes long
    retire({"reason": "other"})
    perform(100)
    assert len(sent(standin, RETIRED)) == 1
    silent.may_answer.set()
    aside.finish(SECONDS)
    perform(100)
    aside.finish(SECONDS)
    assert silent.asked == len(MANY)
    waiting = [attempts for status, attempts in states() if status == "pending"]
    assert waiting == [1], "the first waits for its retry"


def hold_back_what_failed() -> None:
    never = datetime(9999, 1, 1, tzinfo=UTC)
    has_failed = SubjectAction.last_error.is_not(None)
    with db.session.begin():
        db.session.execute(update(SubjectAction).where(has_failed).values(not_before=never))
    db.session.remove()


def retire(config: dict[str, Any]) -> None:
    """Decides more of the same workflow, which goes to Panoptes."""
    with db.session.begin():
        row = db.session.scalars(select(SubjectAction).limit(1)).one()
        kept = ("workflow_id", "rule_id", "effect_revision", "created_at", "updated_at")
        same = {name: getattr(row, name) for name in kept} | {"not_before": row.created_at}
        for subject in SUBJECTS:
            values = {"effect_type": "retire_subject", "config": config, "effect_id": 99}
            db.session.add(SubjectAction(**same, **values, subject_id=subject))
    db.session.remove()


def test_one_at_a_time_for_a_workflow_and_not_too_many(app: Flask) -> None:
    aside, end = Aside(app), Event()
    assert aside.begin(1, lambda: end.wait(SECONDS))
    assert not aside.begin(1, lambda: None)
    others = [aside.begin(id, lambda: end.wait(SECONDS)) for id in range(2, 2 + MOST)]
    assert others == [True] * (MOST - 1) + [False]
    end.set()
    aside.finish(SECONDS)
    assert aside.begin(1, lambda: None)
    aside.finish(SECONDS)


def test_what_fails_aside_is_logged_and_blocks_nothing(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    aside = Aside(app)

    def fail() -> None:
        db.session.scalars(select(Light)).all()
        raise RuntimeError("broken")

    assert aside.begin(1, fail)
    aside.finish(SECONDS)
    assert "for 1 failed" in caplog.text
    assert aside.begin(1, lambda: None)
    aside.finish(SECONDS)
