"""Statements over what waits while effects are frozen: how much, the newest, and discarding it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, true, update
from sqlalchemy.orm import Session

from caesar_web.domain.lights import DISCARDED
from caesar_web.store.action_pages import OF
from caesar_web.store.configuration import Workflow
from caesar_web.store.freeze_statements import is_frozen
from caesar_web.store.snapshot import Reducible


class Frozen(NamedTuple):
    """So many actions of an effect wait in a workflow; unless `goes_on`, they would not be sent.

    `newest_id` is the last of them, which are of subjects or of users.
    """

    of: str
    workflow_id: int
    workflow_name: str | None
    effect_type: str
    goes_on: bool
    number: int
    newest_id: int


class FrozenAct(NamedTuple):
    """An action that waits."""

    of: str
    id: int
    workflow_id: int
    target_id: int
    effect_type: str
    config: dict[str, Any]
    created_at: datetime


def waiting(session: Session, scope: Reducible, *, now: datetime) -> list[Frozen]:
    """What waits in a workflow, a project or everywhere, by workflow and effect."""
    goes_on = and_(Workflow.status != "halted", ~is_frozen(Workflow.id, but=scope))
    found: list[Frozen] = []
    for of, kind in OF.items():
        table: Any = kind.table
        columns = (Workflow.id, Workflow.name, table.effect_type, goes_on.label("goes_on"))
        counted = (
            select(*columns, func.count(), func.max(table.id))
            .join(Workflow, Workflow.id == table.workflow_id)
            .where(*_waits(table, scope, now))
            .group_by(Workflow.id, Workflow.name, Workflow.status, table.effect_type)
        )
        found += (Frozen(of, *row) for row in session.execute(counted))
    return sorted(found, key=lambda one: (one.workflow_id, one.of, one.effect_type))


def newest(session: Session, scope: Reducible, *, now: datetime, most: int) -> list[FrozenAct]:
    """The latest that wait."""
    found: list[FrozenAct] = []
    for of, kind in OF.items():
        table: Any = kind.table
        target = getattr(table, kind.target)
        columns = (table.id, table.workflow_id, target, table.effect_type, table.config)
        rows = session.execute(
            select(*columns, table.created_at)
            .where(*_waits(table, scope, now))
            .order_by(table.id.desc())
            .limit(most)
        )
        found += (FrozenAct(of, *row) for row in rows)
    return sorted(found, key=lambda one: one.created_at, reverse=True)[:most]


def number(session: Session, scope: Reducible, up_to: Mapping[str, int], *, now: datetime) -> int:
    """How many wait of those up to these ids, of subjects and of users."""
    return sum(
        session.scalars(
            select(func.count()).where(*_waits(OF[of].table, scope, now), OF[of].table.id <= id)
        ).one()
        for of, id in up_to.items()
    )


def discard(
    session: Session, scope: Reducible, up_to: Mapping[str, int], *, by: str, now: datetime
) -> None:
    """Makes them failed, so that nobody performs them and each can be retried."""
    for of, id in up_to.items():
        table: Any = OF[of].table
        session.execute(
            update(table)
            .where(*_waits(table, scope, now), table.id <= id)
            .values(status="failed", last_error=f"{DISCARDED}{by}", updated_at=now)
            .execution_options(synchronize_session=False)
        )


def _waits(table: Any, scope: Reducible, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Pending there, and not what a worker had begun before it was frozen."""
    is_begun = and_(table.attempted_at > table.updated_at, table.not_before > now)
    is_waiting = or_(table.attempted_at.is_(None), not_(is_begun))
    return table.status == "pending", is_waiting, _within(table, scope)


def _within(table: Any, scope: Reducible) -> ColumnElement[bool]:
    found: ColumnElement[bool] = true()
    if scope.type == "Workflow":
        found = table.workflow_id == scope.id
    elif scope.type == "Project":
        own = select(Workflow.id).where(Workflow.project_id == scope.id)
        found = table.workflow_id.in_(own)
    return found
