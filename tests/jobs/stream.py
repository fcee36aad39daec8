"""The stream of the drills, the workflow that it is for, and what must have become of it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from sqlalchemy import Select, func, select

from caesar_web.store import queries
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification, RejectedEvent
from caesar_web.store.results import (
    Extract,
    ExtractSubjectReduction,
    ExtractUserReduction,
    SubjectReduction,
    UserReduction,
)
from tests.factories import make_event, make_workflow
from tests.standin.server import StandinServer

# The stand-in knows them: its workflow 100 shows these subjects to these volunteers.
WORKFLOW_ID = 100
SUBJECTS = range(1001, 1041)
VOLUNTEERS = range(1000, 1060)
SHAPES = ("spiral", "smooth", "star")
ADMIN_ID = 1

# Default reductions, and running ones, which would count twice what is processed twice.
CONFIGURATION: Mapping[str, Any] = {
    "extractors_config": {"shape": {"type": "survey"}},
    "reducers_config": {
        "consensus": {"type": "consensus"},
        "tally": {"type": "stats", "reduction_mode": "running_reduction"},
        "seen": {"type": "count", "topic": "reduce_by_user"},
        "sightings": {
            "type": "stats",
            "topic": "reduce_by_user",
            "reduction_mode": "running_reduction",
        },
    },
    "rules_config": [
        {
            "if": [
                "and",
                ["gte", ["lookup", "consensus.num_votes", 0], ["const", 10]],
                ["gte", ["lookup", "consensus.agreement", 0], ["const", 0.5]],
            ],
            "then": [{"action": "retire_subject", "reason": "consensus"}],
        },
        {
            "if": ["gte", ["lookup", "tally.star", 0], ["const", 5]],
            "then": [
                {"action": "add_subject_to_set", "subject_set_id": 11},
                {"action": "add_subject_to_collection", "collection_id": 5},
            ],
        },
    ],
    "user_rules_config": [
        {
            "if": ["gte", ["lookup", "sightings.smooth", 0], ["const", 4]],
            "then": [{"action": "promote_user", "workflow_id": 101}],
        }
    ],
}

Facts = dict[str, Counter[str]]


def configure() -> None:
    """Add the workflow of the drills."""
    with db.session.begin():
        make_workflow(db.session(), WORKFLOW_ID, **CONFIGURATION)
    db.session.remove()


def events(count: int, *, subjects: Sequence[int] = SUBJECTS) -> list[dict[str, Any]]:
    """The first `count` events of the stream, always the same."""
    random = Random("drills")
    return [_event(id, random, subjects) for id in range(500_001, 500_001 + count)]


def _event(id: int, random: Random, subjects: Sequence[int]) -> dict[str, Any]:
    subject = random.choice(subjects)
    likely = SHAPES[subject % len(SHAPES)]
    user = None if random.random() < 0.2 else random.choice(VOLUNTEERS)
    choice = likely if random.random() < 0.7 else random.choice(SHAPES)
    return make_event(id, workflow=WORKFLOW_ID, subject=subject, user=user, choice=choice)


def progress() -> int:
    """How many classifications are processed by now."""
    return _count(Classification, Classification.processed_at.is_not(None))


def is_settled(count: int) -> bool:
    """Whether all of them have come in, none waits, and no action does."""
    return (
        _count(Classification) == count
        and progress() == count
        and not any(
            _count(table, table.status == "pending") for table in (SubjectAction, UserAction)
        )
    )


def _count(table: Any, *conditions: Any) -> int:
    queries.begin_reading(db.session())
    found = db.session.scalar(select(func.count()).select_from(table).where(*conditions))
    db.session.remove()
    return int(found or 0)


def facts() -> Facts:
    """All that the pipeline has made of the stream, without what depends on the moment."""
    queries.begin_reading(db.session())
    found = {
        "classifications": _rows(
            Classification, "id", "subject_id", "user_id", "attempts", "failed_reason"
        ),
        "rejected": _rows(RejectedEvent, "reason"),
        "extracts": _rows(
            Extract, "classification_id", "extractor_key", "subject_id", "user_id", "data"
        ),
        "subject reductions": _reductions(SubjectReduction, ExtractSubjectReduction),
        "user reductions": _reductions(UserReduction, ExtractUserReduction),
        # The reductions of a subject are the same at the same classification, so the traces are.
        "subject actions": _rows(
            SubjectAction, "subject_id", "effect_type", "config", "status", "occurrence", "trace"
        ),
        "user actions": _rows(
            UserAction, "user_id", "effect_type", "config", "status", "occurrence"
        ),
        "counters": _rows(
            Workflow,
            "extracts_count",
            "subject_reductions_count",
            "user_reductions_count",
            "subject_actions_count",
            "user_actions_count",
        ),
    }
    db.session.remove()
    return found


def _rows(table: Any, *names: str) -> Counter[str]:
    columns = [getattr(table, name) for name in names]
    return _counted(select(*columns))


def _reductions(table: Any, counted: Any) -> Counter[str]:
    """With the number of extracts that the running ones have counted."""
    target = "subject_id" if table is SubjectReduction else "user_id"
    names = (target, "reducer_key", "subgroup", "data", "store")
    number = select(func.count()).where(counted.reduction_id == table.id).scalar_subquery()
    statement = select(*(getattr(table, name) for name in names), number)
    return _counted(statement)


def _counted(statement: Select[Any]) -> Counter[str]:
    rows = db.session.execute(statement)
    return Counter(json.dumps(list(row), sort_keys=True) for row in rows)


def assert_same(found: Facts, expected: Facts) -> None:
    """Nothing is lost and nothing was done twice; says what differs."""
    for about, rows in expected.items():
        lost, extra = rows - found[about], found[about] - rows
        assert not lost, f"{about}: {lost.total()} lost, like {_few(lost)}; instead {_few(extra)}"
        assert not extra, f"{about}: {extra.total()} too many, like {_few(extra)}"


def _few(rows: Iterable[str]) -> list[str]:
    return sorted(rows)[:3]


def performed(standin: StandinServer, *, only_well: bool = False) -> Counter[tuple[str, int]]:
    """How often Panoptes was asked for each effect on each target; or did what it was asked for."""
    asked: Counter[tuple[str, int]] = Counter()
    for entry in standin.log("^/api/", "POST"):
        if only_well and (entry["status"] is None or entry["status"] >= 300):
            continue
        body = entry["body"]
        if entry["path"].endswith("/retired_subjects"):
            asked.update(("retire_subject", id) for id in body["subject_ids"])
        elif entry["path"] == "/api/subject_sets/11/links/subjects":
            asked.update(("add_subject_to_set", id) for id in body["subjects"])
        elif entry["path"] == "/api/collections/5/links/subjects":
            asked.update(("add_subject_to_collection", id) for id in body["subjects"])
        elif entry["path"].endswith("/update_settings"):
            asked["promote_user", body["project_preferences"]["user_id"]] += 1
    return asked


def decided(*, least_attempts: int = 0) -> Counter[tuple[str, int]]:
    """The actions that the rules decided, as `performed` shows them; or those tried so often."""
    queries.begin_reading(db.session())
    rows: list[Any] = []
    for table, target in ((SubjectAction, "subject_id"), (UserAction, "user_id")):
        columns = (table.effect_type, getattr(table, target))
        rows += db.session.execute(select(*columns).where(table.attempts >= least_attempts))
    db.session.remove()
    return Counter((effect_type, target) for effect_type, target in rows)


def retired(standin: StandinServer) -> set[int]:
    """The subjects that Panoptes says are retired."""
    path = f"/subject_workflow_statuses?workflow_id={WORKFLOW_ID}&page_size=100&admin=1"
    document = standin.api("GET", path, token=standin.token(ADMIN_ID)).json()
    return {
        int(row["links"]["subject"])
        for row in document["subject_workflow_statuses"]
        if row["retired_at"]
    }
