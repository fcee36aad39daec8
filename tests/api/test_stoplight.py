"""What of a workflow is red, as clients read it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from caesar_web.domain.condition_shapes import as_object
from caesar_web.domain.conditions import parse
from caesar_web.store.activity import Light
from caesar_web.store.configuration import Extractor, Reducer, SubjectRule, UserRule, Workflow
from caesar_web.store.db import db
from tests.factories import START, give
from tests.people import ALICE
from tests.served import script, three_projects
from tests.standin.server import StandinServer

ALWAYS = ["const", True]
DOCUMENT: dict[str, Any] = {
    "extractors_config": {"survey": {"type": "survey"}, "who": {"type": "who"}},
    "reducers_config": {"counts": {"type": "stats"}},
    "rules_config": [{"if": ALWAYS, "then": []}],
    "user_rules_config": [{"if": ALWAYS, "then": []}],
}
LISTS = ("failed_extractors", "failed_reducers", "failed_subject_rules", "failed_user_rules")
NOTHING: dict[str, Any] = {name: [] for name in LISTS}
TABLES: dict[str, Any] = {
    "extractor": Extractor,
    "reducer": Reducer,
    "subject_rule": SubjectRule,
    "user_rule": UserRule,
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context():
            with db.session.begin():
                give(db.session(), db.session.get_one(Workflow, 200), DOCUMENT)
            db.session.remove()
        yield app


def fare(app: Flask, outcomes: str, *kinds: str) -> None:
    """How the first part of each of these kinds has fared, in workflow 200."""
    with app.app_context():
        with db.session.begin():
            for kind in kinds:
                own = TABLES[kind]
                mine = own.reducible_id if kind == "reducer" else own.workflow_id
                id = db.session.scalars(select(own.id).where(mine == 200).order_by(own.id)).first()
                values = {"outcomes": outcomes, "updated_at": START}
                db.session.add(Light(kind=kind, name=str(id), workflow_id=200, **values))
        db.session.remove()


def test_nothing_is_red_where_nothing_or_not_all_has_failed(
    app: Flask, standin: StandinServer
) -> None:
    fare(app, "xxx.", *TABLES)
    for row in script(app, standin, ALICE).get("/workflows").get_json():
        assert row["stoplight_status"] == NOTHING


def test_what_is_red_is_shown_in_the_list_alone_and_when_added(
    app: Flask, standin: StandinServer
) -> None:
    fare(app, "xx", *TABLES)
    alice = script(app, standin, ALICE)
    first, second = alice.get("/workflows").get_json()
    assert first["stoplight_status"] == NOTHING
    red = second["stoplight_status"]
    assert list(red) == list(LISTS)
    assert alice.get("/workflows/200").get_json()["stoplight_status"] == red
    (extractor,), (reducer,), (rule,), (user_rule,) = red.values()
    assert extractor.keys() == {
        *("id", "workflow_id", "key", "type", "config", "minimum_workflow_version"),
        *("created_at", "updated_at"),
    }
    assert (extractor["key"], extractor["workflow_id"]) == ("survey", 200)
    assert (reducer["reducible_type"], reducer["reducible_id"], reducer["workflow_id"]) == (
        *("Workflow", 200),
        200,
    )
    assert (rule["condition"], rule["topic"]) == ({"value": True}, "evaluate_by_subject")
    assert "topic" not in user_rule
    added = alice.post("/workflows", json={"id": 101}).get_json()
    assert added["stoplight_status"] == NOTHING


def test_what_cannot_be_used_is_red(app: Flask, standin: StandinServer) -> None:
    fare(app, "." * 99 + "x", "extractor", "subject_rule")
    with app.app_context():
        with db.session.begin():
            mine = {"workflow_id": 200}
            db.session.scalars(select(Extractor).filter_by(**mine, key="survey")).one().type = "no"
            db.session.scalars(select(SubjectRule).filter_by(**mine)).one().condition = "["
        db.session.remove()
    red = script(app, standin, ALICE).get("/workflows/200").get_json()["stoplight_status"]
    assert list(map(len, red.values())) == [1, 0, 1, 0]
    assert red["failed_subject_rules"][0]["condition"] is None


def test_a_list_takes_as_many_statements_as_one(app: Flask, standin: StandinServer) -> None:
    fare(app, "xx", *TABLES)
    alice = script(app, standin, ALICE)
    alice.get("/workflows/100")
    counted = []
    with app.app_context():
        for path in ("/workflows/200", "/workflows"):
            seen: list[str] = []

            def hear(*call: Any, seen: list[str] = seen) -> None:
                seen.append(call[2])

            event.listen(db.engine, "before_cursor_execute", hear)
            alice.get(path)
            event.remove(db.engine, "before_cursor_execute", hear)
            counted.append(sum("lights" in statement for statement in seen))
    assert counted == [4, 4]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["lookup", "a.b", 0], {"key": "a.b", "absent_val": 0}),
        (["const", "x"], {"value": "x"}),
        (["gte", ["const", 1]], {"type": "gte", "operations": [{"value": 1}]}),
        (["+", ["const", 1]], {"type": "+", "operations": [{"value": 1}]}),
        (["and"], {"type": "and", "operations": []}),
        (["not", ["const", 1]], {"type": "not", "operation": {"value": 1}}),
        (["any", "r", ALWAYS], {"type": "any", "dict_name": "r", "operation": {"value": True}}),
        (["int", ["const", "1"]], {"transform": "to_i", "operation": {"value": "1"}}),
        (["upcase", ["const", "a"]], {"transform": "upcase", "operation": {"value": "a"}}),
    ],
)
def test_conditions_have_the_members_that_clients_know(written: Any, shown: Any) -> None:
    assert as_object(parse(written)) == shown
