"""Statements over pending actions by where they go: which wait for a host, which become due."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from caesar_web.store.action_statements import KINDS, Kind
from caesar_web.store.configuration import Workflow
from caesar_web.store.destinations import Going, goes, is_elsewhere, url_of
from caesar_web.store.freeze_statements import is_frozen


class Waiting(NamedTuple):
    """So many pending actions of a workflow have the same type and go to the same address."""

    workflow_id: int
    effect_type: str
    url: str
    number: int


def addresses(session: Session, kind: Kind, workflow_id: int | None = None) -> set[str]:
    """The addresses outside of Panoptes that pending actions go to, of a workflow or of all."""
    table: Any = kind.table
    wanted = select(url_of(table)).where(table.status == "pending", is_elsewhere(table))
    if workflow_id is not None:
        wanted = wanted.where(table.workflow_id == workflow_id)
    return set(session.scalars(wanted.distinct()))


def due(session: Session, *, now: datetime) -> list[Waiting]:
    """What may be performed now, unless it waits for a host; that of halted workflows waits."""
    running = select(Workflow.id).where(Workflow.status != "halted", ~is_frozen(Workflow.id))
    found: list[Waiting] = []
    for kind in KINDS:
        table: Any = kind.table
        is_running = table.workflow_id.in_(running)
        found += _counted(session, kind, table.not_before <= now, is_running)
    return found


def pending(session: Session, workflow_id: int) -> list[Waiting]:
    """All of a workflow that is not over."""
    return [
        one
        for kind in KINDS
        for one in _counted(session, kind, kind.table.workflow_id == workflow_id)
    ]


def make_due(session: Session, kind: Kind, going: Going, *, since: datetime, now: datetime) -> None:
    """Lets actions be tried at once that failed there since a moment, and wait for their retry."""
    table: Any = kind.table
    session.execute(
        update(table)
        .where(
            table.status == "pending",
            table.not_before > now,
            table.updated_at >= since,
            table.attempted_at <= table.updated_at,  # else a worker performs it just now
            goes(table, going),
        )
        .values(not_before=now)
        .execution_options(synchronize_session=False)
    )


def _counted(session: Session, kind: Kind, *where: Any) -> list[Waiting]:
    table: Any = kind.table
    columns = (table.workflow_id, table.effect_type, url_of(table).label("url"))
    counted = select(*columns, func.count()).where(table.status == "pending", *where)
    rows = session.execute(counted.group_by(table.workflow_id, table.effect_type, "url"))
    return [Waiting(*row) for row in rows]
