"""Pages of the trail: who did what, of one workflow for its members, and all for administrators."""

from flask import Blueprint, Response, request

from caesar_web.access.permissions import permit
from caesar_web.domain.events import LARGEST_ID
from caesar_web.store import audit_statements as audit
from caesar_web.store.queries import reading
from caesar_web.web.pages import page

PAGE_SIZE = 50

blueprint = Blueprint("trail", __name__)


@blueprint.get("/trail")
@permit("read the whole trail")
def everything() -> Response:
    return _page(None)


@blueprint.get("/workflows/<int:workflow_id>/trail")
@permit("read a workflow's trail")
def of_workflow(workflow_id: int) -> Response:
    return _page(workflow_id)


def _page(workflow_id: int | None) -> Response:
    before = request.args.get("before", type=int)
    before_id = before if before is not None and 0 < before <= LARGEST_ID else None
    with reading() as session:
        entries = audit.page(
            session, workflow_id=workflow_id, before_id=before_id, most=PAGE_SIZE + 1
        )
        return page(
            "trail.html",
            entries=entries[:PAGE_SIZE],
            older=entries[PAGE_SIZE - 1].id if len(entries) > PAGE_SIZE else None,
            workflow_id=workflow_id,
        )
