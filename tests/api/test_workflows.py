"""Workflows for clients: listing, adding and changing them, and whatever may come as a body."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.people import ALICE, BOB, CAROL, DAVE, ROOT
from tests.served import script, three_projects
from tests.standin.server import StandinServer

SAME = {"X-Request-Id": "the-same-for-all"}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def kept(app: Flask) -> dict[int, tuple[str, str, bool, bool]]:
    """The settings of all workflows that are here."""
    with app.app_context():
        return {
            row.id: (row.status, row.rules_applied, row.public_extracts, row.public_reductions)
            for row in db.session.scalars(select(Workflow))
        }


@pytest.mark.parametrize(
    ("user_id", "ids"),
    [(ALICE, [100, 200]), (DAVE, [300]), (BOB, []), (CAROL, []), (ROOT, [100, 200, 300])],
)
def test_the_list_has_what_is_mine(
    app: Flask, standin: StandinServer, user_id: int, ids: list[int]
) -> None:
    response = script(app, standin, user_id).get("/workflows")
    assert response.status_code == 200
    assert response.content_type == "application/json; charset=utf-8"
    assert [row["id"] for row in response.get_json()] == ids


def test_one_is_as_in_the_list(alice: FlaskClient) -> None:
    first, second = alice.get("/workflows?admin=True").get_json()
    assert alice.get("/workflows/100").get_json() == first
    assert (first["subject_rules_count"], first["user_rules_count"]) == (1, 1)
    assert (second["name"], second["project_id"]) == ("Galaxies", 20)
    assert not {"error", "errors"} & first.keys()


def test_nobody_gets_an_empty_401(app: Flask) -> None:
    for method, path in (("GET", "/workflows"), ("POST", "/workflows"), ("PUT", "/workflows/100")):
        response = app.test_client().open(path, method=method, headers={"Authorization": ""})
        assert (response.status_code, response.data) == (401, b"")
        assert "WWW-Authenticate" not in response.headers


BODIES: list[dict[str, Any]] = [
    {"json": {"id": 101, "status": "paused", "public_extracts": True}},
    {"json": {"workflow": {"id": "101", "status": "paused", "public_extracts": "true"}}},
    {"data": {"id": "101", "status": "paused", "public_extracts": "1"}},
    {"data": {"workflow[id]": "101", "workflow[status]": "paused", "workflow[public_extracts]": 1}},
    {"data": '{"id": 101, "status": "paused", "public_extracts": true, "name": "Not this"}'},
]


@pytest.mark.parametrize("body", BODIES)
def test_adding_a_workflow(app: Flask, alice: FlaskClient, body: dict[str, Any]) -> None:
    response = alice.post("/workflows", **body)
    assert response.status_code == 200, response.text
    assert response.content_type == "application/json; charset=utf-8"
    added = response.get_json()
    assert (added["id"], added["project_id"]) == (101, 10)
    assert (added["name"], added["project_name"]) == ("What shape is it?", "Galaxy Demo")
    assert kept(app)[101] == ("paused", "all_matching_rules", True, False)
    assert alice.get("/workflows/101").get_json() == added


def test_adding_what_is_not_mine_or_not_there_is_the_same_403(
    app: Flask, standin: StandinServer
) -> None:
    before = kept(app)
    for user_id, ids in ((ALICE, (300, 999, 2**63 - 1)), (BOB, (100, 101, 999)), (CAROL, (100,))):
        client = script(app, standin, user_id)
        answers = [client.post("/workflows", json={"id": id}, headers=SAME) for id in ids]
        assert {(answer.status_code, answer.data) for answer in answers} == {(403, b"")}
        assert len({str(answer.headers) for answer in answers}) == 1
    assert kept(app) == before


def test_adding_what_is_here_leads_to_it(app: Flask, alice: FlaskClient) -> None:
    before = kept(app)
    response = alice.post("/workflows", json={"id": 100, "status": "halted"})
    assert (response.status_code, response.data) == (302, b"")
    assert response.location == "/workflows/100"
    assert kept(app) == before


def test_an_administrator_adds_what_they_want(app: Flask, standin: StandinServer) -> None:
    response = script(app, standin, ROOT).post("/workflows", json={"id": 101})
    assert response.get_json()["project_id"] == 10


def test_while_panoptes_is_away_nothing_is_added(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    standin.fail("/api/workflows", status=503, times=-1)
    response = alice.post("/workflows", json={"id": 101})
    assert response.status_code == 503
    assert response.get_json() == {"status": 503, "error": "Service Unavailable"}
    assert 101 not in kept(app)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "body",
    [
        {"json": {"status": "paused", "public_reductions": True}},
        {"json": {"workflow": {"status": "paused", "public_reductions": True}}},
        {"data": {"status": "paused", "public_reductions": "true"}},
        {"data": {"workflow[status]": "paused", "workflow[public_reductions]": "1"}},
        {"json": {"status": "paused", "public_reductions": True, "id": 200, "project_id": 30}},
    ],
)
def test_changing_settings(
    app: Flask, alice: FlaskClient, method: str, body: dict[str, Any]
) -> None:
    before = kept(app)
    response = alice.open("/workflows/100", method=method, **body)
    assert (response.status_code, response.data) == (204, b"")
    assert response.location == "/workflows/100#settings"
    assert kept(app) == {**before, 100: ("paused", "all_matching_rules", False, True)}
    assert alice.get("/workflows/100").get_json()["project_id"] == 10


def test_wrong_settings_are_told_and_nothing_is_done(app: Flask, alice: FlaskClient) -> None:
    before = kept(app)
    wrong = {"status": "asleep", "public_extracts": "perhaps", "rules_applied": 3}
    for response in (
        alice.put("/workflows/100", json=wrong),
        alice.post("/workflows", json={"id": 101, **wrong}),
    ):
        assert response.status_code == 422
        assert response.get_json() == {
            "errors": [
                {"message": "at status: must be one of: active, paused, halted"},
                {
                    "message": "at rules_applied: must be one of: all_matching_rules, "
                    "first_matching_rule, no_rules"
                },
                {"message": "at public_extracts: must be true or false"},
            ]
        }
    assert kept(app) == before


UNREADABLE: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"workflow"',
    b"{}",
    b"\xff\xfe",
    b'{"workflow": null}',
    b'{"workflow": []}',
    b'{"workflow": {}}',
    b'{"workflow": "x"}',
    b'{"status": NaN}',
    b'{"status": Infinity}',
    b'{"status": 1e999}',
    b'{"status": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"status": "\\u0000"}',
    b'{"a":' * 100_000,
    b"[" * 200 + b"]" * 200,
    *(b'{"id": ' + b"1" * digits + b"}" for digits in (400, 5000)),
]
NO_ID = ['"x"', "[]", "[101]", "{}", '{"a": 1}', "0", "-1", "1.5", "true", "null", '""', '" "']
NO_ID += [str(2**63), '"\\u202e"', f'"{"1" * 4000}"']
NO_STATUS = ['"x"', "[]", '["paused"]', "{}", "0", "1.5", "true", '" "', '"Active"']


@pytest.mark.parametrize("type", ["application/json", "text/plain", None])
def test_a_body_that_is_none_is_a_400(app: Flask, alice: FlaskClient, type: str | None) -> None:
    before = kept(app)
    for method, path in (("PUT", "/workflows/100"), ("POST", "/workflows")):
        for body in UNREADABLE:
            response = alice.open(path, method=method, data=body, content_type=type)
            assert response.status_code == 400, body[:80]
            said = response.get_json()
            (why,) = said.pop("errors")
            assert said == {"status": 400, "error": "Bad Request"}
            assert set(why) == {"message"}
    assert kept(app) == before


def test_wrong_values_are_told_with_a_422(app: Flask, alice: FlaskClient) -> None:
    before = kept(app)
    wrong = [("POST", "/workflows", "id", value) for value in NO_ID]
    wrong += [("PUT", "/workflows/100", "status", value) for value in NO_STATUS]
    wrong += [("PUT", "/workflows/100", "rules_applied", value) for value in NO_STATUS]
    for method, path, name, value in wrong:
        body = f'{{"{name}": {value}}}'
        response = alice.open(path, method=method, data=body)
        assert response.status_code == 422, body[:80]
        (problem,) = response.get_json()["errors"]
        assert problem["message"].removeprefix("at ").startswith(name)
    assert kept(app) == before


def test_nested_200_deep_is_no_fault_of_ours(alice: FlaskClient) -> None:
    for deep in (b'{"a":' * 200 + b"1" + b"}" * 200, b'{"id":' + b"[" * 200 + b"]" * 200 + b"}"):
        for method, path in (("PUT", "/workflows/100"), ("POST", "/workflows")):
            response = alice.open(path, method=method, data=deep)
            assert response.status_code in (204, 400, 422), response.text


def test_a_huge_body_is_a_413(app: Flask, alice: FlaskClient) -> None:
    before = kept(app)
    for method, path in (("PUT", "/workflows/100"), ("POST", "/workflows")):
        for type in ("application/json", "application/x-www-form-urlencoded"):
            body = b'{"status":"' + b"x" * (5 * 1024 * 1024) + b'"}'
            response = alice.open(path, method=method, data=body, content_type=type)
            assert response.status_code == 413
            assert response.get_json() == {
                "status": 413,
                "error": "Request Entity Too Large",
                "errors": [{"message": "the body may have 4194304 bytes"}],
            }
    assert kept(app) == before


@pytest.mark.parametrize(
    "body",
    [
        "status[a]=1&status=paused",
        "status=paused&status[a]=1",
        "workflow=paused",
        "workflow[]=paused",
        "workflow%00=1&status=%00",
        "[" * 2000 + "=1",
        "status=%ff%fe",
    ],
)
def test_odd_forms_are_refused(alice: FlaskClient, body: str) -> None:
    form = "application/x-www-form-urlencoded"
    for method, path in (("PUT", "/workflows/100"), ("POST", "/workflows")):
        response = alice.open(path, method=method, data=body, content_type=form)
        assert response.status_code in (400, 422) or (method == "PUT" and "[]" in body)
    assert alice.get("/workflows/100").get_json()["status"] == "active"
