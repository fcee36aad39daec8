"""Reductions for clients, of subjects and of users: reading them, and writing them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from caesar_web.access import pushing
from caesar_web.access.permissions import permit
from caesar_web.access.pushing import Missing
from caesar_web.api import bodies, conditional, rendering
from caesar_web.domain.effects import panoptes_id
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.grouping import DEFAULT_SUBGROUP
from caesar_web.domain.options import Unreadable
from caesar_web.pipeline.pushing import PushedReduction
from caesar_web.store import queries
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.snapshot import Reducible

blueprint = Blueprint("reductions", __name__)

View = Callable[..., Response]
OWNERS = {"Workflow": "/workflows/<int:workflow_id>", "Project": "/projects/<int:project_id>"}
NAMES = {SUBJECT: "subject_reduction", USER: "user_reduction"}
SAID = ("subject_id", "user_id", "subgroup")  # of a body, beside its data


class Sent(NamedTuple):
    """A reduction in a body: of whom, and its members."""

    target: Any
    subgroup: Any
    data: Any


@blueprint.errorhandler(Missing)
def not_found(problem: Missing) -> Response:
    return rendering.not_found(*problem.args)


@blueprint.errorhandler(Unreadable)
def refused(problem: Unreadable) -> Response:
    return rendering.refused(422, str(problem))


def _routes(owner: str, *paths: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View], View]:
    def register(view: View) -> View:
        for path in paths:
            blueprint.add_url_rule(OWNERS[owner] + path, view.__name__, view, methods=methods)
        return view

    return register


OF_SUBJECTS = (
    "/subjects/<int:subject_id>/reductions",
    "/subjects/<int:subject_id>/subject_reductions",
    "/subject_reductions",
    "/reducers/<reducer_key>/reductions",
)
OF_USERS = (
    "/users/<int:user_id>/reductions",
    "/users/<int:user_id>/user_reductions",
    "/user_reductions",
)
WRITTEN = (
    "/reducers/<reducer_key>/reductions",
    "/subject_reductions/<reducer_key>",
    "/subject_reductions/<reducer_key>/reductions",
    "/subject_reductions/<reducer_key>/reductions/nested",
)
WRITTEN_OF_USERS = (
    "/user_reductions/<reducer_key>",
    "/user_reductions/<reducer_key>/reductions",
    "/user_reductions/<reducer_key>/reductions/nested",
)


@_routes("Workflow", *OF_SUBJECTS)
@permit("read reductions")
def of_subject(
    workflow_id: int, subject_id: int | None = None, reducer_key: str | None = None
) -> Response:
    """The reductions of a subject."""
    return _read(Reducible("Workflow", workflow_id), SUBJECT, subject_id, reducer_key)


@_routes("Project", *OF_SUBJECTS)
@permit("read a project's reductions")
def of_subject_in_project(
    project_id: int, subject_id: int | None = None, reducer_key: str | None = None
) -> Response:
    """The reductions of a subject in a project."""
    return _read(Reducible("Project", project_id), SUBJECT, subject_id, reducer_key)


@_routes("Workflow", *OF_USERS)
@permit("read user reductions")
def of_user(workflow_id: int, user_id: int | None = None) -> Response:
    """The reductions of a volunteer."""
    return _read(Reducible("Workflow", workflow_id), USER, user_id, None)


@_routes("Project", *OF_USERS)
@permit("read user reductions")
def of_user_in_project(project_id: int, user_id: int | None = None) -> Response:
    """The reductions of a volunteer in a project."""
    return _read(Reducible("Project", project_id), USER, user_id, None)


@_routes("Workflow", *WRITTEN, methods=("PUT", "PATCH", "POST"))
@permit("configure a workflow")
def write_of_subject(workflow_id: int, reducer_key: str) -> Response:
    """Writes a reduction of this reducer, and gives it."""
    return _write(Reducible("Workflow", workflow_id), SUBJECT, reducer_key)


@_routes("Project", *WRITTEN, methods=("PUT", "PATCH", "POST"))
@permit("configure a project")
def write_of_subject_in_project(project_id: int, reducer_key: str) -> Response:
    """Writes a reduction of this reducer of a project, and gives it."""
    return _write(Reducible("Project", project_id), SUBJECT, reducer_key)


@_routes("Workflow", *WRITTEN_OF_USERS, methods=("PUT", "PATCH", "POST"))
@permit("configure a workflow")
def write_of_user(workflow_id: int, reducer_key: str) -> Response:
    """Writes a volunteer's reduction, and gives it."""
    return _write(Reducible("Workflow", workflow_id), USER, reducer_key)


@_routes("Project", *WRITTEN_OF_USERS, methods=("PUT", "PATCH", "POST"))
@permit("configure a project")
def write_of_user_in_project(project_id: int, reducer_key: str) -> Response:
    """Writes a volunteer's reduction in a project, and gives it."""
    return _write(Reducible("Project", project_id), USER, reducer_key)


def _read(
    reducible: Reducible, topic: Topic, target: int | None, reducer_key: str | None
) -> Response:
    target = bodies.id_or_none(request.args.get(topic.target, "")) if target is None else target
    if target is None or target > LARGEST_ID:
        return rendering.as_response([])
    key = reducer_key or request.args.get("reducer_key")
    with reading() as session:
        wanted = queries.reductions_of(reducible, topic, target, reducer_key=key)
        return conditional.listed(session, wanted, rendering.reduction)


def _write(reducible: Reducible, topic: Topic, reducer_key: str) -> Response:
    """Writes one, and gives it as it is now. The reducer says whose reductions it makes."""
    of_reducer = pushing.topic_of(reducible, reducer_key)
    if of_reducer is not topic and "/reducers/" not in request.path:
        raise Unreadable(f"{reducer_key} makes {of_reducer.reductions.__tablename__}")
    topic = of_reducer
    sent = _sent(topic)
    target = _id(sent.target, topic.target)
    subgroup = _subgroup(sent.subgroup)
    if not isinstance(sent.data, Mapping):
        raise Unreadable("data must be an object")
    given = PushedReduction(reducer_key, target, subgroup, dict(sent.data))
    id = pushing.push_reduction(reducible, topic, given)
    with reading() as session:
        row: Any = session.get_one(topic.reductions, id)
        return rendering.as_response(rendering.reduction(row))


def _sent(topic: Topic) -> Sent:
    """What the body holds: wrapped, bare, or bare data beside what the address says."""
    body = bodies.body_of("reduction")
    body = (
        dict(body.get(NAMES[topic], body))
        if isinstance(body.get(NAMES[topic], body), Mapping)
        else {}
    )
    target = body.get(topic.target, request.args.get(topic.target))
    subgroup = body.get("subgroup", request.args.get("subgroup", DEFAULT_SUBGROUP))
    rest = {name: value for name, value in body.items() if name not in SAID}
    has_data = "data" in rest and (request.method != "POST" or isinstance(rest["data"], Mapping))
    return Sent(target, subgroup, rest["data"] if has_data else _bare(rest))


def _bare(rest: dict[str, Any]) -> Any:
    """A POST may have the data as its members; a PUT without `data` has none."""
    return rest if request.method == "POST" else None


def _id(value: Any, name: str) -> int:
    if value is None:
        raise Unreadable(f"{name} can't be blank")
    try:
        return panoptes_id(value)
    except Unreadable as problem:
        raise Unreadable(f"{name} {problem}") from None


def _subgroup(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise Unreadable("subgroup must be a text of 200 characters at most")
    return value
