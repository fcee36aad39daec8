"""Pages of a workflow's actions: looking through them, why one was decided, doing them again."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse
from wtforms.fields.choices import SelectChoice

from caesar_web.access import acting_again, parts
from caesar_web.access.permissions import permit
from caesar_web.domain.conditions import parse_text
from caesar_web.domain.effects import EFFECTS, panoptes_id
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.options import Unreadable
from caesar_web.domain.references import references
from caesar_web.domain.traced_conditions import condition_of
from caesar_web.domain.whys import Why, from_json
from caesar_web.jobs import tasks
from caesar_web.pipeline.configuring import Unknown
from caesar_web.pipeline.host_lights import hosts_of
from caesar_web.store import action_pages
from caesar_web.store import action_repeats as repeats
from caesar_web.store.action_pages import OF, Cursor, Wanted
from caesar_web.store.action_repeats import AnyAction
from caesar_web.store.configuration import SubjectRule, UserRule, Workflow
from caesar_web.store.effects import AnyEffect
from caesar_web.store.queries import reading
from caesar_web.web import acts, forms
from caesar_web.web.pages import page

PAGE_SIZE = 50
MOST_RETRIED = 1000  # of each kind, by one press of a button
KEPT = ("state", "effect", "rule", "subject", "before")  # of the address, from page to page

blueprint = Blueprint("activity", __name__, url_prefix="/workflows/<int:workflow_id>/activity")


@blueprint.get("")
@permit("see a workflow")
def index(workflow_id: int) -> Response:
    with reading() as session:
        form = _filter(session, workflow_id)
        wanted = _wanted(form)
        found = action_pages.page(session, workflow_id, wanted, before=_before(), most=PAGE_SIZE)
        failed = action_pages.failed_ids(session, workflow_id, wanted, most=MOST_RETRIED)
        workflow, panoptes = session.get_one(Workflow, workflow_id), tasks.panoptes_host()
        hosts = hosts_of(session, workflow, panoptes=panoptes, now=parts.now())
        older = found.older and f"{found.older.subjects}-{found.older.users}"
        template = "_acts" if request.args.get("part") == "acts" else "index"
        return page(
            f"activity/{template}.html",
            status=422 if form.errors else 200,
            form=form,
            acts=acts.shown(session, workflow_id, found.acts),
            failed=sum(map(len, failed.values())),
            is_more=any(len(ids) == MOST_RETRIED for ids in failed.values()),
            wanted=wanted,
            waits=[host for host in hosts if host.waiting],
            this=_address(workflow_id),
            newest=_address(workflow_id, before=None),
            older=older and _address(workflow_id, before=older),
            part=_address(workflow_id, part="acts"),
        )


@blueprint.post("")
@permit("configure a workflow")
def retry(workflow_id: int) -> AnyResponse:
    """Lets actions be tried again: one, or all that failed of those that the filter shows."""
    of, _, action_id = request.form.get("retry", "").partition("-")
    if of == "these":
        with reading() as session:
            wanted = _wanted(_filter(session, workflow_id))
            ids = action_pages.failed_ids(session, workflow_id, wanted, most=MOST_RETRIED)
    elif of in OF and action_id.isdecimal() and len(action_id) < 20:
        ids = {of: [int(action_id)]}
    else:
        raise BadRequest
    _retry(workflow_id, ids)
    return redirect(_address(workflow_id))


@blueprint.get("/<any(subjects, users):of>/<int:action_id>")
@permit("see a workflow")
def show(workflow_id: int, of: str, action_id: int) -> Response:
    with reading() as session:
        act = action_pages.find(session, workflow_id, of, action_id)
        row = repeats.action_of(session, OF[of], workflow_id, action_id) if act else None
        if act is None or row is None:
            raise NotFound
        effect = repeats.effect_of(session, OF[of], workflow_id, row.effect_id)
        return page(
            "activity/show.html",
            shown=acts.shown(session, workflow_id, [act])[0],
            why=_why(session, of, row, effect),
            now=effect and acts.in_words(effect.action, effect.config),
            has_changed=effect is not None and effect.revision != row.effect_revision,
        )


@blueprint.post("/<any(subjects, users):of>/<int:action_id>")
@permit("configure a workflow")
def again(workflow_id: int, of: str, action_id: int) -> AnyResponse:
    """Tries an action again that failed, or does once more what one did."""
    if action_id > LARGEST_ID:
        raise NotFound
    if request.form.get("do") == "retry":
        _retry(workflow_id, {of: [action_id]})
    else:
        try:
            action_id = acting_again.act_again(OF[of], workflow_id, action_id)
        except Unknown:
            raise NotFound from None
        flash("It is decided once more, and soon done.")
    to = url_for("activity.show", workflow_id=workflow_id, of=of, action_id=action_id)
    return redirect(to)


def _retry(workflow_id: int, ids: dict[str, list[int]]) -> None:
    counts = [acting_again.retry_actions(OF[of], workflow_id, ids[of]) for of in ids if ids[of]]
    number = sum(counts)
    if not number:
        flash("Nothing of that has failed. It may have been tried again meanwhile.")
    else:
        flash("It is tried again." if number == 1 else f"{number:,} actions are tried again.")


def _filter(session: Session, workflow_id: int) -> forms.ActivityFilter:
    """The filter that the address says; the form says what is wrong with it."""
    numbers = action_pages.rule_numbers(session, workflow_id)
    form = forms.ActivityFilter(request.args)
    effects = (SelectChoice(name, name.replace("_", " ")) for name in EFFECTS)
    form.effect.choices = [SelectChoice("", "any"), *effects]
    rules = (
        SelectChoice(f"{of}-{id}", acts.rule_name((of, id), number))
        for (of, id), number in numbers.items()
    )
    form.rule.choices = [SelectChoice("", "any"), *rules]
    form.validate()
    return form


def _wanted(form: forms.ActivityFilter) -> Wanted:
    subject_id, rule = None, None
    try:
        subject_id = panoptes_id(form.subject.data.strip()) if form.subject.data else None
    except Unreadable as problem:
        form.subject.errors = [f"This {problem}."]
    if form.rule.data and not form.rule.errors:
        of, _, id = form.rule.data.partition("-")
        rule = (of, int(id))
    return Wanted(
        (not form.state.errors and form.state.data) or None,
        (not form.effect.errors and form.effect.data) or None,
        subject_id,
        rule,
    )


def _before() -> Cursor:
    """Where the page begins; at the newest where the address makes no sense."""
    given = request.args.get("before", "").split("-")
    if len(given) != 2 or not all(id.isascii() and id.isdecimal() for id in given):
        return Cursor()
    return Cursor(*(min(int(id[:19]), LARGEST_ID) for id in given))


def _address(workflow_id: int, **changes: str | None) -> str:
    """This page's address with other arguments."""
    kept = {name: request.args.get(name) or None for name in KEPT}
    arguments: dict[str, Any] = {**kept, **changes}
    return url_for("activity.index", workflow_id=workflow_id, **arguments)


def _why(session: Session, of: str, row: AnyAction, effect: AnyEffect | None) -> Why | None:
    """Why it was decided: in the rule's words, or in the trace's own where the rule has changed."""
    traced = condition_of(row.trace)
    if traced is None:
        return None
    table: Any = SubjectRule if of == "subjects" else UserRule
    rule = session.get(table, row.rule_id) if effect else None
    condition = parse_text(rule.condition) if rule else None
    is_same = (
        effect is not None
        and effect.revision == row.effect_revision
        and condition is not None
        and references(traced) <= references(condition)
    )
    return from_json(condition if is_same and condition else traced, row.trace)
