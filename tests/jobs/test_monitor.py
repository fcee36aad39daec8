"""Queues and workers as Redis tells of them, and as it does not when it is away or hangs."""

from datetime import UTC, datetime, timedelta

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from caesar_web.jobs import monitor, queues
from caesar_web.jobs.monitor import QueueState
from caesar_web.jobs.worker import Worker
from tests.jobs.ringing import GOLD, jobs, socket_of, work_off
from tests.services import RedisServer

NAMES = [queues.CLASSIFICATIONS, queues.ACTIONS]
NOWHERE = "unix:///nowhere/redis.sock"


def now() -> datetime:
    return datetime.now(UTC)


def test_nothing_waits_and_nobody_works(url: str) -> None:
    assert monitor.queue_states(url, NAMES, now=now()) == [
        QueueState(name, 0, None, 0, 0, 0) for name in NAMES
    ]
    assert monitor.redis_answers(url)


def test_jobs_that_wait_and_the_age_of_the_next(url: str, redis: Redis) -> None:
    for workflow_id in (1, 2, 3):
        queues.ring_classifications(url, workflow_id, queue=queues.CLASSIFICATIONS)
    queues.ring_actions(url, 1)
    first, *_ = jobs(redis)
    assert first.enqueued_at is not None
    later = first.enqueued_at.replace(tzinfo=UTC) + timedelta(minutes=5)
    found = monitor.queue_states(url, NAMES, now=later)
    assert found is not None
    assert [one.size for one in found] == [3, 1]
    assert found[0].oldest_seconds == 300
    assert [one.failed for one in found] == [0, 0]


def test_workers_are_counted_where_they_work(url: str, redis: Redis) -> None:
    with Redis.from_url(f"unix://{socket_of(redis)}") as own:
        workers = [
            Worker(
                [Queue(name, connection=own, serializer=JSONSerializer)],
                connection=own,
                serializer=JSONSerializer,
            )
            for name in (queues.CLASSIFICATIONS, queues.CLASSIFICATIONS, queues.ACTIONS)
        ]
        for worker in workers:
            worker.register_birth()  # type: ignore[no-untyped-call]  # RQ has no type for it
        workers[0].set_state("busy")
        redis.sadd("rq:workers:actions", "rq:worker:one-whose-key-has-ended")
        found = monitor.queue_states(url, [*NAMES, GOLD], now=now())
        for worker in workers:
            worker.register_death()  # type: ignore[no-untyped-call]  # nor for this
        own.connection_pool.disconnect()
    assert found is not None
    assert [(one.workers, one.busy) for one in found] == [(2, 1), (1, 0), (0, 0)]


def test_jobs_that_failed(url: str, redis: Redis) -> None:
    queue = Queue(GOLD, connection=redis, serializer=JSONSerializer)
    queue.enqueue_call("tests.jobs.test_monitor.fail", failure_ttl=100)
    work_off(redis, GOLD)
    (found,) = monitor.queue_states(url, [GOLD], now=now()) or []
    assert (found.size, found.failed) == (0, 1)


def fail() -> None:
    """What a job does that fails."""
    raise LookupError("a volunteer's answer")


def test_a_job_that_is_gone_has_no_age(url: str, redis: Redis) -> None:
    queues.ring_actions(url, 1)
    (job,) = jobs(redis, queues.ACTIONS)
    redis.delete(Job.key_for(job.id))
    (found,) = monitor.queue_states(url, [queues.ACTIONS], now=now()) or []
    assert (found.size, found.oldest_seconds) == (1, None)


def test_redis_is_away() -> None:
    assert monitor.queue_states(NOWHERE, NAMES, now=now()) is None
    assert not monitor.redis_answers(NOWHERE)


def test_redis_hangs(own_redis: RedisServer) -> None:
    assert monitor.redis_answers(own_redis.url)
    own_redis.freeze()
    try:
        assert monitor.queue_states(own_redis.url, NAMES, now=now()) is None
    finally:
        own_redis.thaw()
