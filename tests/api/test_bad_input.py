"""Whatever may come as a body, a member, an id or a parameter: refused with why, never a 500."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from caesar_web.api.openapi import Route
from caesar_web.api.openapi_bodies import BODIES
from caesar_web.domain.reducers import REDUCERS
from tests.api.sample import Sample, address, routes

pytestmark = pytest.mark.long

REFUSED = {400, 401, 403, 404, 413, 422}
EXPLAINED = {400, 413, 422}
NO_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"data": {"a"',
    "no JSON": b"data=1&other",
    "a list": b"[]",
    "a list of objects": b'[{"id": 101}]',
    "null": b"null",
    "a number": b"17",
    "a text": b'"text"',
    "an empty object": b"{}",
    "no UTF-8": b'{"data": "\xff\xfe"}',
    "NaN": b'{"data": {"a": NaN}}',
    "infinity": b'{"data": {"a": -Infinity}}',
    "a number beyond all": b'{"data": {"a": 1e999}}',
    "half of a surrogate pair": b'{"data": {"a": "\\ud800"}}',
    "half of one in a key": b'{"data": {"\\udfff": 1}}',
    "a NUL": b'{"data": {"a": "\\u0000"}}',
    "a number of 401 digits": b'{"data": {"a": 1' + b"0" * 400 + b"}}",
    "a number of 9,000 digits": b'{"id": ' + b"9" * 9000 + b"}",
    "lists 200 deep": b'{"data": ' + b"[" * 200 + b"]" * 200 + b"}",
    "objects 200 deep": b'{"a":' * 200 + b"1" + b"}" * 200,
    "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "lists 100,000 deep, and no end": b"[" * 100_000,
    "5 MB": b'{"data": "' + b"x" * 5 * 1024 * 1024 + b'"}',
}
WRONG = {  # as JSON
    "null": "null",
    "true": "true",
    "zero": "0",
    "a fraction": "1.5",
    "beyond 63 bits": str(2**63),
    "a number of 308 digits": "1" + "0" * 307,
    "an empty text": '""',
    "a word": '"nonsense"',
    "a text of 10,000 letters": json.dumps("x" * 10_000),
    "a number of 4,000 digits as text": json.dumps("9" * 4000),
    "an empty list": "[]",
    "a list": '[1, null, [2], {"a": 1}]',
    "an object": '{"a": {"b": [1, null]}}',
}

IDS = ("0", "-1", "1.5", "x", str(2**63 - 1), str(2**63), "9" * 400, "9" * 5000, "%00", "%ff", "..")
KEYS = ("%00", "%ff%fe", "x" * 5000, "a.b", "%2e%2e", "%F0%9F%A6%81", "{{7*7}}", "'--", "%2500")
TEXTS = ("", "0", "-1", "1e9", "x", str(2**63), "9" * 5000, "%ff", "%00", "[]", "null", "%F0%9F")
HUGE, FORM = 5 * 1024 * 1024, "application/x-www-form-urlencoded"
ODD_FORMS = (
    b"data[a]=1&data=2",
    b"data=1&data[a][b]=2",
    b"[" * 2000 + b"=1",
    b"data%00=1&id=%00",
    b"data=%ff%fe",
    b"data=%ED%A0%80",
    b"id=101&data=" + b"x" * HUGE,
)
EMPTY = ("null", '""')


class Raw(str):
    """Text of JSON, as it is."""


def written(value: Any) -> str:
    """JSON text; where it has Raw in it, that as it is."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(value[key])}" for key in value) + "}"
    return json.dumps(value)


def writes(world: Sample) -> list[Route]:
    """Every route that takes a body; PATCH is answered as PUT is."""
    return [route for route in routes(world.app) if route.takes and route.method != "PATCH"]


def different_bodies(world: Sample) -> list[Route]:
    """One route for each kind of body and method."""
    return list({(route.method, body_name(route)): route for route in writes(world)}.values())


def body_name(route: Route) -> str:
    return route.takes.format(Topic=route.topic.capitalize())


def with_wrong_members(route: Route) -> Iterator[tuple[str, str, str]]:
    """The example of a route's body with each member that is known wrong in each way.

    What is within a member, such as an option in `config`, may be empty: then it is not given. To
    add and to change read it alike; that they do is seen with `make drill`.
    """
    goes_within = route.method == "POST" or "DRILL_TIMES" in os.environ
    schema = BODIES[body_name(route)]
    (example,) = schema["examples"]
    beside = schema["properties"].get("config", {}).get("properties", {})
    members = {name: about for name, about in schema["properties"].items() if name not in beside}
    for name, about in members.items():
        for how, raw in WRONG.items():
            yield name, how, written(example | {name: Raw(raw)})
            for inner in about.get("properties", {}) if goes_within and raw not in EMPTY else ():
                inside = example.get(name, {}) | {inner: Raw(raw)}
                yield inner, how, written(example | {name: inside})


def refused(response: TestResponse, *, or_harmless: bool = False) -> list[str] | None:
    """What a request is refused with; None where it need not be, and was done."""
    if or_harmless and response.status_code < 400:
        return None
    assert response.status_code in REFUSED, response.status_code
    if response.status_code not in EXPLAINED:
        return []  # a 401 or 403 says nothing, a 404 what it is that is not there
    said = response.get_json()["errors"]
    assert said
    assert all(set(one) == {"message"} and one["message"] for one in said)
    return [one["message"] for one in said]


def test_bodies_that_are_none(world: Sample) -> None:
    for route in writes(world):
        for how, body in NO_BODIES.items():
            response = world.ask(route, data=body, content_type="application/json")
            what = f"{how} to {route.method} {route.path}"
            assert refused(response) or route.path.endswith("/import"), what


def test_forms_that_are_none(world: Sample) -> None:
    for route in different_bodies(world):
        for body in ODD_FORMS:
            response = world.ask(route, data=body, content_type=FORM)
            if refused(response, or_harmless=True) is None:
                world.restore()


@pytest.mark.drill
def test_members_that_are_wrong(world: Sample) -> None:
    """What is refused names the member; what is harmless may be done."""
    for route in different_bodies(world):
        for name, how, body in with_wrong_members(route):
            response = world.ask(route, data=body, content_type="application/json")
            said = refused(response, or_harmless=True)
            if said is None:
                world.restore()
            elif said and (name, how) != ("config", "an object"):  # its member is named
                about = f"{name} is {how} in {route.method} {route.path}: {said}"
                assert name in " ".join(said).lower(), about


def test_ids_and_keys_that_are_none(world: Sample) -> None:
    """In the address, one at a time; an extract or reduction of what is not there is in no list."""
    for route in routes(world.app):
        for parameter in route.parameters if route.method != "PATCH" else ():
            is_id = parameter["schema"]["type"] == "integer"
            for odd in IDS if is_id else KEYS:
                path = route.path.replace(f"{{{parameter['name']}}}", odd)
                response = world.ask(route, path=path, json={"data": {}, "subject_id": 1})
                where = f"{route.method} {path[:200]}: {response.status_code}"
                assert response.status_code in {*REFUSED, 405} or response.text == "[]", where


def test_parameters_that_are_wrong(world: Sample) -> None:
    for route in routes(world.app):
        if route.method == "GET" and route.operation.gives.endswith("[]"):
            for name in route.operation.asks:
                for text in TEXTS:
                    response = world.ask(route, path=f"{address(route.path)}?{name}={text}")
                    where = f"{route.path}?{name}={text[:50]}: {response.status_code}"
                    assert response.status_code in {200, 400}, where


SAID = {
    ("PUT", "/workflows/{workflow_id}", '{"status": "asleep"}'): (
        "at status: must be one of: active, paused, halted"
    ),
    ("PUT", "/workflows/{workflow_id}", '{"workflow": {"status": "\\ud800"}}'): (
        "workflow.status holds half of a surrogate pair"
    ),
    ("PUT", "/projects/{project_id}", '{"public_reductions": "perhaps"}'): (
        "public_reductions must be true or false"
    ),
    ("POST", "/projects", '{"id": 9223372036854775808}'): "must be an id (a positive number)",
    ("POST", "/workflows/{workflow_id}/extractors", '{"type": "survey", "key": "a\\u0000"}'): (
        "key holds a NUL character"
    ),
    ("PUT", "/workflows/{workflow_id}/extractors/{part_id}", '{"minimum_workflow_version": []}'): (
        'minimum_workflow_version must be a version such as "12.10"'
    ),
    ("POST", "/workflows/{workflow_id}/reducers", '{"type": "mean", "key": "a"}'): (
        f"Unknown type 'mean'; known: {', '.join(REDUCERS)}"
    ),
    ("POST", "/workflows/{workflow_id}/subject_rules", '{"condition": ["const"]}'): (
        "at condition: const takes exactly one value"
    ),
    ("POST", "/workflows/{workflow_id}/user_rules", '{"condition_string": "[,"}'): (
        "at condition_string: is not JSON: Expecting value: line 1 column 2 (char 1)"
    ),
    (
        "POST",
        "/workflows/{workflow_id}/subject_rules/{rule_id}/subject_rule_effects",
        '{"action": "retire_subject", "config": {"reason": "boredom"}}',
    ): (
        "at config.reason: must be one of: classification_count, flagged, nothing_here, blank, "
        "consensus, other, human"
    ),
    (
        "PUT",
        "/workflows/{workflow_id}/reducers/{reducer_key}/reductions",
        '{"subject_id": 1, "data": {"a": NaN}}',
    ): "data.a is not a finite number",
    (
        "POST",
        "/workflows/{workflow_id}/extractors/{extractor_key}/extracts",
        '{"subject_id": "x", "data": {}}',
    ): "subject_id must be an id (a whole number)",
    ("POST", "/workflows/{workflow_id}/data_requests", '{"requested_data": "everything"}'): (
        "requested_data must be one of: extracts, subject_reductions, user_reductions, "
        "subject_actions, user_actions"
    ),
}


@pytest.mark.parametrize(("method", "path", "body"), SAID)
def test_which_member_is_wrong_and_why(world: Sample, method: str, path: str, body: str) -> None:
    (route,) = [one for one in writes(world) if (one.method, one.path) == (method, path)]
    response = world.ask(route, data=body, content_type="application/json")
    assert refused(response) == [SAID[method, path, body]]
