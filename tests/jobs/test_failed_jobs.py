"""Jobs that failed: what they were to do and why they failed, done again, or forgotten."""

import pytest
from redis import Redis, RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from caesar_web.jobs import failed_jobs, queues
from caesar_web.jobs.failed_jobs import kind_of_exception
from tests.jobs.ringing import GOLD, jobs, work_off

NOWHERE = "unix:///nowhere/redis.sock"
BOTH = [queues.CLASSIFICATIONS, GOLD]


def fail(workflow_id: int) -> None:
    """What a job does that fails."""
    raise LookupError(f"a volunteer's answer\nin workflow {workflow_id}")


def _fail(redis: Redis, *workflow_ids: int) -> None:
    queue = Queue(GOLD, connection=redis, serializer=JSONSerializer)
    for workflow_id in workflow_ids:
        queue.enqueue_call("tests.jobs.test_failed_jobs.fail", (workflow_id,), failure_ttl=100)
    work_off(redis, GOLD)


def test_nothing_has_failed(url: str) -> None:
    assert failed_jobs.failed_jobs(url, BOTH) == []
    assert failed_jobs.retry(url, []) == failed_jobs.discard(url, ["none"]) == 0


def test_what_failed_and_why_without_what_it_says(url: str, redis: Redis) -> None:
    _fail(redis, 100, 200)
    found = failed_jobs.failed_jobs(url, BOTH)
    assert found is not None
    told = {(one.queue, one.function, one.arguments, one.exception) for one in found}
    function = "tests.jobs.test_failed_jobs.fail"
    assert told == {(GOLD, function, (id,), "LookupError") for id in (100, 200)}
    assert all(one.at is not None and one.at.tzinfo for one in found)
    assert len(failed_jobs.failed_jobs(url, BOTH, most=1) or ()) == 1


def test_done_again_or_forgotten_exactly_those(url: str, redis: Redis) -> None:
    _fail(redis, 1, 2, 3)
    found = {one.arguments: one.id for one in failed_jobs.failed_jobs(url, BOTH) or ()}
    assert failed_jobs.retry(url, [found[1,], "none"]) == 1
    assert [job.args for job in jobs(redis, GOLD)] == [[1]]
    assert failed_jobs.retry(url, [found[1,]]) == 0
    assert failed_jobs.discard(url, [found[2,]]) == 1
    assert failed_jobs.discard(url, [found[1,], found[2,]]) == 0
    assert [one.arguments for one in failed_jobs.failed_jobs(url, BOTH) or ()] == [(3,)]
    assert [job.args for job in jobs(redis, GOLD)] == [[1]]


def test_redis_is_away() -> None:
    assert failed_jobs.failed_jobs(NOWHERE, BOTH) is None
    for act in (failed_jobs.retry, failed_jobs.discard):
        with pytest.raises(RedisError):
            act(NOWHERE, ["one"])


@pytest.mark.parametrize(
    ("traceback", "kind"),
    [
        ("", "unknown"),
        ("Traceback:\n  File\nLookupError: 'x'\n", "LookupError"),
        ("ValueError: one\nof two lines", "ValueError"),
        ("redis.exceptions.TimeoutError", "redis.exceptions.TimeoutError"),
        ("Work-horse terminated unexpectedly", "unknown"),
    ],
)
def test_the_kind_of_an_exception(traceback: str, kind: str) -> None:
    assert kind_of_exception(traceback) == kind
