"""Settings outside a workflow's configuration: its queue, and those of a project; in the trail."""

from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.access import parts, trail
from caesar_web.access.identity import identity
from caesar_web.access.permissions import NotSignedIn
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline import pausing
from caesar_web.pipeline.configuring import Unknown
from caesar_web.pipeline.part_saving import add_project_if_missing
from caesar_web.pipeline.pausing import Moved
from caesar_web.store.configuration import Project, Workflow


class Saved(NamedTuple):
    """Whether settings changed, and what became of the state."""

    changed: bool
    moved: Moved


def served_queues() -> list[str]:
    """The queues in which classifications can wait."""
    others = (queues.ACTIONS, queues.RUNS)
    return [name for name, _ in parts.config().queues if name not in others]


def choose_queue(workflow_id: int, name: str | None) -> bool:
    """Gives a workflow a queue of its own, or none; False when that changes nothing.

    Raises Unknown.
    """
    with tasks.transaction() as session:
        workflow = session.get(Workflow, workflow_id, with_for_update=True)
        if workflow is None:
            raise Unknown(f"there is no workflow {workflow_id} here")
        values = {"custom_queue_name": name}
        return _changed(session, workflow, values, workflow_id=workflow_id)


def choose_queue_of_project(project_id: int, name: str | None) -> bool:
    """Gives a queue to those of a project's workflows that have none of their own; likewise."""
    with tasks.transaction() as session:
        add_project_if_missing(session, project_id, parts.now())
        project = session.get(Project, project_id, with_for_update=True)
        if project is None:
            raise Unknown(f"there is no project {project_id} here")
        values = {"custom_queue_name": name}
        return _changed(session, project, values, project_id=project_id)


def change_project(
    project_id: int, *, status: str | None = None, public_reductions: bool | None = None
) -> Saved:
    """Changes the settings of a project that is here; what is not given stays."""
    caller = identity()
    if caller is None:
        raise NotSignedIn
    with tasks.transaction() as session:
        project = session.get_one(Project, project_id, with_for_update=True)
        wanted = status or project.status
        is_public = project.public_reductions if public_reductions is None else public_reductions
        values = {"status": wanted, "public_reductions": is_public}
        changed = _noted(session, project, values, project_id=project_id)
        project.public_reductions = is_public
        moved = pausing.move_project(
            session, project, wanted, by=caller.login, by_id=caller.user_id, now=parts.now()
        )
    if moved.run_id is not None:
        queues.ring_run(parts.config().redis_url, moved.run_id)
    return Saved(changed, moved)


def _changed(
    session: Session, row: Workflow | Project, values: dict[str, Any], **where: Any
) -> bool:
    if not _noted(session, row, values, **where):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    return True


def _noted(session: Session, row: Workflow | Project, values: dict[str, Any], **where: Any) -> bool:
    """Writes down what a row is to be, where that is another thing; whether it is."""
    before = {name: getattr(row, name) for name in values}
    if before == values:
        return False
    row.updated_at = parts.now()
    trail.note(session, "changed the settings", before=before, after=values, **where)
    return True
