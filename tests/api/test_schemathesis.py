"""Whatever the API's description allows, and what it forbids, asked by an owner and a stranger."""

import os
from typing import Any, TypeAlias

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.api.sample import OF_ALICE, OF_DAVE, Sample, values
from tests.people import ALICE, BOB

pytestmark = [pytest.mark.long, pytest.mark.drill]

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance]
TIMES = int(os.environ.get("DRILL_TIMES", "1"))  # `make drill` says more
EXAMPLES = {GenerationMode.POSITIVE: TIMES, GenerationMode.NEGATIVE: TIMES}


def modes(operation: Operation) -> list[GenerationMode]:
    """What is wrong can only be sent where there is something to send."""
    is_silent = not (operation.body or operation.query)
    return [GenerationMode.POSITIVE] if is_silent else list(EXAMPLES)


def ask(world: Sample, case: Case[Any], user_id: int) -> str:
    """What somebody is answered; it must be as described, and no fault of ours."""
    response = case.call(headers=world.tokens[user_id])
    case.validate_response(response, checks=CHECKS)
    if case.method != "GET" and response.status_code < 400:
        world.restore()
    return response.text


def explore(world: Sample, operation: Operation, mode: GenerationMode) -> int:
    """Asks for what is Alice's; how often she was shown some of it."""
    known = values(operation.path)
    path = {name: known[name] for name in known if f"{{{name}}}" in operation.path}
    token, shown = world.tokens[ALICE], 0  # given, it makes up no tokens of its own

    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode, path_parameters=path, headers=token))
    def each(case: Case[Any]) -> None:
        nonlocal shown
        of_stranger, of_owner = ask(world, case, BOB), ask(world, case, ALICE)
        assert not OF_ALICE.is_in(of_stranger)
        assert not OF_DAVE.is_in(of_stranger + of_owner)
        shown += OF_ALICE.is_in(of_owner)

    each()
    return shown


def test_nothing_is_a_fault_or_not_as_described_or_of_another_project(world: Sample) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", world.app)
    found = list(schema.get_all_operations())
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(operations) == len(found) > 100
    shown = 0
    for operation in operations:
        if operation.method.upper() != "PATCH":  # as PUT
            shown += sum(explore(world, operation, mode) for mode in modes(operation))
    assert shown > 20  # so that it would be noticed
