"""Jobs that failed, as Redis keeps them for a day; having them done again, or forgetting them.

Nothing is lost with them, as a job only says where there is work.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from redis import Redis, RedisError
from rq.exceptions import InvalidJobOperation
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from caesar_web.jobs.queues import connection

MOST = 500  # of each queue

_KIND = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")


class FailedJob(NamedTuple):
    """A job that failed, and the kind of its exception; what that says may quote an answer."""

    id: str
    queue: str
    function: str
    arguments: tuple[Any, ...]
    exception: str
    at: datetime | None


def failed_jobs(url: str, queues: Sequence[str], *, most: int = MOST) -> list[FailedJob] | None:
    """The jobs of these queues that failed; None where Redis is away."""
    try:
        redis = connection(url)
        return [_told(job, result) for job, result in _look(redis, queues, most)]
    except RedisError:
        return None


def retry(url: str, ids: Collection[str]) -> int:
    """Puts failed jobs into their queues again; how many. Raises RedisError."""
    number = 0
    for job in _jobs(connection(url), ids):
        try:
            job.requeue()
        except InvalidJobOperation:  # it was meanwhile
            continue
        number += 1
    return number


def discard(url: str, ids: Collection[str]) -> int:
    """Removes failed jobs; how many. Raises RedisError."""
    redis = connection(url)
    number = 0
    for job in _jobs(redis, ids):
        if _failed(redis, job.origin).remove(job):
            job.delete()
            number += 1
    return number


def _look(
    redis: Redis, queues: Sequence[str], most: int
) -> Iterable[tuple[Job, tuple[Any, Any] | None]]:
    with redis.pipeline(transaction=False) as together:
        for name in queues:
            together.zrevrange(_failed(redis, name).key, 0, most - 1)
        ids = [id.decode() for found in together.execute() for id in found]
    jobs = list(_jobs(redis, ids))
    with redis.pipeline(transaction=False) as together:
        for job in jobs:
            together.xrevrange(Result.get_key(job.id), count=1)  # type: ignore[no-untyped-call]
        results = together.execute()
    return zip(jobs, (found[0] if found else None for found in results), strict=True)


def _jobs(redis: Redis, ids: Collection[str]) -> Iterator[Job]:
    found = Job.fetch_many(ids, connection=redis, serializer=JSONSerializer) if ids else []
    return (job for job in found if job is not None)


def _failed(redis: Redis, queue: str) -> FailedJobRegistry:
    return FailedJobRegistry(queue, connection=redis, serializer=JSONSerializer)


def _told(job: Job, result: tuple[Any, Any] | None) -> FailedJob:
    at = job.ended_at.replace(tzinfo=UTC) if job.ended_at else None
    return FailedJob(
        job.id, job.origin, job.func_name or "", _arguments(job), _exception(job, result), at
    )


def _arguments(job: Job) -> tuple[Any, ...]:
    try:
        return tuple(job.args)
    except Exception:  # whatever is wrong with a job, it is shown
        return ()


def _exception(job: Job, result: tuple[Any, Any] | None) -> str:
    if result is None:
        return "unknown"
    id, payload = result
    restored = Result.restore(job.id, id.decode(), payload, job.connection, JSONSerializer)
    return kind_of_exception(restored.exc_string or "")


def kind_of_exception(traceback: str) -> str:
    """The kind of exception with which a traceback ends, without what it says."""
    lines = (line for line in reversed(traceback.splitlines()) if line and line[0] != " ")
    named = (match[1] for line in lines if (match := _KIND.match(line)))
    return next(named, "unknown")
