"""Forms that came after their session had ended: kept encrypted, given back once, to the sender."""

import json
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from caesar_web.access.drafts import KEPT_FOR, MOST_CHARACTERS
from caesar_web.store import credential_statements
from caesar_web.store.activity import Credential, Draft
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.pages import Element, visit
from tests.people import BROWSER, PassingTime, csrf_token, later, sign_in, who
from tests.served import page_of
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE

PAGE = "/workflows/100/configuration"
SECRET = "an unlikely passwörd"
# Everything that forms, HTML and JSON each write in a way of their own.
DOCUMENT = json.dumps(
    {"note": 'löwe 🦁 </textarea>&amp;"+%2B\\', "password": SECRET, "long": "ü" * 50_000},
    ensure_ascii=False,
    indent=2,
)


def kept(app: Flask) -> list[Draft]:
    with app.app_context():
        return list(db.session.scalars(select(Draft)))


def signed_in(client: FlaskClient, path: str = PAGE) -> str:
    """Alice opens a form; gives its token."""
    sign_in(client, "alice")
    return csrf_token(client, path)


def end_of_session(standin: StandinServer, clock: PassingTime) -> None:
    """Panoptes refuses the next renewal."""
    standin.reset()
    later(clock, standin, clock.ahead + timedelta(hours=3))


def post(client: FlaskClient, path: str = PAGE, **fields: str) -> TestResponse:
    return client.post(path, data=fields, headers=BROWSER)


def lost(
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    *,
    path: str = PAGE,
    **fields: str,
) -> TestResponse:
    """Alice's session ends while she fills in a form, which she sends."""
    token = signed_in(client, path)
    end_of_session(standin, clock)
    response = post(client, path, csrf_token=token, **fields)
    assert response.status_code == 401
    return response


def document_on(page: Element) -> str:
    (area,) = page.all("textarea")
    return "".join(area.texts).replace("\r\n", "\n").lstrip("\n")


def id_on(page: Element) -> str:
    (field,) = [each for each in page.all("input") if each.attributes.get("name") == "id"]
    return field.attributes.get("value", "")


def test_a_form_is_kept_and_given_back_once(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    refusal = page_of(lost(client, standin, clock, document=DOCUMENT))
    assert "What you typed is kept" in refusal.text
    (draft,) = kept(app)
    assert SECRET not in draft.fields
    assert "password" not in draft.fields
    cookie = client.get_cookie("caesar_session")
    assert cookie is not None
    assert draft.digest not in cookie.value
    assert sign_in(client, "alice") == PAGE
    page = visit(client, PAGE)
    assert "What you typed is back" in page.text
    assert document_on(page) == DOCUMENT
    assert kept(app) == []
    again = visit(client, PAGE)
    assert "What you typed is back" not in again.text
    assert SECRET not in again.text


def test_it_can_be_saved_then(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, document='{"status": "paused"}')
    sign_in(client, "alice")
    found = client.get(PAGE, headers=BROWSER).text
    token = found.split('name="csrf_token" value="')[1].split('"')[0]
    response = post(client, csrf_token=token, document='{"status": "paused"}')
    assert response.location == "/workflows/100"
    assert client.get("/workflows/100").get_json()["status"] == "paused"


def test_it_is_kept_after_twelve_idle_hours_too(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    token = signed_in(client)
    later(clock, standin, timedelta(hours=13))
    assert post(client, csrf_token=token, document=DOCUMENT).status_code == 401
    assert sign_in(client, "alice") == PAGE
    assert document_on(visit(client, PAGE)) == DOCUMENT


def test_choices_are_given_back_as_they_were(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    path = "/workflows/100/settings"
    chosen = {"status": "halted", "rules_applied": "no_rules", "public_extracts": "y"}
    lost(client, standin, clock, path=path, **chosen)
    assert sign_in(client, "alice") == path
    page = visit(client, path)
    checked = [each.attributes for each in page.all("input") if "checked" in each.attributes]
    chosen.pop("status")  # a button, which nobody presses by coming back
    assert {each["name"]: each["value"] for each in checked} == chosen


def test_it_waits_for_its_own_page(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, document=DOCUMENT)
    sign_in(client, "alice")
    assert id_on(visit(client, "/workflows/new")) == ""
    assert document_on(visit(client, "/workflows/200/configuration")) != DOCUMENT
    assert document_on(visit(client, PAGE)) == DOCUMENT


def test_the_last_one_counts(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    token = signed_in(client)
    end_of_session(standin, clock)
    for text in ("first", "second"):
        assert post(client, csrf_token=token, document=text).status_code == 401
    assert len(kept(app)) == 1
    sign_in(client, "alice")
    assert document_on(visit(client, PAGE)) == "second"


def test_nobody_else_gets_it(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, path="/workflows/new", id="31415")
    sign_in(client, "bob")
    page = visit(client, "/workflows/new")
    assert id_on(page) == ""
    assert "What you typed is back" not in page.text
    sign_in(client, "alice")
    assert id_on(visit(client, "/workflows/new")) == ""


def test_nobody_else_gets_it_even_with_its_secret(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, path="/workflows/new", id="31415")
    with client.session_transaction() as session:
        secret = session["draft"]
    sign_in(client, "bob")
    with client.session_transaction() as session:
        session["draft"] = secret
    assert id_on(visit(client, "/workflows/new")) == ""
    assert kept(app) == []


def test_another_browser_does_not_get_it(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, document=DOCUMENT)
    other = app.test_client()
    sign_in(other, "alice")
    assert document_on(visit(other, PAGE)) != DOCUMENT
    sign_in(client, "alice")
    assert document_on(visit(client, PAGE)) == DOCUMENT


@pytest.mark.parametrize("given", [{}, {"csrf_token": "forged"}])
def test_nothing_is_kept_of_a_forged_form(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    given: dict[str, str],
) -> None:
    signed_in(client)
    end_of_session(standin, clock)
    response = post(client, **given, document=DOCUMENT)
    assert response.status_code == 401
    assert "Nothing was changed" in page_of(response).text
    assert kept(app) == []
    sign_in(client, "alice")
    assert document_on(visit(client, PAGE)) != DOCUMENT


def test_nothing_is_kept_for_strangers(app: Flask, client: FlaskClient) -> None:
    token = who(client)["csrf_token"]
    assert post(client, csrf_token=token, document=DOCUMENT).status_code == 401
    assert kept(app) == []


def test_nothing_is_kept_after_signing_out(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)
    client.post("/session/end", data={"csrf_token": token}, headers=BROWSER)
    assert post(client, csrf_token=who(client)["csrf_token"], document="x").status_code == 401
    assert kept(app) == []


@pytest.mark.parametrize(
    "fields", [{}, {"document": "x" * (MOST_CHARACTERS + 1)}, {"document": "x" * 5_000_000}]
)
def test_neither_nothing_nor_too_much_is_kept(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    fields: dict[str, str],
) -> None:
    response = lost(client, standin, clock, **fields)
    assert "Nothing was changed" in page_of(response).text
    assert kept(app) == []


def test_programs_have_no_forms(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    token = signed_in(client)
    end_of_session(standin, clock)
    headers = {"X-CSRFToken": token, "Accept": "application/json"}
    for response in (
        client.post(PAGE, data={"document": DOCUMENT}, headers=headers),
        client.put("/workflows/100", json={"status": "paused"}, headers=headers),
    ):
        assert (response.status_code, response.data) == (401, b"")
    assert kept(app) == []


def test_it_is_kept_for_an_hour(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, document=DOCUMENT)
    later(clock, standin, clock.ahead + KEPT_FOR)
    sign_in(client, "alice")
    assert document_on(visit(client, PAGE)) != DOCUMENT
    assert kept(app) == []


def test_what_has_ended_is_removed(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    lost(client, standin, clock, document=DOCUMENT)
    sign_in(app.test_client(), "alice")
    for hours, left in {0.5: (1, 1), 1.5: (0, 1), 13: (0, 0)}.items():
        with app.app_context(), db.session.begin():
            moment = clock() + timedelta(hours=hours)
            credential_statements.purge(db.session(), now=moment)
            rows = [list(db.session.scalars(select(table))) for table in (Draft, Credential)]
        assert tuple(map(len, rows)) == left


def test_without_its_key_it_is_gone(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost(client, standin, clock, document=DOCUMENT)
    with app.app_context(), db.session.begin():
        db.session.scalars(select(Draft)).one().fields = "sealed with another key"
    sign_in(client, "alice")
    assert document_on(visit(client, PAGE)) != DOCUMENT
    assert kept(app) == []


def test_while_panoptes_is_away_what_was_typed_is_kept_too(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    token = signed_in(client)
    later(clock, standin, timedelta(minutes=30))
    standin.fail("/api/", times=-1, status=503)
    away = post(client, csrf_token=token, document=DOCUMENT)
    assert away.status_code == 503
    assert "what you typed is kept" in page_of(away).text
    assert post(client, csrf_token="x", document="forged").status_code == 503
    standin.lift_faults()
    assert document_on(visit(client, PAGE)) == DOCUMENT
    assert document_on(visit(client, PAGE)) != DOCUMENT


def test_a_forged_rule_is_not_given_back(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    path = "/workflows/100/subject_rules/1"
    token = signed_in(client, path)
    later(clock, standin, timedelta(minutes=30))
    standin.fail("/api/", times=-1, status=503)
    post(client, path, csrf_token=token, condition="[]", also="forged")
    standin.lift_faults()
    visit(client, path, status=400)
    visit(client, path)
