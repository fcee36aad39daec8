"""Starting, stopping and taking up runs as the caller, and doing what they withheld."""

from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caesar_web.access import parts, trail
from caesar_web.access.identity import identity
from caesar_web.access.permissions import NotSignedIn
from caesar_web.domain import run_reading
from caesar_web.domain.values import DomainError
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import run_orders, withholding
from caesar_web.pipeline.runs import Order, RunFailed, Started
from caesar_web.pipeline.runs import start as start_run
from caesar_web.store import run_pages
from caesar_web.store import run_statements as statements
from caesar_web.store import withheld_statements as withheld
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible


class NoSuchRun(DomainError):
    """The workflow or project has no run of this id."""


class OtherNumber(DomainError):
    """What a run withheld is not as much any more as somebody has agreed to."""


def start(order: Order) -> Started:
    """Starts a run; gives the one that does the same already, where there is one."""
    with tasks.transaction() as session:
        started = _start(session, order)
    _ring(started.run_id)
    return started


def again(reducible: Reducible, run_id: int) -> Started:
    """Starts anew what a run did. Raises NoSuchRun."""
    with tasks.transaction() as session:
        started = _start(session, run_orders.again(session, _find(session, reducible, run_id)))
    _ring(started.run_id)
    return started


def stop(reducible: Reducible, run_id: int) -> str | None:
    """Stops a run after its step; gives its state then, None where it is over. Raises NoSuchRun."""
    with tasks.transaction() as session:
        run = _find(session, reducible, run_id)
        if not statements.stop(session, run.id, now=parts.now()):
            return None
        session.refresh(run)
        _note(session, "stopped a run", run)
        return run.status


def go_on(reducible: Reducible, run_id: int) -> Started:
    """Lets a run go on from where it was. Raises NoSuchRun, Over."""
    try:
        with tasks.transaction() as session:
            run = _find(session, reducible, run_id)
            started = run_orders.go_on(session, run, now=parts.now())
            if started.is_new:
                _note(session, "let a run go on", run)
    except IntegrityError:  # somebody has started the same in this very moment
        raise RunFailed("the same has just been started") from None
    _ring(started.run_id)
    return started


def apply(workflow_id: int, run_id: int, *, number: int) -> int:
    """Decides what a run that is over withheld; says how many actions that gave.

    Raises NoSuchRun, and OtherNumber where that is more or less than `number` on targets by now.
    """
    with tasks.transaction() as session:
        run = _find(session, Reducible("Workflow", workflow_id), run_id)
        if run.finished_at is None or withheld.count(session, run.id) != number:
            raise OtherNumber
        written = withholding.apply(session, run.id, now=parts.now())
        run.applied_at = parts.now()
        decided = sum(written.values())
        _note(session, "did what a run withheld", run, more=f", {decided:,} actions")
    for each in written:
        queues.ring_actions(parts.config().redis_url, each)
    return decided


def _start(session: Session, order: Order) -> Started:
    caller = identity()
    if caller is None:
        raise NotSignedIn
    started = start_run(session, order, by=caller.login, by_id=caller.user_id, now=parts.now())
    if started.is_new:
        _note(session, "started a run", session.get_one(Run, started.run_id))
    return started


def _find(session: Session, reducible: Reducible, run_id: int) -> Run:
    run = run_pages.find(session, reducible, run_id, locks=True)
    if run is None:
        raise NoSuchRun
    return run


def _note(session: Session, action: str, run: Run, *, more: str = "") -> None:
    words = run_reading.scope(run.kind, run.options)
    about = f"{run_reading.title(run.kind)}, run {run.id}: {words}{more}"[: trail.LONGEST_ABOUT]
    where: dict[str, Any] = {f"{run.reducible_type.lower()}_id": run.reducible_id}
    trail.note(session, action, about=about, **where)


def _ring(run_id: int) -> None:
    queues.ring_run(parts.config().redis_url, run_id)
