"""Settings outside a workflow's configuration: its queue, and those of a project; in the trail."""

from typing import Any

from sqlalchemy.orm import Session

from caesar_web.access import parts, trail
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline.configuring import Unknown
from caesar_web.pipeline.part_saving import add_project_if_missing
from caesar_web.store.configuration import Project, Workflow


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


def change_project(project_id: int, **values: Any) -> bool:
    """Changes the settings of a project that is here; False when that changes nothing."""
    with tasks.transaction() as session:
        project = session.get_one(Project, project_id, with_for_update=True)
        return _changed(session, project, values, project_id=project_id)


def _changed(
    session: Session, row: Workflow | Project, values: dict[str, Any], **where: Any
) -> bool:
    before = {name: getattr(row, name) for name in values}
    if before == values:
        return False
    for name, value in values.items():
        setattr(row, name, value)
    row.updated_at = parts.now()
    trail.note(session, "changed the settings", before=before, after=values, **where)
    return True
