"""Projects for clients: listing, adding and changing them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.configuration import Project
from caesar_web.store.db import db
from tests.people import BOB, ROOT
from tests.served import script, three_projects
from tests.standin.server import StandinServer


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def test_adding_one(app: Flask, alice: FlaskClient) -> None:
    assert alice.get("/projects").get_json() == []
    assert alice.get("/projects/10").status_code == 404
    response = alice.post("/projects", json={"project": {"id": "10", "public_reductions": True}})
    assert response.status_code == 201, response.text
    assert response.headers["Location"].endswith("/projects/10")
    made = response.get_json()
    for name in ("created_at", "updated_at"):
        assert made.pop(name).endswith("Z")
    assert made == {
        "id": 10,
        "reducers_config": None,
        "rules_config": None,
        "public_reductions": True,
        "display_name": "Galaxy Demo",
        "subject_reductions_count": 0,
        "user_reductions_count": 0,
        "reducers_count": 0,
        "status": "active",
        "custom_queue_name": None,
    }
    assert [each["id"] for each in alice.get("/projects").get_json()] == [10]
    assert alice.post("/projects", json={"id": 10}).status_code == 302


def test_changing_one(app: Flask, alice: FlaskClient) -> None:
    alice.post("/projects", json={"id": 10})
    body = {"status": "halted", "public_reductions": "true", "display_name": "Mine", "id": 7}
    response = alice.put("/projects/10", json={"project": body})
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Location"].endswith("/projects/10#settings")
    with app.app_context():
        row = db.session.get_one(Project, 10)
        assert (row.status, row.public_reductions, row.display_name) == (
            "halted",
            True,
            "Galaxy Demo",
        )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"id": 10, "status": "bogus"}, "status must be one of"),
        ({"id": 10, "public_reductions": "perhaps"}, "public_reductions must be true or false"),
        ({"id": "x"}, "must be an id"),
        ({"status": "active"}, "must be an id"),
    ],
)
def test_what_is_refused(alice: FlaskClient, body: Any, told: str) -> None:
    response = alice.post("/projects", json=body)
    assert response.status_code == 422
    assert told in response.get_json()["errors"][0]["message"]


def test_what_is_not_theirs(app: Flask, standin: StandinServer, alice: FlaskClient) -> None:
    for id in (30, 999_999):
        response = alice.post("/projects", json={"id": id})
        assert (response.status_code, response.data) == (403, b"")
    bob = script(app, standin, BOB)
    assert bob.post("/projects", json={"id": 10}).status_code == 403
    assert bob.put("/projects/10", json={"status": "halted"}).status_code == 404
    assert script(app, standin, ROOT).post("/projects", json={"id": 999_999}).status_code == 403
    assert app.test_client().get("/projects").status_code == 401
