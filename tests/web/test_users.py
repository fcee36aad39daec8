"""Pages of volunteers: what is known of one by their id alone, and why rules act on them or not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.db import db
from tests.factories import make_event, make_workflow
from tests.pages import Element, visit
from tests.people import sign_in
from tests.pipeline.steps import process, receive
from tests.served import three_projects
from tests.standin.server import StandinServer

MARKUP = "<img src=x onerror=alert(1)>"
DOCUMENT: dict[str, Any] = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {
        "done": {"type": "count", "topic": "reduce_by_user"},
        "seen": {"type": "stats", "topic": "reduce_by_user"},
        "of_subjects": {"type": "count"},
    },
    "user_rules_config": [
        {
            "if": ["gte", ["lookup", "done.classifications", 0], ["const", 3]],
            "then": [{"action": "promote_user", "workflow_id": 101}],
        }
    ],
}
BUSY, NEW, ELSEWHERE = 11, 12, 13


@pytest.fixture
def alice(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[FlaskClient]:
    """BUSY has classified three subjects, NEW one; ELSEWHERE one of another project."""
    with three_projects(new_database("sqlite"), standin) as app:
        _classify(app)
        client = app.test_client()
        sign_in(client, "alice")
        yield client


def _classify(app: Flask) -> None:
    with app.app_context():
        with db.session.begin():
            make_workflow(db.session(), 101, **DOCUMENT)
        busy = [(id, 70 + id, BUSY, "lion") for id in (1, 2, 3)]
        seen = [*busy, (4, 71, NEW, MARKUP), (5, 72, None, "lion")]
        receive(
            [
                *(_event(id, subject, user, choice) for id, subject, user, choice in seen),
                make_event(6, subject=3001, user=ELSEWHERE, workflow=300, project=30),
            ]
        )
        process(101)


def _event(id: int, subject: int, user: int | None, choice: str) -> Any:
    return make_event(id, workflow=101, subject=subject, user=user, choice=choice)


def path(user_id: int, rest: str = "") -> str:
    return f"/workflows/101/users/{user_id}{rest}"


def section(page: Element, id: str) -> str:
    (found,) = [one for one in page.all("section") if one.attributes["aria-labelledby"] == id]
    return found.text


def test_the_list_has_the_latest(alice: FlaskClient) -> None:
    page = visit(alice, "/workflows/101/users")
    rows = [row.text for row in page.all("tbody")[0].all("tr")]
    assert [row.split()[1] for row in rows] == [str(NEW), str(BUSY)]
    assert "done classifications: 3, extracts: 3" in rows[1]
    assert "promote the volunteer to workflow 101 pending" in rows[1]
    assert "none yet" in rows[0]


def test_one_is_found_by_their_id(alice: FlaskClient) -> None:
    found = alice.get(f"/workflows/101/users?id={NEW}", headers={"Accept": "text/html"})
    assert found.location == path(NEW)
    page = visit(alice, f"/workflows/101/users?id={ELSEWHERE}", status=422)
    assert f"This workflow has nothing of volunteer {ELSEWHERE}." in page.text


def test_what_one_has_done(alice: FlaskClient) -> None:
    page = visit(alice, path(BUSY))
    assert "Its action: promote the volunteer to workflow 101" in section(page, "rules")
    assert "✓ It matches now." in section(page, "rules")
    assert "seen lion: 3" in section(page, "reductions")
    assert "of_subjects" not in page.text
    assert "Action of rule 1 for volunteers" in section(page, "timeline")
    links = [one.attributes["href"] for one in page.all("a")]
    assert {f"/workflows/101/subjects/7{id}" for id in (1, 2, 3)} <= {*links}
    steps = next(link for link in links if "/reducers/" in link and "/users/" in link)
    assert "Extracts of 3 classifications came in." in visit(alice, steps.strip()).text


def test_why_a_rule_does_not_act(alice: FlaskClient) -> None:
    page = visit(alice, path(NEW))
    assert "✗ It does not match now." in section(page, "rules")
    assert MARKUP in section(page, "timeline")
    assert page.all("img") == []


def test_who_has_never_been_here_is_not_there(alice: FlaskClient) -> None:
    for address in (path(ELSEWHERE), path(99), path(2**64), path(ELSEWHERE, "/reducers/1")):
        visit(alice, address, status=404)
    visit(alice, f"/workflows/300/users/{ELSEWHERE}", status=404)


def test_a_workflow_without_anything(alice: FlaskClient) -> None:
    assert "Only reducers by user make them." in visit(alice, "/workflows/200/users").text
    assert "No subject has a reduction yet." in visit(alice, "/workflows/200/subjects").text
