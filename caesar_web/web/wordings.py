"""Accepting that answers are called something else now."""

from flask import Blueprint, flash, redirect, url_for
from werkzeug.wrappers import Response

from caesar_web.access import wordings
from caesar_web.access.permissions import permit
from caesar_web.access.workflow_tasks import AWAY

blueprint = Blueprint("wordings", __name__, url_prefix="/workflows/<int:workflow_id>")

ACCEPTED = "The answers are taken as they are called now."


@blueprint.post("/wordings")
@permit("configure a workflow")
def accept(workflow_id: int) -> Response:
    if wordings.accept(workflow_id):
        flash(ACCEPTED)
    else:
        flash(AWAY, "wrong")
    return redirect(url_for("rules.index", workflow_id=workflow_id))
