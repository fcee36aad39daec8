"""Pages of projects: mine and no others, their reducers, their settings."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.activity import AuditEntry, Light
from caesar_web.store.configuration import Project, Reducer
from caesar_web.store.db import db
from caesar_web.store.snapshot import Reducible, revisions, snapshot
from tests.factories import START
from tests.pages import visit
from tests.people import BROWSER, sign_in
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer

OF_PROJECT = Reducible("Project", 10)


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context(), db.session.begin():
            db.session.add(
                Project(id=10, display_name="Galaxy Demo", created_at=START, updated_at=START)
            )
            db.session.add(Project(id=30, created_at=START, updated_at=START))
            db.session.add(
                Reducer(
                    id=7,
                    reducible_type="Project",
                    reducible_id=10,
                    key="everybody",
                    type="count",
                    created_at=START,
                    updated_at=START,
                )
            )
            failing = {"outcomes": ".x", "last_error": "it broke", "updated_at": START}
            db.session.add(Light(kind="reducer", name="7", workflow_id=100, **failing))
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


def test_a_project_with_its_workflows_and_reducers(alice: FlaskClient) -> None:
    page = visit(alice, "/projects/10")
    assert page.all("h1")[0].text == "Galaxy Demo"
    links = [link.attributes["href"] for link in page.all("a")]
    assert "/workflows/100" in links
    assert "/projects/10/settings" in links
    assert "/workflows/200" not in links
    assert "everybody" in page.text
    assert "1 of the last 2 failed it broke" in page.text
    assert "its reductions are not public" in page.text


def test_a_project_of_which_nothing_is_configured(alice: FlaskClient) -> None:
    links = [link.attributes["href"] for link in visit(alice, "/projects/20").all("a")]
    assert "/projects/20/settings" not in links
    visit(alice, "/projects/20/settings", status=404)


def test_settings(app: Flask, alice: FlaskClient) -> None:
    path = "/projects/10/settings"
    page = visit(alice, path)
    assert "Now: active" in page.text
    buttons = [each for each in page.all("button") if each.attributes.get("name") == "status"]
    assert [each.attributes["value"] for each in buttons] == ["paused", "halted"]
    response = send(alice, path, status="halted", public_reductions="y")
    assert response.location == "/projects/10"
    page = visit(alice, "/projects/10")
    assert "The settings are saved." in page.text
    assert "halted since" in page.text
    assert "its reductions are public" in page.text
    send(alice, path, status="halted", public_reductions="y")
    assert "The settings were so already." in visit(alice, "/projects/10").text
    wrong = send(alice, path, status="asleep")
    assert wrong.status_code == 422
    assert page_of(wrong).all("title")[0].text.startswith("Error: ")
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="changed the settings").one()
        assert (entry.actor, entry.project_id) == ("alice", 10)
        assert entry.after == {"status": "halted", "public_reductions": True}


def test_the_reducers_of_a_halted_project_do_not_run(app: Flask, alice: FlaskClient) -> None:
    def running() -> int:
        with app.app_context(), db.session.begin():
            at = revisions(db.session(), 100)
            assert at is not None
            return len(snapshot(db.session(), at).reducers_of(OF_PROJECT, "reduce_by_subject"))

    assert running() == 1
    send(alice, "/projects/10/settings", status="halted")
    assert running() == 0
    send(alice, "/projects/10/settings", status="active")
    assert running() == 1


def test_other_peoples_projects_are_not_there(alice: FlaskClient) -> None:
    for id in (30, 999, 2**70):
        visit(alice, f"/projects/{id}", status=404)
        visit(alice, f"/projects/{id}/settings", status=404)
