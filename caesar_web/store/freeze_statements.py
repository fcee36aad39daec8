"""Statements over freezes, of a workflow, of a project, or of all: what is frozen, and by whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session, aliased

from caesar_web.store import bulk
from caesar_web.store.activity import Freeze
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import table_of
from caesar_web.store.snapshot import Reducible

EVERYWHERE = Reducible("Everywhere", 0)


def is_frozen(workflow_id: Any, *, but: Reducible | None = None) -> ColumnElement[bool]:
    """Whether actions of a workflow wait, also without the freeze that is left out."""
    frozen = select(Freeze.id).where(
        or_(
            _of(EVERYWHERE),
            and_(Freeze.reducible_type == "Workflow", Freeze.reducible_id == workflow_id),
            and_(
                Freeze.reducible_type == "Project",
                Freeze.reducible_id == _project_of(workflow_id),
            ),
        )
    )
    others = frozen if but is None else frozen.where(~_of(but))
    return others.correlate_except(Freeze).exists()


def is_workflow_frozen(session: Session, workflow_id: int) -> bool:
    found: bool = session.scalars(select(is_frozen(workflow_id))).one()
    return found


def freezes(session: Session, of: Sequence[Reducible]) -> list[Freeze]:
    """Those of the freezes of these that there are, as they were made."""
    wanted = select(Freeze).where(or_(*map(_of, of))).order_by(Freeze.id)
    return list(session.scalars(wanted))


def freeze(session: Session, of: Reducible, *, frozen_by: str, now: datetime) -> bool:
    """Freezes; False where it is frozen already."""
    row = {"reducible_type": of.type, "reducible_id": of.id, "frozen_by": frozen_by}
    made = bulk.insert(
        session,
        table_of(Freeze),
        [{**row, "created_at": now}],
        columns=(*row, "created_at"),
        conflict="(reducible_type, reducible_id) DO NOTHING",
        returning=("id",),
    )
    return bool(made)


def thaw(session: Session, of: Reducible) -> bool:
    """Ends a freeze; False where there is none."""
    removed = session.execute(
        delete(Freeze)
        .where(_of(of))
        .returning(Freeze.id)
        .execution_options(synchronize_session=False)
    )
    return removed.first() is not None


def _project_of(workflow_id: Any) -> Any:
    known = aliased(Workflow)
    found = select(known.project_id).where(known.id == workflow_id)
    return found.correlate_except(known).scalar_subquery()


def _of(one: Reducible) -> ColumnElement[bool]:
    return and_(Freeze.reducible_type == one.type, Freeze.reducible_id == one.id)
