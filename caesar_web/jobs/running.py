"""Carrying on runs: step after step while this worker has the run, each one a transaction."""

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from caesar_web.config import Config
from caesar_web.external.http import ExternalError
from caesar_web.jobs import queues, tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.run_kinds import KINDS
from caesar_web.pipeline.runs import Means, RunFailed, Step, Work, work_of
from caesar_web.storage.places import StorageProblem
from caesar_web.store import run_statements as runs
from caesar_web.store.queries import reading
from caesar_web.store.run_statements import Progress
from caesar_web.store.runs import Run

LONGEST_SECONDS = 20.0  # in one job, so that a worker that is told to stop soon does
LONGEST_WAIT_SECONDS = 2.0  # of a worker for a run, while nobody else needs the worker
MOST_ATTEMPTS = 60
LONGEST_RETRY_SECONDS = 300.0

log = logging.getLogger(__name__)


class Taken(Exception):
    """Somebody else carries this run on now; what this step wrote is undone."""


@dataclass(frozen=True)
class Held:
    """A run that this worker carries on, in this turn of it."""

    work: Work
    kind: str
    turn: int
    rate: int | None


def carry_on(run_id: int) -> None:
    """Steps of a run until it is over, others wait for this worker, or there is nothing to do."""
    queues.answer(_config().redis_url, f"run:{run_id}")
    held = claim(run_id)
    if held is None:
        _wait_for(run_id)
        return
    until = time.monotonic() + LONGEST_SECONDS
    while True:
        begun = _now()
        try:
            step, status = take_step(held)
        except Taken:
            return
        except Exception as problem:  # whatever it is, the run says so, and others go on
            note(held, problem)
            return
        if status in runs.OVER:
            return
        wait = max(step.wait_seconds, _pace(step, held.rate, begun))
        if _is_enough(wait, until):
            _leave(held, wait)
            return
        time.sleep(wait)
        held = with_checkpoint(held, step.checkpoint)


def claim(run_id: int) -> Held | None:
    """The run for this worker; None where it is over, not due, or somebody else's."""
    now = _now()
    with tasks.transaction() as session:
        run = runs.claim(session, run_id, now=now, lease_until=now + _lease())
        return None if run is None else Held(work_of(run), run.kind, run.turn, run.rate)


def with_checkpoint(held: Held, checkpoint: Any) -> Held:
    """The run for its next step."""
    return replace(held, work=replace(held.work, checkpoint=checkpoint))


def take_step(held: Held) -> tuple[Step, str]:
    """The next step, and the run's state after it. Raises Taken, and what the step raises."""
    write = KINDS[held.kind].prepare(means(), held.work)
    with tasks.transaction() as session:
        step = write(session)
        now = _now()
        progress = Progress(
            step.checkpoint,
            step.done,
            step.failures,
            step.total,
            step.is_estimate,
            step.is_over,
            step.note,
        )
        status = runs.record(
            session, held.work.id, held.turn, progress, now=now, lease_until=now + _lease()
        )
        if status is None:
            raise Taken
    for workflow_id in step.rings:
        ring(workflow_id)
    return step, status


def means() -> Means:
    """What this process carries runs on with."""
    config = _config()
    most = config.turn_extracts
    return Means(tasks.panoptes(), tasks.external(), reading, _now, most, tasks.storage())


def ring(workflow_id: int) -> None:
    """For classifications and actions that a step may have left behind."""
    with tasks.transaction() as session:
        queue = tasks.queue_of(session, workflow_id)
    url = _config().redis_url
    queues.ring_classifications(url, workflow_id, queue=queue)
    queues.ring_actions(url, workflow_id)


def note(held: Held, problem: Exception) -> None:
    """Writes down why the run does not go on now, or not at all."""
    run_id, now = held.work.id, _now()
    message = str(getattr(problem, "message", None) or problem) or type(problem).__name__
    permanent = getattr(problem, "permanent", not isinstance(problem, SQLAlchemyError))
    if not isinstance(problem, RunFailed | PanoptesError | ExternalError | StorageProblem):
        log.exception("a step of run %s failed", run_id)
        message = type(problem).__name__
    with tasks.transaction() as session:
        run = session.get(Run, run_id)
        attempts = run.attempts if run else 0
        if permanent or attempts >= MOST_ATTEMPTS:
            runs.end(session, run_id, held.turn, status="failed", now=now, error=message)
            return
        asked = getattr(problem, "retry_after", None) or 0.0
        wait = min(max(2.0 ** min(attempts, 10), asked), LONGEST_RETRY_SECONDS)
        until = now + timedelta(seconds=wait)
        runs.give_back(session, run_id, held.turn, now=now, until=until, error=message)
    queues.ring_run(_config().redis_url, run_id)


def _pace(step: Step, rate: int | None, begun: datetime) -> float:
    """How long to wait so that a run does no more than its rate in a minute."""
    if not rate or not step.done:
        return 0.0
    passed = (_now() - begun).total_seconds()
    return max(0.0, step.done * 60.0 / rate - passed)


def _is_enough(wait: float, until: float) -> bool:
    url = _config().redis_url
    is_late = time.monotonic() + wait > until
    return is_late or wait > LONGEST_WAIT_SECONDS or queues.others_wait(url, queues.RUNS)


def _leave(held: Held, wait: float) -> None:
    """Gives the run back; it comes again after the others that wait."""
    now = _now()
    with tasks.transaction() as session:
        until = now + timedelta(seconds=wait)
        runs.give_back(session, held.work.id, held.turn, now=now, until=until, error=None)
    queues.ring_run(_config().redis_url, held.work.id)


def _wait_for(run_id: int) -> None:
    """A run that is soon due is rung for again, without keeping a worker for long or busy."""
    with tasks.transaction() as session:
        due = runs.not_before(session, run_id)
    if due is None:
        return
    wait = (due - _now()).total_seconds()
    if wait > LONGEST_RETRY_SECONDS / 10:
        return  # the sweep rings for it
    time.sleep(min(max(wait, 0.05), LONGEST_WAIT_SECONDS))
    queues.ring_run(_config().redis_url, run_id)


def _lease() -> timedelta:
    return timedelta(seconds=_config().action_lease_seconds)


def _config() -> Config:
    config: Config = current_app.extensions["caesar_config"]
    return config


def _now() -> datetime:
    return datetime.now(UTC)
