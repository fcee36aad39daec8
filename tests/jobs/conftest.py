"""For drills: what an undisturbed run gives, and an installation. For the rest: a queue."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.jobs import queues, tasks
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.jobs import ringing, stream
from tests.jobs.running import Installation
from tests.jobs.stream import Facts
from tests.pipeline.steps import process, receive
from tests.services import RedisServer, redis_server
from tests.standin.server import StandinServer

Expected = Callable[[int], Facts]


@contextmanager
def entered(database_url: str, standin: StandinServer) -> Iterator[None]:
    """The context of an application on a database, for the test's own look at it."""
    app = create_app(plain_config(database_url=database_url, panoptes_url=standin.url))
    with app.app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="session")
def expected(new_database: Callable[[str], str]) -> Expected:
    """What so many events give when nothing disturbs: all in this process, on PostgreSQL."""

    @cache
    def run(count: int) -> Facts:
        with StandinServer() as standin, entered(new_database("postgresql"), standin):
            return undisturbed(stream.events(count))

    return run


def undisturbed(events: Sequence[Mapping[str, Any]]) -> Facts:
    """What the application makes of them when they stream in and nothing disturbs."""
    stream.configure()
    receive(events)
    assert process(stream.WORKFLOW_ID) == len(events)
    tasks.perform(stream.WORKFLOW_ID)
    return stream.facts()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own, to kill and to freeze."""
    with redis_server(tmp_path / "redis") as server:
        yield server


@pytest.fixture(params=["postgresql"])
def installation(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], str],
    standin: StandinServer,
    own_redis: RedisServer,
    tmp_path: Path,
) -> Iterator[Installation]:
    """An installation that is not started yet, with the workflow of the drills."""
    database_url = new_database(request.param)
    made = Installation(
        tmp_path / "home",
        DATABASE_URL=database_url,
        REDIS_URL=own_redis.url,
        PANOPTES_URL=standin.url,
        CAESAR_HTTP_TO_LOOPBACK="yes",
        CAESAR_TURN_CLASSIFICATIONS="40",
    )
    with entered(database_url, standin):
        stream.configure()
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def redis(redis_of_session: RedisServer) -> Redis:
    connected = queues.connection(redis_of_session.url)
    connected.flushall()
    return connected


@pytest.fixture
def url(redis: Redis, redis_of_session: RedisServer) -> str:
    return redis_of_session.url


@pytest.fixture
def config(database_url: str, url: str, tmp_path: Path) -> Config:
    served = ((queues.CLASSIFICATIONS, 1), (queues.ACTIONS, 1), (ringing.GOLD, 1))
    return plain_config(database_url=database_url, redis_url=url, home=tmp_path, queues=served)


@pytest.fixture
def workflow(app: Flask) -> int:
    return ringing.add_workflow(100)
