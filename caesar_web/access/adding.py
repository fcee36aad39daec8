"""Adding a workflow: only one of a project that is the caller's, whatever Panoptes knows."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from caesar_web.access import configuring, parts, trail
from caesar_web.access.membership import may_touch
from caesar_web.access.renewal import PanoptesAway
from caesar_web.domain.documents import Document
from caesar_web.domain.events import LARGEST_ID
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.workflows import Description, describe, name_of_project
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.projects import add_project as add_project_row
from caesar_web.store.queries import reading

NOTHING = Document()


class NotYours(Exception):
    """No such workflow, or somebody else's: which of the two, nobody is told."""


def add_workflow(workflow_id: int, document: Document = NOTHING) -> bool:
    """Adds a workflow of the caller's with a configuration, all or nothing; False if it is here.

    Raises NotYours, PanoptesAway and, for the configuration, InvalidConfiguration.
    """
    description = _described(workflow_id)
    if not may_touch(description.project_id):
        trail.refused("add a workflow", status=403)
        raise NotYours
    with reading() as session:
        if session.get(Workflow, workflow_id) is not None:
            return False
    try:
        configuring.add(description, document)
    except IntegrityError:  # another request was first
        return False
    return True


def add_project(project_id: int) -> bool:
    """Adds a project of the caller's; False where it is here. Raises NotYours, PanoptesAway."""
    if not 0 < project_id <= LARGEST_ID or not may_touch(project_id):
        trail.refused("add a project", status=403)
        raise NotYours
    with _refusals():
        name = name_of_project(tasks.panoptes(), project_id)
    with db.session.begin():
        is_new = add_project_row(db.session(), project_id, name, now=parts.now())
        if is_new:
            trail.note(db.session(), "added the project", about=name, project_id=project_id)
    return is_new


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except PanoptesError as problem:
        if problem.status == 404:
            raise NotYours from problem
        raise PanoptesAway(problem.message) from problem


def _described(workflow_id: int) -> Description:
    if not 0 < workflow_id <= LARGEST_ID:
        raise NotYours
    with _refusals():
        return describe(tasks.panoptes(), workflow_id)
