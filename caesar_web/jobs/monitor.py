"""How queues and their workers fare, as Redis tells it, in two round trips."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from redis import Redis, RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import utcparse
from rq.worker import WorkerStatus
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from caesar_web.jobs.queues import connection


class QueueState(NamedTuple):
    """A queue: its waiting jobs and the age of the oldest, its workers, and jobs that failed.

    A worker that was killed counts until its key in Redis ends: `worker.SILENT_SECONDS` and a
    minute, or the longest time of the job that it was at.
    """

    name: str
    size: int
    oldest_seconds: float | None
    workers: int
    busy: int
    failed: int


class _Seen(NamedTuple):
    """What one queue holds: ids and keys in Redis."""

    name: str
    size: int
    oldest: str | None
    workers: list[str]
    failed: int


def queue_states(url: str, names: Sequence[str], *, now: datetime) -> list[QueueState] | None:
    """The queues in the given order; None where Redis is away."""
    try:
        redis = connection(url)
        seen = _look(redis, names)
        return _ask_of(redis, seen, now)
    except RedisError:
        return None


def redis_answers(url: str) -> bool:
    """Whether Redis does."""
    try:
        return bool(connection(url).ping())
    except RedisError:
        return False


def _look(redis: Redis, names: Sequence[str]) -> list[_Seen]:
    with redis.pipeline(transaction=False) as together:
        for name in names:
            queue = Queue(name, connection=redis, serializer=JSONSerializer)
            together.llen(queue.key)
            together.lindex(queue.key, 0)
            together.smembers(WORKERS_BY_QUEUE_KEY % name)
            together.zcard(queue.failed_job_registry.key)
        found = together.execute()
    return [
        _Seen(name, size, _text(oldest), [str(_text(key)) for key in keys], failed)
        for name, size, oldest, keys, failed in zip(
            names, found[::4], found[1::4], found[2::4], found[3::4], strict=True
        )
    ]


def _ask_of(redis: Redis, seen: Sequence[_Seen], now: datetime) -> list[QueueState]:
    with redis.pipeline(transaction=False) as together:
        for one in seen:
            together.hget(Job.key_for(one.oldest or ""), "enqueued_at")
            for key in one.workers:
                together.hmget(key, "birth", "state")
        answers = iter(together.execute())
    states = []
    for one in seen:
        since = _text(next(answers))
        workers = [next(answers) for _ in one.workers]
        alive = [_text(state) for birth, state in workers if birth]
        age = max(0.0, (now - utcparse(since)).total_seconds()) if since else None
        busy = alive.count(WorkerStatus.BUSY)
        states.append(QueueState(one.name, one.size, age, len(alive), busy, one.failed))
    return states


def _text(value: Any) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
