"""Rules for clients: conditions as scripts read them, to the letter, and what is refused."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.domain.condition_shapes import as_object
from caesar_web.domain.conditions import parse
from caesar_web.store.configuration import SubjectRule, SubjectRuleEffect
from caesar_web.store.db import db
from tests.people import BOB
from tests.served import script, three_projects
from tests.standin.server import StandinServer

RULES = "/workflows/100/subject_rules"
CONDITION = ["gte", ["lookup", "counts.lion", 0], ["const", 1.0]]


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        (["lookup", "a.b", 7], {"key": "a.b", "absent_val": 7}),
        (["const", None], {"value": None}),
        (
            ["lt", ["const", 1], ["const", 2]],
            {"type": "lt", "operations": [{"value": 1}, {"value": 2}]},
        ),
        (["+", ["const", 1]], {"type": "+", "operations": [{"value": 1}]}),
        (["and"], {"type": "and", "operations": []}),
        (["or", ["const", 1]], {"type": "or", "operations": [{"value": 1}]}),
        (["not", ["const", 1]], {"type": "not", "operation": {"value": 1}}),
        (
            ["any", "counts", ["const", 1]],
            {"type": "any", "dict_name": "counts", "operation": {"value": 1}},
        ),
        (
            ["all", "counts", ["const", 1]],
            {"type": "all", "dict_name": "counts", "operation": {"value": 1}},
        ),
        (["upcase", ["const", "a"]], {"transform": "upcase", "operation": {"value": "a"}}),
        (["int", ["const", "1"]], {"transform": "to_i", "operation": {"value": "1"}}),
        (["to_f", ["const", "1"]], {"transform": "to_f", "operation": {"value": "1"}}),
    ],
)
def test_a_node_as_clients_read_it(condition: list[Any], shown: dict[str, Any]) -> None:
    assert as_object(parse(condition)) == shown
    assert as_object(None) is None


def test_every_condition_comes_back_to_the_letter(alice: FlaskClient) -> None:
    text = '["gte",  ["lookup", "counts.lion", 0], ["const", 1.0]]'
    made = alice.post(RULES, json={"subject_rule": {"condition_string": text}}).get_json()
    assert made["condition_string"] == text
    assert made["condition_array"] == CONDITION
    assert made["condition"]["operations"][0] == {"key": "counts.lion", "absent_val": 0}
    assert made["topic"] == "evaluate_by_subject"
    assert alice.get(f"{RULES}/{made['id']}").get_json() == made
    assert [each["id"] for each in alice.get(RULES).get_json()] == [1, made["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"condition": CONDITION}},
        {"json": {"subject_rule": {"condition": CONDITION}}},
        {"data": {"subject_rule[condition_string]": json.dumps(CONDITION)}},
        {"json": {"condition": CONDITION, "id": 999, "row_order": -5, "topic": "x"}},
    ],
)
def test_however_it_is_sent(alice: FlaskClient, body: dict[str, Any]) -> None:
    response = alice.post(RULES, **body)
    assert response.status_code == 200, response.text
    made = response.get_json()
    assert made["condition_array"] == CONDITION
    assert made["id"] != 999
    assert made["row_order"] > 0


def test_a_user_rule(alice: FlaskClient) -> None:
    made = alice.post("/workflows/100/user_rules", json={"condition": CONDITION}).get_json()
    assert "topic" not in made
    assert alice.get(f"/workflows/100/user_rules/{made['id']}").status_code == 200
    assert alice.get(f"{RULES}/{made['id'] + 5}").status_code == 404


def test_changing_keeps_the_effects_which_act_once_more(app: Flask, alice: FlaskClient) -> None:
    response = alice.put(f"{RULES}/1", json={"condition": CONDITION})
    assert response.status_code == 200, response.text
    assert response.get_json()["condition_array"] == CONDITION
    with app.app_context():
        effects = db.session.query(SubjectRuleEffect).filter_by(subject_rule_id=1).all()
        assert [(one.id, one.revision) for one in effects] == [(1, 2), (2, 2)]
        assert effects[1].secrets  # its password is still there


def test_the_same_condition_changes_nothing(app: Flask, alice: FlaskClient) -> None:
    alice.put(f"{RULES}/1", json={"condition": ["const", True]})
    with app.app_context():
        assert db.session.get_one(SubjectRuleEffect, 1).revision == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"condition": ["bogus"]}, "'bogus' is no operator"),
        ({"condition": ["lookup", "a"]}, "lookup needs a key and a fallback"),
        ({"condition": []}, "is empty"),
        ({"condition_string": "[]"}, "is empty"),
        ({"condition": "gte"}, "must be a list"),
        ({"condition_string": "[,"}, "JSON"),
        ({"condition_string": 7}, "must be text"),
        ({"condition": None}, "must be a list"),
        ({"row_order": 1}, "can't be blank"),
    ],
)
def test_what_is_refused(alice: FlaskClient, body: Any, told: str) -> None:
    for response in (alice.post(RULES, json=body), alice.put(f"{RULES}/1", json=body)):
        if "row_order" in body and response.request.method == "PUT":
            assert response.status_code == 200  # nothing of it is to be changed
            continue
        assert response.status_code == 422, response.text
        assert told in response.get_json()["errors"][0]["message"]


def test_removing(app: Flask, alice: FlaskClient) -> None:
    response = alice.delete(f"{RULES}/1", headers={"Accept": "application/vnd.api+json; version=1"})
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Location"].endswith("/workflows/100#rules")
    assert alice.delete(f"{RULES}/1").status_code == 404
    with app.app_context():
        assert db.session.get(SubjectRule, 1) is None


def test_of_another_workflow_or_as_a_stranger(
    app: Flask, standin: StandinServer, alice: FlaskClient
) -> None:
    """The rule 2 is of workflow 200, the rule 3 of 300."""
    for id in (2, 3):
        for method in ("GET", "PUT", "DELETE"):
            response = alice.open(f"{RULES}/{id}", method=method, json={"condition": CONDITION})
            assert response.status_code == 404
            assert response.get_json() == {"error": f"Couldn't find SubjectRule with 'id'={id}"}
    bob = script(app, standin, BOB)
    assert bob.get(RULES).status_code == 404
    assert bob.post(RULES, json={"condition": CONDITION}).status_code == 404


def test_people_find_the_rules_on_their_page(alice: FlaskClient) -> None:
    response = alice.get(RULES, headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["Location"]) == (302, "/workflows/100/rules")
