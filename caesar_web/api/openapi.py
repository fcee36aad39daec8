"""GET /openapi.json: what programs can ask for, written from the routes themselves."""

import re
from collections.abc import Iterator
from inspect import getdoc
from itertools import product
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app
from werkzeug.routing import Rule

from caesar_web.access.permissions import PERMISSIONS, Permission, Who, declared, permit
from caesar_web.api.openapi_bodies import BODIES
from caesar_web.api.openapi_operations import Operation, operation_of
from caesar_web.api.openapi_schemas import ANSWERS, ID, Schema, ref
from caesar_web.api.rendering import as_response
from caesar_web.jobs import tasks

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PLACEHOLDER = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")
ABOUT = (
    "Members of bodies and parameters that nothing is known of are passed over. Bodies may also"
    " come as form fields. What is not yours is not there."
)
SCHEMES: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of Panoptes."},
    "stream": {"type": "http", "scheme": "basic", "description": "The stream's own password."},
    "metrics": {"type": "http", "scheme": "bearer", "description": "CAESAR_METRICS_TOKEN."},
}
OWN_SCHEMES: dict[str, list[Schema]] = {
    "post to the stream": [{"stream": []}],
    "read the metrics": [{}, {"metrics": []}],
}
STATUSES: dict[int, tuple[str, str]] = {  # what it means, and the schema of what comes with it
    302: ("It is here already.", ""),
    304: ("What the caller has is still so.", ""),
    400: ("The request cannot be read.", "Error"),
    401: ("Nobody, or somebody who may not.", ""),
    403: ("It is not there, or not the caller's.", ""),
    404: ("There is no such thing, or it is not the caller's.", "Error"),
    413: ("The body is too large.", "Error"),
    422: ("What is wrong, a sentence for each problem.", "Errors"),
    429: ("Too many of them are waiting.", "Errors"),
    503: ("Something that this needs is away.", "Error"),
}

blueprint = Blueprint("openapi", __name__)


class Route(NamedTuple):
    """A route for programs: one method of one path of a rule."""

    rule: Rule
    method: str
    path: str
    parameters: list[Schema]
    topic: str
    operation: Operation

    @property
    def takes(self) -> str:
        """The name of its body's schema."""
        return "" if self.method == "GET" else self.operation.takes


class Description(dict[str, Any]):
    """The document; one of these for each process."""


@blueprint.get("/openapi.json")
@permit("read the API's description")
def described() -> Response:
    """This description, as OpenAPI 3.1."""
    return as_response(tasks.once(Description, lambda: Description(describe())))


def describe() -> dict[str, Any]:
    """The document of the current application's routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(routes(), key=lambda each: (each.path, METHODS.index(each.method))):
        paths.setdefault(route.path, {})[route.method.lower()] = _described(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "caesar_web", "version": "1", "description": ABOUT},
        "paths": paths,
        "components": {"schemas": ANSWERS | BODIES, "securitySchemes": SCHEMES},
    }


def routes() -> Iterator[Route]:
    """The current application's routes for programs, which `operation_of` tells from pages."""
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        for method in (rule.methods or set()) & set(METHODS):
            operation = operation_of(method, rule.endpoint, view.__module__)
            if operation is not None:
                for path, parameters, topic in _paths(rule):
                    yield Route(rule, method, path, parameters, topic, operation)


def _paths(rule: Rule) -> Iterator[tuple[str, list[Schema], str]]:
    """The paths of a rule, one for each word that `any` allows; their parameters and topics."""
    parts = PLACEHOLDER.findall(rule.rule)
    words = [
        re.split(r",\s*", arguments) if converter == "any" else [f"{{{name}}}"]
        for converter, arguments, name in parts
    ]
    parameters = [_parameter(name, converter) for converter, _, name in parts if converter != "any"]
    frame = PLACEHOLDER.sub("{}", rule.rule)
    for chosen in product(*words):
        topic = (rule.defaults or {}).get("topic")
        yield frame.format(*chosen), parameters, topic or _topic(chosen)


def _parameter(name: str, converter: str | None) -> Schema:
    text = {"type": "string", "pattern": "^[^/]+$"}
    schema = ID if converter == "int" else text
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _topic(chosen: tuple[str, ...]) -> str:
    return "user" if "user_rules" in chosen else "subject"


def _described(route: Route) -> dict[str, Any]:
    """One operation as OpenAPI has it."""
    action, operation = declared(route.rule.endpoint), route.operation
    permission = PERMISSIONS[action]
    said = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": (getdoc(current_app.view_functions[route.rule.endpoint]) or "").split("\n")[0],
        "description": f"To {action}: {permission.described()}.",
        "parameters": [*route.parameters, *map(_asked, operation.asks)],
        "security": OWN_SCHEMES.get(action, _security(permission)),
        "responses": _responses(route, permission),
    }
    return said | ({"requestBody": _body(operation, route.topic)} if route.takes else {})


def _security(permission: Permission) -> list[Schema]:
    """Whether a token is needed; where anyone may, one may still say who asks."""
    if not permission.for_people:
        return []
    is_open = permission.who is Who.ANYONE or (
        permission.public is not None and permission.opened_to is Who.ANYONE
    )
    return [{}, {"bearer": []}] if is_open else [{"bearer": []}]


def _asked(name: str) -> Schema:
    """A parameter of the query."""
    is_number = name.endswith("_id") or name.startswith("page")
    return {"name": name, "in": "query", "schema": ID if is_number else {"type": "string"}}


def _body(operation: Operation, topic: str) -> Schema:
    bare = ref(_named(operation.takes, topic))
    (example,) = BODIES.get(_named(operation.takes, topic), {}).get("examples", [{}])
    if not operation.within:
        return {"required": True, "content": _json(bare, example=example)}
    name = _named(operation.within, topic)
    wrapped = {"type": "object", "properties": {name: bare}, "required": [name]}
    return {"required": True, "content": _json({"anyOf": [wrapped, bare]}, example={name: example})}


def _responses(route: Route, permission: Permission) -> dict[str, Any]:
    gives, status = _named(route.operation.gives, route.topic), route.operation.status
    success = {"description": "It is done." if status == 204 else "What was asked for."}
    refusals = {
        *(400, 401, 503),
        *route.operation.also,
        *((304,) if route.method == "GET" and gives else ()),
        *((413, 422) if route.takes else ()),
        *((404,) if route.parameters else ()),
    }
    if not permission.for_people:
        refusals -= {401, 503} - {*route.operation.also}
    return {
        str(status): success | ({"content": _json(ref(gives))} if gives else {}),
        **{
            str(status): _refusal(status, is_silent=route.operation.is_silent and status == 404)
            for status in sorted(refusals)
        },
    }


def _refusal(status: int, *, is_silent: bool) -> Schema:
    meaning, name = STATUSES[status]
    has_body = name and not is_silent
    return {"description": meaning} | ({"content": _json(ref(name))} if has_body else {})


def _json(schema: Schema, **more: Any) -> Schema:
    return {"application/json": {"schema": schema, **more}}


def _named(name: str, topic: str) -> str:
    return name.format(topic=topic, Topic=topic.capitalize())
