"""The states of what can be paused: setting them, and which parts of an owner are paused."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.store.configuration import (
    Extractor,
    Project,
    Reducer,
    SubjectRule,
    UserRule,
    Workflow,
)
from caesar_web.store.db import fixed_width

Part = Extractor | Reducer | SubjectRule | UserRule
Pausable = Part | Workflow | Project

KINDS: dict[type[Part], str] = {
    Extractor: "extractor",
    Reducer: "reducer",
    SubjectRule: "subject_rule",
    UserRule: "user_rule",
}


def set_status(row: Pausable, status: str, *, now: datetime) -> None:
    """Gives something a state. What a reducer is never to make up for is noted with it."""
    before = row.status or "active"  # a new row has none yet
    if before == status:
        return
    if isinstance(row, Reducer) and "halted" in (before, status) and before != "active":
        note_gap(row, row.status_since, now=now)
    row.status, row.status_since, row.updated_at = status, now, now


def note_gap(reducer: Reducer, since: datetime | None, *, now: datetime) -> None:
    """What came in the meantime is not to be counted later, when the reducer works again."""
    span = [fixed_width(since or reducer.created_at), fixed_width(now)]
    reducer.gaps = [*(reducer.gaps or []), span]


def parts(session: Session, owner: Workflow | Project) -> Iterator[Part]:
    """All parts of a workflow or project."""
    if isinstance(owner, Workflow):
        yield from owner.extractors
    yield from session.scalars(
        select(Reducer)
        .filter_by(reducible_type=type(owner).__name__, reducible_id=owner.id)
        .order_by(Reducer.id)
    )
    if isinstance(owner, Workflow):
        yield from owner.subject_rules
        yield from owner.user_rules


def find(session: Session, owner: Workflow | Project, kind: str, id: int) -> Part | None:
    """A part of this owner and no other."""
    for part in parts(session, owner):
        if (KINDS[type(part)], part.id) == (kind, id):
            return part
    return None


def paused(session: Session, owner: Workflow | Project) -> dict[tuple[str, int], datetime]:
    """Since when each of an owner's paused parts is, by its kind and id."""
    return {
        (KINDS[type(part)], part.id): part.status_since or part.created_at
        for part in parts(session, owner)
        if part.status == "paused"
    }
