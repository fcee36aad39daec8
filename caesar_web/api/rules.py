"""Rules for clients: all of a kind, one, adding, changing and removing one."""

import json
import re
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from caesar_web.access import configuring
from caesar_web.access.negotiation import wants_page
from caesar_web.access.permissions import permit
from caesar_web.api import bodies, rendering
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.pipeline.configuring import Place, Unknown, find
from caesar_web.pipeline.rule_saving import RuleWanted
from caesar_web.store.configuration import SubjectRule, UserRule
from caesar_web.store.effects import AnyRule
from caesar_web.store.queries import reading

blueprint = Blueprint("rules_api", __name__, url_prefix="/workflows/<int:workflow_id>")

TABLES: dict[str, type[AnyRule]] = {"subject_rules": SubjectRule, "user_rules": UserRule}
KIND = "<any(subject_rules, user_rules):kind>"
ID = f"<int(max={LARGEST_ID}):rule_id>"


@blueprint.errorhandler(InvalidConfiguration)
def refused(problem: InvalidConfiguration) -> Response:
    return rendering.refused(422, *map(str, problem.problems))


@blueprint.get(f"/{KIND}")
@permit("see a workflow")
def index(workflow_id: int, kind: str) -> AnyResponse:
    """All rules of a kind, in their order; people find them on the page of rules."""
    if wants_page():
        return redirect(url_for("rules.index", workflow_id=workflow_id))
    table: Any = TABLES[kind]
    wanted = select(table).filter_by(workflow_id=workflow_id).order_by(table.row_order, table.id)
    with reading() as session:
        return rendering.as_response([rendering.rule(row) for row in session.scalars(wanted)])


def shown(workflow_id: int, kind: str, rule_id: int) -> Response:
    with reading() as session:
        try:
            _, rule, _ = find(session, Place(TABLES[kind], workflow_id, rule_id))
        except Unknown:
            return rendering.not_found(TABLES[kind].__name__, rule_id)
        return rendering.as_response(rendering.rule(rule))


@blueprint.post(f"/{KIND}")
@permit("configure a workflow")
def create(workflow_id: int, kind: str) -> Response:
    """Adds a rule without effects, after the others, and gives it."""
    body = bodies.body_of(kind.removesuffix("s"))
    rule_id = _save(
        Place(TABLES[kind], workflow_id, None), RuleWanted(_condition(body, None)), body
    )
    return shown(workflow_id, kind, rule_id)


@blueprint.route(f"/{KIND}/{ID}", methods=["PUT", "PATCH"])
@permit("configure a workflow")
def update(workflow_id: int, kind: str, rule_id: int) -> Response:
    """Changes the condition; the effects stay as they are."""
    place = Place(TABLES[kind], workflow_id, rule_id)
    body = bodies.body_of(kind.removesuffix("s"))
    try:
        with reading() as session:
            _, rule, _ = find(session, place)
            effects = tuple((one.id, EffectRow(one.action, one.config)) for one in rule.effects)
            before = rule.condition
        _save(place, RuleWanted(_condition(body, before), effects), body)
    except Unknown:
        return rendering.not_found(TABLES[kind].__name__, rule_id)
    return shown(workflow_id, kind, rule_id)


@blueprint.delete(f"/{KIND}/{ID}")
@permit("configure a workflow")
def remove(workflow_id: int, kind: str, rule_id: int) -> Response:
    """Removes a rule and its effects."""
    try:
        configuring.remove_rule(Place(TABLES[kind], workflow_id, rule_id))
    except Unknown:
        return rendering.not_found(TABLES[kind].__name__, rule_id)
    where = url_for("workflows.show", workflow_id=workflow_id) + "#rules"
    return rendering.no_content(location=where)


def _condition(body: dict[str, Any], before: str | None) -> str:
    """The JSON text of the condition in a body: as a list, or as text and then to the letter."""
    if "condition_string" in body:
        text = body["condition_string"]
        if not isinstance(text, str):
            raise InvalidConfiguration([Problem("condition_string", "must be text")])
        return text
    if "condition" in body:
        return json.dumps(body["condition"])
    if before is None:
        raise InvalidConfiguration([Problem("condition", "can't be blank")])
    return before


def _save(place: Place, wanted: RuleWanted, body: dict[str, Any]) -> int:
    """Saves a rule; what is wrong with its condition is told by the name that the body has."""
    name = "condition_string" if "condition_string" in body else "condition"
    try:
        return configuring.save_rule(place, wanted)
    except InvalidConfiguration as problem:
        raise InvalidConfiguration(
            one._replace(place=re.sub("^if", name, one.place)) for one in problem.problems
        ) from None
