"""The number of SQL statements is the same, however many classifications or events there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from caesar_web.pipeline.processing import take_turn
from caesar_web.store.db import db
from tests.factories import JSON, make_event, make_workflow
from tests.pipeline.steps import LIMITS, receive

COUNT = {"type": "count"}
RUNNING = {"reduction_mode": "running_reduction"}
EFFECT = {"action": "add_subject_to_set", "subject_set_id": 7}
SEND = {"action": "external", "url": "https://receiver.example/", "reducer_key": "counts"}
CONFIGURATION: JSON = {
    "extractors_config": {
        "survey": {"type": "survey"},
        "who": {"type": "who"},
        "failing": {"type": "question", "task_key": "T9"},
    },
    "reducers_config": {
        "counts": {"type": "stats", "user_reducer_keys": ["of_user"]},
        "grouped": {**COUNT, "grouping": {"field_name": "who.user_id", "if_missing": "error"}},
        "training": {**COUNT, "filters": {"training_behavior": "experiment_only"}},
        "running": {"type": "stats", **RUNNING},
        "of_user": {**COUNT, "topic": "reduce_by_user"},
        "running_of_user": {
            **COUNT,
            **RUNNING,
            "topic": "reduce_by_user",
            "subject_reducer_keys": ["counts"],
        },
    },
    "rules_config": [
        {"if": ["gte", ["lookup", "counts.lion", 0], ["const", 2]], "then": [EFFECT, SEND]},
        {"if": ["upcase", ["const", 1]], "then": [EFFECT]},
    ],
    "user_rules_config": [
        {
            "if": ["gte", ["lookup", "of_user.classifications", 0], ["const", 1]],
            "then": [{"action": "promote_user", "workflow_id": 101}],
        }
    ],
}


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of a block."""
    statements: list[str] = []

    def count(_: Any, __: Any, statement: str, *rest: Any) -> None:
        statements.append(" ".join(statement.split())[:90])

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


def turn(number: int, *, acts: bool = True) -> list[str]:
    with counted() as statements:
        with db.session.begin():
            taken = take_turn(db.session(), 100, first_lane=0, limits=LIMITS, now=datetime.now(UTC))
        db.session.remove()
    assert taken.processed == number
    assert bool(taken.actions) is acts
    return statements


def request(events: list[JSON], kept: int) -> list[str]:
    with counted() as statements:
        assert receive(events).kept == kept
    return statements


def classifications(first: int, number: int) -> list[JSON]:
    """Three of each subject, two of each user, every seventh anonymous."""
    return [
        make_event(id, subject=id // 3, user=id // 2 if id % 7 else None, choice="lion")
        for id in range(first, first + number)
    ]


@pytest.fixture
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **CONFIGURATION)
    receive(classifications(10, 10))
    turn(10)  # from now on the configuration is known


def test_a_turn(workflow: None) -> None:
    receive(classifications(100, 10))
    few = turn(10)
    receive(classifications(1000, 500))
    assert turn(500) == few
    assert 20 < len(few) < 50


def test_a_turn_over_what_was_processed_before(workflow: None) -> None:
    receive(classifications(100, 10) + classifications(1000, 400))
    turn(410)
    receive([changed(event) for event in classifications(100, 10)])
    few = turn(10, acts=False)
    receive([changed(event) for event in classifications(1000, 400)])
    assert turn(400, acts=False) == few


def test_a_request(workflow: None) -> None:
    few = request(mixed(100, 10), kept=9)
    assert request(mixed(1000, 500), kept=499) == few
    assert len(few) <= 7


def mixed(first: int, number: int) -> list[JSON]:
    """One is malformed, one tells nothing of its subject."""
    events = classifications(first, number)
    events[0]["data"]["id"] = "not an id"
    del events[1]["linked"]
    events[1]["data"]["links"]["subjects"] = [str(10_000 + first)]
    return events


def changed(event: JSON) -> JSON:
    """A later version of the same classification."""
    return {**event, "data": {**event["data"], "updated_at": "2026-02-01T00:00:00Z"}}
