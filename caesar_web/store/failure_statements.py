"""What has failed and nobody has seen to yet, bounded; and letting it be tried again, or going.

What is done is done by ids, so that it is exactly what somebody was shown.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, String, delete, func, select, text, update
from sqlalchemy.orm import Session

from caesar_web.store import run_statements
from caesar_web.store.action_statements import Kind
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import UTCDateTime, among
from caesar_web.store.inbox import Classification
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible

MOST = 5_000  # of each sort
LATEST_RUNS = 1_000
LONGEST_MESSAGE = 600

ByWorkflow = Counter[int]


class Failed(NamedTuple):
    """Something that failed: what it was to do, for what, why and when."""

    id: int
    what: str
    reducible: Reducible
    target_id: int | None
    message: str | None
    at: datetime


def failed_actions(session: Session, kind: Kind, *, most: int = MOST) -> list[Failed]:
    """The newest failed actions that nobody has acknowledged."""
    rows = session.execute(_failed_actions(kind), {"most": most, "longest": LONGEST_MESSAGE})
    return [
        Failed(id, what, Reducible("Workflow", workflow_id), target_id, message, at)
        for id, what, workflow_id, target_id, message, at in rows
    ]


def set_aside(session: Session, *, most: int = MOST) -> list[Failed]:
    """Classifications that could not be processed; `at` is when they came in."""
    rows = session.execute(
        select(
            Classification.id,
            Classification.workflow_id,
            Classification.subject_id,
            func.substr(Classification.failed_reason, 1, LONGEST_MESSAGE),
            Classification.received_at,
        )
        .where(Classification.failed_reason.is_not(None))
        .order_by(Classification.workflow_id, Classification.id)
        .limit(most)
    )
    found = (
        Failed(id, "classification", Reducible("Workflow", workflow_id), subject_id, reason, at)
        for id, workflow_id, subject_id, reason, at in rows
    )
    return sorted(found, key=lambda one: one.at, reverse=True)


def failed_runs(session: Session) -> list[Failed]:
    """Those of the latest runs that failed and that nobody has acknowledged."""
    latest = select(Run.id).order_by(Run.id.desc()).limit(LATEST_RUNS).subquery()
    rows = session.execute(
        select(
            Run.id,
            Run.kind,
            Run.reducible_type,
            Run.reducible_id,
            func.substr(Run.last_error, 1, LONGEST_MESSAGE),
            Run.finished_at,
        )
        .where(Run.id.in_(select(latest)))
        .where(Run.status == "failed", Run.acknowledged_at.is_(None))
        .order_by(Run.id.desc())
    )
    return [
        Failed(id, kind, Reducible(of, owner_id), None, message, at)
        for id, kind, of, owner_id, message, at in rows
    ]


def retry_actions(
    session: Session, kind: Kind, ids: Collection[int], *, now: datetime
) -> ByWorkflow:
    """Lets those that still are failed be tried as if never before; how many of each workflow."""
    values = {"status": "pending", "attempts": 0, "not_before": now, "acknowledged_at": None}
    return _change(session, kind.table, ids, {**values, "updated_at": now})


def acknowledge_actions(
    session: Session, kind: Kind, ids: Collection[int], *, now: datetime
) -> ByWorkflow:
    """Leaves those that still are failed so, and lists them no more."""
    return _change(session, kind.table, ids, {"acknowledged_at": now})


def wait_again(session: Session, ids: Collection[int]) -> ByWorkflow:
    """Lets classifications that were set aside wait in their lanes again."""
    changed = session.scalars(
        update(Classification)
        .where(among(Classification.id, ids), Classification.failed_reason.is_not(None))
        .values(failed_reason=None)
        .returning(Classification.workflow_id)
        .execution_options(synchronize_session=False)
    )
    return Counter(changed)


def discard_set_aside(session: Session, ids: Collection[int]) -> ByWorkflow:
    """Removes classifications that were set aside."""
    removed = session.scalars(
        delete(Classification)
        .where(among(Classification.id, ids), Classification.failed_reason.is_not(None))
        .returning(Classification.workflow_id)
        .execution_options(synchronize_session=False)
    )
    return Counter(removed)


def resume_runs(session: Session, ids: Collection[int], *, now: datetime) -> list[Run]:
    """Lets failed runs go on from where they were, but for those whose like is at work already."""
    wanted = select(Run).where(among(Run.id, ids), Run.status == "failed").order_by(Run.id.desc())
    resumed = []
    for run in session.scalars(wanted.with_for_update()):
        if run_statements.unfinished(session, run.identity) is None:
            run_statements.resume(session, run, now=now)
            resumed.append(run)
    return resumed


def acknowledge_runs(session: Session, ids: Collection[int], *, now: datetime) -> list[Run]:
    """Leaves failed runs so, and lists them no more."""
    wanted = select(Run).where(among(Run.id, ids), Run.status == "failed")
    runs = list(session.scalars(wanted.order_by(Run.id).with_for_update()))
    for run in runs:
        run.acknowledged_at = now
    return runs


def names_of(session: Session, workflow_ids: Collection[int]) -> dict[int, str]:
    """What workflows are called."""
    rows = session.execute(
        select(Workflow.id, Workflow.name).where(among(Workflow.id, workflow_ids))
    )
    return {id: name for id, name in rows if name}


def _change(
    session: Session, table: Any, ids: Collection[int], values: dict[str, Any]
) -> ByWorkflow:
    changed = session.scalars(
        update(table)
        .where(among(table.id, ids), table.status == "failed")
        .values(values)
        .returning(table.workflow_id)
        .execution_options(synchronize_session=False)
    )
    return Counter(changed)


def _failed_actions(kind: Kind) -> Any:
    """The status is a literal, as PostgreSQL would not use the index that is for it alone else."""
    return text(
        f"""SELECT id, effect_type, workflow_id, {kind.target} AS target_id,
        substr(last_error, 1, :longest) AS message, updated_at FROM {kind.table.__tablename__}
        WHERE status = 'failed' AND acknowledged_at IS NULL ORDER BY id DESC LIMIT :most"""
    ).columns(
        id=BigInteger,
        effect_type=String,
        workflow_id=BigInteger,
        target_id=BigInteger,
        message=String,
        updated_at=UTCDateTime,
    )
