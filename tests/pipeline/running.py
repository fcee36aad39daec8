"""Runs in the test's own hands: begun, and carried on step by step without waiting."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from caesar_web.jobs import running
from caesar_web.pipeline.runs import Order, Started, start
from caesar_web.store.db import db
from caesar_web.store.run_statements import OVER
from caesar_web.store.runs import Run, RunFailure
from caesar_web.store.snapshot import Reducible
from tests.factories import START
from tests.pipeline.steps import process

MOST_STEPS = 1000


def begin(kind: str, *, reducible: Reducible = Reducible("Workflow", 100), **order: Any) -> Started:  # noqa: B008  # a value
    """A run that somebody has asked for."""
    with db.session.begin():
        started = start(
            db.session(), Order(kind, reducible, **order), by="alice", now=datetime.now(UTC)
        )
    db.session.remove()
    return started


def take_steps(run_id: int, *, most: int = MOST_STEPS, works: bool = True) -> str:
    """Steps of a run, between which workers `work`; gives the state that it is left in."""
    held = running.claim(run_id)
    assert held is not None, "nobody may carry the run on"
    for _ in range(most):
        step, status = running.take_step(held)
        if status in OVER:
            return status
        if works:
            process()
        held = running.with_checkpoint(held, step.checkpoint)
    return state(run_id).status


def carry_out(kind: str, **order: Any) -> Run:
    """A run from its begin to its end."""
    run_id = begin(kind, **order).run_id
    take_steps(run_id)
    return state(run_id)


def state(run_id: int) -> Run:
    """The run as it is now."""
    with db.session.begin():
        run = db.session.get_one(Run, run_id, populate_existing=True)
        db.session.expunge(run)
    db.session.remove()
    return run


def failures(run_id: int) -> list[tuple[str, str]]:
    """What a run could not do."""
    columns = (RunFailure.place, RunFailure.message)
    wanted = select(*columns).where(RunFailure.run_id == run_id).order_by(RunFailure.id)
    found = [(place, message) for place, message in db.session.execute(wanted)]
    db.session.remove()
    return found


def make_due(run_id: int) -> None:
    """As if the lease, or the wait for another try, had ended."""
    with db.session.begin():
        db.session.execute(update(Run).where(Run.id == run_id).values(not_before=START))
    db.session.remove()
