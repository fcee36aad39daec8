"""For tests of routes for programs: who asks, and one application for all routes."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.sample import Sample, sample
from tests.people import ALICE, BOB
from tests.served import script
from tests.services import RedisServer
from tests.standin.server import StandinServer


@pytest.fixture(scope="module")
def world(
    new_database: Callable[[str], str],
    standin_server: StandinServer,
    redis_of_session: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sample]:
    """The sample world, one for all the tests of a file."""
    standin_server.reset()
    home, url = tmp_path_factory.mktemp("sample"), new_database("sqlite")
    with sample(url, standin_server, redis_of_session.url, home) as made:
        yield made


@pytest.fixture
def alice(app: Flask, standin: StandinServer) -> FlaskClient:
    """The owner's script."""
    return script(app, standin, ALICE)


@pytest.fixture
def bob(app: Flask, standin: StandinServer) -> FlaskClient:
    """A stranger's script."""
    return script(app, standin, BOB)
