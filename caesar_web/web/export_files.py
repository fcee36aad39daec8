"""The files of exports: for those who may see the request, and for whoever has the link."""

from flask import Blueprint
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from caesar_web.access import export_files, exports, parts
from caesar_web.access.exports import Exportable
from caesar_web.access.permissions import permit, place

blueprint = Blueprint("export_files", __name__)


@blueprint.get("/exports/<token>")
@permit("fetch a file by its link")
def by_link(token: str) -> Response:
    return export_files.sent(exports.signed_file(token))


@blueprint.get("/workflows/<int:workflow_id>/data_requests/<request_id>/file")
@permit("see data requests")
def of_workflow(workflow_id: int, request_id: str) -> Response:
    return _sent(exports.of_workflow(place()), request_id)


@blueprint.get("/projects/<int:project_id>/data_requests/<request_id>/file")
@permit("see data requests")
def of_project(project_id: int, request_id: str) -> Response:
    return _sent(exports.of_project(project_id), request_id)


def _sent(exportable: Exportable, request_id: str) -> Response:
    found = exports.find(exportable, request_id)
    if not exports.has_file(found, now=parts.now()):
        raise NotFound
    return export_files.sent(found.request)
