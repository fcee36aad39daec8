"""Pages that are opened and saved: what nobody touched stays to the letter."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.factories import JSON, make_workflow
from tests.pages import Element, parse, visit
from tests.people import BROWSER, sign_in
from tests.served import ADD, CALL, PROMOTE, three_projects
from tests.standin.server import StandinServer

WORKFLOW = 110
EXTRACTORS: JSON = {
    "plain": {"type": "question"},
    "defaults": {"type": "question", "task_key": "T0", "if_missing": "error"},
    "gone": {"type": "survey", "task_key": " T99 ", "minimum_version": 12},
    "paths": {
        "type": "pluck_field",
        "field_map": {f"f{number}": "$.metadata.x" for number in range(80)},
    },
    "points": {
        "type": "aggregation",
        "name": "point_extractor_by_frame",
        "parameters": {
            "task": "all",
            "tools": "[0,1]",
            "details": {"T0_toolIndex0_subtask0": ["a", None]},
            "pluck": "{'truth': 'subject.metadata.truth'}",
            "recursive": False,
            "no_version": "1",
        },
    },
    "none": {"type": "aggregation", "name": "survey_extractor", "parameters": {}},
    "null": {"type": "aggregation", "name": "nfn_extractor", "parameters": None},
}
RUNNING: JSON = {"reduction_mode": "running_reduction"}
BY_USER: JSON = {"topic": "reduce_by_user"}
REDUCERS: JSON = {
    "defaults": {
        "type": "consensus",
        "topic": "reduce_by_subject",
        "filters": {"from": "0", "to": -1.0, "empty_extracts": "keep_all"},
        "ignore_empty_extracts": "false",
    },
    "odd": {
        "type": "count",
        "filters": {"extractor_keys": "plain", "repeated_classifications": None},
        "grouping": {"field_name": "who.user", "if_missing": "ignore"},
        "user_reducer_keys": [],
        "subject_reducer_keys": ["b", "a"],
    },
    "running": {
        "type": "stats",
        **RUNNING,
        **BY_USER,
        "user_reducer_keys": ["x"],
        "filters": {"extractor_keys": ["plain", "gone", "away", "plain"]},
    },
    "pushed": {
        "type": "placeholder",
        **RUNNING,
        "filters": {"extractor_keys": ["plain"]},
        "grouping": {"field_name": "who.user"},
        "subject_reducer_keys": ["plain"],
    },
    "voted": {
        "type": "votes",
        "answers": {"small": "DUIKER,HOG", "large": ["ELEPHANT"]},
        "first": "3",
        "last": 5.0,
        "default_weight": "0.50",
    },
    "skilled": {
        "type": "swap_skill",
        **BY_USER,
        **RUNNING,
        "positive": "0,1",
        "negative": ["2"],
        "initial_positive": "0.60",
    },
    "likely": {
        "type": "swap",
        "positive": ["0"],
        "experts": [7, "12"],
        "expert_at": ".9",
        "user_reducer_keys": ["skilled"],
    },
    "shapes": {
        "type": "aggregation",
        "name": "shape_reducer_dbscan",
        "parameters": {
            "shape": "circle",
            "eps": "5.50",
            "eps_t": 1,
            "min_samples": "3",
            "metric_type": "euclidean",
            "p": "",
            "leaf_size": None,
        },
    },
    "columns": {
        "type": "aggregation",
        **RUNNING,
        "name": "tess_reducer_column",
        "parameters": {"eps": 5, "x": "left"},
    },
    "external": {"type": "external", "filters": {"to": 5}, "user_reducer_keys": ["user"]},
    "numbers": {
        "type": "summary_stats",
        "summarize_field": "who.user",
        "operations": ["mean", "count"],
    },
}
CONDITION: list[Any] = ["gte", ["lookup", "a.b", 0], ["const", 1.0]]
RULES: JSON = {
    "rules_config": [
        {"if": CONDITION, "then": [ADD, CALL, {"action": "retire_subject"}]},
        {"if": ["const", True], "then": [{"action": "retire_subject", "reason": "other"}] * 30},
    ],
    "user_rules_config": [{"if": CONDITION, "then": [PROMOTE]}],
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context(), db.session.begin():
            parts: JSON = {"extractors_config": EXTRACTORS, "reducers_config": REDUCERS}
            make_workflow(db.session(), WORKFLOW, **parts, **RULES)
        yield app


def configured(app: Flask) -> tuple[JSON, int]:
    with app.app_context():
        workflow = db.session.get_one(Workflow, WORKFLOW)
        return transfer.show(db.session(), workflow), workflow.revision


def sent(form: Element) -> Iterator[tuple[str, str]]:
    """What a browser sends of a form that nobody has touched; boxes that are ticked all count."""
    for control in form.all("input", "select", "textarea"):
        given = control.attributes
        is_left_out = given.get("type") in ("checkbox", "radio") and "checked" not in given
        if control.tag == "select":
            options = control.all("option")
            chosen = [one for one in options if "selected" in one.attributes] or options[:1]
            yield from ((given["name"], one.attributes.get("value", one.text)) for one in chosen)
        elif control.tag == "textarea":
            yield given["name"], "".join(control.texts).removeprefix("\n")
        elif given.get("name") and not is_left_out:
            yield given["name"], given.get("value", "")


def addresses(client: FlaskClient) -> list[str]:
    """Where each extractor, reducer and rule is edited."""
    lists = [visit(client, f"/workflows/{WORKFLOW}/{name}") for name in ("extractors", "reducers")]
    found = [link.attributes["href"] for each in lists for link in each.all("a")]
    rules = visit(client, f"/workflows/{WORKFLOW}/rules").all("a")
    found += [link.attributes["href"] for link in rules if "_rules/" in link.attributes["href"]]
    return sorted({one for one in found if one[-1].isdecimal() and one.count("/") == 4})


def test_what_is_opened_and_saved_stays_to_the_letter(app: Flask) -> None:
    client = app.test_client()
    sign_in(client, "alice")
    before = configured(app)
    visited = addresses(client)
    assert len(visited) == len(EXTRACTORS) + len(REDUCERS) + 3
    for path in visited:
        (form,) = [
            each
            for each in visit(client, path).all("form")
            if each.attributes.get("action") == path
        ]
        fields = [*sent(form), ("save", "1")]
        data: dict[str, list[str]] = {}
        for name, value in fields:
            data.setdefault(name, []).append(value)
        answer = client.post(path, data=data, headers=BROWSER)
        assert answer.status_code == 302, (path, parse(answer.text)[0].text)
        assert configured(app) == before, path
