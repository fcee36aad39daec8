"""Answers that are not sent again, lists in parts, and addresses as clients write them."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.db import db
from tests.factories import make_event
from tests.people import ALICE, BROWSER
from tests.pipeline.steps import process, receive
from tests.served import script, three_projects
from tests.standin.server import StandinServer

EXTRACTS = "/workflows/100/extractors/all/extracts?subject_id=1"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask, standin: StandinServer) -> FlaskClient:
    client = script(app, standin, ALICE)
    client.post("/workflows/100/extractors", json={"type": "survey", "key": "s"})
    with app.app_context():
        receive([make_event(id, subject=1) for id in range(1, 8)])
        process()
        db.session.remove()
    return client


def test_what_the_caller_has_is_not_sent_again(alice: FlaskClient) -> None:
    first = alice.get(EXTRACTS)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    again = alice.get(EXTRACTS, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "max-age=0, private, must-revalidate"
    other = alice.get("/workflows/100", headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_after_a_change_it_is_sent(alice: FlaskClient) -> None:
    tag = alice.get("/workflows/100").headers["ETag"]
    alice.put("/workflows/100", json={"status": "paused"})
    assert alice.get("/workflows/100", headers={"If-None-Match": tag}).status_code == 200


def test_only_what_was_read_as_json_has_one(alice: FlaskClient) -> None:
    for response in (
        alice.get("/workflows/999"),
        alice.post("/workflows/100/extractors", json={"type": "who", "key": "w"}),
        alice.get("/help", headers=BROWSER),
    ):
        assert "ETag" not in response.headers


def test_an_array_in_parts(alice: FlaskClient) -> None:
    whole = alice.get(EXTRACTS).get_json()
    assert len(whole) == 7
    assert "Link" not in alice.get(EXTRACTS).headers
    found, path = [], f"{EXTRACTS}&page_size=3"
    for _ in range(3):
        response = alice.get(path)
        found += response.get_json()
        links = {
            name: address.strip("<>")
            for address, name in (
                one.split("; rel=") for one in response.headers["Link"].split(", ")
            )
        }
        path = links.get('"next"', "").removeprefix("http://localhost")
    assert found == whole
    assert path == ""
    assert links['"prev"'].endswith("subject_id=1&page=2&page_size=3")


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e3", "9" * 30])
def test_a_page_that_is_none(alice: FlaskClient, page: str) -> None:
    assert alice.get(f"{EXTRACTS}&page={page}").status_code == 400


@pytest.mark.parametrize(
    "path", ["/workflows.json", "/workflows/", "/workflows/100.json", "/workflows/100/"]
)
def test_addresses_as_clients_write_them(alice: FlaskClient, path: str) -> None:
    response = alice.get(path, headers=BROWSER if path.endswith(".json") else {})
    assert response.status_code == 200
    assert response.mimetype == "application/json"


def test_a_head_is_as_its_get(alice: FlaskClient) -> None:
    response = alice.head("/workflows/100")
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"] == alice.get("/workflows/100").headers["ETag"]
