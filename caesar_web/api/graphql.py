"""POST /graphql: how GraphQL comes in and goes out, as its clients have always known it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from graphql import ExecutionResult, GraphQLError, execute_sync, parse, validate

from caesar_web.access.identity import Expired, by_token_alone
from caesar_web.access.permissions import Hidden, NotAllowed, permit
from caesar_web.access.pushing import Missing
from caesar_web.api import rendering
from caesar_web.api.bodies import body_of
from caesar_web.api.graphql_limits import MOST_TOKENS, refuse_costly
from caesar_web.api.graphql_root import Root
from caesar_web.api.graphql_schema import resolve, schema, with_keys_as_text
from caesar_web.api.stream import read_json

MOST_ERRORS = 20

blueprint = Blueprint("graphql", __name__)


@blueprint.errorhandler(Hidden)
@blueprint.errorhandler(Missing)
def not_found(problem: Exception) -> Response:
    """What is not there, or not for whoever asks: not an error of GraphQL's."""
    return Response(status=404, content_type="application/json")


@blueprint.errorhandler(NotAllowed)
@blueprint.errorhandler(Expired)
def refused(problem: Exception) -> Response:
    return Response(status=401, content_type="application/json")


@blueprint.post("/graphql")
@permit("ask GraphQL")
def ask() -> Response:
    """Answers a query: 200 also where it is wrong, with `errors` then."""
    by_token_alone()
    return rendering.as_response(answer(body_of("graphql")))


def answer(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a body with a query gets. Raises what its fields raise: Hidden, Missing, NotAllowed."""
    try:
        result = _execute(body)
    except GraphQLError as problem:
        result = ExecutionResult(None, [problem])
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    answered: dict[str, Any] = {"data": result.data} if result.data is not None else {}
    if result.errors:
        answered["errors"] = [error.formatted for error in result.errors]
    return answered


def _execute(body: Mapping[str, Any]) -> ExecutionResult:
    query, name = body.get("query"), body.get("operationName") or None
    if not isinstance(query, str) or not query.strip():
        raise GraphQLError("No query string was present")
    if name is not None and not isinstance(name, str):
        raise GraphQLError("operationName must be a text")
    variables = _variables(body.get("variables"))
    document = parse(query, max_tokens=MOST_TOKENS)
    refuse_costly(document)
    document = with_keys_as_text(document)
    if errors := validate(schema, document, max_errors=MOST_ERRORS):
        return ExecutionResult(None, errors)
    return execute_sync(
        schema,
        document,
        Root(),
        variable_values=variables,
        operation_name=name,
        field_resolver=resolve,
    )


def _variables(given: Any) -> dict[str, Any]:
    """The variables, which some clients send as a text. Raises GraphQLError."""
    try:
        found = read_json(given.encode()) if isinstance(given, str) and given else given or {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise GraphQLError("variables must be an object")
    return found
