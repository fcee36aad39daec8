"""What is not kept for ever: a little of it is removed at a time, and never what still waits."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from caesar_web.store.activity import AuditEntry, ExternalWork
from caesar_web.store.db import among
from caesar_web.store.external_statements import forget_orphans
from caesar_web.store.inbox import Classification, RejectedEvent
from caesar_web.store.runs import DataRequest, Run, RunFile

AT_ONCE = 5_000
REJECTED_EVENTS = timedelta(days=30)
AUDIT = timedelta(days=400)
RUNS = timedelta(days=90)
FILES_OF_RUNS = timedelta(days=7)  # of a run that is over, which may be taken up again until then


def purge(session: Session, *, now: datetime) -> None:
    """Removes what is too old: rejected events, the trail, runs that are over and their files."""
    _remove(session, RejectedEvent, RejectedEvent.received_at < now - REJECTED_EVENTS)
    _remove(session, AuditEntry, AuditEntry.created_at < now - AUDIT)
    forget_orphans(session, most=AT_ONCE)
    has_export = select(DataRequest.id).where(DataRequest.run_id == Run.id).exists()
    _remove(session, Run, Run.finished_at < now - RUNS, ~has_export)
    over = select(Run.id).where(Run.finished_at < now - FILES_OF_RUNS)
    session.execute(
        delete(RunFile).where(RunFile.run_id.in_(over)).execution_options(synchronize_session=False)
    )


def _is_asked_about() -> Any:
    """Whether a service is still to be asked about a classification."""
    of_this = ExternalWork.target_id == Classification.id
    return select(ExternalWork.id).where(ExternalWork.kind == "extractor", of_this).exists()


def purge_classifications(session: Session, *, older_than: datetime, after: int) -> int:
    """Removes old classifications that are done, among the next ones behind a position.

    Gives the position to go on behind, which is 0 where the next ones are not old enough.
    """
    rows = session.execute(
        select(
            Classification.id,
            Classification.position,
            Classification.received_at,
            Classification.processed_at,
            Classification.failed_reason,
        )
        .where(Classification.position > after)
        .order_by(Classification.position)
        .limit(AT_ONCE)
    ).all()
    done = [
        row.id
        for row in rows
        if row.received_at < older_than and (row.processed_at or row.failed_reason is not None)
    ]
    session.execute(
        delete(Classification)
        .where(among(Classification.id, done))
        .where(
            (Classification.processed_at.is_not(None)) | Classification.failed_reason.is_not(None),
            ~_is_asked_about(),
        )
        .execution_options(synchronize_session=False)
    )
    if len(rows) < AT_ONCE or rows[-1].received_at >= older_than:
        return 0
    position: int = rows[-1].position
    return position


def _remove(session: Session, table: Any, *conditions: Any) -> None:
    old = select(table.id).where(*conditions).order_by(table.id).limit(AT_ONCE)
    session.execute(
        delete(table).where(table.id.in_(old)).execution_options(synchronize_session=False)
    )
