"""The addresses of runs: those of a workflow, and those of a whole project."""

from flask import Blueprint
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from caesar_web.access.permissions import permit
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store import queries
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible
from caesar_web.web import run_views as views
from caesar_web.web.run_shown import Home

blueprint = Blueprint("runs", __name__, url_prefix="/workflows/<int:workflow_id>/runs")
of_projects = Blueprint("project_runs", __name__, url_prefix="/projects/<int:project_id>/runs")


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    return views.listed(_of_workflow(workflow_id))


@blueprint.route("/new", methods=["GET", "POST"])
@permit("configure a workflow")
def new(workflow_id: int) -> Response:
    return views.started(_of_workflow(workflow_id))


@blueprint.get("/<int:run_id>")
@permit("see a workflow")
def show(workflow_id: int, run_id: int) -> Response:
    return views.shown(_of_workflow(workflow_id), run_id)


@blueprint.post("/<int:run_id>")
@permit("configure a workflow")
def change(workflow_id: int, run_id: int) -> Response:
    return views.changed(_of_workflow(workflow_id), run_id)


@blueprint.route("/<int:run_id>/repeat", methods=["GET", "POST"])
@permit("configure a workflow")
def repeat(workflow_id: int, run_id: int) -> Response:
    return views.repeated(_of_workflow(workflow_id), run_id)


@blueprint.route("/<int:run_id>/apply", methods=["GET", "POST"])
@permit("configure a workflow")
def apply(workflow_id: int, run_id: int) -> Response:
    return views.applied(_of_workflow(workflow_id), run_id)


@of_projects.get("", endpoint="index")
@permit("see a project")
def index_of_project(project_id: int) -> Response:
    return views.listed(_of_project(project_id))


@of_projects.route("/new", methods=["GET", "POST"], endpoint="new")
@permit("configure a project")
def new_of_project(project_id: int) -> Response:
    return views.started(_of_project(project_id))


@of_projects.get("/<int:run_id>", endpoint="show")
@permit("see a project")
def show_of_project(project_id: int, run_id: int) -> Response:
    return views.shown(_of_project(project_id), run_id)


@of_projects.post("/<int:run_id>", endpoint="change")
@permit("configure a project")
def change_of_project(project_id: int, run_id: int) -> Response:
    return views.changed(_of_project(project_id), run_id)


@of_projects.route("/<int:run_id>/repeat", methods=["GET", "POST"], endpoint="repeat")
@permit("configure a project")
def repeat_of_project(project_id: int, run_id: int) -> Response:
    return views.repeated(_of_project(project_id), run_id)


def _of_workflow(workflow_id: int) -> Home:
    return Home(Reducible("Workflow", workflow_id))


def _of_project(project_id: int) -> Home:
    """A project is here as soon as one of its workflows is."""
    with reading() as session:
        workflows = []
        if project_id <= LARGEST_ID:
            workflows = queries.workflows(session, project_ids=[project_id])
        if not workflows:
            raise NotFound
        name = workflows[0].project_name or f"Project {project_id}"
    return Home(Reducible("Project", project_id), name)
