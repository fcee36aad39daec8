"""How workflows fare, and pages of their actions, as both databases tell it."""

from datetime import timedelta

import pytest
from flask import Flask

from caesar_web.store import action_pages, health_statements
from caesar_web.store.action_pages import Cursor, Wanted
from caesar_web.store.activity import Light
from caesar_web.store.db import db
from caesar_web.store.health_statements import Attempts, Pulse
from tests.factories import LIONS, START, make_workflow
from tests.web.acting import add_action

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def configured(app: Flask) -> None:
    with db.session.begin():
        for id in (100, 200):
            make_workflow(db.session(), id, **LIONS)
        for kind, name in (("extractor", "1"), ("reducer", "1"), ("reducer", "99")):
            values = {"last_error": "broken", "updated_at": START}
            row = Light(kind=kind, name=name, workflow_id=100, outcomes=".x", **values)
            db.session.add(row)
    db.session.remove()


def test_lights_of_parts_that_are_there() -> None:
    with db.session.begin():
        assert health_statements.failing_outcomes(db.session(), [100, 200]) == {100: [".x", ".x"]}
        found = health_statements.lights(db.session(), 100)
        assert set(found) == {("extractor", "1"), ("reducer", "1"), ("reducer", "99")}
        assert set(health_statements.lights_of_reducers(db.session(), [1, 2])) == {1}


def test_the_latest_actions_count() -> None:
    for subject in range(110):
        add_action(subject, status="failed" if subject < 20 else "completed", minutes=subject)
    add_action(user=1, status="failed", last_error="away", minutes=200)
    with db.session.begin():
        found = health_statements.pulses(db.session(), [100, 200])
        newest = START + timedelta(minutes=200)
        assert found == {100: Pulse(None, newest, "." * 90 + "x" * 11), 200: Pulse()}
        attempts = health_statements.attempts(db.session(), 100)
        assert attempts["user_id", 1] == Attempts("x", "away", newest)
        assert attempts["subject_id", 1].outcomes == "x" * 10 + "." * 90
        assert attempts["subject_id", 1].since == START + timedelta(minutes=10)


def test_pages_of_both_kinds_together() -> None:
    for number in range(3):
        add_action(number, minutes=2 * number)
        add_action(user=number, minutes=2 * number + 1, status="failed")
    with db.session.begin():
        session, before = db.session(), Cursor()
        found: list[tuple[str, int]] = []
        for _ in range(3):
            page = action_pages.page(session, 100, Wanted(), before=before, most=2)
            found += [(act.of, act.target_id) for act in page.acts]
            before = page.older or before
        assert page.older is None
        assert found == [(of, id) for id in (2, 1, 0) for of in ("users", "subjects")]
        failed = action_pages.failed_ids(session, 100, Wanted(), most=2)
        assert failed == {"subjects": [], "users": [3, 2]}
        assert action_pages.failed_ids(session, 100, Wanted("completed"), most=2) == {}
        assert action_pages.find(session, 200, "users", 1) is None
