"""Pages of a workflow's history: who changed what of its configuration, and restoring it."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import configuring
from caesar_web.access.permissions import permit
from caesar_web.domain.configuration_changes import changes
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline.configuring import Unknown
from caesar_web.store import revisions, transfer
from caesar_web.store.configuration import Revision, Workflow
from caesar_web.store.queries import reading
from caesar_web.web import run_views
from caesar_web.web.pages import page

PAGE_SIZE = 20

blueprint = Blueprint("history", __name__, url_prefix="/workflows/<int:workflow_id>/history")


@dataclass(frozen=True)
class Shown:
    """A revision and what it changed, in English."""

    revision: Revision
    changes: list[str]


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    before = request.args.get("before", type=int)
    before_id = before if before is not None and 0 < before <= LARGEST_ID else None
    with reading() as session:
        found = revisions.page(session, workflow_id, before_id=before_id, most=PAGE_SIZE + 1)
        return page(
            "history/index.html",
            revisions=[Shown(row, _changes(row)) for row in found[:PAGE_SIZE]],
            older=found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
        )


@blueprint.route("/<int:revision_id>/restore", methods=["GET", "POST"])
@permit("configure a workflow")
def restore(workflow_id: int, revision_id: int) -> AnyResponse:
    problems: list[str] = []
    if request.method == "POST":
        try:
            changed = configuring.restore(workflow_id, min(revision_id, LARGEST_ID))
        except Unknown:
            raise NotFound from None
        except InvalidConfiguration as problem:
            problems = [str(each) for each in problem.problems]
        else:
            flash("It is restored." if changed else "The configuration was so already.")
            run_views.tell_of_kept(workflow_id)
            return redirect(url_for("history.index", workflow_id=workflow_id))
    with reading() as session:
        revision = revisions.find(session, workflow_id, min(revision_id, LARGEST_ID))
        if revision is None or revision.after is None:
            raise NotFound
        now: dict[str, Any] = transfer.show(session, session.get_one(Workflow, workflow_id))
        return page(
            "history/restore.html",
            status=422 if problems else 200,
            revision=revision,
            changes=changes(now, revision.after),
            problems=problems,
        )


def _changes(row: Revision) -> list[str]:
    return changes(row.before or {}, row.after or {})
