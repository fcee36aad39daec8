"""Signing in with Zooniverse: the way there and back, what goes wrong on it, and signing out."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import base64_decode
from sqlalchemy import select

from caesar_web.panoptes.people import People, PersonTokens
from caesar_web.store.activity import AuditEntry, Credential
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.pages import Element, visit
from tests.people import (
    ALICE,
    BROWSER,
    PassingTime,
    consent,
    csrf_token,
    depart,
    later,
    sign_in,
    who,
)
from tests.served import page_of, three_projects
from tests.standin.server import StandinServer

ELSEWHERE = {**BROWSER, "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(database_url: str, standin: StandinServer, clock: PassingTime) -> Iterator[Flask]:
    with three_projects(database_url, standin, clock=clock) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("caesar_session")
    assert cookie is not None
    return cookie.value


def credentials(app: Flask) -> list[Credential]:
    with app.app_context():
        return list(db.session.scalars(select(Credential).order_by(Credential.id)))


def noted(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.execute(select(AuditEntry.actor, AuditEntry.action))
        return [(actor, action) for actor, action in rows]


def come_back(client: FlaskClient, path: str, *, status: int) -> Element:
    """Comes back from Panoptes to a page that says what is wrong."""
    response = client.get(path, headers=BROWSER)
    assert response.status_code == status, response.text
    return page_of(response)


def test_the_way_there_and_back(app: Flask, client: FlaskClient) -> None:
    assert sign_in(client, "alice", "/workflows/100") == "/workflows/100"
    assert "Galaxies" in visit(client, "/workflows/100").text
    assert "Alice" in visit(client, "/session").text
    for page in ("/workflows", "/workflows/new", "/workflows/100/settings", "/workflows/100/trail"):
        visit(client, page)
    visit(client, "/workflows/300", status=404)
    visit(client, "/trail", status=403)
    assert ("alice", "signed in") in noted(app)


def test_two_hours_later(client: FlaskClient, clock: PassingTime, standin: StandinServer) -> None:
    sign_in(client, "alice")
    later(clock, standin, timedelta(hours=2))
    visit(client, "/workflows/100")
    visit(client, "/workflows/100")
    assert len(standin.log("/oauth/token", "POST")) == 2


@NO_OTHER_DATABASE
def test_what_panoptes_is_asked(client: FlaskClient, standin: StandinServer) -> None:
    asked = {name: value for name, (value,) in parse_qs(urlsplit(depart(client)).query).items()}
    assert asked.pop("redirect_uri") == "http://localhost/auth/zooniverse/callback"
    assert len(asked.pop("state")) >= 40
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "client_id": StandinServer.client_id,
        "response_type": "code",
        "scope": "user public",
        "code_challenge_method": "S256",
    }
    assert depart(client) != depart(client)
    assert standin.log() == []


@NO_OTHER_DATABASE
def test_the_cookie_opens_nothing(
    app: Flask, client: FlaskClient, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = PersonTokens(standin.token(ALICE), "the refresh token")
    monkeypatch.setattr(People, "arrive", lambda *given, **named: tokens)
    sign_in(client, "alice")
    cookie = cookie_of(client)
    assert len(cookie) < 1000
    readable = base64_decode(cookie.strip(".").split(".")[0]).decode("latin-1")
    (kept,) = credentials(app)
    assert kept.digest not in readable
    for secret in (tokens.access, tokens.refresh or ""):
        assert secret not in readable
        assert secret not in f"{kept.tokens} {kept.digest}"


@NO_OTHER_DATABASE
def test_the_session_is_a_new_one(app: Flask, client: FlaskClient) -> None:
    departure = depart(client)
    before = cookie_of(client)
    client.get(consent(departure, "alice"), headers=BROWSER)
    first = cookie_of(client)
    fixed = app.test_client()
    fixed.set_cookie("caesar_session", before)
    assert who(fixed)["id"] is None
    sign_in(client, "bob")  # and who signs in again leaves nothing behind
    stale = app.test_client()
    stale.set_cookie("caesar_session", first)
    assert who(stale)["id"] is None
    assert who(client)["login"] == "bob"
    assert [row.login for row in credentials(app)] == ["bob"]


@NO_OTHER_DATABASE
def test_what_a_stranger_was_given_is_worth_nothing_after(client: FlaskClient) -> None:
    token = who(client)["csrf_token"]
    sign_in(client, "alice")
    response = client.post("/session/end", data={"csrf_token": token}, headers=BROWSER)
    assert response.status_code == 400
    assert who(client)["login"] == "alice"


@NO_OTHER_DATABASE
@pytest.mark.parametrize("state", ["", "wrong", "ä", "x" * 5000])
def test_another_state_is_refused(
    app: Flask, client: FlaskClient, standin: StandinServer, state: str
) -> None:
    path = consent(depart(client), "alice")
    forged = re.sub("state=[^&]+", f"state={quote(state)}", path)
    assert "did not begin in this browser" in come_back(client, forged, status=400).text
    come_back(client, path, status=400)  # a guess has spent the right one too
    assert credentials(app) == []
    assert standin.log("/oauth/token") == []
    assert noted(app) == [("nobody", "refused: sign in")]


@NO_OTHER_DATABASE
def test_a_sign_in_that_never_began(
    app: Flask, client: FlaskClient, standin: StandinServer
) -> None:
    for query in ("", "?code=abc", "?code=abc&state=", "?state=&error=access_denied"):
        come_back(client, f"/auth/zooniverse/callback{query}", status=400)
    path = consent(depart(app.test_client()), "bob")
    come_back(client, path, status=400)  # begun in the browser of whoever wants us to be Bob
    assert credentials(app) == []
    assert standin.log("/oauth/token") == []


@NO_OTHER_DATABASE
def test_coming_back_twice(app: Flask, client: FlaskClient, standin: StandinServer) -> None:
    path = consent(depart(client), "alice")
    assert client.get(path, headers=BROWSER).status_code == 302
    come_back(client, path, status=400)
    assert who(client)["login"] == "alice"
    assert len(standin.log("/oauth/token")) == 1


@NO_OTHER_DATABASE
def test_whoever_says_no(app: Flask, client: FlaskClient) -> None:
    (state,) = parse_qs(urlsplit(depart(client, "/workflows/100")).query)["state"]
    denied = f"/auth/zooniverse/callback?error=access_denied&error_description=<b>&state={state}"
    assert "Zooniverse was told not to go on" in come_back(client, denied, status=403).text
    assert credentials(app) == []
    assert sign_in(client, "alice") == "/workflows/100"  # on second thoughts


@NO_OTHER_DATABASE
def test_a_code_that_is_refused(app: Flask, client: FlaskClient, standin: StandinServer) -> None:
    path = consent(depart(client, "/workflows/100"), "alice")
    standin.reset()
    assert "did not confirm who you are" in come_back(client, path, status=403).text
    (state,) = parse_qs(urlsplit(depart(client)).query)["state"]
    come_back(client, f"/auth/zooniverse/callback?state={state}", status=403)  # no code at all
    assert credentials(app) == []
    assert sign_in(client, "alice") == "/workflows/100"


@NO_OTHER_DATABASE
def test_a_token_that_is_not_panoptes_own(
    app: Flask, client: FlaskClient, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = consent(depart(client), "alice")
    tokens = PersonTokens(standin.token(ALICE, foreign=True), "a refresh token")
    monkeypatch.setattr(People, "arrive", lambda *given, **named: tokens)
    come_back(client, path, status=403)
    assert credentials(app) == []


@NO_OTHER_DATABASE
def test_a_token_that_is_about_to_expire(
    client: FlaskClient, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a refresh token there is nothing to go on with."""
    tokens = PersonTokens(standin.token(ALICE, ttl=60), None)
    monkeypatch.setattr(People, "arrive", lambda *_, **__: tokens)
    arrival = client.get(consent(depart(client, "/auth/zooniverse"), "alice"), headers=BROWSER)
    assert arrival.status_code == 503
    assert "about to expire" in page_of(arrival).text
    assert who(client)["id"] is None


@NO_OTHER_DATABASE
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": True}])
def test_while_panoptes_is_away_nothing_is_lost(
    app: Flask, client: FlaskClient, standin: StandinServer, fault: dict[str, int]
) -> None:
    sign_in(client, "alice")
    client.get("/auth/zooniverse?to=/workflows/new", headers=BROWSER)
    path = consent(depart(client), "alice")
    standin.fail("/oauth/token", times=-1, status=fault.get("status"), drop="drop" in fault)
    assert "cannot be reached" in come_back(client, path, status=503).text
    assert who(client)["login"] == "alice"
    standin.lift_faults()
    assert sign_in(client, "alice") == "/workflows/new"
    standin.fail("/api/", times=-1, status=fault.get("status"), drop="drop" in fault)
    visit(client, "/workflows/100", status=503)
    assert who(client)["login"] == "alice"
    standin.lift_faults()
    visit(client, "/workflows/100")


@NO_OTHER_DATABASE
@pytest.mark.parametrize(
    ("asked", "arrived"),
    [
        ("/workflows/new", "/workflows/new"),
        ("/workflows/100/configuration?copy_from=5", "/workflows/100/configuration?copy_from=5"),
        ("//evil.example", "/session"),
        ("/\\evil.example", "/session"),
        ("https://evil.example", "/session"),
        ("javascript:alert(1)", "/session"),
        ("", "/session"),
    ],
)
def test_where_one_returns_to(client: FlaskClient, asked: str, arrived: str) -> None:
    assert sign_in(client, "alice", f"/auth/zooniverse?to={quote(asked)}") == arrived
    assert sign_in(client, "alice") == "/session"


@NO_OTHER_DATABASE
def test_what_is_sent_is_not_returned_to(client: FlaskClient) -> None:
    client.post("/workflows/new", headers=BROWSER)
    client.get("/workflows/100", headers={"Accept": "application/json"})
    assert sign_in(client, "alice") == "/session"


@NO_OTHER_DATABASE
def test_another_site_cannot_sign_people_in(client: FlaskClient, standin: StandinServer) -> None:
    response = client.get("/workflows/100", headers=ELSEWHERE)
    assert response.location == "/auth/zooniverse"
    response = client.get("/auth/zooniverse?to=/workflows/200", headers=ELSEWHERE)
    assert response.status_code == 200
    page = page_of(response)
    (main,) = page.all("main")
    assert [each.text for each in main.all("button")] == ["Sign in with Zooniverse"]
    assert client.post("/auth/zooniverse", headers=ELSEWHERE).status_code == 400
    (field,) = [each for each in main.all("input") if each.attributes["name"] == "csrf_token"]
    fields = {"csrf_token": field.attributes["value"]}
    departure = client.post("/auth/zooniverse", data=fields, headers=BROWSER)
    assert departure.location.startswith(f"{standin.url}/oauth/authorize?")
    arrival = client.get(consent(departure.location, "alice"), headers=ELSEWHERE)
    assert arrival.location == "/workflows/100"


@NO_OTHER_DATABASE
@pytest.mark.parametrize("way", ["page", "script"])
def test_signing_out_ends_it_on_the_server(app: Flask, client: FlaskClient, way: str) -> None:
    sign_in(client, "alice")
    other = app.test_client()
    sign_in(other, "alice")
    old, token = cookie_of(client), csrf_token(client)
    if way == "page":
        left = client.post("/session/end", data={"csrf_token": token}, headers=BROWSER)
    else:
        left = client.delete("/session", headers={"X-CSRFToken": token})
    assert (left.status_code, left.location) == (302, "/session")
    assert "You are signed out" in visit(client, "/session").text
    stolen = app.test_client()
    stolen.set_cookie("caesar_session", old)
    assert who(stolen)["id"] is None
    assert stolen.get("/workflows").status_code == 401
    assert who(other)["login"] == "alice"
    assert len(credentials(app)) == 1
    assert ("alice", "signed out") in noted(app)


@NO_OTHER_DATABASE
def test_signing_out_of_nothing(client: FlaskClient) -> None:
    token = who(client)["csrf_token"]
    left = client.post("/session/end", data={"csrf_token": token}, headers=BROWSER)
    assert left.location == "/session"
    assert "Nobody is signed in here" in visit(client, "/session").text


@NO_OTHER_DATABASE
def test_a_token_ends_nobodys_session(
    app: Flask, client: FlaskClient, standin: StandinServer
) -> None:
    sign_in(client, "alice")
    for token, status in {standin.token(ALICE): 302, "nobody's": 401}.items():
        headers = {"Authorization": f"Bearer {token}"}
        assert client.delete("/session", headers=headers).status_code == status
    assert who(client)["login"] == "alice"


@NO_OTHER_DATABASE
def test_who_is_signed_in(client: FlaskClient) -> None:
    described = who(client)
    assert (described.pop("csrf_token") is not None, described) == (True, {"id": None})
    sign_in(client, "alice")
    described = who(client)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", described.pop("expires_at"))
    assert described.pop("csrf_token")
    assert described == {
        "id": ALICE,
        "login": "alice",
        "display_name": "Alice",
        "admin": False,
        "acts_as_admin": False,
    }
