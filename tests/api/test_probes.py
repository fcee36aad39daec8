"""Probes: that the process answers, and what of all that it needs is away, hangs or is too old."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.people import BROWSER
from tests.services import RedisServer, redis_server

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
WELL = (200, {"status": "ok", "failing": []})
NOWHERE = {
    "postgresql": "postgresql+psycopg://nobody@/nothing?host=/nowhere",
    "sqlite": "sqlite:////nowhere/caesar.db",
}


@pytest.fixture
def config(database_url: str, redis_url: str, tmp_path: Path) -> Config:
    return plain_config(database_url=database_url, redis_url=redis_url, home=tmp_path)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def version() -> Iterator[Callable[[str | None], None]]:
    """Lets the database say that it is of another version."""
    before = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.remove()

    def become(version: str | None) -> None:
        with db.session.begin():
            db.session.execute(text("DELETE FROM alembic_version"))
            if version is not None:
                insert = text("INSERT INTO alembic_version VALUES (:version)")
                db.session.execute(insert, {"version": version})

    yield become
    become(before)


def said(response: TestResponse) -> tuple[int, object]:
    assert response.content_type == "application/json; charset=utf-8"
    return response.status_code, response.get_json()


def test_all_is_well(client: FlaskClient) -> None:
    assert said(client.get("/readyz")) == WELL
    assert said(client.get("/readyz", headers=BROWSER)) == WELL
    assert said(client.get("/healthz")) == (200, {"status": "ok"})


def test_an_older_schema_is_not_enough_and_a_newer_one_is(
    client: FlaskClient, version: Callable[[str | None], None]
) -> None:
    for older in ("0001", None):
        version(older)
        failing = {"status": "failing", "failing": ["schema"]}
        assert said(client.get("/readyz")) == (503, failing)
    version("of_a_later_release")
    assert said(client.get("/readyz")) == WELL


@pytest.mark.parametrize("kind", NOWHERE)
def test_everything_is_away(kind: str) -> None:
    served = create_app(plain_config(database_url=NOWHERE[kind])).test_client()
    failing = {"status": "failing", "failing": ["database", "schema", "redis"]}
    assert said(served.get("/readyz")) == (503, failing)
    served.set_cookie("caesar_session", "anything")
    assert said(served.get("/healthz", headers=BROWSER)) == (200, {"status": "ok"})


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_redis_hangs(app: Flask, config: Config, tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as server:
        app.extensions["caesar_config"] = replace(config, redis_url=server.url)
        client = app.test_client()
        assert said(client.get("/readyz")) == WELL
        _freezes(server, client)
        assert said(client.get("/readyz")) == WELL


def _freezes(server: RedisServer, client: FlaskClient) -> None:
    server.freeze()
    try:
        began = time.monotonic()
        answer = client.get("/readyz")
        assert time.monotonic() - began < 3
        assert said(answer) == (503, {"status": "failing", "failing": ["redis"]})
    finally:
        server.thaw()


@on_postgresql
def test_the_database_hangs(client: FlaskClient) -> None:
    with db.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        for _ in range(2):
            answer = client.get("/readyz")
            assert said(answer) == (503, {"status": "failing", "failing": ["schema"]})
        assert time.monotonic() - began < 5
    assert _in_the_end(lambda: said(client.get("/readyz")) == WELL)


def _in_the_end(check: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
    return True
