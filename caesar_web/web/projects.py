"""Pages of projects: those that are mine, and one of them with its workflows and reducers."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from caesar_web.access import membership
from caesar_web.access.permissions import permit
from caesar_web.store import queries
from caesar_web.store.configuration import Project
from caesar_web.store.queries import reading
from caesar_web.web.pages import page

blueprint = Blueprint("projects", __name__, url_prefix="/projects")


@blueprint.get("")
@permit("list my workflows")
def index() -> Response:
    project_ids = membership.projects()
    with reading() as session:
        workflows = queries.workflows(session, project_ids=project_ids)
        return page("projects/index.html", workflows=workflows)


@blueprint.get("/<int:project_id>")
@permit("see a project")
def show(project_id: int) -> Response:
    with reading() as session:
        project = session.get(Project, project_id)
        workflows = queries.workflows(session, project_ids=[project_id])
        if project is None and not workflows:
            raise NotFound
        return page(
            "projects/show.html",
            project_id=project_id,
            project=project,
            workflows=workflows,
            reducers=queries.reducers(session, "Project", project_id),
        )
