"""Feeding the inbox from a run: a little ahead of the workers, and over when they are done."""

from sqlalchemy.orm import Session

from caesar_web.pipeline.runs import RunFailed, Step, Work
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import run_scope
from caesar_web.store.configuration import Workflow

MOST_WAITING = 1000  # classifications of the workflow, live ones too, while a run feeds more
SECONDS_BETWEEN_LOOKS = 0.5
PAUSED = "The workflow is paused: what this run brought waits until it is resumed."
HALTED = "the workflow is halted, and ignores what a run would bring"


def obstacle(session: Session, work: Work) -> Step | None:
    """Why nothing more is to be fed now, as a step that waits. Raises RunFailed."""
    waiting = inbox.count_waiting(session, work.reducible.id, most=MOST_WAITING)
    step = waits(session, work)
    return step if waiting == MOST_WAITING else None


def drain(session: Session, work: Work) -> Step:
    """The end of a run that feeds: when all that it brought is processed or set aside."""
    step = waits(session, work)
    if run_scope.has_waiting(session, work.id):
        return step
    aside = run_scope.count_set_aside(session, work.id, work.reducible.id)
    note = f"{aside:,} classifications could not be processed." if aside else None
    return Step(work.checkpoint, is_over=True, note=note)


def waits(session: Session, work: Work) -> Step:
    """A step that waits for the workers. Raises RunFailed where they never come."""
    workflow = session.get(Workflow, work.reducible.id)
    if workflow is None or workflow.status == "halted":
        raise RunFailed(HALTED)
    is_paused = workflow.status == "paused"
    return Step(
        work.checkpoint,
        wait_seconds=SECONDS_BETWEEN_LOOKS,
        note=PAUSED if is_paused else None,
        rings=() if is_paused else {workflow.id},
    )
