"""Actions touch their target only while it still belongs to what its permission came from."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.config import Config
from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import SubjectRuleEffect, UserRuleEffect
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, START, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

ADD: JSON = {"action": "add_subject_to_set", "subject_set_id": 11}
COLLECT: JSON = {"action": "add_subject_to_collection", "collection_id": 9}
PROMOTE: JSON = {"action": "promote_user", "workflow_id": 101}
CHANCE: JSON = {"action": "set_subject_set_chances", "subject_set_id": 11, "chance": 0.5}
RETIRE: JSON = {"action": "retire_subject", "reason": "consensus"}
BOB, CAROL = 3, 4
SUBJECTS = (1001, 1002, 1003)


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(
        database_url=config.database_url, panoptes_url=standin.url, action_attempts=3
    )


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


def decide(*effects: JSON, of_users: JSON | None = None, owner: JSON | None = None) -> None:
    """What rules decide whose effects were permitted when their target belonged to `owner`."""
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"survey": {"type": "survey"}},
            reducers_config={
                "seen": {"type": "count"},
                "of_user": {"type": "count", "topic": "reduce_by_user"},
            },
            rules_config=[{"if": ["const", True], "then": [effect]} for effect in effects],
            user_rules_config=[{"if": ["const", True], "then": [of_users]}] if of_users else [],
        )
        for table in (SubjectRuleEffect, UserRuleEffect) if owner is not None else ():
            db.session.execute(update(table).values(target_owner=owner or None))
    users = (BOB, CAROL, None)
    receive(
        [make_event(id, subject=id, user=user) for id, user in zip(SUBJECTS, users, strict=True)]
    )
    process()


def changes(standin: StandinServer) -> list[str]:
    """What was sent that wanted to change something."""
    return [entry["path"] for entry in standin.log("^/api", "POST")]


def states(table: Any = SubjectAction) -> list[tuple[Any, ...]]:
    return rows(table.status, table.last_error, by=table.id)


def make_due() -> None:
    with db.session.begin():
        for table in (SubjectAction, UserAction):
            db.session.execute(update(table).values(not_before=START))
    db.session.remove()


def test_the_target_is_read_once_for_all_actions_that_are_alike(
    app: Flask, standin: StandinServer
) -> None:
    decide(ADD, of_users=PROMOTE)
    perform(100)
    assert states() == [("completed", None)] * 3
    assert states(UserAction) == [("completed", None)] * 2
    assert len(standin.log("^/api/subject_sets/11$", "GET")) == 1
    assert values(SubjectAction.target_owner) == [{"project": 10}] * 3


@pytest.mark.parametrize(
    ("effect", "owner", "says"),
    [
        (ADD, {"project": 30}, "subject set 11 belongs to project 10 now, and no longer to proj"),
        (COLLECT, {"project": 20}, "collection 9 belongs to project 30, project 10, user 5 now"),
        (COLLECT, {"owner": 2}, "collection 9 belongs to project 30, project 10, user 5 now"),
        (ADD, {}, "nobody's permission is recorded; save the effect again"),
    ],
)
def test_what_moved_or_was_never_permitted_fails_and_nothing_is_sent_b4_b5(
    app: Flask, standin: StandinServer, effect: JSON, owner: JSON, says: str
) -> None:
    decide(effect, RETIRE, owner=owner)
    perform(100)
    failed, done = states()[::2], states()[1::2]
    assert {status for status, _ in failed} == {"failed"}
    assert all(str(error).startswith(says) for _, error in failed)
    assert done == [("completed", None)] * 3  # what comes after does not wait for it
    assert changes(standin) == ["/api/workflows/100/retired_subjects"]


def test_a_promotion_to_a_workflow_that_moved_fails_b4(app: Flask, standin: StandinServer) -> None:
    decide(of_users=PROMOTE, owner={"project": 20})
    perform(100)
    assert [status for status, _ in states(UserAction)] == ["failed"] * 2
    assert "workflow 101 belongs to project 10 now" in str(states(UserAction))
    assert changes(standin) == []


def test_chances_of_a_subject_set_are_set_for_each_volunteer(
    app: Flask, standin: StandinServer
) -> None:
    decide(of_users=CHANCE)
    perform(100)
    assert states(UserAction) == [("completed", None)] * 2
    written = [entry["body"]["project_preferences"] for entry in standin.log("update", "POST")]
    chances = {"subject_set_chances": {"100": {"11": 0.5}}}
    assert [(one["user_id"], one["settings"]) for one in written] == [
        (BOB, {"designator": chances}),
        (CAROL, {"designator": chances}),
    ]


def test_chances_of_a_subject_set_that_moved_are_not_set(
    app: Flask, standin: StandinServer
) -> None:
    decide(of_users=CHANCE, owner={"project": 30})
    perform(100)
    assert [status for status, _ in states(UserAction)] == ["failed"] * 2
    assert "subject set 11 belongs to project 10 now" in str(states(UserAction))
    assert changes(standin) == []


def test_a_target_that_is_gone_fails(app: Flask, standin: StandinServer) -> None:
    decide({**ADD, "subject_set_id": 999})
    perform(100)
    assert states() == [("failed", "there is no subject set 999")] * 3
    assert changes(standin) == []


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503, "message": "busy"}])
def test_while_panoptes_cannot_be_asked_actions_wait(
    app: Flask, standin: StandinServer, fault: JSON
) -> None:
    decide(ADD)
    standin.fail("/api/subject_sets/11$", method="GET", times=-1, **fault)
    perform(100)
    assert {status for status, _ in states()} == {"pending"}
    assert values(SubjectAction.attempts) == [1] * 3
    assert None not in values(SubjectAction.last_error)
    assert changes(standin) == []
    standin.lift_faults()
    make_due()
    perform(100)
    assert states() == [("completed", None)] * 3


def test_actions_with_different_permissions_are_not_alike(
    app: Flask, standin: StandinServer
) -> None:
    decide(ADD)
    with db.session.begin():
        moved = update(SubjectAction).where(SubjectAction.subject_id == SUBJECTS[0])
        db.session.execute(moved.values(target_owner={"project": 30}))
    db.session.remove()
    perform(100)
    assert [status for status, _ in states()] == ["failed", "completed", "completed"]
    (sent,) = standin.log("^/api/subject_sets/11/links", "POST")
    assert [int(id) for id in sent["body"]["subjects"]] == list(SUBJECTS[1:])
