"""Statements over the revisions of a configuration, newest first."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from caesar_web.store.configuration import Revision

_ADDED = "revisions added"


def add(session: Session, revision: Revision) -> None:
    """Writes a revision, and remembers it for whoever tells the trail."""
    session.add(revision)
    session.info.setdefault(_ADDED, []).append(revision)


def added(session: Session) -> list[Revision]:
    """What was added since this was last asked, whether it was flushed or not."""
    found: list[Revision] = session.info.pop(_ADDED, [])
    return found


def page(session: Session, workflow_id: int, *, before_id: int | None, most: int) -> list[Revision]:
    """The newest revisions of a workflow, older than `before_id`."""
    wanted = _of(workflow_id).order_by(Revision.id.desc()).limit(most)
    if before_id is not None:
        wanted = wanted.where(Revision.id < before_id)
    return list(session.scalars(wanted))


def find(session: Session, workflow_id: int, revision_id: int) -> Revision | None:
    """A revision of a workflow; None where there is no such one."""
    return session.scalars(_of(workflow_id).where(Revision.id == revision_id)).one_or_none()


def _of(workflow_id: int) -> Select[Revision]:
    return select(Revision).filter_by(reducible_type="Workflow", reducible_id=workflow_id)
