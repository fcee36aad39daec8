"""Runs that follow what was kept while a workflow was paused, until all of it is processed."""

from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.pipeline import feeding
from caesar_web.pipeline.runs import Kind, Means, Order, Step, Work, Write, start
from caesar_web.store import run_scope
from caesar_web.store import run_statements as statements
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible


def follow(
    session: Session, workflow_id: int, *, by: str, by_id: int | None, now: datetime
) -> int | None:
    """Starts a run over what waits of a workflow that is resumed; None where nothing does.

    One that still follows what was kept the last time goes on with all of it: each classification
    is counted by one run, and once.
    """
    position = run_scope.last_position(session)
    waiting = run_scope.count_kept(session, workflow_id, up_to=position)
    if not waiting:
        return None
    options = {"position": position, "kept": waiting}
    order = Order("kept", Reducible("Workflow", workflow_id), options, acts=True)
    begun = start(session, order, by=by, by_id=by_id, now=now)
    if not begun.is_new:
        _extend(session, begun.run_id, workflow_id, position=position, waiting=waiting)
    return begun.run_id


def running(session: Session, workflow_id: int) -> Run | None:
    """The run that follows what was kept of a workflow."""
    return statements.unfinished(session, f"kept Workflow {workflow_id}")


def prepare(means: Means, work: Work) -> Write:
    """The next step: a look at how much still waits."""

    def write(session: Session) -> Step:
        # Locked, as the workflow may be resumed in this very moment.
        run = session.get_one(Run, work.id, with_for_update=True, populate_existing=True)
        position, kept = run.options["position"], run.options["kept"]
        left = run_scope.count_kept(session, work.reducible.id, up_to=position)
        done = (work.checkpoint or {}).get("done", 0)
        if left == 0:
            return Step({"done": kept}, kept - done, total=kept, is_over=True)
        more = max(0, kept - left - done)
        waits = feeding.waits(session, work)
        return waits._replace(checkpoint={"done": done + more}, done=more, total=kept)

    return write


def _extend(
    session: Session, run_id: int, workflow_id: int, *, position: int, waiting: int
) -> None:
    run = session.get_one(Run, run_id, with_for_update=True, populate_existing=True)
    left = run_scope.count_kept(session, workflow_id, up_to=run.options["position"])
    processed = run.options["kept"] - left
    run.options = {**run.options, "position": position, "kept": processed + waiting}
    session.flush()


KEPT = Kind("classifications", prepare)
