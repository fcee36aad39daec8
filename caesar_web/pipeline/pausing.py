"""Pausing, halting and resuming one part of a configuration, or a whole project."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from caesar_web.pipeline import resuming
from caesar_web.pipeline.configuring import Change, Unknown
from caesar_web.store import statuses, transfer
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.snapshot import Reducible


class Moved(NamedTuple):
    """From which state something came, since when it had that, and the run that makes up for it."""

    before: str
    since: datetime | None
    run_id: int | None


def move_part(change: Change, reducible: Reducible, kind: str, part_id: int, status: str) -> Moved:
    """Gives a part of a workflow or project a state, as one revision of that.

    One that was paused is made up for by a run; asking again gives the run that is there. Raises
    Unknown.
    """
    author = change.author
    with change.transaction() as session:
        of_workflow = reducible.type == "Workflow"
        owner: Workflow | Project | None = (
            session.get(Workflow, reducible.id)
            if of_workflow
            else session.get(Project, reducible.id)
        )
        if owner is None:
            raise Unknown(f"there is no {reducible.type.lower()} {reducible.id} here")
        with transfer.changing(session, owner, author=author.name, now=change.now):
            part = statuses.find(session, owner, kind, part_id)
            if part is None:
                raise Unknown(f"there is no {kind} {part_id} here")
            before, since = part.status, part.status_since
            with resuming.made_up(
                session, owner, by=author.name, by_id=author.user_id, now=change.now
            ):
                statuses.set_status(part, status, now=change.now)
        what = resuming.name_of(kind, part_id)
        return Moved(before, since, resuming.running(session, reducible, what))


def move_project(
    session: Session, project: Project, status: str, *, by: str, by_id: int | None, now: datetime
) -> Moved:
    """Gives a project a state: its reducers are paused, halted or resumed with it."""
    before, since = project.status, project.status_since
    if before != status and before != "active" and "halted" in (before, status):
        for reducer in transfer.reducers_of(session, project):
            statuses.note_gap(reducer, since, now=now)
    if before != status:
        statuses.set_status(project, status, now=now)
        project.revision += 1
    if (before, status) == ("paused", "active"):
        resuming.make_up_for_project(session, project, since, by=by, by_id=by_id, now=now)
    reducible = Reducible("Project", project.id)
    return Moved(before, since, resuming.running(session, reducible, "project"))


def _owner(session: Session, reducible: Reducible) -> Workflow | Project | None:
    if reducible.type == "Workflow":
        return session.get(Workflow, reducible.id)
    return session.get(Project, reducible.id)
