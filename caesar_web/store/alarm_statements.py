"""Statements over alarms: what came in lately, what is wrong, and who was told of it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from caesar_web.domain.alarms import MOST_SEEN, SeenExtract
from caesar_web.domain.alarms import Alarm as Found
from caesar_web.store import bulk
from caesar_web.store.action_statements import Kind
from caesar_web.store.activity import Alarm
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import among, table_of
from caesar_web.store.results import Extract

_alarms = table_of(Alarm)
_COLUMNS = ("workflow_id", "kind", "name", "message", "raised_at")


def active_workflows(session: Session, *, after: int, most: int) -> list[int]:
    """The next workflows that process what comes in."""
    wanted = select(Workflow.id).where(Workflow.id > after, Workflow.status == "active")
    return list(session.scalars(wanted.order_by(Workflow.id).limit(most)))


def newest_extracts(session: Session, workflow_id: int) -> list[SeenExtract]:
    """The extracts of classifications that were made last, the newest first."""
    rows = session.execute(
        select(Extract.extractor_key, Extract.data, Extract.created_at)
        .where(Extract.workflow_id == workflow_id, Extract.classification_id.is_not(None))
        .order_by(Extract.id.desc())
        .limit(MOST_SEEN)
    )
    return [SeenExtract(*row) for row in rows]


def has_fired(session: Session, actions: Kind, effect_ids: Iterable[int]) -> bool:
    """Whether one of the effects has ever been decided on, for a subject or a user."""
    wanted = exists().where(among(actions.table.effect_id, effect_ids))
    return bool(session.scalar(select(wanted)))


def open_ones(session: Session, workflow_id: int) -> list[Alarm]:
    """What is wrong with a workflow, the oldest first."""
    wanted = select(Alarm).filter_by(workflow_id=workflow_id, cleared_at=None)
    return list(session.scalars(wanted.order_by(Alarm.raised_at, Alarm.id)))


def write(session: Session, workflow_id: int, found: Iterable[Found], *, now: datetime) -> None:
    """Raises what is wrong now, and clears what is not any more.

    What had been cleared before is raised, and told, anew.
    """
    rows = [{"workflow_id": workflow_id, "raised_at": now, **one._asdict()} for one in found]
    bulk.insert(session, _alarms, rows, columns=_COLUMNS, conflict=_RAISED_ALREADY)
    still = {(row["kind"], row["name"]) for row in rows}
    for row in open_ones(session, workflow_id):
        if (row.kind, row.name) not in still:
            row.cleared_at = now


def untold(session: Session, *, most: int) -> list[Alarm]:
    """Alarms that nobody was told of, the oldest first."""
    wanted = select(Alarm).filter_by(told_at=None, cleared_at=None)
    return list(session.scalars(wanted.order_by(Alarm.id).limit(most)))


def told(session: Session, alarm_id: int, *, raised_at: datetime, now: datetime) -> None:
    """Notes that somebody was told, of the alarm as it was raised then."""
    session.execute(update(Alarm).filter_by(id=alarm_id, raised_at=raised_at).values(told_at=now))


_WAS_CLEARED = "CASE WHEN alarms.cleared_at IS NULL THEN alarms.{0} ELSE {1} END"
_RAISED_ALREADY = f"""(workflow_id, kind, name) DO UPDATE SET message = excluded.message,
    raised_at = {_WAS_CLEARED.format("raised_at", "excluded.raised_at")},
    told_at = {_WAS_CLEARED.format("told_at", "NULL")}, cleared_at = NULL"""
