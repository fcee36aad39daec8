"""The page of a workflow's whole configuration as one document: edit it, import it, copy one."""

import json
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import configuring
from caesar_web.access.membership import may_touch
from caesar_web.access.permissions import permit
from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import reading
from caesar_web.web import forms, run_views
from caesar_web.web.pages import page

blueprint = Blueprint("configuration", __name__, url_prefix="/workflows/<int:workflow_id>")

NOTHING_TO_COPY = "There is no such workflow here, or it is not one of yours."


@blueprint.route("/configuration", methods=["GET", "POST"])
@permit("configure a workflow")
def edit(workflow_id: int) -> AnyResponse:
    copy = forms.CopyFrom(request.args if request.method == "GET" else None)
    source_id = _source(copy) if copy.copy_from.data else None
    form = forms.Configuration.of_page(document=_text(source_id or workflow_id))
    if form.is_submitted() and form.validate() and _is_saved(form, workflow_id):
        return redirect(url_for("workflows.show", workflow_id=workflow_id))
    return page(
        "workflows/configuration.html",
        status=422 if form.errors or copy.errors else 200,
        form=form,
        copy=copy,
        copied_from=source_id,
    )


def _is_saved(form: forms.Configuration, workflow_id: int) -> bool:
    """Whether what was sent is the configuration now; the form says why it is not."""
    try:
        changed = configuring.apply(workflow_id, read_document(json.loads(form.document.data)))
    except InvalidConfiguration as problem:
        form.document.errors = [str(each) for each in problem.problems]
        return False
    except (ValueError, RecursionError) as problem:
        form.document.errors = [f"This is not JSON: {problem}"]
        return False
    flash("The configuration is saved." if changed else "The configuration was so already.")
    run_views.tell_of_kept(workflow_id)
    return True


def _source(copy: forms.CopyFrom) -> int | None:
    """The workflow to copy from, if it is the caller's; else the form says why not."""
    try:
        source_id = panoptes_id(copy.copy_from.data.strip())
    except Unreadable as problem:
        copy.copy_from.errors = [f"This {problem}."]
        return None
    with reading() as session:
        source = session.get(Workflow, source_id)
        project_id = None if source is None else source.project_id
    if not may_touch(project_id):
        copy.copy_from.errors = [NOTHING_TO_COPY]
        return None
    return source_id


def _text(workflow_id: int) -> str:
    with reading() as session:
        document: dict[str, Any] = transfer.show(session, session.get_one(Workflow, workflow_id))
    return json.dumps(document, indent=2, ensure_ascii=False)
