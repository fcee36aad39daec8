"""What pages show of runs: those of a workflow or project, its place in the queue, its failures."""

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from caesar_web.domain.events import LARGEST_ID
from caesar_web.store.runs import Run, RunFailure
from caesar_web.store.snapshot import Reducible


def find(session: Session, reducible: Reducible, run_id: int, *, locks: bool = False) -> Run | None:
    """A run of a workflow or project, so that no id of another leads to one."""
    if run_id > LARGEST_ID:
        return None
    wanted = select(Run).filter_by(
        id=run_id, reducible_type=reducible.type, reducible_id=reducible.id
    )
    found: Run | None = session.scalar(wanted.with_for_update() if locks else wanted)
    return found


def of_reducible(session: Session, reducible: Reducible, *, before: int, most: int) -> list[Run]:
    """The newest runs of a workflow or project, older than that of an id."""
    wanted = (
        select(Run)
        .filter_by(reducible_type=reducible.type, reducible_id=reducible.id)
        .where(Run.id < before)
        .order_by(Run.id.desc())
        .limit(most)
    )
    return list(session.scalars(wanted))


def before_it(session: Session, run: Run) -> int:
    """How many runs wait that come before one that waits."""
    comes_first = or_(
        Run.not_before < run.not_before, and_(Run.not_before == run.not_before, Run.id < run.id)
    )
    wanted = select(func.count()).where(
        Run.status == "waiting", Run.finished_at.is_(None), comes_first
    )
    return session.scalar(wanted) or 0


def failures(session: Session, run_id: int, *, after: int, most: int) -> list[RunFailure]:
    """What a run could not do, in the order in which it met it."""
    wanted = select(RunFailure).where(RunFailure.run_id == run_id, RunFailure.id > after)
    return list(session.scalars(wanted.order_by(RunFailure.id).limit(most)))
