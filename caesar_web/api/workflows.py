"""Workflows for clients: those that are theirs, one of them, adding one, changing its settings."""

from typing import Any

from flask import Response, url_for

from caesar_web.access import configuring, membership
from caesar_web.access.adding import NotYours, add_workflow
from caesar_web.api import bodies, rendering, reruns
from caesar_web.domain.documents import MEMBERS, Document, read_document
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.store import queries
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import reading
from caesar_web.store.red_parts import red_parts
from caesar_web.store.snapshot import Reducible


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
        workflow_id = panoptes_id(body.get("id"))
        is_new = add_workflow(workflow_id, _document(body))
    except Unreadable as problem:
        return rendering.refused(422, f"id {problem}")
    except InvalidConfiguration as problem:
        return rendering.refused(422, *map(str, problem.problems))
    except NotYours:
        return Response(status=403, content_type="application/json")
    if not is_new:
        where = url_for("workflows.show", workflow_id=workflow_id)
        return Response(status=302, headers={"Location": where}, content_type="application/json")
    return shown(workflow_id)


def changed(workflow_id: int) -> Response:
    """Changes settings and configuration, starts what is to run again: 204, and where to look."""
    body = bodies.body_of("workflow")
    try:
        rerun = reruns.asked_for(body, reruns.OF_WORKFLOWS)
        configuring.apply(workflow_id, _document(body))
    except Unreadable as problem:
        return rendering.refused(422, str(problem))
    except InvalidConfiguration as problem:
        return rendering.refused(422, *map(str, problem.problems))
    if rerun:
        reruns.start(rerun, Reducible("Workflow", workflow_id))
    where = url_for("workflows.show", workflow_id=workflow_id)
    return rendering.no_content(location=f"{where}#{rerun or 'settings'}")


def _document(body: dict[str, Any]) -> Document:
    """The settings and the configuration in a body, without whatever else it has.

    Raises InvalidConfiguration.
    """
    return read_document({name: body[name] for name in MEMBERS if name in body})
