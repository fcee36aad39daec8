"""Effects of one rule for clients: all of them, one, adding, changing and removing one."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session

from caesar_web.access import configuring
from caesar_web.access.permissions import permit
from caesar_web.api import bodies, rendering
from caesar_web.domain.effects import read_effect_row
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.pipeline.configuring import Place, Unknown, find
from caesar_web.store.configuration import SubjectRule, UserRule
from caesar_web.store.effects import AnyEffect, AnyRule
from caesar_web.store.queries import reading

blueprint = Blueprint("effects", __name__, url_prefix="/workflows/<int:workflow_id>")

RULES: dict[str, type[AnyRule]] = {"subject": SubjectRule, "user": UserRule}
ID = f"int(max={LARGEST_ID})"
AT = "config"  # where problems are told to be

View = Callable[..., Response]


def _both(path: str, method: str) -> Callable[[View], View]:
    """A route under subject rules, and one under user rules."""

    def register(view: View) -> View:
        for topic in RULES:
            where = f"/{topic}_rules/<{ID}:rule_id>/{topic}_rule_effects{path}"
            methods = ["PUT", "PATCH"] if method == "PUT" else [method]
            blueprint.add_url_rule(
                where, view.__name__, view, methods=methods, defaults={"topic": topic}
            )
        return view

    return register


@blueprint.errorhandler(Unknown)
def not_found(_: Unknown) -> Response:
    """The 404 that names what the path leads to last."""
    named = request.view_args or {}
    rule = f"{named['topic'].capitalize()}Rule"
    if "effect_id" in named:
        return rendering.not_found(f"{rule}Effect", named["effect_id"])
    return rendering.not_found(rule, named["rule_id"])


@blueprint.errorhandler(InvalidConfiguration)
def refused(problem: InvalidConfiguration) -> Response:
    return rendering.refused(422, *map(str, problem.problems))


@_both("", "GET")
@permit("see a workflow")
def index(workflow_id: int, topic: str, rule_id: int) -> Response:
    """All effects of a rule."""
    with reading() as session:
        _, rule, _ = find(session, Place(RULES[topic], workflow_id, rule_id))
        return rendering.as_response([_shape(each, topic) for each in rule.effects])


@_both(f"/<{ID}:effect_id>", "GET")
@permit("see a workflow")
def show(workflow_id: int, topic: str, rule_id: int, effect_id: int) -> Response:
    """One effect; what is secret in it is masked."""
    with reading() as session:
        effect = _there(session, Place(RULES[topic], workflow_id, rule_id, effect_id))
        return rendering.as_response(_shape(effect, topic))


@_both("", "POST")
@permit("configure a workflow")
def create(workflow_id: int, topic: str, rule_id: int) -> Response:
    """Adds an effect to a rule, and gives it."""
    body = bodies.body_of(f"{topic}_rule_effect")
    place = Place(RULES[topic], workflow_id, rule_id)
    effect_id = _save(place, topic, body.get("action"), body.get("config"))
    return show(workflow_id, topic, rule_id, effect_id)


@_both(f"/<{ID}:effect_id>", "PUT")
@permit("configure a workflow")
def update(workflow_id: int, topic: str, rule_id: int, effect_id: int) -> Response:
    """Changes what the body names; the effect is checked as it will be."""
    body = bodies.body_of(f"{topic}_rule_effect")
    place = Place(RULES[topic], workflow_id, rule_id, effect_id)
    with reading() as session:
        effect = _there(session, place)
        action, config = effect.action, effect.config
    _save(place, topic, body.get("action", action), body.get("config", config))
    return Response(status=204, content_type="application/json")


@_both(f"/<{ID}:effect_id>", "DELETE")
@permit("configure a workflow")
def remove(workflow_id: int, topic: str, rule_id: int, effect_id: int) -> Response:
    """Removes an effect."""
    configuring.remove_effect(Place(RULES[topic], workflow_id, rule_id, effect_id))
    where = url_for("workflows.show", workflow_id=workflow_id) + f"/{topic}_rules/{rule_id}/edit"
    return Response(status=204, headers={"Location": where}, content_type="application/json")


def _save(place: Place, topic: str, action: Any, config: Any) -> int:
    problems: list[Problem] = []
    given = {} if config is None else config
    row = read_effect_row(action, given, topic=topic, place=AT, problems=problems)
    if problems:
        raise InvalidConfiguration(problems)
    return configuring.save_effect(place, row, at=AT)


def _there(session: Session, place: Place) -> AnyEffect:
    """The effect that the place names. Raises Unknown."""
    _, _, effect = find(session, place)
    if effect is None:
        raise Unknown(f"{place} names no effect")
    return effect


def _shape(effect: AnyEffect, topic: str) -> dict[str, Any]:
    rule_id = f"{topic}_rule_id"
    return rendering.effect(effect) | {rule_id: getattr(effect, rule_id)}
