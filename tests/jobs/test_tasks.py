"""Jobs and the sweep: nothing is lost while a job finishes, and none keeps the others back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException

from caesar_web import logs
from caesar_web.domain.classification import Classification as ClassificationValue
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import extraction, processing
from caesar_web.pipeline.processing import Turn, TurnFailed, take_turn
from caesar_web.store import inbox_statements
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from tests.factories import START, make_event
from tests.jobs.ringing import (
    GOLD,
    add_workflow,
    begin_job,
    elsewhere,
    jobs,
    post,
    waiting,
    work_off,
)
from tests.pipeline.steps import receive

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


# Nothing is lost while a job is finishing


@on_postgresql
def test_what_comes_in_during_the_last_look_is_rung_for_again(
    app: Flask, url: str, redis: Redis, workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = take_turn
    late = iter([2])

    def turn(*arguments: Any, **named: Any) -> Turn:
        taken = really(*arguments, **named)
        if not taken.processed and (id := next(late, None)):
            elsewhere(app, lambda: post(url, id))  # while this transaction is open
        return taken

    monkeypatch.setattr(tasks, "take_turn", turn)
    post(url, 1)
    work_off(redis)
    assert waiting() == []


@on_postgresql
def test_the_holder_of_a_lane_looks_once_more_for_those_who_found_it_taken(
    app: Flask, url: str, redis: Redis, workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = take_turn
    late = iter([2])
    found_by_other: list[list[int]] = []

    def turn(*arguments: Any, **named: Any) -> Turn:
        taken = really(*arguments, **named)
        if id := next(late, None):
            elsewhere(
                app,
                lambda: post(url, id),
                lambda: begin_job(redis),  # it finds the lane taken, and leaves
                lambda: found_by_other.append(waiting()),
            )
        return taken

    monkeypatch.setattr(tasks, "take_turn", turn)
    receive([make_event(1)])
    tasks.process(workflow, 0)
    assert found_by_other == [[1, 2]]
    assert waiting() == []


@on_postgresql
def test_a_lane_that_was_taken_in_vain_is_looked_at_once_more(
    app: Flask, url: str, redis: Redis, workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its work was done by another just before, and those who came meanwhile found it taken."""
    really_waiting, really_claim = inbox_statements.waiting_by_lane, inbox_statements.claim
    counts, claims = iter([1]), iter([2])

    def waiting_by_lane(*arguments: Any, **named: Any) -> dict[int, int]:
        found = really_waiting(*arguments, **named)
        if next(counts, None):
            elsewhere(app, lambda: tasks.process(workflow, 0))
        return found

    def claim(*arguments: Any, **named: Any) -> Any:
        claimed = really_claim(*arguments, **named)
        if not claimed and (id := next(claims, None)):
            elsewhere(app, lambda: post(url, id), lambda: begin_job(redis))
        return claimed

    receive([make_event(1)])
    monkeypatch.setattr(inbox_statements, "waiting_by_lane", waiting_by_lane)
    monkeypatch.setattr(inbox_statements, "claim", claim)
    tasks.process(workflow, 0)
    assert next(claims, None) is None, "the lane was not taken in vain"
    assert waiting() == []


# A job


def test_others_wait_only_while_a_job_waits(url: str, redis: Redis) -> None:
    assert not queues.others_wait(url, GOLD)
    queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
    assert not queues.others_wait(url, GOLD)
    queues.ring_classifications(url, 101, queue=GOLD)
    assert queues.others_wait(url, GOLD)
    assert queues.sizes(url, [queues.CLASSIFICATIONS, GOLD]) == {
        queues.CLASSIFICATIONS: 1,
        GOLD: 1,
    }


def test_a_job_goes_to_the_back_of_the_queue_after_a_turn(
    app: Flask, url: str, redis: Redis, workflow: int
) -> None:
    limited = replace(app.extensions["caesar_config"], turn_classifications=2)
    app.extensions["caesar_config"] = limited
    add_workflow(101)
    receive([make_event(id) for id in range(1, 6)])
    queues.ring_classifications(url, 101, queue=queues.CLASSIFICATIONS)
    tasks.process(workflow, 0)
    assert waiting() == [3, 4, 5]
    # One for another worker, who may take other lanes, and one to go on here.
    assert [job.args for job in jobs(redis)] == [[101, 0], [workflow, 1], [workflow, 0]]
    work_off(redis)
    assert waiting() == []


def test_a_classification_that_cannot_be_processed_holds_up_no_other(
    redis: Redis, workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = extraction.extract

    def extract(claimed: Any, *arguments: Any, **named: Any) -> Any:
        classification: ClassificationValue = claimed.classification
        if classification.id == 3:
            raise ValueError("the third is bad")
        return really(claimed, *arguments, **named)

    monkeypatch.setattr(processing, "extract", extract)
    receive([make_event(id, choice="lion") for id in range(1, 8)])
    tasks.process(workflow, 0)
    work_off(redis)
    assert waiting() == [3]
    bad = db.session.get(Classification, 3)
    assert bad is not None
    assert bad.failed_reason == "ValueError: the third is bad"


def test_a_job_that_takes_too_long_puts_the_blame_on_nothing(
    redis: Redis, workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extract(*_: Any, **__: Any) -> Any:
        raise JobTimeoutException("Task exceeded maximum timeout value (300 seconds)")

    receive([make_event(1)])
    with monkeypatch.context() as patched:
        patched.setattr(processing, "extract", extract)
        with pytest.raises(TurnFailed):
            tasks.process(workflow, 0)
    tasks.process(workflow, 0)
    assert waiting() == []


# Which queue, and the sweep


@pytest.mark.parametrize(
    ("own", "used"),
    [(None, queues.CLASSIFICATIONS), (GOLD, GOLD), ("silver", queues.CLASSIFICATIONS)],
)
def test_the_queue_of_a_workflow_is_its_own_where_that_is_served(
    app: Flask, redis: Redis, own: str | None, used: str
) -> None:
    workflow_id = add_workflow(100, custom_queue_name=own)
    assert tasks.queue_of(db.session(), workflow_id) == used
    db.session.remove()
    receive([make_event(1)])
    tasks.sweep()
    assert [job.args for job in jobs(redis, used)] == [[workflow_id, 0]]


def test_the_queue_of_an_unknown_workflow_is_the_shared_one(app: Flask) -> None:
    assert tasks.queue_of(db.session(), 999) == queues.CLASSIFICATIONS
    db.session.remove()


def test_the_sweep_rings_for_what_waits_and_for_nothing_else(app: Flask, redis: Redis) -> None:
    for id in (100, 101, 102, 103):
        add_workflow(id)
    receive([make_event(id, workflow=id) for id in (100, 102, 103)])
    set_status(102, "paused")
    set_status(103, "halted")
    tasks.sweep()
    assert [job.args for job in jobs(redis)] == [[100, 0]]
    assert jobs(redis, queues.ACTIONS) == []


def test_the_sweep_rings_for_actions_that_are_due(app: Flask, redis: Redis) -> None:
    for id in (100, 101, 102, 103, 104):
        add_workflow(id)
    add_action(100)
    add_action(101, not_before=START.replace(year=9999))
    add_action(102)
    add_action(103)
    add_action(104, status="completed")
    set_status(102, "paused")  # takes in and performs, but does not process
    set_status(103, "halted")
    tasks.sweep()
    assert sorted(job.args for job in jobs(redis, queues.ACTIONS)) == [[100], [102]]
    assert jobs(redis) == []


def set_status(workflow_id: int, status: str) -> None:
    with db.session.begin():
        workflow = db.session.get(Workflow, workflow_id)
        assert workflow is not None
        workflow.status = status
    db.session.remove()


def add_action(workflow_id: int, **columns: Any) -> None:
    values = {
        "workflow_id": workflow_id,
        "rule_id": 1,
        "effect_id": workflow_id,
        "effect_revision": 1,
        "subject_id": 1,
        "effect_type": "retire_subject",
        "config": {"reason": "other"},
        "not_before": START,
        "created_at": START,
        "updated_at": START,
    }
    with db.session.begin():
        db.session.add(SubjectAction(**{**values, **columns}))
    db.session.remove()


# What it logs


def fail_of_run(run_id: int, answer: str) -> None:
    """What a job of a run does that fails."""
    raise LookupError(answer)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_that_fails_says_which_and_not_why(
    app: Flask, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    production = replace(app.extensions["caesar_config"], environment="production")
    caplog.handler.setFormatter(logs.formatter(replace(production, log_format="json")))
    queue = Queue(GOLD, connection=redis, serializer=JSONSerializer)
    arguments = (5, "a volunteer's answer")
    job = queue.enqueue_call("tests.jobs.test_tasks.fail_of_run", arguments, failure_ttl=10)
    queue.enqueue_call("tests.jobs.test_tasks.is_not_there", failure_ttl=10)
    work_off(redis, GOLD)
    first, second = [json.loads(line) for line in caplog.text.splitlines()]
    assert (first["job"], first["run"]) == (job.id, 5)
    assert first["message"] == f"job {job.id} failed"
    assert "LookupError" in first["exception"]
    assert "run" not in second
    assert "a volunteer's answer" not in caplog.text
    assert logs.ids() == {}


def test_a_turn_that_fails_is_logged_with_its_job_and_workflow(
    app: Flask, url: str, redis: Redis, workflow: int, caplog: pytest.LogCaptureFixture
) -> None:
    production = replace(app.extensions["caesar_config"], environment="production")
    caplog.handler.setFormatter(logs.formatter(replace(production, log_format="json")))

    def explode(claimed: Any, *_: Any, **__: Any) -> Any:
        raise KeyError(claimed.classification.annotations)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing, "extract", explode)
        receive([make_event(1, choice="a volunteer's answer")])
        queues.ring_classifications(url, workflow, queue=queues.CLASSIFICATIONS)
        (job,) = jobs(redis)
        work_off(redis)
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    assert {(line["job"], line["workflow"]) for line in lines} == {(job.id, workflow)}
    assert "KeyError" in lines[0]["exception"]
    assert "a volunteer's answer" not in caplog.text
