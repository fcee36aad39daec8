"""The addresses of data requests: of a workflow and of a project, for people and for clients."""

from flask import Blueprint, Response
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import exports
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import Hidden, permit, place
from caesar_web.api import data_requests as api
from caesar_web.web import data_request_page as pages
from caesar_web.web import errors
from caesar_web.web.data_requests_shown import Home

blueprint = Blueprint(
    "data_requests", __name__, url_prefix="/workflows/<int:workflow_id>/data_requests"
)
of_projects = Blueprint(
    "project_data_requests", __name__, url_prefix="/projects/<int:project_id>/data_requests"
)


@blueprint.get("", strict_slashes=False)
@permit("see data requests")
def index(workflow_id: int) -> Response:
    """The data requests that the caller may see, the newest first."""
    home = _of_workflow(workflow_id)
    return pages.listed(home) if wants_page() else api.listed(home.exportable)


@blueprint.post("", strict_slashes=False)
@permit("ask for data")
def create(workflow_id: int) -> AnyResponse:
    """Asks for an export."""
    return _created(_of_workflow(workflow_id))


@blueprint.get("/<request_id>")
@permit("see data requests")
def show(workflow_id: int, request_id: str) -> Response:
    """One data request, and how far it is."""
    return _shown(_of_workflow(workflow_id), request_id)


@blueprint.post("/<request_id>")
@permit("ask for data")
def change(workflow_id: int, request_id: str) -> AnyResponse:
    return pages.changed(_of_workflow(workflow_id), request_id)


@of_projects.get("", endpoint="index", strict_slashes=False)
@permit("see data requests")
def index_of_project(project_id: int) -> Response:
    """A project's data requests that the caller may see, the newest first."""
    home = _of_project(project_id)
    return pages.listed(home) if wants_page() else api.listed(home.exportable)


@of_projects.post("", endpoint="create", strict_slashes=False)
@permit("ask for data")
def create_of_project(project_id: int) -> AnyResponse:
    """Asks for an export of a project."""
    return _created(_of_project(project_id))


@of_projects.get("/<request_id>", endpoint="show")
@permit("see data requests")
def show_of_project(project_id: int, request_id: str) -> Response:
    """One data request of a project, and how far it is."""
    return _shown(_of_project(project_id), request_id)


@of_projects.post("/<request_id>", endpoint="change")
@permit("ask for data")
def change_of_project(project_id: int, request_id: str) -> AnyResponse:
    return pages.changed(_of_project(project_id), request_id)


@blueprint.errorhandler(Hidden)
@of_projects.errorhandler(Hidden)
def hidden(problem: Hidden) -> Response:
    return errors.answer(problem) if wants_page() else api.unknown()


def _created(home: Home) -> AnyResponse:
    if wants_page():
        return pages.created(home)
    return api.created(
        home.exportable,
        lambda id: home.address("show", request_id=id, _external=True),
    )


def _shown(home: Home, request_id: str) -> Response:
    if wants_page():
        return pages.shown(home, request_id)
    return api.shown(home.exportable, request_id)


def _of_workflow(workflow_id: int) -> Home:
    return Home(exports.of_workflow(place()), "data_requests", {"workflow_id": workflow_id})


def _of_project(project_id: int) -> Home:
    place = {"project_id": project_id}
    return Home(exports.of_project(project_id), "project_data_requests", place)
