"""Reducers that look at some extractors alone: what others made is hardly read, and not missed."""

import random
from typing import Any

import pytest
from flask import Flask

from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction, UserReduction
from tests.factories import JSON, make_event, make_workflow
from tests.pipeline.reading import by_first, rows, values
from tests.pipeline.steps import process, receive

EXTRACTORS: JSON = {
    "survey": {"type": "survey", "minimum_workflow_version": "2.0"},
    "place": {"type": "pluck_field", "field_map": {"name": "$.metadata.place"}},
    "who": {"type": "who"},
}
OF_SURVEY: JSON = {"extractor_keys": ["survey"]}
OLD: JSON = {"metadata": {"workflow_version": "1.1"}}  # the survey extractor passes it over
NEW: JSON = {"metadata": {"workflow_version": "2.1"}}
PLACED: JSON = {"metadata": {"workflow_version": "2.1", "place": "hill"}}
BY_USER: JSON = {"topic": "reduce_by_user"}
RUNNING: JSON = {"reduction_mode": "running_reduction"}
REDUCERS: JSON = {
    "first": {"type": "stats", "filters": OF_SURVEY},
    "last": {"type": "stats", "filters": {**OF_SURVEY, "repeated_classifications": "keep_last"}},
    "range": {"type": "stats", "filters": {**OF_SURVEY, "from": 1, "to": 3}},
    "both": {"type": "count", "filters": {"extractor_keys": ["survey", "place"]}},
    "full": {"type": "count", "filters": {**OF_SURVEY, "empty_extracts": "ignore_empty"}},
    "of_user": {"type": "stats", "filters": OF_SURVEY, **BY_USER},
    "running": {"type": "stats", "filters": OF_SURVEY, **RUNNING},
}
LOOKS_AT_ALL: JSON = {"all": {"type": "count"}, "all_of_user": {"type": "count", **BY_USER}}


def begin(reducers: JSON, *, id: int = 100) -> None:
    with db.session.begin():
        make_workflow(db.session(), id, extractors_config=EXTRACTORS, reducers_config=reducers)
    db.session.remove()


def classify(*events: JSON, workflow: int = 100) -> None:
    for event in events:
        receive([event])
        assert process(workflow) == 1


@pytest.mark.parametrize(
    ("repeats", "counted"), [("keep_first", {"bird": 1}), ("keep_last", {"lion": 1, "bird": 1})]
)
def test_who_comes_again_is_known_by_what_others_made_of_it(
    app: Flask, repeats: str, counted: JSON
) -> None:
    begin(
        {"stats": {"type": "stats", "filters": {**OF_SURVEY, "repeated_classifications": repeats}}}
    )
    classify(
        make_event(1, at=1, user=3, choice="lion", **OLD),
        make_event(2, at=2, user=3, choice="lion", **NEW),
        make_event(3, at=3, user=4, choice="bird", **NEW),
    )
    assert values(SubjectReduction.data) == [counted]


def test_it_makes_the_same_as_beside_reducers_that_look_at_all(app: Flask) -> None:
    begin(REDUCERS, id=100)
    begin(REDUCERS | LOOKS_AT_ALL, id=101)
    for workflow in (100, 101):
        classify(*_events(workflow), workflow=workflow)
    assert _made(SubjectReduction, 100) == _made(SubjectReduction, 101)
    assert _made(UserReduction, 100) == _made(UserReduction, 101)
    assert {key for _, key, _ in _made(SubjectReduction, 100)} == REDUCERS.keys() - {"of_user"}
    assert by_first(Workflow.id, Workflow.extracts_count)[100] > 100


def _events(workflow: int) -> list[JSON]:
    """Of six volunteers, some of them not signed in, who often come again in two versions."""
    chance = random.Random(5)
    return [
        make_event(
            workflow * 100 + at,
            workflow=workflow,
            at=at,
            subject=chance.randint(1, 3),
            user=chance.choice([3, 4, 5, None]),
            choice=chance.choice([None, "lion", "bird"]),
            **chance.choice([OLD, NEW, PLACED]),
        )
        for at in range(60)
    ]


def _made(table: Any, workflow: int) -> list[tuple[int, str, Any]]:
    target = table.subject_id if table is SubjectReduction else table.user_id
    own = (table.reducible_id == workflow) & ~table.reducer_key.startswith("all")
    return sorted(rows(target, table.reducer_key, table.data, where=own), key=str)
