"""The processes behind the web server: a worker of one queue, and the scheduler that sweeps."""

import inspect
import logging
import signal
import threading
from typing import Any

from flask import Flask
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from caesar_web import logs
from caesar_web.config import Config
from caesar_web.domain.library_options import MEANS as AGGREGATION
from caesar_web.external import aggregation
from caesar_web.external.aggregation import AggregationMissing
from caesar_web.jobs import queues
from caesar_web.jobs.aside import MOST, Aside
from caesar_web.jobs.tasks import LONGEST_SECONDS, sweep
from caesar_web.jobs.watching import look_around

MAINTENANCE_SECONDS = 30  # how soon a job is tried again whose worker was killed
ASIDE = {queues.EXTERNAL: 8}  # hosts that one process asks at a time
THE_WATCH = 0  # as what is done aside for a workflow has the workflow's number
SILENT_SECONDS = 30  # a minute after this a worker that was killed while idle no longer counts

log = logging.getLogger(__name__)


class Worker(SimpleWorker):
    """Runs jobs in its own process: forking for each would cost more than most jobs do."""

    max_connection_wait_time = 2.0

    def perform_job(self, job: Job, queue: Queue) -> bool:
        with logs.bound(**_ids_of(job)):
            return super().perform_job(job, queue)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Logs it in our way: RQ's message has all in it that the exception says."""
        log.error("job %s failed", job.id, exc_info=exc_info)


def work(app: Flask, queue: str) -> None:
    """Works one queue until it is told to stop. One queue only: see architecture.md, 3."""
    config: Config = app.extensions["caesar_config"]
    redis = Redis.from_url(config.redis_url)
    if queue == AGGREGATION:
        _load_library()
    aside = app.extensions["caesar_aside"] = Aside(app, most=ASIDE.get(queue, MOST))
    with app.app_context():
        worker = Worker(
            [Queue(queue, connection=redis, serializer=JSONSerializer)],
            connection=redis,
            serializer=JSONSerializer,
            maintenance_interval=MAINTENANCE_SECONDS,
            worker_ttl=SILENT_SECONDS,
            log_job_description=False,
        )
        worker.work(logging_level="WARNING")
    aside.finish(LONGEST_SECONDS)


def _load_library() -> None:
    """Takes seconds, which no job is to wait for. Without the library its jobs say so."""
    try:
        aggregation.load()
    except AggregationMissing as problem:
        log.warning("%s", problem)


def schedule(app: Flask) -> None:
    """Sweeps at once and then again and again. Any number of these may run."""
    config: Config = app.extensions["caesar_config"]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    aside = Aside(app)
    with app.app_context():
        while not stop.is_set():
            try:
                sweep()
                aside.begin(THE_WATCH, look_around)  # which asks Panoptes, so may take long
            except SQLAlchemyError:
                log.exception("the sweep could not read the database; it tries again")
            stop.wait(config.sweep_seconds)


def _ids_of(job: Job) -> logs.Ids:
    """What a job is about, as the parameters of its function are called."""
    try:
        given = inspect.signature(job.func).bind(*job.args, **job.kwargs).arguments
    except Exception:  # whatever is wrong with a job, running it will tell
        return {"job": job.id}
    return {"job": job.id, "workflow": given.get("workflow_id"), "run": given.get("run_id")}
