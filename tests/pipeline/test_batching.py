"""What rules decide does not depend on requests, turns, workers or repeated deliveries."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import pytest
from flask import Flask

from caesar_web.app import create_app
from caesar_web.pipeline.processing import Limits, take_turn
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.inbox_statements import workflows_waiting
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from tests.conftest import DATABASES, plain_config
from tests.factories import JSON, copied, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive

pytestmark = [pytest.mark.long, pytest.mark.drill]

SUBJECTS = (1, 2, 65, 130)  # two of them share a lane
TRAINING = 2
USERS = (None, None, 11, 12, 13, 14)
LENGTH = 80
DEADLINE_SECONDS = 60.0

SURVEYED = {"extractor_keys": "survey"}
RUNNING = {"reduction_mode": "running_reduction"}
BY_PLACE = {"grouping": {"field_name": "place.name"}}
BY_USER = {"topic": "reduce_by_user"}
SEND = {"action": "external", "url": "https://receiver.example/"}
DIFFERS_BY_RUN = ("id", "created_at", "updated_at")
CONFIGURATION: JSON = {
    "extractors_config": {
        "survey": {"type": "survey", "if_missing": "ignore"},
        "answer": {"type": "question", "task_key": "T1", "if_missing": "reject"},
        "number": {
            "type": "pluck_field",
            "field_map": {"value": "$.annotations.T2[0].value"},
            "if_missing": "reject",
        },
        "place": {
            "type": "pluck_field",
            "field_map": {"name": "$.metadata.place"},
            "if_missing": "ignore",
        },
        "strict": {"type": "question", "task_key": "T1"},  # fails where T1 is missing
    },
    "reducers_config": {
        "votes": {"type": "consensus", "filters": {**SURVEYED, "empty_extracts": "ignore_empty"}},
        "counts": {"type": "stats", "filters": SURVEYED},
        "all": {"type": "stats", "filters": {**SURVEYED, "repeated_classifications": "keep_all"}},
        "latest": {
            "type": "stats",
            "filters": {**SURVEYED, "repeated_classifications": "keep_last"},
        },
        "window": {"type": "count", "filters": {"from": 2, "to": 6}},
        "tail": {"type": "stats", "filters": {**SURVEYED, "from": -3}},
        "mean": {
            "type": "summary_stats",
            "summarize_field": "number.value",
            "operations": ["count", "mean", "max", "variance", "mode"],
        },
        "places": {"type": "count", **BY_PLACE},
        "distinct": {"type": "unique_count", "field": "name"},
        "training": {"type": "count", "filters": {"training_behavior": "training_only"}},
        "experiment": {"type": "count", "filters": {"training_behavior": "experiment_only"}},
        "running": {"type": "stats", "filters": SURVEYED, **RUNNING},
        "running_votes": {"type": "consensus", **RUNNING},
        "running_mean": {
            "type": "summary_stats",
            "summarize_field": "number.value",
            "operations": ["sum", "stdev", "first", "median"],
            "filters": {"repeated_classifications": "keep_all"},
            **RUNNING,
        },
        "running_places": {"type": "stats", "filters": SURVEYED, **BY_PLACE, **RUNNING},
        "of_users": {"type": "count", **BY_USER},
        "of_users_by_place": {"type": "stats", "filters": SURVEYED, **BY_USER, **BY_PLACE},
        "running_of_users": {"type": "stats", "filters": SURVEYED, **BY_USER, **RUNNING},
    },
    "rules_config": [
        {"if": condition, "then": effects}
        for condition, effects in (
            (
                ["eq", ["%", ["lookup", "all.lion", 0], ["const", 4]], ["const", 3]],
                [{"action": "retire_subject", "reason": "flagged"}],
            ),
            (
                ["lt", ["lookup", "votes.agreement", 1], ["const", 0.45]],
                [
                    {"action": "add_subject_to_set", "subject_set_id": 7},
                    *({**SEND, "reducer_key": key} for key in ("counts", "running_votes")),
                ],
            ),
            (
                ["eq", ["lookup", "latest.lion", 0], ["lookup", "latest.zebra", 0]],
                [
                    {"action": "add_subject_to_set", "subject_set_id": 8},
                    {"action": "add_subject_to_collection", "collection_id": 9},
                ],
            ),
            (
                ["gt", ["lookup", "votes.most_likely", "nothing"], ["const", 3]],  # has no value
                [{"action": "retire_subject", "reason": "other"}],
            ),
            (
                ["gt", ["lookup", "running_mean.median", 0], ["lookup", "mean.mean", 0]],
                [{"action": "add_subject_to_set", "subject_set_id": 10}],
            ),
            (
                ["gte", ["lookup", "running_places[north].lion", 0], ["const", 2]],
                [{"action": "add_subject_to_set", "subject_set_id": 11}],
            ),
            (
                ["eq", ["lookup", "tail.zebra", 0], ["lookup", "window.classifications", 0]],
                [
                    {"action": "add_subject_to_set", "subject_set_id": 12},
                    {**SEND, "reducer_key": "places"},  # it has none of the subgroup to send
                ],
            ),
            (
                ["eq", ["lookup", "distinct", 0], ["lookup", "training.extracts", 2]],
                [{"action": "add_subject_to_set", "subject_set_id": 13}],
            ),
        )
    ],
    "user_rules_config": [
        {
            "if": ["gte", ["lookup", "of_users.classifications", 0], ["const", 5]],
            "then": [{"action": "promote_user", "workflow_id": 101}],
        }
    ],
}


class Way(NamedTuple):
    """How a stream is worked off; each number is the most at a time."""

    events: int
    classifications: int
    workers: int = 1
    deliveries: int = 2
    extracts: int = 50_000


WAYS = (
    Way(7, 7),
    Way(7, 500),
    Way(500, 500),
    Way(500, 1),
    Way(500, 7, extracts=20),
    Way(1, 7, workers=4),
    Way(500, 7, workers=4, extracts=40),
    Way(7, 1, workers=4),
    Way(500, 500, workers=4),
)


# On SQLite some of the ways, and all of them with `make drill`.
MOST = {"postgresql": len(WAYS), "sqlite": len(WAYS) if "DRILL_TIMES" in os.environ else 2}


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize(
    ("seed", "rules_applied", "ways"),
    [(1, "all_matching_rules", WAYS[::-2]), (2, "first_matching_rule", WAYS[-2::-2])],
)
def test_however_work_is_divided_the_same_is_decided(
    new_database: Callable[[str], str],
    kind: str,
    seed: int,
    rules_applied: str,
    ways: tuple[Way, ...],
) -> None:
    events = stream(Random(seed))
    expected = run(new_database(kind), events, rules_applied, way=None)
    assert len(expected["actions"]) >= 12  # or the stream would prove little
    assert sum('"reducible"' in action for action in expected["actions"]) >= 20
    for way in ways[: MOST[kind]]:
        found = run(new_database(kind), events, rules_applied, way=way)
        for what in expected:
            assert found[what] == expected[what], (what, way)


def stream(random: Random) -> list[JSON]:
    """Classifications in ascending order of time, some at the same moment."""
    return [event(random, id) for id in range(1, LENGTH + 1)]


def event(random: Random, id: int) -> JSON:
    subject = random.choice(SUBJECTS)
    choices = random.choices(["lion", "zebra", "gnu"], [5, 3, 1], k=random.choice([0, 1, 1, 1, 2]))
    annotations: list[JSON] = [{"task": "T0", "value": [{"choice": choice} for choice in choices]}]
    if random.random() < 0.7:
        annotations.append({"task": "T1", "value": random.randrange(3)})
    if random.random() < 0.8:
        annotations.append({"task": "T2", "value": random.choice([1, 2, 3.5, 7, "4", "many"])})
    place = random.choice(["north", "north", "south", None])
    return make_event(
        id,
        subject=subject,
        user=random.choice(USERS),
        annotations=annotations,
        metadata={"workflow_version": "1.1", "place": place},
        at=id // 2,
        subject_metadata={"#training_subject": subject == TRAINING},
    )


def run(url: str, events: list[JSON], rules_applied: str, *, way: Way | None) -> JSON:
    """What a database holds after the stream; without a way each classification came alone."""
    app = create_app(plain_config(database_url=url))
    with app.app_context():
        try:
            with db.session.begin():
                make_workflow(db.session(), **CONFIGURATION, rules_applied=rules_applied)
            db.session.remove()
            if way is None:
                for event in events:
                    receive([copied(event)])
                    process()
            elif way.workers == 1:
                feed(events, way)
                process(limits=Limits(way.classifications, way.extracts))
            else:
                work_together(url, events, way)
            return results()
        finally:
            db.session.remove()
            db.engine.dispose()


def feed(events: list[JSON], way: Way) -> None:
    for first in range(0, len(events), way.events):
        request = events[first : first + way.events]
        for _ in range(way.deliveries):
            receive([copied(event) for event in request])


def work_together(url: str, events: list[JSON], way: Way) -> None:
    """Workers with a connection of their own each work while the requests come in."""
    apps = [create_app(plain_config(database_url=url)) for _ in range(way.workers)]
    fed = threading.Event()
    with ThreadPoolExecutor(way.workers) as pool:
        working = [
            pool.submit(work, app, way, fed, first_lane=16 * at) for at, app in enumerate(apps)
        ]
        try:
            feed(events, way)
        finally:
            fed.set()
        for worker in working:
            worker.result(DEADLINE_SECONDS)


def work(app: Flask, way: Way, fed: threading.Event, *, first_lane: int) -> None:
    """Takes turns until nothing can come and nothing waits."""
    limits = Limits(way.classifications, way.extracts)
    pause = threading.Event()
    with app.app_context():
        try:
            while True:
                nothing_comes = fed.is_set()
                with db.session.begin():
                    now = datetime.now(UTC)
                    turn = take_turn(
                        db.session(), 100, first_lane=first_lane, limits=limits, now=now
                    )
                if turn.processed:
                    continue
                with db.session.begin():
                    if nothing_comes and not workflows_waiting(db.session()):
                        return
                pause.wait(0.05)
        finally:
            db.session.remove()
            db.engine.dispose()


def results() -> JSON:
    """All that must be equal, without ids and moments that depend on when something ran."""
    assert values(Classification.id, Classification.processed_at.is_(None)) == []
    extracts = rows(Extract.classification_id, Extract.extractor_key, Extract.data)
    reductions = (SubjectReduction.reducer_key, SubjectReduction.subgroup, SubjectReduction.data)
    of_users = (UserReduction.reducer_key, UserReduction.subgroup, UserReduction.data)
    action = SubjectAction
    actions = rows(
        action.subject_id,
        action.rule_id,
        action.effect_id,
        action.effect_type,
        action.config,
        action.trace,
        action.payload,
        by=(action.subject_id, action.id),
    )
    for *_, payload in actions:
        if payload is not None:
            differing = [payload.pop(name) for name in DIFFERS_BY_RUN]
            assert all(differing)
    (counters,) = rows(
        Workflow.extracts_count,
        Workflow.subject_reductions_count,
        Workflow.user_reductions_count,
        Workflow.subject_actions_count,
    )
    found = {
        "extracts": comparable(extracts),
        "reductions": comparable(
            rows(SubjectReduction.subject_id, *reductions, SubjectReduction.store)
        ),
        "of users": comparable(rows(UserReduction.user_id, *of_users)),
    }
    assert counters == (*map(len, found.values()), len(actions))
    return {**found, "actions": [json.dumps(row, sort_keys=True) for row in actions]}


def comparable(found: list[tuple[Any, ...]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)
