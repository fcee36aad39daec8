"""Workflows for clients: those that are theirs, one of them, adding one, changing its settings."""

from typing import Any

from flask import Response, url_for

from caesar_web.access import configuring, membership
from caesar_web.access.adding import NotYours, add_workflow
from caesar_web.api import bodies, rendering
from caesar_web.domain.documents import SETTINGS, Document, read_document
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.store import queries
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import reading
from caesar_web.store.red_parts import red_parts


def listed() -> Response:
    """The caller's workflows, by id."""
    project_ids = membership.projects()
    with reading() as session:
        rows = queries.workflows(session, project_ids=project_ids)
        ids = [row.id for row in rows]
        counts, red = queries.part_counts(session, ids), red_parts(session, ids)
        body = [rendering.workflow(row, counts=counts[row.id], red=red[row.id]) for row in rows]
    return rendering.as_response(body)


def shown(workflow_id: int) -> Response:
    with reading() as session:
        row = session.get_one(Workflow, workflow_id)
        counts = queries.part_counts(session, [workflow_id])[workflow_id]
        red = red_parts(session, [workflow_id])[workflow_id]
        return rendering.as_response(rendering.workflow(row, counts=counts, red=red))


def created() -> Response:
    """Adds a workflow: 200 as clients expect, 302 where it is here, 403 where it is not theirs."""
    body = bodies.body_of("workflow")
    try:
        workflow_id, settings = panoptes_id(body.get("id")), _settings(body)
    except Unreadable as problem:
        return rendering.refused(422, f"id {problem}")
    except InvalidConfiguration as problem:
        return rendering.refused(422, *map(str, problem.problems))
    try:
        is_new = add_workflow(workflow_id)
    except NotYours:
        return Response(status=403, content_type="application/json")
    if not is_new:
        where = url_for("workflows.show", workflow_id=workflow_id)
        return Response(status=302, headers={"Location": where}, content_type="application/json")
    configuring.apply(workflow_id, settings)
    return shown(workflow_id)


def changed(workflow_id: int) -> Response:
    """Changes settings: 204, and where they are shown."""
    try:
        configuring.apply(workflow_id, _settings(bodies.body_of("workflow")))
    except InvalidConfiguration as problem:
        return rendering.refused(422, *map(str, problem.problems))
    where = url_for("workflows.show", workflow_id=workflow_id) + "#settings"
    return Response(status=204, headers={"Location": where}, content_type="application/json")


def _settings(body: dict[str, Any]) -> Document:
    """The settings in a body, without whatever else it has. Raises InvalidConfiguration."""
    return read_document({name: body[name] for name in SETTINGS if name in body})
