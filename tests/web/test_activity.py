"""A workflow's actions: looking through them, why each was decided, doing them again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.store.activity import AuditEntry, SubjectAction
from caesar_web.store.configuration import SubjectRule
from caesar_web.store.db import db
from tests.pages import Element, visit
from tests.people import BROWSER, csrf_token, sign_in
from tests.served import send, three_projects
from tests.standin.server import StandinServer
from tests.web.acting import add_action, traced

ACTIVITY = "/workflows/100/activity"


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


def rows(page: Element) -> list[str]:
    """What each action is about, and its state."""
    found = []
    for row in page.all("tbody")[0].all("tr") if page.all("tbody") else []:
        target, _, state = (cell.text for cell in row.all("td"))
        found.append(f"{target.partition(':')[0]}, {state.split()[0]}")
    return found


def statuses(app: Flask) -> dict[int, tuple[str, int]]:
    with app.app_context():
        found = db.session.scalars(select(SubjectAction).order_by(SubjectAction.id))
        return {row.id: (row.status, row.attempts) for row in found}


@pytest.fixture
def busy(app: Flask) -> Flask:
    """Actions on subjects 1 to 3, of which 2 failed, and on volunteer 9; one of Dave's failed."""
    with app.app_context():
        add_action(1, minutes=1)
        add_action(2, minutes=2, status="failed", attempts=10, last_error="no such set")
        add_action(user=9, minutes=3)
        add_action(
            3, minutes=4, status="pending", attempts=0, effect_type="retire_subject", config={}
        )
        add_action(4, workflow_id=300, rule_id=3, status="failed")
    return app


def test_nothing_has_happened_yet(alice: FlaskClient) -> None:
    assert "Nothing has been decided yet." in visit(alice, ACTIVITY).text
    assert "Nothing has failed." in visit(alice, f"{ACTIVITY}?state=failed").text
    assert "No action is like that." in visit(alice, f"{ACTIVITY}?subject=5").text


def test_actions_of_subjects_and_users_the_newest_first(busy: Flask, alice: FlaskClient) -> None:
    page = visit(alice, ACTIVITY)
    assert rows(page) == [
        "subject 3, pending",
        "volunteer 9, completed",
        "subject 2, failed",
        "subject 1, completed",
    ]
    assert "retire the subject as" in page.text
    assert "promote the volunteer to workflow 101" in page.text
    assert "10 attempts no such set" in page.text
    assert "rule 1 for volunteers" in page.text


@pytest.mark.parametrize(
    ("query", "targets"),
    [
        ("state=failed", ["subject 2"]),
        ("effect=promote_user", ["volunteer 9"]),
        ("subject=1", ["subject 1"]),
        ("rule=users-1", ["volunteer 9"]),
        ("rule=subjects-1&state=completed", ["subject 1"]),
        ("state=completed", ["volunteer 9", "subject 1"]),
        ("before=x", ["subject 3", "volunteer 9", "subject 2", "subject 1"]),
        ("before=0-0", []),
        (
            f"before={'9' * 40}-{'9' * 40}&_external=1",
            ["subject 3", "volunteer 9", "subject 2", "subject 1"],
        ),
    ],
)
def test_filters(busy: Flask, alice: FlaskClient, query: str, targets: list[str]) -> None:
    found = rows(visit(alice, f"{ACTIVITY}?{query}"))
    assert [row.partition(",")[0] for row in found] == targets


@pytest.mark.parametrize("query", ["subject=lion", "state=lost", "rule=users-9", "effect=%00x"])
def test_a_filter_that_makes_no_sense_is_told(busy: Flask, alice: FlaskClient, query: str) -> None:
    status = 400 if "%00" in query else 422
    page = visit(alice, f"{ACTIVITY}?{query}", status=status)
    assert status == 400 or page.all("title")[0].text.startswith("Error: ")


def test_it_has_pages_that_miss_nothing(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        for number in range(70):
            add_action(number, minutes=number)
            add_action(user=number, minutes=2 * number)
    path, found = ACTIVITY, []
    while path:
        page = visit(alice, path)
        found += rows(page)
        older = [link.attributes["href"] for link in page.all("a") if link.text == "Older"]
        path = older[0] if older else ""
    assert len(found) == len(set(found)) == 140
    subjects = [row for row in found if row.startswith("subject")]
    assert subjects == [f"subject {number}, completed" for number in reversed(range(70))]


def test_retrying_one(busy: Flask, alice: FlaskClient) -> None:
    response = send(alice, f"{ACTIVITY}?state=failed", retry="subjects-2")
    assert (response.status_code, response.location) == (302, f"{ACTIVITY}?state=failed")
    assert statuses(busy)[2] == ("pending", 0)
    assert "It is tried again." in visit(alice, ACTIVITY).text
    send(alice, ACTIVITY, retry="subjects-1")  # which did not fail
    assert "Nothing of that has failed." in visit(alice, ACTIVITY).text
    assert statuses(busy)[1] == ("completed", 1)


def test_retrying_is_of_this_workflow(busy: Flask, alice: FlaskClient) -> None:
    send(alice, ACTIVITY, retry="subjects-4")
    send(alice, ACTIVITY, retry=f"subjects-{2**70}")
    assert statuses(busy)[4][0] == "failed"
    for nonsense in ("", "subjects-", "planets-1", "subjects-x"):
        assert send(alice, ACTIVITY, retry=nonsense).status_code == 400
    assert alice.get("/workflows/300/activity", headers=BROWSER).status_code == 404


def test_retrying_what_the_filter_shows(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        for subject in (1, 2, 3):
            add_action(subject, status="failed")
        add_action(4, status="failed", effect_type="retire_subject", config={})
    path = f"{ACTIVITY}?effect=add_subject_to_set"
    buttons = [each.text for each in visit(alice, path).all("button")]
    assert "Retry the 3 that failed" in buttons
    assert "Retry the 4 that failed" in [each.text for each in visit(alice, ACTIVITY).all("button")]
    assert "Retry the 1 that failed" in [
        each.text for each in visit(alice, f"{ACTIVITY}?subject=4").all("button")
    ]
    send(alice, path, retry="these")
    assert [status for status, _ in statuses(app).values()] == ["pending"] * 3 + ["failed"]
    assert "3 actions are tried again." in visit(alice, ACTIVITY).text
    with app.app_context():
        assert db.session.scalars(select(AuditEntry).filter_by(action="retried actions")).one()


def set_condition(app: Flask, text: str, **over: Any) -> None:
    with app.app_context(), db.session.begin():
        rule = db.session.get_one(SubjectRule, 1)
        rule.condition = text
        for name, value in over.items():
            setattr(rule.effects[0], name, value)


def test_why_in_the_words_of_its_rule(app: Flask, alice: FlaskClient) -> None:
    set_condition(
        app, '["or", ["gte", ["lookup", "counts.lion", 0], ["const", 3]], ["const", false]]'
    )
    trace = {"operator": "or", "value": True, "steps": [traced(4)]}
    with app.app_context():
        add_action(1, trace=trace)
    page = visit(alice, f"{ACTIVITY}/subjects/1")
    assert "counts → lion is at least 3 (0 when missing) ✓ matches" in page.text
    assert "counts → lion (0 when missing) is 4" in page.text
    assert "false – not reached" in page.text
    assert "has been changed since" not in page.text
    assert "Action on subject 1" in page.all("title")[0].text


def test_why_where_the_rule_has_changed_since(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        add_action(1, trace=traced(5))
        add_action(2, trace={"operator": "planets"})
        add_action(3, trace=traced(6), effect_id=99, rule_id=99)
    set_condition(app, '["const", true]', revision=2)
    page = visit(alice, f"{ACTIVITY}/subjects/1")
    assert "counts → lion is at least 3 (0 when missing) ✓ matches" in page.text
    assert "The rule has been changed since." in page.text
    assert "Nothing of it was kept." in visit(alice, f"{ACTIVITY}/subjects/2").text
    page = visit(alice, f"{ACTIVITY}/subjects/3")
    assert "a rule that is gone" in page.text
    assert "is 6" in page.text
    assert "cannot act again" in page.text


def test_acting_again(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        add_action(5, occurrence=0)
    page = visit(alice, f"{ACTIVITY}/subjects/1")
    assert "add the subject to subject set 7, for subject 5" in page.text
    response = send(alice, f"{ACTIVITY}/subjects/1", do="again")
    assert response.location == f"{ACTIVITY}/subjects/2"
    page = visit(alice, response.location)
    assert "It is decided once more" in page.text
    assert "still waits to be done" in page.text
    assert statuses(app)[2] == ("pending", 0)
    assert send(alice, f"{ACTIVITY}/subjects/2", do="again").status_code == 404  # it waits still


def test_retrying_from_its_own_page(busy: Flask, alice: FlaskClient) -> None:
    response = send(alice, f"{ACTIVITY}/subjects/2", do="retry")
    assert response.location == f"{ACTIVITY}/subjects/2"
    assert statuses(busy)[2] == ("pending", 0)


def test_actions_of_another_workflow_are_not_there(busy: Flask, alice: FlaskClient) -> None:
    for path in ("subjects/4", "users/2", "subjects/999", f"subjects/{2**70}"):
        visit(alice, f"{ACTIVITY}/{path}", status=404)
        assert send_blindly(alice, f"{ACTIVITY}/{path}") == 404
    assert statuses(busy)[4][0] == "failed"


def send_blindly(client: FlaskClient, path: str) -> int:
    """Posts to an address that has no page."""
    sent = {"do": "again", "csrf_token": csrf_token(client)}
    return client.post(path, data=sent, headers=BROWSER).status_code


def test_the_list_is_a_part_of_its_own(busy: Flask, alice: FlaskClient) -> None:
    part = alice.get(f"{ACTIVITY}?state=failed&part=acts", headers=BROWSER).text
    assert "<html" not in part
    assert "subject 2" in part
    assert "subject 1" not in part
    assert "part=acts" not in part


def test_what_people_write_is_only_text(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        add_action(1, status="failed", last_error="<script>alert(1)</script>", trace=traced(1))
    for path in (ACTIVITY, f"{ACTIVITY}/subjects/1"):
        page = visit(alice, path)
        assert "<script>alert(1)</script>" in page.text
        assert all(each.attributes.get("src") for each in page.all("script"))


def test_a_deep_condition_is_shown(app: Flask, alice: FlaskClient) -> None:
    trace: Any = traced(4)
    for _ in range(96):
        trace = {"operator": "and", "value": True, "steps": [trace]}
    with app.app_context():
        add_action(1, trace=trace)
        add_action(2, trace={"operator": "not", "value": True, "steps": [trace] * 2})
    assert "is 4" in visit(alice, f"{ACTIVITY}/subjects/1").text
    visit(alice, f"{ACTIVITY}/subjects/2")
