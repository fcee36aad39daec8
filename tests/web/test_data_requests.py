"""The pages of data requests: asking, waiting, having the file, trying again; and for strangers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from caesar_web.store.activity import AuditEntry
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.runs import DataRequest, Run
from caesar_web.store.snapshot import Reducible
from caesar_web.web.data_requests_shown import size
from tests.factories import START
from tests.pages import visit
from tests.people import BROWSER, csrf_token, sign_in, without_tokens
from tests.pipeline.running import take_steps
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.exporting import add_request, statuses

HERE = "/workflows/100/data_requests"
OF_PROJECT = "/projects/10/data_requests"
ASKED = {"requested_data": "extracts", "format": "csv"}


@pytest.fixture
def app(
    new_database: Callable[[str], str], standin: StandinServer, tmp_path: Path
) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin, home=tmp_path) as app:
        yield app


def browser(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    sign_in(client, name)
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    return browser(app, "alice")


def finished(**over: Any) -> dict[str, Any]:
    """What is written of a run that is over."""
    return {"status": "finished", "finished_at": START, **over}


def test_nothing_is_there_yet(alice: FlaskClient) -> None:
    page = visit(alice, HERE)
    assert "Nobody has asked for data yet." in page.text
    (here,) = [a.text for a in page.all("a") if a.attributes.get("aria-current") == "page"]
    assert here == "Data requests"
    options = [option.attributes["value"] for option in page.all("option")]
    assert options[:5] == [
        "extracts",
        "subject_reductions",
        "user_reductions",
        "subject_actions",
        "user_actions",
    ]


def test_asked_for_carried_out_and_downloaded(app: Flask, alice: FlaskClient) -> None:
    answer = send(alice, HERE, **ASKED, gzip="y", key="survey", since="2026-01-01")
    assert (answer.status_code, answer.location) == (302, HERE)
    page = visit(alice, HERE)
    assert "Your export has begun." in page.text
    assert "Extracts as CSV, gzip … waiting" in page.text
    assert "extractor survey, classified from 2026-01-01 00:00 UTC; asked for by alice" in page.text
    (bar,) = page.all("progress")
    assert "max" not in bar.attributes
    with app.app_context():
        (run_id,) = db.session.scalars(select(Run.id)).all()
        db.session.remove()
        take_steps(run_id, works=False)
        assert db.session.scalars(select(AuditEntry.action)).all()[-1] == "asked for data"
        db.session.remove()
    page = visit(alice, HERE)
    assert "✓ finished" in page.text
    assert "0 rows" in page.text
    (link,) = [a for a in page.all("a") if a.text == "Download"]
    file = alice.get(link.attributes["href"], headers=BROWSER, buffered=True)
    assert file.status_code == 200
    assert file.mimetype == "application/gzip"
    assert file.headers["Content-Disposition"].endswith(".csv.gz")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert app.test_client().get(link.attributes["href"], headers=BROWSER).status_code == 302
    assert browser(app, "bob").get(link.attributes["href"], headers=BROWSER).status_code == 404


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"requested_data": "everything"}, "Not a valid choice."),
        ({"format": "xlsx"}, "Not a valid choice."),
        ({"subgroup": "a"}, "This must be empty: extracts do not have subgroups."),
        ({"user_id": "lion"}, "This must be an id (a whole number)."),
        ({"since": "soon"}, "This must be a day or a moment, such as 2026-01-31"),
        ({"until": "soon"}, "This must be a day or a moment, such as 2026-01-31"),
    ],
)
def test_what_is_wrong_with_the_form(
    app: Flask, alice: FlaskClient, given: dict[str, str], message: str
) -> None:
    answer = send(alice, HERE, **{**ASKED, **given})
    assert answer.status_code == 422
    page = page_of(answer)
    assert page.all("title")[0].text.startswith("Error: Data requests")
    (name,) = given
    (field,) = [each for each in page.all("div") if each.attributes.get("id") == f"{name}-error"]
    assert message in field.text
    with app.app_context():
        assert statuses() == []


def test_too_many_at_once(alice: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caesar_web.pipeline.exporting.MOST_UNFINISHED", 1)
    assert send(alice, HERE, **ASKED).status_code == 302
    answer = send(alice, HERE, **ASKED)
    assert answer.status_code == 422
    assert "1 exports are under way" in page_of(answer).text


def test_how_far_it_is(app: Flask, alice: FlaskClient) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    counted = {"status": "running", "total": 2000, "done": 1500, "not_before": soon}
    with app.app_context():
        id = add_request(run=counted)
    part = alice.get(f"{HERE}?part=list", headers=BROWSER)
    assert part.status_code == 200
    assert "<html" not in part.text
    page = visit(alice, HERE)
    whole = alice.get(HERE, headers=BROWSER)
    assert without_tokens(part.text) in without_tokens(whole.text)
    (bar,) = page.all("progress")
    assert (bar.attributes["max"], bar.attributes["value"]) == ("2000", "1500")
    assert "1,500 of about 2,000 rows" in page.text
    (region,) = [each for each in page.walk() if "data-refresh" in each.attributes]
    assert region.attributes["data-refresh"] == f"{HERE}?part=list"
    assert "1,500 of about 2,000 rows" in visit(alice, f"{HERE}/{id}").text


def test_cancelled(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        id = add_request()
    assert "no worker carries it on" in visit(alice, HERE).text  # since START
    answer = post(alice, id, "cancel")
    assert (answer.status_code, answer.location) == (302, HERE)
    page = visit(alice, HERE)
    assert "The export stops." in page.text
    assert "■ cancelled" in page.text
    post(alice, id, "cancel")
    assert "It was over already." in visit(alice, HERE).text


def test_why_it_failed_and_once_more(app: Flask, alice: FlaskClient) -> None:
    run = {"status": "failed", "finished_at": START, "last_error": "the disk <b>is full"}
    with app.app_context():
        id = add_request("user_reductions", format="jsonl", user_id=5, run=run)
    page = visit(alice, HERE)
    assert "✗ failed" in page.text
    assert "the disk <b>is full" in page.text
    assert [each.text for each in page.all("button") if each.text == "Try again"]
    assert post(alice, id, "again").status_code == 302
    page = visit(alice, HERE)
    assert page.text.count("Reductions of volunteers as JSON lines") == 2
    assert page.text.count("volunteer 5; asked for") == 2
    with app.app_context():
        assert statuses() == [("user_reductions", "waiting"), ("user_reductions", "failed")]


def test_expired(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        row = {"rows": 1, "size": 12_345, "file": "gone", "expires_at": START}
        id = add_request(row=row, run=finished())
    page = visit(alice, HERE)
    assert "– expired" in page.text
    assert "1 row, 12.3 kB. The file was kept for a week and is gone." in page.text
    assert [each.text for each in page.all("button") if each.text == "Try again"]
    assert alice.get(f"{HERE}/{id}/file", headers=BROWSER).status_code == 404


def test_a_file_that_another_machine_has_is_not_found(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        row = {"rows": 1, "size": 1, "file": "elsewhere"}
        row["expires_at"] = datetime.now(UTC) + timedelta(days=1)
        id = add_request(row=row, run=finished())
    assert alice.get(f"{HERE}/{id}/file", headers=BROWSER).status_code == 404


def test_what_is_not_in_the_file(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        add_request(run=finished(failed=1234))
    assert "1,234 rows or more got data while the file was written" in visit(alice, HERE).text


def test_many_requests_have_pages(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        for number in range(32):
            add_request(key=f"k{number}.", run=finished())
    page = visit(alice, HERE)
    assert "extractor k31.;" in page.text
    assert "extractor k1.;" not in page.text
    (older,) = [a.attributes["href"] for a in page.all("a") if a.text == "Older"]
    page = visit(alice, older)
    assert "extractor k1.;" in page.text
    assert "extractor k2.;" not in page.text
    visit(alice, f"{HERE}?before=x")


def test_of_a_project(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, "/projects/10")
    assert OF_PROJECT in [a.attributes["href"] for a in page.all("a")]
    assert send(alice, OF_PROJECT, **ASKED).location == OF_PROJECT
    with app.app_context():
        id = add_request()
    page = visit(alice, OF_PROJECT)
    assert page.text.count("asked for by") == 1
    assert alice.get(f"{OF_PROJECT}/{id}", headers=BROWSER).status_code == 404
    assert alice.get("/projects/30/data_requests", headers=BROWSER).status_code == 404


def test_strangers_see_what_is_public_and_no_names(app: Flask) -> None:
    bob = browser(app, "bob")
    assert bob.get(HERE, headers=BROWSER).status_code == 404
    with app.app_context():
        with db.session.begin():
            db.session.execute(
                update(Workflow).where(Workflow.id == 100).values(public_extracts=True)
            )
        add_request()
        held = {"status": "failed", "finished_at": START, "last_error": "of a secret bucket"}
        theirs = add_request(is_public=True, key="public", run=held)
        add_request("subject_reductions", is_public=True)
    page = visit(bob, HERE)
    assert page.text.count("asked for") == 1
    assert "extractor public; asked for on" in page.text
    assert "alice" not in page.text
    assert "secret" not in page.text
    assert "of a secret bucket" in visit(browser(app, "alice"), HERE).text
    assert [option.attributes["value"] for option in page.all("option")][:2] == ["extracts", "csv"]
    assert not [each for each in page.all("button") if each.text == "Cancel"]
    assert post(bob, theirs, "cancel").status_code == 403
    assert send(bob, HERE, **ASKED).status_code == 302
    assert "asked for by bob" in visit(bob, HERE).text
    assert send(bob, HERE, requested_data="user_actions", format="csv").status_code == 422


def test_strangers_at_a_project(app: Flask) -> None:
    with app.app_context(), db.session.begin():
        at = {"created_at": START, "updated_at": START}
        db.session.add(Project(id=10, public_reductions=True, **at))
    page = visit(browser(app, "bob"), OF_PROJECT)
    assert "whose data are public" in page.text
    options = [option.attributes["value"] for option in page.all("option")]
    assert options[:2] == ["subject_reductions", "user_reductions"]


@pytest.mark.parametrize("id", ["lion", "00000000-0000-0000-0000-000000000000"])
def test_unknown_requests(alice: FlaskClient, id: str) -> None:
    assert alice.get(f"{HERE}/{id}", headers=BROWSER).status_code == 404
    assert alice.get(f"{HERE}/{id}/file", headers=BROWSER).status_code == 404
    for what in ("cancel", "again"):
        assert post(alice, id, what).status_code == 404


def test_nothing_else_can_be_done(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        id = add_request(reducible=Reducible("Workflow", 100))
        assert db.session.scalars(select(DataRequest.exportable_type)).all() == ["Workflow"]
        db.session.remove()
    assert post(alice, id, "remove").status_code == 400


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (2_500_000, "2.5 MB"),
        (12_345_000_000, "12.3 GB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_sizes(number: int, words: str) -> None:
    assert size(number) == words


def post(client: FlaskClient, id: str, what: str) -> Any:
    sent = {"do": what, "csrf_token": csrf_token(client, "/help")}
    return client.post(f"{HERE}/{id}", data=sent, headers=BROWSER)
