"""Logging in, tokens of every grant, and what the API says to bad ones."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.standin.server import Clock, StandinServer

CALLBACK = "http://127.0.0.1:3000/auth/zooniverse/callback"
ASKED = {
    "client_id": "caesar",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "user public",
    "state": "5ca1ab1e",
}
FORBIDDEN_EMPTY = (422, b"")


def authorize(standin: StandinServer, **changes: str) -> requests.Response:
    """The answer to a login request that alice has already chosen herself for."""
    return requests.get(
        f"{standin.url}/oauth/authorize",
        params={**ASKED, "as": "alice", **changes},
        allow_redirects=False,
        timeout=10,
    )


def code_of(answer: requests.Response) -> str:
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def exchange(standin: StandinServer, **changes: str) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": standin.client_id,
        "client_secret": standin.client_secret,
        "redirect_uri": CALLBACK,
        **changes,
    }
    return post_token(standin, {name: text for name, text in form.items() if text})


def post_token(standin: StandinServer, form: dict[str, Any]) -> requests.Response:
    return requests.post(f"{standin.url}/oauth/token", data=form, timeout=10)


def claims_of(standin: StandinServer, token: str) -> dict[str, Any]:
    key = RSAKey.import_key(standin.public_key_pem)
    decoded = jwt.decode(token, key, algorithms=["RS512"])
    assert decoded.header == {"typ": "JWT", "alg": "RS512"}
    return decoded.claims


def test_a_person_is_chosen_on_the_login_page(standin: StandinServer) -> None:
    page = requests.get(f"{standin.url}/oauth/authorize", params=ASKED, timeout=10)
    assert page.status_code == 200
    people = re.findall(r'name="user_id" value="(\d+)"', page.text)
    assert people == ["1", "2", "3", "4", "5"]
    assert "Owns Galaxy Demo" in page.text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert hidden == ASKED
    answer = requests.post(
        f"{standin.url}/oauth/authorize",
        {**hidden, "user_id": "2"},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302
    place, _, query = answer.headers["Location"].partition("?")
    assert (place, parse_qs(query)["state"]) == (CALLBACK, ["5ca1ab1e"])
    body = exchange(standin, code=code_of(answer)).json()
    assert claims_of(standin, body["access_token"])["data"]["login"] == "alice"


def test_the_login_page_escapes_what_it_carries(standin: StandinServer) -> None:
    asked = {**ASKED, "state": '"><script>alert(1)</script>'}
    page = requests.get(f"{standin.url}/oauth/authorize", params=asked, timeout=10)
    assert "<script>" not in page.text


def test_a_person_can_refuse(standin: StandinServer) -> None:
    answer = requests.post(
        f"{standin.url}/oauth/authorize",
        {**ASKED, "deny": "1"},
        allow_redirects=False,
        timeout=10,
    )
    sent = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (sent["error"], sent["state"]) == (["access_denied"], ["5ca1ab1e"])
    assert sent["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"client_id": "python-client"},
        {"scope": "user moderation"},
    ],
)
def test_what_the_application_may_not_ask_for(
    standin: StandinServer, changes: dict[str, str]
) -> None:
    answer = authorize(standin, **changes)
    assert (answer.status_code, answer.content) == FORBIDDEN_EMPTY


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_id": "nobody"}, 401),
        ({"redirect_uri": "https://example.org/callback"}, 400),
        ({"redirect_uri": "http://127.0.0.1.example.org/"}, 400),
        ({"redirect_uri": "javascript://127.0.0.1/%0aalert(1)"}, 400),
        ({"as": "nobody"}, 404),
    ],
)
def test_no_way_back_to_what_cannot_be_trusted(
    standin: StandinServer, changes: dict[str, str], status: int
) -> None:
    answer = authorize(standin, **changes)
    assert answer.status_code == status
    assert "Location" not in answer.headers


def test_any_loopback_address_may_log_in(standin: StandinServer) -> None:
    for place in ("http://localhost:8080/back", "http://[::1]:3000/auth/zooniverse/callback"):
        assert authorize(standin, redirect_uri=place).headers["Location"].startswith(f"{place}?")


def test_the_token_of_a_login(standin: StandinServer) -> None:
    body = exchange(standin, code=code_of(authorize(standin))).json()
    claims = claims_of(standin, body.pop("access_token"))
    assert re.fullmatch(r"[0-9a-f]{64}", body.pop("refresh_token"))
    created_at = body.pop("created_at")
    assert body == {"token_type": "Bearer", "expires_in": 7200, "scope": "user public"}
    assert re.fullmatch(r"[0-9a-f]{4}", claims.pop("rng"))
    assert claims == {
        "data": {
            "id": 2,
            "login": "alice",
            "dname": "Alice",
            "scope": ["user", "public"],
            "admin": False,
        },
        "exp": created_at + 7200,
        "iss": "pan-stag",
    }


def test_the_secret_may_come_as_basic_auth(standin: StandinServer) -> None:
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": code_of(authorize(standin)),
    }
    pair = (standin.client_id, standin.client_secret)
    answer = requests.post(f"{standin.url}/oauth/token", form, auth=pair, timeout=10)
    assert answer.ok, answer.text


def test_a_code_is_good_once(standin: StandinServer) -> None:
    code = code_of(authorize(standin))
    assert exchange(standin, code=code).ok
    answer = exchange(standin, code=code)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_grant")
    assert answer.json()["error_description"]


def test_a_code_is_good_for_ten_minutes() -> None:
    clock = Clock()
    with StandinServer(now=clock) as standin:
        early, late = code_of(authorize(standin)), code_of(authorize(standin))
        clock.advance(599)
        assert exchange(standin, code=early).ok
        clock.advance(1)
        assert exchange(standin, code=late).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"redirect_uri": CALLBACK + "?code=1&state=2"}, 200, None),
        ({"redirect_uri": "http://127.0.0.1:3000/elsewhere"}, 401, "invalid_grant"),
        ({"redirect_uri": ""}, 401, "invalid_grant"),
        ({"code": "wrong"}, 401, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "device_code"}, 400, "unsupported_grant_type"),
    ],
)
def test_what_an_exchange_needs(
    standin: StandinServer, changes: dict[str, str], status: int, error: str | None
) -> None:
    answer = exchange(standin, **{"code": code_of(authorize(standin)), **changes})
    assert (answer.status_code, answer.json().get("error")) == (status, error)


@pytest.mark.parametrize(("verifier", "status"), [("v" * 43, 200), ("w" * 43, 401), ("", 401)])
def test_a_code_challenge_is_checked_when_there_was_one(
    standin: StandinServer, verifier: str, status: int
) -> None:
    digest = hashlib.sha256(b"v" * 43).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    answer = authorize(standin, code_challenge=challenge, code_challenge_method="S256")
    answer = exchange(standin, code=code_of(answer), code_verifier=verifier)
    assert answer.status_code == status


def test_the_service_account(standin: StandinServer) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": standin.client_id,
        "client_secret": standin.client_secret,
    }
    body = post_token(standin, form).json()
    assert "refresh_token" not in body
    assert body["scope"] == "public user project collection classification"
    data = claims_of(standin, body["access_token"])["data"]
    assert (data["id"], data["admin"]) == (1, True)
    wrong = post_token(standin, {**form, "client_secret": "wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")

    standin.switch(service_account_admin=False, token_seconds=3)
    body = post_token(standin, form).json()
    assert body["expires_in"] == 3
    assert claims_of(standin, body["access_token"])["data"]["admin"] is False


def test_refreshing_rotates(standin: StandinServer) -> None:
    first = exchange(standin, code=code_of(authorize(standin))).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "caesar", "refresh_token": first}
    assert post_token(standin, {**form, "client_id": "python-client"}).status_code == 401
    body = post_token(standin, form).json()
    assert claims_of(standin, body["access_token"])["data"]["login"] == "alice"
    assert body["scope"] == "user public"
    again = post_token(standin, form)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_grant")
    assert post_token(standin, {**form, "refresh_token": body["refresh_token"]}).ok


def test_a_grant_that_the_application_may_not_use(standin: StandinServer) -> None:
    for client_id, grant_type in (
        ("caesar", "password"),
        ("python-client", "client_credentials"),
        ("python-client", "authorization_code"),
    ):
        answer = post_token(standin, {"client_id": client_id, "grant_type": grant_type})
        assert (answer.status_code, answer.content) == FORBIDDEN_EMPTY


def test_the_session_of_the_python_client(standin: StandinServer) -> None:
    form = {"grant_type": "password", "client_id": "python-client"}
    url = f"{standin.url}/users/sign_in"
    with requests.Session() as session:
        token_url = f"{standin.url}/oauth/token"
        assert session.post(token_url, form, timeout=10).status_code == 401
        first = session.get(url, headers={"Accept": "application/json"}, timeout=10)
        assert first.json() == {"login": "/users/sign_in"}
        user = {"login": "alice", "password": "wrong", "remember_me": True}
        sent = {"authenticity_token": first.headers["X-CSRF-Token"], "user": user}
        wrong = session.post(url, json=sent, timeout=10)
        assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid email or password."})
        user["password"] = "password"
        assert session.post(url, json=sent, timeout=10).json() == {
            "users": [{"id": "2", "login": "alice", "display_name": "Alice"}],
            "links": {},
            "meta": {},
        }
        body = session.post(token_url, form, timeout=10).json()
    assert claims_of(standin, body["access_token"])["data"]["id"] == 2
    assert body["refresh_token"]


def test_a_password_in_the_form(standin: StandinServer) -> None:
    form = {"grant_type": "password", "client_id": "python-client", "login": "bob"}
    assert post_token(standin, {**form, "password": "password"}).ok
    answer = post_token(standin, {**form, "password": "wrong"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_grant")


def test_a_bad_token_is_refused_where_a_login_is_needed(standin: StandinServer) -> None:
    revoked = standin.token(2)
    standin.revoke(user_id=2)
    fresh = standin.token(2)
    for token, reason in {
        standin.token(2, -60): "The access token expired",
        standin.token(2, foreign=True): "The access token is invalid",
        "garbage": "The access token is invalid",
        revoked: "The access token was revoked",
    }.items():
        answer = standin.api("GET", "/me", token=token)
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["WWW-Authenticate"] == (
            f'Bearer realm="Panoptes", error="invalid_token", error_description="{reason}"'
        )
        assert standin.api("GET", "/projects/10", token=token).ok
    assert standin.api("GET", "/me", token=fresh).ok
    assert claims_of(standin, revoked)["data"]["id"] == 2  # its signature is as good as ever


def test_tokens_expire() -> None:
    clock = Clock()
    with StandinServer(now=clock) as standin:
        token = standin.token(2, ttl=60)
        clock.advance(59)
        assert standin.api("GET", "/me", token=token).ok
        clock.advance(1)
        assert standin.api("GET", "/me", token=token).status_code == 401


def test_no_other_host_name_is_answered(standin: StandinServer) -> None:
    headers = {"Host": "example.org"}
    answer = requests.get(f"{standin.url}/users/sign_in", headers=headers, timeout=10)
    assert answer.status_code == 400
