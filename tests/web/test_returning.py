"""Where a sign-in begins and where it ends: on our own pages, and once."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import BROWSER, CSRF, sign_in
from tests.served import page_of, three_projects
from tests.standin.server import StandinServer

START = "/auth/zooniverse"
FROM_ELSEWHERE = {**BROWSER, "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def held(client: FlaskClient) -> set[str]:
    """What this browser's session holds."""
    with client.session_transaction() as session:
        return set(session)


def test_b7c_the_page_to_return_to_is_used_once(client: FlaskClient) -> None:
    assert sign_in(client, "alice", "/workflows/100?a=b") == "/workflows/100?a=b"
    assert "return_to" not in held(client)
    assert sign_in(client, "alice") == "/session"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_b7c_only_opening_a_page_sets_it(client: FlaskClient, method: str) -> None:
    for path in ("/workflows/100/settings", "/workflows/100", "/session/admin", "/none"):
        token = {"csrf_token": client.get("/session").get_json()["csrf_token"]}
        response = client.open(path, method=method, data=token, headers=BROWSER)
        assert response.status_code in (401, 404, 405)
        assert "return_to" not in held(client)
    token = {"csrf_token": client.get("/session").get_json()["csrf_token"]}
    assert client.post(f"{START}?to=/workflows/100", data=token).status_code == 302
    assert "return_to" not in held(client)
    assert sign_in(client, "alice") == "/session"


def test_b7c_programs_do_not_set_it(client: FlaskClient) -> None:
    assert client.get("/workflows/100").status_code == 401
    assert held(client) == set()


def test_b7c_another_site_does_not_begin_a_sign_in(client: FlaskClient) -> None:
    response = client.get(f"{START}?to=/workflows/100", headers=FROM_ELSEWHERE)
    assert response.status_code == 200
    page = page_of(response)
    (main,) = page.all("main")
    assert [form.attributes["action"] for form in main.all("form")] == [START]
    assert not {"departure", "return_to"} & held(client)
    token = CSRF.search(response.text)
    assert token
    departure = client.post(START, data={"csrf_token": token[1]}, headers=BROWSER)
    assert departure.status_code == 302
    assert "/oauth/authorize" in departure.location


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_our_own_links_begin_it_at_once(client: FlaskClient, site: str) -> None:
    response = client.get(START, headers={**BROWSER, "Sec-Fetch-Site": site})
    assert (response.status_code, "departure" in held(client)) == (302, True)


@pytest.mark.parametrize("headers", [{}, BROWSER, FROM_ELSEWHERE])
def test_b7c_a_forged_form_does_not_begin_it(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post(START, headers=headers).status_code == 400
    forged = client.post(START, data={"csrf_token": "x"}, headers=headers)
    assert forged.status_code == 400
    assert "departure" not in held(client)


def test_b7c_nobody_is_signed_in_with_somebody_elses_code(app: Flask, client: FlaskClient) -> None:
    """A way back that began in another browser, as when it is sent as a link."""
    sign_in(client, "bob")
    victim = app.test_client()
    victim.get(START, headers=BROWSER)
    stolen = victim.get(f"{START}/callback?code=x&state=y", headers=BROWSER)
    assert stolen.status_code == 400
    assert "Nobody is signed in here" in victim.get("/session", headers=BROWSER).text
    assert "departure" not in held(victim)  # so that no state is tried twice
