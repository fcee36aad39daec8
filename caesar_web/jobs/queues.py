"""Queues and doorbells: a job says only where there is work, the database has all the rest."""

import logging
from datetime import timedelta
from functools import lru_cache

from redis import ConnectionError as RedisConnectionError
from redis import Redis, RedisError
from rq import Queue, Retry
from rq.serializers import JSONSerializer

CLASSIFICATIONS = "classifications"
ACTIONS = "actions"
RUNS = "runs"
EXTERNAL = "external"
SLOTS = 8  # of a workflow: so many of its jobs at most wait at a time
RING_SECONDS = 30  # after this an unanswered ring may be repeated
JOB_SECONDS = 300
FAILURES_KEPT_SECONDS = 24 * 3600

log = logging.getLogger(__name__)


@lru_cache(maxsize=8)
def connection(url: str) -> Redis:
    """A pool of connections whose calls end within a second, so that ingest never hangs on it."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def ring_classifications(url: str, workflow_id: int, *, queue: str, slot: int = 0) -> bool:
    """Says that classifications of a workflow wait. False where Redis is away: nothing is lost."""
    key = f"caesar:ring:{workflow_id}:{slot % SLOTS}"
    arguments = (workflow_id, slot % SLOTS)
    return _ring(url, key, queue, "caesar_web.jobs.tasks.process", arguments)


def ring_actions(url: str, workflow_id: int) -> None:
    """Says that actions of a workflow wait."""
    key = f"caesar:ring:actions:{workflow_id}"
    _ring(url, key, ACTIONS, "caesar_web.jobs.tasks.perform", (workflow_id,))


def ring_run(url: str, run_id: int) -> None:
    """Says that a run can be carried on."""
    _ring(url, f"caesar:ring:run:{run_id}", RUNS, "caesar_web.jobs.running.carry_on", (run_id,))


def ring_asking(url: str, means: str) -> None:
    """Says that something is to be asked for by these means, which a queue is named after."""
    _ring(url, f"caesar:ring:asking:{means}", means, "caesar_web.jobs.asking.ask", (means,))


def others_wait(url: str, queue: str) -> bool:
    """Whether jobs wait in a queue."""
    try:
        return bool(len(Queue(queue, connection=connection(url), serializer=JSONSerializer)))
    except RedisError:
        return False


def sizes(url: str, names: list[str]) -> dict[str, int] | None:
    """How many jobs wait in each queue; None where Redis is away."""
    try:
        redis = connection(url)
        return {name: len(Queue(name, connection=redis)) for name in names}
    except RedisError:
        return None


def answer(url: str, key: str) -> None:
    """From now on the next ring makes a new job: call this before looking at the database."""
    try:
        connection(url).delete(f"caesar:ring:{key}")
    except RedisError as problem:
        log.warning("could not answer the ring %s: %s", key, problem)


def _ring(url: str, key: str, queue: str, function: str, arguments: tuple[int | str, ...]) -> bool:
    """Rings of the same key are one job until that job begins, or was lost for a while."""
    try:
        redis = connection(url)
        if redis.exists(key):
            return True
        with redis.pipeline() as together:  # where we die or Redis hangs: both, or neither
            Queue(queue, connection=redis, serializer=JSONSerializer).enqueue_call(
                function,
                arguments,
                timeout=JOB_SECONDS,
                result_ttl=0,
                failure_ttl=FAILURES_KEPT_SECONDS,
                retry=Retry(max=3),
                pipeline=together,
            )
            together.set(key, 1, ex=timedelta(seconds=RING_SECONDS))
            together.execute()
        return True
    except RedisError as problem:
        # The rows are committed; the sweep rings again when Redis is back.
        level = logging.INFO if isinstance(problem, RedisConnectionError) else logging.WARNING
        log.log(level, "could not ring for %s: %s", key, problem)
        return False
