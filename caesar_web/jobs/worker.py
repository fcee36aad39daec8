"""The processes behind the web server: a worker of one queue, and the scheduler that sweeps."""

import logging
import signal
import threading

from flask import Flask
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from caesar_web.config import Config
from caesar_web.jobs.aside import Aside
from caesar_web.jobs.tasks import LONGEST_SECONDS, sweep

MAINTENANCE_SECONDS = 30  # how soon a job is tried again whose worker was killed

log = logging.getLogger(__name__)


class Worker(SimpleWorker):
    """Runs jobs in its own process: forking for each would cost more than most jobs do."""

    max_connection_wait_time = 2.0


def work(app: Flask, queue: str) -> None:
    """Works one queue until it is told to stop. One queue only: see architecture.md, 3."""
    config: Config = app.extensions["caesar_config"]
    redis = Redis.from_url(config.redis_url)
    aside = app.extensions["caesar_aside"] = Aside(app)
    with app.app_context():
        worker = Worker(
            [Queue(queue, connection=redis, serializer=JSONSerializer)],
            connection=redis,
            serializer=JSONSerializer,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        worker.work(logging_level="WARNING")
    aside.finish(LONGEST_SECONDS)


def schedule(app: Flask) -> None:
    """Sweeps at once and then again and again. Any number of these may run."""
    config: Config = app.extensions["caesar_config"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with app.app_context():
        while not stop.is_set():
            try:
                sweep()
            except SQLAlchemyError:
                log.exception("the sweep could not read the database; it tries again")
            stop.wait(config.sweep_seconds)
