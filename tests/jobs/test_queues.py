"""Rings: coalesced, never in the way of one another, and harmless when Redis is away."""

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from caesar_web.jobs import queues, tasks
from caesar_web.pipeline.processing import Turn
from tests.factories import make_event
from tests.jobs.ringing import (
    jobs,
    waiting,
    work_off,
)
from tests.pipeline.steps import receive
from tests.services import RedisServer

NOWHERE = "unix:///nowhere/redis.sock"


def test_rings_for_the_same_are_one_job(url: str, redis: Redis) -> None:
    for _ in range(3):
        queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
    assert [job.args for job in jobs(redis)] == [[100, 0]]


def test_rings_for_something_else_are_jobs_of_their_own(url: str, redis: Redis) -> None:
    for workflow_id, slot in ((100, 0), (100, 1), (101, 0), (100, queues.SLOTS)):
        queues.ring_classifications(url, workflow_id, queue=queues.CLASSIFICATIONS, slot=slot)
    queues.ring_actions(url, 100)
    assert [job.args for job in jobs(redis)] == [[100, 0], [100, 1], [101, 0]]
    assert [job.args for job in jobs(redis, queues.ACTIONS)] == [[100]]


def test_an_unanswered_ring_may_be_repeated_in_the_end(url: str, redis: Redis) -> None:
    queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
    (flag,) = redis.keys("caesar:ring:*")
    assert 0 < redis.ttl(flag) <= queues.RING_SECONDS


def test_jobs_are_json_and_leave_nothing_behind(url: str, redis: Redis, workflow: int) -> None:
    queues.ring_classifications(url, workflow, queue=queues.CLASSIFICATIONS)
    queues.ring_actions(url, workflow)
    (job,) = jobs(redis)
    assert job.result_ttl == 0
    kept = redis.hget(job.key, "data")
    assert isinstance(kept, bytes)
    name, instance, arguments, named = json.loads(zlib.decompress(kept))
    assert (name, arguments) == ("caesar_web.jobs.tasks.process", [workflow, 0])
    assert (instance, named) == (None, {})
    work_off(redis)
    work_off(redis, queues.ACTIONS)
    assert list(redis.scan_iter("rq:job:*")) == list(redis.scan_iter("rq:results:*")) == []


def test_a_ring_after_the_job_has_begun_is_a_new_job(
    url: str, redis: Redis, workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []

    def turn_in_which_it_rings(*_: Any, **__: Any) -> Turn:
        if not turns:
            queues.ring_classifications(url, workflow, queue=queues.CLASSIFICATIONS)
        turns.append(len(jobs(redis)))
        return Turn()

    monkeypatch.setattr(tasks, "take_turn", turn_in_which_it_rings)
    queues.ring_classifications(url, workflow, queue=queues.CLASSIFICATIONS)
    work_off(redis)
    assert turns == [1, 0]


def test_rings_do_not_raise_when_redis_is_away(app: Flask, workflow: int) -> None:
    queues.ring_classifications(NOWHERE, workflow, queue=queues.CLASSIFICATIONS)
    queues.ring_actions(NOWHERE, workflow)
    queues.answer(NOWHERE, "100:0")
    assert not queues.others_wait(NOWHERE, queues.CLASSIFICATIONS)
    assert queues.sizes(NOWHERE, [queues.CLASSIFICATIONS]) is None


def test_a_ring_that_redis_hears_too_late_keeps_no_other_from_being_heard(
    url: str, redis: Redis, redis_of_session: RedisServer
) -> None:
    redis_of_session.freeze()
    try:
        queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
    finally:
        redis_of_session.thaw()
    redis.ping()  # by now it has heard what was said while it hung
    queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
    assert [job.args for job in jobs(redis)] == [[100, 0]]


def test_a_job_that_runs_does_not_need_redis(app: Flask, workflow: int) -> None:
    receive([make_event(1), make_event(2)])
    app.extensions["caesar_config"] = replace(app.extensions["caesar_config"], redis_url=NOWHERE)
    tasks.process(workflow, 0)
    tasks.sweep()
    assert waiting() == []
