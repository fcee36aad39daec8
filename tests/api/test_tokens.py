"""What is kept and said of the tokens with which scripts and browsers come."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.people import ALICE, BOB, sign_in
from tests.served import script, three_projects
from tests.standin.server import StandinServer


@pytest.fixture
def url(new_database: Callable[[str], str]) -> str:
    return new_database("sqlite")


@pytest.fixture
def app(url: str, standin: StandinServer) -> Iterator[Flask]:
    with three_projects(url, standin) as app:
        yield app


def test_b7a_tokens_are_neither_kept_nor_logged_in_clear(
    app: Flask, url: str, standin: StandinServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token, garbage = standin.token(ALICE), "Bearer gar.ba.ge-in-an-odd-shape"
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/workflows", "/workflows/100", "/workflows/300"):
        app.test_client().get(path, headers=headers)
        app.test_client().get(path, headers={"Authorization": garbage})
    browser = app.test_client()
    sign_in(browser, "alice")
    browser.get("/workflows")
    with browser.session_transaction() as session:
        secret = session["_user_id"]
    file = Path(url.removeprefix("sqlite:///"))
    kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert b"alice" in kept
    for text in (token, token.rpartition(".")[2], secret, garbage):
        assert text.encode() not in kept
        assert text not in caplog.text
    beginning = token[:10]  # of any token: digests have three letters of it now and then
    assert beginning.startswith("eyJ")
    for text in ("Bearer", beginning):
        assert text.encode() not in kept
    cookie = browser.get_cookie("caesar_session")
    assert cookie is not None
    assert beginning not in cookie.value


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/session"), ("DELETE", "/session"), ("POST", "/session/end"), ("GET", "/workflows")],
)
def test_b7a_garbage_is_a_401_also_where_anyone_may_come(
    app: Flask, standin: StandinServer, method: str, path: str
) -> None:
    standin.clear_log()
    for header in ("", "Bearer garbage", "Bearer a.b.c", "Basic YTpi", "bearer x", "Bearer"):
        response = app.test_client().open(path, method=method, headers={"Authorization": header})
        assert (response.status_code, response.data) == (401, b""), header
    assert (
        app.test_client().get("/", headers={"Authorization": "Bearer garbage"}).status_code == 200
    )
    assert standin.log() == []


def test_b7b_a_token_that_panoptes_no_longer_knows_has_no_projects(
    app: Flask, standin: StandinServer
) -> None:
    alice, bob = script(app, standin, ALICE), script(app, standin, BOB)
    standin.revoke(user_id=ALICE)
    for client in (alice, bob):
        assert client.get("/workflows").get_json() == []
        assert client.get("/workflows/100").status_code == 404
        assert client.post("/workflows", json={"id": 101}).status_code == 403
