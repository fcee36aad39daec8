"""Paused, resumed and made up for is the same as never paused, for every kind of part."""

import os
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from caesar_web.app import create_app
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Project, Reducer, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from tests.conftest import DATABASES, plain_config
from tests.factories import JSON, START, copied, make_workflow
from tests.pipeline.pausing import PROJECT, make_up, move, move_whole_project
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive
from tests.pipeline.test_batching import BY_PLACE, BY_USER, RUNNING, comparable, stream
from tests.pipeline.test_batching import CONFIGURATION as RICH

pytestmark = [pytest.mark.long, pytest.mark.drill]

PROMOTE = {"action": "promote_user", "workflow_id": 101}
# What holds once holds from then on: so the moment of a decision changes nothing but the moment.
CONFIGURATION: JSON = {
    "extractors_config": RICH["extractors_config"],
    "reducers_config": {
        **RICH["reducers_config"],
        "first": {"type": "first_extract"},
        "running_first": {"type": "first_extract", **RUNNING},
        "running_votes_of_users": {"type": "consensus", **BY_USER, **RUNNING},
    },
    "rules_config": [
        {
            "if": ["gte", ["lookup", f"{key}.lion", 0], ["const", 1 + at]],
            "then": [{"action": "add_subject_to_set", "subject_set_id": 10 + at}],
        }
        for at, key in enumerate(["all", "running", "counts"], 1)
    ]
    + [
        {
            "if": ["gte", ["lookup", "running_mean.sum", 0], ["const", 9]],
            "then": [{"action": "retire_subject"}],
        }
    ],
    "user_rules_config": [
        {"if": ["gte", ["lookup", "of_users.classifications", 0], ["const", 7]], "then": [PROMOTE]}
    ],
}
OF_PROJECT: JSON = {
    "everybody": {"type": "consensus"},
    "running": {"type": "consensus", **RUNNING},
    "places": {"type": "stats", **BY_PLACE, **RUNNING},
    "of_users": {"type": "count", **BY_USER, **RUNNING},
}
PARTS = (
    ("extractor", "survey"),
    ("extractor", "place"),
    ("reducer", "window"),
    ("reducer", "running_votes"),
    ("reducer", "running_mean"),
    ("reducer", "running_places"),
    ("reducer", "running_votes_of_users"),
    ("reducer of the project", "running"),
    ("reducer of the project", "places"),
    ("subject_rule", "3"),
    ("user_rule", "0"),
    ("project", ""),
)


@pytest.fixture(scope="module")
def never_paused(new_database: Callable[[str], str]) -> dict[str, JSON]:
    return {kind: run(new_database(kind), None) for kind in DATABASES}


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        pytest.param(kind, part, id=" ".join((*part, kind)))
        for at, part in enumerate(PARTS)
        for kind in DATABASES
        # Every part on PostgreSQL; on SQLite every second one, and with `make drill` all of them.
        if kind == "postgresql" or at % 2 or "DRILL_TIMES" in os.environ
    ],
)
def test_as_if_it_had_never_been_paused(
    new_database: Callable[[str], str],
    never_paused: dict[str, JSON],
    kind: str,
    part: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caesar_web.pipeline.resuming.A_TURN", timedelta(0))  # it hides mistakes
    expected = never_paused[kind]
    assert len(expected["actions"]) >= 10  # or the stream would prove little
    found = run(new_database(kind), part)
    for what in expected:
        assert found[what] == expected[what], what


def run(url: str, part: tuple[str, str] | None) -> JSON:
    """What a database holds after the stream, of which a part has missed the middle."""
    app = create_app(plain_config(database_url=url))
    events = stream(Random(3))
    with app.app_context():
        try:
            configure()
            feed(events[:25])
            if part is None:
                feed(events[25:])
            else:
                pause(part, events)
            return results()
        finally:
            db.session.remove()
            db.engine.dispose()


def pause(part: tuple[str, str], events: list[JSON]) -> None:
    """Twice, and once more it is paused and resumed before its run has begun."""
    moved(part, "paused")
    feed(events[25:50])
    begun = moved(part, "active")
    assert moved(part, "active").run_id == begun.run_id  # asked twice
    feed(events[50:55])  # before the run
    moved(part, "paused")
    feed(events[55:65])
    again = moved(part, "active")
    assert again.run_id != begun.run_id
    feed(events[65:70])
    make_up(again)
    feed(events[70:])


def moved(part: tuple[str, str], status: str) -> Any:
    kind, name = part
    if kind == "project":
        return move_whole_project(status)
    if kind == "reducer of the project":
        return move("reducer", name, status, of=PROJECT)
    return move(kind, name, status)


def configure() -> None:
    moments = {"created_at": START, "updated_at": START}
    with db.session.begin():
        make_workflow(db.session(), **CONFIGURATION)
        db.session.add(Project(id=10, **moments))
        for key, entry in OF_PROJECT.items():
            of = {"reducible_type": "Project", "reducible_id": 10}
            db.session.add(Reducer(key=key, **of, **moments, **entry))
    db.session.remove()


def feed(events: list[JSON]) -> None:
    for first in range(0, len(events), 5):
        receive([copied(event) for event in events[first : first + 5]])
        process()


def results() -> JSON:
    """All that must be equal, without ids and moments."""
    assert values(Classification.id, Classification.processed_at.is_(None)) == []
    of_subjects, of_users = SubjectReduction, UserReduction
    found: JSON = {
        "extracts": comparable(
            rows(Extract.classification_id, Extract.extractor_key, Extract.data)
        ),
        "order": [
            (id, key)
            for id, key in rows(
                Extract.classification_id,
                Extract.extractor_key,
                by=(Extract.classification_id, Extract.id),
            )
        ],
        "reductions": comparable(
            rows(
                of_subjects.subject_id,
                of_subjects.reducible_type,
                of_subjects.reducer_key,
                of_subjects.subgroup,
                of_subjects.data,
                of_subjects.store,
            )
        ),
        "of users": comparable(
            rows(
                of_users.user_id,
                of_users.reducible_type,
                of_users.reducer_key,
                of_users.subgroup,
                of_users.data,
                of_users.store,
            )
        ),
        "actions": comparable(rows(SubjectAction.subject_id, SubjectAction.effect_id)),
        "promoted": values(UserAction.user_id),
    }
    (counters,) = rows(
        Workflow.extracts_count,
        Workflow.subject_reductions_count + Project.subject_reductions_count,
        Workflow.user_reductions_count + Project.user_reductions_count,
        Workflow.subject_actions_count,
        Workflow.user_actions_count,
        where=Workflow.project_id == Project.id,
    )
    counted = ("extracts", "reductions", "of users", "actions", "promoted")
    assert counters == tuple(len(found[what]) for what in counted)
    return found
