"""Extractors and reducers for clients: all of them, one, adding, changing and removing one."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from caesar_web.access import configuring
from caesar_web.access.permissions import permit
from caesar_web.api import bodies, entries, rendering
from caesar_web.domain.documents import read_extractor, read_reducer
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.store import part_queries, queries
from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible

blueprint = Blueprint("parts_api", __name__)
ID = f"<int(max={LARGEST_ID}):part_id>"
EXTRACTORS = "/workflows/<int:workflow_id>/extractors"
REDUCERS = "/workflows/<int:workflow_id>/reducers"
OF_PROJECT = "/projects/<int:project_id>/reducers"

AnyPart = Extractor | Reducer
Table = type[Extractor] | type[Reducer]


@blueprint.errorhandler(InvalidConfiguration)
def refused(problem: InvalidConfiguration) -> Response:
    """What is wrong, as sentences; a key that is taken in the words that clients know."""
    return rendering.refused(422, *map(_sentence, problem.problems))


class Missing(Exception):
    """There is no such extractor or reducer there."""


@blueprint.errorhandler(Missing)
def not_found(problem: Missing) -> Response:
    return rendering.not_found(*problem.args)


def listed(reducible: Reducible, table: Table) -> Response:
    """All extractors of a workflow, or all reducers of a workflow or project."""
    shape = _shape(table)
    with reading() as session:
        rows = _rows(session, reducible, table)
        return rendering.as_response([shape(row) for row in rows])


def shown(reducible: Reducible, table: Table, part_id: int) -> Response:
    with reading() as session:
        row = _row(session, reducible, table, part_id)
        if row is None:
            return rendering.not_found(table.__name__, part_id)
        return rendering.as_response(_shape(table)(row))


@blueprint.post(EXTRACTORS)
@permit("configure a workflow")
def create_extractor(workflow_id: int) -> Response:
    """Adds an extractor, and gives it."""
    body = bodies.body_of("extractor")
    row = read_extractor(entries.key_of(body, None), entries.extractor_entry(body, None))
    part_id = configuring.save_extractor(workflow_id, None, row)
    return shown(Reducible("Workflow", workflow_id), Extractor, part_id)


@blueprint.route(f"{EXTRACTORS}/{ID}", methods=["PUT", "PATCH"])
@permit("configure a workflow")
def update_extractor(workflow_id: int, part_id: int) -> Response:
    """Changes what the body names of an extractor."""
    known = _there(Reducible("Workflow", workflow_id), Extractor, part_id)
    body = bodies.body_of("extractor")
    key, entry = entries.key_of(body, known), entries.extractor_entry(body, known)
    row = read_extractor(key, entry, known=known.key)
    configuring.save_extractor(workflow_id, known.key, row)
    return rendering.no_content()


@blueprint.delete(f"{EXTRACTORS}/{ID}")
@permit("configure a workflow")
def remove_extractor(workflow_id: int, part_id: int) -> Response:
    """Removes an extractor."""
    known = _there(Reducible("Workflow", workflow_id), Extractor, part_id)
    configuring.remove_extractor(workflow_id, known.key)
    return rendering.no_content()


@blueprint.post(REDUCERS)
@permit("configure a workflow")
def create_reducer(workflow_id: int) -> Response:
    """Adds a reducer, and gives it."""
    return _created(Reducible("Workflow", workflow_id))


@blueprint.route(f"{REDUCERS}/{ID}", methods=["PUT", "PATCH"])
@permit("configure a workflow")
def update_reducer(workflow_id: int, part_id: int) -> Response:
    """Changes what the body names of a reducer."""
    return _updated(Reducible("Workflow", workflow_id), part_id)


@blueprint.delete(f"{REDUCERS}/{ID}")
@permit("configure a workflow")
def remove_reducer(workflow_id: int, part_id: int) -> Response:
    """Removes a reducer."""
    return _removed(Reducible("Workflow", workflow_id), part_id)


@blueprint.post(OF_PROJECT)
@permit("configure a project")
def create_reducer_of_project(project_id: int) -> Response:
    """Adds a reducer of a project, and gives it."""
    return _created(Reducible("Project", project_id))


@blueprint.route(f"{OF_PROJECT}/{ID}", methods=["PUT", "PATCH"])
@permit("configure a project")
def update_reducer_of_project(project_id: int, part_id: int) -> Response:
    """Changes what the body names of a project's reducer."""
    return _updated(Reducible("Project", project_id), part_id)


@blueprint.delete(f"{OF_PROJECT}/{ID}")
@permit("configure a project")
def remove_reducer_of_project(project_id: int, part_id: int) -> Response:
    """Removes a reducer of a project."""
    return _removed(Reducible("Project", project_id), part_id)


def _created(reducible: Reducible) -> Response:
    body = bodies.body_of("reducer")
    row = read_reducer(entries.key_of(body, None), entries.reducer_entry(body, None))
    return shown(reducible, Reducer, configuring.save_reducer(reducible, None, row))


def _updated(reducible: Reducible, part_id: int) -> Response:
    known = _there(reducible, Reducer, part_id)
    body = bodies.body_of("reducer")
    key, entry = entries.key_of(body, known), entries.reducer_entry(body, known)
    row = read_reducer(key, entry, known=known.key)
    configuring.save_reducer(reducible, known.key, row)
    return rendering.no_content()


def _removed(reducible: Reducible, part_id: int) -> Response:
    configuring.remove_reducer(reducible, _there(reducible, Reducer, part_id).key)
    return rendering.no_content()


def _sentence(problem: Problem) -> str:
    if problem.place == "key" and "is taken" in problem.message:
        return "Key has already been taken"
    place = problem.place.replace("minimum_version", "minimum_workflow_version")
    return f"{place} {problem.message}".strip()


def _there(reducible: Reducible, table: Any, part_id: int) -> Any:
    with reading() as session:
        row = _row(session, reducible, table, part_id)
        if row is None:
            raise Missing(table.__name__, part_id)
        session.expunge(row)
    return row


def _rows(session: Session, reducible: Reducible, table: Table) -> Sequence[AnyPart]:
    if table is Extractor:
        return part_queries.extractors(session, reducible)
    return queries.reducers(session, reducible.type, reducible.id)


def _row(session: Session, reducible: Reducible, table: Table, part_id: int) -> AnyPart | None:
    if table is Extractor:
        return part_queries.extractor(session, reducible.id, part_id)
    return part_queries.reducer(session, reducible, part_id)


def _shape(table: Table) -> Callable[[Any], dict[str, Any]]:
    return rendering.extractor if table is Extractor else rendering.reducer
