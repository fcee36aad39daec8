"""Ringing, and doing what was rung for, in the test's own hands."""

from collections.abc import Callable
from threading import Thread
from typing import Any

from flask import Flask
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import select

from caesar_web.jobs import queues, tasks
from caesar_web.jobs.worker import Worker
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from tests.factories import make_event, make_workflow
from tests.pipeline.steps import receive

GOLD = "gold"  # a queue that some workflow has for itself


def add_workflow(id: int, **columns: Any) -> int:
    with db.session.begin():
        workflow = make_workflow(db.session(), id, extractors_config={"shape": {"type": "survey"}})
        for name, value in columns.items():
            setattr(workflow, name, value)
    db.session.remove()
    return id


def jobs(redis: Redis, queue: str = queues.CLASSIFICATIONS) -> list[Job]:
    return Queue(queue, connection=redis, serializer=JSONSerializer).jobs


def socket_of(redis: Redis) -> str:
    path: str = redis.connection_pool.connection_kwargs["path"]
    return path


def waiting() -> list[int]:
    statement = select(Classification.id).where(Classification.processed_at.is_(None))
    found = list(db.session.scalars(statement.order_by(Classification.id)))
    db.session.remove()
    return found


def work_off(redis: Redis, queue: str = queues.CLASSIFICATIONS) -> None:
    """A worker does what waits in a queue, and ends."""
    with Redis.from_url(f"unix://{socket_of(redis)}") as own:  # a worker changes its timeouts
        served = Queue(queue, connection=own, serializer=JSONSerializer)
        worker = Worker([served], connection=own, serializer=JSONSerializer)
        worker.work(burst=True, logging_level="WARNING")
        own.connection_pool.disconnect()


def elsewhere(app: Flask, *steps: Callable[[], object]) -> None:
    """Does the steps as another process would: with a connection of its own, to the end."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            with app.app_context():
                for step in steps:
                    step()
        except BaseException as problem:
            problems.append(problem)

    thread = Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "it waits for ever"
    assert not problems, problems


def begin_job(redis: Redis) -> None:
    """As another worker does it: take the first job from the queue, and do it."""
    own = Queue(queues.CLASSIFICATIONS, connection=redis, serializer=JSONSerializer)
    job = own.fetch_job(own.pop_job_id() or "")
    assert job is not None, "nobody has rung"
    tasks.process(*job.args)


def post(url: str, id: int) -> None:
    """As the ingest route does it: commit, then ring."""
    receive([make_event(id)])
    queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
