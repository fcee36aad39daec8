"""Projects for clients: those that are theirs, one of them, adding one, changing its settings."""

from typing import Any

from flask import Response, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caesar_web.access import membership
from caesar_web.access.adding import NotYours, add_project
from caesar_web.access.settings import change_project
from caesar_web.api import bodies, rendering, reruns
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable, choice, switch
from caesar_web.store.configuration import PROJECT_STATUSES, Project, Reducer
from caesar_web.store.db import among
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible

SETTINGS = {"status": choice(*PROJECT_STATUSES), "public_reductions": switch}


def listed() -> Response:
    """The caller's projects that are here, by id."""
    project_ids = membership.projects()
    wanted = select(Project).order_by(Project.id)
    if project_ids is not None:
        wanted = wanted.where(among(Project.id, project_ids))
    with reading() as session:
        return _answer(session, list(session.scalars(wanted)))


def shown(project_id: int, *, status: int = 200, **headers: str) -> Response:
    with reading() as session:
        row = session.get(Project, project_id)
        if row is None:
            return rendering.not_found("Project", project_id)
        counts = _counts(session, [row.id])
        body = rendering.project(row, reducers_count=counts.get(row.id, 0))
    answer = rendering.as_response(body, status=status)
    answer.headers.update(headers)
    return answer


def created() -> Response:
    """Adds a project: 201, 302 where it is here, 403 where it is not theirs."""
    body = bodies.body_of("project")
    try:
        project_id, settings = panoptes_id(body.get("id")), _settings(body)
    except Unreadable as problem:
        return rendering.refused(422, str(problem))
    try:
        is_new = add_project(project_id)
    except NotYours:
        return Response(status=403, content_type="application/json")
    where = url_for("projects.show", project_id=project_id)
    if not is_new:
        return Response(status=302, headers={"Location": where}, content_type="application/json")
    if settings:
        change_project(project_id, **settings)
    return shown(project_id, status=201, Location=where)


def changed(project_id: int) -> Response:
    """Changes settings, and starts what is to run again: 204, and where to look."""
    body = bodies.body_of("project")
    try:
        rerun, settings = reruns.asked_for(body, reruns.OF_PROJECTS), _settings(body)
    except Unreadable as problem:
        return rendering.refused(422, str(problem))
    with reading() as session:
        if session.get(Project, project_id) is None:
            return rendering.not_found("Project", project_id)
    change_project(project_id, **settings)
    if rerun:
        reruns.start(rerun, Reducible("Project", project_id))
    where = url_for("projects.show", project_id=project_id)
    return rendering.no_content(location=f"{where}#{rerun or 'settings'}")


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    """The settings in a body, without whatever else it has. Raises Unreadable, with the name."""
    found = {}
    for name, read in SETTINGS.items():
        if name in body:
            try:
                found[name] = read(body[name])
            except Unreadable as problem:
                raise Unreadable(f"{name} {problem}") from None
    return found


def _answer(session: Session, rows: list[Project]) -> Response:
    counts = _counts(session, [row.id for row in rows])
    return rendering.as_response(
        [rendering.project(row, reducers_count=counts.get(row.id, 0)) for row in rows]
    )


def _counts(session: Session, project_ids: list[int]) -> dict[int, int]:
    """How many reducers each project has."""
    rows = session.execute(
        select(Reducer.reducible_id, func.count())
        .where(Reducer.reducible_type == "Project", among(Reducer.reducible_id, project_ids))
        .group_by(Reducer.reducible_id)
    )
    return {project_id: number for project_id, number in rows}  # noqa: C416  # a result is no mapping
