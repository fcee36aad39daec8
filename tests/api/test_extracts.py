"""Extracts for clients: writing one as the documentation says, and importing predictions."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.db import db
from caesar_web.store.runs import Run
from tests.people import BOB
from tests.served import script, three_projects
from tests.standin.server import StandinServer

WRITE = "/workflows/100/extractors/mine/extracts"
AT = "2026-01-02T03:04:05.678Z"
IMPORT = "/workflows/100/extracts/import"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def test_as_the_documentation_says(alice: FlaskClient) -> None:
    body = {
        "subject_id": 1001,
        "classification_at": AT,
        "classification_id": 5,
        "user_id": 7,
        "data": {"a": 1},
    }
    response = alice.post(WRITE, json=body)
    assert response.status_code == 200, response.text
    made = response.get_json()
    assert made.items() >= {**body, "extractor_key": "mine", "machine_data": False}.items()
    assert (made["workflow_id"], made["project_id"]) == (100, 10)
    again = alice.put(WRITE, json={**body, "data": {"a": 2}}).get_json()
    assert (again["id"], again["data"]) == (made["id"], {"a": 2})
    found = alice.get("/workflows/100/extractors/all/extracts?subject_id=1001").get_json()
    assert found == [again]


def test_without_a_classification_it_changes_the_only_one(alice: FlaskClient) -> None:
    made = alice.post(
        WRITE, json={"subject_id": 1001, "classification_id": 5, "data": {"a": 1}}
    ).get_json()
    changed = alice.post(WRITE, json={"extract": {"subject_id": 1001, "data": {"a": 2}}}).get_json()
    assert (changed["id"], changed["data"]) == (made["id"], {"a": 2})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"data": {"a": 1}}, "subject_id can't be blank"),
        ({"subject_id": 1001, "data": {"a": 1}}, "there are 0 extracts that this could be"),
        ({"subject_id": 1001, "classification_id": 5}, "data must be an object"),
        ({"subject_id": 1001, "classification_id": 5, "data": 7}, "data must be an object"),
        ({"subject_id": 1001, "classification_id": "x", "data": {}}, "classification_id must be"),
        (
            {"subject_id": 1001, "classification_id": 5, "classification_at": "soon", "data": {}},
            "classification_at must be a time",
        ),
        ({"subject_id": -1, "classification_id": 5, "data": {}}, "subject_id must be an id"),
    ],
)
def test_what_is_refused(alice: FlaskClient, body: Any, told: str) -> None:
    response = alice.post(WRITE, json=body)
    assert response.status_code == 422, response.text
    assert told in response.get_json()["errors"][0]["message"]


def test_another_projects_subject(alice: FlaskClient) -> None:
    response = alice.post(WRITE, json={"subject_id": 2001, "classification_id": 5, "data": {}})
    assert response.status_code == 404


def test_an_import_is_begun_once(app: Flask, alice: FlaskClient) -> None:
    for _ in range(2):
        response = alice.post(IMPORT, json={"file": "https://example.org/a.csv"})
        assert (response.status_code, response.data) == (204, b"")
    with app.app_context():
        (run,) = db.session.query(Run).all()
        assert (run.kind, run.reducible_id, run.acts, run.started_by) == (
            "import",
            100,
            True,
            "alice",
        )
        assert run.options == {"url": "https://example.org/a.csv"}


@pytest.mark.parametrize("body", [{}, {"file": ""}, {"file": None}, {"other": 1}, {"file": 7}])
def test_an_import_without_a_file(alice: FlaskClient, body: Any) -> None:
    response = alice.post(IMPORT, json=body)
    assert response.status_code == 404
    assert response.get_json() == {"error": "CSV must be included"}


@pytest.mark.parametrize(
    "url", ["http://example.org/a.csv", "https://127.0.0.1/a.csv", "file:///etc/passwd", "nothing"]
)
def test_an_import_from_where_nobody_goes(alice: FlaskClient, url: str) -> None:
    response = alice.post(IMPORT, json={"file": url})
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["message"].startswith("file: ")


def test_strangers_write_nothing(app: Flask, standin: StandinServer) -> None:
    bob = script(app, standin, BOB)
    body = {"subject_id": 1001, "classification_id": 5, "data": {}, "file": "https://a.example/b"}
    assert bob.post(WRITE, json=body).status_code == 404
    assert bob.post(IMPORT, json=body).status_code == 404
