"""The page that proposes a configuration from what a workflow asks, to tick, check and accept."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import configuring, drafts
from caesar_web.access.permissions import permit
from caesar_web.access.renewal import PanoptesAway
from caesar_web.access.workflow_tasks import tasks_of
from caesar_web.domain import proposals
from caesar_web.domain.documents import read_document
from caesar_web.domain.merging import Merged
from caesar_web.domain.renaming import Members
from caesar_web.domain.values import InvalidConfiguration, same
from caesar_web.pipeline import trying
from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import load_json
from caesar_web.store.queries import reading
from caesar_web.web import proposal_page
from caesar_web.web.errors import CANNOT_ASK
from caesar_web.web.pages import page
from caesar_web.web.proposal_page import Chosen, Form, Tried

blueprint = Blueprint("proposals", __name__, url_prefix="/workflows/<int:workflow_id>")

NO_TASKS = "This workflow asks nothing yet: give it tasks in the project builder first."
NOTHING_TICKED = "Tick what you want to have."
UNREADABLE = "The configuration that is there cannot be used as it is; mend it first. {}"


@blueprint.route("/propose", methods=["GET", "POST"])
@permit("configure a workflow")
def propose(workflow_id: int) -> AnyResponse:
    found = tasks_of(workflow_id)
    if not found.tasks:
        return _nothing(found.problem or NO_TASKS)
    form: Form | None = request.form if request.method == "POST" else drafts.take()
    with reading() as session:
        current = transfer.show(session, session.get_one(Workflow, workflow_id))
    try:
        choice = proposal_page.chosen(proposals.propose(found.tasks), current, form)
        outcome = proposal_page.plan(current, choice)
        warnings = proposal_page.warnings(current, outcome)
    except InvalidConfiguration as problem:
        return _nothing(UNREADABLE.format(problem))
    answer = _sent(workflow_id, choice, outcome, warnings) if request.method == "POST" else {}
    if not isinstance(answer, dict):
        return answer
    return page(
        "workflows/propose.html",
        **answer,
        tasks=proposal_page.tasks_in_words(found.tasks),
        groups=proposal_page.groups(choice, current, workflow_id=workflow_id),
        not_proposed=choice.proposal.not_proposed,
        warnings=warnings,
        seen=proposal_page.digest(warnings),
    )


def _sent(
    workflow_id: int, choice: Chosen, outcome: Merged, warnings: list[str]
) -> AnyResponse | dict[str, Any]:
    """Where to go once it is saved, or what else the page is to say."""
    is_checking = "check" in request.form
    problems = dict(choice.problems)
    if not (choice.names or is_checking):
        problems["offers"] = [NOTHING_TICKED]
    if problems:
        return {"status": 422, "problems": problems}
    has_seen = request.form.get("seen", "") == proposal_page.digest(warnings)
    if is_checking or not has_seen:
        return {"checked": _checked(workflow_id, outcome), "must_look": not is_checking}
    try:
        return _accept(workflow_id, outcome)
    except InvalidConfiguration as refusal:
        problems["offers"] = [str(one) for one in refusal.problems]
    except PanoptesAway:
        problems["offers"] = [CANNOT_ASK]
    return {"status": 422, "problems": problems}


def _nothing(problem: str) -> Response:
    """The page where there is nothing to propose, and what to do instead."""
    status = 503 if request.method == "POST" else 200
    return page("workflows/propose.html", status=status, problem=problem)


def _checked(workflow_id: int, outcome: Merged) -> dict[str, Any]:
    """What the ticked would add, and what it would do with the subjects that are there."""
    document = read_document(outcome.added)
    tried: list[Tried] = []
    if document.subject_rules:
        with reading() as session:
            sample, _ = trying.sampled(session, workflow_id, document)
        tried = [*proposal_page.tried(outcome.added, sample)]
    return {"added": proposal_page.added_in_words(outcome.added), "tried": tried}


def _accept(workflow_id: int, outcome: Merged) -> AnyResponse:
    """Saves what is new, and only that: the members that nothing is added to stay as they are."""
    members = {name: outcome.document[name] for name in outcome.added}
    if not members or not configuring.apply(workflow_id, read_document(members)):
        flash("All that you ticked is there already. Nothing was changed.")
        return redirect(url_for("workflows.show", workflow_id=workflow_id))
    flash(f"Added: {proposal_page.added_in_words(outcome.added)}.")
    if rules := outcome.added.get("rules_config"):
        return redirect(_address(workflow_id, rules[0]))
    return redirect(url_for("workflows.show", workflow_id=workflow_id))


def _address(workflow_id: int, rule: Members) -> str:
    """Where the newest rule with this condition is."""
    with reading() as session:
        rows = session.get_one(Workflow, workflow_id).subject_rules
        ids = [row.id for row in rows if same(load_json(row.condition), rule["if"])]
    if not ids:  # somebody has changed it meanwhile
        return url_for("workflows.show", workflow_id=workflow_id)
    return url_for("rules.edit", workflow_id=workflow_id, kind="subject_rules", rule_id=max(ids))
