"""Freezing effects: rules decide, nothing is sent, a banner says so; thawing and discarding."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.jobs.tasks import panoptes_host
from caesar_web.store.activity import AuditEntry, Freeze, Light, SubjectAction, UserAction
from caesar_web.store.db import db
from tests.factories import START
from tests.people import BROWSER, sign_in
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.acting import add_action

WORKFLOW, PROJECT = "/workflows/100/freeze", "/projects/10/freeze"
FROZEN = "are frozen since"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    return client


@pytest.fixture
def root(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "root")
    send(client, "/session/admin", on="1")
    return client


def add(app: Flask, *subjects: int, user: int | None = None, **over: Any) -> None:
    with app.app_context():
        for subject in subjects:
            add_action(subject, status="pending", attempts=0, **over)
        if user is not None:
            add_action(user=user, status="pending", attempts=0, **over)
        db.session.remove()


def found(app: Flask, *columns: Any) -> list[tuple[Any, ...]]:
    with app.app_context():
        rows = [tuple(row) for row in db.session.execute(select(*columns))]
        db.session.remove()
    return rows


def text(client: FlaskClient, path: str) -> str:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == 200, response.text
    return page_of(response).text


def test_a_workflow_is_frozen_and_says_so_on_each_of_its_pages(
    app: Flask, alice: FlaskClient
) -> None:
    assert "Freeze the effects" in text(alice, "/workflows/100/settings")
    answer = send(alice, WORKFLOW, do="freeze")
    assert answer.location == WORKFLOW
    assert "The effects are frozen." in text(alice, WORKFLOW)
    for path in ("/workflows/100", "/workflows/100/activity", "/workflows/100/settings"):
        assert f"Effects of this workflow {FROZEN}" in text(alice, path)
    for path in ("/", "/projects/10", "/workflows/200"):
        assert FROZEN not in text(alice, path)
    assert found(app, Freeze.reducible_type, Freeze.reducible_id, Freeze.frozen_by) == [
        ("Workflow", 100, "alice")
    ]
    send(alice, WORKFLOW, do="freeze")
    assert "frozen already" in text(alice, WORKFLOW)


def test_a_project_is_frozen_and_so_are_its_workflows(app: Flask, alice: FlaskClient) -> None:
    assert "Freeze the effects" in text(alice, "/projects/10")
    send(alice, PROJECT, do="freeze")
    for path in ("/projects/10", "/workflows/100", PROJECT):
        assert f"Effects of this project {FROZEN}" in text(alice, path)
    assert FROZEN not in text(alice, "/workflows/200")


def test_only_administrators_freeze_everything(
    app: Flask, alice: FlaskClient, root: FlaskClient
) -> None:
    assert alice.get("/freeze", headers=BROWSER).status_code == 403
    assert alice.post("/freeze", data={"do": "freeze"}, headers=BROWSER).status_code == 403
    assert found(app, Freeze.id) == []
    send(root, "/freeze", do="freeze")
    for path in ("/", "/help", "/projects", "/workflows/200"):
        assert f"Effects everywhere {FROZEN}" in text(alice, path)
        assert "Look at what waits" not in text(alice, path)
    assert "Look at what waits" in text(root, "/")
    assert found(app, Freeze.frozen_by) == [("root (administrator)",)]


def test_thawing_lists_what_would_be_sent_and_asks(
    app: Flask, alice: FlaskClient, root: FlaskClient
) -> None:
    add(app, *range(1, 56), user=3)
    add(app, 9, workflow_id=200)
    send(alice, WORKFLOW, do="freeze")
    page = page_of(alice.get(WORKFLOW, headers=BROWSER))
    assert "56 actions would be sent" in page.text
    assert "Thaw and send these 56" in page.text
    assert "And 6 older ones." in page.text
    assert "add subject to set" in page.text
    links = [each.attributes.get("href", "") for each in page.all("a")]
    assert sum("/workflows/100/activity/" in link for link in links) == 50
    send(root, "/freeze", do="freeze")
    assert "Nothing would be sent yet" in text(alice, WORKFLOW)
    assert "57 actions would be sent" not in text(root, "/freeze")
    assert "1 action would be sent" in text(root, "/freeze")  # the others are frozen twice
    assert "56 more would go on waiting" in text(root, "/freeze")
    send(root, "/freeze", do="thaw")
    send(alice, WORKFLOW, do="thaw")
    assert "What waited is sent now." in text(alice, WORKFLOW)
    assert found(app, Freeze.id) == []
    send(alice, WORKFLOW, do="thaw")
    assert "were not frozen" in text(alice, WORKFLOW)
    written = found(app, AuditEntry.actor, AuditEntry.action, AuditEntry.about)
    assert ("alice", "froze effects", "of workflow 100") in written
    assert ("root (administrator)", "thawed effects", "everywhere") in written


def test_a_stated_number_is_discarded_and_can_be_retried(app: Flask, alice: FlaskClient) -> None:
    add(app, 1, 2, user=3)
    add(app, 9, workflow_id=200)
    send(alice, WORKFLOW, do="freeze")
    assert "Discard these 3" in text(alice, WORKFLOW)
    shown = {"do": "discard", "number": "3", "subjects": "2", "users": "1"}
    send(alice, WORKFLOW, **{**shown, "number": "2"})
    assert "Nothing is discarded" in text(alice, WORKFLOW)
    add(app, 4)  # decided since the page was opened
    send(alice, WORKFLOW, **shown)
    assert "3 are discarded" in text(alice, WORKFLOW)
    assert found(app, SubjectAction.status, SubjectAction.last_error) == [
        ("failed", "discarded by alice"),
        ("failed", "discarded by alice"),
        ("pending", None),
        ("pending", None),
    ]
    assert found(app, UserAction.status) == [("failed",)]
    assert "all of the last" not in text(alice, "/workflows/100"), "nothing has failed"
    send(alice, "/workflows/100/activity", retry="these")
    assert {status for (status,) in found(app, SubjectAction.status)} == {"pending"}
    about = found(app, AuditEntry.action, AuditEntry.about)
    assert ("discarded actions", "3 that waited, of workflow 100") in about
    send(alice, WORKFLOW, do="thaw")
    send(alice, WORKFLOW, **shown)
    assert "Nothing is discarded" in text(alice, WORKFLOW)


@pytest.mark.parametrize("sent", [{}, {"do": "nonsense"}, {"do": "discard", "number": "x"}])
def test_what_no_button_sends_is_refused(alice: FlaskClient, sent: dict[str, str]) -> None:
    assert send(alice, WORKFLOW, **sent).status_code == 400


def test_what_a_worker_just_does_is_not_discarded(app: Flask, alice: FlaskClient) -> None:
    now = datetime.now(UTC)
    add(app, 1, attempted_at=now, not_before=now + timedelta(minutes=1))
    add(app, 2, attempted_at=START + timedelta(hours=1))  # whoever did it has died
    send(alice, WORKFLOW, do="freeze")
    assert "Discard these 1" in text(alice, WORKFLOW)


def test_a_red_host_is_tried_again_by_any_member(app: Flask, alice: FlaskClient) -> None:
    add(app, 1, 2)
    with app.app_context():
        host = panoptes_host()
        with db.session.begin():
            until = datetime.now(UTC) + timedelta(minutes=1)
            values = {"failing_since": START, "updated_at": START, "last_error": "busy"}
            for name in (host, "elsewhere.example"):
                row = Light(kind="host", name=name, outcomes=".xxx", held_until=until, **values)
                db.session.add(row)
        db.session.remove()
    overview = text(alice, "/workflows/100")
    for said in ("the last 3 calls failed", "busy", "Failing since 1 Jan 2026", "2 actions wait."):
        assert said in overview
    assert "example.org" in overview
    assert "elsewhere.example" not in overview
    activity = text(alice, "/workflows/100/activity")
    assert (
        "2 actions wait for Zooniverse, which fails: busy. Nothing is sent there until" in activity
    )
    hosts = "/workflows/100/hosts"
    send(alice, hosts, host=host)
    overview = text(alice, "/workflows/100")
    assert f"{host} is tried again." in overview
    assert "The next action that goes there tries it." in overview
    send(alice, hosts, host="elsewhere.example")
    assert "No effect of this workflow goes there." in text(alice, "/workflows/100")
    send(alice, hosts, host="example.org")
    assert "Nothing is held back for example.org." in text(alice, "/workflows/100")
    columns = (AuditEntry.action, AuditEntry.about, AuditEntry.workflow_id)
    tried = [row for row in found(app, *columns) if row[0] == "tried a host again"]
    assert tried == [("tried a host again", host, 100)]
