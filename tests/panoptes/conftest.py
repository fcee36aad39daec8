"""The stand-in Panoptes, with a clock that tests turn, and a client of it."""

from collections.abc import Iterator

import pytest

from caesar_web.panoptes.client import Panoptes
from tests.standin.server import Clock, StandinServer


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def standin_server(clock: Clock) -> Iterator[StandinServer]:
    with StandinServer(now=clock) as server:
        yield server


@pytest.fixture
def standin(standin_server: StandinServer) -> StandinServer:
    standin_server.reset()
    return standin_server


@pytest.fixture
def panoptes(standin: StandinServer, clock: Clock) -> Iterator[Panoptes]:
    client = Panoptes(
        standin.url, standin.client_id, standin.client_secret, timeout=(5, 20), now=clock
    )
    yield client
    client.close()
