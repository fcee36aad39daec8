"""An administrator who acts as such, and what fails, for tests of the operators' pages."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.store.activity import AuditEntry
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from tests.factories import make_event
from tests.pages import Element, filled
from tests.people import BROWSER, csrf_token, sign_in
from tests.pipeline.steps import receive
from tests.served import page_of

HOME = "/operations"


def administrator(app: Flask) -> FlaskClient:
    """Root, who has turned administrator on."""
    client = app.test_client()
    sign_in(client, "root")
    client.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(client)})
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


def set_aside(app: Flask, *ids: int, reason: str = "DataError: no", workflow: int = 100) -> None:
    """Classifications that could not be processed."""
    with app.app_context():
        project = {100: 10, 200: 20, 300: 30}[workflow]
        events = [make_event(id, subject=id, workflow=workflow, project=project) for id in ids]
        receive(events)
        with db.session.begin():
            for id in ids:
                db.session.get_one(Classification, id).failed_reason = f"{reason} {id}"


def trail_of(app: Flask) -> list[tuple[str, str | None, int | None]]:
    """What administrators did, about what and in which workflow."""
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        known = ("turned administrator on", "signed in")
        return [
            (one.action, one.about, one.workflow_id) for one in entries if one.action not in known
        ]


def buttons(page: Element) -> list[str]:
    """What the buttons of a page's own part say."""
    (main,) = page.all("main")
    return [each.text for each in main.all("button")]


def press(client: FlaskClient, page: Element, button: str, *, status: int = 200) -> Any:
    """Sends the form that has a button, as a browser does; the page that comes, if one does."""
    (form,) = (each for each in page.all("form") if button in [b.text for b in each.all("button")])
    (pressed,) = (each for each in form.all("button") if each.text == button)
    sent = filled(form)
    if "name" in pressed.attributes:
        sent[pressed.attributes["name"]] = pressed.attributes["value"]
    response = client.post(form.attributes["action"], data=sent, headers=BROWSER)
    assert response.status_code == status, response.text
    return page_of(response) if status == 200 else response.location
