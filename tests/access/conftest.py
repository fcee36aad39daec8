"""An application with three projects at the stand-in, and its clock."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.people import PassingTime
from tests.served import three_projects
from tests.standin.server import StandinServer


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(database_url: str, standin: StandinServer, clock: PassingTime) -> Iterator[Flask]:
    with three_projects(database_url, standin, clock=clock) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
