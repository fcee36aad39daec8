"""Who is calling: tokens that are refused before anything happens, sessions, administrators."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update
from werkzeug.test import TestResponse

from caesar_web.access.identity import SESSION_IDLE
from caesar_web.store.activity import AuditEntry, Credential
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.pages import visit
from tests.people import ALICE, BROWSER, ROOT, PassingTime, csrf_token, later, sign_in, who
from tests.standin.server import StandinServer

BAD = {
    "empty": "",
    "no token": "Bearer",
    "a blank": "Bearer ",
    "lower case": "bearer {good}",
    "two blanks": "Bearer  {good}",
    "more after it": "Bearer {good} more",
    "a list": "Bearer {good}, Bearer {good}",
    "bare": "{good}",
    "Basic": "Basic YWxpY2U6c2VjcmV0",
    "another scheme": "Token {good}",
    "null": "Bearer null",
    "three parts of nothing": "Bearer a.b.c",
    "unsigned": "Bearer eyJhbGciOiJub25lIn0.eyJkYXRhIjp7ImlkIjoyfX0.",
    "cut off": "Bearer {cut}",
    "too long": "Bearer {good}{long}",
    "not ASCII": "Bearer \u00e4\u00f6",
    "expired": "Bearer {expired}",
    "foreign": "Bearer {foreign}",
}


def number(app: Flask, table: type[Credential]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def show(client: FlaskClient, token: str, path: str = "/workflows/100") -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


@NO_OTHER_DATABASE
@pytest.mark.parametrize("path", ["/workflows/100", "/workflows", "/workflows/999", "/session"])
def test_bad_tokens_are_refused_before_anything_happens(
    app: Flask, client: FlaskClient, standin: StandinServer, path: str
) -> None:
    good = standin.token(ALICE)
    tokens = {
        "good": good,
        "cut": good[:-3],
        "long": "x" * 9000,
        "expired": standin.token(ALICE, ttl=-5),
        "foreign": standin.token(ALICE, foreign=True),
    }
    standin.clear_log()
    for name, header in BAD.items():
        for accept in ("application/json", "*/*", BROWSER["Accept"]):
            headers = {"Authorization": header.format(**tokens), "Accept": accept}
            response = client.get(path, headers=headers)
            assert (response.status_code, response.data) == (401, b""), (name, accept)
            assert "Location" not in response.headers
    assert number(app, Credential) == 0
    assert standin.log() == []


@NO_OTHER_DATABASE
def test_a_token_that_expires_meanwhile(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    token = standin.token(ALICE)
    assert show(client, token).status_code == 200
    clock.ahead = timedelta(hours=2, seconds=1)
    assert (show(client, token).status_code, show(client, token).data) == (401, b"")


@NO_OTHER_DATABASE
def test_the_token_of_somebody_whom_panoptes_no_longer_knows(
    client: FlaskClient, standin: StandinServer
) -> None:
    token = standin.token(ALICE)
    standin.revoke(user_id=ALICE)
    assert show(client, token, "/workflows").get_json() == []
    assert show(client, token).status_code == 404


def test_the_same_new_token_in_several_requests_at_once(app: Flask, standin: StandinServer) -> None:
    token, together, statuses = standin.token(ALICE), Barrier(4), []
    standin.fail("^/api/projects", delay=0.2, times=4)

    def ask() -> None:
        together.wait()
        statuses.append(show(app.test_client(), token).status_code)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert number(app, Credential) == 1


@NO_OTHER_DATABASE
def test_without_keys_nobody_is_judged(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys = tmp_path / "panoptes.pub"
    keys.write_text(standin.public_key_pem)
    config = app.extensions["caesar_config"]
    app.extensions["caesar_config"] = replace(config, panoptes_public_key=str(keys))
    sign_in(client, "alice")
    later(clock, standin, timedelta(hours=3))
    keys.rename(tmp_path / "elsewhere")
    assert visit(client, "/workflows/100", status=503)
    other = app.test_client()
    assert show(other, standin.token(ALICE)).status_code == 503
    assert "PANOPTES_PUBLIC_KEY" in caplog.text
    (tmp_path / "elsewhere").rename(keys)
    assert who(client)["login"] == "alice"
    assert len(standin.log("/oauth/token", "POST")) == 3  # the token of the first is good still


@NO_OTHER_DATABASE
def test_a_session_ends_after_twelve_hours_without_use(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    for hours in (11, 22, 33):
        later(clock, standin, timedelta(hours=hours))
        assert who(client)["login"] == "alice"
    later(clock, standin, timedelta(hours=45, seconds=1))
    assert who(client)["id"] is None
    assert client.get("/workflows", headers=BROWSER).location == "/auth/zooniverse"


@NO_OTHER_DATABASE
def test_until_when_it_lasts(client: FlaskClient, clock: PassingTime) -> None:
    sign_in(client, "alice")
    first = who(client)["expires_at"]
    clock.ahead = timedelta(minutes=9)
    assert who(client)["expires_at"] == first  # not every request writes
    clock.ahead = timedelta(minutes=11)
    assert who(client)["expires_at"] > first
    ends_at = clock() + SESSION_IDLE
    assert ends_at.strftime("%-d %B %Y at %H") in visit(client, "/session").text


@NO_OTHER_DATABASE
def test_tokens_that_no_key_opens_any_more_end_the_session(app: Flask, client: FlaskClient) -> None:
    sign_in(client, "alice")
    with app.app_context(), db.session.begin():
        db.session.execute(update(Credential).values(tokens="sealed with another key"))
    assert who(client)["id"] is None
    assert client.get("/workflows", headers=BROWSER).location == "/auth/zooniverse"


@NO_OTHER_DATABASE
@pytest.mark.parametrize("tables", [["credentials"], ["workflows", "credentials"]])
def test_without_the_database_people_are_told_so(
    app: Flask, client: FlaskClient, tables: list[str]
) -> None:
    sign_in(client, "alice")
    with app.app_context(), db.session.begin():
        for table in tables:
            db.session.execute(text(f"ALTER TABLE {table} RENAME TO {table}_elsewhere"))
    for path in ("/workflows/100", "/session"):
        visit(client, path, status=503)
        assert client.get(path).status_code == 503
    with app.app_context(), db.session.begin():
        for table in tables:
            db.session.execute(text(f"ALTER TABLE {table}_elsewhere RENAME TO {table}"))
    assert who(client)["login"] == "alice"


def turn_admin(client: FlaskClient, on: str) -> TestResponse:
    fields = {"on": on, "csrf_token": csrf_token(client)}
    return client.post("/session/admin", data=fields, headers=BROWSER)


@NO_OTHER_DATABASE
def test_an_administrator_turns_it_on_for_one_session(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()
    sign_in(client, "root")
    sign_in(other, "root")
    visit(client, "/workflows/300", status=404)
    assert (who(client)["admin"], who(client)["acts_as_admin"]) == (True, False)
    assert turn_admin(client, "1").status_code == 302
    assert "You act as administrator now" in visit(client, "/session").text
    assert "You act as administrator:" in visit(client, "/workflows/300").text
    assert "You act as administrator:" in visit(client, "/").text
    assert "turned administrator on" in visit(client, "/trail").text
    assert who(client)["acts_as_admin"] is True
    assert who(other)["acts_as_admin"] is False
    assert "You act as administrator:" not in visit(other, "/").text
    visit(other, "/workflows/300", status=404)
    visit(other, "/trail", status=403)
    turn_admin(client, "0")
    visit(client, "/workflows/300", status=404)
    assert "You act as administrator:" not in visit(client, "/").text


@NO_OTHER_DATABASE
def test_signing_in_again_turns_it_off(client: FlaskClient) -> None:
    sign_in(client, "root")
    turn_admin(client, "1")
    sign_in(client, "root")
    assert who(client)["acts_as_admin"] is False


@NO_OTHER_DATABASE
def test_others_turn_nothing_on(app: Flask, client: FlaskClient) -> None:
    sign_in(client, "alice")
    assert turn_admin(client, "1").status_code == 302
    assert who(client)["acts_as_admin"] is False
    visit(client, "/workflows/300", status=404)
    visit(client, "/trail", status=403)
    with app.app_context():
        actions = list(db.session.scalars(select(AuditEntry.action)))
        assert not any(db.session.scalars(select(Credential.acts_as_admin)))
    assert not any("turned" in action for action in actions)


@NO_OTHER_DATABASE
def test_the_token_of_an_administrator_is_one_at_once(
    app: Flask, client: FlaskClient, standin: StandinServer
) -> None:
    token = standin.token(ROOT)
    assert show(client, token, "/workflows/300").status_code == 200
    described = show(client, token, "/session").get_json()
    assert (described["acts_as_admin"], "csrf_token" in described) == (True, False)
    sign_in(client, "root")  # and it turns nothing on for sessions
    assert who(client)["acts_as_admin"] is False


@NO_OTHER_DATABASE
def test_a_token_wins_over_a_session(client: FlaskClient, standin: StandinServer) -> None:
    sign_in(client, "alice")
    token = standin.token(ROOT)
    assert show(client, token, "/session").get_json()["login"] == "root"
    assert show(client, "nobody's", "/session").status_code == 401
    assert who(client)["login"] == "alice"
