"""A worker begins no call to Panoptes so late that another may have taken over its actions."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from caesar_web.domain.gates import Gate
from caesar_web.external.http import GuardedClient
from caesar_web.panoptes.client import Panoptes
from caesar_web.pipeline import actions
from caesar_web.pipeline.actions import Patience
from caesar_web.pipeline.calls import Means
from caesar_web.pipeline.gates import Hosts
from caesar_web.store.action_statements import Claim
from tests.factories import SEALER, START
from tests.standin.server import StandinServer

HALF_A_LEASE = timedelta(seconds=30)
PATIENCE = Patience(25, random.Random(1))


@pytest.fixture
def panoptes(standin: StandinServer) -> Iterator[Panoptes]:
    client = Panoptes(standin.url, standin.client_id, standin.client_secret)
    yield client
    client.close()


def claim(id: int, reason: str) -> Claim:
    """A subject of its own, with a call of its own."""
    return Claim(id, 100, 1000 + id, "retire_subject", {"reason": reason}, 1)


def retired(standin: StandinServer) -> list[int]:
    log = standin.log("/retired_subjects$", "POST")
    return [id for entry in log for id in entry["body"]["subject_ids"]]


def perform(panoptes: Panoptes, *, each_takes: timedelta) -> list[tuple[int, str, datetime]]:
    passed = timedelta()

    def clock() -> datetime:
        nonlocal passed
        passed += each_takes
        return START + passed

    outcomes = actions.perform(
        Means(panoptes, GuardedClient(http_to_loopback=False), SEALER),
        [claim(1, "consensus"), claim(2, "human"), claim(3, "other")],
        project_id=10,
        patience=PATIENCE,
        hosts=Hosts({}, lambda host, outcomes, error: Gate(outcomes)),
        clock=clock,
        begin_until=START + HALF_A_LEASE,
        is_frozen=lambda: False,
    )
    return [(outcome.id, outcome.status, outcome.not_before) for outcome in outcomes]


def test_what_is_late_is_given_back_at_once(panoptes: Panoptes, standin: StandinServer) -> None:
    outcomes = perform(panoptes, each_takes=timedelta(seconds=8))  # looks thrice at each
    assert [outcome[:2] for outcome in outcomes] == [
        (1, "completed"),
        (2, "pending"),
        (3, "pending"),
    ]
    assert [moment - START for _, _, moment in outcomes[1:]] == [
        timedelta(seconds=40),
        timedelta(seconds=56),
    ]
    assert retired(standin) == [1001]


def test_what_is_in_time_is_performed(panoptes: Panoptes, standin: StandinServer) -> None:
    outcomes = perform(panoptes, each_takes=timedelta(seconds=1))
    assert {status for _, status, _ in outcomes} == {"completed"}
    assert retired(standin) == [1001, 1002, 1003]
