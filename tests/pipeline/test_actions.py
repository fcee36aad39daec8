"""Performing actions: in bulk, in order, once, and again where it is worth trying again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.config import Config
from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.panoptes.client import Panoptes
from caesar_web.store import action_statements as actions
from caesar_web.store.action_statements import SUBJECT_ACTIONS, Outcome
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, START, give, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

SET, COLLECTION, BOB, CAROL, STRANGER = 7, 9, 3, 4, 999
RETIRE: JSON = {"action": "retire_subject", "reason": "consensus"}
ADD: JSON = {"action": "add_subject_to_set", "subject_set_id": SET}
COLLECT: JSON = {"action": "add_subject_to_collection", "collection_id": COLLECTION}
PROMOTE: JSON = {"action": "promote_user", "workflow_id": 101}
SEEN: JSON = {"if": ["gte", ["lookup", "seen.extracts", 0], ["const", 1]]}
COUNT: JSON = {"type": "count"}
RETIRED, LINKED, COLLECTED, PROMOTED = "retired_subjects", "subject_sets", "collections", "update"
SUBJECTS = (1001, 1002, 1003, 1004, 1005)


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(
        database_url=config.database_url, panoptes_url=standin.url, action_attempts=3
    )


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


def document(*effects: JSON, user_effects: tuple[JSON, ...] = ()) -> JSON:
    """One rule for each effect, all of which act at once."""
    return {
        "extractors_config": {"survey": {"type": "survey"}},
        "reducers_config": {"seen": COUNT, "of_user": {**COUNT, "topic": "reduce_by_user"}},
        "rules_config": [{**SEEN, "then": [effect]} for effect in effects],
        "user_rules_config": [{"if": ["const", True], "then": [effect]} for effect in user_effects],
    }


def decide(*effects: JSON, subjects: tuple[int, ...] = SUBJECTS) -> None:
    with db.session.begin():
        make_workflow(db.session(), **document(*effects))
    classify(*subjects)


def classify(*subjects: int, first: int = 1) -> None:
    receive([make_event(id, subject=subject) for id, subject in enumerate(subjects, first)])
    process()


def make_due() -> None:
    """As if the moment had come for which a retry, or the end of a lease, waits."""
    with db.session.begin():
        for table in (SubjectAction, UserAction):
            db.session.execute(
                update(table).where(table.completed_at.is_(None)).values(not_before=START)
            )
    db.session.remove()


def sent(standin: StandinServer, part: str) -> list[JSON]:
    """The requests that wanted to change something there."""
    return [entry for entry in standin.log(method="POST", path="^/api") if part in entry["path"]]


def subjects_sent(standin: StandinServer, part: str) -> list[list[int]]:
    bodies = (entry["body"] for entry in sent(standin, part))
    return [[int(id) for id in body.get("subject_ids") or body["subjects"]] for body in bodies]


def states(table: Any = SubjectAction) -> list[tuple[Any, ...]]:
    return rows(table.status, table.attempts, by=table.id)


def test_every_effect(app: Flask, standin: StandinServer) -> None:
    effects = (RETIRE, {**ADD, "subject_set_id": 11}, {**COLLECT, "collection_id": 6})
    with db.session.begin():
        make_workflow(db.session(), **document(*effects, user_effects=(PROMOTE,)))
    receive([make_event(id, subject=1000 + id, user=user) for id, user in ((1, BOB), (2, CAROL))])
    process()
    perform(100)
    for part in (RETIRED, LINKED, COLLECTED):
        assert subjects_sent(standin, part) == [[1001, 1002]], part
    assert sent(standin, RETIRED)[0]["body"]["retirement_reason"] == "consensus"
    promoted = [entry["body"]["project_preferences"] for entry in sent(standin, PROMOTED)]
    assert [(row["user_id"], row["settings"]) for row in promoted] == [
        (BOB, {"workflow_id": "101"}),
        (CAROL, {"workflow_id": "101"}),
    ]
    assert states() == [("completed", 1)] * 6
    assert states(UserAction) == [("completed", 1)] * 2
    assert None not in values(SubjectAction.completed_at) + values(SubjectAction.attempted_at)
    assert set(values(SubjectAction.last_error)) == {None}
    perform(100)
    assert len(sent(standin, "")) == 5


def test_one_bad_subject_is_found_and_the_others_are_done(
    app: Flask, standin: StandinServer
) -> None:
    decide({**ADD, "subject_set_id": 11}, subjects=(1001, 1002, STRANGER, 1003, 1004))
    perform(100)
    by_subject = rows(SubjectAction.subject_id, SubjectAction.status, SubjectAction.last_error)
    assert by_subject.pop(0) == (
        STRANGER,
        "failed",
        "Error: check the subject set and all the subjects exist.",
    )
    assert by_subject == [(id, "completed", None) for id in (1001, 1002, 1003, 1004)]
    assert [STRANGER] in subjects_sent(standin, LINKED)
    assert len(sent(standin, LINKED)) <= 7


@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_there_already_is_success(app: Flask, standin: StandinServer, legacy: bool) -> None:
    standin.switch(legacy_duplicates=legacy)
    Panoptes(standin.url, standin.client_id, standin.client_secret).add_to_collection(6, [1002])
    decide(ADD, {**COLLECT, "collection_id": 6})
    perform(100)
    assert states() == [("completed", 1)] * 10


def test_a_target_is_acted_on_in_the_order_decided(app: Flask, standin: StandinServer) -> None:
    decide({**ADD, "subject_set_id": 11}, RETIRE, COLLECT)
    standin.fail(f"/api/.*{RETIRED}", status=500, times=1)
    perform(100)
    assert states() == [("completed", 1), ("pending", 1), ("pending", 0)] * 5
    assert sent(standin, COLLECTED) == []
    perform(100)  # not yet
    make_due()
    perform(100)
    assert states() == [("completed", 1), ("completed", 2), ("completed", 1)] * 5
    paths = [entry["path"].split("/")[2] for entry in sent(standin, "")]
    assert paths == ["subject_sets", "workflows", "workflows", "collections"]


def test_a_rule_acts_once_for_a_target_and_again_when_it_was_edited(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE, ADD)
    classify(*SUBJECTS, first=11)
    assert len(values(SubjectAction.id)) == 10

    def configure(*effects: JSON) -> bool:
        with db.session.begin():
            workflow = db.session.get_one(Workflow, 100)
            return give(db.session(), workflow, document(*effects))

    assert not configure(RETIRE, ADD)
    assert configure(ADD, RETIRE)  # in another order they are still the same rules
    classify(*SUBJECTS, first=21)
    assert len(values(SubjectAction.id)) == 10
    assert configure(ADD, {**RETIRE, "reason": "blank"})
    classify(*SUBJECTS, first=31)
    configs = values(SubjectAction.config, by=SubjectAction.id)
    assert configs[10:] == [{"reason": "blank"}] * 5


def test_a_new_rule_acts_though_an_earlier_one_was_removed(app: Flask) -> None:
    decide(RETIRE, subjects=(1001,))
    for document_now in (document(), document(ADD)):
        with db.session.begin():
            workflow = db.session.get_one(Workflow, 100)
            give(db.session(), workflow, document_now)
    classify(1001, first=11)
    assert values(SubjectAction.effect_type, by=SubjectAction.id) == [
        "retire_subject",
        "add_subject_to_set",
    ]


@pytest.mark.parametrize("fault", [{"status": 503, "message": "busy"}, {"drop": True}])
def test_what_may_pass_is_tried_again_ever_later_and_then_fails(
    app: Flask, standin: StandinServer, fault: JSON
) -> None:
    decide(RETIRE, subjects=(1001, 1002))
    standin.fail(f"/api/.*{RETIRED}", times=-1, **fault)
    waits = []
    for attempt in (1, 2, 3):
        before = datetime.now(UTC)
        perform(100)
        waits.append(values(SubjectAction.not_before)[0] - before)
        expected = "failed" if attempt == 3 else "pending"
        assert states() == [(expected, attempt)] * 2
        assert None not in values(SubjectAction.last_error)
        make_due()
    assert timedelta(seconds=1) <= waits[0] <= timedelta(seconds=10)
    assert timedelta(seconds=2) <= waits[1] <= timedelta(seconds=20)
    asked = len(sent(standin, RETIRED))
    standin.lift_faults()
    perform(100)
    assert len(sent(standin, RETIRED)) == asked


@pytest.mark.parametrize("status", [422, 404, 403])
def test_a_refusal_fails_at_once_with_what_was_said(
    app: Flask, standin: StandinServer, status: int
) -> None:
    decide(RETIRE, ADD, subjects=(1001,))
    standin.fail(f"/api/.*{RETIRED}", status=status, message="Not like this", times=-1)
    perform(100)
    assert states() == [("failed", 1), ("completed", 1)]  # what comes after does not wait for it
    assert values(SubjectAction.last_error, by=SubjectAction.id) == ["Not like this", None]


def test_while_panoptes_is_away_nothing_is_lost_and_nothing_is_done_twice(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE, {**ADD, "subject_set_id": 11})
    standin.fail("/", drop=True, times=-1)
    perform(100)
    assert states() == [("pending", 1), ("pending", 0)] * 5
    standin.lift_faults()
    make_due()
    standin.clear_log()
    perform(100)
    assert subjects_sent(standin, "") == [list(SUBJECTS), list(SUBJECTS)]
    assert [status for status, _ in states()] == ["completed"] * 10


def test_one_volunteer_whose_promotion_fails_keeps_no_other_back(
    app: Flask, standin: StandinServer
) -> None:
    with db.session.begin():
        make_workflow(db.session(), **document(user_effects=(PROMOTE,)))
    receive([make_event(id, user=user) for id, user in enumerate((CAROL, STRANGER, BOB), 1)])
    process()
    standin.fail("/api/project_preferences$", status=500, times=1)  # what Carol's begins with
    perform(100)
    assert rows(UserAction.user_id, UserAction.status) == [
        (BOB, "completed"),
        (CAROL, "pending"),
        (STRANGER, "failed"),
    ]


def test_a_halted_workflow_performs_nothing_a_paused_one_does(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE)
    for status, expected in (("halted", "pending"), ("paused", "completed")):
        with db.session.begin():
            db.session.get_one(Workflow, 100).status = status
        perform(100)
        assert {state for state, _ in states()} == {expected}


def claim() -> list[actions.Claim]:
    now = datetime.now(UTC)
    with db.session.begin():
        claims = actions.claim(
            db.session(),
            SUBJECT_ACTIONS,
            100,
            now=now,
            lease_until=now + timedelta(seconds=60),
            most=100,
        )
    db.session.remove()
    return claims


def test_what_one_worker_performs_no_other_claims_until_its_lease_ends(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE, ADD)
    silent = claim()
    assert [one.target_id for one in silent] == list(SUBJECTS)
    assert claim() == []
    perform(100)
    assert sent(standin, "") == []
    make_due()
    perform(100)
    assert states() == [("completed", 2), ("completed", 1)] * 5


def test_a_worker_that_wakes_up_too_late_changes_nothing(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE, subjects=(1001,))
    (silent,) = claim()
    make_due()
    perform(100)
    late = Outcome(
        silent.id, silent.attempts, "pending", "Panoptes did not answer in time", START, None, START
    )
    with db.session.begin():
        actions.record(db.session(), SUBJECT_ACTIONS, [late])
    assert states() == [("completed", 2)]


def test_an_effect_that_this_version_does_not_know_fails_alone(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE, ADD, subjects=(1001, 1002))
    with db.session.begin():
        first = SubjectAction.effect_type == "retire_subject"
        db.session.execute(update(SubjectAction).where(first).values(effect_type="levitate"))
    perform(100)
    assert states() == [("failed", 1), ("completed", 1)] * 2


def test_a_failure_that_nobody_thought_of_keeps_no_other_back(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE, ADD, subjects=(1001,))
    classify(1002, first=11)
    with db.session.begin():
        odd = (SubjectAction.effect_type == "add_subject_to_set") & (
            SubjectAction.subject_id == 1001
        )
        db.session.execute(update(SubjectAction).where(odd).values(config={}))
    perform(100)
    states_of = {
        row[:2]: row[2]
        for row in rows(SubjectAction.subject_id, SubjectAction.effect_type, SubjectAction.status)
    }
    assert states_of[1002, "add_subject_to_set"] == "completed"
    assert states_of[1001, "add_subject_to_set"] != "completed"
