"""Pages of workflows: those that are mine, one of them, adding one, its settings."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields.choices import SelectChoice

from caesar_web.access import choices, configuring, membership, parts, wordings
from caesar_web.access.adding import NotYours, add_workflow
from caesar_web.access.identity import identity
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.access.settings import choose_queue, served_queues
from caesar_web.api import workflows as api
from caesar_web.domain.documents import SETTINGS, read_document
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.lights import NOTHING_YET
from caesar_web.domain.options import Unreadable
from caesar_web.jobs import tasks
from caesar_web.pipeline.configuring import ChangedMeanwhile
from caesar_web.pipeline.host_lights import hosts_of
from caesar_web.store import action_pages, alarm_statements
from caesar_web.store.action_pages import Cursor, Wanted
from caesar_web.store.configuration import Workflow
from caesar_web.store.fingerprints import fingerprint_of_settings
from caesar_web.store.queries import reading
from caesar_web.web import acts, forms, listed, run_views
from caesar_web.web.flow import flow
from caesar_web.web.pages import page

CHANGED = (
    "Somebody else has changed these settings since you opened them. Save once more to put yours in"
    " the place of theirs."
)
LATEST = 8  # actions on a workflow's page

blueprint = Blueprint("workflows", __name__, url_prefix="/workflows")

NOT_YOURS = (
    "There is no such workflow, or it belongs to a project in which you are neither owner nor"
    " collaborator."
)


@blueprint.get("")
@permit("list my workflows")
def index() -> Response:
    """Those workflows that are yours, by id."""
    if not wants_page():
        return api.listed()
    project_ids = membership.projects()
    with reading() as session:
        return page("workflows/index.html", workflows=listed.workflows(session, project_ids))


@blueprint.route("/new", methods=["GET", "POST"])
@permit("add a workflow")
def new() -> AnyResponse:
    form = forms.AddWorkflow.of_page()
    if form.is_submitted() and form.validate() and (workflow_id := _added(form)):
        return redirect(url_for("workflows.show", workflow_id=workflow_id))
    return page(
        "workflows/new.html",
        form=form,
        found=choices.workflows_to_add(),
        status=422 if form.errors else 200,
    )


@blueprint.post("")
@permit("add a workflow")
def create() -> Response:
    """Adds a workflow for a client; the page has an address of its own."""
    return api.created()


@blueprint.get("/<int:workflow_id>")
@permit("see a workflow")
def show(workflow_id: int) -> Response:
    """One workflow, with how much there is of everything."""
    if not wants_page():
        return api.shown(workflow_id)
    is_part = request.args.get("part") == "recent"
    reworded = [] if is_part else wordings.changed(workflow_id)
    with reading() as session:
        workflow = session.get_one(Workflow, workflow_id)
        if is_part:
            return page("workflows/_recent.html", **_recent(session, workflow))
        return page(
            "workflows/show.html",
            flow=flow(session, workflow),
            hosts=hosts_of(session, workflow, panoptes=tasks.panoptes_host(), now=parts.now()),
            start=_start(workflow_id),
            reworded=reworded,
            alarms=alarm_statements.open_ones(session, workflow_id),
            **_recent(session, workflow),
        )


@blueprint.route("/<int:workflow_id>", methods=["PUT", "PATCH"])
@permit("configure a workflow")
def update(workflow_id: int) -> Response:
    """Changes a workflow's settings."""
    return api.changed(workflow_id)


@blueprint.route("/<int:workflow_id>/settings", methods=["GET", "POST"])
@permit("configure a workflow")
def settings(workflow_id: int) -> AnyResponse:
    current = _settings(workflow_id)
    queue = current["queue"]
    form = _with_queues(forms.Settings.of_page(**current | {"status": ""}), queue)
    if form.is_submitted() and form.validate():
        try:
            changed = _save(form, workflow_id)
        except ChangedMeanwhile:
            _tell_of_change(form, _settings(workflow_id))
        else:
            flash("The settings are saved." if changed else "The settings were so already.")
            run_views.tell_of_kept(workflow_id)
            return redirect(url_for("workflows.settings", workflow_id=workflow_id))
    return page(
        "workflows/settings.html",
        form=form,
        queue=queue,
        status=422 if form.errors else 200,
    )


def _settings(workflow_id: int) -> dict[str, Any]:
    """The settings as they are, by the fields of their form."""
    with reading() as session:
        row = session.get_one(Workflow, workflow_id)
        current = {each: getattr(row, each) for each in SETTINGS}
        return {
            **current,
            "queue": row.custom_queue_name,
            "expected": fingerprint_of_settings(row),
        }


def _tell_of_change(form: forms.Settings, current: dict[str, Any]) -> None:
    """Says what somebody else has saved meanwhile; what was typed stays."""
    form.expected.data = current["expected"]
    form.rules_applied.errors = [CHANGED]
    for field in form:
        is_other = field.name in current and (field.data or None) != (current[field.name] or None)
        if is_other and field.name not in ("expected", "status"):
            words = forms.saved_words(field, current[field.name])
            field.errors = [*field.errors, f"{field.label.text}: {words}"]


def _start(workflow_id: int) -> tuple[str, str]:
    """The one next step where nothing is configured yet: its address, and what it is called."""
    return url_for("proposals.propose", workflow_id=workflow_id), "Propose a configuration"


def _recent(session: Session, workflow: Workflow) -> dict[str, Any]:
    """What moves on a workflow's page: how much there is of everything, and the latest actions."""
    found = action_pages.page(session, workflow.id, Wanted(), before=Cursor(), most=LATEST)
    return {
        "figures": listed.WorkflowListed(workflow, NOTHING_YET, None),
        "acts": acts.shown(session, workflow.id, found.acts),
    }


def _with_queues(form: forms.Settings, queue: str | None) -> forms.Settings:
    """The form with the queues that there are; without them for all but administrators."""
    caller = identity()
    if caller is None or not caller.acts_as_admin:
        del form.queue
        return form
    names = dict.fromkeys([*served_queues(), *([queue] if queue else [])])
    form.queue.choices = [SelectChoice("", "everybody’s"), *map(SelectChoice, names)]
    form.queue.default = ""
    form.queue.data = form.queue.data or ""
    return form


def _save(form: forms.Settings, workflow_id: int) -> bool:
    """Whether the settings that were sent change anything."""
    wanted = {each: form[each].data for each in SETTINGS if each != "status" or form.status.data}
    changed = configuring.apply(
        workflow_id, read_document(wanted), expected=form.expected.data or None
    )
    if "queue" in form and choose_queue(workflow_id, form.queue.data or None):
        changed = True
    return changed


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
