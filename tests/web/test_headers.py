"""Headers of every answer: what browsers may do with it, who may read it, and behind proxies."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.access.media_hosts import MEDIA_HOSTS
from caesar_web.store.activity import AuditEntry
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.people import ALICE, BROWSER, bearer, csrf_token, sign_in, who
from tests.served import three_projects
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE

ELSEWHERE = "https://fe-project.zooniverse.org"
# Pages, JSON, redirects, refusals and what is not there.
ANSWERS = [
    ("GET", "/", BROWSER, 200),
    ("GET", "/session", BROWSER, 200),
    ("GET", "/session", {}, 200),
    ("GET", "/workflows", BROWSER, 302),
    ("GET", "/workflows", {}, 401),
    ("POST", "/workflows/new", BROWSER, 401),
    ("POST", "/session/end", BROWSER, 400),
    ("GET", "/nowhere", BROWSER, 404),
    ("GET", "/nowhere", {}, 404),
    ("PATCH", "/", BROWSER, 405),
    ("PATCH", "/", {}, 404),
    ("POST", "/kinesis", {}, 401),
    ("GET", "/static/style.css", {}, 200),
]
PREFLIGHTS = [
    "/",
    "/workflows",
    "/workflows/100",
    "/workflows/999999999999999999999",
    "/workflows/100/extractors/all/extracts",
    "/workflows/100/subject_rules/1/subject_rule_effects",
    "/session",
    "/kinesis",
    "/static/style.css",
    "/nowhere/at/all",
]
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Max-Age": "7200",
    "Access-Control-Expose-Headers": "",
}


@pytest.fixture
def app(database_url: str, standin: StandinServer) -> Iterator[Flask]:
    with three_projects(database_url, standin) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_every_answer_tells_browsers_what_they_may_do(
    client: FlaskClient, standin: StandinServer
) -> None:
    for method, path, headers, status in ANSWERS:
        response = client.open(path, method=method, headers=headers, buffered=True)
        assert response.status_code == status, (method, path)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert {"Accept", "Authorization", "Origin"} <= set(response.vary.as_set(True))
        assert "Strict-Transport-Security" not in response.headers
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
        policy = response.headers["Content-Security-Policy"]
        directives = dict(each.strip().split(" ", 1) for each in policy.split(";"))
        assert directives["default-src"] == "'none'"
        assert directives["script-src"] == directives["style-src"] == "'self'"
        assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
        assert directives["form-action"] == f"'self' {standin.url}"
        for kind in ("img-src", "media-src"):  # the stand-in draws its subjects itself
            assert directives[kind].split() == ["'self'", *MEDIA_HOSTS, standin.url]
        assert "unsafe" not in policy


def test_other_origins_may_read_what_needs_no_cookie(
    client: FlaskClient, standin: StandinServer
) -> None:
    sign_in(client, "alice")
    origin = {"Origin": ELSEWHERE}
    for method, path, headers, _ in ANSWERS:
        response = client.open(path, method=method, headers=origin | headers, buffered=True)
        found = {
            name: value for name, value in response.headers if name.startswith("Access-Control")
        }
        assert found == CORS, (method, path)
    response = client.get("/workflows/100", headers=origin | bearer(standin, ALICE))
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", PREFLIGHTS)
def test_a_browser_that_asks_beforehand(
    app: Flask, client: FlaskClient, standin: StandinServer, path: str
) -> None:
    asked = "Authorization, content-type,x-of-its-own"
    response = client.options(
        path,
        headers={
            "Origin": ELSEWHERE,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": asked,
        },
    )
    assert (response.status_code, response.data) == (200, b"")
    found = {name: value for name, value in response.headers if name.startswith("Access-Control")}
    assert found == CORS | {"Access-Control-Allow-Headers": asked}
    assert "Set-Cookie" not in response.headers
    assert standin.log() == []


def test_the_cookie_is_not_for_scripts_nor_for_other_sites(client: FlaskClient) -> None:
    cookie = client.get("/auth/zooniverse", headers=BROWSER).headers["Set-Cookie"]
    attributes = {each.strip() for each in cookie.split(";")[1:]}
    assert attributes == {"HttpOnly", "SameSite=Lax", "Path=/"}


def test_in_production(database_url: str, standin: StandinServer) -> None:
    address = "https://localhost"
    with three_projects(database_url, standin, environment="production", public_url=address) as app:
        app.config["PREFERRED_URL_SCHEME"] = "https"  # of the test's browser
        client = app.test_client()
        response = client.get("/auth/zooniverse", headers=BROWSER)
        assert "Secure" in response.headers["Set-Cookie"].split("; ")
        for path in ("/", "/nowhere", "/static/style.css"):
            response = client.get(path, buffered=True)
            assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
            policy = response.headers["Content-Security-Policy"]
            assert policy.count(standin.url) == 1  # only to sign in
            assert f"form-action 'self' {standin.url};" in policy
        assert sign_in(client, "alice", "/workflows/100") == "/workflows/100"
        headers = {**BROWSER, "Referer": "https://localhost/session"}
        fields = {"csrf_token": csrf_token(client)}
        assert client.post("/session/end", data=fields, headers=headers).status_code == 302
        assert who(client)["id"] is None


@pytest.mark.parametrize("proxies", [0, 1])
def test_people_come_back_to_our_own_address(
    database_url: str, standin: StandinServer, proxies: int
) -> None:
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    with three_projects(
        database_url,
        standin,
        environment="production",
        public_url="https://caesar.example",
        trusted_proxies=proxies,
    ) as app:
        response = app.test_client().get("/auth/zooniverse", headers=BROWSER | forged)
    asked = parse_qs(urlsplit(response.location).query)
    assert asked["redirect_uri"] == ["https://caesar.example/auth/zooniverse/callback"]
    assert "evil.example" not in str(response.headers)


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.3"), (2, "203.0.113.2")]
)
def test_an_address_counts_where_a_proxy_of_ours_has_said_it(
    database_url: str, standin: StandinServer, proxies: int, address: str
) -> None:
    spoofed = {"X-Forwarded-For": "203.0.113.1, 203.0.113.2, 203.0.113.3"}
    with three_projects(database_url, standin, trusted_proxies=proxies) as app:
        assert app.test_client().get("/workflows/100", headers=spoofed).status_code == 401
        with app.app_context():
            (entry,) = db.session.scalars(select(AuditEntry))
        assert entry.address == address


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "http://localhost"), (1, "https://caesar.example")]
)
def test_behind_a_proxy_it_is_https(
    database_url: str, standin: StandinServer, proxies: int, address: str
) -> None:
    headers = BROWSER | {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "caesar.example"}
    with three_projects(database_url, standin, trusted_proxies=proxies) as app:
        response = app.test_client().get("/auth/zooniverse", headers=headers)
    asked = parse_qs(urlsplit(response.location).query)
    assert asked["redirect_uri"] == [f"{address}/auth/zooniverse/callback"]
