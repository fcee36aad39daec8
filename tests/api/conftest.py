"""What the tests of all routes for programs ask: one application for each of their files."""

from collections.abc import Callable, Iterator

import pytest

from tests.api.sample import Sample, sample
from tests.services import RedisServer
from tests.standin.server import StandinServer


@pytest.fixture(scope="module")
def world(
    new_database: Callable[[str], str],
    standin_server: StandinServer,
    redis_of_session: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sample]:
    standin_server.reset()
    home, url = tmp_path_factory.mktemp("sample"), new_database("sqlite")
    with sample(url, standin_server, redis_of_session.url, home) as made:
        yield made
