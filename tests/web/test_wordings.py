"""Answers that are reworded in Panoptes after rules that refer to them were saved."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.access.workflow_tasks import AWAY
from caesar_web.standin.seed_tasks import GALAXY
from caesar_web.store import wordings
from caesar_web.store.activity import AuditEntry
from caesar_web.store.configuration import SubjectRule
from caesar_web.store.db import db
from tests.pages import filled, visit
from tests.people import BROWSER, PassingTime, csrf_token, sign_in
from tests.served import send, three_projects
from tests.standin.server import StandinServer

WORKFLOW = "/workflows/100"
RULES = f"{WORKFLOW}/rules"
TOLD = "Answers were reworded"
STAR = "T0 answer 1 was “No, a star” when this was saved and is “No” now."
DOCUMENT: dict[str, Any] = {
    "extractors_config": {"T0": {"type": "question"}},
    "reducers_config": {"counts": {"type": "stats"}},
    "rules_config": [{"if": ["gte", ["lookup", "counts.1", 0], ["const", 3]], "then": []}],
}


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer, clock: Any) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin, clock=clock) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    """She has saved a rule that refers to answer 1 of T0."""
    client = app.test_client()
    sign_in(client, "alice")
    saved = send(client, f"{WORKFLOW}/configuration", document=json.dumps(DOCUMENT))
    assert saved.status_code == 302
    return client


@pytest.fixture
def rewording(monkeypatch: pytest.MonkeyPatch, clock: PassingTime) -> Callable[[int, str], None]:
    """In the project builder an answer gets another label, and a minute goes by."""

    def reword(answer: int, label: str) -> None:
        monkeypatch.setitem(GALAXY["T0"]["answers"][answer], "label", label)
        clock.ahead += timedelta(seconds=61)

    return reword


def kept(app: Flask) -> dict[str, Any]:
    with app.app_context(), db.session.begin():
        return wordings.find(db.session(), 100)


def told(client: FlaskClient) -> list[bool]:
    return [TOLD in visit(client, path).text for path in (WORKFLOW, RULES)]


def test_a_reworded_answer_is_told_until_it_is_accepted(
    app: Flask, alice: FlaskClient, rewording: Callable[[int, str], None]
) -> None:
    assert kept(app) == {"T0": {"1": "No, a star"}}
    rewording(0, "Yes")  # to which nothing refers
    assert told(alice) == [False, False]
    rewording(1, "No")
    for path in (WORKFLOW, RULES):
        assert STAR in visit(alice, path).text
    (form,) = (one for one in visit(alice, RULES).all("form") if "wordings" in str(one.attributes))
    answer = alice.post(form.attributes["action"], data=filled(form), headers=BROWSER)
    assert answer.location == RULES
    assert "The answers are taken as they are called now." in visit(alice, RULES).text
    assert told(alice) == [False, False]
    assert kept(app) == {"T0": {"1": "No"}}
    with app.app_context():
        wanted = select(AuditEntry).filter_by(action="accepted reworded answers", workflow_id=100)
        entry = db.session.scalars(wanted).one()
        assert (entry.before, entry.after) == ({"T0": {"1": "No, a star"}}, {"T0": {"1": "No"}})


def test_other_changes_do_not_accept_it(
    app: Flask, alice: FlaskClient, rewording: Callable[[int, str], None]
) -> None:
    rewording(1, "No")
    assert send(alice, f"{WORKFLOW}/extractors/new?type=who", key="who").status_code == 302
    assert told(alice) == [True, True]


def test_it_goes_when_nothing_refers_to_the_answer(
    app: Flask, alice: FlaskClient, rewording: Callable[[int, str], None]
) -> None:
    rewording(1, "No")
    with app.app_context():
        id = db.session.scalars(select(SubjectRule.id).filter_by(workflow_id=100)).one()
    page = visit(alice, f"{WORKFLOW}/subject_rules/{id}")
    form = next(one for one in page.all("form") if one.attributes.get("id") == "editor-form")
    other = json.dumps(["gte", ["lookup", "counts.2", 0], ["const", 3]])
    sent = {**filled(form), "condition": other, "save": "1"}
    path = f"{WORKFLOW}/subject_rules/{id}"
    assert alice.post(path, data=sent, headers=BROWSER).status_code == 302
    assert kept(app) == {"T0": {"2": "No, an artefact"}}
    assert told(alice) == [False, False]
    assert send(alice, f"{path}/remove").status_code == 302
    assert kept(app) == {}


def test_while_panoptes_is_away_nothing_is_told_and_nothing_forgotten(
    app: Flask,
    alice: FlaskClient,
    rewording: Callable[[int, str], None],
    standin: StandinServer,
    clock: PassingTime,
) -> None:
    rewording(1, "No")
    standin.fail("^/api/workflows", times=-1, status=503)
    assert told(alice) == [False, False]
    assert send(alice, f"{WORKFLOW}/extractors/new?type=who", key="who").status_code == 302
    answer = alice.post(
        f"{WORKFLOW}/wordings", data={"csrf_token": csrf_token(alice)}, headers=BROWSER
    )
    assert answer.location == RULES
    assert AWAY in visit(alice, RULES).text
    assert kept(app) == {"T0": {"1": "No, a star"}}
    standin.lift_faults()
    clock.ahead += timedelta(seconds=11)
    assert told(alice) == [True, True]


def test_where_nothing_refers_to_answers_panoptes_is_not_asked(
    alice: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    assert send(alice, f"{WORKFLOW}/configuration", document='{"rules_config": []}')
    clock.ahead += timedelta(seconds=61)
    standin.clear_log()
    assert told(alice) == [False, False]
    assert standin.log("^/api/workflows/100$") == []
