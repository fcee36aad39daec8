"""Forged requests: what a cookie authenticates needs the token of our forms, tokens need none."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.access.permissions import PERMISSIONS, Who, declared
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.people import ALICE, BOB, BROWSER, bearer, csrf_token, sign_in, who
from tests.served import page_of, three_projects
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE

NAMES = ("rule", "effect", "part", "revision", "action", "subject", "user", "reducer")
IDS: dict[str, object] = {
    **{f"{name}_id": 1 for name in NAMES},
    "workflow_id": 100,
    "project_id": 10,
    "of": "subjects",
    "kind": "subject_rules",
    "request_id": UUID(int=1),
    "failure_sort": "runs",
    "cause_key": "none",
    "run_id": 1,
    "extractor_key": "any",
    "reducer_key": "any",
}
SAFE = {"GET", "HEAD", "OPTIONS"}
COOKIELESS = {"stream.kinesis", "graphql.ask"}  # as their own tests hold
JSON_ANSWER = {"Accept": "application/json"}
PAUSE = {"status": "paused"}


@pytest.fixture
def app(database_url: str, standin: StandinServer) -> Iterator[Flask]:
    with three_projects(database_url, standin) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """The owner's browser."""
    client = app.test_client()
    sign_in(client, "alice")
    assert client.get("/workflows/100").status_code == 200  # her projects are remembered
    return client


def content(database_url: str) -> list[str]:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        return list(connection.iterdump())


def unsafe_routes(app: Flask, *, of: Who | None = None) -> list[tuple[str, str]]:
    """The method and path of each route that changes something, but for those without cookies.

    Those `of` administrators refuse all others before they look for the token.
    """
    routes = []
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - SAFE
        is_of_others = (_who(app, rule.endpoint) is Who.ADMIN) != (of is Who.ADMIN)
        if methods and rule.endpoint not in COOKIELESS and not is_of_others:
            built = rule.build({name: IDS[name] for name in rule.arguments if name in IDS})
            assert built is not None
            routes += [(method, built[1]) for method in methods]
    return sorted(routes)


def _who(app: Flask, endpoint: str) -> Who:
    with app.app_context():
        return PERMISSIONS[declared(endpoint)].who


def test_every_route_that_changes_something_wants_the_token(
    app: Flask, client: FlaskClient, database_url: str
) -> None:
    routes = unsafe_routes(app)
    assert {("POST", "/session/end"), ("PUT", "/workflows/100"), ("DELETE", "/session")} < set(
        routes
    )
    stranger = app.test_client()
    others = who(stranger)["csrf_token"]
    before = content(database_url)
    for method, path in routes:
        for headers in ({}, {"X-CSRFToken": "forged"}, {"X-CSRFToken": others}):
            response = client.open(path, method=method, json=PAUSE, headers=JSON_ANSWER | headers)
            assert response.status_code == 400, (method, path)
            assert response.get_json()["status"] == 400
        fields = {"csrf_token": others, "id": "100", "on": "1", **PAUSE}
        response = client.open(path, method=method, data=fields, headers=BROWSER)
        assert response.status_code == 400, (method, path)
        assert "not sent from our page" in page_of(response).text
    assert content(database_url) == before
    assert who(client)["login"] == "alice"


def test_so_do_those_for_administrators_alone(app: Flask) -> None:
    with app.app_context():
        routes = [path for _, path in unsafe_routes(app, of=Who.ADMIN)]
    assert routes == [
        "/freeze",
        "/graphiql",
        "/operations/failures/runs/none",
        "/operations/queues",
        "/operations/rejected",
    ]
    root = app.test_client()
    sign_in(root, "root")
    root.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(root)})
    for path in routes:
        response = root.post(path, data={"do": "freeze"}, headers=BROWSER)
        assert response.status_code == 400
        assert "not sent from our page" in page_of(response).text


def test_scripts_of_ours_send_it_as_a_header(client: FlaskClient) -> None:
    for token in (csrf_token(client), who(client)["csrf_token"]):
        headers = {"X-CSRFToken": token, **JSON_ANSWER}
        assert client.put("/workflows/100", json=PAUSE, headers=headers).status_code == 204
    assert client.get("/workflows/100").get_json()["status"] == "paused"


def test_a_token_of_panoptes_needs_none(app: Flask, standin: StandinServer) -> None:
    response = app.test_client().put("/workflows/100", json=PAUSE, headers=bearer(standin, ALICE))
    assert response.status_code == 204


def test_whoever_is_nobody_is_told_that_first(app: Flask) -> None:
    response = app.test_client().put("/workflows/100", json=PAUSE)
    assert (response.status_code, response.data) == (401, b"")


def test_a_token_of_panoptes_wins_over_the_cookie(
    app: Flask, client: FlaskClient, standin: StandinServer, database_url: str
) -> None:
    assert client.put("/workflows/100", json=PAUSE, headers=bearer(standin, BOB)).status_code == 404
    bob = app.test_client()
    sign_in(bob, "bob")
    assert bob.put("/workflows/100", json=PAUSE, headers=bearer(standin, ALICE)).status_code == 204


@pytest.mark.parametrize("header", ["", "Bearer nobody's", "Basic YWxpY2U6eA=="])
def test_a_bad_token_spoils_a_good_cookie(client: FlaskClient, header: str) -> None:
    headers = {"X-CSRFToken": csrf_token(client), "Authorization": header}
    for sent in (headers, {"Authorization": header}):
        response = client.put("/workflows/100", json=PAUSE, headers=sent)
        assert (response.status_code, response.data) == (401, b"")
    assert client.get("/workflows/100").get_json()["status"] == "active"


def test_the_stream_has_a_password_of_its_own(client: FlaskClient) -> None:
    config = client.application.extensions["caesar_config"]
    auth = (config.stream_username, config.stream_password)
    assert client.post("/kinesis", json={"payload": []}, auth=auth).status_code == 204
    assert client.post("/kinesis", json={"payload": []}).status_code == 401


def test_over_https_the_page_that_it_comes_from_counts_too(client: FlaskClient) -> None:
    token = csrf_token(client)
    for referrer, status in {
        "": 400,
        "https://evil.example/": 400,
        "https://localhost/session": 204,
    }.items():
        response = client.put(
            "/workflows/100",
            json=PAUSE,
            headers={"X-CSRFToken": token, "Referer": referrer},
            base_url="https://localhost",
        )
        assert response.status_code == status, referrer
