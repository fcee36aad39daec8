"""Adding a workflow: only one of a project that is the caller's, whatever Panoptes knows."""

from sqlalchemy.exc import IntegrityError

from caesar_web.access import parts, trail
from caesar_web.access.membership import may_touch
from caesar_web.access.renewal import PanoptesAway
from caesar_web.domain.events import LARGEST_ID
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.workflows import Description, add, describe
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.queries import reading


class NotYours(Exception):
    """No such workflow, or somebody else's: which of the two, nobody is told."""


def add_workflow(workflow_id: int) -> bool:
    """Adds a workflow of the caller's; False where it is here. Raises NotYours, PanoptesAway."""
    description = _described(workflow_id)
    if not may_touch(description.project_id):
        trail.refused("add a workflow", status=403)
        raise NotYours
    with reading() as session:
        if session.get(Workflow, workflow_id) is not None:
            return False
    try:
        with db.session.begin():
            add(db.session(), description, now=parts.now())
            trail.note(
                db.session(),
                "added the workflow",
                about=description.name,
                workflow_id=workflow_id,
                project_id=description.project_id,
            )
    except IntegrityError:  # another request was first
        return False
    return True


def _described(workflow_id: int) -> Description:
    if not 0 < workflow_id <= LARGEST_ID:
        raise NotYours
    try:
        return describe(tasks.panoptes(), workflow_id)
    except PanoptesError as problem:
        if problem.status == 404:
            raise NotYours from problem
        raise PanoptesAway(problem.message) from problem
