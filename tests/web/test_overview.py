"""The lists of workflows and a workflow's own page: what flows where, and how its parts fare."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from caesar_web.access import choices
from caesar_web.store.activity import Alarm, Light
from caesar_web.store.configuration import Extractor, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract
from tests.factories import JSON, LIONS, START, give
from tests.pages import Element, visit
from tests.people import BROWSER, csrf_token, sign_in
from tests.pipeline.test_statements import counted
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.acting import add_action

MANY: JSON = {
    "extractors_config": {f"e{at}": {"type": "survey"} for at in range(20)},
    "reducers_config": {
        f"r{at}": {"type": "stats", "filters": {"extractor_keys": [f"e{at}"]}} for at in range(20)
    },
    "rules_config": [
        {
            "if": ["gte", ["lookup", f"r{at % 20}.lion", 0], ["const", at]],
            "then": [{"action": "retire_subject"}],
        }
        for at in range(30)
    ],
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


def configure(app: Flask, document: JSON, *, workflow_id: int = 100) -> None:
    with app.app_context(), db.session.begin():
        session = db.session()
        give(session, session.get_one(Workflow, workflow_id), document)


def add_light(app: Flask, kind: str, name: str, outcomes: str, **over: object) -> None:
    values = {"last_error": "it broke", "failing_since": START, "updated_at": START, **over}
    with app.app_context(), db.session.begin():
        row = Light(kind=kind, name=name, workflow_id=100, outcomes=outcomes, **values)
        db.session.add(row)


def add_extract(app: Flask, *, later: float = 60) -> None:
    at = START + timedelta(seconds=later)
    with app.app_context(), db.session.begin():
        row = {"workflow_id": 100, "subject_id": 1, "extractor_key": "survey", "data": {}}
        db.session.add(Extract(**row, classification_at=at, created_at=at, updated_at=at))


def cards(page: Element) -> dict[str, str]:
    """The parts on the page by their anchors."""
    return {each.attributes["id"]: each.text for each in page.all("li") if "id" in each.attributes}


def row_of(page: Element, workflow_id: int) -> str:
    (found,) = [row.text for row in page.all("tr") if str(workflow_id) in row.text.split()]
    return found


def test_the_flow_says_who_uses_whom(app: Flask, alice: FlaskClient) -> None:
    configure(
        app, {**LIONS, "reducers_config": {**LIONS["reducers_config"], "n": {"type": "count"}}}
    )
    page = visit(alice, "/workflows/100")
    found = cards(page)
    assert "Feeds counts, n" in found["extractor-survey"]
    assert "Reads survey Looked at by rule 1" in found["reducer-counts"]
    assert "No rule looks at it." in found["reducer-n"]
    (rule,) = [text for anchor, text in found.items() if anchor.startswith("subject-rule")]
    assert "If counts → lion is more than 4 (0 when missing), then retire the subject" in rule
    assert "Looks at counts" in rule
    assert "Health: nothing yet" in page.text


def test_what_is_not_there_is_told(app: Flask, alice: FlaskClient) -> None:
    filtered = {"type": "stats", "filters": {"extractor_keys": ["gone"]}}
    configure(app, {**LIONS, "reducers_config": {"others": filtered}})
    found = cards(visit(alice, "/workflows/100"))
    assert "No reducer uses it." in found["extractor-survey"]
    assert "gone (not there)" in found["reducer-others"]
    assert any("counts (not there)" in text for text in found.values())


def test_lights_of_every_part(app: Flask, alice: FlaskClient) -> None:
    configure(app, {**LIONS, "user_rules_config": []})
    add_extract(app)
    assert "Health: all well" in visit(alice, "/workflows/100").text
    add_light(app, "extractor", "1", "...x")
    add_light(app, "reducer", "1", "xx")
    with app.app_context():
        for minute, status in enumerate(["failed", "completed", "pending", "failed"]):
            add_action(
                minute, minutes=minute, effect_id=_effect_id(app), status=status, last_error="away"
            )
    page = visit(alice, "/workflows/100")
    found = cards(page)
    assert "1 of the last 4 failed it broke" in found["extractor-survey"]
    assert "all of the last 2 failed" in found["reducer-counts"]
    (rule,) = [text for anchor, text in found.items() if anchor.startswith("subject-rule")]
    assert "2 of the last 3 failed away" in rule
    assert "Looks at counts well" in rule
    assert "Health: 3 parts fail" in page.text


def test_a_part_that_is_newer_than_all_extracts_has_done_nothing(
    app: Flask, alice: FlaskClient
) -> None:
    configure(app, LIONS)
    add_extract(app, later=-60)
    assert "Health: nothing yet" in visit(alice, "/workflows/100").text


def test_a_broken_part_is_told_of(app: Flask, alice: FlaskClient) -> None:
    configure(app, LIONS)
    with app.app_context(), db.session.begin():
        db.session.execute(update(Extractor).values(type="telepathy"))
    page = visit(alice, "/workflows/100")
    assert "cannot be used" in cards(page)["extractor-survey"]
    assert "1 part fails" in page.text


def test_an_empty_workflow_says_the_next_step(app: Flask, alice: FlaskClient) -> None:
    configure(app, {"rules_config": [], "user_rules_config": []})
    page = visit(alice, "/workflows/100")
    assert "Nothing is configured yet" in page.text
    (next_step,) = [
        link
        for each in page.all("div")
        if each.attributes.get("class") == "empty"
        for link in each.all("a")
    ]
    assert next_step.attributes["href"].startswith("/workflows/100/")


def test_the_page_has_a_bounded_number_of_statements(app: Flask, alice: FlaskClient) -> None:
    configure(app, MANY)
    with app.app_context():
        add_action(1)
        alice.get("/workflows/100", headers=BROWSER)  # from now on the snapshot is remembered
        for path in ("/workflows/100", "/workflows/100?part=recent", "/workflows"):
            with counted() as statements:
                assert alice.get(path, headers=BROWSER).status_code == 200
            assert 0 < len(statements) < 30, statements
            assert not [one for one in statements if "count(*)" in one[:20]]


def test_the_lists_say_how_workflows_fare(app: Flask, alice: FlaskClient) -> None:
    configure(app, LIONS)
    assert "nothing yet" in row_of(visit(alice, "/workflows"), 100)
    add_extract(app)
    row = row_of(visit(alice, "/workflows"), 100)
    assert "all well" in row
    assert "1 Jan 2026, 00:01:00" in row
    add_light(app, "extractor", "1", "...x")
    add_light(app, "extractor", "999", "xxxx")  # of an extractor that is gone
    assert "1 part fails" in row_of(visit(alice, "/workflows"), 100)
    with app.app_context():
        add_action(1, status="failed", minutes=5)
    row = row_of(visit(alice, "/workflows"), 100)
    assert "2 parts fail" in row
    assert "00:05:00" in row
    page = visit(alice, "/projects")
    assert "1 workflow fails" in row_of(page, 10)
    assert "nothing yet" in row_of(page, 20)


def test_adding_from_the_workflows_of_my_projects(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, "/workflows/new")
    offered = [each.attributes["value"] for each in page.all("button") if each.text == "Add"]
    assert "101" in offered
    assert not {"100", "200", "300"} & set(offered)
    assert "here already" in page.text
    assert send(alice, "/workflows/new", id="101").location == "/workflows/101"


def test_adding_works_while_the_list_is_away(
    app: Flask, alice: FlaskClient, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "workflows_to_add", lambda: choices.NO_WORKFLOWS)
    page = visit(alice, "/workflows/new")
    assert "cannot be read from Zooniverse" in page.text
    refused = page_of(send(alice, "/workflows/new", id="300"))
    assert "neither owner nor collaborator" in refused.text
    assert send(alice, "/workflows/new", id="101").status_code == 302


def test_recent_activity_is_a_part_of_its_own(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        add_action(5)
        add_action(user=9, minutes=1)
    whole = alice.get("/workflows/100", headers=BROWSER).text
    part = alice.get("/workflows/100?part=recent", headers=BROWSER).text
    assert "<html" not in part
    assert part.index("volunteer 9") < part.index("subject 5")
    assert " ".join(part.split()) in " ".join(whole.split())


def test_only_administrators_choose_the_queue(app: Flask, alice: FlaskClient) -> None:
    path = "/workflows/100/settings"
    assert "Queue: everybody’s" in visit(alice, path).text
    send(alice, path, rules_applied="no_rules", queue="classifications")
    root = app.test_client()
    sign_in(root, "root")
    root.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(root)})
    page = visit(root, path)
    assert "classifications" in [each.attributes["value"] for each in page.all("option")]
    assert _queue(app) is None
    send(root, path, rules_applied="no_rules", queue="classifications")
    assert _queue(app) == "classifications"
    refused = send(root, path, rules_applied="no_rules", queue="none")
    assert (refused.status_code, _queue(app)) == (422, "classifications")
    send(root, path, rules_applied="no_rules", queue="")
    assert _queue(app) is None
    assert "changed the settings" in visit(root, "/workflows/100/trail").text


def _queue(app: Flask) -> str | None:
    with app.app_context():
        return db.session.get_one(Workflow, 100).custom_queue_name


def _effect_id(app: Flask) -> int:
    with app.app_context():
        return db.session.get_one(Workflow, 100).subject_rules[0].effects[0].id


def test_alarms_stand_on_the_page_of_their_workflow_until_they_are_cleared(
    app: Flask, alice: FlaskClient
) -> None:
    with app.app_context(), db.session.begin():
        of = {"kind": "never_fired", "raised_at": START}
        db.session.add(Alarm(**of, workflow_id=100, name="a", message="Rule 1 & co. are idle."))
        db.session.add(Alarm(**of, workflow_id=100, name="b", message="cleared", cleared_at=START))
        db.session.add(Alarm(**of, workflow_id=300, name="a", message="another's"))
    told = visit(alice, "/workflows/100").text
    assert "Look at this" in told
    assert "Rule 1 & co. are idle." in told
    assert "cleared" not in told
    assert "another's" not in told
    assert "Look at this" not in visit(alice, "/workflows/200").text
