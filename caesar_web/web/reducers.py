"""The addresses of reducers: those of a workflow, and those of a whole project."""

from flask import Blueprint, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.api import parts as api
from caesar_web.store import queries
from caesar_web.store.configuration import Reducer
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible
from caesar_web.web import reducer_pages as pages
from caesar_web.web.part_page import Home

blueprint = Blueprint("reducers", __name__, url_prefix="/workflows/<int:workflow_id>/reducers")
of_projects = Blueprint(
    "project_reducers", __name__, url_prefix="/projects/<int:project_id>/reducers"
)


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    """All reducers of a workflow."""
    if not wants_page():
        return api.listed(Reducible("Workflow", workflow_id), Reducer)
    return pages.listed(_of_workflow(workflow_id))


@blueprint.route("/new", methods=["GET", "POST"])
@permit("configure a workflow")
def new(workflow_id: int) -> Response:
    return pages.added(_of_workflow(workflow_id))


@blueprint.route("/<int:part_id>", methods=["GET", "POST"])
@permit("configure a workflow")
def edit(workflow_id: int, part_id: int) -> Response:
    """One reducer."""
    if request.method == "GET" and not wants_page():
        return api.shown(Reducible("Workflow", workflow_id), Reducer, part_id)
    return pages.edited(_of_workflow(workflow_id), part_id)


@blueprint.route("/<int:part_id>/remove", methods=["GET", "POST"])
@permit("configure a workflow")
def remove(workflow_id: int, part_id: int) -> Response:
    return pages.removed(_of_workflow(workflow_id), part_id)


@blueprint.post("/<int:part_id>/state")
@permit("configure a workflow")
def state(workflow_id: int, part_id: int) -> Response:
    return pages.moved(_of_workflow(workflow_id), part_id)


@of_projects.get("", endpoint="index")
@permit("see a project")
def index_of_project(project_id: int) -> Response:
    """All reducers of a project."""
    if not wants_page():
        return api.listed(Reducible("Project", project_id), Reducer)
    return pages.listed(_of_project(project_id))


@of_projects.route("/new", methods=["GET", "POST"], endpoint="new")
@permit("configure a project")
def new_of_project(project_id: int) -> Response:
    return pages.added(_of_project(project_id))


@of_projects.route("/<int:part_id>", methods=["GET", "POST"], endpoint="edit")
@permit("configure a project")
def edit_of_project(project_id: int, part_id: int) -> Response:
    """One reducer of a project."""
    if request.method == "GET" and not wants_page():
        return api.shown(Reducible("Project", project_id), Reducer, part_id)
    return pages.edited(_of_project(project_id), part_id)


@of_projects.route("/<int:part_id>/remove", methods=["GET", "POST"], endpoint="remove")
@permit("configure a project")
def remove_of_project(project_id: int, part_id: int) -> Response:
    return pages.removed(_of_project(project_id), part_id)


@of_projects.post("/<int:part_id>/state", endpoint="state")
@permit("configure a project")
def state_of_project(project_id: int, part_id: int) -> Response:
    return pages.moved(_of_project(project_id), part_id)


def _of_workflow(workflow_id: int) -> Home:
    return Home("reducer", Reducible("Workflow", workflow_id), "reducers")


def _of_project(project_id: int) -> Home:
    """A project is here as soon as one of its workflows is."""
    with reading() as session:
        workflows = queries.workflows(session, project_ids=[project_id])
        if not workflows:
            raise NotFound
        name = workflows[0].project_name or f"Project {project_id}"
    return Home("reducer", Reducible("Project", project_id), "project_reducers", name)
