"""The API's description: valid, of every route that answers JSON, and true of real answers."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.test import TestResponse

from caesar_web.api.openapi import Route
from caesar_web.api.openapi_operations import OPERATIONS, UNDESCRIBED
from tests.api.sample import Sample, routes
from tests.factories import JSON


@pytest.fixture(scope="module")
def document(world: Sample) -> JSON:
    found: JSON = world.app.test_client().get("/openapi.json").get_json()
    return found


def operations(document: JSON) -> Iterator[tuple[str, str, JSON]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_it_is_valid(document: JSON) -> None:
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_anybody_reads_it_while_everything_else_is_away(world: Sample) -> None:
    response = world.app.test_client().get("/openapi.json")
    assert response.status_code == 200
    assert response.content_type == "application/json; charset=utf-8"


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(document: JSON) -> None:
    found = list(operations(document))
    assert len(found) > 100
    assert [path for _, path, operation in found if not operation["summary"]] == []
    names = Counter(operation["operationId"] for _, _, operation in found)
    assert set(names.values()) == {1}


def test_every_route_has_a_row_of_the_table(world: Sample) -> None:
    """Without one it is in the description, and takes and gives anything."""
    undescribed = [one.path for one in routes(world.app) if one.operation is UNDESCRIBED]
    assert undescribed == []


def test_every_row_of_the_table_is_of_a_route(world: Sample) -> None:
    found = {
        f"{route.method.replace('PATCH', 'PUT')} {route.rule.endpoint}"
        for route in routes(world.app)
    }
    assert set(OPERATIONS) - found == set()


def operation_of(document: JSON, route: Route) -> JSON:
    operation: JSON = document["paths"][route.path][route.method.lower()]
    return operation


def validate(document: JSON, schema: JSON, value: Any) -> None:
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


def validate_answer(document: JSON, route: Route, response: TestResponse) -> None:
    """Whether a status and what comes with it are as the description says."""
    said = operation_of(document, route)["responses"][str(response.status_code)]
    content = said.get("content", {}).get("application/json")
    if content:
        validate(document, content["schema"], response.get_json())
    else:
        assert response.data == b"" or route.path == "/metrics"


def test_examples_do_what_they_are_for_and_answers_are_as_described(
    world: Sample, document: JSON
) -> None:
    for route in routes(world.app):
        said = operation_of(document, route).get("requestBody", {}).get("content", {})
        sent = said.get("application/json", {})
        if sent:
            validate(document, sent["schema"], sent["example"])
        query = "?subject_id=1001&user_id=1000" if route.method == "GET" else ""
        response = world.ask(route, path=route.path + query, json=sent.get("example"))
        assert response.status_code == route.operation.status, f"{route.path}: {response.text}"
        validate_answer(document, route, response)
        if route.method == "GET":
            assert response.text != "[]", route.path
        else:
            world.restore()
