"""Statements over the trail of who did what."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from caesar_web.store import revisions
from caesar_web.store.activity import AuditEntry
from caesar_web.store.db import dump_json

REPEATED_WITHIN = timedelta(minutes=1)
MOST_ALIKE = 10


def write(session: Session, *, now: datetime, **values: Any) -> None:
    """Writes down what somebody did."""
    session.add(AuditEntry(created_at=now, **values))


def count(session: Session, *, now: datetime, about: str | None, **values: Any) -> None:
    """Writes down what may come again and again: soon after, it is counted and not written.

    What is alike but for `about` is told apart a few times, and then counted together, so that
    nobody fills the trail with refusals.
    """
    alike = (
        select(AuditEntry.about, AuditEntry.id)
        .filter_by(**values)
        .where(AuditEntry.created_at > now - REPEATED_WITHIN)
        .order_by(AuditEntry.id.desc())
        .limit(MOST_ALIKE)
    )
    known: dict[str | None, int] = {row.about: row.id for row in session.execute(alike)}
    if about not in known and len(known) == MOST_ALIKE:
        about = None
    if about in known:
        times = {"times": AuditEntry.times + 1}
        session.execute(update(AuditEntry).where(AuditEntry.id == known[about]).values(times))
    else:
        write(session, now=now, about=about, **values)


def write_changes(session: Session, *, now: datetime, **who: Any) -> None:
    """Writes down the changes of configuration in this transaction: the members that changed."""
    for revision in revisions.added(session):
        before, after = revision.before or {}, revision.after or {}
        owner = "project_id" if revision.reducible_type == "Project" else "workflow_id"
        write(
            session,
            now=now,
            action="changed the configuration",
            about=revision.note,
            before=_members(before, unlike=after),
            after=_members(after, unlike=before),
            **{owner: revision.reducible_id},
            **who,
        )


def _members(document: dict[str, Any], *, unlike: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in document.items()
        if dump_json(value) != dump_json(unlike.get(name))
    }


def page(
    session: Session, *, workflow_id: int | None, before_id: int | None, most: int
) -> list[AuditEntry]:
    """The newest entries, of one workflow or of all, older than `before_id`."""
    wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(most)
    if workflow_id is not None:
        wanted = wanted.where(AuditEntry.workflow_id == workflow_id)
    if before_id is not None:
        wanted = wanted.where(AuditEntry.id < before_id)
    return list(session.scalars(wanted))
