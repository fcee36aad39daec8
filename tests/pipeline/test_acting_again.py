"""Retrying actions that failed, and doing one once more with its effect as it is now."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.jobs import tasks
from caesar_web.pipeline.acting_again import act_again, retry
from caesar_web.pipeline.configuring import Unknown
from caesar_web.store.action_statements import (
    SUBJECT_ACTIONS,
    USER_ACTIONS,
    Kind,
    claim,
    decided,
)
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import SubjectRuleEffect, Workflow
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.factories import JSON, SEALER, START, make_workflow
from tests.store.dump import everything_kept

LATER = START + timedelta(hours=1)
RETIRE: JSON = {"action": "retire_subject", "reason": "consensus"}
CALL: JSON = {
    "action": "external_with_basic_auth",
    "url": "https://example.org/hook",
    "reducer_key": "counts",
    "username": "bob",
    "password": "s3cret",
}
PROMOTE: JSON = {"action": "promote_user", "workflow_id": 101}
TRACE = [["const", True]]


@pytest.fixture(autouse=True)
def workflows(app: Flask) -> None:
    """Of 100 the effects are 1 (retires) and 2 (calls), and 1 of users; of 200 it is 3."""
    ours: JSON = {
        "rules_config": [{"if": ["const", True], "then": [RETIRE, CALL]}],
        "user_rules_config": [{"if": ["const", True], "then": [PROMOTE]}],
    }
    with db.session.begin():
        make_workflow(db.session(), 100, **ours)
        make_workflow(db.session(), 200, rules_config=ours["rules_config"][:1])
    db.session.remove()


def add(effect_id: int = 1, *, kind: Kind = SUBJECT_ACTIONS, **over: Any) -> int:
    """An action of workflow 100 that failed after three attempts."""
    values: JSON = {
        "workflow_id": 100,
        kind.target: 7,
        "rule_id": 1,
        "effect_id": effect_id,
        "effect_revision": 1,
        "occurrence": 0,
        "effect_type": "retire_subject",
        "config": {"reason": "other"},
        "payload": {"kept": 1},
        "trace": TRACE,
        "status": "failed",
        "attempts": 3,
        "last_error": "refused",
        "not_before": START,
        "created_at": START,
        "updated_at": START,
    }
    with db.session.begin():
        action: Any = kind.table(**values | over)
        db.session.add(action)
        db.session.flush()
        id: int = action.id
    db.session.remove()
    return id


def again(action_id: int, *, kind: Kind = SUBJECT_ACTIONS, workflow_id: int = 100) -> int:
    with tasks.transaction() as session:
        return act_again(session, kind, workflow_id, action_id, now=LATER)


def tried(*ids: int, kind: Kind = SUBJECT_ACTIONS, workflow_id: int = 100) -> int:
    with tasks.transaction() as session:
        return retry(session, kind, workflow_id, ids, now=LATER)


def action(id: int, table: Any = SubjectAction) -> Any:
    found = db.session.get_one(table, id)
    db.session.expunge_all()
    db.session.remove()
    return found


def unknown(attempt: Callable[[], object]) -> None:
    before = everything_kept()
    with pytest.raises(Unknown):
        attempt()
    assert everything_kept() == before


def test_what_failed_is_tried_as_if_never_before() -> None:
    failed, other = add(), add(subject_id=8)
    assert tried(failed) == 1
    found = action(failed)
    assert (found.status, found.attempts, found.not_before) == ("pending", 0, LATER)
    assert (found.last_error, found.updated_at) == ("refused", LATER)
    assert action(other).status == "failed"
    with tasks.transaction() as session:
        lease = LATER + timedelta(minutes=1)
        claims = claim(session, SUBJECT_ACTIONS, 100, now=LATER, lease_until=lease, most=10)
    assert [(one.id, one.attempts) for one in claims] == [(failed, 1)]


def test_only_what_failed_in_that_workflow_is_tried_again() -> None:
    done = add(status="completed", completed_at=START)
    waiting, foreign = add(subject_id=8, status="pending"), add(3, workflow_id=200)
    of_user = add(kind=USER_ACTIONS, effect_type="promote_user", config={"workflow_id": 101})
    before = everything_kept()
    assert tried(done, waiting, foreign, 999, 0, -1, 2**70) == 0
    assert tried(workflow_id=200) == 0
    assert everything_kept() == before
    assert tried(of_user, kind=USER_ACTIONS) == 1
    assert action(of_user, UserAction).status == "pending"


def test_an_action_is_done_again_with_its_effect_as_it_is_now() -> None:
    old = add(status="completed")
    with db.session.begin():
        effect = db.session.get_one(SubjectRuleEffect, 1)
        effect.config, effect.revision = {"reason": "human"}, 4
        effect.target_owner, effect.secrets = {"project": 10}, "sealed"
    before = action(old)
    new = action(again(old))
    assert (new.workflow_id, new.subject_id, new.rule_id, new.effect_id) == (100, 7, 1, 1)
    assert (new.effect_revision, new.occurrence) == (4, 1)
    assert (new.config, new.effect_type) == ({"reason": "human"}, "retire_subject")
    assert (new.target_owner, new.secrets) == ({"project": 10}, "sealed")
    assert (new.payload, new.trace) == ({"kept": 1}, TRACE)
    assert (new.status, new.attempts, new.not_before) == ("pending", 0, LATER)
    assert (new.last_error, new.completed_at, new.created_at) == (None, None, LATER)
    after = action(old)
    assert (after.status, after.config) == (before.status, before.config)
    assert db.session.get_one(Workflow, 100).subject_actions_count == 1
    db.session.remove()


def test_each_time_is_another_occurrence_and_rules_do_not_decide_it_once_more() -> None:
    old = add(status="completed")
    assert action(again(old)).occurrence == 1
    assert action(again(old)).occurrence == 2
    assert action(again(add(subject_id=8))).occurrence == 1
    with tasks.transaction() as session:
        assert decided(session, SUBJECT_ACTIONS, [1], [7]) == {(1, 1, 7)}


@NO_OTHER_DATABASE
def test_an_effect_that_acts_at_every_match_has_no_occurrence() -> None:
    old = add(2, occurrence=None)
    first, second = action(again(old)), action(again(old))
    assert (first.occurrence, second.occurrence) == (None, None)
    assert first.config["password"] != "s3cret"
    assert SEALER.open(first.secrets) == {"password": "s3cret"}


@NO_OTHER_DATABASE
def test_an_action_on_a_user() -> None:
    old = add(
        kind=USER_ACTIONS,
        effect_type="promote_user",
        config={"workflow_id": 100},
        payload=None,
    )
    new = action(again(old, kind=USER_ACTIONS), UserAction)
    assert (new.user_id, new.config, new.occurrence) == (7, {"workflow_id": 101}, 1)
    workflow = db.session.get_one(Workflow, 100)
    assert (workflow.user_actions_count, workflow.subject_actions_count) == (1, 0)
    db.session.remove()


@NO_OTHER_DATABASE
def test_what_is_not_over_not_there_or_nobodys_is_unknown() -> None:
    mine, foreign = add(), add(3, workflow_id=200)
    pending, of_other_effect = add(subject_id=8, status="pending"), add(3, subject_id=9)
    gone = add(99, subject_id=10)
    unknown(lambda: again(pending))
    unknown(lambda: again(foreign))
    unknown(lambda: again(mine, workflow_id=200))
    unknown(lambda: again(mine, kind=USER_ACTIONS))
    unknown(lambda: again(of_other_effect))
    unknown(lambda: again(gone))
    unknown(lambda: again(999))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_who_ask_at_once_get_an_action_each(app: Flask) -> None:
    old = add(status="completed")
    together = Barrier(2)

    def ask() -> None:
        with app.app_context():
            together.wait(10)
            again(old)

    threads = [Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    occurrences = db.session.scalars(select(SubjectAction.occurrence)).all()
    db.session.remove()
    assert sorted(number for number in occurrences if number is not None) == [0, 1, 2]
