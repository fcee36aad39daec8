"""Pages of a workflow's rules: all of them, one in its editor, their order, removing one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from flask import Blueprint, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from caesar_web.access import configuring, drafts, wordings
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit, place
from caesar_web.access.renewal import PanoptesAway
from caesar_web.access.workflow_tasks import tasks_of
from caesar_web.api import rules as api
from caesar_web.domain.documents import read_document
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.merging import merged
from caesar_web.domain.recipe import Recipe
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.rule_order import unused_rules
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline import configuring as changing
from caesar_web.pipeline.configuring import ChangedMeanwhile, Unknown
from caesar_web.pipeline.rule_saving import RuleWanted
from caesar_web.store import transfer
from caesar_web.store.configuration import Workflow
from caesar_web.store.effects import AnyRule
from caesar_web.store.fingerprints import fingerprint
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible, revisions, snapshot
from caesar_web.web import effect_view, part_page, recipes, rule_draft, rule_page, states
from caesar_web.web.errors import CANNOT_ASK
from caesar_web.web.pages import page
from caesar_web.web.readings import read
from caesar_web.web.rule_draft import RuleDraft
from caesar_web.web.rule_page import KINDS, Editing, Looked
from caesar_web.web.states import ACTIVE, state_of

blueprint = Blueprint("rules", __name__, url_prefix="/workflows/<int:workflow_id>")

KIND = "<any(subject_rules, user_rules):kind>"
ID = f"<int(max={LARGEST_ID}):rule_id>"
CHANGED = "Somebody has changed this rule since you opened it. Open it again to see it."
REMOVED = (
    "Somebody has removed this rule since you opened it. Save once more to have it as a new one."
)


@blueprint.get("/rules")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    reworded = wordings.changed(workflow_id)
    with reading() as session:
        workflow = session.get_one(Workflow, workflow_id)
        at = revisions(session, workflow_id)
        now = snapshot(session, at) if at else None
        lists = []
        for kind, described in KINDS.items():
            rows: list[AnyRule] = list(getattr(workflow, kind))
            rules = [(rule, read(rule), state_of(rule)) for rule in rows]
            known = getattr(now, kind) if now else ()
            warnings: dict[int, list[str]] = {}
            for one in unused_rules(known, workflow.rules_applied):
                warnings.setdefault(known[one.position].id, []).append(one.message)
            lists.append((kind, described, rules, warnings))
        return page("rules/index.html", workflow=workflow, lists=lists, reworded=reworded)


@blueprint.route(f"/{KIND}/new", methods=["GET", "POST"])
@permit("configure a workflow")
def new(workflow_id: int, kind: str) -> Response:
    editing = Editing(workflow_id, place().project_id, kind)
    if request.method == "POST":
        return _sent(editing)
    if (draft := _restored(editing)) is None and "recipe" in request.args:
        recipe = RECIPES.get(request.args["recipe"])
        if recipe is None:
            raise NotFound
        try:
            draft = _of_recipe(editing, recipe)
        except InvalidConfiguration as problem:
            return recipes.show_recipe(workflow_id, recipe, request.args, problem.problems)
    looked = _look(editing, draft.also if draft else "")
    return _editor(editing, draft or rule_draft.written(rule_page.beginning(looked.known)), looked)


@blueprint.route(f"/{KIND}/{ID}", methods=["GET", "POST"])
@permit("configure a workflow")
def edit(workflow_id: int, kind: str, rule_id: int) -> Response:
    """One rule, with its condition."""
    if request.method == "POST":
        expected = request.form.get("expected", "")
        return _sent(Editing(workflow_id, place().project_id, kind, rule_id, expected))
    if not wants_page():
        return api.shown(workflow_id, kind, rule_id)
    with reading() as session:
        _, rule, _ = _find(session, workflow_id, kind, rule_id)
        editing = Editing(workflow_id, place().project_id, kind, rule_id, fingerprint(rule))
        kept = rule_draft.of_rule(rule)
    draft = _restored(editing) or kept
    return _editor(editing, draft, _look(editing, draft.also))


@blueprint.post(f"/{KIND}/{ID}/move")
@permit("configure a workflow")
def move(workflow_id: int, kind: str, rule_id: int) -> Response:
    step: Literal[-1, 1] = -1 if request.form.get("step") == "-1" else 1
    try:
        configuring.move_rule(changing.Place(KINDS[kind].table, workflow_id, rule_id), step)
    except Unknown:
        raise NotFound from None
    flash("The rule is moved.")
    return redirect(url_for("rules.index", workflow_id=workflow_id))


@blueprint.post(f"/{KIND}/{ID}/state")
@permit("configure a workflow")
def state(workflow_id: int, kind: str, rule_id: int) -> Response:
    """Pauses, halts or resumes it."""
    states.move(Reducible("Workflow", workflow_id), kind[:-1], rule_id, noun="rule")
    return redirect(url_for("rules.edit", workflow_id=workflow_id, kind=kind, rule_id=rule_id))


@blueprint.route(f"/{KIND}/{ID}/remove", methods=["GET", "POST"])
@permit("configure a workflow")
def remove(workflow_id: int, kind: str, rule_id: int) -> Response:
    """Says what goes with it first."""
    if request.method == "GET":
        with reading() as session:
            _, rule, _ = _find(session, workflow_id, kind, rule_id)
            return page("rules/remove.html", rule=rule, kind=kind, reading=read(rule))
    try:
        configuring.remove_rule(changing.Place(KINDS[kind].table, workflow_id, rule_id))
    except Unknown:
        raise NotFound from None
    flash("The rule is removed. History has it still.")
    return redirect(url_for("rules.index", workflow_id=workflow_id))


def _find(session: Any, workflow_id: int, kind: str, rule_id: int) -> Any:
    try:
        return changing.find(session, changing.Place(KINDS[kind].table, workflow_id, rule_id))
    except Unknown:
        raise NotFound from None


def _restored(editing: Editing) -> RuleDraft | None:
    """What was typed before its author had to sign in again."""
    fields = drafts.take()
    if fields is None:
        return None
    return _draft(fields.to_dict(), _look(editing, fields.get("also", "")))


def _draft(fields: Mapping[str, str], looked: Looked) -> RuleDraft:
    return rule_draft.sent(fields, new=rule_page.beginning(looked.known))


def _look(editing: Editing, also: str) -> Looked:
    """What there is to look at; what a forged form would add is refused."""
    try:
        with reading() as session:
            return rule_page.look(session, editing, also)
    except InvalidConfiguration:
        raise BadRequest from None


def _of_recipe(editing: Editing, recipe: Recipe) -> RuleDraft:
    """A rule as a recipe makes it of the address, with what it needs besides. Raises as `build`."""
    member = KINDS[editing.kind].member
    given = recipes.form_of(editing.workflow_id, recipe, request.args)
    document = recipe.build(given.values())
    if member not in document:
        raise NotFound
    with reading() as session:
        current = transfer.show(session, session.get_one(Workflow, editing.workflow_id))
    result = merged(current, document)
    (made,) = result.added.get(member) or result.already_there[member]
    also = {name: keys for name, keys in result.added.items() if name in rule_page.PENDING}
    draft = rule_draft.written(made["if"], made["then"])
    return replace(draft, also=json.dumps(also) if also else "")


def _sent(editing: Editing) -> Response:
    """The editor after a button, or the rule saved."""
    fields = request.form.to_dict()
    looked = _look(editing, fields.get("also", ""))
    draft = _draft(fields, looked)
    if "save" in request.form and not draft.is_wrong:
        try:
            is_new = _save(editing, draft)
        except InvalidConfiguration as problem:
            draft = rule_draft.refused(draft, problem.problems)
        except ChangedMeanwhile:
            draft = rule_page.with_problem(draft, CHANGED)
        except PanoptesAway:
            draft = rule_page.with_problem(draft, CANNOT_ASK)
        except Unknown:
            editing = _anew(editing)
            draft = rule_page.with_problem(rule_draft.anew(draft), REMOVED)
        else:
            flash("The rule is saved." if is_new else "This rule is here already.")
            return redirect(url_for("rules.index", workflow_id=editing.workflow_id))
    return _editor(editing, draft, looked)


def _anew(editing: Editing) -> Editing:
    """A new rule in the place of one that is gone. Raises NotFound where it is there."""
    with reading() as session:
        try:
            _find(session, editing.workflow_id, editing.kind, editing.rule_id or 0)
        except NotFound:
            return replace(editing, rule_id=None, expected="")
    raise NotFound


def _save(editing: Editing, draft: RuleDraft) -> bool:
    """Saves the rule; False where a new one is there already, as its form was sent twice."""
    kind = KINDS[editing.kind]
    rows = rule_draft.effect_rows(draft, topic=kind.topic)
    if editing.rule_id is None:
        effects = [{"action": row.action, **row.config, **row.secrets} for _, row in rows]
        made = {"if": draft.condition, "then": effects}
        with reading() as session:
            current = transfer.show(session, session.get_one(Workflow, editing.workflow_id))
        result = merged(
            current, {**rule_page.pending(draft.also), KINDS[editing.kind].member: [made]}
        )
        if not result.added:
            return False
        if draft.also:
            document = read_document(result.document)
            return configuring.apply(editing.workflow_id, document, note=draft.note)
    configuring.save_rule(
        changing.Place(kind.table, editing.workflow_id, editing.rule_id),
        RuleWanted(draft.text, tuple(rows)),
        expected=editing.expected or None,
        note=draft.note,
    )
    return True


def _editor(editing: Editing, draft: RuleDraft, looked: Looked) -> Response:
    found = effect_view.offered(draft.effects, project_id=editing.project_id)
    tasks = tasks_of(editing.workflow_id).tasks
    why_id = request.form.get("why", type=int)
    with reading() as session:
        values = rule_page.context(
            session, editing, draft, looked, found=found, tasks=tasks, why_id=why_id
        )
        is_gone = editing.rule_id is None and "rule_id" in (request.view_args or {})
        beginning = url_for("rules.new", workflow_id=editing.workflow_id, kind=editing.kind)
        values["here_only"] = beginning if is_gone else request.path
        values |= _state(session, editing)
        is_part = "X-Part" in request.headers
        values["focus_word"] = "data-focus" if is_part else "autofocus"
        template = "rules/_editor.html" if is_part else "rules/edit.html"
        return page(template, status=422 if draft.is_wrong else 200, **values)


def _state(session: Session, editing: Editing) -> dict[str, Any]:
    """Whether the rule works, and what it can be instead; a new one is active."""
    table: Any = KINDS[editing.kind].table
    row: AnyRule | None = session.get(table, editing.rule_id) if editing.rule_id else None
    own = state_of(row) if row else ACTIVE
    return {"own_state": own, **part_page.states_of(own, "rule")}
