"""Trying a host again that is left alone because it fails."""

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import freezing, parts
from caesar_web.access.permissions import permit
from caesar_web.jobs import tasks
from caesar_web.pipeline.host_lights import hosts_of
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import reading

blueprint = Blueprint("hosts", __name__, url_prefix="/workflows/<int:workflow_id>/hosts")


@blueprint.post("")
@permit("configure a workflow")
def try_again(workflow_id: int) -> AnyResponse:
    """Any member may, also for Panoptes: all that it costs the host is one call."""
    host = request.form.get("host", "")
    with reading() as session:
        workflow = session.get_one(Workflow, workflow_id)
        panoptes = tasks.panoptes_host()
        found = hosts_of(session, workflow, panoptes=panoptes, now=parts.now())
    if host not in {one.name for one in found}:
        flash("No effect of this workflow goes there.")
    elif freezing.try_host(workflow_id, host):
        flash(f"{host} is tried again.")
    else:
        flash(f"Nothing is held back for {host}.")
    return redirect(url_for("workflows.show", workflow_id=workflow_id))
