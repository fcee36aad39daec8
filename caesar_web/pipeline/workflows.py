"""Adding a workflow: what Panoptes says of it, and the row that it becomes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store.configuration import Workflow


@dataclass(frozen=True)
class Description:
    """A workflow as Panoptes describes it."""

    id: int
    project_id: int
    name: str | None
    project_name: str | None


def describe(panoptes: Panoptes, workflow_id: int) -> Description:
    """Asks Panoptes for a workflow. Raises PanoptesError, permanent where it knows none."""
    workflow = panoptes.workflow(workflow_id)
    try:
        project_id = panoptes_id(workflow["links"]["project"])
    except (KeyError, TypeError, Unreadable):
        message = f"Panoptes does not say which project workflow {workflow_id} belongs to"
        raise PanoptesError(message, permanent=False) from None
    return Description(
        workflow_id, project_id, _name(workflow), name_of_project(panoptes, project_id)
    )


def name_of_project(panoptes: Panoptes, project_id: int) -> str | None:
    """What Panoptes calls a project. Raises PanoptesError."""
    return _name(panoptes.project(project_id))


def _name(row: dict[str, Any]) -> str | None:
    name = row.get("display_name")
    return name if isinstance(name, str) else None


def add(session: Session, description: Description, *, now: datetime) -> Workflow:
    """The row of a workflow that was not known before, without any configuration."""
    workflow = Workflow(
        id=description.id,
        project_id=description.project_id,
        name=description.name,
        project_name=description.project_name,
        status="active",
        rules_applied="all_matching_rules",
        revision=1,
        created_at=now,
        updated_at=now,
    )
    session.add(workflow)
    return workflow
