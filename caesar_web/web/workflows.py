"""Pages of workflows: those that are mine, one of them, adding one, its settings."""

import json

from flask import Blueprint, Response, flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import configuring, membership
from caesar_web.access.adding import NotYours, add_workflow
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.api import workflows as api
from caesar_web.domain.conditions import InvalidCondition, parse
from caesar_web.domain.documents import SETTINGS, read_document
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.options import Unreadable
from caesar_web.domain.reading import read_rule
from caesar_web.store import queries
from caesar_web.store.configuration import Workflow
from caesar_web.store.effects import AnyRule
from caesar_web.store.queries import reading
from caesar_web.web import forms
from caesar_web.web.pages import page

blueprint = Blueprint("workflows", __name__, url_prefix="/workflows")

NOT_YOURS = (
    "There is no such workflow, or it belongs to a project in which you are neither owner nor"
    " collaborator."
)


@blueprint.get("")
@permit("list my workflows")
def index() -> Response:
    if not wants_page():
        return api.listed()
    project_ids = membership.projects()
    with reading() as session:
        rows = queries.workflows(session, project_ids=project_ids)
        return page("workflows/index.html", workflows=rows)


@blueprint.route("/new", methods=["GET", "POST"])
@permit("add a workflow")
def new() -> AnyResponse:
    form = forms.AddWorkflow.of_page()
    if form.is_submitted() and form.validate() and (workflow_id := _added(form)):
        return redirect(url_for("workflows.show", workflow_id=workflow_id))
    return page("workflows/new.html", form=form, status=422 if form.errors else 200)


@blueprint.post("")
@permit("add a workflow")
def create() -> Response:
    """Adds a workflow for a client; the page has an address of its own."""
    return api.created()


@blueprint.get("/<int:workflow_id>")
@permit("see a workflow")
def show(workflow_id: int) -> Response:
    if not wants_page():
        return api.shown(workflow_id)
    with reading() as session:
        row = session.get_one(Workflow, workflow_id)
        rules: list[AnyRule] = [*row.subject_rules, *row.user_rules]
        return page(
            "workflows/show.html",
            workflow=row,
            reducers=queries.reducers(session, "Workflow", workflow_id),
            readings={rule: _read(rule) for rule in rules},
        )


@blueprint.route("/<int:workflow_id>", methods=["PUT", "PATCH"])
@permit("configure a workflow")
def update(workflow_id: int) -> Response:
    return api.changed(workflow_id)


@blueprint.route("/<int:workflow_id>/settings", methods=["GET", "POST"])
@permit("configure a workflow")
def settings(workflow_id: int) -> AnyResponse:
    with reading() as session:
        row = session.get_one(Workflow, workflow_id)
        current = {each: getattr(row, each) for each in SETTINGS}
    form = forms.Settings.of_page(**current)
    if form.is_submitted() and form.validate():
        document = read_document({each: form[each].data for each in SETTINGS})
        changed = configuring.apply(workflow_id, document)
        flash("The settings are saved." if changed else "The settings were so already.")
        return redirect(url_for("workflows.show", workflow_id=workflow_id))
    return page(
        "workflows/settings.html",
        form=form,
        status=422 if form.errors else 200,
    )


def _added(form: forms.AddWorkflow) -> int | None:
    """The workflow that is here now; None where the form says why it is not."""
    try:
        workflow_id = panoptes_id(form.id.data.strip())
        is_new = add_workflow(workflow_id)
    except Unreadable as problem:
        form.id.errors = [f"This {problem}."]
        return None
    except NotYours:
        form.id.errors = [NOT_YOURS]
        return None
    flash("The workflow is added." if is_new else "This workflow is here already.")
    return workflow_id


def _read(rule: AnyRule) -> str:
    """A rule as one sentence."""
    try:
        return read_rule(parse(json.loads(rule.condition)), rule.effects)
    except (InvalidCondition, ValueError, RecursionError) as problem:
        return f"This condition cannot be read: {problem}"
