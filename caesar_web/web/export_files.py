"""The file of an export, for whoever has its link."""

from flask import Blueprint
from werkzeug.wrappers import Response

from caesar_web.access import export_files, exports
from caesar_web.access.permissions import permit

blueprint = Blueprint("export_files", __name__)


@blueprint.get("/exports/<token>")
@permit("fetch a file by its link")
def by_link(token: str) -> Response:
    return export_files.sent(exports.signed_file(token))
