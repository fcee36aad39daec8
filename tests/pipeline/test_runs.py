"""Runs: begun once, carried on by one worker at a time, stopped, and taken up where they were."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from caesar_web.jobs import running
from caesar_web.pipeline import run_kinds, withholding
from caesar_web.pipeline.runs import Kind, Means, RunFailed, Step, Work, Write
from caesar_web.store import run_statements as statements
from caesar_web.store import withheld_statements as withheld
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import SubjectRuleEffect, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.run_statements import Failure
from caesar_web.store.runs import Run, RunFile, RunTarget, Withheld
from caesar_web.store.snapshot import Reducible
from tests.factories import JSON, START, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.running import begin, carry_out, failures, make_due, state, take_steps
from tests.pipeline.steps import process, receive

STEPS = 5


def count(means: Means, work: Work) -> Write:
    """A run of five steps, the second of which finds something odd."""
    at = work.checkpoint or 0

    def write(session: Session) -> Step:
        odd = [Failure("step 2", "it was odd")] if at == 1 else []
        return Step(at + 1, 1, odd, total=STEPS, is_over=at + 1 == STEPS)

    return write


@pytest.fixture
def counting(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(run_kinds.KINDS, "count", Kind("steps", count))


def fail(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(means: Means, work: Work) -> Write:
        raise problem

    monkeypatch.setitem(run_kinds.KINDS, "count", Kind("steps", prepare))


def test_step_by_step_to_its_end(counting: None) -> None:
    begun = begin("count")
    assert (state(begun.run_id).status, state(begun.run_id).total) == ("waiting", None)
    assert take_steps(begun.run_id, most=2, works=False) == "running"
    run = state(begun.run_id)
    assert (run.done, run.total, run.failed, run.checkpoint) == (2, STEPS, 1, 2)
    assert failures(run.id) == [("step 2", "it was odd")]
    make_due(run.id)
    assert take_steps(run.id, works=False) == "finished"
    run = state(run.id)
    assert (run.done, run.failed, run.checkpoint) == (STEPS, 1, STEPS)
    assert run.finished_at is not None


def test_asking_twice_gives_the_one_that_runs(counting: None) -> None:
    first = begin("count", about="these")
    assert first.is_new
    assert begin("count", about="these") == (first.run_id, False)
    assert begin("count", about="others").is_new
    assert begin("count", about="these", reducible=Reducible("Project", 100)).is_new
    take_steps(first.run_id, works=False)
    assert begin("count", about="these").is_new


def test_one_worker_at_a_time(counting: None) -> None:
    run_id = begin("count").run_id
    held = running.claim(run_id)
    assert held is not None
    assert running.claim(run_id) is None


def test_who_comes_back_late_writes_nothing(counting: None) -> None:
    run_id = begin("count").run_id
    late = running.claim(run_id)
    assert late is not None
    make_due(run_id)  # its lease has ended
    assert running.claim(run_id) is not None
    with pytest.raises(running.Taken):
        running.take_step(late)
    assert (state(run_id).done, state(run_id).checkpoint) == (0, None)


def test_stopped_while_nobody_works_on_it(counting: None) -> None:
    run_id = begin("count").run_id
    stop(run_id)
    run = state(run_id)
    assert run.status == "cancelled"
    assert run.finished_at is not None
    assert START < run.finished_at <= datetime.now(UTC)
    assert running.claim(run_id) is None


def test_stopped_after_the_step_that_is_being_taken(counting: None) -> None:
    run_id = begin("count").run_id
    held = running.claim(run_id)
    assert held is not None
    stop(run_id)
    assert state(run_id).status == "stopping"
    assert running.take_step(held)[1] == "cancelled"
    run = state(run_id)
    assert run.done == 1
    assert run.started_at is not None
    assert run.finished_at is not None
    assert START < run.started_at <= run.finished_at <= datetime.now(UTC)


def test_a_last_step_finishes_also_where_somebody_stops_it(counting: None) -> None:
    run_id = begin("count").run_id
    take_steps(run_id, most=STEPS - 1, works=False)
    make_due(run_id)
    held = running.claim(run_id)
    assert held is not None
    stop(run_id)
    assert running.take_step(held)[1] == "finished"


def test_resumed_from_where_it_was(counting: None) -> None:
    run_id = begin("count").run_id
    take_steps(run_id, most=3, works=False)
    make_due(run_id)
    stop(run_id)
    with db.session.begin():
        run = db.session.get_one(Run, run_id)
        statements.resume(db.session(), run, now=datetime.now(UTC))
    db.session.remove()
    assert take_steps(run_id, works=False) == "finished"
    assert state(run_id).done == STEPS


@pytest.mark.parametrize(
    ("problem", "status", "error"),
    [
        (RunFailed("there is nothing"), "failed", "there is nothing"),
        (ValueError("of ours, with an answer of somebody"), "failed", "ValueError"),
        (OperationalError("SELECT 1", {}, Exception("away")), "running", "OperationalError"),
    ],
)
def test_what_goes_wrong(
    app: Flask, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: str, error: str
) -> None:
    fail(problem, monkeypatch)
    run_id = begin("count").run_id
    running.carry_on(run_id)
    assert (state(run_id).status, state(run_id).last_error) == (status, error)


def test_what_keeps_going_wrong_fails_at_last(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(OperationalError("SELECT 1", {}, Exception("away")), monkeypatch)
    run_id = begin("count").run_id
    with db.session.begin():
        db.session.execute(update(Run).values(attempts=running.MOST_ATTEMPTS))
    running.carry_on(run_id)
    assert state(run_id).status == "failed"


def test_carried_on_by_a_job_no_faster_than_it_may(
    counting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("caesar_web.jobs.running.time.sleep", slept.append)
    run_id = begin("count", rate=60).run_id
    running.carry_on(run_id)
    assert state(run_id).status == "finished"
    assert len(slept) == STEPS - 1
    assert all(0.5 < seconds <= 1 for seconds in slept)


def test_slower_than_a_worker_waits_it_is_left_until_then(counting: None) -> None:
    run_id = begin("count", rate=1).run_id
    running.carry_on(run_id)
    run = state(run_id)
    assert (run.status, run.done) == ("running", 1)
    assert run.not_before > datetime.now(UTC) + timedelta(seconds=50)
    running.carry_on(run_id)  # rung for again, too early
    assert state(run_id).done == 1


def test_what_is_due(counting: None) -> None:
    first, second = begin("count", about="1").run_id, begin("count", about="2").run_id
    make_due(second)
    assert due() == [second, first]
    running.claim(first)
    assert due() == [second]
    take_steps(second, works=False)
    assert due() == []


def test_lost_where_nobody_comes_for_it(counting: None) -> None:
    run_id = begin("count").run_id
    soon, late = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (1, 6))
    assert not statements.is_lost(state(run_id), now=soon)
    assert statements.is_lost(state(run_id), now=late)
    take_steps(run_id, works=False)
    assert not statements.is_lost(state(run_id), now=late)


def test_targets_and_a_file(counting: None) -> None:
    run_id = begin("count", targets=[7, 5, 9], file=("a.csv", b"1,2\r\n\xff")).run_id
    wanted = (RunTarget.position, RunTarget.target_id)
    assert rows(*wanted) == [(1, 7), (2, 5), (3, 9)]
    assert state(run_id).total == 3
    assert rows(RunFile.run_id, RunFile.name, RunFile.body) == [(run_id, "a.csv", b"1,2\r\n\xff")]


def due() -> list[int]:
    found = statements.due(db.session(), now=datetime.now(UTC), most=10)
    db.session.remove()
    return found


def stop(run_id: int) -> None:
    with db.session.begin():
        assert statements.stop(db.session(), run_id, now=datetime.now(UTC))
    db.session.remove()


# What a run withheld

RULES: JSON = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {
        "counts": {"type": "stats"},
        "by_user": {"type": "count", "topic": "reduce_by_user"},
    },
    "rules_config": [
        {
            "if": ["gte", ["lookup", "counts.lion", 0], ["const", 1]],
            "then": [
                {"action": "retire_subject"},
                {
                    "action": "external",
                    "url": "https://receiver.example/",
                    "reducer_key": "counts",
                },
            ],
        }
    ],
    "user_rules_config": [
        {"if": ["const", True], "then": [{"action": "promote_user", "workflow_id": 101}]}
    ],
}


@pytest.fixture
def withholding_run(app: Flask) -> int:
    """A run in which two subjects met a rule, one of them twice, and one volunteer another."""
    with db.session.begin():
        make_workflow(db.session(), **RULES, rules_applied="no_rules")
    db.session.remove()
    receive([make_event(id, subject=id // 2, user=5, choice="lion") for id in (2, 4)])
    receive([make_event(5, subject=2, choice="lion")])
    process()
    with db.session.begin():
        db.session.get_one(Workflow, 100).rules_applied = "all_matching_rules"
        db.session.get_one(Workflow, 100).revision += 1
    db.session.remove()
    return carry_out("rereduce").id


def summed(run_id: int) -> list[tuple[str, int]]:
    found = [(one.effect_type, one.number) for one in withheld.summed(db.session(), run_id)]
    db.session.remove()
    return sorted(found)


def apply(run_id: int) -> dict[int, int]:
    with db.session.begin():
        counts = withholding.apply(db.session(), run_id, now=datetime.now(UTC))
    db.session.remove()
    return counts


def test_it_is_counted_and_applied(withholding_run: int) -> None:
    assert values(SubjectAction.id) == []
    expected = [("external", 2), ("promote_user", 1), ("retire_subject", 2)]
    assert summed(withholding_run) == expected
    assert apply(withholding_run) == {100: 5}
    acted = rows(
        SubjectAction.subject_id,
        SubjectAction.effect_type,
        SubjectAction.occurrence,
        by=(SubjectAction.subject_id, SubjectAction.effect_type),
    )
    assert acted == [
        (1, "external", None),
        (1, "retire_subject", 0),
        (2, "external", None),
        (2, "retire_subject", 0),
    ]
    assert values(UserAction.user_id) == [5]
    payloads: list[Any] = values(
        SubjectAction.payload, SubjectAction.effect_type == "external", SubjectAction.subject_id
    )
    assert [one["data"] for one in payloads] == [{"lion": 1}, {"lion": 2}]  # the newest
    assert rows(Workflow.subject_actions_count, Workflow.user_actions_count) == [(4, 1)]
    assert (summed(withholding_run), apply(withholding_run)) == ([], {})


def test_what_the_stream_has_decided_since_is_left_out(withholding_run: int) -> None:
    receive([make_event(9, subject=1, user=6, choice="lion")])
    process()
    assert summed(withholding_run) == [
        ("external", 2),  # its receiver wants every update
        ("promote_user", 1),
        ("retire_subject", 1),
    ]
    apply(withholding_run)
    retired = values(SubjectAction.subject_id, SubjectAction.effect_type == "retire_subject")
    assert sorted(retired) == [1, 2]


def test_an_effect_that_was_changed_since_does_not_act(withholding_run: int) -> None:
    with db.session.begin():
        db.session.execute(update(SubjectRuleEffect).values(revision=2))
    assert apply(withholding_run) == {100: 1}
    assert values(SubjectAction.id) == []
    assert len(values(Withheld.id)) == 4


def test_what_is_kept_while_paused_is_followed(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **RULES, status="paused")
    receive([make_event(id, subject=id, choice="lion") for id in (1, 2, 3)])
    with db.session.begin():
        db.session.get_one(Workflow, 100).status = "active"
    receive([make_event(4, subject=4)])  # not kept: it is live
    positions = values(Classification.position)
    run = carry_out("kept", options={"position": positions[2], "kept": 3}, acts=True)
    assert (run.status, run.done) == ("finished", 3)
    assert len(values(SubjectAction.id)) == 6
