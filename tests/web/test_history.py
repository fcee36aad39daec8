"""A workflow's history: what each revision changed, in English, and restoring one."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.store.configuration import Revision, Workflow
from caesar_web.store.db import db
from tests.factories import JSON, LIONS, give
from tests.pages import visit
from tests.people import BROWSER, sign_in
from tests.served import ADD, page_of, rules, send, three_projects
from tests.standin.server import StandinServer

HISTORY = "/workflows/100/history"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


def configure(app: Flask, document: JSON) -> int:
    """Changes workflow 100; gives the id of the revision."""
    with app.app_context():
        with db.session.begin():
            give(db.session(), db.session.get_one(Workflow, 100), document, author="kade")
        return max(db.session.scalars(select(Revision.id)))


def status(app: Flask) -> str:
    with app.app_context():
        return db.session.get_one(Workflow, 100).status


def test_each_change_in_english_the_newest_first(app: Flask, alice: FlaskClient) -> None:
    configure(app, {"status": "paused"})
    configure(app, {"status": "active", "extractors_config": LIONS["extractors_config"]})
    first, second, *_ = visit(alice, HISTORY).all("ol")[-1].all("ul")
    assert [one.text for one in first.all("li")] == [
        "settings: status paused → active",
        "extractor survey added (survey)",
    ]
    assert [one.text for one in second.all("li")] == ["settings: status active → paused"]
    page = visit(alice, HISTORY)
    assert "kade" in page.text
    assert "/workflows/100/trail" in [link.attributes["href"] for link in page.all("a")]


def test_restoring_says_first_what_would_change(app: Flask, alice: FlaskClient) -> None:
    paused = configure(app, {"status": "paused", **rules(ADD)})
    configure(app, {"status": "halted", **LIONS})
    path = f"{HISTORY}/{paused}/restore"
    page = visit(alice, path)
    assert "settings: status halted → paused" in page.text
    assert "extractor survey removed" in page.text
    assert status(app) == "halted"
    response = send(alice, path)
    assert (response.status_code, response.location) == (302, HISTORY)
    page = visit(alice, HISTORY)
    assert "It is restored." in page.text
    assert f"restored from revision {paused}" in page.text
    assert status(app) == "paused"
    page = visit(alice, path)
    assert "nothing would change" in page.text
    assert "Restore this configuration" not in [each.text for each in page.all("button")]


def test_a_password_that_is_not_kept_any_more_cannot_be_restored(
    app: Flask, alice: FlaskClient
) -> None:
    before = configure(app, {"status": "paused"})
    configure(app, LIONS)
    response = send(alice, f"{HISTORY}/{before}/restore")
    assert response.status_code == 422
    assert "nothing kept that the mask could stand for" in page_of(response).text


def test_what_cannot_be_restored_is_told(app: Flask, alice: FlaskClient) -> None:
    """A set that now belongs to another project."""
    elsewhere = configure(app, rules({**ADD, "subject_set_id": 8}))
    configure(app, rules(ADD))
    response = send(alice, f"{HISTORY}/{elsewhere}/restore")
    assert response.status_code == 422
    assert "belongs to a project that you may not change" in page_of(response).text
    assert response.text.count("<title>Error: Revision") == 1


def test_revisions_of_others_are_not_there(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        wanted = select(Revision.id).filter_by(reducible_id=300)
        other = db.session.scalars(wanted).one()
    for id in (other, 999, 2**70):
        visit(alice, f"{HISTORY}/{id}/restore", status=404)
    visit(alice, "/workflows/300/history", status=404)


def test_the_history_has_pages(app: Flask, alice: FlaskClient) -> None:
    for number in range(12):
        configure(app, {"status": "paused"})
        configure(app, {"status": "active", "public_extracts": bool(number % 2)})
    path, found = HISTORY, 0
    while path:
        page = visit(alice, path)
        found += len([link for link in page.all("a") if "restore it" in link.text])
        older = [link.attributes["href"] for link in page.all("a") if link.text == "Older"]
        path = older[0] if older else ""
    assert found == 25
    assert "Nothing has been configured yet." in visit(alice, f"{HISTORY}?before=1").text


def test_what_does_not_show_is_told_so(app: Flask, alice: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        newest = db.session.scalars(select(Revision).filter_by(reducible_id=100)).one()
        newest.before = newest.after
    assert "a password or the permission of an effect" in visit(alice, HISTORY).text
