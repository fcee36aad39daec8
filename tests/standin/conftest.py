"""The stand-in that the tests share: one server, the seeded world for each test."""

from collections.abc import Iterator

import pytest

from tests.standin.server import StandinServer


@pytest.fixture(scope="session")
def standin_server() -> Iterator[StandinServer]:
    with StandinServer() as server:
        yield server


@pytest.fixture
def standin(standin_server: StandinServer) -> StandinServer:
    standin_server.reset()
    return standin_server
